"""`manage.py import_history` as a person types it: what it says, and with what code it ends."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from starlette.responses import PlainTextResponse

from milkbot.core import clock
from milkbot.core.config import get_config
from tests.trading.archive.worlds import FIRST, LAST, Exchange, exchange_at
from trading.archive import exchange_parts
from trading.management.commands import import_history

SETTLED = datetime(2026, 11, 4, 15, tzinfo=UTC)


@pytest.fixture
def exchange(monkeypatch: pytest.MonkeyPatch) -> Iterator[Exchange]:
    """A served world, the configured exchange of this process, at the moment it is there."""
    with exchange_at(SETTLED) as found:
        local = get_config().model_copy(update={"kalshi_base_url": found.url})
        monkeypatch.setattr(import_history, "get_config", lambda: local)
        monkeypatch.setattr(clock, "now", lambda: SETTLED)
        yield found


def run(out: Path, *more: str, kinds: tuple[str, ...] = ("ladders",)) -> list[str]:
    text = StringIO()
    days = [] if "--from" in more else ["--from", str(FIRST), "--to", str(LAST)]
    only = [part for kind in kinds for part in ("--only", kind)]
    call_command(
        "import_history", "--out", str(out), *days, *only, "--city", "SFO", "--calls-per-second", "10", *more,
        stdout=text,
    )  # fmt: skip
    return text.getvalue().splitlines()


def test_import_tells_what_it_does_and_what_is_there(exchange: Exchange, tmp_path: Path) -> None:
    lines = run(tmp_path / "a")
    assert re.fullmatch(r"\[1/3\] ladders SFO 2026-10-30: 6 markets, [1-9][0-9]{2} quotes", lines[0])
    assert lines[-2:] == ["answers refused: none", f"complete: {tmp_path / 'a'}"]
    assert "kalshi/ladders/events.csv: 18 rows" in lines
    assert run(tmp_path / "a")[0] == "3 of 3 parts were here already"


def test_missing_parts_are_named_and_end_with_one(exchange: Exchange, tmp_path: Path) -> None:
    exchange.door.interfere = lambda _number, url: (
        PlainTextResponse("no", 400) if "26OCT31" in url else None
    )
    with pytest.raises(CommandError, match="1 parts are missing") as missing:
        run(tmp_path / "a")
    assert missing.value.returncode == 1


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (("--from", "2026-11-02", "--to", "2026-11-01"), "lies after"),
        (("--from", "2026-11-02", "--to", "2027-11-01"), "has not come yet"),
        (("--iem-url", "http://mesonet.agron.iastate.edu"), "https"),
        (("--only", "highs"), "a sandbox, whose weather"),
    ],
)
def test_what_cannot_be_done_as_asked_ends_with_two(
    exchange: Exchange, tmp_path: Path, more: tuple[str, ...], why: str
) -> None:
    with pytest.raises(CommandError, match=why) as refused:
        run(tmp_path / "a", *more)
    assert refused.value.returncode == 2
    assert exchange.door.asked == []


def test_folder_of_something_else_ends_with_two(exchange: Exchange, tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("")
    with pytest.raises(CommandError, match="other files") as refused:
        run(tmp_path)
    assert refused.value.returncode == 2


def test_full_disk_ends_with_one(exchange: Exchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("trading.archive.parts.os.fsync", full)
    with pytest.raises(CommandError, match="run it again to go on") as failed:
        run(tmp_path / "a")
    assert failed.value.returncode == 1


def test_interrupted_import_says_how_to_go_on(
    exchange: Exchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(exchange_parts.ExchangeParts, "ladder", interrupt)
    with pytest.raises(CommandError, match="stopped; run it again"):
        run(tmp_path / "a")


def test_calls_are_few_a_second() -> None:
    now = [0.0]
    budget = exchange_parts.polite_budget(
        2, sleep=lambda wait_s: now.__setitem__(0, now[0] + wait_s), monotonic=lambda: now[0]
    )
    for _ in range(12):
        budget.spend("GET", "/markets")
    assert now[0] == pytest.approx(5.0)
