"""Health badges: good is grey and short; what differs says how."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from analytics.public import ComponentHealth
from milkbot.core.health import Component
from publicsite import words

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


def build_badges(health: Iterable[ComponentHealth], wall_now: datetime) -> tuple[Badge, ...]:
    """A badge per component in its fixed order."""
    return tuple(_badge(entry, wall_now) for entry in health)


def stopped_for(health: Iterable[ComponentHealth], wall_now: datetime) -> str | None:
    """How long no trading cycle has succeeded, in words, once that is too long; None while cycles succeed."""
    trader = next((entry for entry in health if entry.component is Component.TRADER), None)
    if trader is None or trader.last_ok_at is None or not _is_silent(trader, wall_now):
        return None
    return words.duration(wall_now - trader.last_ok_at)


def _badge(entry: ComponentHealth, wall_now: datetime) -> Badge:
    name = _NAMES[entry.component]
    if not entry.degraded:
        return Badge(name, "")
    if entry.last_ok_at is None:
        return Badge(f"{name}: not heard of yet", "bad")
    silence = words.duration(wall_now - entry.last_ok_at)
    if _is_silent(entry, wall_now):
        return Badge(f"{name}: nothing for {silence}", "bad")
    return Badge(f"{name}: failing", "warn")


def _is_silent(entry: ComponentHealth, wall_now: datetime) -> bool:
    limit = timedelta(seconds=entry.degraded_after_s)
    return entry.last_ok_at is None or wall_now - entry.last_ok_at > limit
