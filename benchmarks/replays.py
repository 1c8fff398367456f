"""How many market-snapshots a replay takes in a second: judged ladder by ladder, and screened by array.

A snapshot is one market's prices at one instant at which anything of its event changed. Two pasts are replayed: `minutes`,
ten cities whose every bracket is quoted anew every minute, fairly, so that little is traded; and `changes`, the simulated
world as it is exported, a row for each change, in which every fortieth instant leads to an order. They are written and read
before the clock starts; what is timed is everything from there to the settled account: columns, outlooks, beliefs, the
market's opinion, decisions, orders, fills, settlements. One process, and processor time, the yardstick's beside it: of
`ROUNDS` the one in which the replay took least of the yardstick counts, since others on the machine only ever slow it.
"""

import time
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.compare import (
    CHANGES,
    CHANGES_JUDGED,
    MANY_CHANGES,
    MINUTES,
    MINUTES_JUDGED,
    MINUTES_TAKEN,
    Rate,
)
from benchmarks.yardstick import slowness, yardstick_s
from milkbot.core.cities import load_cities
from milkbot.core.config import TradingMode
from sandbox.export import Export, export
from tests.trading.backtest.recordings import write_days
from trading.backtest.as_of import AsOf
from trading.backtest.event_past import EventPast
from trading.backtest.event_sheet import Known, Screen, event_sheet
from trading.backtest.learning import UNLEARNED
from trading.backtest.recorded import read_recorded
from trading.backtest.recorded_types import Recording
from trading.backtest.replay import replay
from trading.domain.inputs import Circumstances
from trading.domain.policy import Limits, Policy

SEED: Final = 7
FIRST: Final = date(2025, 5, 1)
DAYS: Final = 6
MINUTE_DAYS: Final = 2
ROUNDS: Final = 3
TIMES: Final = 4
"""As many days again and again, to see whether what is over costs anything."""
CAPITAL: Final = Decimal(10_000)
DEPTH: Final = Decimal(50)
NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)


def measure_replays() -> Mapping[str, Rate]:
    """The rate of each past and way, and of the screened one over four times as many days."""
    with TemporaryDirectory() as folder:
        minutes = read_recorded(write_minutes(Path(folder) / "minutes"), NOW)
        few = read_recorded(write_changes(Path(folder) / "few", DAYS), NOW)
        many = read_recorded(write_changes(Path(folder) / "many", DAYS * TIMES), NOW)
    _timed(few, Screen.ARRAY, _circumstances())  # warms what is made once a process
    yardstick_s()
    return {
        MINUTES_JUDGED: _replayed(minutes, Screen.JUDGE),
        MINUTES: _replayed(minutes, Screen.ARRAY),
        MINUTES_TAKEN: _replayed(minutes, Screen.ARRAY, may_rest=False),
        CHANGES_JUDGED: _replayed(few, Screen.JUDGE),
        CHANGES: _replayed(few, Screen.ARRAY),
        MANY_CHANGES: _replayed(many, Screen.ARRAY),
    }


def write_minutes(folder: Path) -> Path:
    """Two days of ten cities, every bracket quoted every minute around its worth: 290,000 quotes."""
    return write_days(folder, list(load_cities()), FIRST, MINUTE_DAYS, every=timedelta(minutes=1))


def write_changes(folder: Path, days: int) -> Path:
    """Days of the simulated world."""
    export(Export(SEED, FIRST, FIRST + timedelta(days=days - 1)), folder)
    return folder


def _circumstances(*, may_rest: bool = True) -> Circumstances:
    return Circumstances(
        now=NOW,
        mode=TradingMode.SHADOW,
        policy=Policy(),
        limits=Limits(),
        may_rest=may_rest,
        sizes_known=False,
    )


def _replayed(recording: Recording, screen: Screen, *, may_rest: bool = True) -> Rate:
    around = _circumstances(may_rest=may_rest)
    return min(
        (_timed(recording, screen, around) for _ in range(ROUNDS)),
        key=lambda rate: rate.cpu_s / rate.slowness,
    )


def _timed(recording: Recording, screen: Screen, around: Circumstances) -> Rate:
    before_s = yardstick_s()
    began = time.process_time()
    as_of = AsOf(recording, depth=DEPTH)
    sheets = [
        event_sheet(
            EventPast(as_of, event),
            as_of,
            Known(as_of.forecast_times[event.city_code], UNLEARNED),
            around,
            screen,
        )
        for event in recording.events
    ]
    found = replay(sheets, as_of, UNLEARNED, CAPITAL, around)
    seconds = time.process_time() - began
    snapshots = sum(sheet.columns.instants * len(sheet.columns.brackets) for sheet in sheets)
    return Rate(
        snapshots=snapshots,
        cpu_s=round(seconds, 3),
        per_s=round(snapshots / seconds),
        slowness=round(slowness((before_s + yardstick_s()) / 2), 3),
        decided=found.decided,
        trades=len(found.trades),
    )
