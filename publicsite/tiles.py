"""City tiles: what a visitor reads of one city, in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from analytics.public import (
    PublicLock,
    PublicWeather,
    read_highest_so_far,
    read_markets,
    read_probabilities,
)
from publicsite import words
from publicsite.city_view import (
    CityView,
    TileState,
    build_views,
    days_begun,
    forecast_is_too_old,
    prices_seen_at,
    state_of,
    weather_is_stale,
)
from publicsite.ladder import Rung, build_book, build_rungs, official_f

_SAID = {
    TileState.OPEN: ("Open", ""),
    TileState.STALE: ("Stale", "warn"),
    TileState.PAUSED: ("Paused", "warn"),
    TileState.LOCKED: ("Locked", "bad"),
    TileState.UNQUOTED: ("No quotes", "none"),
    TileState.CLOSED: ("Closed", ""),
    TileState.SETTLED: ("Settled", ""),
    TileState.REFUSED: ("Not traded", "bad"),
    TileState.UNLISTED: ("Not listed", "none"),
}


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


def read_tiles(
    weather: Mapping[str, PublicWeather], locks: tuple[PublicLock, ...], now: datetime
) -> tuple[Tile, ...]:
    """A tile for every city that has a market or a weather report, in the cities' order. Three queries."""
    views = build_views(read_markets(), weather, locks, now)
    highest_c = read_highest_so_far(days_begun(views, now))
    ours = read_probabilities()
    return tuple(build_tile(view, highest_c.get(view.city.code), ours, now) for view in views)


def build_tile(view: CityView, highest_c: float | None, ours: Mapping[str, float], now: datetime) -> Tile:
    """The tile of one city at application time `now`. `highest_c` is the day's highest reading so far, °C."""
    state = state_of(view, now)
    status, level = _SAID[state]
    settled = state is TileState.SETTLED
    reached_f = official_f(view.markets) if settled else words.fahrenheit(highest_c)
    weather, city, said = view.weather, view.city, view.said_of_day
    closes, countdown = _closing(view, settled, now)
    return Tile(
        code=city.code,
        name=city.name,
        place=f"{city.site} {city.settlement_station}",
        day=words.day_words(view.day) if view.day else "",
        state=state,
        status=status,
        level=level,
        observed=words.ago(weather.observed_at, now) if weather and weather.observed_at else "Now",
        temperature=words.degrees(words.fahrenheit(weather.observed_temp_c) if weather else None),
        high_so_far=words.degrees(reached_f),
        nws_high=words.degrees(said.high_f if said else None),
        rungs=build_rungs(view.markets, settled, reached_f, ours),
        book=build_book(view.markets, settled),
        note=_note(view, state, now),
        closes=closes,
        countdown=countdown,
    )


_FIXED_NOTES = {
    TileState.UNLISTED: "The exchange has not listed an event yet.",
    TileState.PAUSED: "The exchange has paused it. Quotes cannot be traded.",
    TileState.UNQUOTED: "Nobody is quoting. Missing is shown as missing, never as 0.",
}


def _note(view: CityView, state: TileState, now: datetime) -> str:
    if state in _FIXED_NOTES:
        return _FIXED_NOTES[state]
    if state in {TileState.SETTLED, TileState.CLOSED}:
        return _ended_note(view, state, now)
    if state is TileState.REFUSED:
        return view.markets[0].refusal_text or f"Refused: {view.markets[0].refusal}."
    if state is TileState.LOCKED:
        return _lock_note(view)
    if state is TileState.STALE:
        return _stale_note(view, now)
    return _issuance_note(view, now)


def _issuance_note(view: CityView, now: datetime) -> str:
    """Whose age the forecast high has. In the evening it is that of the last issuance that spoke of the day."""
    said = view.said_of_day
    if said is not None and said.issued_at is not None:
        return (
            f"NWS high issued {words.local_time(said.issued_at, view.city)}, {words.ago(said.issued_at, now)}"
        )
    issued_at = view.weather.issued_at if view.weather else None
    if issued_at is None:
        return "NWS forecast of unknown age."
    return f"NWS issued it {words.local_time(issued_at, view.city)}, {words.ago(issued_at, now)}"


def _ended_note(view: CityView, state: TileState, now: datetime) -> str:
    """How the day ended; where it is no longer today's, that today's is still to come."""
    settled = state is TileState.SETTLED
    high = words.degrees(official_f(view.markets))
    if view.day is not None and view.is_of_the_past(now):
        said = f"official high {high}" if settled else "awaiting the official high"
        return f"{words.day_words(view.day)}: {said}. Today's event is not listed yet."
    if settled:
        return f"Official high {high}, by the exchange's final result."
    return "Trading has ended. The official high is reported the next morning."


def _lock_note(view: CityView) -> str:
    """Since when, why, and who ends it. Of our own trading no more than the cause's name is told."""
    lock = view.locks[0]
    cause = lock.message.strip().rstrip(".") or lock.code.replace("_", " ").lower()
    ends = "A person must clear it." if lock.needs_person else "Ends when the cause does."
    return f"Since {words.local_time(lock.locked_at, view.city)}: {cause}. {ends}"


def _stale_note(view: CityView, now: datetime) -> str:
    if view.weather is None:
        return "No forecast has been read yet. No trading until there is one."
    if weather_is_stale(view.weather, now):
        since = words.local_time(view.weather.fetched_at, view.city)
        return f"NWS refresh fails since {since}. No trading until it succeeds."
    if view.weather.issued_at is not None and forecast_is_too_old(view.weather, now):
        return f"NWS issued its forecast {words.ago(view.weather.issued_at, now)}. No trading until there is a newer one."
    seen_at = prices_seen_at(view.markets)
    if seen_at is None:
        return "No price has been read yet."
    return f"Prices are from {words.local_time(seen_at, view.city)}."


def _closing(view: CityView, settled: bool, now: datetime) -> tuple[str, str]:
    if view.close_at is None:
        return "", ""
    zone, settled_at = view.city.std_zone, view.markets[0].settled_at
    if settled and settled_at is not None:
        return f"Settled {words.local_time(settled_at, view.city)} {zone}", words.ago(settled_at, now)
    closed = view.close_at <= now
    verb, distance = ("Closed", words.ago) if closed else ("Closes", words.until)
    return f"{verb} {words.local_time(view.close_at, view.city)} {zone}", distance(view.close_at, now)
