"""Health badges: good is grey and short; what differs says how."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from analytics.public import ComponentHealth, PublicLock, PublicWeather
from milkbot.core.health import Component
from publicsite import words
from publicsite.city_view import weather_is_stale
from publicsite.times import Times

_NAMES = {
    Component.TRADER: "Trading loop",
    Component.ANALYTICS: "Rollups",
    Component.DASHBOARD: "This page",
    Component.KALSHI_API: "Prices",
    Component.NWS_API: "Weather",
    Component.DATABASE: "Database",
}


@dataclass(frozen=True)
class Badge:
    """Shape and words of one component. `level` is "", "warn" or "bad"."""

    words: str
    level: str


@dataclass(frozen=True)
class Sign:
    """A component's row behind the disclosure: its last success, to the minute of the machine's clock."""

    name: str
    last_ok: str
    message: str
    level: str


def build_badges(
    health: Iterable[ComponentHealth],
    weather: Mapping[str, PublicWeather],
    locks: Iterable[PublicLock],
    times: Times,
) -> tuple[Badge, ...]:
    """A badge per component in its fixed order, then the locks, if there are any."""
    badges = []
    for entry in health:
        badge = _badge(entry, times.wall_now)
        if entry.component is Component.NWS_API and not badge.level:
            badge = _stale_cities(weather, times.now) or badge
        badges.append(badge)
    return (*badges, *_locked(locks))


def build_signs(health: Iterable[ComponentHealth], wall_now: datetime) -> tuple[Sign, ...]:
    """A row per component in its fixed order."""
    return tuple(_sign(entry, wall_now) for entry in health)


def stopped_for(health: Iterable[ComponentHealth], wall_now: datetime) -> str | None:
    """How long no trading cycle has succeeded, in words, once that is too long; None while cycles succeed."""
    trader = next((entry for entry in health if entry.component is Component.TRADER), None)
    if trader is None or trader.last_ok_at is None or not _is_silent(trader, wall_now):
        return None
    return words.duration(wall_now - trader.last_ok_at)


def _badge(entry: ComponentHealth, wall_now: datetime) -> Badge:
    name = _NAMES[entry.component]
    level, message = _judged(entry, wall_now)
    return Badge(f"{name}: {message}" if level else name, level)


def _sign(entry: ComponentHealth, wall_now: datetime) -> Sign:
    level, message = _judged(entry, wall_now)
    last_ok = words.minute_utc(entry.last_ok_at, wall_now) if entry.last_ok_at else words.MISSING
    return Sign(_NAMES[entry.component], last_ok, message, level)


def _judged(entry: ComponentHealth, wall_now: datetime) -> tuple[str, str]:
    """Level and words. A component's own words may name hosts of ours: visitors get the verdict."""
    if not entry.degraded:
        return "", "working"
    if entry.last_ok_at is None:
        return "bad", "not heard of yet"
    if _is_silent(entry, wall_now):
        return "bad", f"nothing for {words.duration(wall_now - entry.last_ok_at)}"
    return "warn", "failing"


def _stale_cities(weather: Mapping[str, PublicWeather], now: datetime) -> Badge | None:
    stale = [report for report in weather.values() if weather_is_stale(report, now)]
    if not stale:
        return None
    if len(stale) > 1:
        return Badge(f"Weather: {len(stale)} cities stale", "warn")
    return Badge(f"Weather: {stale[0].city} stale {words.duration(now - stale[0].fetched_at)}", "warn")


def _locked(locks: Iterable[PublicLock]) -> tuple[Badge, ...]:
    cities = {lock.city for lock in locks}
    if None in cities:
        return (Badge("All cities locked", "bad"),)
    if not cities:
        return ()
    return (Badge(f"{len(cities)} {'city' if len(cities) == 1 else 'cities'} locked", "bad"),)


def _is_silent(entry: ComponentHealth, wall_now: datetime) -> bool:
    limit = timedelta(seconds=entry.degraded_after_s)
    return entry.last_ok_at is None or wall_now - entry.last_ok_at > limit
