"""The parts of the page that live: each is rendered alone, carries its version, and fails alone."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import groupby
from types import MappingProxyType
from typing import Any, Final

from django.db import Error
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from analytics.public import (
    PublicLock,
    PublicTrade,
    PublicWeather,
    count_trades,
    read_equity,
    read_health,
    read_locks,
    read_skill,
    read_trades,
    read_weather,
)
from milkbot.core.constants import DASH_REFRESH_SEC
from milkbot.logger import logger
from publicsite import words
from publicsite.equity import SHOWN_DAYS, EquityPanel, build_panel
from publicsite.health import build_badges, build_signs, stopped_for
from publicsite.result import build_figures
from publicsite.skill import SHOWN_DAYS as SKILL_DAYS
from publicsite.skill import build_panel as build_skill
from publicsite.tiles import read_tiles
from publicsite.times import Times

VERSION_LENGTH: Final = 16


@dataclass(frozen=True)
class Reading:
    """What several regions show, read once for all of them, at the times of one rendering."""

    times: Times

    @property
    def shown_since(self) -> datetime:
        # The account's times are the application's, so its last days are counted from the application's now.
        return self.times.now - timedelta(days=SHOWN_DAYS)

    @cached_property
    def account(self) -> EquityPanel | None:
        return build_panel(read_equity(self.shown_since))

    @cached_property
    def weather(self) -> Mapping[str, PublicWeather]:
        return read_weather()

    @cached_property
    def locks(self) -> tuple[PublicLock, ...]:
        return read_locks()


@dataclass(frozen=True)
class Piece:
    """A rendered region. Equal versions mean equal bytes, so the version says whether a poll would change anything."""

    html: SafeString
    version: str


def render_region(name: str, reading: Reading) -> Piece:
    """Render region `name`. A region whose data cannot be read says so in its place; the others go on."""
    try:
        body = render_to_string(f"publicsite/regions/{name}.html", REGIONS[name](reading))
    except Error:
        logger.exception("region could not be read", extra={"region": name})
        body = render_to_string("publicsite/regions/unreadable.html", {"refresh_s": DASH_REFRESH_SEC})
    version = hashlib.sha256(body.encode()).hexdigest()[:VERSION_LENGTH]
    frame = {"name": name, "version": version, "body": SafeString(body), "refresh_s": DASH_REFRESH_SEC}
    return Piece(render_to_string("publicsite/regions/frame.html", frame), version)


def _health(reading: Reading) -> dict[str, Any]:
    health, times = read_health(), reading.times
    return {
        "badges": build_badges(health, reading.weather, reading.locks, times),
        "signs": build_signs(health, times.wall_now),
        "stopped_for": stopped_for(health, times.wall_now),
        # The time bucket: with every writer dead the page still changes once a minute, and ages with it.
        "updated": times.now.replace(second=0, microsecond=0),
    }


def _result(reading: Reading) -> dict[str, Any]:
    return {"figures": build_figures(reading.account, count_trades(reading.shown_since))}


def _tiles(reading: Reading) -> dict[str, Any]:
    return {"tiles": read_tiles(reading.weather, reading.locks, reading.times.now)}


def _equity(reading: Reading) -> dict[str, Any]:
    return {"panel": reading.account, "shown_days": SHOWN_DAYS}


def _trades(reading: Reading) -> dict[str, Any]:
    trades = read_trades()
    return {
        "days": [(words.day_words(day), list(group)) for day, group in groupby(trades, _day)],
        "count": len(trades),
    }


def _skill(reading: Reading) -> dict[str, Any]:
    return {"panel": build_skill(read_skill()), "shown_days": SKILL_DAYS}


def _day(trade: PublicTrade) -> datetime:
    return trade.fill_time.replace(hour=0, minute=0)


REGIONS: Final[Mapping[str, Callable[[Reading], dict[str, Any]]]] = MappingProxyType(
    {
        "health": _health,
        "result": _result,
        "tiles": _tiles,
        "equity": _equity,
        "trades": _trades,
        "skill": _skill,
    }
)
"""Every region of the page by the name its fragment is asked for with."""
