"""`python -m benchmarks.year`: `manage.py backtest` over a simulated year of ten cities, as a process that is watched.

Measured are its wall time on two processors, the processor time of all its processes, and the most memory that they held
together, pages they share counted once. The world is exported first, or found in `--data` where it was left the last time.
"""

import argparse
import os
import resource
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from subprocess import DEVNULL, Popen, TimeoutExpired
from tempfile import TemporaryDirectory
from typing import Final

import psutil

from milkbot.core.config import PROJECT_ROOT
from sandbox.export import Export, export

SEED: Final = 7
FIRST: Final = date(2025, 1, 1)
PROCESSES: Final = 2
WANTED_S: Final = 60
"""Of wall time, for a whole year on two processors that nobody else uses."""
YEAR: Final = 365
_LOOK_EVERY_S: Final = 5.0
"""To see how much is held every page is walked: done once a second, it took a twentieth of the time that is measured."""
_MB: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Run:
    """What one backtest took."""

    days: int
    wall_s: float
    cpu_s: float
    """Of all its processes."""
    peak_mb: float
    load: float
    """Processes that wanted a processor of this machine meanwhile, these among them: above two the wall time is not its
    own."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.year", description=__doc__)
    parser.add_argument("--days", type=int, default=YEAR)
    parser.add_argument("--data", type=Path, help="folder to export the world into, and to find it in again")
    given = parser.parse_args()
    with TemporaryDirectory() as folder:
        data = given.data or Path(folder) / "world"
        if not (data / "world.json").is_file():
            export(Export(SEED, FIRST, FIRST + timedelta(days=given.days - 1)), data)
        run = measure(data, Path(folder) / "out", given.days)
    print(
        f"{run.days} days of ten cities: {run.wall_s:.1f} s by the clock on {PROCESSES} processors, {run.cpu_s:.1f} s of processor"
        f" time, {run.peak_mb:.0f} MB at most, beside a load of {run.load:.1f}"
    )
    print(f"wanted for {YEAR} days: {WANTED_S} s by the clock")
    return 0


def measure(data: Path, out: Path, days: int) -> Run:
    """Run the command on the first `days` of `data`. Raises RuntimeError when it fails."""
    last = FIRST + timedelta(days=days - 1)
    command = [sys.executable, "manage.py", "backtest", "--data", str(data), "--out", str(out)]
    command += ["--to", str(last), "--processes", str(PROCESSES)]
    # It asks no database, but settings want the name of one; its registry goes beside its report.
    own = {"DATABASE_URL": "postgresql://nobody@/nothing", "MILKBOT_STATE_DIR": str(out.parent / "state")}
    before, began, peak = _children_s(), time.perf_counter(), 0.0
    process = Popen(command, cwd=PROJECT_ROOT, env={**os.environ, **own}, stdout=DEVNULL)
    while True:
        with suppress(TimeoutExpired):
            process.wait(_LOOK_EVERY_S)
            break
        peak = max(peak, _held(process.pid))
    if process.returncode:
        raise RuntimeError(f"the backtest ended with {process.returncode}")
    wall = time.perf_counter() - began
    return Run(days, wall, _children_s() - before, peak / _MB, os.getloadavg()[1])


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _held(pid: int) -> float:
    """Bytes of a process and its children, each shared page divided among those who share it."""
    total = 0.0
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        for each in (parent, *parent.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                total += each.memory_full_info().pss
    return total


if __name__ == "__main__":
    sys.exit(main())
