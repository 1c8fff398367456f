"""The operator's commands at a terminal, on a sandbox exchange in real time: what they do, say and return."""

import io
import json
import os
import subprocess
import sys
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from milkbot.core import clock
from milkbot.core.config import PROJECT_ROOT, TradingMode, get_config
from tests.exchange_account import rest_one
from tests.factories import admit_strategies
from tests.faults.bench import MODE, Bench
from tests.faults.books import CANCEL, PLACE
from trading.arming import standing_arming
from trading.breakers import trip
from trading.controls import ensure_controls, get_trading_state, set_trading_state
from trading.domain.breakers import Breaker, Trip
from trading.domain.evidence import REQUEST_LIFE
from trading.domain.types import Order, OrderState, TradingState
from trading.management.commands import halt
from trading.models import (
    FillRow,
    LedgerRow,
    LockRow,
    OperatorActionRow,
    OrderRow,
    PositionRow,
    ReconciliationRow,
)

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def run(*arguments: str) -> str:
    """What a command that succeeds writes."""
    said = io.StringIO()
    call_command(*arguments, stdout=said)
    return said.getvalue()


def state_of(order: Order) -> str:
    return OrderRow.objects.get(client_order_id=order.client_order_id).state


@pytest.mark.django_db(transaction=True)
def test_halt_with_cancel_all_stops_and_empties_the_book_without_a_worker(demo: Bench) -> None:
    order = rest_one(demo)

    said = run("halt", "--cancel-all", "--reason", "storm")

    assert "DEMO was ACTIVE, is HALTED now" in said
    assert "1 orders were open; the exchange confirmed cancel-all; 0 are left open" in said
    assert get_trading_state(MODE) is TradingState.HALTED
    assert state_of(order) == OrderState.CANCELED
    assert demo.front.count(PLACE) == 1
    actions = list(OperatorActionRow.objects.order_by("pk").values_list("action", "reason"))
    assert actions == [("set_trading_state", "storm"), ("cancel_all", "storm")]


@pytest.mark.django_db(transaction=True)
def test_halt_with_cancel_all_empties_the_book_also_without_a_database(demo: Bench) -> None:
    rest_one(demo)
    halt = [sys.executable, "manage.py", "halt", "--cancel-all", "--reason", "the disk is gone"]
    nowhere = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}

    done = subprocess.run(
        halt, cwd=PROJECT_ROOT, env={**os.environ, **nowhere}, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert "Without our books: the exchange confirmed cancel-all." in done.stdout
    assert "stop the worker of the fast queue" in done.stderr
    assert [order.status for order in demo.member.orders.values()] == ["canceled"]


def test_halt_alone_leaves_what_rests(demo: Bench) -> None:
    order = rest_one(demo)

    run("halt", "--reason", "storm")

    assert get_trading_state(MODE) is TradingState.HALTED
    assert state_of(order) == OrderState.RESTING
    assert demo.front.count(CANCEL) == 0


def test_halt_turns_the_switch_at_once_and_returns_when_nothing_can_arrive_any_more(
    demo: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = OrderRow.objects.filter(client_order_id=rest_one(demo).client_order_id)
    row.update(state=OrderState.SUBMITTED, sent_at=clock.now())
    seen = []

    def pause() -> None:
        seen.append(get_trading_state(MODE))
        row.update(sent_at=clock.now() - (REQUEST_LIFE if len(seen) == 2 else MINUTE / 2))

    monkeypatch.setattr(halt, "pause", pause)
    said = run("halt", "--reason", "storm")

    assert seen == [TradingState.HALTED] * 2
    assert said.index("1 orders were under way and are not answered") < said.index(
        "No order leaves any more."
    )


def test_halt_says_what_it_halted(demo: Bench) -> None:
    config = get_config()
    said = run("halt", "--reason", "storm")
    database = connection.settings_dict["NAME"]
    assert f"({config.trading_mode}, profile {config.milkbot_profile}, database {database})" in said


def test_disarming_where_live_does_not_run_is_no_all_clear(demo: Bench) -> None:
    with pytest.raises(CommandError, match=r"this installation does not run LIVE \(DEMO, profile"):
        run("disarm_live", "--reason", "enough")


def test_halt_without_a_reason_is_refused(demo: Bench) -> None:
    with pytest.raises(CommandError, match="--reason"):
        run("halt")
    with pytest.raises(CommandError, match="say why"):
        run("halt", "--reason", " ")
    assert get_trading_state(MODE) is TradingState.ACTIVE


def test_reconcile_of_equal_books_says_so_and_is_kept(demo: Bench) -> None:
    rest_one(demo)

    said = run("reconcile")

    assert "No drift." in said
    assert ReconciliationRow.objects.get().kind == "command"


def test_reconcile_shows_the_drift_and_fails(demo: Bench) -> None:
    order = rest_one(demo)
    row = OrderRow.objects.get(client_order_id=order.client_order_id)
    PositionRow.objects.create(
        mode=MODE,
        market=row.market,
        count=Decimal("12.50"),
        cost=Decimal(3),
        is_open=True,
        opened_at=clock.now(),
        updated_at=clock.now(),
    )
    told = io.StringIO()

    with pytest.raises(CommandError, match="cannot be trusted"):
        call_command("reconcile", "--dry-run", stdout=told)

    line = next(line for line in told.getvalue().splitlines() if line.startswith("position"))
    assert line.split() == ["position", order.market_ticker, "12.50", "0"]
    assert not ReconciliationRow.objects.exists(), "a dry run keeps nothing"


def test_reconcile_as_json_is_for_programs(demo: Bench) -> None:
    rest_one(demo)
    since = (clock.now() - MINUTE).isoformat()

    report = json.loads(run("reconcile", "--json", "--since", since))

    assert report["trusted"] is True
    assert (report["fills_booked"], report["drift"], report["error"]) == (0, [], "")
    assert datetime.fromisoformat(report["complete_until"]).tzinfo is not None


@pytest.mark.parametrize("since", ["yesterday", "2026-01-01T00:00:00"])
def test_reconcile_since_no_instant_is_refused(since: str) -> None:
    with pytest.raises(CommandError, match=r"is no ISO 8601 time|names no offset"):
        run("reconcile", "--since", since)


@pytest.mark.usefixtures("fresh_config")
@pytest.mark.parametrize("command", [["reconcile"], ["halt", "--cancel-all", "--reason", "drill"]])
def test_shadow_has_no_account_to_ask(command: list[str]) -> None:
    with pytest.raises(CommandError, match="SHADOW has no account at an exchange"):
        run(*command)


def test_resume_is_refused_while_a_lock_waits_for_a_person(demo: Bench) -> None:
    run("halt", "--reason", "storm")
    trip(MODE, Trip(Breaker.OVERFILL, "11 filled of 10"), clock.now())

    with pytest.raises(CommandError, match=r"1 locks wait for a person\. OVERFILL on .*11 filled of 10"):
        run("resume", "--reason", "it is over")

    assert get_trading_state(MODE) is TradingState.HALTED
    assert LockRow.objects.filter(cleared_at__isnull=True).count() == 1


def test_resume_with_clear_locks_ends_them_and_both_are_recorded(demo: Bench) -> None:
    trip(MODE, Trip(Breaker.OVERFILL, "11 filled of 10"), clock.now())

    said = run("resume", "--clear-locks", "--reason", "the exchange explained it")

    assert "DEMO was HALTED, is ACTIVE now; 1 locks cleared" in said
    assert get_trading_state(MODE) is TradingState.ACTIVE
    assert not LockRow.objects.filter(cleared_at__isnull=True).exists()
    cleared, turned = OperatorActionRow.objects.order_by("-pk")[:2][::-1]
    assert (cleared.action, turned.action) == ("clear_locks", "set_trading_state")
    assert cleared.reason == turned.reason == "the exchange explained it"


def test_resume_passes_over_locks_that_clear_themselves(demo: Bench) -> None:
    trip(MODE, Trip(Breaker.WEATHER_STALE, "NWS is silent", "LAX"), clock.now())
    set_trading_state(
        mode=MODE, state=TradingState.HALTED, actor="x", user_id=None, reason="drill", now=clock.now()
    )

    run("resume", "--reason", "drill is over")

    assert get_trading_state(MODE) is TradingState.ACTIVE
    assert LockRow.objects.filter(cleared_at__isnull=True).count() == 1


@pytest.mark.django_db(transaction=True)
def test_ledger_exports_the_books_digit_by_digit(demo: Bench) -> None:
    order = rest_one(demo)
    row = OrderRow.objects.get(client_order_id=order.client_order_id)
    fill = FillRow.objects.create(
        fill_id="f-1",
        mode=MODE,
        order=row,
        kalshi_order_id=row.kalshi_order_id or "",
        market=row.market,
        book_side="bid",
        count=Decimal("2.05"),
        yes_price=Decimal("0.0100"),
        fee=Decimal("0.001234"),
        is_taker=False,
        filled_at=datetime.fromisoformat("2026-01-02T03:04:05.678901+00:00"),
    )
    LedgerRow.objects.create(mode=MODE, kind="fill", amount=Decimal("-0.0205"), fill=fill, at=clock.now())
    FillRow.objects.create(
        fill_id="f-2",
        mode="SHADOW",
        market=row.market,
        book_side="bid",
        count=1,
        yes_price=Decimal("0.5"),
        fee=0,
        is_taker=True,
        filled_at=clock.now(),
    )

    books = json.loads(run("ledger", "--json"), parse_float=pytest.fail)

    assert list(books) == ["mode", "since", "orders", "fills", "positions", "ledger", "settlements"]
    (exported,) = books["fills"]
    assert (exported["count"], exported["yes_price"], exported["fee"]) == ("2.05", "0.010000", "0.001234")
    assert exported["filled_at"] == "2026-01-02T03:04:05.678901+00:00"
    assert exported["client_order_id"] == str(order.client_order_id) == books["orders"][0]["client_order_id"]
    assert (books["ledger"][0]["amount"], books["ledger"][0]["fill_id"]) == ("-0.020500", "f-1")
    assert (books["positions"], books["settlements"]) == ([], [])
    assert "1 orders, 1 fills, 0 positions, 1 ledger, 0 settlements; cash -0.020500" in run("ledger")
    later = json.loads(run("ledger", "--json", "--since", "2026-01-02T03:04:06Z"))
    assert (len(later["fills"]), len(later["orders"])) == (0, 1)


def test_run_cycle_once_trades_at_the_mode_s_exchange(demo: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITIES", "LAX")
    monkeypatch.setenv("NWS_BASE_URL", f"{demo.base_url}/nws")
    get_config.cache_clear()

    said = run("run_cycle", "--once")

    assert said.startswith("DEMO ")
    assert ReconciliationRow.objects.get().kind == "start"


@pytest.mark.story("4.10", 3)
@pytest.mark.usefixtures("live")
def test_live_is_armed_for_a_time_and_disarmed() -> None:
    ensure_controls(TradingMode.LIVE, clock.now())
    admit_strategies("forecast_edge")

    said = run("arm_live", "--for", "2h", "--reason", "first day")
    arming = standing_arming()

    assert arming is not None
    assert arming.expires_at - arming.armed_at == timedelta(hours=2)
    assert f"armed until {arming.expires_at:%Y-%m-%d %H:%M:%S}Z" in said
    assert "1 armings taken back" in run("disarm_live", "--reason", "enough")
    assert standing_arming() is None


@pytest.mark.usefixtures("live")
@pytest.mark.parametrize("duration", ["0h", "2", "two hours", "13h", "-1h", "1d"])
def test_live_is_not_armed_for_a_senseless_time(duration: str) -> None:
    with pytest.raises(CommandError, match=r"write 90m or 2h|at most 12 hours|expected one argument"):
        run("arm_live", "--for", duration, "--reason", "first day")
    assert standing_arming() is None


@pytest.mark.story("4.10", 3)
def test_only_live_is_armed(demo: Bench) -> None:
    with pytest.raises(CommandError, match="This installation runs DEMO; only LIVE is armed"):
        run("arm_live", "--for", "2h", "--reason", "first day")
