"""A DEMO trader in a process of its own, obeying one line at a time, that can die or stop at any named seam.

Run as `python -m tests.faults.demo_trader BASE_URL KEY_ID KEY_FILE CITIES CLOCK` with a worker's settings in its environment;
the file CLOCK holds the time this machine's clock shows, for as long as it stands there: the one reader of the clock reads
it, and so does all that is dated, signed or judged by age in the process; the database has a clock of its own. Each line of standard input is a JSON object: `do` ("turn",
"silent turn", "reconcile" or "settle"), `seam`, a place in our code or none, and `signal`, which the process sends itself there (SIGKILL or
SIGSTOP). Connections are kept no longer than a piece of work, as by a worker.

A seam is "module:function:call" or "module:function:return", with "module:function>" before it to count only what happens
within that call and ":25" after it for its 25th time. The interpreter's own profiling hook tells of it: no code of ours is
replaced.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from datetime import datetime, tzinfo
from decimal import Decimal
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from milkbot.core import clock

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "milkbot.settings.worker")

NO_SEAM = ""


class Seam:
    """Where to end. Give `watch` to sys.setprofile and threading.setprofile."""

    def __init__(self, place: str, number: signal.Signals) -> None:
        within, _, at = place.rpartition(">")
        module, function, self._event, *times = at.split(":")
        self._at = (module, function)
        self._left = int(times[0]) if times else 1
        self._within = tuple(within.split(":")) if within else None
        self._signal = number
        self._depth = 0

    def watch(self, frame: FrameType, event: str, _argument: Any) -> None:
        if event not in ("call", "return"):
            return
        here = (frame.f_globals.get("__name__"), frame.f_code.co_name)
        if here == self._within:
            self._depth += 1 if event == "call" else -1
        if here == self._at and event == self._event and (self._within is None or self._depth):
            self._left -= 1
            if not self._left:
                sys.setprofile(None)
                os.kill(os.getpid(), self._signal)


class FileClock:
    """Stands where `milkbot.core.clock` looks at the machine's clock. Whoever stood still for long finds it changed."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def now(self, _zone: tzinfo) -> datetime:
        return datetime.fromisoformat(self._file.read_text("utf-8"))


def main(base_url: str, key_id: str, key_file: str, cities: str, clock_file: str) -> None:
    import django

    django.setup()
    # Imported here: models need Django to be set up.
    from django.db import DatabaseError, connections

    from milkbot.core.errors import MilkbotError
    from tests.faults.bench import MODE, Key, connected, silent
    from trading.cycle import Settings, run_cycle
    from trading.oms.reconcile import reconcile
    from trading.settlement import settle_finalized

    setattr(clock, "datetime", FileClock(Path(clock_file)))  # noqa: B010 - what it reads, not how
    ours = connected(base_url, Key(key_id, Path(key_file)), clock.now)
    settings = Settings(mode=MODE, cities=tuple(cities.split(",")), capital=Decimal(10_000))
    turn = partial(run_cycle, sources=ours.sources, exchange=ours.exchange, clock=clock.now)
    work: dict[str, Callable[[datetime], Any]] = {
        "turn": lambda at: turn(at, settings).intents,
        "silent turn": lambda at: turn(at, silent(settings)).intents,
        "reconcile": lambda at: reconcile(MODE, ours.exchange.account, at).fills_booked,
        "settle": lambda at: settle_finalized(MODE, at).settled,
    }
    _say("ready")
    for line in sys.stdin:
        order = json.loads(line)
        if order["seam"] != NO_SEAM:
            sys.setprofile(Seam(order["seam"], signal.Signals(order["signal"])).watch)
        try:
            said = work[order["do"]](clock.now())
        except (MilkbotError, DatabaseError) as error:
            said = f"{type(error).__name__}: {error}"
        sys.setprofile(None)
        connections.close_all()
        _say(json.dumps({"said": said}))


def _say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
