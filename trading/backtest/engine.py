"""From a folder to a result: reads, prepares every event in as many processes as there are, and replays them together.

Preparing an event needs nothing of the others and is most of the work; trading shares one account, so it passes through
time once, in one process. Which process did what leaves no trace: the same inputs give the same result.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import numpy as np

from milkbot.core.cities import load_cities
from milkbot.core.config import TradingMode
from milkbot.core.errors import MilkbotError
from milkbot.core.money import ZERO
from trading.backtest.as_of import AsOf
from trading.backtest.baselines import Baselines
from trading.backtest.calibrating import PastCalibrations
from trading.backtest.event_past import EventPast
from trading.backtest.event_sheet import EventSheet, Known, event_sheet
from trading.backtest.forked import as_many, made_of_each, without_collecting
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
from trading.backtest.screen import prospects
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

    as_of: AsOf
    events: tuple[RecordedEvent, ...]
    around: Circumstances
    capital: Decimal
    weights: LearnedWeights = UNLEARNED
    sheets: tuple[EventSheet, ...] = ()


@without_collecting()
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
    many = as_many(processes)
    recording = noticed(
        read_recorded(data, now, cities=options.cities, last=options.last, processes=many),
        options.weather_delay,
    )
    calibrations = PastCalibrations(recording)
    as_of = AsOf(recording, depth=options.assumed_depth, calibration_at=calibrations.at)
    usable, skipped = _replayable(as_of, options.first)
    events = tuple(event for event in usable if event.event_date >= options.first)
    if not events:
        why = (
            ", ".join(f"{count} {reason}" for reason, count in skipped.items())
            or "none of these days and cities"
        )
        raise NothingToReplay(f"{data} holds no event that can be replayed ({why}); {recording.report}")
    around = _circumstances(options, now)
    calibrations.at(now)  # Walked once: the processes to come inherit it.
    work = _Work(as_of, usable, around, options.capital)
    lessons = [lesson for of_event in _of_each_event(_teach, work, many) for lesson in of_event]
    first = first_weights(calibrations, min(event.open_at for event in usable))
    work = replace(work, events=events, weights=learned_weights(first, lessons))
    prepared = _of_each_event(_prepare, work, many)
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


def _replayable(as_of: AsOf, first: date) -> tuple[tuple[RecordedEvent, ...], dict[str, int]]:
    """The events that can be learned from, in the order in which live looks at them, and those from `first` on that
    cannot be traded, by reason."""
    recording = as_of.recording
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
    if not any(recording.quotes[entry.market.ticker].is_two_sided for entry in event.markets):
        return UNQUOTED
    return None


def _of_each_event(task: Callable[[_Work, range], list[T]], work: _Work, processes: int) -> list[T]:
    """What `task` makes of every event, in the order of the events; the cities are shared out among processes."""
    return [each for made in made_of_each(task, work, _by_city(work.events), processes) for each in made]


def _replay_all(work: _Work, processes: int) -> dict[Decimal, Replay]:
    """The replay at the depth that was asked for and at each of DEPTHS."""
    asked = work.as_of.depth
    depths = sorted({asked, *DEPTHS}, key=lambda depth: (depth != asked, -depth))
    return dict(zip(depths, made_of_each(_replay_at, work, depths, processes), strict=True))


def _by_city(events: Sequence[RecordedEvent]) -> list[range]:
    """Places of the events of each city: they stand together."""
    begins = [
        place
        for place, event in enumerate(events)
        if not place or event.city_code != events[place - 1].city_code
    ]
    return [range(begin, end) for begin, end in zip(begins, [*begins[1:], len(events)], strict=True)]


def _teach(work: _Work, places: range) -> list[tuple[Lesson, ...]]:
    """What there is to learn from each of these events."""
    taught = []
    for place in places:
        past = EventPast(work.as_of, work.events[place])
        taught.append(lessons_of(past, winner_of(past.event, past.tickers), work.around))
    return taught


def _prepare(work: _Work, places: range) -> list[_Prepared]:
    as_of = work.as_of
    baselines = Baselines(as_of.recording)
    prepared, deepest = [], max(as_of.depth, *DEPTHS)
    for place in places:
        past = EventPast(as_of, work.events[place])
        known = Known(as_of.forecast_times.get(past.city.code, ()), work.weights)
        sheet = event_sheet(past, as_of, known, work.around)
        scores = scored_ladders(past, sheet, baselines, known, work.around)
        prepared.append(_Prepared(_lightened(sheet, past, deepest, work.around), scores))
    return prepared


def _lightened(sheet: EventSheet, past: EventPast, depth: Decimal, around: Circumstances) -> EventSheet:
    """With what was believed only where something could be wanted at `depth`, and where what was wanted before is taken
    back because something is due: it travels between processes."""
    if past.fees is None:
        return sheet
    wanted = np.flatnonzero(prospects(sheet, past.fees, depth, around.policy, may_rest=around.may_rest).rows)
    taken_back = np.flatnonzero(sheet.is_quiet[:-1] & ~sheet.is_quiet[1:]) + 1
    rows = np.concatenate([wanted, taken_back[taken_back > wanted[:1]] if wanted.size else wanted])
    return replace(sheet, remembered=sheet.remembered.only(np.unique(sheet.segment[rows]).tolist()))


def _replay_at(work: _Work, depth: Decimal) -> Replay:
    return replay(work.sheets, work.as_of.at_depth(depth), work.weights, work.capital, work.around)


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
