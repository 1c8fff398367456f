"""An import that dies, by SIGKILL or at any step of its writing, goes on to the very bytes of one that was let live."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import Response

from milkbot.core.cities import load_cities
from tests.trading.archive.worlds import FIRST, LAST, Exchange, exchange_at, fetch_from, tree
from tests.trading.backtest.recordings import event_rows, quote_rows
from trading.archive.importing import Fetcher, ImportReport, Wanted, import_archive
from trading.archive.parts import Part, PartKey, PartStore

SETTLED = datetime(2026, 11, 4, 15, tzinfo=UTC)
ROOT = Path(__file__).parents[3]
WANTED = Wanted(FIRST, LAST, ("NYC", "SFO"), ("ladders", "highs"))


@pytest.fixture(scope="module")
def exchange() -> Iterator[Exchange]:
    with exchange_at(SETTLED) as found:
        yield found


def killed_at(exchange: Exchange, out: Path, request_number: int) -> int:
    """Run the import as a process and kill it while it waits for the answer to this request; its exit code."""
    command = [sys.executable, "-m", "tests.trading.archive.import_process"]
    process = subprocess.Popen([*command, exchange.url, str(out), SETTLED.isoformat()], cwd=ROOT)

    def kill(number: int, _url: str) -> Response | None:
        if number == request_number:
            process.send_signal(signal.SIGKILL)
            process.wait()
        return None

    exchange.door.asked.clear()
    exchange.door.interfere = kill
    try:
        return process.wait(60)
    finally:
        exchange.door.interfere = lambda _number, _url: None


@pytest.mark.slow
def test_killed_import_goes_on_where_it_was(exchange: Exchange, tmp_path: Path) -> None:
    fetch_from(tmp_path / "a", SETTLED, exchange_url=exchange.url)

    # The third event's candles, then, in the second life, those of the one after the next.
    assert killed_at(exchange, tmp_path / "b", 19) == -signal.SIGKILL
    assert not (tmp_path / "b" / "manifest.json").exists()
    assert killed_at(exchange, tmp_path / "b", 12) == -signal.SIGKILL
    exchange.door.asked.clear()
    report = fetch_from(tmp_path / "b", SETTLED, exchange_url=exchange.url)

    assert (report.kept, report.fetched) == (3, 3)
    assert len(exchange.door.asked) == 1 + 3 * 7
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


class Died(BaseException):
    """The process is gone: nothing that catches errors may notice."""


class Lifetime:
    """Lets so many steps of writing happen, and then none."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = -1
        self.taken = 0
        # The disk is not waited for: what counts here is the order of the steps.
        monkeypatch.setattr(os, "fsync", self._step(lambda _descriptor: None))
        for name in ("replace", "unlink"):
            monkeypatch.setattr(Path, name, self._step(getattr(Path, name)))

    def _step(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*args: Any, **given: Any) -> Any:
            if self.left == 0:
                raise Died
            self.left -= 1
            self.taken += 1
            return real(*args, **given)

        return step


class Canned(Fetcher):
    """Parts out of thin air, always the same."""

    def __init__(self) -> None:
        """Asks nobody."""

    def fetch(self, key: PartKey, store: PartStore) -> Part:
        city = load_cities()[key.city]
        if key.kind == "highs":
            return Part(key, key.last, {"highs": [(key.city, str(FIRST), "74", "cli", "")]})
        rows = {
            "events": event_rows(city, key.first),
            "quotes": quote_rows(city, key.first, timedelta(hours=3)),
        }
        texts = {table: [tuple(map(str, row)) for row in found] for table, found in rows.items()}
        return Part(key, key.last, texts)


def canned(out: Path) -> ImportReport:
    return import_archive(out, WANTED, Canned(), {"exchange": "nobody"}, lambda _line: None)


def test_import_that_dies_at_any_step_of_writing_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    life = Lifetime(monkeypatch)
    canned(tmp_path / "a")
    whole, steps = tree(tmp_path / "a"), life.taken
    assert steps > 30

    for step in range(steps):
        out = tmp_path / f"dies at {step}"
        life.left = step
        with pytest.raises(Died):
            canned(out)
        life.left = -1
        assert canned(out).is_complete
        assert tree(out) == whole
