"""A trader's turn as the cycle takes it, its wishes and reviews told by the machine: all else is the real order path."""

import socket
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Final, NamedTuple

from milkbot.core.cities import load_cities
from milkbot.core.money import ZERO
from tests.sandbox.exchange.scripted import EVENT, D
from tests.trading.machine.edge import MODE, Edge
from trading.breakers import clear_locks
from trading.controls import get_trading_state, set_trading_state
from trading.cycle import submit_round
from trading.domain.gates import Gate
from trading.domain.policy import Limits, Policy
from trading.domain.risk import MarketPlace, allow
from trading.domain.supersede import next_turn
from trading.domain.types import (
    Action,
    BookSide,
    Intent,
    OrderState,
    ReasonCode,
    Side,
    TradingState,
    book_side_of,
)
from trading.domain.working import Review, Step
from trading.oms.lease import hold_lease, take_lease
from trading.oms.pace import Pace
from trading.oms.reconcile import CYCLE, START, has_reconciled, reconcile
from trading.oms.submit import recover
from trading.oms.working import cancel, carry_out
from trading.repositories.accounts import read_account
from trading.repositories.orders import OrderRepository, StaleOrder

NYC: Final = load_cities()["NYC"]
PLACE: Final = MarketPlace(EVENT, NYC.code, NYC.cluster)
LIMITS: Final = Limits(
    per_trade=D(20), per_event=D(45), per_city=D(45), per_cluster=D(45), total=D(45), max_positions=2
)
POLICY: Final = Policy()
RESTING: Final = (OrderState.RESTING, OrderState.PARTIAL)
OPERATOR: Final = "ann"
FEE: Final = D("0.02")
"""More than the exchange takes for a contract."""


class Wish(NamedTuple):
    """What the machine would buy: `cents` is the price of the side bought. Against a holding it is a sale of that."""

    ticker: str
    side: Side
    cents: int
    contracts: int
    rests: bool

    @property
    def book_side(self) -> BookSide:
        return book_side_of(self.side, Action.BUY)

    @property
    def yes_price(self) -> Decimal:
        return D(self.cents if self.side is Side.YES else 100 - self.cents) / 100

    @property
    def opens_at(self) -> Decimal:
        """What a contract bought may cost with its fee."""
        return D(self.cents) / 100 + FEE

    def closes(self, held: Decimal) -> bool:
        """Whether it sells what is `held`, net contracts, and buys nothing."""
        return held > 0 if self.book_side is BookSide.ASK else held < 0

    def sold(self, held: Decimal) -> Decimal:
        """Contracts of a sale: it ends where the holding does."""
        return min(D(self.contracts), abs(held).to_integral_value(ROUND_DOWN))

    def as_intent(self, count: Decimal, generation: int, now: datetime, *, closes: bool = False) -> Intent:
        sold = Side.YES if self.book_side is BookSide.ASK else Side.NO
        return Intent(
            mode=MODE,
            city_code=NYC.code,
            market_ticker=self.ticker,
            event_ticker=EVENT,
            event_date=datetime(2026, 11, 21).date(),
            side=sold if closes else self.side,
            action=Action.SELL if closes else Action.BUY,
            book_side=self.book_side,
            strategy="ensemble",
            generation=generation,
            post_only=self.rests,
            count=count,
            limit_price=self.yes_price,
            max_cost=count * (FEE if closes else self.opens_at),
            p_yes=0.5,
            decided_at=now,
        )


class Trader:
    """One process. `number` tells it from those that died before it; its clock is `ahead` of the exchange's."""

    def __init__(
        self, edge: Edge, market_ids: dict[str, int], number: int, ahead: timedelta = timedelta()
    ) -> None:
        self._edge = edge
        self._ahead = ahead
        self._market_ids = market_ids
        # A process of this host that no longer runs, once the next one asks: its lease is taken over at once.
        self._holder = f"{socket.gethostname()}/{4_000_000 + number}/1.00"
        self._orders = OrderRepository(MODE)

    def turn(self, wishes: Sequence[Wish] = (), steps: Sequence[Step] = ()) -> None:
        """Reconcile, decide, commit, work what rests, send; `steps` go to the resting orders in turn."""
        edge, now = self._edge, self._edge.now + self._ahead
        lease = take_lease(MODE, self._holder)
        kind = CYCLE if has_reconciled(lease) else START
        is_trusted = reconcile(MODE, edge, now, kind=kind, fencing=lease.fencing).is_trusted
        hold_lease(lease)
        left_over = self._orders.in_states([OrderState.NEW, OrderState.SUBMITTED])
        recover(edge, left_over, market_ids=self._market_ids, at=now)
        may_enter = is_trusted and get_trading_state(MODE) is TradingState.ACTIVE
        intents = self._intents(wishes if may_enter else (), now)
        orders = self._orders.create(intents, self._market_ids, lease=lease)
        resting = [order for order in self._orders.in_states(RESTING) if order.rests_by_itself]
        gate = Gate(False, ReasonCode.EDGE_BELOW_FLOOR, "as drawn")
        told = [steps[number % len(steps)] if steps else Step.KEEP for number in range(len(resting))]
        reviews = [(order, Review(step, gate)) for order, step in zip(resting, told, strict=True)]
        pace = Pace(lambda: edge.now + self._ahead)
        carry_out(reviews, edge, lease=lease, pace=pace)
        submit_round(orders, edge, lease=lease, market_ids=self._market_ids, pace=pace)

    def _intents(self, wishes: Iterable[Wish], now: datetime) -> list[Intent]:
        """What the caps leave of the wishes; one that may not be sent anew but has no answer is sent again."""
        account = read_account(MODE, [EVENT])
        exposure, cash = account.exposure, account.cash
        intents: dict[str, Intent] = {}
        for wish in wishes:
            standing = account.standings.get(wish.as_intent(D(wish.contracts), 0, now).wish)
            held = account.holdings.get(wish.ticker, ZERO)
            closes = wish.closes(held)
            turn = next_turn(standing, wish.book_side, wish.yes_price, now, POLICY, closes=closes)
            if standing is not None and standing.unanswered is not None:
                again = wish.as_intent(D(wish.contracts), standing.generation, now, closes=closes)
                intents.setdefault(again.intent_key, again)
            if not turn.gate:
                continue
            bought = allow(
                D(wish.contracts),
                wish.opens_at,
                ticker=wish.ticker,
                place=PLACE,
                exposure=exposure,
                limits=LIMITS,
                cash=cash,
                bankroll=account.bankroll,
            ).count
            left = wish.sold(held) if closes else bought
            intent = wish.as_intent(left, turn.generation, now, closes=closes) if left else None
            if intent is not None and intent.intent_key not in intents:
                intents[intent.intent_key] = intent
                exposure = exposure.plus(wish.ticker, PLACE, intent.max_cost)
                cash -= intent.max_cost
        return list(intents.values())


class Operator:
    """A person at the console: halts, resumes, takes single orders out. Needs no trader."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._orders = OrderRepository(MODE)

    def halt(self) -> None:
        self._turn(TradingState.HALTED)

    def resume(self) -> None:
        clear_locks(MODE, actor=OPERATOR, user_id=None, reason="looked at it", now=self._edge.now)
        self._turn(TradingState.ACTIVE)

    def cancel(self, pick: int) -> None:
        open_orders = self._orders.in_states((*RESTING, OrderState.UNKNOWN))
        if not open_orders:
            return
        order = open_orders[pick % len(open_orders)]
        try:
            cancel(order, self._edge, at=self._edge.now, why="by hand", actor=OPERATOR)
        except StaleOrder:
            return

    def _turn(self, state: TradingState) -> None:
        set_trading_state(
            mode=MODE, state=state, actor=OPERATOR, user_id=None, reason="drawn", now=self._edge.now
        )


def settle_down(edge: Edge, trader: Trader, minutes: int = 8) -> None:
    """No more faults and no more wishes, until whatever was sent has ended and been read."""
    edge.faults.clear()
    edge.sights.clear()
    for _ in range(minutes):
        edge.move(int(timedelta(minutes=1).total_seconds()))
        trader.turn()
