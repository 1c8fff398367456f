"""Which event a city's tile shows, and the one state it is in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from analytics.public import ForecastHigh, PublicLock, PublicMarket, PublicWeather
from milkbot.core.cities import CityConfig, load_cities
from milkbot.core.climate_day import climate_day, climate_day_bounds
from milkbot.core.constants import ISSUANCE_BLOCK_AFTER, WEATHER_STALE_MIN

STALE_AFTER = timedelta(minutes=WEATHER_STALE_MIN)
EVERYWHERE = "*"
_ENDED = frozenset({"closed", "determined", "disputed", "amended", "finalized"})
_HAND_OVER = timedelta(minutes=5)
"""Trading of a day may end just before its midnight: the next day's ladder takes over that early."""


class TileState(StrEnum):
    """What the pattern of a tile's top edge says."""

    OPEN = "open"
    STALE = "stale"
    PAUSED = "paused"
    LOCKED = "locked"
    UNQUOTED = "unquoted"
    CLOSED = "closed"
    SETTLED = "settled"
    REFUSED = "refused"
    UNLISTED = "unlisted"


@dataclass(frozen=True)
class CityView:
    """What is known of one city and the event its tile shows; an empty ladder when none is listed."""

    city: CityConfig
    markets: tuple[PublicMarket, ...]
    weather: PublicWeather | None
    locks: tuple[PublicLock, ...] = ()

    @property
    def day(self) -> date | None:
        return self.markets[0].event_date if self.markets else None

    @property
    def close_at(self) -> datetime | None:
        return self.markets[0].close_at if self.markets else None

    @property
    def said_of_day(self) -> ForecastHigh | None:
        """The weather service's last word on the high of the day shown."""
        return self.weather.high_on(self.day) if self.weather and self.day else None

    def is_of_the_past(self, now: datetime) -> bool:
        """True when the event shown is an earlier day's, because that of `now`'s climate day is not listed."""
        return self.day is not None and self.day < climate_day(now, self.city.std_offset_hours)


def build_views(
    markets: Iterable[PublicMarket],
    weather: Mapping[str, PublicWeather],
    locks: Sequence[PublicLock],
    now: datetime,
) -> tuple[CityView, ...]:
    """Every city that has a market or a weather report, in the cities' order."""
    by_city: dict[str, list[PublicMarket]] = {}
    for market in markets:
        by_city.setdefault(market.city, []).append(market)
    views = []
    for code, city in load_cities().items():
        if code in by_city or code in weather:
            ladder = ladder_to_show(by_city.get(code, []), city, now)
            held = tuple(lock for lock in locks if lock.scope in _scopes(code, ladder))
            views.append(CityView(city, ladder, weather.get(code), held))
    return tuple(views)


def ladder_to_show(
    markets: Sequence[PublicMarket], city: CityConfig, now: datetime
) -> tuple[PublicMarket, ...]:
    """Brackets of one event, in the order given.

    The event that closes next, if its day has begun or is about to. Otherwise the newest that has closed: yesterday's
    result, until today's event is listed. With nothing in the past, the first to come.
    """
    events = {market.event_ticker: market for market in markets}.values()
    newest_day = climate_day(now + _HAND_OVER, city.std_offset_hours)
    past = [event for event in events if event.close_at <= now]
    to_come = [event for event in events if event.close_at > now]
    trading = [event for event in to_come if event.event_date <= newest_day]
    if trading or not past:
        chosen = min(trading or to_come, key=_close_at, default=None)
    else:
        chosen = max(past, key=_close_at)
    return tuple(market for market in markets if chosen and market.event_ticker == chosen.event_ticker)


def days_begun(views: Iterable[CityView], now: datetime) -> dict[str, tuple[datetime, datetime]]:
    """Bounds of each tile's climate day up to `now`; a day that has not begun has no highest reading."""
    days = {}
    for view in views:
        if view.day is None:
            continue
        start, end = climate_day_bounds(view.day, view.city.std_offset_hours)
        if start <= now:
            days[view.city.code] = (start, min(end, now + timedelta(microseconds=1)))
    return days


def state_of(view: CityView, now: datetime) -> TileState:
    """The one state of the tile: what ends trading first, then what a person must do, then what passes by itself."""
    if not view.markets:
        return TileState.UNLISTED
    return _ended(view.markets, now) or _held(view, now) or _quoted(view.markets)


def weather_is_stale(weather: PublicWeather | None, now: datetime) -> bool:
    """True when our own refresh has failed for too long; a forecast's own age is another matter."""
    return weather is None or now - weather.fetched_at > STALE_AFTER


def forecast_is_too_old(weather: PublicWeather, now: datetime) -> bool:
    """True when the forecaster has sent nothing for so long that the city is not traded, however fresh our fetch."""
    return weather.issued_at is not None and now - weather.issued_at > ISSUANCE_BLOCK_AFTER


def prices_seen_at(markets: Iterable[PublicMarket]) -> datetime | None:
    """When any of these prices was last read."""
    return max((market.last_seen_at for market in markets if market.last_seen_at), default=None)


def _ended(markets: Sequence[PublicMarket], now: datetime) -> TileState | None:
    if all(market.result for market in markets):
        return TileState.SETTLED
    if markets[0].close_at <= now or any(market.status in _ENDED for market in markets):
        return TileState.CLOSED
    return TileState.REFUSED if markets[0].refusal else None


def _held(view: CityView, now: datetime) -> TileState | None:
    if any(lock.needs_person for lock in view.locks):
        return TileState.LOCKED
    if any(market.status != "active" for market in view.markets):
        return TileState.PAUSED
    if _weather_stops_it(view.weather, now):
        return TileState.STALE
    seen_at = prices_seen_at(view.markets)
    if seen_at is None or now - seen_at > STALE_AFTER:
        return TileState.STALE
    return TileState.LOCKED if view.locks else None


def _weather_stops_it(weather: PublicWeather | None, now: datetime) -> bool:
    return weather is None or weather_is_stale(weather, now) or forecast_is_too_old(weather, now)


def _quoted(markets: Iterable[PublicMarket]) -> TileState:
    quoted = any(market.yes_bid is not None or market.yes_ask is not None for market in markets)
    return TileState.OPEN if quoted else TileState.UNQUOTED


def _scopes(code: str, ladder: Sequence[PublicMarket]) -> frozenset[str]:
    """Scopes of the locks that hold the event shown."""
    return frozenset({EVERYWHERE, code} | {market.event_ticker for market in ladder})


def _close_at(market: PublicMarket) -> datetime:
    return market.close_at
