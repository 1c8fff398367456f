"""The course of time on the exchange: who may trade now, and what happens by itself between two commands."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from sandbox.exchange.book import NOTHING, Market
from sandbox.exchange.calendar import Calendar
from sandbox.exchange.checks import not_found
from sandbox.exchange.fees import FeeSchedule
from sandbox.exchange.floor import Floor
from sandbox.exchange.ledger import settled
from sandbox.exchange.shown import shown_book
from sandbox.exchange.state import OrderedPause, State
from sandbox.exchange.timers import Bell, Due, Timers
from sandbox.exchange.types import (
    LifecycleChanged,
    LifecycleEvent,
    MarketLife,
    Order,
    Outcome,
    PauseKind,
    Position,
    Refusal,
    UpdateReason,
)
from sandbox.exchange.world_flow import WorldFlow
from sandbox.feeds import Book, Ladder, MarketFeed
from sandbox.kalshi.lifecycle import SETTLEMENT_TIMER


class Session:
    """Rings the timers in order and lets the world act on the markets members are in."""

    def __init__(self, feed: MarketFeed, state: State, fees: Callable[[str], FeeSchedule]) -> None:
        self.floor = Floor(state, fees)
        self.timers = Timers()
        self._feed = feed
        self._state = state
        self._calendar = Calendar(feed, state.markets, state.now)
        self._flow = WorldFlow(feed, self.floor, lambda at: self.paused(at) is not None)
        self._plan(state.now)
        self.timers.resume(state)

    def advance(self, until: datetime) -> datetime:
        """Everything up to `until`; the instant the exchange then stands at."""
        state = self._state
        if until <= state.now:
            return state.now
        self._plan(until)
        while due := self.timers.pop(until):
            self._move_world(due.at)
            state.now = max(state.now, due.at)
            self._ring(due)
        self._move_world(until)
        state.now = until
        return until

    def paused(self, at: datetime) -> PauseKind | None:
        """What stands still at `at`."""
        return self._calendar.paused(self._state.ordered_pauses, at)

    def world_at(self, at: datetime) -> datetime:
        """The instant whose world is shown at `at`: a pause that a control ordered holds it still."""
        return self._calendar.world_at(self._state.ordered_pauses, at)

    def require_listed(self, ticker: str, at: datetime) -> Ladder:
        """The market's ladder. Raises Refusal 404 when there is no such market yet."""
        ladder = self._calendar.ladder(ticker, at)
        if ladder is None:
            raise not_found()
        return ladder

    def life(self, ticker: str, at: datetime) -> MarketLife:
        """A market as it stands at `at`. Raises Refusal 404."""
        ladder = self.require_listed(ticker, at)
        return self._calendar.life(ladder, ticker, at)

    def trading(self, ticker: str, at: datetime) -> Market:
        """The market with the world's book as it is now. Raises Refusal 409 when it does not trade."""
        self._require_active(ticker, at)
        if self.paused(at):
            raise _paused()
        market = self._market(ticker, at)
        self._flow.look(market, at)
        return market

    def cancelable(self, ticker: str, at: datetime) -> Market:
        """The market of an order that is to go. Raises Refusal 409 after close and in an exchange pause."""
        self._require_active(ticker, at)
        if self.paused(at) == "exchange":
            raise _paused()
        return self._market(ticker, at)

    def cancelable_ids(self, account: str, at: datetime) -> list[str]:
        """The account's resting orders. Raises Refusal 409 in an exchange pause."""
        if self.paused(at) == "exchange":
            raise _paused()
        return [order.order_id for order in self._resting() if order.account == account]

    def shown_book(self, ticker: str, at: datetime) -> Book:
        """What the world and the members show together; empty unless the market trades."""
        return self._book(ticker, at) if self.life(ticker, at).status == "active" else Book()

    def worth(self, position: Position, at: datetime) -> Decimal:
        """Dollars a position would bring: by the result once it is known, before that at the best bid."""
        if not position.count:
            return NOTHING
        result = self.life(position.ticker, at).result
        if result is not None:
            return settled(position, result, at)[1]
        book = self._book(position.ticker, at)
        bids = book.yes_bids if position.count > 0 else book.no_bids
        return abs(position.count) * bids[-1].price if bids else NOTHING

    def pause(self, at: datetime, kind: PauseKind) -> None:
        """Stop, unless something already stands still."""
        if self.paused(at) is None:
            self._state.ordered_pauses.append(OrderedPause(at, None, kind))
            self._cancel_on_pause(at)

    def resume(self, at: datetime) -> None:
        """Go on; what the world quotes by then meets the resting orders."""
        pauses = self._state.ordered_pauses
        if pauses and pauses[-1].ends_at is None:
            pauses[-1].ends_at = at
            self._reopen(at)

    def close(self, ticker: str, at: datetime) -> None:
        """End trading early. Raises ValueError unless the market is open."""
        market = self._in_status(ticker, "active", at)
        market.set_closed_at = at
        self._close(market, at)
        self._tell("close_date_updated", ticker, at)

    def determine(self, ticker: str, result: Outcome, at: datetime) -> None:
        """Decide a closed market. Raises ValueError unless it is closed, and for a second winner of its event."""
        market = self._in_status(ticker, "closed", at)
        if result == "yes":
            self._refuse_second_winner(ticker, at)
        market.set_determined_at, market.set_result = at, result
        self.timers.set(at + SETTLEMENT_TIMER, Bell.FINALIZE, ticker)
        self._tell("determined", ticker, at)

    def _refuse_second_winner(self, ticker: str, at: datetime) -> None:
        for bracket in self.require_listed(ticker, at).brackets:
            if self.life(bracket.ticker, at).result == "yes":
                raise ValueError(f"{bracket.ticker} has won its event already")

    def finalize(self, ticker: str, at: datetime) -> None:
        """Pay a determined market. Raises ValueError unless it is determined."""
        market = self._in_status(ticker, "determined", at)
        market.set_finalized_at = at
        self._settle(ticker, at)

    def _book(self, ticker: str, at: datetime) -> Book:
        return shown_book(self._feed.book(ticker, self.world_at(at)), self._state.markets.get(ticker))

    def _plan(self, at: datetime) -> None:
        now = self._state.now
        self.timers.plan(self._calendar.newly_listed(at), self._calendar.newly_planned(at), now)

    def _move_world(self, until: datetime) -> None:
        for ticker in sorted(self.floor.live):
            market = self._state.markets[ticker]
            if market.is_quiet:
                self.floor.live.discard(ticker)
            else:
                self._flow.catch_up(market, until)

    def _ring(self, due: Due) -> None:
        match due.bell:
            case Bell.EXPIRE:
                account, order_id = due.key
                self._expire(account, order_id, due.at)
            case Bell.CLOSE:
                for ticker in due.key:
                    if market := self._state.markets.get(ticker):
                        self._close(market, due.at)
            case Bell.DETERMINE:
                self._determined(due)
            case Bell.FINALIZE:
                for ticker in due.key:
                    self._settle(ticker, due.at)
            case Bell.PAUSE:
                self._cancel_on_pause(due.at)
            case Bell.RESUME:
                self._reopen(due.at)

    def _expire(self, account: str, order_id: str, at: datetime) -> None:
        order = self._state.accounts[account].orders[order_id]
        if order.status == "resting" and order.expires_at is not None and order.expires_at <= at:
            self._cancel(order, at, "ExpirationCancel")

    def _close(self, market: Market, at: datetime) -> None:
        for order in self._resting(market):
            self._cancel(order, at, "MarketCloseCancel")
        market.bids.world.clear()
        market.asks.world.clear()
        self.floor.live.discard(market.ticker)

    def _determined(self, due: Due) -> None:
        for ticker in due.key:
            if self.life(ticker, due.at).determined_at == due.at:
                self._tell("determined", ticker, due.at)

    def _settle(self, ticker: str, at: datetime) -> None:
        life = self.life(ticker, at)
        market = self._state.markets.get(ticker)
        if life.status != "finalized" or life.result is None or (market and market.is_settled):
            return
        if market:
            self.floor.settle(market, life.result, at)
        self._tell("settled", ticker, at)

    def _cancel_on_pause(self, at: datetime) -> None:
        for order in self._resting():
            if order.cancel_order_on_pause:
                self._cancel(order, at, "PauseCancel")

    def _reopen(self, at: datetime) -> None:
        if self.paused(at) is None:
            for ticker in sorted(self.floor.live):
                self._flow.look(self._state.markets[ticker], at)

    def _cancel(self, order: Order, at: datetime, reason: UpdateReason) -> None:
        market = self._state.markets[order.ticker]
        self.floor.cancel(market, order, at, reason)
        self.floor.mark(market, at)

    def _resting(self, only: Market | None = None) -> list[Order]:
        markets = [only] if only else [self._state.markets[ticker] for ticker in sorted(self.floor.live)]
        places = [
            place
            for market in markets
            for side in (market.bids, market.asks)
            for places in side.queue.values()
            for place in places.values()
        ]
        return [self._state.accounts[place.account].orders[place.order_id] for place in places]

    def _market(self, ticker: str, at: datetime) -> Market:
        market = self._state.markets.get(ticker)
        if market is None:
            ladder = self.require_listed(ticker, at)
            market = Market(ticker, ladder.event_ticker, ladder.series_ticker, at)
            self._state.markets[ticker] = market
        return market

    def _require_active(self, ticker: str, at: datetime) -> None:
        if self.life(ticker, at).status != "active":
            raise Refusal(409, "MARKET_INACTIVE", "market inactive")

    def _in_status(self, ticker: str, status: str, at: datetime) -> Market:
        try:
            found = self.life(ticker, at).status
        except Refusal:
            raise ValueError(f"there is no market {ticker}") from None
        if found != status:
            raise ValueError(f"{ticker} is {found}, not {status}")
        return self._market(ticker, at)

    def _tell(self, event: LifecycleEvent, ticker: str, at: datetime) -> None:
        self.floor.events.append(LifecycleChanged(at, event, self.life(ticker, at)))


def _paused() -> Refusal:
    return Refusal(409, "trading_is_paused", "trading is paused")
