"""`make bench-peers`: our replay beside nautilus_trader's, each in its own virtualenv, on quotes of the same recordings.

Theirs hands every quote tick to a strategy that works out an edge; ours looks at all six brackets of the event at every
instant, and its full path also makes forecasts, beliefs, sizes, orders and settlements. Processor time of one process each.
"""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.__main__ import print_rates
from benchmarks.replays import DAYS, TIMES, measure_replays, write_changes

TICKS = 200_000
"""More than there are in so many days; theirs stops there."""
SCRIPT = Path(__file__).with_name("nautilus.py")


def main() -> int:
    python = Path(sys.argv[1])
    with TemporaryDirectory() as folder:
        world = write_changes(Path(folder) / "world", 2 * DAYS * TIMES)
        ran = subprocess.run([python, SCRIPT, world, str(TICKS)], check=True, capture_output=True, text=True)
    told = json.loads(ran.stdout.splitlines()[-1])
    print_rates(measure_replays())
    per_s = told["ticks"] / told["cpu_seconds"]
    print(
        f"\nnautilus_trader {told['version']}: {told['ticks']} quote ticks of {told['instruments']} instruments in "
        f"{told['cpu_seconds']:.2f} s of processor time, {per_s:.0f} a second, {told['orders']} orders"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
