"""The order path against the sandbox's exchange under everything that may happen to either, step by step.

Needs a transaction around it that is rolled back: every run begins with empty books.
"""

from datetime import timedelta
from typing import ClassVar

from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.factories import EventFactory, MarketFactory
from tests.sandbox.exchange.scripted import CLOSES, EVENT, HIGH, LOW, MID, D, book
from tests.trading.machine.edge import MODE, MOST_AHEAD_S, Crash, Edge, Fault, Sight
from tests.trading.machine.oracle import Oracle
from tests.trading.machine.trader import Operator, Trader, Wish, settle_down
from trading.controls import ensure_controls, get_trading_state
from trading.domain.types import Side, TradingState
from trading.domain.working import Step

TICKERS = (LOW, MID, HIGH)
WISHES = st.builds(
    Wish,
    ticker=st.sampled_from(TICKERS),
    side=st.sampled_from(Side),
    cents=st.integers(44, 56),
    contracts=st.integers(1, 30),
    rests=st.booleans(),
)
STEPS = st.lists(st.sampled_from(Step), max_size=3)
COUNTS = st.integers(1, 3_000).map(lambda hundredths: D(hundredths) / 100)


def store_event() -> dict[str, int]:
    """The scripted world's event as our rows; market ids by ticker."""
    event = EventFactory.create(
        event_ticker=EVENT, series_ticker="KXHIGHNY", city_code="NYC", close_at=CLOSES
    )
    return {ticker: MarketFactory.create(event=event, ticker=ticker).pk for ticker in TICKERS}


class OrderPath(RuleBasedStateMachine):
    """`steps` counts those taken by all runs together."""

    steps: ClassVar[int] = 0
    edge_type: ClassVar[type[Edge]] = Edge

    def __init__(self) -> None:
        super().__init__()
        self._savepoint = transaction.savepoint()
        self.edge = self.edge_type(may_send=lambda: get_trading_state(MODE) is not TradingState.HALTED)
        self.markets = store_event()
        ensure_controls(MODE, self.edge.now)
        self.traders = 0
        self.operator = Operator(self.edge)
        self.oracle = Oracle(self.edge)
        self.ahead = timedelta()
        self.start()

    def start(self) -> None:
        """A new process takes over."""
        self.traders += 1
        self.trader = Trader(self.edge, self.markets, self.traders, self.ahead)

    @initialize(mids=st.tuples(*[st.integers(46, 54)] * 3), ahead_s=st.integers(-MOST_AHEAD_S, MOST_AHEAD_S))
    def show(self, mids: tuple[int, ...], ahead_s: int = 0) -> None:
        self.ahead = timedelta(seconds=ahead_s)
        self.start()
        for ticker, mid in zip(TICKERS, mids, strict=True):
            self._show(ticker, mid, D(10), D(10))
        self.edge.move(1)

    @rule(wishes=st.lists(WISHES, max_size=3), steps=STEPS)
    def turn(self, wishes: list[Wish], steps: list[Step]) -> None:
        try:
            self.trader.turn(wishes, steps)
        except Crash:
            self.start()

    @rule(faults=st.lists(st.sampled_from(Fault), min_size=1, max_size=4))
    def break_requests(self, faults: list[Fault]) -> None:
        self.edge.faults.extend(faults)

    @rule(sights=st.lists(st.sampled_from(Sight), min_size=1, max_size=2))
    def break_readings(self, sights: list[Sight]) -> None:
        self.edge.sights.extend(sights)

    @rule(seconds=st.integers(1, 90))
    def wait(self, seconds: int) -> None:
        self.edge.move(seconds)

    @rule(ticker=st.sampled_from(TICKERS), mid=st.integers(44, 56), bids=COUNTS, asks=COUNTS)
    def quote(self, ticker: str, mid: int, bids: object, asks: object) -> None:
        self._show(ticker, mid, D(str(bids)), D(str(asks)))
        self.edge.move(1)

    @rule(
        ticker=st.sampled_from(TICKERS),
        side=st.sampled_from(("yes", "no")),
        cents=st.integers(44, 56),
        count=COUNTS,
    )
    def take(self, ticker: str, side: str, cents: int, count: object) -> None:
        """A taker of the world, who may meet what we have resting."""
        self.edge.feed.trade(self.edge.now, side, str(D(cents) / 100), str(count), ticker)
        self.edge.move(1)

    @rule()
    def restart(self) -> None:
        self.start()

    @rule()
    def halt(self) -> None:
        self.operator.halt()

    @rule()
    def resume(self) -> None:
        self.operator.resume()

    @rule(pick=st.integers(0, 9))
    def cancel(self, pick: int) -> None:
        try:
            self.operator.cancel(pick)
        except Crash:
            return  # The console's process died; the trader goes on.

    @invariant()
    def holds(self) -> None:
        OrderPath.steps += 1
        self.oracle.check()

    def teardown(self) -> None:
        try:
            settle_down(self.edge, self.trader)
            self.oracle.check()
            self.oracle.check_quiet()
        finally:
            transaction.savepoint_rollback(self._savepoint)

    def _show(self, ticker: str, mid: int, bids: object, asks: object) -> None:
        """The world's best quotes two cents apart."""
        self.edge.feed.show(
            self.edge.now,
            book({str(D(mid - 1) / 100): str(bids)}, {str(D(mid + 1) / 100): str(asks)}),
            ticker,
        )
