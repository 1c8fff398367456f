"""Sweeps: planned before they run, bounded, each variant in the registry, failures told, on the queue of long work."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from milkbot.celery import app
from milkbot.embedded import redis
from milkbot.embedded.process import wait_until
from tests.trading.backtest import recordings
from tests.trading.backtest.reporting import made
from trading.backtest.reporting import registry
from trading.backtest.reporting.registry import register
from trading.backtest.reporting.sweep_rows import SweepRow
from trading.backtest.sweep import (
    MOST_VARIANTS,
    Plan,
    SweepRefused,
    Variant,
    begin,
    ended,
    plan_variants,
    read_plan,
    run_variant,
)
from trading.management.commands.sweep import send

ROOT = Path(__file__).resolve().parents[3]
BASE = replace(made.result(made.World(days=2)).options, first=date.min, last=date.max, cities=("CHI",))
NOW = datetime(2026, 11, 20, tzinfo=UTC)
TWO = "policy.kelly_fraction=0.1,0.25"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recording")
    return recordings.write_days(folder, ["CHI"], date(2025, 5, 1), 2, cheap="B74.5")


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the registry of variants lies."""
    monkeypatch.setenv("MILKBOT_STATE_DIR", str(tmp_path / "state"))
    return tmp_path / "state"


def planned(data: Path, out: Path, axis: str = TWO) -> Plan:
    plan = Plan(data=data, registry=out.parent / "variants.jsonl", variants=plan_variants(BASE, [axis]))
    begin(plan, out)
    return plan


def test_every_combination_is_a_variant_and_only_what_is_varied_differs() -> None:
    found = plan_variants(BASE, [TWO, "assumed_depth=1,50", "limits.per_trade=40"])
    assert [one.name for one in found] == ["v01", "v02", "v03", "v04"]
    assert found[1].settings == {
        "policy.kelly_fraction": "0.1",
        "assumed_depth": "50",
        "limits.per_trade": "40",
    }
    assert found[1].options.assumed_depth == 50
    assert found[3].options.policy == BASE.policy.model_copy(update={"kelly_fraction": Decimal("0.25")})
    assert found[3].options.limits.per_trade == 40
    assert found[0].options.limits.per_event == BASE.limits.per_event


def test_a_strategy_is_varied_by_its_name() -> None:
    from trading.domain.opinion import STRATEGIES

    names = [strategy.name for strategy in STRATEGIES]
    found = plan_variants(BASE, ["assumed_depth=1,2", f"strategy={','.join(names)}"])
    assert {one.options.strategy for one in found} == set(names)


@pytest.mark.parametrize(
    ("axes", "why"),
    [
        ([], "1 variants"),
        (["assumed_depth=1"], "1 variants"),
        (
            ["assumed_depth=" + ",".join(map(str, range(1, MOST_VARIANTS + 2)))],
            f"{MOST_VARIANTS + 1} variants",
        ),
        (["assumed_depth"], "not of the form"),
        (["assumed_depth=1,1"], "not of the form"),
        (["assumed_depth=1,2", "assumed_depth=3,4"], "twice"),
        (["assumed_depth=0,1"], "fills nothing"),
        (["assumed_depth=many,1"], "cannot be 'many'"),
        (["strategy=astrology,tarot"], "no backtest has strategy=astrology"),
        (["policy.nonsense=1,2"], "no backtest has policy.nonsense=1"),
        (["policy.kelly_fraction=1,x"], "cannot be 'x'"),
        (["limits.per_trade=-1,1"], "greater than 0"),
        (["seed=1,2"], "no backtest has seed=1"),
    ],
)
def test_what_cannot_be_varied_is_refused_with_its_reason(axes: list[str], why: str) -> None:
    with pytest.raises(SweepRefused, match=why):
        plan_variants(BASE, axes)


def test_a_plan_survives_its_file_and_a_folder_holds_one_sweep(data: Path, tmp_path: Path) -> None:
    plan = planned(data, tmp_path / "out")
    assert read_plan(tmp_path / "out") == plan
    with pytest.raises(SweepRefused, match="not an empty folder"):
        begin(plan, tmp_path / "out")
    with pytest.raises(SweepRefused, match="no plan"):
        read_plan(tmp_path)


def test_the_last_variant_to_end_writes_the_table_in_whatever_order_they_end(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def quick(plan: Plan, variant: Variant, *_: object) -> SweepRow:
        register(plan.registry, registry.Variant(variant.name, "data", 0.1))
        return SweepRow(name=variant.name, settings=variant.settings, inputs="data")

    monkeypatch.setattr("trading.backtest.sweep._run", quick)
    out = tmp_path / "out"
    planned(data, out, "assumed_depth=1,2,3")
    for name in ("v02", "v03"):
        run_variant(out, name, NOW)
        assert not (out / "sweep.json").exists()
    run_variant(out, "v01", NOW)
    told = json.loads((out / "sweep.json").read_text())
    assert told["trials"]["count"] == 3
    assert [row["name"] for row in told["variants"]] == ["v01", "v02", "v03"]
    assert not list(out.glob("sweep.*.*")), "drafts are gone"


def test_a_variant_that_cannot_run_is_a_row_that_says_why_and_holds_nobody_up(tmp_path: Path) -> None:
    out = tmp_path / "out"
    planned(tmp_path / "nowhere", out)
    rows = [run_variant(out, name, NOW) for name in ("v01", "v02")]
    assert all("UnreadableRecording" in row.error for row in rows)
    assert json.loads((out / "sweep.json").read_text())["trials"]["count"] == 1
    assert "UnreadableRecording" in (out / "sweep.html").read_text()
    with pytest.raises(SweepRefused, match="no variant 'v03'"):
        run_variant(out, "v03", NOW)


def test_what_nobody_foresaw_leaves_a_row_and_is_raised(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    out = tmp_path / "out"
    plan = planned(data, out)
    monkeypatch.setattr("trading.backtest.sweep.run_backtest", broken)
    with pytest.raises(ZeroDivisionError):
        run_variant(out, "v01", NOW)
    assert ended(plan, out)[0].error == "ZeroDivisionError"


@pytest.fixture
def eager() -> Iterator[None]:
    """Tasks run where they are sent."""
    app.loader.import_default_modules()
    app.conf.update(task_always_eager=True)
    yield
    app.conf.update(task_always_eager=False)


@pytest.mark.usefixtures("eager")
def test_a_group_of_tasks_leaves_reports_rows_and_a_table_deflated_by_all(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    plan = planned(data, out)
    send(plan, out)
    rows = ended(plan, out)
    assert [row.settings for row in rows] == [
        {"policy.kelly_fraction": "0.1"},
        {"policy.kelly_fraction": "0.25"},
    ]
    assert all(row.fills > 0 and not row.error for row in rows)
    assert (out / "v01" / "report.html").exists()
    markup = (out / "sweep.html").read_text()
    assert "policy.kelly_fraction=0.25" in markup
    assert "2 variants were run on these inputs" in markup


@pytest.mark.slow
def test_the_command_runs_here_without_a_broker_and_prints_a_line_a_variant(
    data: Path, tmp_path: Path, state: Path
) -> None:
    said = StringIO()
    arguments = {"data": data, "out": tmp_path / "out", "vary": [TWO], "here": True, "capital": Decimal(1000)}
    call_command("sweep", stdout=said, **arguments)
    lines = said.getvalue().splitlines()
    assert lines[0].startswith("v01 policy.kelly_fraction=0.1: ")
    assert len(lines) == 3
    assert len((state / "backtests" / "variants.jsonl").read_text().splitlines()) == 2
    with pytest.raises(CommandError, match="not an empty folder"):
        call_command("sweep", stdout=said, **arguments)


def test_a_wait_that_ends_first_says_how_many_are_missing(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trading.management.commands.sweep.send", lambda plan, out: None)
    with pytest.raises(CommandError, match="2 of 2 variants have not ended"):
        call_command("sweep", data=data, out=tmp_path / "out", vary=[TWO], wait=0)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[str]:
    socket = tmp_path / "redis.sock"
    server = subprocess.Popen(
        redis.command(redis.find_server(), socket, tmp_path), stdout=subprocess.DEVNULL, env={}
    )
    try:
        assert wait_until(lambda: redis.is_ready(socket), timeout_s=10, process=server)
        yield redis.url(socket)
    finally:
        server.terminate()
        server.wait(10)


@pytest.mark.slow
def test_a_worker_of_the_queue_batch_alone_runs_a_sweep_without_a_database(
    data: Path, tmp_path: Path, broker: str, state: Path
) -> None:
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "MILKBOT_STATE_DIR": str(state),
        "DATABASE_URL": "postgresql://nobody@/nothing?host=/nowhere",
        "SECRET_KEY": "test-only",
        "REDIS_URL": broker,
    }
    options = ("--queues", "batch", "--concurrency", "2", "--without-gossip", "--without-mingle")
    log = tmp_path / "worker.log"
    with log.open("wb") as sink:
        worker = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "milkbot.celery", "worker", *options],
            cwd=ROOT, env=env, stdout=sink, stderr=sink,
        )  # fmt: skip
    asked = ("--data", str(data), "--out", str(tmp_path / "out"), "--vary", TWO, "--wait", "120")
    try:
        command = subprocess.run(
            [sys.executable, "manage.py", "sweep", *asked],
            cwd=ROOT, env=env, capture_output=True, text=True, timeout=180, check=False,
        )  # fmt: skip
    finally:
        worker.terminate()
        worker.wait(30)
    assert command.returncode == 0, command.stderr + log.read_text()
    assert command.stdout.count(" fills, P&L ") == 2
    assert json.loads((tmp_path / "out" / "sweep.json").read_text())["trials"]["count"] == 2
    assert log.read_text().count("variant ended") == 2
