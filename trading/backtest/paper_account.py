"""The account of a replay, in memory: cash, positions, orders and how every wish stands, by the domain's own rules.

What it costs does not grow with what is over: a settled event leaves its profit behind and nothing else.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from milkbot.core.config import TradingMode
from milkbot.core.money import ZERO
from trading.domain import pnl
from trading.domain.fills import take_fills
from trading.domain.inputs import Account
from trading.domain.keys import client_order_id
from trading.domain.order_states import OrderEvent, next_state
from trading.domain.risk import Exposure, MarketPlace
from trading.domain.supersede import Standing
from trading.domain.types import OPEN_STATES, Fill, Intent, Order, OrderState, Position, TimeInForce

Touch = tuple[Decimal | None, Decimal | None]
"""The bid and ask of a YES book."""


class PaperOrder(NamedTuple):
    """An order with the intent it carries out."""

    order: Order
    intent: Intent

    @property
    def reserved(self) -> Decimal:
        """The worst its unfilled part can cost, in dollars."""
        return self.intent.max_cost * self.order.remaining_count / self.order.count


class PaperAccount:
    """Books orders, fills and settlements. Nothing here decides."""

    def __init__(self, capital: Decimal, mode: TradingMode) -> None:
        self.cash = capital
        self.mode = mode
        self.ended: Counter[str] = Counter()
        """Orders of settled events by the state they ended in."""
        self._positions: dict[str, Position] = {}
        self._orders: dict[str, dict[UUID, PaperOrder]] = {}
        self._open: dict[str, dict[UUID, PaperOrder]] = {}
        """Of `_orders` those that may still fill."""
        self._standings: dict[str, dict[str, Standing]] = {}
        self._places: dict[str, MarketPlace] = {}
        self._known: Account | None = None

    def account(self, event_ticker: str) -> Account:
        """As a decision on this event needs it."""
        if self._known is None:
            self._known = self._read()
        return self._known.changed(standings=self.standings(event_ticker))

    def standings(self, event_ticker: str) -> Mapping[str, Standing]:
        """How every wish for the event stands."""
        return self._standings.get(event_ticker, {})

    def held(self, market_ticker: str) -> Decimal:
        """Signed contracts: positive YES, negative NO."""
        position = self._positions.get(market_ticker)
        return position.count if position else ZERO

    def resting(self, event_ticker: str) -> tuple[PaperOrder, ...]:
        """Orders of the event that stand in the book, oldest first."""
        return tuple(self._open.get(event_ticker, {}).values())

    def open(self, intent: Intent, place: MarketPlace, at: datetime) -> Order:
        """A new order for `intent`, as it leaves for the exchange."""
        order = Order(
            client_order_id=client_order_id(intent.intent_key),
            intent_key=intent.intent_key,
            mode=intent.mode,
            market_ticker=intent.market_ticker,
            book_side=intent.book_side,
            side=intent.side,
            action=intent.action,
            limit_price=intent.limit_price,
            count=intent.count,
            time_in_force=TimeInForce.GTC if intent.post_only else TimeInForce.IOC,
            post_only=intent.post_only,
            state=next_state(OrderState.NEW, OrderEvent.SEND),
            created_at=at,
            updated_at=at,
            sent_at=at,
        )
        self._places[intent.market_ticker] = place
        self._keep(PaperOrder(order, intent))
        return order

    def move(
        self, order: Order, event: OrderEvent, at: datetime, *, expires_at: datetime | None = None
    ) -> Order:
        """The order after `event`. Raises IllegalTransition for a step the order table lacks."""
        moved = order.changed(
            state=next_state(order.state, event),
            updated_at=at,
            expires_at=order.expires_at if expires_at is None else expires_at,
        )
        self._keep(PaperOrder(moved, self._held(order).intent))
        return moved

    def book(self, order: Order, fill: Fill) -> Order:
        """Order, position and cash after a fill."""
        taken = take_fills(order, fill)
        moved = taken.order.changed(updated_at=fill.filled_at)
        position = self._positions.get(
            fill.market_ticker, Position(mode=self.mode, market_ticker=fill.market_ticker)
        )
        booking = pnl.apply_fill(position, fill)
        self.cash += booking.cash - fill.fee
        if booking.position.is_open:
            self._positions[fill.market_ticker] = booking.position
        else:
            self._positions.pop(fill.market_ticker, None)
        self._keep(PaperOrder(moved, self._held(order).intent))
        return moved

    def settle(self, event_ticker: str, results: Mapping[str, bool], at: datetime) -> bool:
        """Pay out the event's positions and forget it; whether anything was held."""
        held = False
        for ticker, pays in results.items():
            self._places.pop(ticker, None)
            position = self._positions.pop(ticker, None)
            if position is not None:
                self.cash += pnl.settle(position, pays, at).payout
                held = True
        for each in self._orders.pop(event_ticker, {}).values():
            self.ended[each.order.state.value] += 1
        self._open.pop(event_ticker, None)
        self._standings.pop(event_ticker, None)
        self._known = None
        return held

    def equity(self, touch_of: Callable[[str], Touch]) -> Decimal:
        """Cash and what the open positions could be sold for."""
        return self.cash + sum(
            (
                position.cost + pnl.unrealized(position, *touch_of(ticker))
                for ticker, position in self._positions.items()
            ),
            ZERO,
        )

    def orders_by_state(self) -> dict[str, int]:
        """How every order so far ended, or stands."""
        alive = Counter(
            each.order.state.value for of_event in self._orders.values() for each in of_event.values()
        )
        return dict(sorted((self.ended + alive).items()))

    def _read(self) -> Account:
        pending = [each for of_event in self._open.values() for each in of_event.values()]
        reserved = [(each.order.market_ticker, each.reserved) for each in pending]
        at_risk = [(ticker, position.at_risk) for ticker, position in self._positions.items()]
        return Account(
            cash=self.cash - sum((amount for _, amount in reserved), ZERO),
            bankroll=self.cash + sum((amount for _, amount in at_risk), ZERO),
            exposure=self._exposure([*at_risk, *reserved]),
            holdings={ticker: position.count for ticker, position in self._positions.items()},
        )

    def _exposure(self, amounts: Iterable[tuple[str, Decimal]]) -> Exposure:
        """As `risk.add_up`, which makes an object for each amount."""
        scopes: tuple[dict[str, Decimal], ...] = ({}, {}, {})
        total, tickers = ZERO, set()
        for ticker, amount in amounts:
            for scope, name in zip(scopes, self._places[ticker], strict=True):
                scope[name] = scope.get(name, ZERO) + amount
            total += amount
            tickers.add(ticker)
        by_event, by_city, by_cluster = scopes
        return Exposure(
            by_event=by_event, by_city=by_city, by_cluster=by_cluster, total=total, markets=frozenset(tickers)
        )

    def _held(self, order: Order) -> PaperOrder:
        return self._orders[self._places[order.market_ticker].event_ticker][order.client_order_id]

    def _keep(self, each: PaperOrder) -> None:
        order, intent = each
        self._orders.setdefault(intent.event_ticker, {})[order.client_order_id] = each
        pending = self._open.setdefault(intent.event_ticker, {})
        if order.state in OPEN_STATES:
            pending[order.client_order_id] = each
        else:
            pending.pop(order.client_order_id, None)
        standings = self._standings.setdefault(intent.event_ticker, {})
        first = standings.get(intent.wish)
        standings[intent.wish] = Standing(
            generation=intent.generation,
            state=order.state,
            filled_count=order.filled_count,
            first_price=first.first_price if first else order.limit_price,
            updated_at=order.updated_at,
        )
        self._known = None
