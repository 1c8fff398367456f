"""The trading floor: the only place where orders, cash, positions and books change. Everything else decides."""

import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from sandbox.exchange.book import NOTHING, Mark, Market, Resting, opposite
from sandbox.exchange.fees import ChargedFee, FeeSchedule, charge
from sandbox.exchange.holds import Holds
from sandbox.exchange.ledger import cost_each, no_position, proceeds, settled, settlement, traded
from sandbox.exchange.matching import Plan
from sandbox.exchange.state import State
from sandbox.exchange.types import (
    BookChanged,
    BookSide,
    ExchangeEvent,
    Fill,
    FillMade,
    Order,
    OrderChanged,
    Outcome,
    Position,
    PositionChanged,
    TradePrinted,
    UpdateReason,
)
from sandbox.feeds import Trade

EVENTS_KEPT: Final = 100_000
ID_NAMESPACE: Final = uuid.UUID("0b0c0d4e-7c54-4f6e-9d5b-3f1a6a1d2c77")


@dataclass(frozen=True, slots=True)
class Party:
    """A member's side of a deal."""

    account: str
    order_id: str


@dataclass(frozen=True, slots=True)
class Deal:
    """Contracts that change hands. `side` is the taker's; a party that is None is the world."""

    at: datetime
    price: Decimal
    count: Decimal
    side: BookSide
    taker: Party | None
    maker: Party | None


class Floor:
    """Carries out what was decided, over `state`."""

    def __init__(self, state: State, fees: Callable[[str], FeeSchedule]) -> None:
        self.state = state
        self.holds = Holds()
        self.live: set[str] = {ticker for ticker, market in state.markets.items() if not market.is_quiet}
        self.events: deque[ExchangeEvent] = deque(maxlen=EVENTS_KEPT)
        self._fees = fees
        self._restore_holds()

    def next_order_id(self) -> str:
        """Repeatable: the same commands give the same ids."""
        self.state.orders_placed += 1
        return self._identifier("order", str(self.state.orders_placed))

    def update(self, order: Order) -> Order:
        """Remember the order as it now stands and tell about it."""
        self.state.accounts[order.account].orders[order.order_id] = order
        self.events.append(OrderChanged(order.last_update_at, order))
        return order

    def rest(self, market: Market, order: Order) -> None:
        """Put the order at the end of its price's queue, behind what the world shows there."""
        side = market.side(order.side)
        ahead = side.world_left(order.price)
        side.enter(order.price, Resting(order.order_id, order.account, order.remaining_count, ahead))
        self.live.add(market.ticker)
        self._resized(market, order, order.remaining_count, order.last_update_at)

    def withdraw(self, market: Market, order: Order, at: datetime) -> None:
        """Take the order out of its queue."""
        place = market.side(order.side).leave(order.price, order.order_id)
        self._resized(market, order, -place.count, at)

    def shrink(self, market: Market, order: Order, count: Decimal, at: datetime) -> None:
        """The order wants `count` contracts fewer and keeps its place."""
        market.side(order.side).queue[order.price][order.order_id].count -= count
        self._resized(market, order, -count, at)

    def cancel(self, market: Market, order: Order, at: datetime, reason: UpdateReason) -> Order:
        """Take a resting order off the book for good."""
        self.withdraw(market, order, at)
        return self.end(order, at, reason)

    def end(self, order: Order, at: datetime, reason: UpdateReason) -> Order:
        """What is left of the order is canceled."""
        return self.update(
            replace(
                order,
                status="canceled",
                remaining_count=NOTHING,
                last_update_at=at,
                last_update_reason=reason,
            )
        )

    def carry_out(self, market: Market, order: Order, plan: Plan, at: datetime) -> list[Fill]:
        """What was planned for an incoming order; its fills, in order."""
        account = self.state.accounts[order.account]
        for order_id in plan.gives_way:
            self.cancel(market, account.orders[order_id], at, "SelfTradePreventionCancel")
        resting = market.side(opposite(order.side))
        start = len(account.fills)
        for take in plan.takes:
            maker = (
                None
                if take.order_id is None
                else self.party_of(market, order.side, take.price, take.order_id)
            )
            if maker is None:
                resting.take_from_world(take.price, take.count)
                self.live.add(market.ticker)
                self.tell_book(market, opposite(order.side), take.price, -take.count, None, at)
            taker = Party(order.account, order.order_id)
            self.deal(market, Deal(at, take.price, take.count, order.side, taker, maker))
        return account.fills[start:]

    def party_of(self, market: Market, taker_side: BookSide, price: Decimal, order_id: str) -> Party:
        """The member whose order rests at `price` opposite a taker."""
        return Party(market.side(opposite(taker_side)).queue[price][order_id].account, order_id)

    def deal(self, market: Market, deal: Deal) -> None:
        """One trade: both sides' money and contracts, the maker's place in the queue, the print."""
        trade = Trade(
            trade_id=self._identifier(market.ticker, str(len(market.prints))),
            ticker=market.ticker,
            at=deal.at,
            yes_price=deal.price,
            count=deal.count,
            taker_side="yes" if deal.side == "bid" else "no",
        )
        market.prints.append(trade)
        market.extra_volume += deal.count
        self.events.append(TradePrinted(deal.at, trade))
        self._fill(market, deal, deal.taker, deal.side, trade.trade_id)
        self._fill(market, deal, deal.maker, opposite(deal.side), trade.trade_id)

    def settle(self, market: Market, result: Outcome, at: datetime) -> None:
        """Pay every net position of the market; nothing is charged for it."""
        market.is_settled = True
        for account in (*self.state.accounts.values(), self.state.world):
            former = account.positions.get(market.ticker)
            if former is None:
                continue
            position, payout = settled(former, result, at)
            account.cash += payout
            account.positions[market.ticker] = position
            if former.count and account is not self.state.world:
                account.settlements.append(settlement(former, result, payout, at))
                self.events.append(PositionChanged(at, position))

    def mark(self, market: Market, at: datetime) -> None:
        """Remember what members add to the public figures from now on."""
        last = market.prints[-1] if market.prints else None
        parties = (*self.state.accounts.values(), self.state.world)
        mark = Mark(
            at=at,
            bid=max(market.bids.queue, default=None),
            ask=min(market.asks.queue, default=None),
            last=last.yes_price if last else None,
            last_at=last.at if last else None,
            volume=market.extra_volume,
            open_interest=sum((abs(party.held(market.ticker)) for party in parties), NOTHING) / 2,
        )
        if market.marks and market.marks[-1].figures() == mark.figures():
            return
        if market.marks and market.marks[-1].at == at:
            market.marks.pop()
        market.marks.append(mark)

    def tell_book(
        self,
        market: Market,
        side: BookSide,
        price: Decimal,
        delta: Decimal,
        order: Order | None,
        at: datetime,
    ) -> None:
        """Tell that a member changed what is shown."""
        if not delta:
            return
        outcome: Outcome = "yes" if side == "bid" else "no"
        account, client_id = (order.account, order.client_order_id) if order else (None, "")
        self.events.append(
            BookChanged(at, market.ticker, outcome, cost_each(side, price), delta, account, client_id)
        )

    def _fill(self, market: Market, deal: Deal, party: Party | None, side: BookSide, trade_id: str) -> None:
        account = self.state.accounts[party.account] if party else self.state.world
        former = account.positions.get(market.ticker) or no_position(
            account.name, market.ticker, market.event_ticker, deal.at
        )
        brought = proceeds(former.count, side, deal.price, deal.count)
        if party is None:
            account.cash += brought
            account.positions[market.ticker] = traded(former, side, deal.price, deal.count, NOTHING, deal.at)
            return
        order = account.orders[party.order_id]
        is_taker = party is deal.taker
        schedule = self._fees(market.series_ticker)
        fee = charge(
            schedule.trade_fee(deal.price, deal.count, is_taker=is_taker), brought, order.rounding_balance
        )
        account.cash += fee.balance_change + fee.rebate
        self.state.fees_collected += fee.net
        position = traded(former, side, deal.price, deal.count, fee.net, deal.at)
        account.positions[market.ticker] = position
        if not is_taker:
            self._use_up(market, order, deal)
        self.holds.refresh(account, market)
        self.update(_filled(order, deal, fee, is_taker))
        fill = _fill_row(order, deal, trade_id, is_taker, fee.net, position)
        account.fills.append(fill)
        self.events.append(FillMade(deal.at, fill))
        self.events.append(PositionChanged(deal.at, position))

    def _use_up(self, market: Market, order: Order, deal: Deal) -> None:
        """A resting order lost contracts to a trade, and its place with the last of them."""
        side = market.side(order.side)
        place = side.queue[order.price][order.order_id]
        place.count -= deal.count
        if not place.count:
            side.leave(order.price, order.order_id)
        self.holds.rest(order.account, market.ticker, order.side, order.price, -deal.count)
        self.tell_book(market, order.side, order.price, -deal.count, order, deal.at)

    def _resized(self, market: Market, order: Order, delta: Decimal, at: datetime) -> None:
        self.holds.rest(order.account, market.ticker, order.side, order.price, delta)
        self.holds.refresh(self.state.accounts[order.account], market)
        self.tell_book(market, order.side, order.price, delta, order, at)

    def _restore_holds(self) -> None:
        sides: tuple[BookSide, BookSide] = ("bid", "ask")
        for market in self.state.markets.values():
            for side in sides:
                for price, places in market.side(side).queue.items():
                    for place in places.values():
                        self.holds.rest(place.account, market.ticker, side, price, place.count)
            for account in self.state.accounts.values():
                self.holds.refresh(account, market)

    def _identifier(self, *words: str) -> str:
        return str(uuid.uuid5(ID_NAMESPACE, "/".join((str(self.state.seed), *words))))


def _filled(order: Order, deal: Deal, fee: ChargedFee, is_taker: bool) -> Order:
    remaining = order.remaining_count - deal.count
    cost = deal.count * cost_each(order.side, deal.price)
    as_taker, as_maker = ((cost, fee.net), (NOTHING, NOTHING))[:: 1 if is_taker else -1]
    return replace(
        order,
        status="resting" if remaining else "executed",
        fill_count=order.fill_count + deal.count,
        remaining_count=remaining,
        taker_fill_cost=order.taker_fill_cost + as_taker[0],
        taker_fees=order.taker_fees + as_taker[1],
        maker_fill_cost=order.maker_fill_cost + as_maker[0],
        maker_fees=order.maker_fees + as_maker[1],
        last_update_at=deal.at,
        last_update_reason="Fill",
        rounding_balance=fee.rounding_balance,
    )


def _fill_row(
    order: Order, deal: Deal, trade_id: str, is_taker: bool, fee: Decimal, position: Position
) -> Fill:
    return Fill(
        fill_id=trade_id,
        account=order.account,
        order_id=order.order_id,
        client_order_id=order.client_order_id,
        ticker=order.ticker,
        side=order.side,
        price=deal.price,
        count=deal.count,
        is_taker=is_taker,
        fee=fee,
        position=position.count,
        at=deal.at,
    )
