"""The parts of the page that live: each is rendered alone, carries its version, and fails alone."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from types import MappingProxyType
from typing import Any, Final

from django.db import Error
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from analytics.public import PublicTrade, read_equity, read_health, read_trades
from milkbot.core import clock
from milkbot.core.constants import DASH_REFRESH_SEC
from milkbot.logger import logger
from publicsite import words
from publicsite.equity import SHOWN_DAYS, build_panel
from publicsite.health import build_badges, stopped_for
from publicsite.tiles import read_tiles

VERSION_LENGTH: Final = 16


@dataclass(frozen=True)
class Times:
    """`now` is the application's time (a replayed world's, maybe); `wall_now` the machine's, for signs of life."""

    now: datetime
    wall_now: datetime


@dataclass(frozen=True)
class Piece:
    """A rendered region. Equal versions mean equal bytes, so the version says whether a poll would change anything."""

    html: SafeString
    version: str


def read_times() -> Times:
    return Times(clock.now(), clock.wall_now())


def render_region(name: str, times: Times) -> Piece:
    """Render region `name`. A region whose data cannot be read says so in its place; the others go on."""
    try:
        body = render_to_string(f"publicsite/regions/{name}.html", REGIONS[name](times))
    except Error:
        logger.exception("region could not be read", extra={"region": name})
        body = render_to_string("publicsite/regions/unreadable.html", {"refresh_s": DASH_REFRESH_SEC})
    version = hashlib.sha256(body.encode()).hexdigest()[:VERSION_LENGTH]
    frame = {"name": name, "version": version, "body": SafeString(body), "refresh_s": DASH_REFRESH_SEC}
    return Piece(render_to_string("publicsite/regions/frame.html", frame), version)


def _health(times: Times) -> dict[str, Any]:
    health = read_health()
    return {
        "badges": build_badges(health, times.wall_now),
        "stopped_for": stopped_for(health, times.wall_now),
        "updated": times.now.replace(second=0, microsecond=0),
    }


def _tiles(times: Times) -> dict[str, Any]:
    tiles = read_tiles(times.now)
    days = {tile.day for tile in tiles}
    return {"tiles": tiles, "day": days.pop() if len(days) == 1 else None}


def _equity(times: Times) -> dict[str, Any]:
    # The account's times are the application's, so its last 30 days are counted from the application's now.
    points = read_equity(times.now - timedelta(days=SHOWN_DAYS))
    return {"panel": build_panel(points), "shown_days": SHOWN_DAYS}


def _trades(times: Times) -> dict[str, Any]:
    trades = read_trades()
    return {
        "days": [(words.day_words(day), list(group)) for day, group in groupby(trades, _day)],
        "count": len(trades),
    }


def _day(trade: PublicTrade) -> datetime:
    return trade.fill_time.replace(hour=0, minute=0)


REGIONS: Final[Mapping[str, Callable[[Times], dict[str, Any]]]] = MappingProxyType(
    {"health": _health, "tiles": _tiles, "equity": _equity, "trades": _trades}
)
"""Every region of the page by the name its fragment is asked for with."""
