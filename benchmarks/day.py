"""`python -m benchmarks.day`: a whole day of ten cities, lived as fast as it goes, and what it leaves behind.

Every task of the schedule runs at its period of world time against the simulated exchange and weather service, which
stand in a process of their own. Measured are the database, file sizes with indexes after a plain VACUUM, and the
memory of this process, which does the work of all workers. Autovacuum turns by the wall clock and therefore a hundred
times too seldom here: the figure is on the high side.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import psutil

from benchmarks.database import database_server, empty_database
from benchmarks.simulated import SimulatedWorld, simulated_world

START: Final = datetime(2025, 5, 13, 10, tzinfo=UTC)
WARM_UP: Final = timedelta(hours=2)
"""Until every cache is filled, each city has its first events, and imports are done."""
MOST_GROWTH_MB: Final = 60
MOST_RISE: Final = 0.05
"""By how much the mean memory of the last quarter may lie above that of the first."""
_TURN: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)
_MB: Final = 1_000_000

Work = Callable[[datetime], object]


@dataclass(frozen=True, slots=True)
class Table:
    """One table's size in bytes, TOAST with the heap, and its rows."""

    name: str
    heap: int
    indexes: int
    rows: int


@dataclass(frozen=True, slots=True)
class Size:
    """The whole database in bytes, and its tables by name."""

    total: int
    tables: Mapping[str, Table]


@dataclass(frozen=True, slots=True)
class Day:
    """What was measured. `rss_mb` holds a reading for every hour of world time."""

    before: Size
    after: Size
    rss_mb: Sequence[float]
    cycles: int
    faults: int
    elapsed_s: float

    @property
    def hours(self) -> int:
        return len(self.rss_mb)

    @property
    def growth_mb(self) -> float:
        """Of 24 hours, when fewer or more were lived."""
        return (self.after.total - self.before.total) / _MB * 24 / self.hours


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.day", description=__doc__)
    parser.add_argument("--hours", type=int, default=24, help="of world time, after the warm-up")
    given = parser.parse_args()
    with simulated_world(START) as world:
        # Read when Django is set up: this process's own clients talk to that world.
        os.environ |= {"KALSHI_BASE_URL": world.kalshi_url, "NWS_BASE_URL": world.nws_url}
        with database_server(), empty_database():
            day = live(world, given.hours)
    _print(day)
    broken = broken_limits(day)
    for sentence in broken:
        print(f"BROKEN LIMIT  {sentence}")
    return 1 if broken else 0


def live(world: SimulatedWorld, hours: int) -> Day:
    """Warm up, then live through that many hours."""
    life = _Life(world)
    life.until(START + WARM_UP)
    before, cycles, faults, begun_s = measure_database(), life.cycles, life.faults, time.perf_counter()
    rss_mb = []
    for _ in range(hours):
        life.until(life.now + _HOUR)
        rss_mb.append(psutil.Process().memory_info().rss / _MB)
    elapsed_s = time.perf_counter() - begun_s
    after = measure_database()
    return Day(before, after, rss_mb, life.cycles - cycles, life.faults - faults, elapsed_s)


class _Life:
    """The schedule by world time."""

    def __init__(self, world: SimulatedWorld) -> None:
        # Imported here: it needs Django, which needs the database.
        from milkbot.core.config import get_config
        from trading.schedule import schedule

        self.now = START
        self.cycles = 0
        self.faults = 0
        self._world = world
        works = works_of_schedule(self._cycle, world.control_url)
        # The weather before the first cycle; a task this file does not know of is an error on purpose.
        entries = sorted(schedule(get_config()), key=lambda entry: entry.queue == "fast")
        self._due = [(works[entry.task], entry.every) for entry in entries]

    def until(self, end: datetime) -> None:
        """Run what is due in every minute up to `end`."""
        while self.now < end:
            self.now += _TURN
            self._world.move_to(self.now)
            for work, every in self._due:
                if (self.now - START) % every < _TURN:
                    work(self.now)

    def _cycle(self, now: datetime) -> None:
        from milkbot.core.config import get_config
        from trading.cycle import Settings, run_cycle
        from trading.reading import sources_for

        config = get_config()
        report = run_cycle(now, Settings.from_config(config), sources=sources_for(config))
        self.cycles += 1
        self.faults += len(report.errors)


def works_of_schedule(cycle: Work, control_url: str) -> Mapping[str, Work]:
    """What each task of the schedule does, at a given time."""
    from analytics.services import refresh
    from analytics.skill.gates import judge_demo
    from analytics.skill.settled import score_settled
    from milkbot.core.config import get_config
    from milkbot.core.constants import WEATHER_CACHE_MIN
    from trading.archive.keeping import archive_folder
    from trading.learning import learn_from_finished
    from trading.retention import prune
    from trading.settlement import settlement_round
    from weather.calibrating import calibrate
    from weather.regimes import update_regimes
    from weather.services import refresh_climate_reports, refresh_weather

    config, max_age = get_config(), timedelta(minutes=WEATHER_CACHE_MIN) / 2
    return {
        "trading.tasks.run_cycle": cycle,
        "weather.tasks.refresh": lambda now: refresh_weather(config.cities, now, max_age=max_age),
        "weather.tasks.refresh_reports": lambda now: refresh_climate_reports(config.cities, now),
        "weather.tasks.update_regimes": lambda now: update_regimes(config.cities, now),
        "weather.tasks.calibrate": calibrate,
        "trading.tasks.settle": lambda now: settlement_round(config.trading_mode, now),
        "trading.tasks.learn": lambda now: learn_from_finished(config.trading_mode, now),
        "analytics.tasks.score": lambda now: score_settled(config.trading_mode, now),
        "analytics.tasks.judge_strategies": judge_demo,
        # The sandbox's sign of life stands for the public page's.
        "analytics.tasks.rollup": lambda _: refresh(control_url),
        "trading.tasks.prune": lambda now: prune(now, archive_folder(config)),
    }


def measure_database() -> Size:
    """Sizes after a plain VACUUM, which leaves files as long as they are."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("SELECT pg_database_size(current_database())")
        (total,) = cursor.fetchone()
        cursor.execute(
            "SELECT relname, pg_table_size(oid), pg_indexes_size(oid), reltuples::bigint FROM pg_class"
            " WHERE relkind = 'r' AND relnamespace::regnamespace::text IN ('public', 'ops', 'analytics')"
        )
        return Size(total, {name: Table(name, *sizes) for name, *sizes in cursor.fetchall()})


def broken_limits(day: Day) -> list[str]:
    """A sentence for every limit the day broke."""
    found = []
    if day.growth_mb > MOST_GROWTH_MB:
        found.append(f"the database grew by {day.growth_mb:.1f} MB a day, {MOST_GROWTH_MB} are allowed")
    first, last = quarters(day.rss_mb)
    if last > first * (1 + MOST_RISE):
        found.append(f"memory rose from {first:.1f} to {last:.1f} MB, {MOST_RISE:.0%} are allowed")
    return found


def quarters(readings: Sequence[float]) -> tuple[float, float]:
    """The means of the first and of the last quarter."""
    length = max(len(readings) // 4, 1)
    return statistics.mean(readings[:length]), statistics.mean(readings[-length:])


def _print(day: Day) -> None:
    cycles_per_s = day.cycles / day.elapsed_s
    print(
        f"{day.hours} h of ten cities: {day.cycles} cycles, {day.faults} faults, {cycles_per_s:.1f} cycles/s"
    )
    print(
        f"\ndatabase {day.before.total / _MB:.1f} -> {day.after.total / _MB:.1f} MB: {day.growth_mb:.1f} MB a day"
    )
    print(f"{'table':28}{'rows':>10}{'heap MB':>10}{'index MB':>10}")
    for table in sorted(_grown(day), key=lambda table: -(table.heap + table.indexes)):
        print(f"{table.name:28}{table.rows:>10}{table.heap / _MB:>10.2f}{table.indexes / _MB:>10.2f}")
    print(f"\nmemory by the hour, MB: {' '.join(f'{reading:.1f}' for reading in day.rss_mb)}")
    first, last = quarters(day.rss_mb)
    slope = statistics.linear_regression(range(day.hours), day.rss_mb).slope if day.hours > 1 else 0.0
    print(f"first quarter {first:.1f} MB, last {last:.1f} MB, slope {slope:+.3f} MB/h")


def _grown(day: Day) -> Iterator[Table]:
    """What the tables gained that grew at all."""
    for name, after in day.after.tables.items():
        before = day.before.tables[name]
        heap, indexes = after.heap - before.heap, after.indexes - before.indexes
        if heap or indexes:
            yield Table(name, heap, indexes, after.rows - before.rows)


if __name__ == "__main__":
    sys.exit(main())
