"""A recording as of any moment: what the exchange and the forecasters showed then, and nothing later. No framework.

Built on the application's own domain code: the same ladder check, rule parser and board as live. Recordings hold no
contract texts and seldom sizes. Where a size is missing it is assumed (a stated parameter), the text is written here in the
wording of the event's date, and the fees are those of the ten series (quadratic, taker only, times one).
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Final, Self

from markets.domain.board import build_board
from markets.domain.order_book import build_book
from markets.domain.types import (
    Board,
    Event,
    FeeSchedule,
    FeeType,
    Listing,
    Market,
    MarketSnapshot,
    MarketStatus,
    OrderBook,
    StrikeType,
)
from milkbot.core.cities import CityConfig, load_cities
from milkbot.core.climate_day import climate_day, climate_day_bounds
from milkbot.core.money import ONE, ZERO
from trading.backtest.quote_history import Quote
from trading.backtest.recorded_types import RecordedEvent, RecordedMarket, Recording
from weather.domain.errors import PRIOR, Calibration
from weather.domain.releases import (
    FORECAST,
    Issue,
    Releases,
    Window,
    learned_between,
    reading_windows,
    slot_windows,
    until_seen,
    usual_slots,
)
from weather.domain.types import DayHigh, WeatherSnapshot

ASSUMED_DEPTH: Final = Decimal(10)
"""Contracts taken to stand at each recorded price."""
FEES: Final = FeeSchedule(fee_type=FeeType.QUADRATIC, multiplier=ONE)
WEATHER_COMPANY_SINCE: Final = date(2026, 8, 14)
"""First climate day whose events settle on The Weather Company; earlier ones on the weather service's report."""
PAID_OUT_AT: Final = time(12, 5)
"""UTC, on the morning after the climate day (kalshi-api.md 9: seen 11:18 to 12:05)."""
FORECAST_DAYS: Final = 8
"""Today and the seven days a grid looks ahead."""

_A_DAY: Final = timedelta(days=1)
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_SITES: Final = {
    "NYC": "in Central Park, New York",
    "CHI": "at Chicago Midway, IL",
    "LAX": "at Los Angeles Airport, CA",
    "MIA": "at Miami International Airport, FL",
    "AUS": "at Austin Bergstrom, TX",
    "DEN": "in Denver, CO",
    "PHL": "at Philadelphia International Airport, PA",
    "BOS": "in Boston, MA",
    "SEA": "in Seattle, WA",
    "SFO": "in San Francisco, CA",
}


def forecast_times(recording: Recording) -> Mapping[str, Sequence[datetime]]:
    """By city, every moment at which any of its forecasts became available, ascending."""
    found: dict[str, set[datetime]] = defaultdict(set)
    for (city_code, _), forecasts in recording.forecasts.items():
        found[city_code].update(forecast.available_at for forecast in forecasts)
    return {city_code: sorted(times) for city_code, times in found.items()}


def issues(recording: Recording) -> Mapping[str, Sequence[Issue]]:
    """By city, every release of its forecasts, in the order of issue.

    Of some sources only the day of issue is known, and the forecast is taken to be out at the day's end: that tells
    nothing of a time of day.
    """
    found: dict[str, set[Issue]] = defaultdict(set)
    for (city_code, _), forecasts in recording.forecasts.items():
        found[city_code].update(
            Issue(forecast.issued_at, forecast.available_at)
            for forecast in forecasts
            if forecast.available_at - forecast.issued_at < _A_DAY
        )
    return {city_code: sorted(known) for city_code, known in found.items()}


class AsOf:
    """Boards and weather of a recording at any `now`. Holds no state: asked twice, it answers the same."""

    def __init__(
        self,
        recording: Recording,
        *,
        depth: Decimal = ASSUMED_DEPTH,
        calibration_at: Callable[[datetime], Calibration] = lambda _: PRIOR,
    ) -> None:
        _check_depth(depth)
        self.recording = recording
        self.calibration_at = calibration_at
        self.forecast_times = forecast_times(recording)
        self._issues = issues(recording)
        self._forecasts_due = lru_cache(maxsize=1000)(self._uncached_forecasts_due)
        # Asked for at every instant of two events, it changes a few times a day.
        self._weather = lru_cache(maxsize=1000)(self._known_weather)
        self.depth = depth
        self._openings: dict[str, Board] = {}
        self._releases: dict[str, Releases] = {}
        self._markets = {
            entry.market.ticker: _with_rules(entry.market, event)
            for event in recording.events
            for entry in event.markets
        }

    def at_depth(self, depth: Decimal) -> Self:
        """The same past with `depth` contracts at each price. What was made of it once is shared."""
        _check_depth(depth)
        other = copy(self)
        other.depth = depth
        return other

    def opening(self, event: RecordedEvent) -> Board:
        """The event's board at its opening, made once, at whatever depth was asked first: for all but its sizes."""
        if event.event_ticker not in self._openings:
            self._openings[event.event_ticker] = self.board(event, event.open_at)
        return self._openings[event.event_ticker]

    def board(self, event: RecordedEvent, now: datetime) -> Board:
        """One event as the exchange showed it at `now`, checked as live."""
        quotes = {
            entry.market.ticker: self.recording.quote_at(entry.market.ticker, now) for entry in event.markets
        }
        listed = Event(
            event_ticker=event.event_ticker,
            series_ticker=event.series_ticker,
            event_date=event.event_date,
            listings=tuple(
                Listing(
                    market=self._markets[ticker],
                    snapshot=_snapshot(self._markets[ticker], quote, self.depth, now),
                )
                for ticker, quote in quotes.items()
            ),
        )
        books = {ticker: _book(ticker, quote, self.depth) for ticker, quote in quotes.items()}
        return build_board(load_cities()[event.city_code], listed, books, FEES, now)

    def snapshot(self, city: CityConfig, now: datetime) -> WeatherSnapshot | None:
        """What was forecast for a city, as far as anyone could know at `now`; None before the first forecast."""
        today = climate_day(now, city.std_offset_hours)
        known = self._weather(city.code, today, bisect_right(self.forecast_times.get(city.code, ()), now))
        return known and known.changed(captured_at=now)

    def _known_weather(self, city_code: str, today: date, releases: int) -> WeatherSnapshot | None:
        """The highs of the coming days after so many releases of the city's, as captured when the last was to be had."""
        if not releases:
            return None
        now = self.forecast_times[city_code][releases - 1]
        days = (today + timedelta(days=ahead) for ahead in range(FORECAST_DAYS))
        known = [found for on in days if (found := self.recording.forecast_at(city_code, on, now))]
        if not known:
            return None
        # Of some sources only the day of issue is known; when it could be had is the moment that counts.
        issued_at = max(forecast.available_at for forecast in known)
        highs = tuple([_day_high(forecast.target_date, forecast.high_f) for forecast in known])
        return WeatherSnapshot(city_code=city_code, captured_at=now, issued_at=issued_at, highs=highs)

    def releases(self, event: RecordedEvent) -> Releases:
        """What is due while the event trades, each window to the moment at which we saw what it waited for. Made once."""
        if event.event_ticker not in self._releases:
            self._releases[event.event_ticker] = self._made_releases(event)
        return self._releases[event.event_ticker]

    def _made_releases(self, event: RecordedEvent) -> Releases:
        days = (event.close_at.date() - event.open_at.date()).days + 1
        around = (event.open_at.date() + timedelta(days=ahead) for ahead in range(-1, days + 1))
        windows = [window for on in around for window in self._forecasts_due(event.city_code, on)]
        offset = load_cities()[event.city_code].std_offset_hours
        windows.extend(reading_windows(*climate_day_bounds(event.event_date, offset)))
        return Releases.of(
            window
            for window in windows
            if window.ends_at > event.open_at and window.starts_at < event.close_at
        )

    def _uncached_forecasts_due(self, city_code: str, on: date) -> tuple[Window, ...]:
        known = self._issues.get(city_code, ())
        first, last = (bisect_left(known, at, key=_issued_at) for at in learned_between(on))
        slots = usual_slots({issue.issued_at for issue in known[first:last]})
        return tuple(until_seen(slot_windows(FORECAST, slots, on), known))

    def final_listing(self, event: RecordedEvent, entry: RecordedMarket, at: datetime) -> Listing:
        """A market as the exchange listed it from `at` on, when it had been paid out."""
        market = self._markets[entry.market.ticker].model_copy(
            update={
                "status": MarketStatus.FINALIZED,
                "result": entry.result,
                "expiration_value": "" if event.settle_f is None else f"{event.settle_f}.00",
                "settled_at": at,
            }
        )
        last = self.recording.quote_at(market.ticker, at)
        unquoted = last and last._replace(yes_bid=None, yes_ask=None)
        return Listing(market=market, snapshot=_snapshot(market, unquoted, self.depth, at))


@lru_cache(maxsize=10_000)
def _day_high(day: date, high_f: Decimal) -> DayHigh:
    """Of a day the same is said again and again."""
    return DayHigh(day=day, high_f=whole_degrees(high_f))


def _issued_at(issue: Issue) -> datetime:
    return issue.issued_at


def _check_depth(depth: Decimal) -> None:
    if depth <= ZERO:
        raise ValueError(f"an assumed depth of {depth} contracts fills nothing")


def paid_out_at(event: RecordedEvent) -> datetime:
    """When the exchange made the event final: not recorded, so the usual hour of the next morning, after the close."""
    morning = datetime.combine(event.event_date + timedelta(days=1), PAID_OUT_AT, UTC)
    return max(morning, event.close_at + timedelta(hours=1))


def rules_text(market: Market, city: CityConfig, event_date: date) -> str:
    """The contract's main rule in the wording used for events of that date (kalshi-api.md 9)."""
    condition = {
        StrikeType.LESS: f"less than {market.cap_strike}°",
        StrikeType.GREATER: f"greater than {market.floor_strike}°",
        StrikeType.BETWEEN: f"between {market.floor_strike}-{market.cap_strike}°",
        None: "unknown",
    }[market.strike_type]
    month = _MONTHS[event_date.month - 1]
    if event_date >= WEATHER_COMPANY_SINCE:
        when = f"{month[:3]} {event_date.day}, {event_date.year}"
        return (
            f"If the maximum temperature recorded at {city.name} ({city.cli_code}) for {when}, is {condition} fahrenheit "
            "according to The Weather Company, then the market resolves to Yes."
        )
    when = f"{month} {event_date.day:02}, {event_date.year}"
    return (
        f"If the highest temperature recorded {_SITES[city.code]} for {when}, is {condition} according to the National "
        "Weather Service's Climatological Report (Daily), then the market resolves to Yes."
    )


def _with_rules(market: Market, event: RecordedEvent) -> Market:
    text = rules_text(market, load_cities()[event.city_code], event.event_date)
    return market.model_copy(update={"rules_primary": text})


def displayed(quote: Quote | None, depth: Decimal) -> tuple[Decimal | None, Decimal | None]:
    """Contracts at the bid and at the ask: what was recorded, else `depth`; None on a side that nobody quotes."""
    if quote is None:
        return None, None
    return (
        None if quote.yes_bid is None else quote.yes_bid_size or depth,
        None if quote.yes_ask is None else quote.yes_ask_size or depth,
    )


def _snapshot(market: Market, quote: Quote | None, depth: Decimal, now: datetime) -> MarketSnapshot:
    bid_size, ask_size = displayed(quote, depth)
    return MarketSnapshot(
        ticker=market.ticker,
        event_ticker=market.event_ticker,
        captured_at=now,
        status=market.status,
        yes_bid=quote.yes_bid if quote else None,
        yes_bid_size=bid_size,
        yes_ask=quote.yes_ask if quote else None,
        yes_ask_size=ask_size,
        last_price=quote.last if quote else None,
        volume=(quote.volume if quote else None) or ZERO,
        open_interest=(quote.open_interest if quote else None) or ZERO,
    )


def _book(ticker: str, quote: Quote | None, depth: Decimal) -> OrderBook:
    if quote is None:
        return OrderBook(ticker=ticker)
    bid_size, ask_size = displayed(quote, depth)
    return recorded_book(ticker, quote.yes_bid, bid_size, quote.yes_ask, ask_size)


@lru_cache(maxsize=100_000)
def recorded_book(
    ticker: str, bid: Decimal | None, bid_size: Decimal | None, ask: Decimal | None, ask_size: Decimal | None
) -> OrderBook:
    """The recorded touch; a NO bid is the ask seen from the other side."""
    return build_book(
        ticker,
        [] if bid is None or bid_size is None else [(bid, bid_size)],
        [] if ask is None or ask_size is None else [(ONE - ask, ask_size)],
    )


def whole_degrees(value: Decimal) -> int:
    """As the weather service gives them: halves away from zero."""
    return int(value.quantize(ONE, rounding=ROUND_HALF_UP))
