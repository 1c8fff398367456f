"""The simulated exchange: every city's events around a chosen day, answered at any instant without a run-up.

An event is worked out whole when it is first asked for and kept while it is in use. Nothing is kept that could change
an answer: two feeds of one seed agree, whatever they were asked before.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final

from sandbox.cities import City
from sandbox.feeds import Book, Ladder, Outcome, Pause, Quote, Trade
from sandbox.world.market_fair import INEFFICIENCY
from sandbox.world.market_pauses import weekly_pauses
from sandbox.world.market_schedule import day_of, event_of, ladder
from sandbox.world.market_tape import Tape, tapes
from sandbox.world.truth import Truth

DAY: Final = timedelta(days=1)
LISTED_AHEAD: Final = 2 * DAY
EVENTS_KEPT: Final = 200
LADDERS_KEPT: Final = 20_000


class SimulatedMarketFeed:
    """The exchange's side of the world of `seed`, with events from `first_day` on until two days after the question."""

    inefficiency: Final = INEFFICIENCY

    def __init__(
        self,
        truth: Truth,
        seed: int,
        cities: Sequence[City],
        first_day: date,
        events_kept: int = EVENTS_KEPT,
        reported_at: Callable[[City, date], datetime] = City.final_report_at,
    ) -> None:
        """`reported_at` tells when the final report of a day is out: nothing is determined before it."""
        self._truth = truth
        self._seed = seed
        self._cities = {city.series_ticker: city for city in cities}
        self._first_day = first_day
        self._events_kept = events_kept
        self._reported_at = reported_at
        self._tapes: OrderedDict[str, Mapping[str, Tape]] = OrderedDict()
        self._ladder = lru_cache(LADDERS_KEPT)(self._made_ladder)
        self._schedule: list[Ladder] = []
        self._scheduled_until = first_day - DAY

    def ladders(self, at: datetime) -> Sequence[Ladder]:
        """Every event up to two days after `at`, by day, then by city."""
        last = at.date() + LISTED_AHEAD
        while self._scheduled_until < last:
            self._scheduled_until += DAY
            self._schedule += [self._ladder(series, self._scheduled_until) for series in self._cities]
        scheduled = (last - self._first_day).days + 1
        return self._schedule[: max(scheduled, 0) * len(self._cities)]

    def outcome(self, event_ticker: str) -> Outcome | None:
        """The bracket of the official high; None for an event this world does not list."""
        listed = self._listed(event_ticker)
        if listed is None:
            return None
        high_f = self._truth.high_f(self._cities[listed.series_ticker], listed.event_date)
        (winner,) = (bracket.ticker for bracket in listed.brackets if bracket.contains(high_f))
        return Outcome(winner, high_f)

    def quote(self, ticker: str, at: datetime) -> Quote | None:
        """What is shown for a market at `at`."""
        tape = self._tape(ticker)
        return tape.quote(at) if tape else None

    def quotes(self, ticker: str, after: datetime, until: datetime) -> Sequence[Quote]:
        """Every change of what is shown with after < at <= until."""
        tape = self._tape(ticker)
        return tape.quotes(after, until) if tape else ()

    def book(self, ticker: str, at: datetime) -> Book:
        """The makers' levels at `at`, less what takers had of them."""
        tape = self._tape(ticker)
        return tape.book(at) if tape else Book()

    def trades(self, ticker: str, after: datetime, until: datetime) -> Sequence[Trade]:
        """Trades with after < at <= until."""
        tape = self._tape(ticker)
        return tape.trades(after, until) if tape else ()

    def pauses(self, after: datetime, until: datetime) -> Sequence[Pause]:
        """The weekly maintenance."""
        return weekly_pauses(after, until)

    def _made_ladder(self, series: str, day: date) -> Ladder:
        city = self._cities[series]
        return ladder(self._truth, self._seed, city, day, self._reported_at(city, day))

    def _listed(self, event_ticker: str) -> Ladder | None:
        series = event_ticker.split("-", 1)[0]
        try:
            day = day_of(event_ticker)
        except (ValueError, IndexError):
            return None
        if series not in self._cities or day < self._first_day:
            return None
        return self._ladder(series, day)

    def _tape(self, ticker: str) -> Tape | None:
        event = event_of(ticker)
        kept = self._tapes.get(event)
        if kept is None:
            listed = self._listed(event)
            if listed is None:
                return None
            kept = tapes(self._truth, self._seed, self._cities[listed.series_ticker], listed)
            self._tapes[event] = kept
            if len(self._tapes) > self._events_kept:
                self._tapes.popitem(last=False)
        else:
            self._tapes.move_to_end(event)
        return kept.get(ticker)
