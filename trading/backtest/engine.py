"""From a folder to a result: reads, prepares every event in as many processes as there are, and replays them together.

Preparing an event needs nothing of the others and is most of the work; trading shares one account, so it passes through
time once, in one process. Which process did what leaves no trace: the same inputs give the same result.
"""

import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from milkbot.core.cities import load_cities
from milkbot.core.config import TradingMode
from milkbot.core.errors import MilkbotError
from milkbot.core.money import ZERO
from trading.backtest.as_of import AsOf
from trading.backtest.baselines import Baselines
from trading.backtest.calibrating import PastCalibrations
from trading.backtest.event_past import EventPast
from trading.backtest.event_sheet import EventSheet, Known, event_sheet
from trading.backtest.ladder_columns import ladder_columns
from trading.backtest.learning import (
    UNLEARNED,
    LearnedWeights,
    Lesson,
    first_weights,
    learned_weights,
    lessons_of,
)
from trading.backtest.noticing import noticed
from trading.backtest.recorded import read_recorded
from trading.backtest.recorded_types import RecordedEvent, Recording
from trading.backtest.replay import Replay, replay
from trading.backtest.results import BacktestOptions, BacktestResult, Counts, DepthOutcome, ScoredLadder
from trading.backtest.scored import scored_ladders, winner_of
from trading.domain.inputs import Circumstances
from trading.domain.types import Action

DEPTHS: Final = (Decimal(1), Decimal(10), Decimal(50))
"""Contracts at each price, between which the truth of an unrecorded book is looked for."""
UNDECIDED: Final = "UNDECIDED"
UNQUOTED: Final = "NOT_QUOTED_ON_BOTH_SIDES"
"""No bracket ever had a bid and an ask: nothing can be simulated against last prices."""


T = TypeVar("T")


class NothingToReplay(MilkbotError):
    """The recording holds no event that was asked for and can be replayed."""


class _Prepared(NamedTuple):
    sheet: EventSheet
    scores: tuple[ScoredLadder, ...]


@dataclass(frozen=True)
class _Work:
    """What every process shares: it is inherited, never sent."""

    recording: Recording
    events: tuple[RecordedEvent, ...]
    around: Circumstances
    depth: Decimal
    capital: Decimal
    calibrations: PastCalibrations
    weights: LearnedWeights = UNLEARNED
    sheets: tuple[EventSheet, ...] = ()

    def as_of(self) -> AsOf:
        """The recording at the work's depth."""
        return AsOf(self.recording, depth=self.depth, calibration_at=self.calibrations.at)


def run_backtest(
    data: Path,
    options: BacktestOptions,
    now: datetime,
    *,
    processes: int | None = None,
) -> BacktestResult:
    """Replay the events of `options` out of the recording in `data`, as of `now`; weather is read from its beginning.

    `processes` defaults to as many as this machine has processors. Raises UnreadableRecording when `data` is no
    recording, NothingToReplay when it holds no event that can be replayed.
    """
    recording = noticed(
        read_recorded(data, now, cities=options.cities, last=options.last), options.weather_delay
    )
    usable, skipped = _replayable(recording, options.first)
    events = tuple(event for event in usable if event.event_date >= options.first)
    if not events:
        why = (
            ", ".join(f"{count} {reason}" for reason, count in skipped.items())
            or "none of these days and cities"
        )
        raise NothingToReplay(f"{data} holds no event that can be replayed ({why}); {recording.report}")
    around = _circumstances(options, now)
    many = processes or multiprocessing.cpu_count()
    calibrations = PastCalibrations(recording)
    calibrations.at(now)  # Walked once: the processes to come inherit it.
    work = _Work(recording, usable, around, options.assumed_depth, options.capital, calibrations)
    lessons = [lesson for of_event in _in_groups(_teach, work, many) for lesson in of_event]
    first = first_weights(calibrations, min(event.open_at for event in usable))
    work = replace(work, events=events, weights=learned_weights(first, lessons))
    prepared = _in_groups(_prepare, work, many)
    replays = _replay_all(replace(work, sheets=tuple(each.sheet for each in prepared)), many)
    main = replays[options.assumed_depth]
    days = [event.event_date for event in events]
    return BacktestResult(
        options=replace(options, first=max(options.first, min(days)), last=min(options.last, max(days))),
        trades=main.trades,
        equity=main.equity,
        scores=tuple(score for each in prepared for score in each.scores),
        decisions=main.decisions,
        depth=tuple(_depth_outcome(depth, found) for depth, found in sorted(replays.items())),
        counts=_counts(prepared, main, skipped),
        read_report=recording.report,
    )


def _circumstances(options: BacktestOptions, now: datetime) -> Circumstances:
    return Circumstances(
        now=now,
        mode=TradingMode.SHADOW,
        policy=options.policy,
        limits=options.limits,
        may_rest=True,
        sizes_known=False,
        admitted=None if options.strategy is None else frozenset({options.strategy}),
    )


def _replayable(recording: Recording, first: date) -> tuple[tuple[RecordedEvent, ...], dict[str, int]]:
    """The events that can be learned from, in the order in which live looks at them, and those from `first` on that
    cannot be traded, by reason."""
    as_of = AsOf(recording)
    order = {code: number for number, code in enumerate(load_cities())}
    found, skipped = [], Counter[str]()
    for event in recording.events:
        reason = _why_not(event, recording) or EventPast(as_of, event).refusal
        if reason is None:
            found.append(event)
        elif event.event_date >= first:
            skipped[reason] += 1
    return tuple(sorted(found, key=lambda event: (order[event.city_code], event.event_date))), dict(
        sorted(skipped.items())
    )


def _why_not(event: RecordedEvent, recording: Recording) -> str | None:
    if not event.is_decided:
        return UNDECIDED
    quotes = (quote for entry in event.markets for quote in recording.quotes[entry.market.ticker])
    if not any(quote.yes_bid is not None and quote.yes_ask is not None for quote in quotes):
        return UNQUOTED
    return None


def _in_groups(task: Callable[[range], list[T]], work: _Work, processes: int) -> list[T]:
    """What `task` makes of every event, in the order of the events; the cities are shared out among processes."""
    groups = _by_city(work.events)
    if processes < 2 or len(groups) < 2:
        _adopt(work)
        return [each for group in groups for each in task(group)]
    with _pool(work, min(processes, len(groups))) as pool:
        return [each for made in pool.map(task, groups) for each in made]


def _replay_all(work: _Work, processes: int) -> dict[Decimal, Replay]:
    """The replay at the depth that was asked for and at each of DEPTHS."""
    depths = sorted({work.depth, *DEPTHS}, key=lambda depth: (depth != work.depth, depth))
    if processes < 2:
        _adopt(work)
        return {depth: _replay_at(depth) for depth in depths}
    with _pool(work, min(processes, len(depths))) as pool:
        return dict(zip(depths, pool.map(_replay_at, depths), strict=True))


def _by_city(events: Sequence[RecordedEvent]) -> list[range]:
    """Places of the events of each city: they stand together."""
    begins = [
        place
        for place, event in enumerate(events)
        if not place or event.city_code != events[place - 1].city_code
    ]
    return [range(begin, end) for begin, end in zip(begins, [*begins[1:], len(events)], strict=True)]


_work: _Work | None = None
"""Of this process; a forked one is handed its parent's, unpickled."""


def _adopt(work: _Work) -> None:
    global _work
    _work = work


def _shared() -> _Work:
    assert _work is not None, "a process is handed its work before its first task"
    return _work


def _pool(work: _Work, processes: int) -> ProcessPoolExecutor:
    # Forked: a year of quotes is there without being sent, and nothing is imported anew.
    context = multiprocessing.get_context("fork")
    return ProcessPoolExecutor(processes, mp_context=context, initializer=_adopt, initargs=(work,))


def _teach(places: range) -> list[tuple[Lesson, ...]]:
    """What there is to learn from each of these events."""
    work = _shared()
    as_of = work.as_of()
    taught = []
    for place in places:
        past = EventPast(as_of, work.events[place])
        columns = ladder_columns(past.event, work.recording.quotes, ())
        taught.append(lessons_of(past, columns, winner_of(past.event, past.tickers), work.around))
    return taught


def _prepare(places: range) -> list[_Prepared]:
    work = _shared()
    as_of = work.as_of()
    baselines = Baselines(work.recording)
    prepared = []
    for place in places:
        past = EventPast(as_of, work.events[place])
        known = Known(as_of.forecast_times.get(past.city.code, ()), work.weights)
        sheet = event_sheet(past, as_of, known, work.around)
        prepared.append(_Prepared(sheet, scored_ladders(past, sheet, baselines, known, work.around)))
    return prepared


def _replay_at(depth: Decimal) -> Replay:
    work = _shared()
    as_of = replace(work, depth=depth).as_of()
    return replay(work.sheets, as_of, work.weights, work.capital, work.around)


def _depth_outcome(depth: Decimal, found: Replay) -> DepthOutcome:
    trades = found.trades
    opened = (trade for trade in trades if trade.action is Action.BUY)
    return DepthOutcome(
        assumed_depth=depth,
        fills=len(trades),
        contracts=sum((trade.count for trade in trades), ZERO),
        staked=sum(
            (trade.count * (trade.price if trade.buys_yes else 1 - trade.price) for trade in opened), ZERO
        ),
        fees=sum((trade.fee for trade in trades), ZERO),
        pnl=sum((trade.pnl for trade in trades if trade.pnl is not None), ZERO),
    )


def _counts(prepared: Iterable[_Prepared], main: Replay, skipped: dict[str, int]) -> Counts:
    columns = [each.sheet.columns for each in prepared]
    return Counts(
        events=len(columns),
        skipped_events=skipped,
        instants=sum(each.instants for each in columns),
        snapshots=sum(each.instants * len(each.brackets) for each in columns),
        decided=main.decided,
        intents=len(main.intents),
        orders_by_state=main.orders_by_state,
    )
