"""The gates as they are stored: who opens and shuts them, for how long, and what then leaves in LIVE."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.postgres.functions import TransactionNow
from django.db import connections

from milkbot.core.config import TradingMode
from tests.factories import PositionFactory, StrategyGateFactory
from tests.trading.domain.test_strategy_gate import NOW, evidence
from tests.trading.makers import BRACKETS
from tests.trading.makers import NOW as MARKET_NOW
from tests.trading.makers import make_intent
from tests.trading.stored import store_markets
from tests.trading.test_arming import Counting
from trading.arming import arm_live, standing_arming
from trading.controls import decide_gate, ensure_controls, override_gate, release_gate, withdraw_gate
from trading.domain.strategy_gate import ADMITTED_FOR, OVERRIDE_FOR, GateCode, StrategyGate
from trading.domain.types import Action, Order, OrderState
from trading.models import OperatorActionRow, StrategyGateRow
from trading.oms.lease import take_lease
from trading.oms.submit import submit
from trading.oms.venues.base import Answer
from trading.repositories.orders import OrderRepository
from trading.repositories.strategy_gates import admitted_strategies, read_gate, read_gates

pytestmark = pytest.mark.django_db

LIVE = TradingMode.LIVE
EDGE = "forecast_edge"
SHORT = {"days": 12}


def withdraw(reason: str = "it lost its head") -> StrategyGate:
    return withdraw_gate(EDGE, actor="ada", user_id=None, reason=reason, now=NOW)


def release(reason: str = "understood") -> StrategyGate:
    return release_gate(EDGE, actor="ada", user_id=None, reason=reason, now=NOW)


def override(reason: str = "a drill") -> StrategyGate:
    return override_gate(EDGE, actor="ada", user_id=None, reason=reason, now=NOW)


def codes(gate: StrategyGate) -> list[GateCode]:
    return [shortfall.code for shortfall in gate.shortfalls]


def test_enough_evidence_admits_for_a_time() -> None:
    gate = decide_gate(evidence(), now=NOW)

    assert (gate.admitted, gate.shortfalls, gate.decided_by) == (True, (), "task")
    assert gate.expires_at == NOW + ADMITTED_FOR
    assert gate == read_gate(LIVE, EDGE)
    assert gate.evidence == evidence()


def test_too_little_evidence_leaves_it_shut_and_says_what_is_missing() -> None:
    decide_gate(evidence(), now=NOW)
    gate = decide_gate(evidence(**SHORT), now=NOW)

    assert (gate.version, gate.admitted, gate.expires_at) == (2, False, None)
    assert gate.shortfalls[0].detail == "12 of 60 days"
    assert admitted_strategies(LIVE) == frozenset()


def test_every_decision_is_kept() -> None:
    decide_gate(evidence(**SHORT), now=NOW)
    withdraw()
    release()

    kept = StrategyGateRow.objects.order_by("version").values_list("version", "withdrawn", "decided_by")
    assert list(kept) == [(1, False, "task"), (2, True, "ada"), (3, False, "ada")]


@pytest.mark.parametrize("mode", [TradingMode.SHADOW, TradingMode.DEMO])
def test_other_modes_are_behind_no_gate(mode: TradingMode) -> None:
    assert admitted_strategies(mode) is None


def test_admitted_are_those_whose_newest_decision_holds_now() -> None:
    for name in ("a", "b", "c", "d"):
        StrategyGateFactory.create(strategy=name, version=1)
    StrategyGateFactory.create(strategy="b", version=2, admitted=False)
    StrategyGateFactory.create(strategy="c", version=2, expires_at=TransactionNow())
    StrategyGateFactory.create(strategy="d", version=2, admitted=False)
    StrategyGateFactory.create(strategy="d", version=3)

    assert admitted_strategies(LIVE) == frozenset({"a", "d"})
    assert [(gate.strategy, gate.version) for gate in read_gates(LIVE)] == [
        ("a", 1),
        ("b", 2),
        ("c", 2),
        ("d", 3),
    ]


def test_what_a_person_withdrew_no_evidence_admits_again() -> None:
    decide_gate(evidence(), now=NOW)
    withdraw()

    gate = decide_gate(evidence(), now=NOW)

    assert (gate.admitted, gate.withdrawn, codes(gate)) == (False, True, [GateCode.GATE_WITHDRAWN])


def test_release_judges_the_evidence_anew() -> None:
    decide_gate(evidence(), now=NOW)
    withdraw()
    assert release().admitted

    withdraw()
    decide_gate(evidence(**SHORT), now=NOW)
    assert codes(release()) == [GateCode.GATE_DAYS_FEW]


def test_release_without_evidence_admits_nothing() -> None:
    withdraw()

    assert codes(release()) == [GateCode.GATE_NO_EVIDENCE]


def test_release_of_what_is_not_withdrawn_is_refused() -> None:
    decide_gate(evidence(), now=NOW)

    with pytest.raises(ValueError, match="forecast_edge is not withdrawn"):
        release()


def test_override_lets_through_for_a_week_and_keeps_what_is_missing() -> None:
    decide_gate(evidence(**SHORT), now=NOW)
    gate = override()

    assert (gate.admitted, gate.is_override, gate.note) == (True, True, "a drill")
    assert gate.expires_at == NOW + OVERRIDE_FOR
    assert codes(gate) == [GateCode.GATE_DAYS_FEW, GateCode.GATE_OVERRIDE]


def test_override_stands_against_short_evidence_until_its_end_and_gives_way_to_enough() -> None:
    override()

    assert decide_gate(evidence(**SHORT), now=NOW).is_override
    assert not decide_gate(evidence(**SHORT), now=NOW + OVERRIDE_FOR).admitted
    override()
    enough = decide_gate(evidence(), now=NOW)
    assert (enough.admitted, enough.is_override) == (True, False)


def test_override_of_what_is_withdrawn_is_refused_and_withdrawing_ends_an_override() -> None:
    override()

    assert not withdraw().admitted
    with pytest.raises(ValueError, match="is withdrawn; release it first"):
        override()


@pytest.mark.parametrize("act", [withdraw, override])
def test_what_a_person_does_needs_a_reason_and_is_recorded(act: Callable[[str], StrategyGate]) -> None:
    with pytest.raises(ValueError, match="say why"):
        act(" ")
    assert not StrategyGateRow.objects.exists()

    act("because")

    action = OperatorActionRow.objects.get()
    assert (action.action, action.actor, action.reason) == (f"{act.__name__}_gate", "ada", "because")
    assert action.after == {"strategy": EDGE}


def test_live_is_not_armed_while_no_gate_is_open_and_says_what_is_missing() -> None:
    def arm() -> None:
        arm_live(timedelta(hours=1), actor="ada", user_id=None, reason="first day")

    with pytest.raises(ValueError, match="None was ever judged: DEMO's evidence is missing"):
        arm()
    decide_gate(evidence(**SHORT), now=NOW)
    StrategyGateFactory.create(strategy="late_lock", expires_at=NOW, decided_at=NOW - timedelta(days=30))
    with pytest.raises(
        ValueError, match=r"forecast_edge: 12 of 60 days\. late_lock: .* ran out at 2026-03-02"
    ):
        arm()
    assert standing_arming() is None

    StrategyGateFactory.create(strategy=EDGE, version=2)
    arm()
    assert standing_arming() is not None


def send(contributors: tuple[str, ...], venue: Counting, *, action: Action = Action.BUY) -> Order:
    """An order that was written while its strategies were admitted, sent by an armed trader; ten contracts are held."""
    StrategyGateFactory.create(strategy="late_lock", version=1)
    ensure_controls(LIVE, MARKET_NOW)
    arm_live(timedelta(hours=1), actor="ada", user_id=None, reason="first day")
    lease = take_lease(LIVE, "host-a/1/1.00", timedelta(seconds=90))
    market_ids = store_markets()
    market_id = market_ids[BRACKETS[2].ticker]
    PositionFactory.create(mode=LIVE, market_id=market_id)
    intent = make_intent(mode=LIVE, contributors=contributors, action=action)
    (order,) = OrderRepository(LIVE).create([intent], market_ids, lease=lease)
    return submit(order, venue, lease=lease, market_id=market_id, at=MARKET_NOW)


@pytest.mark.parametrize("contributors", [(EDGE,), ("climatology", EDGE), ()])
def test_live_sends_nothing_that_rests_only_on_what_is_withdrawn(contributors: tuple[str, ...]) -> None:
    decide_gate(evidence(), now=NOW)
    withdraw()
    venue = Counting()

    ended = send(contributors, venue)

    assert (ended.state, venue.sent) == (OrderState.CANCELED, 0)


def test_live_sends_what_an_admitted_strategy_still_speaks_for() -> None:
    withdraw()
    venue = Counting()

    ended = send((EDGE, "late_lock"), venue)

    assert (ended.state, venue.sent) == (OrderState.RESTING, 1)


def test_live_may_leave_what_it_holds_whatever_is_withdrawn() -> None:
    withdraw()
    venue = Counting()

    ended = send((EDGE,), venue, action=Action.SELL)

    assert (ended.state, venue.sent) == (OrderState.RESTING, 1)


@pytest.mark.django_db(transaction=True)
def test_a_withdrawal_waits_for_the_send_under_way() -> None:
    StrategyGateFactory.create(strategy=EDGE)
    sending, done = threading.Event(), threading.Event()
    seen: list[str] = []

    def take_back() -> None:
        sending.wait(5)
        withdraw()
        seen.append("withdrawn")
        done.set()
        connections.close_all()

    class Slow(Counting):
        def place(self, order: Order) -> Answer:
            sending.set()
            assert not done.wait(0.3), "the withdrawal was acknowledged while an order was leaving"
            seen.append("order left")
            return super().place(order)

    operator = threading.Thread(target=take_back)
    operator.start()
    send((EDGE,), Slow())
    operator.join(5)

    assert seen == ["order left", "withdrawn"]
    assert admitted_strategies(LIVE) == frozenset({"late_lock"})
