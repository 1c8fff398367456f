"""The simulated world as a process of its own, with the time set by hand: what is measured shares no core with it."""

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import requests

from milkbot.core.config import PROJECT_ROOT
from milkbot.embedded.process import CannotStart, spawn, stop, tail, wait_until

SEED: Final = 7
_START_TIMEOUT_S: Final = 60
_CONTROL_TIMEOUT_S: Final = 60


@dataclass(frozen=True)
class SimulatedWorld:
    """A running sandbox. URLs as its own description gives them."""

    kalshi_url: str
    nws_url: str
    control_url: str
    """Its origin: `/control` and `/healthz` hang there."""

    def move_to(self, world_time: datetime) -> None:
        """Set the world's clock forward; from there it runs at the pace of life."""
        self._order({"do": "clock", "to": world_time.isoformat(), "speed": 1})

    @contextmanager
    def answering_after(self, seconds: float) -> Iterator[None]:
        """Every read of the exchange waits that long for its answer."""
        match = "GET /trade-api/v2"
        self._order({"do": "fault", "match": match, "kind": "delay", "seconds": seconds})
        try:
            yield
        finally:
            self._order({"do": "clear", "match": match})

    def _order(self, order: dict[str, Any]) -> None:
        answer = requests.post(f"{self.control_url}/control", json=order, timeout=_CONTROL_TIMEOUT_S)
        answer.raise_for_status()


@contextmanager
def simulated_world(start: datetime) -> Iterator[SimulatedWorld]:
    """`python -m sandbox --world simulated` on a free port, standing at `start`, until the block ends.

    Raises CannotStart with the end of its log when it does not come up.
    """
    with TemporaryDirectory() as folder:
        state, log = Path(folder), Path(folder) / "log"
        command = [sys.executable, "-m", "sandbox", "--world", "simulated", "--seed", str(SEED)]
        command += ["--start", start.isoformat(), "--port", "0", "--state-dir", folder]
        process = spawn(command, env={}, log=log, cwd=PROJECT_ROOT)
        try:
            described = state / "sandbox.json"
            if not wait_until(described.exists, timeout_s=_START_TIMEOUT_S, process=process):
                raise CannotStart("The sandbox did not start: " + " ".join(tail(log, 3)))
            fields = json.loads(described.read_text())
            yield SimulatedWorld(fields["base_url"], fields["nws_url"], fields["control_url"])
        finally:
            stop(process, signal.SIGTERM, timeout_s=10)
