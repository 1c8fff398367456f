"""What a strategy must have shown before it may trade real money."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milkbot.core.config import TradingMode
from trading.domain.strategy_gate import (
    LAST_DAY_WITHIN,
    LEAST_COVERAGE,
    LEAST_DAYS,
    LEAST_EVENTS,
    MOST_COVERAGE,
    MOST_SLIPPAGE,
    MOST_WORSE,
    GateCode,
    GateEvidence,
    judge,
)

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def evidence(**changes: Any) -> GateEvidence:
    """Just enough, everywhere at the very bound."""
    enough: dict[str, Any] = {
        "strategy": "forecast_edge",
        "mode": TradingMode.DEMO,
        "world": "",
        "first_day": date(2025, 12, 1),
        "last_day": NOW.date() - LAST_DAY_WITHIN,
        "days": LEAST_DAYS,
        "events": LEAST_EVENTS,
        "log_loss": 1.2,
        "market_log_loss": 1.215,
        "difference": -0.015,
        "difference_low": -0.04,
        "difference_high": MOST_WORSE,
        "coverage": LEAST_COVERAGE,
        "fills": 40,
        "slippage": MOST_SLIPPAGE,
    }
    return GateEvidence(**enough | changes)


def codes(found: GateEvidence) -> list[GateCode]:
    return [shortfall.code for shortfall in judge(found, NOW)]


@pytest.mark.parametrize("changes", [{}, {"coverage": MOST_COVERAGE}, {"slippage": Decimal("-0.01")}])
def test_enough_at_every_bound_is_enough(changes: dict[str, Any]) -> None:
    assert judge(evidence(**changes), NOW) == ()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"mode": TradingMode.SHADOW}, GateCode.GATE_NOT_DEMO),
        ({"world": "simulated world, seed 7"}, GateCode.GATE_WORLD_NOT_REAL),
        ({"days": LEAST_DAYS - 1}, GateCode.GATE_DAYS_FEW),
        ({"events": LEAST_EVENTS - 1}, GateCode.GATE_EVENTS_FEW),
        ({"last_day": NOW.date() - LAST_DAY_WITHIN - timedelta(days=1)}, GateCode.GATE_EVIDENCE_OLD),
        ({"difference_high": MOST_WORSE + 0.001}, GateCode.GATE_LOSS_ABOVE_MARKET),
        ({"difference_low": None, "difference_high": None}, GateCode.GATE_LOSS_ABOVE_MARKET),
        ({"coverage": LEAST_COVERAGE - 0.001}, GateCode.GATE_COVERAGE_OFF),
        ({"coverage": MOST_COVERAGE + 0.001}, GateCode.GATE_COVERAGE_OFF),
        ({"coverage": None}, GateCode.GATE_COVERAGE_OFF),
        ({"slippage": MOST_SLIPPAGE + Decimal("0.0001")}, GateCode.GATE_SLIPPAGE_HIGH),
        ({"slippage": None, "fills": 0}, GateCode.GATE_SLIPPAGE_UNKNOWN),
    ],
)
def test_each_condition_alone_shuts_the_gate_and_says_by_what(
    changes: dict[str, Any], code: GateCode
) -> None:
    assert codes(evidence(**changes)) == [code]
    assert judge(evidence(**changes), NOW)[0].detail


def test_better_on_average_with_an_interval_that_reaches_too_far_is_not_enough() -> None:
    assert codes(evidence(difference=-0.05, difference_low=-0.15, difference_high=0.05)) == [
        GateCode.GATE_LOSS_ABOVE_MARKET
    ]


def test_nothing_scored_lacks_everything_but_names_it_once() -> None:
    found = codes(GateEvidence(strategy="late_lock", mode=TradingMode.DEMO, world=""))

    assert found == [
        GateCode.GATE_DAYS_FEW,
        GateCode.GATE_EVENTS_FEW,
        GateCode.GATE_LOSS_ABOVE_MARKET,
        GateCode.GATE_COVERAGE_OFF,
        GateCode.GATE_SLIPPAGE_UNKNOWN,
    ]


@given(
    st.integers(0, 400),
    st.integers(0, 4000),
    st.floats(-1, 1),
    st.floats(0, 1),
    st.decimals("-0.5", "0.5", places=4),
)
def test_open_means_that_every_condition_of_the_reference_holds(
    days: int, events: int, high: float, coverage: float, slippage: Decimal
) -> None:
    shown = evidence(days=days, events=events, difference_high=high, coverage=coverage, slippage=slippage)
    holds = (
        days >= 60
        and events >= 300
        and high <= 0.01
        and 0.74 <= coverage <= 0.86
        and slippage <= Decimal("0.005")
    )

    assert (judge(shown, NOW) == ()) is holds


def test_evidence_survives_storage() -> None:
    shown = evidence()

    assert GateEvidence.model_validate(shown.model_dump(mode="json")) == shown
