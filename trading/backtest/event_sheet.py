"""One event prepared for its replay: its ladder as columns, and what is believed on each of its rows.

A belief changes when a forecast becomes available or something was learned; between, it is made anew on every full hour,
in which a spread moves by a few hundredths of a degree. Gates of time open and close besides. Each such moment begins a
segment, in which only prices move.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from markets.domain.types import FeeSchedule
from milkbot.core.arrays import Floats
from trading.backtest.as_of import AsOf
from trading.backtest.event_past import EventPast
from trading.backtest.gate_times import belief_times, gate_times
from trading.backtest.ladder_columns import LadderColumns, ladder_columns
from trading.backtest.learning import LearnedWeights
from trading.backtest.quote_history import MICROS, NOBODY, Int32s, micros_of
from trading.backtest.recorded_types import RecordedEvent
from trading.backtest.remembered import Remembered, Told
from trading.domain.ensemble import Belief
from trading.domain.event_gate import check_event, is_under_way
from trading.domain.inputs import Circumstances, EventContext
from trading.domain.judge import Timing, judge_event, terms_of
from trading.domain.judge_rows import BeliefRows, PricedRows, belief_rows, put_rows_beside
from trading.domain.market_expert import Quotes
from trading.domain.opinion import form_belief, situation_of, timing_of
from trading.domain.policy import Policy
from trading.domain.strategies.base import Situation
from trading.domain.weights import calibration_of
from weather.domain.odds import Odds, whole_day_odds
from weather.domain.releases import Window
from weather.domain.types import Outlook

Bools = npt.NDArray[np.bool_]

NO_BELIEF: Final = -1
ALLOWANCE: Final = 2e-6
"""Dollars, or a probability: decisions round a probability to six digits, and floats differ in the sixteenth."""
_ROUNDING: Final = 1e-9
_AT_ONCE: Final = timedelta(microseconds=1)
"""Less than any time between two rows, so that the row at which a window opens is in it."""


class Screen(StrEnum):
    """How the rows on which a decision could act are found."""

    ARRAY = "array"
    """All rows of an event at once."""
    JUDGE = "judge"
    """One by one, by the same judge that could stand before a live decision."""
    NONE = "none"
    """Not at all: every row is decided in full."""


class RowOpinion(NamedTuple):
    """What is believed on each row of each bracket; NaN where nobody has an opinion."""

    p_trade: Floats
    errors: Floats
    """Standard errors of `p_trade`."""


class Known(NamedTuple):
    """What changes by itself in the course of a past, whatever is quoted."""

    forecasts: Sequence[datetime]
    """When any forecast of the event's city became available, ascending."""
    weights: LearnedWeights

    def circumstances(self, around: Circumstances, now: datetime) -> Circumstances:
        """`around` as it was at `now`."""
        return around._replace(now=now, weights=self.weights.at(now))


@dataclass(frozen=True, slots=True)
class EventSheet:
    """What a search for trades needs of one event. Rows are instants, columns brackets, coldest first."""

    event: RecordedEvent
    columns: LadderColumns
    segment: Int32s
    """Of each row."""
    outlook_at: tuple[datetime, ...]
    """Of each segment: when the outlook was made that holds in it."""
    is_open: Bools
    """Of each segment: whether the event as a whole may be traded in it."""
    is_confident: Bools
    """Of each segment: whether our record lets us act at all."""
    is_quiet: Bools
    """Of each row: whether nothing is due."""
    may_quote: Bools
    """Of each row: whether nothing is due for as long as a quote must live to be posted."""
    opinion: RowOpinion
    remembered: Remembered
    candidates: Bools | None
    """Of each row and bracket: whether we know it well enough, and without contradicting the market, to act on it, or what
    the judge finds worth an order; None where every row is decided in full."""
    screen: Screen

    def belief_made_at(self, at: datetime) -> Belief | None:
        """What was believed from `at` on; None unless it was made anew at that very moment, or was not kept."""
        row = int(self.columns.at.searchsorted(micros_of(at), side="right")) - 1
        segment = int(self.segment[row])
        told = self.remembered.told().get(segment) if self.outlook_at[segment] == at else None
        return told and told.belief


def event_sheet(
    past: EventPast, as_of: AsOf, known: Known, around: Circumstances, screen: Screen = Screen.ARRAY
) -> EventSheet:
    """The sheet of one event. Of `around` everything but the time and the weights is used as it is."""
    remade = belief_times(past.event, known.forecasts, known.weights.changed_at)
    gates = gate_times(past.event, past.city, known.forecasts, around.policy)
    starts = sorted(remade | gates)
    due = past.releases.windows if around.may_rest else ()
    turns = {at for window in due for at in (window.starts_at, window.ends_at)}
    columns = ladder_columns(past.event, as_of.recording.quotes, [*starts, *turns])
    begun = np.asarray([micros_of(start) for start in starts], dtype=np.int64)
    segment = (np.searchsorted(begun, columns.at, side="right") - 1).astype(np.int32)
    segments = _Segments(past, known, around, sorted(remade))
    for start in starts:
        segments.begin(start, is_remade=start in remade)
    if columns.has_sizes:
        screen = Screen.NONE  # Both ways of searching know one depth for all prices.
    elif screen is Screen.ARRAY and any(timing.has_news for timing in segments.timings):
        screen = Screen.JUDGE  # By array nothing is known of readings that the market may not have priced.
    is_quiet, may_quote = (
        _rows_apart(columns, due, ahead) for ahead in (_AT_ONCE, around.policy.min_resting_life)
    )
    opinion, candidates = _opinion(columns, segment, segments, past.fees, around, screen, may_quote)
    return EventSheet(
        event=past.event,
        columns=columns,
        segment=segment,
        outlook_at=tuple(segments.outlook_at),
        is_open=np.asarray(segments.is_open),
        is_confident=np.asarray(segments.is_confident),
        is_quiet=is_quiet,
        may_quote=may_quote,
        opinion=opinion,
        remembered=Remembered(segments.told),
        candidates=candidates,
        screen=screen,
    )


def _rows_apart(columns: LadderColumns, due: Sequence[Window], ahead: timedelta) -> Bools:
    """The rows on which no window is open, nor opens in less than `ahead`."""
    apart = np.ones(columns.instants, dtype=np.bool_)
    if due:
        opens = np.searchsorted(
            columns.at, [micros_of(window.starts_at - ahead) for window in due], side="right"
        )
        closes = np.searchsorted(columns.at, [micros_of(window.ends_at) for window in due])
        for first, last in zip(opens.tolist(), closes.tolist(), strict=True):
            apart[first:last] = False
    return apart


class _Segments:
    """What holds in each segment, found one after the other."""

    def __init__(
        self, past: EventPast, known: Known, around: Circumstances, remade: Sequence[datetime]
    ) -> None:
        self.outlook_at: list[datetime] = []
        self.is_open: list[bool] = []
        self.is_confident: list[bool] = []
        self.timings: list[Timing] = []
        self.of: list[int] = []
        """Place among `beliefs` of what is believed in the segment; NO_BELIEF where nobody speaks."""
        self.beliefs: list[Belief] = []
        self.told: dict[int, Told] = {}
        self._past = past
        self._known = known
        self._around = around
        self._outlook: Outlook | None = None
        self._situation: Situation | None = None
        self._made: int | None = None
        self._outlooks = {start: self._outlook_of(start) for start in remade}
        self._odds = self._read()
        """Of each outlook that knows no readings, read in one call for all."""

    def _outlook_of(self, start: datetime) -> Outlook | None:
        """Without readings the event is closed from the hour on at which its day shows its own high, whatever is forecast."""
        context = EventContext(self._past.city, self._past.opening_board, self._around._replace(now=start))
        is_over = is_under_way(context) and not self._past.has_readings(start)
        return None if is_over else self._past.outlook(start)

    def _read(self) -> Mapping[datetime, Odds]:
        known = {start: each for start, each in self._outlooks.items() if each and each.nowcast is None}
        brackets = [(entry.bracket.low_f, entry.bracket.high_f) for entry in self._past.opening_board.markets]
        return dict(zip(known, whole_day_odds([*known.values()], brackets), strict=True))

    def begin(self, start: datetime, *, is_remade: bool) -> None:
        """The next segment. The first is always remade."""
        past, around = self._past, self._known.circumstances(self._around, start)
        board = past.opening_board
        context = EventContext(past.city, board, around)
        if is_remade:
            self._outlook, self._made = self._outlooks[start], None
        self.outlook_at.append(start if is_remade else self.outlook_at[-1])
        is_over = is_under_way(context) and not past.has_readings(start)
        is_open = not is_over and bool(check_event(past.view(board, self._outlook, start), context))
        timing, place = Timing(is_quiet=False, has_news=False), NO_BELIEF
        if is_open and self._outlook is not None:
            # Opening prices stand for all: nothing that is told here looks at them.
            self._situation = self._situation or situation_of(self._outlook, context)
            odds = self._odds.get(self.outlook_at[-1])
            situation = self._situation._replace(outlook=self._outlook, now=start, odds=odds)
            timing = timing_of(situation)
            if self._made is None:
                self._made = self._keep(form_belief(situation, context))
            place = self._made
            if place != NO_BELIEF:
                self.told[len(self.of)] = Told(self._outlook, self.beliefs[place])
        least = around.policy.min_confidence - _ROUNDING
        self.is_open.append(is_open)
        self.timings.append(timing)
        self.of.append(place)
        self.is_confident.append(
            place != NO_BELIEF and calibration_of(around.weights.of(self.beliefs[place].horizon)) >= least
        )

    def _keep(self, belief: Belief | None) -> int:
        if belief is None or not belief.is_admitted:
            return NO_BELIEF
        self.beliefs.append(belief)
        return len(self.beliefs) - 1


def _opinion(
    columns: LadderColumns,
    segment: Int32s,
    segments: _Segments,
    fees: FeeSchedule | None,
    around: Circumstances,
    screen: Screen,
    may_quote: Bools,
) -> tuple[RowOpinion, Bools | None]:
    """What is believed on every row, and where it may be acted on."""
    opinion = RowOpinion(*np.full((2, *columns.bid.shape), np.nan))
    of_row = np.asarray(segments.of)[segment]
    rows = np.flatnonzero(of_row != NO_BELIEF)
    if screen is Screen.NONE:
        return opinion, None
    if screen is Screen.JUDGE and fees is not None:
        return opinion, _judged(opinion, columns, rows, segment, segments, fees, around, may_quote)
    candidates = np.zeros(columns.bid.shape, dtype=np.bool_)
    if rows.size:
        bids, asks = (
            np.where(side[rows] == NOBODY, np.nan, side[rows] / MICROS) for side in (columns.bid, columns.ask)
        )
        is_quiet = np.asarray([timing.is_quiet for timing in segments.timings])[segment[rows]]
        believed = belief_rows(segments.beliefs, of_row[rows], is_quiet)
        priced = put_rows_beside(believed, bids, asks)
        opinion.p_trade[rows], opinion.errors[rows] = priced.p_trade, priced.errors
        candidates[rows] = _plausible(believed, priced, (bids + asks) / 2, around.policy)
    return opinion, candidates


def _plausible(believed: BeliefRows, priced: PricedRows, mids: Floats, policy: Policy) -> Bools:
    """As `gates.check_plausible`, where no reading is brand new, and `gates.check_uncertainty`."""
    price = np.where(np.isnan(priced.p_market), mids, priced.p_market)
    near = np.abs(believed.p_model - price) <= policy.implausible_disagreement + ALLOWANCE
    return np.asarray(near & (priced.errors <= policy.max_uncertainty + ALLOWANCE))


def _judged(
    opinion: RowOpinion,
    columns: LadderColumns,
    rows: npt.NDArray[np.intp],
    segment: Int32s,
    segments: _Segments,
    fees: FeeSchedule,
    around: Circumstances,
    may_quote: Bools,
) -> Bools:
    """Fill in `opinion` row by row, and mark what is worth an order."""
    terms = [
        terms_of(around.policy, fees, may_rest=around.may_rest and quiet, sizes_known=False)
        for quiet in (False, True)
    ]
    candidates = np.zeros(columns.bid.shape, dtype=np.bool_)
    bids, asks = (_dollars(side) for side in (columns.bid, columns.ask))
    deep = [float("inf")] * len(columns.brackets)
    for row in rows.tolist():
        number = int(segment[row])
        belief = segments.beliefs[segments.of[number]]
        quotes = Quotes(bids[row], asks[row], deep, deep)
        judged = judge_event(belief, quotes, terms[int(may_quote[row])], segments.timings[number])
        opinion.p_trade[row], opinion.errors[row] = judged.priced.pool.p_trade, judged.priced.pool.errors
        candidates[row, list(judged.candidates)] = True
    return candidates


def _dollars(side: Int32s) -> list[list[float | None]]:
    return [[None if micros == NOBODY else micros / MICROS for micros in row] for row in side.tolist()]
