"""Fills an empty database with a recorded past, through the real cycle and the real settlement.

What a live trader would have left stands there afterwards: weather, prices, signals, decisions, orders, fills, positions,
settlements, cash. Signs of life are not: heartbeats speak of the present, and the cycles end at their own past times.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

from django.db import connection
from pydantic import AwareDatetime, BaseModel, ConfigDict

from markets.repositories import MarketRepository
from milkbot.core import clock
from milkbot.core.errors import MilkbotError
from milkbot.logger import logger
from trading.backtest.as_of import ASSUMED_DEPTH
from trading.backtest.change_points import change_points
from trading.backtest.recorded import read_recorded
from trading.backtest.recorded_weather import read_day_weather
from trading.backtest.replay_sources import ReplaySources
from trading.cycle import Settings, run_cycle
from trading.cycle_report import CycleReport
from trading.models import CycleRow
from trading.oms.lease import holder_name, release_lease, take_lease
from trading.reading import Sources
from trading.repositories.accounts import Valuation
from trading.settlement import SettlementReport, settle_finalized
from weather.domain.types import CityWeather
from weather.repositories import WeatherRepository
from weather.services import WeatherRound

ROWS_NAMED: Final = 20
"""Bad rows named in the log; a recording that reaches beyond today has thousands that have not come yet."""
_DAYS_AROUND: Final = timedelta(days=2)
"""Events trade from the day before, and forecasts look further than that."""


class HistoryRefused(MilkbotError):
    """History cannot be filled in; nothing was written."""


class HistoryReport(BaseModel):
    """What was filled in. `refused_rows` were not used; the log names them."""

    model_config = ConfigDict(frozen=True)

    start: AwareDatetime
    end: AwareDatetime
    cycles: int
    intents: int
    fills: int
    settled: int
    pnl: Decimal
    codes: dict[str, int]
    rows: int
    refused_rows: int
    seconds: float
    valuation: Valuation | None


def fill_history(
    data: Path,
    start: datetime,
    end: datetime,
    settings: Settings,
    now: datetime,
    *,
    depth: Decimal = ASSUMED_DEPTH,
) -> HistoryReport:
    """Live through [start, end] of the recording in `data` (recorded-ladder format), `depth` contracts at each price.

    Raises HistoryRefused when `settings.mode` has cycles already, when the end is in the future or before the start,
    or when the recording holds no event of that time; UnreadableRecording when it is no recording.
    """
    begun = clock.monotonic()
    _check(settings, start, end, now)
    recording = read_recorded(
        data,
        now,
        cities=settings.cities,
        first=(start - _DAYS_AROUND).date(),
        last=(end + _DAYS_AROUND).date(),
    )
    logger.info("recording read", extra={"folder": str(data), "what": str(recording.report)})
    for note in recording.report.notes[:ROWS_NAMED]:
        logger.warning("recorded row", extra={"place": f"{note.file}:{note.line}", "fault": str(note)})
    if not any(event.open_at <= end and event.close_at > start for event in recording.events):
        raise HistoryRefused(f"{data} holds no event between {start:%Y-%m-%d} and {end:%Y-%m-%d}")
    day_weather = read_day_weather(data, recording, settings.cities, now)
    past = _Past(settings, ReplaySources(recording, depth=depth, day_weather=day_weather))
    _be_quick_to_commit()
    turns = past.live_through(list(change_points(recording, start, end, settings.policy)), start, end)
    return HistoryReport(
        start=start,
        end=end,
        cycles=len(turns),
        intents=sum(turn.intents for turn in turns),
        fills=sum(turn.fills for turn in turns),
        settled=past.settled.settled,
        pnl=past.settled.pnl,
        codes=dict(sum((Counter(turn.codes) for turn in turns), Counter[str]())),
        rows=recording.report.rows + day_weather.report.rows,
        refused_rows=sum(recording.report.refused.values()) + sum(day_weather.report.refused.values()),
        seconds=round(clock.monotonic() - begun, 1),
        valuation=turns[-1].valuation if turns else None,
    )


class _Past:
    """The loops of a live trader, turned by hand."""

    def __init__(self, settings: Settings, replay: ReplaySources) -> None:
        self._settings = settings
        self._replay = replay
        self._sources = Sources(weather=self._seen_weather, boards=replay.boards)
        self.settled = SettlementReport()

    def live_through(self, points: Sequence[datetime], start: datetime, end: datetime) -> list[CycleReport]:
        """Settle and turn at every point, in order, and settle what is paid until the end."""
        holder, last, turns = holder_name(), start, []
        lease = take_lease(self._settings.mode, holder)
        try:
            for now in points:
                self._settle(last, now)
                turns.append(
                    run_cycle(now, self._settings, sources=self._sources, holder=holder, replayed=True)
                )
                last = now
            self._settle(last, end)
        finally:
            release_lease(lease)
        return turns

    def _settle(self, after: datetime, until: datetime) -> None:
        listings = self._replay.final_listings(after, until)
        if not listings:
            return
        MarketRepository().apply_listings(listings, until)
        report = settle_finalized(self._settings.mode, until)
        self.settled = SettlementReport(
            settled=self.settled.settled + report.settled,
            pnl=self.settled.pnl + report.pnl,
            orders_closed=self.settled.orders_closed + report.orders_closed,
            refused=self.settled.refused + report.refused,
        )

    def _seen_weather(self, city_codes: Sequence[str], now: datetime) -> WeatherRound:
        """The weather as the slow loop would have stored it by then."""
        found = self._replay.weather(city_codes, now)
        WeatherRepository().save_snapshots(
            CityWeather(snapshot=snapshot) for snapshot in found.snapshots.values()
        )
        return found


def _check(settings: Settings, start: datetime, end: datetime, now: datetime) -> None:
    if end > now:
        raise HistoryRefused(f"the end, {end:%Y-%m-%d %H:%MZ}, has not come yet: history is past")
    if start >= end:
        raise HistoryRefused(f"nothing lies between {start:%Y-%m-%d %H:%MZ} and {end:%Y-%m-%d %H:%MZ}")
    if CycleRow.objects.filter(mode=settings.mode).exists():
        raise HistoryRefused(
            f"this database already has {settings.mode} cycles; history fills only an empty one"
        )


def _be_quick_to_commit() -> None:
    """Do not wait for the disk after each of the thousands of commits: after a crash history is simply filled anew."""
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO off")
