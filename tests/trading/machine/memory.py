"""The order path without a database: the same judgements and the same states over books in memory, a million steps long.

What the statements of the database add (compare-and-set, locks, rollback) is the other machine's matter; here a step
that crashes keeps exactly what had been committed before it.
"""

import random
from collections import defaultdict
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from tests.sandbox.exchange.scripted import HIGH, LOW, MID, D, book
from tests.trading.machine.edge import MODE, MOST_AHEAD_S, OURS, Crash, Edge, Fault, Sight
from tests.trading.machine.trader import LIMITS, PLACE, POLICY, Wish
from tests.trading.worst_case import ROUNDING, goes_beyond, opened
from trading.domain import pnl
from trading.domain.evidence import judge
from trading.domain.fills import take_fills
from trading.domain.keys import client_order_id
from trading.domain.order_states import OrderEvent, next_state
from trading.domain.reconciliation import AccountReading, list_orders
from trading.domain.risk import Holding, add_up, allow
from trading.domain.supersede import Standing, next_turn
from trading.domain.types import (
    OPEN_STATES,
    Action,
    Fill,
    Intent,
    Order,
    OrderState,
    Position,
    Side,
    TimeInForce,
)
from trading.oms.account import OVERLAP
from trading.oms.reconcile import SENT, move_for
from trading.oms.venues.base import Accepted, NotSent, Rejected, TakenOut, Unknown

TICKERS: Final = (LOW, MID, HIGH)
LIFE: Final = POLICY.resting_life
E = OrderEvent
SHARE_OF_LAGGING: Final = 0.5
"""Of the runs; in them most readings lack their youngest rows."""
SHARE_OF_SALES: Final = 0.8
"""Of the wishes while something is held."""


class MemoryPath:
    """One run: trader, operator, network and world, all drawn from `draw`."""

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.edge = Edge(may_send=lambda: not self.halted)
        self.ahead = timedelta(seconds=draw.choice((-MOST_AHEAD_S, 0, MOST_AHEAD_S, MOST_AHEAD_S)))
        self.lists_lag = draw.random() < SHARE_OF_LAGGING
        self.halted = False
        self.orders: dict[str, Order] = {}
        self.max_costs: dict[str, Decimal] = {}
        self.wishes: dict[str, str] = {}
        self.standing: dict[str, tuple[int, Decimal]] = {}
        self.sales: set[str] = set()
        self.fills: set[str] = set()
        self.positions = {ticker: Position(mode=MODE, market_ticker=ticker) for ticker in TICKERS}
        self.complete_until: datetime | None = None
        for ticker in TICKERS:
            self._quote(ticker)
        self.edge.move(1)

    @property
    def now(self) -> datetime:
        """By the trader's clock."""
        return self.edge.now + self.ahead

    def step(self) -> None:
        """One thing that happens, and what must hold after it."""
        happening = self.draw.choices(_HAPPENINGS, _WEIGHTS)[0]
        with suppress(Crash):
            happening(self)
        self.check()

    # What happens

    def turn(self) -> None:
        steps = [self.draw.choice("knc") for _ in range(3)]
        self.take_turn([self._wish() for _ in range(self.draw.randrange(4))], steps)

    def break_requests(self) -> None:
        self.edge.faults.extend(self.draw.choices(tuple(Fault), k=2))

    def break_readings(self) -> None:
        self.edge.sights.append(self.draw.choice(tuple(Sight)))

    def wait(self) -> None:
        self.edge.move(self.draw.randint(1, 90))

    def quote(self) -> None:
        self._quote(self.draw.choice(TICKERS))
        self.edge.move(1)

    def take(self) -> None:
        price, side = D(self.draw.randint(44, 56)) / 100, self.draw.choice(("yes", "no"))
        self.edge.feed.trade(
            self.edge.now,
            side,
            str(price),
            str(D(self.draw.randint(1, 3_000)) / 100),
            self.draw.choice(TICKERS),
        )
        self.edge.move(1)

    def halt(self) -> None:
        self.halted = True

    def resume(self) -> None:
        self.halted = False

    def cancel_one(self) -> None:
        resting = [
            order for order in self.orders.values() if order.state in (OrderState.RESTING, OrderState.PARTIAL)
        ]
        if resting:
            self._cancel(self.draw.choice(resting))

    # The order path

    def take_turn(self, wishes: list[Wish], steps: list[str]) -> None:
        self._reconcile()
        for order in list(self.orders.values()):
            if order.state is OrderState.NEW:
                self._move(order, E.CANCEL)
            elif order.state is OrderState.SUBMITTED:
                self._move(order, E.LOSE)
        new = [] if self.halted else self._create(wishes)
        resting = [o for o in self.orders.values() if o.state in (OrderState.RESTING, OrderState.PARTIAL)]
        for number, order in enumerate(o for o in resting if o.rests_by_itself):
            if steps and steps[number % len(steps)] == "c":
                self._cancel(order)
            elif steps and steps[number % len(steps)] == "n":
                order = self._move(order, E.RENEW, expires_at=self.now + LIFE)
                if not self.halted:
                    self.edge.renew(order, self.now + LIFE)
        for order in new:
            self._submit(order)

    def _reconcile(self) -> None:
        open_orders = [order for order in self.orders.values() if order.state in SENT]
        begins = [self.complete_until, *(order.sent_at for order in open_orders)]
        since = min(at for at in begins if at) - OVERLAP if self.complete_until else None
        if self.lists_lag:
            self.edge.sights.append(Sight.LATE_ROWS)
        reading = self.edge.read(since, open_orders)
        self._book(reading)
        listed = list_orders(reading.orders)
        for order in open_orders:
            now = self.orders[order.intent_key]
            if now.state not in SENT:
                continue
            sighting = listed.sighting_of(now, reading.complete_until)
            for move in move_for(now, sighting.shown, judge(now, sighting)):
                for step in move.steps:
                    self._move(now, step.event, **move.learnt)
        self.complete_until = reading.complete_until or self.complete_until

    def _book(self, reading: AccountReading) -> None:
        ours = {str(order.client_order_id): key for key, order in self.orders.items()}
        for theirs in sorted(reading.fills, key=lambda fill: (fill.filled_at, fill.fill_id)):
            if theirs.fill_id in self.fills:
                continue
            owner = self.edge.find_order(theirs.order_id, theirs.ticker)
            assert owner is not None
            assert theirs.fee is not None
            fill = Fill(
                fill_id=theirs.fill_id,
                mode=MODE,
                market_ticker=theirs.ticker,
                client_order_id=self.orders[ours[owner.client_order_id]].client_order_id,
                kalshi_order_id=theirs.order_id,
                book_side=theirs.book_side,
                count=theirs.count,
                yes_price=theirs.yes_price,
                fee=theirs.fee,
                is_taker=theirs.is_taker,
                filled_at=theirs.filled_at,
            )
            after, _, excess = take_fills(self.orders[ours[owner.client_order_id]], fill)
            assert not excess
            self.orders[after.intent_key] = after
            self.positions[fill.market_ticker] = pnl.apply_fill(
                self.positions[fill.market_ticker], fill
            ).position
            self.fills.add(fill.fill_id)
            self.check_caps()

    def _create(self, wishes: list[Wish]) -> list[Order]:
        created = []
        for wish in wishes:
            name = f"{wish.ticker}:{wish.book_side}"
            generation, first_price = self.standing.get(name, (-1, wish.yes_price))
            last = self.orders.get(f"{name}:{generation}")
            standing = (
                Standing(generation, last.state, last.filled_count, first_price, last.updated_at)
                if last
                else None
            )
            held = self.positions[wish.ticker].count
            closes = wish.closes(held)
            turn = next_turn(standing, wish.book_side, wish.yes_price, self.now, POLICY, closes=closes)
            left = wish.sold(held) if closes else self._allowed(wish)
            if turn.gate and left:
                self.standing[name] = (turn.generation, first_price)
                intent = wish.as_intent(left, turn.generation, self.now, closes=closes)
                created.append(self._write(intent, f"{name}:{turn.generation}"))
        return created

    def _write(self, intent: Intent, key: str) -> Order:
        order = Order(
            client_order_id=client_order_id(f"{self.draw.random()}:{key}"),
            intent_key=key,
            mode=MODE,
            market_ticker=intent.market_ticker,
            book_side=intent.book_side,
            side=intent.side,
            action=intent.action,
            limit_price=intent.limit_price,
            count=intent.count,
            time_in_force=TimeInForce.GTC if intent.post_only else TimeInForce.IOC,
            post_only=intent.post_only,
            created_at=self.now,
            updated_at=self.now,
        )
        self.orders[key] = order
        self.max_costs[key] = intent.max_cost
        self.wishes[str(order.client_order_id)] = key.rpartition(":")[0]
        if intent.action is Action.SELL:
            self.sales.add(str(order.client_order_id))
        self.check_caps()
        return order

    def _allowed(self, wish: Wish) -> Decimal:
        return allow(
            D(wish.contracts),
            wish.opens_at,
            ticker=wish.ticker,
            place=PLACE,
            exposure=add_up(Holding(ticker, PLACE, amount) for ticker, amount in self._at_risk()),
            limits=LIMITS,
            cash=D(10_000),
            bankroll=D(10_000),
        ).count

    def _at_risk(self, *, fees_of_sales: bool = True) -> list[tuple[str, Decimal]]:
        """Positions at cost and what every open order may still cost, each with its market."""
        held = {ticker: position.count for ticker, position in self.positions.items()}
        at_risk = [(p.market_ticker, p.cost) for p in self.positions.values() if p.is_open]
        for order in self.orders.values():
            if order.state not in OPEN_STATES:
                continue
            amount = self._may_cost(order)
            if order.action is Action.SELL:
                beyond = opened(
                    held, order.market_ticker, order.book_side, order.limit_price, order.remaining_count
                )
                amount = beyond + (amount if fees_of_sales else D(0))
            at_risk.append((order.market_ticker, amount))
        return at_risk

    def _may_cost(self, order: Order) -> Decimal:
        return self.max_costs[order.intent_key] * order.remaining_count / order.count

    def _submit(self, order: Order) -> None:
        expires_at = self.now + LIFE if order.rests_by_itself else None
        order = self._move(order, E.SEND, sent_at=self.now, expires_at=expires_at)
        answer = self.edge.place(order)
        match answer:
            case Rejected():
                self._move(order, E.REJECT)
            case NotSent():
                self._move(order, E.CANCEL)
            case Unknown():
                self._move(order, E.LOSE)
            case Accepted():
                is_open = answer.rests or answer.reported_count > 0
                told = {"kalshi_order_id": answer.kalshi_order_id, "reported_count": answer.reported_count}
                self._move(order, E.ACKNOWLEDGE if is_open else E.CANCEL, **told)

    def _cancel(self, order: Order) -> None:
        order = self._move(order, E.ASK_CANCEL)
        answer = self.edge.cancel(order)
        if isinstance(answer, TakenOut) and order.count - answer.reduced_by == order.filled_count:
            self._move(order, E.CANCEL)

    def _move(self, order: Order, event: OrderEvent, **learnt: Any) -> Order:
        known = {name: value for name, value in learnt.items() if value is not None}
        state = next_state(order.state, event)
        moved = order.model_copy(update={"state": state, "updated_at": self.now, **known})
        self.orders[order.intent_key] = moved
        self.check_caps()
        return moved

    # What must hold

    def check(self) -> None:
        """Each wish lives once and is filled by one order, no sale opens, and what can be lost is counted."""
        alive, filling = defaultdict[str, int](int), defaultdict[str, int](int)
        for order in self.edge.exchange.orders(OURS):
            wish = self.wishes[order.client_order_id]
            filling[wish] += bool(order.fill_count) and order.client_order_id not in self.sales
            alive[wish] += order.status == "resting"
        assert max([0, *alive.values(), *filling.values()]) <= 1, (dict(alive), dict(filling))
        for fill in self.edge.exchange.fills(OURS):
            is_sale = fill.client_order_id in self.sales
            assert not (is_sale and goes_beyond(fill.side, fill.position)), f"a sale opened: {fill}"
        counted = sum((amount for _, amount in self._at_risk()), D(0))
        worst = self._worst_case()
        assert worst - ROUNDING <= counted, (worst, counted)
        self.check_caps()

    def check_caps(self) -> None:
        """After every event, in the midst of a turn as well. A sale must always be possible: no cap counts its fee."""
        exposure = add_up(
            Holding(ticker, PLACE, amount) for ticker, amount in self._at_risk(fees_of_sales=False)
        )
        assert len(exposure.markets) <= LIMITS.max_positions, exposure
        scopes = (
            (exposure.by_event.get(PLACE.event_ticker, D(0)), LIMITS.per_event),
            (exposure.by_city.get(PLACE.city_code, D(0)), LIMITS.per_city),
            (exposure.by_cluster.get(PLACE.cluster, D(0)), LIMITS.per_cluster),
            (exposure.total, LIMITS.total),
        )
        assert all(amount <= cap + ROUNDING for amount, cap in scopes), exposure
        open_orders = (order for order in self.orders.values() if order.state in OPEN_STATES)
        assert all(self._may_cost(order) <= LIMITS.per_trade for order in open_orders)

    def _worst_case(self) -> Decimal:
        """Dollars the account can lose at the exchange: what it holds, what rests, and what is still on its way."""
        positions = self.edge.exchange.positions(OURS)
        held = {one.ticker: one.count for one in positions}
        worst = sum((one.exposure for one in positions), D(0))
        known = set()
        for order in self.edge.exchange.orders(OURS):
            known.add(order.client_order_id)
            if order.status == "resting":
                worst += opened(held, order.ticker, order.side, order.price, order.remaining_count)
        coming = {str(order.client_order_id): order for _, order, _ in self.edge.in_flight}
        for name, late in coming.items():
            if name not in known:
                worst += opened(held, late.market_ticker, late.book_side, late.limit_price, late.count)
        return worst

    def check_quiet(self) -> None:
        """After everything under way has ended and been read."""
        self.edge.faults.clear()
        self.edge.sights.clear()
        for _ in range(8):
            self.edge.move(60)
            self.take_turn([], [])
        self.check()
        assert not [order for order in self.orders.values() if order.state in OPEN_STATES]
        theirs = {one.ticker: one.count for one in self.edge.exchange.positions(OURS)}
        assert {ticker: p.count for ticker, p in self.positions.items()} == {
            t: theirs.get(t, D(0)) for t in TICKERS
        }
        assert self.fills == {fill.fill_id for fill in self.edge.exchange.fills(OURS)}

    def _wish(self) -> Wish:
        draw = self.draw
        contracts, rests = draw.randint(1, 30), draw.random() < 0.5
        held = [position for position in self.positions.values() if position.is_open]
        if held and draw.random() < SHARE_OF_SALES:
            position = draw.choice(held)
            side = Side.NO if position.count > 0 else Side.YES
            return Wish(position.market_ticker, side, draw.randint(50, 56), contracts, rests)
        side = draw.choice((Side.YES, Side.NO))
        return Wish(draw.choice(TICKERS), side, draw.randint(44, 56), contracts, rests)

    def _quote(self, ticker: str) -> None:
        mid, bids, asks = self.draw.randint(44, 56), self.draw.randint(1, 30), self.draw.randint(1, 30)
        shown = book({str(D(mid - 1) / 100): str(bids)}, {str(D(mid + 1) / 100): str(asks)})
        self.edge.feed.show(self.edge.now, shown, ticker)


_HAPPENINGS = (
    MemoryPath.turn,
    MemoryPath.break_requests,
    MemoryPath.break_readings,
    MemoryPath.wait,
    MemoryPath.quote,
    MemoryPath.take,
    MemoryPath.halt,
    MemoryPath.resume,
    MemoryPath.cancel_one,
)
_WEIGHTS = (6, 2, 2, 3, 3, 3, 1, 2, 1)
