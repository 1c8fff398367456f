"""Lives through prepared events in the order of time with one account, turning wherever a decision could act.

Between the rows that the screen marks nothing can be sent, and resting orders are kept; those rows are passed over. What
is decided where it is turned is decided by `decide`, `review_all` and the order table, as live.
"""

import heapq
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from enum import IntEnum
from typing import NamedTuple

from trading.backtest.as_of import AsOf, paid_out_at
from trading.backtest.desk import Desk
from trading.backtest.event_run import EventRun
from trading.backtest.event_sheet import EventSheet, Known
from trading.backtest.learning import LearnedWeights
from trading.backtest.paper_account import PaperAccount, Touch
from trading.backtest.quote_history import micros_of, moment
from trading.backtest.results import EquityPoint, Trade
from trading.domain.inputs import Circumstances
from trading.domain.types import Intent


@dataclass(frozen=True, slots=True)
class Replay:
    """What came of it."""

    trades: tuple[Trade, ...]
    equity: tuple[EquityPoint, ...]
    intents: tuple[Intent, ...]
    decisions: Mapping[str, int]
    orders_by_state: Mapping[str, int]
    decided: int
    """Rows that went through the whole decision."""


class _Kind(IntEnum):
    """In this order within one moment: what is paid is there to be staked."""

    SETTLE = 0
    OPEN = 1
    DECIDE = 2


class _Turn(NamedTuple):
    """What is next to happen. Sorts by time, then by kind, then as live: city by city, day by day."""

    at: int
    """Microseconds since 1970."""
    kind: _Kind
    number: int
    """Of the event."""
    row: int = 0


def replay(
    sheets: Sequence[EventSheet],
    as_of: AsOf,
    weights: LearnedWeights,
    capital: Decimal,
    around: Circumstances,
) -> Replay:
    """Trade the events of `sheets`, which stand in the order in which live looks at them.

    Of `around` everything but the time and the weights holds throughout.
    """
    desk = Desk(PaperAccount(capital, around.mode), around.policy)
    run = _Run(sheets, as_of, Known((), weights), desk, around)
    run.live()
    return Replay(
        trades=tuple(run.desk.trades),
        equity=tuple(run.equity),
        intents=tuple(run.intents),
        decisions=dict(sorted(run.codes.items())),
        orders_by_state=run.desk.account.orders_by_state(),
        decided=run.decided,
    )


class _Run:
    """One pass through time."""

    def __init__(
        self,
        sheets: Sequence[EventSheet],
        as_of: AsOf,
        known: Known,
        desk: Desk,
        around: Circumstances,
    ) -> None:
        self.desk = desk
        self.equity: list[EquityPoint] = []
        self.intents: list[Intent] = []
        self.codes: Counter[str] = Counter()
        self.decided = 0
        self._sheets = sheets
        self._as_of = as_of
        self._known = known
        self._around = around
        self._alive: dict[int, EventRun] = {}
        self._turns: list[_Turn] = []

    def live(self) -> None:
        """Turn by turn until everything is paid."""
        for number, sheet in enumerate(self._sheets):
            self._turns.append(_Turn(micros_of(sheet.event.open_at), _Kind.OPEN, number))
            self._turns.append(_Turn(micros_of(paid_out_at(sheet.event)), _Kind.SETTLE, number))
        heapq.heapify(self._turns)
        marked_at = moment(self._turns[0].at) if self._turns else None
        while self._turns:
            turn = heapq.heappop(self._turns)
            now = moment(turn.at)
            while marked_at is not None and (midnight := _midnight_after(marked_at)) <= now:
                marked_at = midnight
                self._mark(midnight)
            self._take(turn, now)

    def _take(self, turn: _Turn, now: datetime) -> None:
        if turn.kind is _Kind.SETTLE:
            self._settle(turn.number, now)
        elif turn.kind is _Kind.OPEN:
            sheet = self._sheets[turn.number]
            run = EventRun(sheet, self._as_of, self._known, self._around)
            self._alive[turn.number] = run
            self._go_on(turn.number, -1)
        else:
            self._decide(turn, now)

    def _decide(self, turn: _Turn, now: datetime) -> None:
        before = len(self.desk.trades)
        weighed = self._alive[turn.number].turn(turn.row, self.desk)
        self.decided += 1
        for gate, intent in zip(weighed.gates, weighed.intents, strict=True):
            self.codes[gate.code.value] += 1
            if intent is not None:
                self.intents.append(intent)
        if len(self.desk.trades) > before:
            self._mark(now)
        self._go_on(turn.number, turn.row)

    def _go_on(self, number: int, row: int) -> None:
        run = self._alive[number]
        following = run.next_row(row, self.desk)
        if following is not None:
            at = int(run.sheet.columns.at[following])
            heapq.heappush(self._turns, _Turn(at, _Kind.DECIDE, number, following))

    def _settle(self, number: int, now: datetime) -> None:
        event = self._alive.pop(number).sheet.event
        self.desk.end_all(event.event_ticker, now)
        results = {entry.market.ticker: entry.result == "yes" for entry in event.markets}
        if self.desk.account.settle(event.event_ticker, results, now):
            self._mark(now)

    def _mark(self, now: datetime) -> None:
        account = self.desk.account

        def touch_of(ticker: str) -> Touch:
            quote = self._as_of.recording.quote_at(ticker, now)
            return (quote.yes_bid, quote.yes_ask) if quote else (None, None)

        self.equity.append(EquityPoint(now, account.equity(touch_of), account.cash))


def _midnight_after(at: datetime) -> datetime:
    return datetime.combine(at.date() + timedelta(days=1), time(), at.tzinfo)
