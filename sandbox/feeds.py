"""What a world tells the exchange and the weather service.

Frozen values, and the two protocols every world keeps: the recorded one (`sandbox.replay`) and any simulated one. The
HTTP layers know these names only. Every question carries the instant it is asked at, so that no answer can hold
something that became known later. Prices are Decimal dollars on the YES side, counts Decimal contracts, a missing side
is None, temperatures are Fahrenheit, times aware UTC.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, Protocol

from sandbox.cities import City

StrikeType = Literal["less", "between", "greater"]


@dataclass(frozen=True, slots=True)
class Bracket:
    """One market of a ladder. less: V < cap; between: floor <= V <= cap; greater: V > floor (whole degrees)."""

    ticker: str
    strike_type: StrikeType
    floor_strike: int | None
    cap_strike: int | None

    @property
    def lowest_f(self) -> int | None:
        """The lowest whole degree that wins; None when there is no lower end."""
        if self.floor_strike is None:
            return None
        return self.floor_strike + 1 if self.strike_type == "greater" else self.floor_strike

    @property
    def highest_f(self) -> int | None:
        """The highest whole degree that wins; None when there is no upper end."""
        if self.cap_strike is None:
            return None
        return self.cap_strike - 1 if self.strike_type == "less" else self.cap_strike

    @property
    def winning_f(self) -> int | None:
        """One high that resolves this market to yes."""
        return self.highest_f if self.lowest_f is None else self.lowest_f

    @property
    def losing_f(self) -> int | None:
        """One high that resolves this market to no."""
        return self.floor_strike if self.highest_f is None else self.highest_f + 1

    def contains(self, high_f: int) -> bool:
        """Whether a final high of `high_f` resolves this market to yes."""
        above_floor = self.lowest_f is None or high_f >= self.lowest_f
        return above_floor and (self.highest_f is None or high_f <= self.highest_f)


@dataclass(frozen=True, slots=True)
class Ladder:
    """An event and its brackets from cold to warm. Without `finalized_at` it is paid at the exchange's usual hour."""

    series_ticker: str
    event_ticker: str
    event_date: date
    opens_at: datetime
    closes_at: datetime
    brackets: tuple[Bracket, ...]
    finalized_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an event ended: the market that pays and, where known, the official high."""

    winning_ticker: str
    high_f: int | None


@dataclass(frozen=True, slots=True)
class Quote:
    """What was shown for one market from `at` on. `volume` counts since opening."""

    at: datetime
    yes_bid: Decimal | None
    yes_ask: Decimal | None
    last: Decimal | None
    volume: Decimal | None
    open_interest: Decimal | None


@dataclass(frozen=True, slots=True)
class Level:
    """Contracts resting at one price."""

    price: Decimal
    count: Decimal


@dataclass(frozen=True, slots=True)
class Book:
    """Bids of both sides, each ascending, the best last: the exchange knows no asks."""

    yes_bids: tuple[Level, ...] = ()
    no_bids: tuple[Level, ...] = ()


@dataclass(frozen=True, slots=True)
class Trade:
    """Contracts that changed hands. `taker_side` is the outcome the taker is positioned for."""

    trade_id: str
    ticker: str
    at: datetime
    yes_price: Decimal
    count: Decimal
    taker_side: Literal["yes", "no"]


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing trades from `starts_at` until `ends_at`."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Issuance:
    """The forecast in force, in whole degrees: highs by climate day, temperatures by hour, each ascending in time."""

    issued_at: datetime
    highs_f: tuple[tuple[date, int], ...]
    hourly_f: tuple[tuple[datetime, int], ...]


@dataclass(frozen=True, slots=True)
class ClimateReport:
    """A final daily climate report."""

    climate_date: date
    issued_at: datetime
    high_f: int


@dataclass(frozen=True, slots=True)
class ClimateProduct:
    """A climate report as its office sent it: preliminary, final or corrected, which only the text tells."""

    issued_at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class StationRecord:
    """One record of a station: a METAR with its text, or a five-minute record whose `metar` is empty.

    `temp_c`: tenths of a degree in a METAR, whole degrees in a five-minute record, None when it is missing.
    Nobody outside the station knows of it before `available_at`.
    """

    observed_at: datetime
    available_at: datetime
    temp_c: Decimal | None
    metar: str


class MarketFeed(Protocol):
    """The exchange's side of a world."""

    def ladders(self, at: datetime) -> Sequence[Ladder]:
        """Every event that is listed at `at`, oldest first, and perhaps later ones; none ever leaves or moves."""
        ...

    def outcome(self, event_ticker: str) -> Outcome | None:
        """How the event ended, None while nobody will ever know. The caller asks only when it is determined."""
        ...

    def quote(self, ticker: str, at: datetime) -> Quote | None:
        """The newest quote not later than `at`; None before the first."""
        ...

    def quotes(self, ticker: str, after: datetime, until: datetime) -> Sequence[Quote]:
        """Quotes with after < at <= until, ascending."""
        ...

    def book(self, ticker: str, at: datetime) -> Book:
        """The order book at `at`, without regard to the market's status."""
        ...

    def trades(self, ticker: str, after: datetime, until: datetime) -> Sequence[Trade]:
        """Trades of one market with after < at <= until, ascending."""
        ...

    def pauses(self, after: datetime, until: datetime) -> Sequence[Pause]:
        """Scheduled trading pauses that end after `after` and begin by `until`, ascending."""
        ...


class WeatherFeed(Protocol):
    """The weather service's side of a world."""

    def cities(self) -> Sequence[City]:
        """The cities this world has weather for."""
        ...

    def issuance(self, city: City, at: datetime) -> Issuance | None:
        """The forecast made of everything available at `at`; None when nothing is."""
        ...

    def reports(self, city: City, at: datetime) -> Sequence[ClimateReport]:
        """Final climate reports published by `at`, newest first."""
        ...

    def climate_products(self, city: City, at: datetime) -> Sequence[ClimateProduct]:
        """Every climate report published by `at` of about the last week, newest first."""
        ...

    def observations(
        self, city: City, start: datetime, end: datetime, at: datetime, limit: int
    ) -> Sequence[StationRecord]:
        """The newest `limit` records with start <= observed_at <= end that are available at `at`, newest first."""
        ...
