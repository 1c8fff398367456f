"""Where a replay's orders go: takers fill on what is shown, makers only when the market traded through their price.

A taker walks the displayed book at its own prices; what is not shown does not fill. A maker fills when a later quote
stands strictly beyond its price, for then whoever stood there is gone; a touch proves nothing, the queue was before us.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple
from uuid import UUID

from markets.domain.fees import trade_fee
from markets.domain.types import Board, BoardMarket, FeeSchedule
from trading.backtest.paper_account import PaperAccount, PaperOrder
from trading.backtest.results import Liquidity, Trade
from trading.domain.order_states import OrderEvent
from trading.domain.policy import Policy
from trading.domain.resting import expiration
from trading.domain.risk import MarketPlace
from trading.domain.shadow_fill import walk
from trading.domain.types import BookSide, Fill, Intent, Order, OrderState
from trading.domain.working import Review, Step
from weather.domain.releases import Releases

TURN: Final = timedelta(minutes=1)
"""Between two turns of the fast loop: how often a resting order is looked at live."""


class Verdict(NamedTuple):
    """What is known of an event's end, for the record of its fills."""

    closing_mids: Mapping[str, Decimal | None]
    outcomes: Mapping[str, bool | None]


class Note(NamedTuple):
    """What was believed when an order was decided."""

    p_trade: float
    p_model: float
    shares: Mapping[str, float]


class Desk:
    """Sends, fills, reviews and ends the orders of one replay."""

    def __init__(self, account: PaperAccount, policy: Policy) -> None:
        self.account = account
        self.trades: list[Trade] = []
        self._policy = policy
        self._notes: dict[UUID, tuple[Note, Decimal | None]] = {}
        """Of every order, with the mid at which it was decided."""

    def fill_resting(self, board: Board, releases: Releases, verdict: Verdict, now: datetime) -> bool:
        """Fill every resting order of the event that the quotes of `now` have passed; whether there was one.

        What was due before took its orders out of the book first.
        """
        markets = {entry.market.ticker: entry for entry in board.markets}
        filled = False
        for each in self.account.resting(board.event_ticker):
            expires_at = self._renewed_to(each.order, releases, now)
            if expires_at is not None and expires_at <= now:
                self._cancel(each.order, expires_at)
                continue
            entry = markets[each.order.market_ticker]
            if board.fees is not None and _is_passed(each.order, entry):
                self._fill(each, each.order.limit_price, each.order.remaining_count, board.fees, verdict, now)
                filled = True
        return filled

    def resting_now(self, event_ticker: str, releases: Releases, now: datetime) -> tuple[Order, ...]:
        """The event's resting orders as a turn at `now` finds them.

        Nothing changed since the instant before, so every turn in between kept or renewed them.
        """
        found = []
        for each in self.account.resting(event_ticker):
            expires_at = self._renewed_to(each.order, releases, now)
            if expires_at != each.order.expires_at:
                found.append(self.account.move(each.order, OrderEvent.RENEW, now, expires_at=expires_at))
            else:
                found.append(each.order)
        return tuple(found)

    def carry_out(self, reviews: Iterable[tuple[Order, Review]], now: datetime) -> None:
        """Cancel and renew as reviewed."""
        for order, review in reviews:
            if review.step is Step.CANCEL:
                self._cancel(order, now)
            elif review.step is Step.RENEW:
                expires_at = expiration(now, review.releases, self._policy.resting_life)
                self.account.move(order, OrderEvent.RENEW, now, expires_at=expires_at)

    def send(
        self,
        intent: Intent,
        note: Note,
        board: Board,
        place: MarketPlace,
        releases: Releases,
        verdict: Verdict,
        now: datetime,
    ) -> None:
        """Take what is shown, or rest. What an immediate order does not find is cancelled."""
        assert board.fees is not None, "nothing is decided without fees"
        entry = next(entry for entry in board.markets if entry.market.ticker == intent.market_ticker)
        order = self.account.open(intent, place, now)
        self._notes[order.client_order_id] = note, entry.snapshot.mid
        if intent.post_only:
            expires_at = expiration(now, releases, self._policy.resting_life)
            self.account.move(order, OrderEvent.ACKNOWLEDGE, now, expires_at=expires_at)
            return
        for execution in walk(entry.book, order.book_side, order.count, order.limit_price):
            order = self._fill(
                PaperOrder(order, intent), execution.yes_price, execution.count, board.fees, verdict, now
            )
        if order.state is not OrderState.FILLED:
            self.account.move(order, OrderEvent.CANCEL, now)

    def end_all(self, event_ticker: str, now: datetime) -> None:
        """The market closed: what still rests is cancelled by the exchange."""
        for each in self.account.resting(event_ticker):
            self.account.move(each.order, OrderEvent.CANCEL, now)

    def _cancel(self, order: Order, at: datetime) -> None:
        self.account.move(order, OrderEvent.CANCEL, at)
        self._notes.pop(order.client_order_id, None)

    def _renewed_to(self, order: Order, releases: Releases, now: datetime) -> datetime | None:
        """The expiration that turns once a minute have given the order by the one before `now`."""
        if order.expires_at is None:
            return None
        life, margin = self._policy.resting_life, self._policy.renew_before
        renewed_every = (life - margin) // TURN * TURN + TURN
        since = now - (order.expires_at - life)
        renewed_to = order.expires_at + max((since - TURN) // renewed_every, 0) * renewed_every
        unsafe_from = releases.unsafe_from(order.updated_at)
        return renewed_to if unsafe_from is None else min(renewed_to, unsafe_from)

    def _fill(
        self,
        each: PaperOrder,
        yes_price: Decimal,
        count: Decimal,
        fees: FeeSchedule,
        verdict: Verdict,
        now: datetime,
    ) -> Order:
        order, intent = each
        is_taker = not order.post_only
        fill = Fill(
            fill_id=f"paper:{order.client_order_id}:{order.filled_count}",
            mode=order.mode,
            market_ticker=order.market_ticker,
            client_order_id=order.client_order_id,
            book_side=order.book_side,
            count=count,
            yes_price=yes_price,
            fee=trade_fee(fees, count, yes_price, is_taker=is_taker),
            is_taker=is_taker,
            filled_at=now,
        )
        note, mid = self._notes[order.client_order_id]
        self.trades.append(
            Trade(
                at=now,
                decided_at=intent.decided_at,
                event_ticker=intent.event_ticker,
                city=intent.city_code,
                event_date=intent.event_date,
                ticker=order.market_ticker,
                side=order.side,
                action=order.action,
                liquidity=Liquidity.TAKER if is_taker else Liquidity.MAKER,
                price=yes_price,
                count=count,
                fee=fill.fee,
                p_trade=note.p_trade,
                p_model=note.p_model,
                mid=mid,
                closing_mid=verdict.closing_mids[order.market_ticker],
                outcome=verdict.outcomes[order.market_ticker],
                shares=note.shares,
            )
        )
        return self.account.book(order, fill)


def _is_passed(order: Order, entry: BoardMarket) -> bool:
    bid, ask = entry.snapshot.yes_bid, entry.snapshot.yes_ask
    if order.book_side is BookSide.BID:
        return ask is not None and ask < order.limit_price
    return bid is not None and bid > order.limit_price
