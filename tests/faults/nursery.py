"""Traders as processes of their own, born ready: a process that has loaded everything forks one whenever it is asked.

Run as `python -m tests.faults.nursery` with DATABASE_URL naming the database. For every line on its standard input, a
JSON object of a `Birth`, it forks a trader, until that ends. The trader connects to the socket it was told, says its
process id, and then takes one turn for every seed it reads there, or a silent one for SILENT, until it is killed or the connection ends.
"""

import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "milkbot.settings.test")


SILENT = "silent"


class Birth(NamedTuple):
    """What a trader is told when it starts."""

    socket: str
    clock: str
    base_url: str
    key_id: str
    key_path: str
    cities: list[str]
    wishes: int
    """How many a turn has beside what the strategies want."""


def main() -> None:
    import django

    django.setup()
    # A dead trader must be gone and not linger: the next one asks whether the holder of the lease still lives.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    is_warm = False
    for line in sys.stdin:
        birth = Birth(**json.loads(line))
        if not is_warm:
            _warm_up(birth)
            is_warm = True
        if os.fork() == 0:
            _live(birth)


def _warm_up(birth: Birth) -> None:
    """Load and compile once what a first turn needs, and keep no connection: it takes a second for each trader else."""
    # Imported here: models need Django to be set up.
    from django.db import connections

    from tests.faults.bench import Key, connected, settings_of
    from tests.faults.shared_clock import SharedClock
    from trading.cycle import run_cycle

    clock = SharedClock(Path(birth.clock))
    desk = connected(birth.base_url, Key(birth.key_id, Path(birth.key_path)), clock)
    run_cycle(clock.now, settings_of(tuple(birth.cities)), sources=desk.sources, dry_run=True)
    desk.transport.close()
    connections.close_all()


def _live(birth: Birth) -> None:
    """The whole life of a trader."""
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(birth.socket)
        heard = link.makefile("r")
        _say(link, {"pid": os.getpid()})
        turns = _turns(birth)
        for line in heard:
            _say(link, turns(line.strip()))
    os._exit(0)


def _turns(birth: Birth) -> Callable[[str], dict[str, Any]]:
    """A turn by its seed; what it tells is a JSON object with what it wanted or why it took no turn."""
    from tests.faults.bench import Key, connected, settings_of, silent
    from tests.faults.shared_clock import SharedClock
    from tests.faults.wishes import Eager
    from trading import cycle
    from trading.oms.lease import LeaseHeld
    from trading.repositories.orders import Fenced
    from trading.turn_time import StaleTurn, WrongClock

    clock = SharedClock(Path(birth.clock))
    desk = connected(birth.base_url, Key(birth.key_id, Path(birth.key_path)), clock)

    settings = settings_of(tuple(birth.cities))

    def turn(told: str) -> dict[str, Any]:
        is_silent = told == SILENT
        wishes = Eager(0, 0) if is_silent else Eager(int(told), birth.wishes)
        try:
            with patch.object(cycle, "decide", wishes):
                report = cycle.run_cycle(
                    clock.now,
                    silent(settings) if is_silent else settings,
                    sources=desk.sources,
                    exchange=desk.exchange,
                    clock=clock,
                )
        except (LeaseHeld, Fenced, StaleTurn, WrongClock) as error:
            return {"skipped": repr(error)}
        return {"intents": report.intents}

    return turn


def _say(link: socket.socket, told: dict[str, Any]) -> None:
    link.sendall(json.dumps(told).encode() + b"\n")


if __name__ == "__main__":
    main()
