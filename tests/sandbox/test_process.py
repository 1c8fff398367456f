"""`python -m sandbox` as a process: its description, its signals, its exit codes, real sockets."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from http.client import BadStatusLine, HTTPConnection, IncompleteRead
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from sandbox.__main__ import main

PROJECT = Path(__file__).parents[2]
DEADLINE_S = 20

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts sandboxes on free ports with their state in `tmp_path`; ends those still running."""
    running: list[subprocess.Popen[str]] = []

    def begin(*arguments: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "sandbox", "--port", "0", "--state-dir", str(tmp_path), *arguments]
        process = subprocess.Popen(
            command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        running.append(process)
        return process

    yield begin
    for process in running:
        process.kill()
        process.communicate(timeout=DEADLINE_S)


def description(tmp_path: Path, process: "subprocess.Popen[str]") -> dict[str, Any]:
    """The description of a sandbox; it is there once the sandbox has announced itself."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("Sandbox at http://127.0.0.1:"), line
    found: dict[str, Any] = json.loads((tmp_path / "sandbox.json").read_text(encoding="utf-8"))
    return found


def ended(process: "subprocess.Popen[str]") -> tuple[int, str]:
    _, errors = process.communicate(timeout=DEADLINE_S)
    return process.returncode, errors


def fetch(address: str, path: str, method: str = "GET", body: str | None = None) -> bytes:
    connection = HTTPConnection(urlsplit(address).netloc, timeout=DEADLINE_S)
    try:
        connection.request(method, path, body, {"User-Agent": "tests"})
        return connection.getresponse().read()
    finally:
        connection.close()


def test_sandbox_describes_itself_and_withdraws_on_sigterm(tmp_path: Path, start: Start) -> None:
    process = start("--speed", "3600")
    found = description(tmp_path, process)
    origin = found["control_url"]
    assert (found["base_url"], found["nws_url"]) == (f"{origin}/trade-api/v2", f"{origin}/nws")
    assert found["world"] == f"invented Chicago day 2026-05-19, moved by {found['shift_days']} days"
    assert (found["series"], found["seed"], found["clock"]["speed"]) == ("KXHIGHCHI", None, 3600.0)
    assert len(found["accounts"]) == 2
    assert all(Path(account["private_key_path"]).is_file() for account in found["accounts"])
    events = json.loads(fetch(origin, "/trade-api/v2/events"))["events"]
    assert events[0]["title"] == f"Highest temperature in Chicago on {moved_date(found)}?"
    code, errors = ended(start("--port", str(urlsplit(origin).port)))
    assert (code, errors.count("\n")) == (1, 1)
    assert "cannot be used" in errors
    process.send_signal(signal.SIGTERM)
    assert ended(process) == (0, "")
    assert not (tmp_path / "sandbox.json").exists()


def test_sandbox_does_not_name_its_server(tmp_path: Path, start: Start) -> None:
    origin = description(tmp_path, start())["control_url"]
    connection = HTTPConnection(urlsplit(origin).netloc, timeout=DEADLINE_S)
    try:
        connection.request("GET", "/trade-api/v2/exchange/status")
        assert connection.getresponse().headers.get("Server") is None
    finally:
        connection.close()


def code_of(arguments: list[str]) -> int:
    """The exit code of arguments that cannot be run with."""
    try:
        return main(arguments)
    except SystemExit as ended_early:
        return int(ended_early.code or 0)


def moved_date(found: dict[str, Any]) -> str:
    day = datetime.fromisoformat(found["event_date"])
    return f"{day:%b} {day.day}, {day.year}"


def test_cut_connections_reach_the_client_and_sigint_ends_cleanly(tmp_path: Path, start: Start) -> None:
    process = start()
    origin = description(tmp_path, process)["control_url"]
    for kind, error in (("reset", (ConnectionResetError, BadStatusLine)), ("truncated", IncompleteRead)):
        order = {"do": "fault", "match": "GET /nws/stations", "kind": kind, "count": 1}
        fetch(origin, "/control", "POST", json.dumps(order))
        with pytest.raises(error):
            fetch(origin, "/nws/stations/KMDW")
        assert json.loads(fetch(origin, "/nws/stations/KMDW"))["properties"]["stationIdentifier"] == "KMDW"
    process.send_signal(signal.SIGINT)
    assert ended(process) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--date", "2026-05-18"), "recorded dates of KXHIGHCHI: 2026-05-19"),
        (("--date", "May"), "--date"),
        (("--series", "KXHIGHTDEN"), "--series KXHIGHTDEN is not a series"),
        (("--series", "KXHIGHMIA"), "recorded dates of KXHIGHMIA: none"),
        (("--world", "nowhere"), "--world cannot be used"),
        (("--speed", "0"), "--speed"),
        (("--speed", "nan"), "--speed"),
        (("--depth", "0"), "--depth"),
        (("--port", "70000"), "--port"),
        (("--wall-anchor", "2099-01-01T00:00:00Z"), "lies in the future"),
        (("--surprise",), "--surprise"),
    ],
)
def test_bad_argument_is_one_sentence_and_code_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    assert code_of(["--port", "0", "--state-dir", str(tmp_path), *arguments]) == 2
    errors = capsys.readouterr().err
    assert words in errors
    assert errors.count("\n") == 1


def test_sandbox_imports_nothing_of_the_application() -> None:
    program = (
        "import sys, sandbox.__main__; "
        "print([m for m in sys.modules if m.split('.')[0] in "
        "{'milkbot', 'weather', 'markets', 'trading', 'analytics', 'publicsite', 'django'}])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, env=dict(os.environ)
    )
    assert done.stdout.strip() == "[]"
