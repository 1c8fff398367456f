"""DEMO traders as processes of their own on this test's database and exchange, to be killed, stopped and replaced."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.db import connection

from tests.faults.bench import CYCLE, LAG, MODE, Bench
from tests.faults.books import PLACE, is_recovered
from tests.faults.demo_trader import NO_SEAM
from tests.faults.oracle import public_complaints
from trading.domain.types import ReasonCode
from trading.models import DecisionRow, ReconciliationRow

ROOT = Path(__file__).resolve().parents[2]
COMES_WITHIN_S = 60.0
"""A place within a turn; a turn may wait for its sends."""
RECOVERY_S = 15.0
"""From the start of a process until it has put right what the one before it left, and trades."""
OPEN_FATE = "is UNKNOWN with us and unknown at the exchange"
HELD_BACK = {ReasonCode.ACCOUNT_UNSURE, ReasonCode.TRADING_HALTED, ReasonCode.TRADING_REDUCING}


class TraderProcess:
    """One trader, which does what it is told, a line at a time."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self.is_off_by = timedelta()
        """Its machine's clock, from the exchange's."""
        database = connection.settings_dict
        url = f"postgresql://{database['USER']}@/{database['NAME']}?host={database['HOST']}"
        key = bench.account
        self._clock_file = Path(tempfile.mkstemp(suffix=".clock")[1])
        self._show_time()
        arguments = [bench.base_url, key.key_id, str(key.private_key_path), ",".join(bench.cities)]
        arguments.append(str(self._clock_file))
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.demo_trader", *arguments],
            cwd=ROOT,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "milkbot.settings.worker",
                "DATABASE_URL": url,
                "LOG_LEVEL": "CRITICAL",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._line() == "ready\n", "the trader did not start"

    def do(self, what: str = "turn") -> Any:
        """What it says of one piece of work, done now."""
        self.ask(what)
        return self.answer()

    def ask(self, what: str = "turn") -> None:
        """Let it begin a piece of work."""
        self._tell(what)

    def answer(self) -> Any:
        """What it says once it is done."""
        return json.loads(self._line())["said"]

    def die_at(self, seam: str, what: str = "turn") -> None:
        """Do it until `seam`, and be killed there."""
        self._tell(what, seam=seam, signal=signal.SIGKILL)
        assert not self._line(), f"it never came to {seam}"
        assert self.process.wait(10) == -signal.SIGKILL, f"it never came to {seam}"

    def stop_at(self, seam: str, what: str = "turn") -> None:
        """Do it until `seam`, and stand still there."""
        self._tell(what, seam=seam, signal=signal.SIGSTOP)
        deadline = time.monotonic() + COMES_WITHIN_S
        stopped, status = 0, 0
        while not stopped:
            assert time.monotonic() < deadline, f"it never came to {seam}"
            time.sleep(0.01)
            stopped, status = os.waitpid(self.process.pid, os.WUNTRACED | os.WNOHANG)
        assert os.WIFSTOPPED(status), f"it never came to {seam}"

    def go_on(self) -> None:
        """End a standstill; by now its clock shows what it is."""
        self._show_time()
        self.process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        """Kill it, whatever it does."""
        self.process.kill()
        self.process.wait(30)
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            with suppress(BrokenPipeError):
                pipe.close()
        self._clock_file.unlink()

    def _tell(self, what: str, seam: str = NO_SEAM, signal: int = 0) -> None:
        assert self.process.stdin is not None
        self._show_time()
        order = {"do": what, "seam": seam, "signal": signal}
        self.process.stdin.write(f"{json.dumps(order)}\n")
        self.process.stdin.flush()

    def _show_time(self) -> None:
        self._clock_file.write_text((self._bench.now + self.is_off_by).isoformat(), "utf-8")

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()


@contextmanager
def trader_process(bench: Bench) -> Iterator[TraderProcess]:
    """A trader that runs until the block ends."""
    trader = TraderProcess(bench)
    try:
        yield trader
    finally:
        trader.end()


def turns_of(trader: TraderProcess, bench: Bench, count: int) -> None:
    """`count` turns a minute apart, none of which may fail."""
    for _ in range(count):
        bench.wait(CYCLE)
        said = trader.do()
        assert isinstance(said, int), said


def check_recovery(trader: TraderProcess, bench: Bench) -> None:
    """In time, a new process ends a turn on an account it trusts, its books the exchange's own and nothing held back.

    Of an order that was marked as sent the fate may still be open then: that it never arrived is proven only once it
    could no longer do so. A few turns more settle that, too, and meanwhile it sends and renews.
    """
    bench.wait(CYCLE)
    sent = bench.front.count(PLACE)
    said = trader.do()
    assert isinstance(said, int), said
    newest = ReconciliationRow.objects.order_by("-pk")[0]
    assert newest.complete_until is not None
    assert (newest.drift, newest.error) == ([], "")
    assert not _held_back()
    with standstill(bench):
        _read_in_silence(trader)
        # What follows is the judge's own work.
        took_s = time.monotonic() - trader.started_at
        found = bench.judged(bench.member)
    assert [complaint for complaint in found if OPEN_FATE not in complaint] == []
    assert took_s < RECOVERY_S, f"it took {took_s:.1f} s"
    turns_of(trader, bench, 7)
    assert bench.front.count(PLACE) > sent, "it sends or renews nothing"
    assert is_recovered()
    assert last_complaints(trader, bench) == []


def _held_back() -> set[str]:
    """Markets it would not trade in for what it does not know, or is not allowed, of its account."""
    newest = DecisionRow.objects.filter(mode=MODE).order_by("market_id", "-pk").distinct("market_id")
    return {row.market.ticker for row in newest.select_related("market") if row.code in HELD_BACK}


def last_complaints(trader: TraderProcess, bench: Bench) -> list[str]:
    """The oracle's word on the books as one more turn of the trader leaves them, in a market that stands still, and on what
    the world may see of them.
    """
    with standstill(bench):
        _read_in_silence(trader)
        return [*bench.judged(bench.member), *public_complaints(MODE, bench.now)]


def _read_in_silence(trader: TraderProcess) -> None:
    said = trader.do("silent turn")
    assert isinstance(said, int), said


@contextmanager
def standstill(bench: Bench) -> Iterator[None]:
    """The market stands still, and the exchange's lists have caught up with it."""
    bench.control(do="freeze")
    bench.wait(LAG)
    yield
    bench.control(do="thaw")
