"""Accounts on disk: what was answered is still so after the process was killed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.__main__ import main
from sandbox.accounts import Account, open_accounts
from sandbox.kalshi.state_file import StateFile, UnreadableState
from sandbox.recorded import RecordedDay
from tests.sandbox.conftest import MORNING
from tests.sandbox.serving import HttpClient
from tests.sandbox.stages import Wall
from tests.sandbox.trading import ORDERS, TICKER, Member, Trading

PROJECT = Path(__file__).parents[2]
DEADLINE_S = 20
READS = (
    "/portfolio/orders",
    "/portfolio/fills",
    "/portfolio/positions?settlement_status=all",
    "/portfolio/settlements",
)

Start = Callable[[], "Running"]


class _WallOfThisMachine(Wall):
    """Tells the real time: a separate process checks our signatures by it."""

    def __init__(self) -> None:
        super().__init__(datetime.now(UTC))

    def __getattribute__(self, name: str) -> Any:
        return datetime.now(UTC) if name == "now" else super().__getattribute__(name)


class Running:
    """A sandbox process over the sample's day in `folder`."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "sandbox", "--port", "0", "--state-dir", str(folder), "--resume"]
        self.process = subprocess.Popen(
            [*command, "--speed", "600"], cwd=PROJECT, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.told = [self.process.stdout.readline() for _ in range(8)]
        self.description = json.loads((folder / "sandbox.json").read_text(encoding="utf-8"))
        self.client = HttpClient(self.description["control_url"])
        account = open_accounts(folder / "sandbox")[0]
        self.member = Member(self.client, account, _WallOfThisMachine())

    def kill(self) -> None:
        """As the machine's owner or its memory would: without a word."""
        self.client.close()
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.communicate(timeout=DEADLINE_S)

    def ticker(self) -> str:
        """A market that trades and has both sides."""
        markets = self.client.get("/trade-api/v2/markets?status=open").json()["markets"]
        quoted = [
            m["ticker"]
            for m in markets
            if m["yes_bid_dollars"] != "0.0000" and m["yes_ask_dollars"] != "1.0000"
        ]
        return str(quoted[0])


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts sandboxes over one folder; ends those still running."""
    running: list[Running] = []

    def begin() -> Running:
        running.append(Running(tmp_path))
        return running[-1]

    yield begin
    for one in running:
        one.process.kill()
        one.process.communicate(timeout=DEADLINE_S)


def test_accounts_are_as_they_were_after_kill_minus_nine(start: Start) -> None:
    first = start()
    first.client.post("/control", json={"do": "freeze"})
    ticker = first.ticker()
    usual = {"ticker": ticker, "count": "1.00"}
    first.member.place(**usual, price="0.9900", time_in_force="immediate_or_cancel", client_order_id="taken")
    first.member.place(**usual, client_order_id="resting")
    time.sleep(0.6)  # machine time: how far reads lag in a process whose clock is not ours
    before = {path: first.member.get(path) for path in READS}
    cash = first.member.get("/portfolio/balance")["balance_dollars"]
    assert len(before["/portfolio/fills"]["fills"]) == 1
    last = first.member.order(ticker=ticker, client_order_id="unread")
    assert first.member.call("POST", ORDERS, last).status_code == 201
    first.kill()

    second = start()
    second.client.post("/control", json={"do": "freeze"})
    assert second.description["clock"] == first.description["clock"]
    for client_order_id in ("taken", "resting", "unread"):
        answer = second.member.call("POST", ORDERS, last | {"client_order_id": client_order_id})
        assert answer.json()["error"]["code"] == "order_already_exists"
    fills = second.member.get("/portfolio/fills")["fills"]
    assert before["/portfolio/fills"]["fills"][0] in fills
    listed = {order["client_order_id"] for order in second.member.get("/portfolio/orders")["orders"]}
    assert listed == {"taken", "resting", "unread"}
    assert float(second.member.get("/portfolio/balance")["balance_dollars"]) <= float(cash)
    second.kill()


def test_start_prints_what_a_client_needs(start: Start) -> None:
    running = start()
    text = "".join(running.told)
    description = running.description
    for one in (*description["accounts"], *description["read_only_keys"]):
        assert f"{one['key_id']}  {one['private_key_path']}" in text
    assert description["base_url"] in text
    assert description["ws_url"] in text
    assert f"{description['control_url']}/control" in text
    assert description["ws_url"].startswith("ws://127.0.0.1:")
    running.kill()


def reopened(trading: Trading, day: RecordedDay, accounts: tuple[Account, ...], state: StateFile) -> Trading:
    """The same world in a new process, at the same moment of the clock."""
    return Trading(day, trading.stage.now(), accounts, state=state)


def test_every_answered_change_is_on_disk_before_its_answer(
    invented_day: RecordedDay, accounts: tuple[Account, ...], tmp_path: Path
) -> None:
    state = StateFile(tmp_path / "exchange.json", {"seed": 1})
    trading = Trading(invented_day, MORNING, accounts, state=state)
    trading.members[0].place(client_order_id="one", price="0.2200", count="3.50")
    killed = {"client_order_id": "burnt", "price": "0.2200", "count": "50.00"}
    assert trading.members[0].send(**killed, time_in_force="fill_or_kill").status_code == 409
    again = reopened(trading, invented_day, accounts, state)
    again.wait()
    assert again.members[0].get("/portfolio/fills")["fills"][0]["count_fp"] == "3.50"
    for client_order_id in ("one", "burnt"):
        assert again.members[0].send(client_order_id=client_order_id).status_code == 409
    again.members[0].place(client_order_id="two")
    once_more = reopened(again, invented_day, accounts, state)
    assert len(once_more.members[0].get("/portfolio/orders")["orders"]) == 3 - 1


def told(trading: Trading) -> list[Any]:
    """All that the two members' reads show."""
    trading.wait()
    members = trading.members[:2]
    cash = [member.get("/portfolio/balance")["balance_dollars"] for member in members]
    return [*cash, *(member.get(path) for member in members for path in READS)]


@pytest.mark.parametrize("commands", [5, 120])
def test_commands_done_again_lead_to_the_same_accounts(
    invented_day: RecordedDay,
    accounts: tuple[Account, ...],
    tmp_path: Path,
    commands: int,
) -> None:
    """With and without snapshots in between, over moving and frozen prices, pauses, refusals and a settlement."""
    state = StateFile(tmp_path / "exchange.json", {}, commands_per_snapshot=50)
    trading = Trading(invented_day, MORNING, accounts, state=state)
    trading.control(do="thaw")
    for number in range(commands):
        maker, taker = trading.members[number % 2], trading.members[1 - number % 2]
        maker.place(price=f"0.{15 + number % 10}", count="2.35", time_in_force="good_till_canceled")
        taker.send(side="ask", price="0.1900", count="0.95", time_in_force="immediate_or_cancel")
        trading.wait(timedelta(minutes=1))
    trading.control(do="freeze")
    trading.members[0].call("DELETE", ORDERS)
    trading.control(do="pause")
    assert trading.members[0].send().status_code == 409
    trading.control(do="resume")
    trading.control(do="close", ticker=TICKER)
    trading.control(do="determine", ticker=TICKER, result="yes")
    trading.control(do="finalize", ticker=TICKER)
    before = told(trading)
    again = reopened(trading, invented_day, accounts, state)
    assert told(again) == before


def test_command_cut_off_by_the_kill_was_never_done(
    invented_day: RecordedDay, accounts: tuple[Account, ...], tmp_path: Path
) -> None:
    state = StateFile(tmp_path / "exchange.json", {})
    trading = Trading(invented_day, MORNING, accounts, state=state)
    for client_order_id in ("whole", "torn"):
        trading.members[0].place(client_order_id=client_order_id)
    content = state.path.read_bytes()
    state.path.write_bytes(content[:-5])
    again = reopened(trading, invented_day, accounts, state)
    again.wait()
    orders = again.members[0].get("/portfolio/orders")["orders"]
    assert [order["client_order_id"] for order in orders] == ["whole"]


def test_freeze_outlives_the_process(
    invented_day: RecordedDay, accounts: tuple[Account, ...], tmp_path: Path
) -> None:
    state = StateFile(tmp_path / "exchange.json", {})
    trading = Trading(invented_day, MORNING, accounts, state=state)
    trading.wait(timedelta(hours=1))
    again = Trading(invented_day, trading.stage.now(), accounts, state=state)
    assert again.stage.frozen_at == MORNING


def test_state_of_another_world_or_of_the_future_is_not_taken_up(
    invented_day: RecordedDay, accounts: tuple[Account, ...], tmp_path: Path
) -> None:
    path = tmp_path / "exchange.json"
    Trading(invented_day, MORNING, accounts, state=StateFile(path, {"seed": 1})).members[0].place()
    for world, at in (({"seed": 2}, MORNING), ({"seed": 1}, MORNING - timedelta(hours=1))):
        fresh = Trading(invented_day, at, accounts, state=StateFile(path, world))
        assert fresh.members[0].get("/portfolio/orders")["orders"] == []


@pytest.mark.parametrize("text", ["", "{", '{"format": 1, "world": {}, "exchange": {"nonsense": 1}}'])
def test_damaged_state_is_refused_and_left_alone(
    invented_day: RecordedDay, accounts: tuple[Account, ...], tmp_path: Path, text: str
) -> None:
    path = tmp_path / "exchange.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UnreadableState, match=r"exchange\.json"):
        Trading(invented_day, MORNING, accounts, state=StateFile(path, {}))
    assert path.read_text(encoding="utf-8") == text


def test_start_over_a_damaged_state_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sandbox").mkdir()
    (tmp_path / "sandbox" / "exchange.json").write_text("{", encoding="utf-8")
    assert main(["--port", "0", "--state-dir", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "sandbox.json").exists()
