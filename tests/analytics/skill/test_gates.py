"""From stored scores and fills to the gate's evidence, by database and by file, and the commands over both."""

import json
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from analytics.models import SkillScoreRow
from analytics.skill.comparing import compare, days_of
from analytics.skill.evidence import RecordFile, evidence_of
from analytics.skill.gates import judge_demo, judge_records, read_records, read_slippage
from analytics.skill.pairs import read_days, read_pairs
from analytics.tasks import judge_strategies
from milkbot.core import clock
from milkbot.core.config import GATE_OVERRIDE, TradingMode, get_config
from milkbot.models import InstallationRow
from tests.analytics.skill.scenes import CITIES, LAST, NOW, RECORD, store_scores
from tests.factories import FillFactory, IntentFactory, MarketFactory, OrderFactory, StrategyGateFactory
from trading.backtest.results import P_MODEL
from trading.domain.strategy_gate import GateCode, StrategyGate
from trading.models import StrategyGateRow
from trading.repositories.strategy_gates import read_gate

pytestmark = pytest.mark.django_db

DEMO, LIVE = TradingMode.DEMO, TradingMode.LIVE
EDGE = "forecast_edge"


@pytest.fixture
def real_world() -> None:
    InstallationRow.objects.create(profile="demo", world="", created_at=NOW)


def store_record(*, days: int = 70, better: float = 0.0) -> None:
    store_scores(DEMO, days=days, better=better, hours=(10,), names=RECORD)


def fill(
    paid: str, *, decided: str = "0.43", count: int = 10, side: str = "BUY", generations: int = 1
) -> None:
    """A wish first decided at `decided` whose last generation filled at `paid`, one minute before NOW."""
    market = MarketFactory.create()
    for generation in range(generations):
        last = generation == generations - 1
        key = f"DEMO:CHI:{market.ticker}:{'bid' if side == 'BUY' else 'ask'}:ensemble:2026-03-01"
        intent = IntentFactory.create(
            intent_key=key + (f":{generation}" if generation else ""),
            mode=DEMO,
            market=market,
            action=side,
            generation=generation,
            count=count,
            limit_price=Decimal(decided) if generation == 0 else Decimal(paid),
            contributors=[EDGE],
        )
        order = OrderFactory.create(intent=intent)
        if last:
            FillFactory.create(order=order, yes_price=Decimal(paid), filled_at=NOW - timedelta(minutes=1))


def codes(gate: StrategyGate | None) -> set[GateCode]:
    assert gate is not None
    return {shortfall.code for shortfall in gate.shortfalls}


@pytest.mark.usefixtures("real_world")
def test_a_good_record_in_demo_opens_the_gate() -> None:
    store_record(better=0.05)
    fill("0.43")

    (gate,) = judge_demo(NOW)

    assert gate.admitted, gate.shortfalls
    assert gate.evidence is not None
    assert (gate.evidence.days, gate.evidence.events) == (70, 70 * len(CITIES))
    assert gate.evidence.difference == pytest.approx(-0.05, abs=0.01)
    assert (gate.evidence.fills, gate.evidence.slippage) == (1, Decimal(0))


@pytest.mark.usefixtures("real_world")
@pytest.mark.parametrize(
    ("days", "better", "paid", "missing"),
    [
        (59, 0.05, "0.43", {GateCode.GATE_DAYS_FEW, GateCode.GATE_EVENTS_FEW}),
        (70, -0.05, "0.43", {GateCode.GATE_LOSS_ABOVE_MARKET}),
        (70, 0.05, "0.44", {GateCode.GATE_SLIPPAGE_HIGH}),
    ],
)
def test_a_record_that_falls_short_keeps_it_shut(
    days: int, better: float, paid: str, missing: set[GateCode]
) -> None:
    store_record(days=days, better=better)
    fill(paid)

    (gate,) = judge_demo(NOW)

    assert codes(gate) == missing


def test_a_record_of_a_simulated_world_opens_nothing() -> None:
    InstallationRow.objects.create(profile="demo", world="simulated world, seed 7", created_at=NOW)
    store_record(better=0.05)
    fill("0.43")

    assert codes(judge_demo(NOW)[0]) == {GateCode.GATE_WORLD_NOT_REAL}


def test_scores_of_other_modes_are_no_record() -> None:
    store_scores(TradingMode.SHADOW, days=3)
    store_scores(LIVE, days=3)

    assert judge_demo(NOW) == ()


@pytest.mark.usefixtures("real_world")
def test_a_record_too_wide_is_off_coverage() -> None:
    store_record(better=0.05)
    fill("0.43")
    SkillScoreRow.objects.update(pit_low=0.4, pit_high=0.6)

    assert codes(judge_demo(NOW)[0]) == {GateCode.GATE_COVERAGE_OFF}


def test_without_a_record_here_what_was_brought_by_file_stays() -> None:
    StrategyGateFactory.create(strategy=EDGE)

    judge_strategies()

    assert StrategyGateRow.objects.get().admitted


@pytest.mark.parametrize(
    ("side", "paid", "cents"),
    [("BUY", "0.44", "0.01"), ("BUY", "0.42", "-0.01"), ("SELL", "0.42", "0.01"), ("SELL", "0.44", "-0.01")],
)
def test_slippage_is_what_it_cost_beyond_the_price_decided_on(side: str, paid: str, cents: str) -> None:
    fill(paid, side=side)

    assert read_slippage(DEMO, EDGE, NOW - timedelta(days=1)) == (1, Decimal(cents))


def test_running_after_a_price_is_slippage_and_contracts_weigh() -> None:
    fill("0.47", generations=3, count=30)
    fill("0.43", count=10)

    assert read_slippage(DEMO, EDGE, NOW - timedelta(days=1)) == (2, Decimal("0.03"))


def test_slippage_counts_only_fills_that_rest_on_the_strategy_and_are_recent() -> None:
    fill("0.47")

    assert read_slippage(DEMO, "late_lock", NOW - timedelta(days=1)) == (0, None)
    assert read_slippage(LIVE, EDGE, NOW - timedelta(days=1)) == (0, None)
    assert read_slippage(DEMO, EDGE, NOW) == (0, None)


@pytest.mark.usefixtures("real_world")
def test_a_record_by_file_is_judged_as_the_database_it_came_from() -> None:
    store_record(better=0.05)
    fill("0.43")
    text = read_records(DEMO, NOW).model_dump_json()
    (here,) = judge_demo(NOW)

    (there,) = judge_records(RecordFile.model_validate_json(text), NOW, actor="cli:ada")

    assert there.evidence == here.evidence
    assert (there.admitted, there.decided_by) == (True, "cli:ada")


def test_a_record_says_what_it_is_and_days_stand_once_in_order() -> None:
    store_record(days=3)
    written = json.loads(read_records(DEMO, NOW).model_dump_json())
    (edge,) = written["strategies"]
    assert evidence_of(RecordFile.model_validate(written).strategies[0], DEMO, "").days == 3

    for broken in ({"days": edge["days"][::-1]}, {"days": [edge["days"][0]] * 2}, {"fills": 3}):
        with pytest.raises(ValueError, match=r"once and in order|do not belong together"):
            RecordFile.model_validate(written | {"strategies": [edge | broken]})


def run(name: str, *arguments: str) -> str:
    out = StringIO()
    call_command(name, *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def at_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.mark.usefixtures("real_world", "at_now")
def test_command_shows_each_strategy_with_what_is_missing() -> None:
    assert "No strategy was ever judged" in run("strategy_gates")
    store_record(days=12, better=0.05)

    said = run("strategy_gates", "--judge")

    assert f"{EDGE:<20} SHUT" in said
    assert "DEMO: 12 days, 60 events; log loss" in said
    assert "GATE_DAYS_FEW: 12 of 60 days" in said
    (told,) = json.loads(run("strategy_gates", "--json"))
    assert (told["strategy"], told["admitted"]) == (EDGE, False)


@pytest.mark.usefixtures("real_world", "at_now")
def test_command_carries_a_record_and_withdraws_and_releases(tmp_path: Path) -> None:
    store_record(better=0.05)
    fill("0.43")
    file = tmp_path / "record.json"
    assert "1 strategies written" in run("strategy_gates", "--export", str(file))

    assert f"{EDGE:<20} ADMITTED until 2026-04-02" in run("strategy_gates", "--import", str(file))
    assert "WITHDRAWN" in run("strategy_gates", "--withdraw", EDGE, "--reason", "odd since noon")
    assert "reason: odd since noon" in run("strategy_gates")
    assert "ADMITTED" in run("strategy_gates", "--release", EDGE, "--reason", "understood")


@pytest.mark.usefixtures("at_now")
def test_command_refuses_what_is_no_record_and_what_has_no_reason(tmp_path: Path) -> None:
    file = tmp_path / "record.json"
    file.write_text('{"format": "other"}')

    with pytest.raises(CommandError, match="is no record of strategies: format"):
        run("strategy_gates", "--import", str(file))
    with pytest.raises(CommandError, match="cannot be read"):
        run("strategy_gates", "--import", str(tmp_path / "absent.json"))
    with pytest.raises(CommandError, match="say why"):
        run("strategy_gates", "--withdraw", EDGE)


@pytest.mark.usefixtures("at_now")
def test_override_is_off_until_the_environment_says_the_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match="overriding a gate is off"):
        run("strategy_gates", "--override", EDGE, "--reason", "a drill")
    assert read_gate(LIVE, EDGE) is None

    monkeypatch.setenv("LIVE_GATE_OVERRIDE", GATE_OVERRIDE)
    get_config.cache_clear()
    assert "OVERRIDDEN until 2026-03-10" in run("strategy_gates", "--override", EDGE, "--reason", "a drill")


@pytest.mark.usefixtures("at_now")
def test_skill_shows_ours_beside_the_market_by_hour_lead_and_city() -> None:
    store_scores(TradingMode.SHADOW, days=30)

    said = run("skill")

    assert "difference not distinguishable from zero" in said
    for label in ("p_trade", EDGE, "20:00 day before", "13:00", "1 to 6 h", "CHI"):
        assert label in said
    assert f"Event hours of p_model that could not be scored: {30 * len(CITIES)} NOT_SEEN." in said
    told = json.loads(run("skill", "--json"))
    assert [line["label"] for line in told["by_city"]] == sorted(CITIES)
    assert sum(line["scores"] for line in told["by_hour"]) == told["forecasters"][0]["scores"]


def test_means_by_the_database_are_those_by_hand() -> None:
    store_scores(DEMO, days=15, hours=(-4, 10))
    since = LAST - timedelta(days=10)

    by_hand = compare(EDGE, days_of(read_pairs(DEMO, EDGE, since)))
    by_database = compare(EDGE, read_days(DEMO, since)[EDGE])

    assert (by_database.scores, by_database.events, by_database.days) == (110, 55, 11)
    assert by_database.sentence == by_hand.sentence
    for name in ("ours", "market", "difference", "interval"):
        assert getattr(by_database, name) == pytest.approx(getattr(by_hand, name)), name


@pytest.mark.usefixtures("at_now")
def test_skill_of_nothing_says_so() -> None:
    assert "never scored together" in run("skill", "--forecaster", P_MODEL)


@pytest.mark.usefixtures("at_now")
def test_skill_looks_back_as_far_as_it_is_told() -> None:
    store_scores(TradingMode.SHADOW, days=30)

    told = json.loads(run("skill", "--json", "--days", "12"))

    assert told["since"] == (NOW.date() - timedelta(days=12)).isoformat()
    assert told["forecasters"][0]["days"] == (LAST - NOW.date()).days + 12 + 1
