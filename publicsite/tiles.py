"""City tiles: the ladder of the day as the market, the weather service and, an hour late, Milkbot see it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from analytics.public import (
    PublicMarket,
    PublicWeather,
    read_highest_so_far,
    read_markets,
    read_probabilities,
    read_weather,
)
from milkbot.core.cities import CityConfig, load_cities
from milkbot.core.climate_day import climate_day_bounds
from milkbot.core.constants import WEATHER_STALE_MIN
from publicsite import words

STALE_AFTER = timedelta(minutes=WEATHER_STALE_MIN)
_ENDED = frozenset({"closed", "determined", "disputed", "amended", "finalized"})


class TileState(StrEnum):
    """What the pattern of a tile's top edge says."""

    OPEN = "open"
    STALE = "stale"
    PAUSED = "paused"
    UNQUOTED = "unquoted"
    CLOSED = "closed"
    SETTLED = "settled"
    REFUSED = "refused"
    UNLISTED = "unlisted"


_SAID = {
    TileState.OPEN: ("Open", ""),
    TileState.STALE: ("Stale", "warn"),
    TileState.PAUSED: ("Paused", "warn"),
    TileState.UNQUOTED: ("No quotes", "none"),
    TileState.CLOSED: ("Closed", ""),
    TileState.SETTLED: ("Settled", ""),
    TileState.REFUSED: ("Not traded", "bad"),
    TileState.UNLISTED: ("Not listed", "none"),
}


@dataclass(frozen=True)
class Rung:
    """One bracket. `bar` and `tick` are lengths in percent of the track, None where there is nothing to draw."""

    label: str
    price: str
    bar: str | None
    tick: str | None
    ours: str
    is_favourite: bool = False
    is_winner: bool = False
    is_passed: bool = False
    is_reached: bool = False


@dataclass(frozen=True)
class Tile:
    """Everything the template prints, in words."""

    code: str
    name: str
    place: str
    day: str
    state: TileState
    status: str
    level: str
    observed: str
    temperature: str
    high_so_far: str
    nws_high: str
    rungs: tuple[Rung, ...]
    book: tuple[tuple[str, str], ...]
    note: str
    closes: str
    countdown: str


@dataclass(frozen=True)
class CityView:
    """What is known of one city and the event its tile shows; an empty ladder when none is listed."""

    city: CityConfig
    markets: tuple[PublicMarket, ...]
    weather: PublicWeather | None

    @property
    def day(self) -> date | None:
        return self.markets[0].event_date if self.markets else None

    @property
    def close_at(self) -> datetime | None:
        return self.markets[0].close_at if self.markets else None


def read_tiles(now: datetime) -> tuple[Tile, ...]:
    """A tile for every city that has a market or a weather report, in the cities' order. Four queries."""
    views = _views(read_markets(), read_weather(), now)
    highest_c = read_highest_so_far(_days_begun(views, now))
    ours = read_probabilities()
    return tuple(build_tile(view, highest_c.get(view.city.code), ours, now) for view in views)


def build_tile(view: CityView, highest_c: float | None, ours: Mapping[str, float], now: datetime) -> Tile:
    """The tile of one city at application time `now`. `highest_c` is the day's highest reading so far, °C."""
    state = _state(view, now)
    status, level = _SAID[state]
    reached_f = _official_f(view.markets) if state is TileState.SETTLED else words.fahrenheit(highest_c)
    weather, city = view.weather, view.city
    closes, countdown = _closing(view, state, now)
    return Tile(
        code=city.code,
        name=city.name,
        place=f"{city.site} {city.settlement_station}",
        day=words.day_words(view.day) if view.day else words.MISSING,
        state=state,
        status=status,
        level=level,
        observed=words.ago(weather.observed_at, now) if weather and weather.observed_at else "Temperature",
        temperature=words.degrees(words.fahrenheit(weather.observed_temp_c) if weather else None),
        high_so_far=words.degrees(reached_f),
        nws_high=words.degrees(weather.high_on(view.day) if weather and view.day else None),
        rungs=_rungs(view.markets, state, reached_f, ours),
        book=_book(view.markets, state),
        note=_note(view, state, now),
        closes=closes,
        countdown=countdown,
    )


def _views(
    markets: Iterable[PublicMarket], weather: Mapping[str, PublicWeather], now: datetime
) -> tuple[CityView, ...]:
    by_city: dict[str, list[PublicMarket]] = {}
    for market in markets:
        by_city.setdefault(market.city, []).append(market)
    return tuple(
        CityView(city, _ladder_to_show(by_city.get(code, []), now), weather.get(code))
        for code, city in load_cities().items()
        if code in by_city or code in weather
    )


def _ladder_to_show(markets: Sequence[PublicMarket], now: datetime) -> tuple[PublicMarket, ...]:
    """Brackets, hottest first, of the event that closes next; when all have closed, of the newest."""
    closings = {market.event_ticker: market.close_at for market in markets}
    if not closings:
        return ()
    to_come = {event: close_at for event, close_at in closings.items() if close_at > now}
    chosen = (
        min(to_come, key=lambda event: closings[event])
        if to_come
        else max(closings, key=lambda e: closings[e])
    )
    return tuple(market for market in markets if market.event_ticker == chosen)


def _days_begun(views: Iterable[CityView], now: datetime) -> dict[str, tuple[datetime, datetime]]:
    """Bounds of each tile's climate day up to `now`; a day that has not begun has no highest reading."""
    days = {}
    for view in views:
        if view.day is None:
            continue
        start, end = climate_day_bounds(view.day, view.city.std_offset_hours)
        if start <= now:
            days[view.city.code] = (start, min(end, now + timedelta(microseconds=1)))
    return days


def _state(view: CityView, now: datetime) -> TileState:
    markets, weather = view.markets, view.weather
    if not markets:
        return TileState.UNLISTED
    if all(market.result for market in markets):
        return TileState.SETTLED
    if markets[0].close_at <= now or any(market.status in _ENDED for market in markets):
        return TileState.CLOSED
    if markets[0].refusal:
        return TileState.REFUSED
    if any(market.status != "active" for market in markets):
        return TileState.PAUSED
    if weather is None or now - weather.fetched_at > STALE_AFTER or _prices_are_stale(markets, now):
        return TileState.STALE
    if all(market.yes_bid is None and market.yes_ask is None for market in markets):
        return TileState.UNQUOTED
    return TileState.OPEN


def _prices_are_stale(markets: Iterable[PublicMarket], now: datetime) -> bool:
    seen = [market.last_seen_at for market in markets if market.last_seen_at is not None]
    return not seen or now - max(seen) > STALE_AFTER


def _rungs(
    markets: Sequence[PublicMarket], state: TileState, reached_f: int | None, ours: Mapping[str, float]
) -> tuple[Rung, ...]:
    favourite = None if state is TileState.SETTLED else _favourite(markets)
    return tuple(
        replace(
            _rung(market, state, ours.get(market.ticker)),
            is_favourite=market is favourite,
            is_passed=reached_f is not None and market.high_f is not None and market.high_f < reached_f,
            is_reached=reached_f is not None and _holds(market, reached_f),
        )
        for market in markets
    )


def _rung(market: PublicMarket, state: TileState, p_yes: float | None) -> Rung:
    tick = None if p_yes is None else f"{p_yes * 100:.1f}%"
    said = "ours n/a" if p_yes is None else f"ours {p_yes:.0%}"
    if state is TileState.SETTLED:
        won = market.result == "yes"
        return Rung(market.label, "100¢" if won else "0¢", "100%" if won else None, tick, said, is_winner=won)
    mid = _mid(market)
    bar = None if mid is None else f"{mid * 100:.1f}%"
    return Rung(market.label, _price_words(market, mid), bar, tick, said)


def _mid(market: PublicMarket) -> Decimal | None:
    if market.yes_bid is None or market.yes_ask is None:
        return None
    return (market.yes_bid + market.yes_ask) / 2


def _price_words(market: PublicMarket, mid: Decimal | None) -> str:
    """The mid; with one side only, what that side still bounds."""
    if mid is not None:
        return words.cents(mid)
    if market.yes_ask is not None:
        return f"≤{words.cents(market.yes_ask)}"
    if market.yes_bid is not None:
        return f"≥{words.cents(market.yes_bid)}"
    return words.MISSING


def _favourite(markets: Iterable[PublicMarket]) -> PublicMarket | None:
    priced = [(mid, market) for market in markets if (mid := _mid(market)) is not None]
    return max(priced, key=lambda entry: entry[0])[1] if priced else None


def _holds(market: PublicMarket, value_f: int) -> bool:
    return (market.low_f is None or value_f >= market.low_f) and (
        market.high_f is None or value_f <= market.high_f
    )


def _book(markets: Sequence[PublicMarket], state: TileState) -> tuple[tuple[str, str], ...]:
    volumes = [market.volume for market in markets if market.volume is not None]
    volume = words.quantity(sum(volumes, Decimal(0)) if volumes else None)
    if state is TileState.SETTLED:
        return (("Official", words.degrees(_official_f(markets))), ("Paid", "100¢"), ("Volume", volume))
    favourite = _favourite(markets)
    bid, ask = (favourite.yes_bid, favourite.yes_ask) if favourite else (None, None)
    spread = None if bid is None or ask is None else ask - bid
    return (
        ("Bid", words.cents(bid, 2)),
        ("Ask", words.cents(ask, 2)),
        ("Spread", words.cents(spread, 2)),
        ("Volume", volume),
    )


def _official_f(markets: Sequence[PublicMarket]) -> int | None:
    """The settled high, °F; None where the exchange's text of it is not a number."""
    texts = (market.expiration_value for market in markets if market.expiration_value)
    try:
        return round(Decimal(next(texts, "")))
    except (InvalidOperation, OverflowError, ValueError):
        return None


def _note(view: CityView, state: TileState, now: datetime) -> str:
    markets, weather = view.markets, view.weather
    if state is TileState.UNLISTED:
        return "The exchange has not listed an event yet."
    if state is TileState.SETTLED:
        return f"Official high {words.degrees(_official_f(markets))}, by the exchange's final result."
    if state is TileState.CLOSED:
        return "Trading has ended. The official high is reported the next morning."
    if state is TileState.REFUSED:
        return markets[0].refusal_text or f"Refused: {markets[0].refusal}."
    if state is TileState.PAUSED:
        return "The exchange has paused it. Quotes cannot be traded."
    if state is TileState.STALE:
        return _stale_note(view, now)
    if state is TileState.UNQUOTED:
        return "Nobody is quoting. Missing is shown as missing, never as 0."
    assert weather is not None
    if weather.issued_at is None:
        return "NWS forecast of unknown age."
    return (
        f"NWS issued it {words.local_time(weather.issued_at, view.city)}, {words.ago(weather.issued_at, now)}"
    )


def _stale_note(view: CityView, now: datetime) -> str:
    if view.weather is None:
        return "No forecast has been read yet. No trading until there is one."
    if now - view.weather.fetched_at > STALE_AFTER:
        since = words.local_time(view.weather.fetched_at, view.city)
        return f"NWS refresh fails since {since}. No trading until it succeeds."
    seen = [market.last_seen_at for market in view.markets if market.last_seen_at is not None]
    if not seen:
        return "No price has been read yet."
    return f"Prices are from {words.local_time(max(seen), view.city)}."


def _closing(view: CityView, state: TileState, now: datetime) -> tuple[str, str]:
    if view.close_at is None:
        return "", ""
    settled_at = view.markets[0].settled_at
    if state is TileState.SETTLED and settled_at is not None:
        return f"Settled {words.local_time(settled_at, view.city)} {view.city.std_zone}", words.ago(
            settled_at, now
        )
    closed = view.close_at <= now
    verb, distance = ("Closed", words.ago) if closed else ("Closes", words.until)
    return f"{verb} {words.local_time(view.close_at, view.city)} {view.city.std_zone}", distance(
        view.close_at, now
    )
