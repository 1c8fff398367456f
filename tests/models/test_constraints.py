"""Every constraint of every table refuses what it is there to refuse, by its own name."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Model

from analytics.models import EquityRow, SkillEventRow, SkillScoreRow
from markets.models import EventRow, MarketRow, MarketSnapshotRow
from milkbot.models import HealthStatusRow, InstallationRow
from tests.factories import DAY, EARLIER, FACTORIES, LATER, NOON, store
from tests.models.tables import our_models
from trading.models import (
    ControlsRow,
    CycleRow,
    DecisionRow,
    EnsembleWeightsRow,
    ExternalOrderRow,
    ExternalPositionRow,
    FillRow,
    IntentRow,
    LedgerRow,
    LiveArmingRow,
    LockRow,
    OperatorActionRow,
    OrderEventRow,
    OrderRow,
    PositionRow,
    ReconciliationRow,
    RiskEventRow,
    SettlementRow,
    SignalRow,
    StrategyGateRow,
    TraderLeaseRow,
)
from weather.models import (
    CalibrationRow,
    ClimateReportRow,
    ForecastRow,
    ObservationRow,
    RegimeRow,
    SourceForecastRow,
    WeatherSnapshotRow,
)

pytestmark = pytest.mark.django_db

Change = dict[str, Any]

CHECKS: dict[str, tuple[type[Model], list[Change]]] = {
    "installation_is_single": (InstallationRow, [{"singleton": False}]),
    # Weather
    "weather_seen_after_capture": (WeatherSnapshotRow, [{"last_seen_at": EARLIER}]),
    "weather_observation_paired": (
        WeatherSnapshotRow,
        [{"observed_at": None}, {"observed_temp_c": None}, {"observed_is_metar": None}],
    ),
    "weather_temp_plausible": (WeatherSnapshotRow, [{"observed_temp_c": 60.1}, {"observed_temp_c": -60.1}]),
    "observation_temp_plausible": (
        ObservationRow,
        [{"temp_c": 60.1}, {"temp_c": -60.1}, {"temp_c": float("nan")}],
    ),
    "observation_maxima_plausible": (
        ObservationRow,
        [{"six_hour_max_c": 60.1}, {"day_max_c": -60.1}, {"day_max_c": float("nan")}],
    ),
    "forecast_plausible": (
        ForecastRow,
        [
            {"sigma": 0.0},
            {"sigma": -1.0},
            {"sigma": float("nan")},
            {"mu": float("nan")},
            {"mu": float("inf")},
        ],
    ),
    "forecast_errors_plausible": (
        ForecastRow,
        [{"mu_se": -0.1}, {"mu_se": float("nan")}, {"ln_sigma_se": -0.1}, {"ln_sigma_se": float("inf")}],
    ),
    "forecast_kind_known": (ForecastRow, [{"kind": "half_day"}]),
    "source_forecast_plausible": (SourceForecastRow, [{"high_f": 201}, {"high_f": -101}]),
    "regime_known": (RegimeRow, [{"regime": "STORMY"}]),
    "regime_sigma_plausible": (RegimeRow, [{"sigma": 0.0}, {"sigma": float("nan")}]),
    "calibration_promoted_on_scores": (CalibrationRow, [{"promoted_at": NOON, "scored": 0}]),
    "calibration_learned_in_order": (
        CalibrationRow,
        [{"fitted_to": DAY - timedelta(days=31)}, {"known_until": LATER}],
    ),
    # Markets
    "market_result_known": (MarketRow, [{"result": "maybe"}]),
    "market_finalized_has_time": (MarketRow, [{"status": "finalized"}]),
    "snapshot_prices_on_0_1": (
        MarketSnapshotRow,
        [
            {"yes_bid": Decimal(0)},
            {"yes_ask": Decimal(1)},
            {"yes_ask": Decimal("1.2")},
            {"last_price": Decimal(0)},
            {"last_price": Decimal(1)},
            {"last_price": Decimal("1.2")},
            {"last_price": Decimal("-0.1")},
        ],
    ),
    "snapshot_bid_paired": (MarketSnapshotRow, [{"yes_bid": None}, {"yes_bid_size": None}]),
    "snapshot_ask_paired": (MarketSnapshotRow, [{"yes_ask": None}, {"yes_ask_size": None}]),
    "snapshot_not_crossed": (MarketSnapshotRow, [{"yes_bid": Decimal("0.43")}, {"yes_bid": Decimal("0.44")}]),
    "snapshot_seen_after_capture": (MarketSnapshotRow, [{"last_seen_at": EARLIER}]),
    "snapshot_counts_positive": (
        MarketSnapshotRow,
        [{"volume": Decimal(-1)}, {"open_interest": Decimal(-1)}],
    ),
    # Trading
    "cycle_account_paired": (CycleRow, [{"cash": None}, {"realized_pnl": None}, {"unrealized_pnl": None}]),
    "controls_state_known": (ControlsRow, [{"state": "PAUSED"}]),
    "lock_cleared_paired": (LockRow, [{"cleared_at": LATER}, {"cleared_by": "ann"}]),
    "signal_p_on_0_1": (SignalRow, [{"p_yes": -0.01}, {"p_yes": 1.01}, {"p_yes": float("nan")}]),
    "signal_p_model_on_0_1": (SignalRow, [{"p_model": -0.01}, {"p_model": 1.01}]),
    "signal_p_market_on_0_1": (SignalRow, [{"p_market": -0.01}, {"p_market": 1.01}]),
    "ensemble_weights_mode_known": (EnsembleWeightsRow, [{"mode": "PAPER"}]),
    "strategy_gate_mode_known": (StrategyGateRow, [{"mode": "PAPER"}]),
    "strategy_gate_admitted_until": (
        StrategyGateRow,
        [
            {"expires_at": None},
            {"expires_at": NOON},
            {"withdrawn": True},
            {"admitted": False, "expires_at": LATER},
        ],
    ),
    "strategy_gate_override_says_why": (
        StrategyGateRow,
        [{"is_override": True}, {"is_override": True, "note": "first day", "admitted": False}],
    ),
    "signal_decision_known": (SignalRow, [{"decision": "WAIT"}]),
    "signal_seen_after_made": (SignalRow, [{"seen_until": EARLIER}]),
    "decision_count_positive": (DecisionRow, [{"count": Decimal(-1)}]),
    "decision_seen_after_decided": (DecisionRow, [{"seen_until": EARLIER}]),
    "intent_price_on_0_1": (
        IntentRow,
        [{"limit_price": Decimal(0)}, {"limit_price": Decimal(1)}, {"limit_price": Decimal("1.2")}],
    ),
    "intent_count_positive": (
        IntentRow,
        [{"count": Decimal(0)}, {"count": Decimal(-1)}, {"max_cost": Decimal("-0.01")}],
    ),
    "intent_p_on_0_1": (IntentRow, [{"p_yes": -0.01}, {"p_yes": 1.01}]),
    "intent_key_begins_with_mode": (
        IntentRow,
        [{"mode": "LIVE", "intent_key": "SHADOW:CHI:x"}, {"intent_key": "LIVE:CHI:x"}],
    ),
    "intent_book_side_matches": (
        IntentRow,
        [
            {"side": "YES", "action": "BUY", "book_side": "ask"},
            {"side": "NO", "action": "SELL", "book_side": "ask"},
            {"side": "YES", "action": "SELL", "book_side": "bid"},
            {"side": "NO", "action": "BUY", "book_side": "bid"},
        ],
    ),
    "order_state_known": (OrderRow, [{"state": "PENDING"}]),
    "cycle_mode_known": (CycleRow, [{"mode": "PAPER"}]),
    "lease_mode_known": (TraderLeaseRow, [{"mode": "PAPER"}]),
    "controls_mode_known": (ControlsRow, [{"mode": "PAPER"}]),
    "operator_action_mode_known": (OperatorActionRow, [{"mode": "PAPER"}]),
    "lock_mode_known": (LockRow, [{"mode": "PAPER"}]),
    "signal_mode_known": (SignalRow, [{"mode": "PAPER"}]),
    "decision_mode_known": (DecisionRow, [{"mode": "PAPER"}]),
    "fill_mode_known": (FillRow, [{"mode": "PAPER"}]),
    "order_mode_known": (OrderRow, [{"mode": "PAPER"}]),
    "position_mode_known": (PositionRow, [{"mode": "PAPER"}]),
    "settlement_mode_known": (SettlementRow, [{"mode": "PAPER"}]),
    "ledger_mode_known": (LedgerRow, [{"mode": "PAPER"}]),
    "risk_event_mode_known": (RiskEventRow, [{"mode": "PAPER"}]),
    "intent_mode_known": (
        IntentRow,
        [{"mode": "PAPER", "intent_key": "PAPER:CHI:M:bid:ensemble:2025-05-14"}],
    ),
    "order_book_side_matches": (OrderRow, [{"book_side": "ask"}]),
    "order_reported_positive": (OrderRow, [{"reported_count": Decimal("-0.01")}]),
    "reconciliation_mode_known": (ReconciliationRow, [{"mode": "PAPER"}]),
    "external_order_mode_known": (ExternalOrderRow, [{"mode": "PAPER"}]),
    "external_order_price_on_0_1": (ExternalOrderRow, [{"yes_price": Decimal(0)}, {"yes_price": Decimal(1)}]),
    "external_order_count_positive": (ExternalOrderRow, [{"remaining_count": Decimal("-0.01")}]),
    "external_position_mode_known": (ExternalPositionRow, [{"mode": "PAPER"}]),
    "external_position_risk_positive": (ExternalPositionRow, [{"at_risk": Decimal("-0.01")}]),
    "arming_ends_after_start": (LiveArmingRow, [{"expires_at": NOON}]),
    "order_unnamed_is_null": (OrderRow, [{"kalshi_order_id": ""}]),
    "order_price_on_0_1": (
        OrderRow,
        [{"limit_price": Decimal(0)}, {"limit_price": Decimal(1)}, {"limit_price": Decimal("1.2")}],
    ),
    "order_count_positive": (OrderRow, [{"count": Decimal(0)}]),
    "order_not_overfilled": (OrderRow, [{"filled_count": Decimal("10.01")}, {"filled_count": Decimal(-1)}]),
    "fill_price_on_0_1": (
        FillRow,
        [{"yes_price": Decimal(0)}, {"yes_price": Decimal(1)}, {"yes_price": Decimal("1.2")}],
    ),
    "fill_count_positive": (FillRow, [{"count": Decimal(0)}, {"count": Decimal(-1)}]),
    "position_open_means_held": (PositionRow, [{"is_open": False}, {"count": Decimal(0)}]),
    "position_cost_positive": (PositionRow, [{"cost": Decimal("-0.01")}]),
    "settlement_result_known": (SettlementRow, [{"result": "void"}, {"result": ""}]),
    "settlement_adds_up": (SettlementRow, [{"pnl": Decimal("5.71")}]),
    "ledger_kind_has_its_cause": (
        LedgerRow,
        [{"fill": None}, {"kind": "settlement"}, {"kind": "deposit"}, {"kind": "external"}, {"kind": "gift"}],
    ),
    "skill_score_p_on_0_1": (
        SkillScoreRow,
        [{"p_outcome": 1.01}, {"pit_low": -0.01}, {"pit_high": float("nan")}],
    ),
    "skill_score_is_a_loss": (SkillScoreRow, [{"log_loss": -0.01}, {"brier": 2.01}, {"rps": -0.01}]),
    "risk_severity_known": (RiskEventRow, [{"severity": "LOUD"}]),
}

UNIQUE: dict[str, Callable[[], tuple[Model, Change]]] = {
    # name -> a stored row, and what a second row needs to collide with it
    "observation_once": lambda: _twin(ObservationRow, "station", "observed_at", "is_metar"),
    "climate_report_version": lambda: _twin(
        ClimateReportRow, "cli_code", "climate_date", "issued_at", "correction", "text_sha256"
    ),
    "regime_once": lambda: _twin(RegimeRow, "city_code", "event_date", "since_at"),
    "source_forecast_once": lambda: _twin(
        SourceForecastRow, "city_code", "event_date", "source", "issued_at"
    ),
    "controls_one_published_mode": lambda: (
        store(ControlsRow, mode="SHADOW", is_published=True),
        {"mode": "DEMO", "is_published": True},
    ),
    "lock_active_once": lambda: _twin(LockRow, "mode", "scope", "code"),
    "ensemble_weights_version_once": lambda: _twin(EnsembleWeightsRow, "mode", "version"),
    "strategy_gate_version_once": lambda: _twin(StrategyGateRow, "mode", "strategy", "version"),
    "order_event_version_once": lambda: _twin(OrderEventRow, "order", "version"),
    "fill_once": lambda: _twin(FillRow, "mode", "fill_id"),
    "position_once": lambda: _twin(PositionRow, "mode", "market"),
    "settlement_once": lambda: _twin(SettlementRow, "mode", "market", "revision"),
    "ledger_fill_once": lambda: _twin(LedgerRow, "fill", "kind"),
    "ledger_settlement_once": lambda: _settled_twice(),
    "ledger_one_deposit": lambda: (
        store(LedgerRow, kind="deposit", fill=None, amount=Decimal(10_000)),
        {"kind": "deposit", "fill": None},
    ),
    "skill_event_once": lambda: _twin(SkillEventRow, "mode", "event_ticker"),
    "skill_score_once": lambda: _twin(SkillScoreRow, "mode", "event_ticker", "local_hour", "forecaster"),
    "equity_once": lambda: _twin(EquityRow, "mode", "at"),
    "external_order_once": lambda: _twin(ExternalOrderRow, "mode", "kalshi_order_id"),
    "external_position_once": lambda: _twin(ExternalPositionRow, "mode", "market_ticker"),
}

UNIQUE_COLUMNS: dict[tuple[str, str], Callable[[], tuple[Model, Change]]] = {
    ("calibrations", "version"): lambda: _twin(CalibrationRow, "version"),
    ("events", "event_ticker"): lambda: _twin(EventRow, "event_ticker"),
    ("markets", "ticker"): lambda: _twin(MarketRow, "ticker"),
    ("health_status", "component"): lambda: _twin(HealthStatusRow, "component"),
    ("intents", "intent_key"): lambda: _twin(IntentRow, "intent_key"),
    ("orders", "intent"): lambda: _twin(OrderRow, "intent"),
    ("orders", "client_order_id"): lambda: _twin(OrderRow, "client_order_id"),
    ("orders", "kalshi_order_id"): lambda: (
        store(OrderRow, kalshi_order_id="K-1"),
        {"kalshi_order_id": "K-1", "client_order_id": uuid.uuid4()},
    ),
}


def _twin(model: type[Model], *shared: str) -> tuple[Model, Change]:
    row = store(model)
    return row, {name: getattr(row, name) for name in shared}


def _settled_twice() -> tuple[Model, Change]:
    settlement = store(SettlementRow)
    causes = {"kind": "settlement", "fill": None, "settlement": settlement}
    return store(LedgerRow, **causes), causes


def _refusal(model: type[Model], changes: Change) -> Any:
    """The database's own diagnosis of why the row was refused."""
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        store(model, **changes)
    return caught.value.__cause__.diag  # type: ignore[union-attr]


def test_every_table_has_a_valid_row_that_stores() -> None:
    assert set(FACTORIES) == set(our_models())
    for model in our_models():
        with transaction.atomic():
            row = store(model)
            assert str(row)
            transaction.set_rollback(True)


def test_every_constraint_has_a_test_that_breaks_it() -> None:
    named = {constraint.name for model in our_models() for constraint in model._meta.constraints}
    assert named == set(CHECKS) | set(UNIQUE)
    columns = {
        (model._meta.db_table, field.name)
        for model in our_models()
        for field in model._meta.local_fields
        if field.unique and not field.primary_key
    }
    assert columns == set(UNIQUE_COLUMNS)


@pytest.mark.parametrize(
    ("name", "changes"), [(name, changes) for name, (_, cases) in CHECKS.items() for changes in cases]
)
def test_check_constraint_refuses(name: str, changes: Change) -> None:
    model, _ = CHECKS[name]
    assert _refusal(model, changes).constraint_name == name


@pytest.mark.parametrize("name", UNIQUE)
def test_unique_constraint_refuses_a_second_row(name: str) -> None:
    row, changes = UNIQUE[name]()
    assert _refusal(type(row), changes).constraint_name == name


@pytest.mark.story("2.4", 1)
@pytest.mark.parametrize(("table", "column"), UNIQUE_COLUMNS)
def test_unique_column_refuses_a_second_row(table: str, column: str) -> None:
    row, changes = UNIQUE_COLUMNS[table, column]()
    stored_as = next(field.column for field in row._meta.local_fields if field.name == column)
    diagnosis = _refusal(type(row), changes)
    assert diagnosis.table_name == table
    assert f"Key ({stored_as})=" in diagnosis.message_detail


@pytest.mark.story("2.4", 2)
def test_orders_without_an_exchange_id_do_not_collide() -> None:
    assert store(OrderRow, kalshi_order_id=None).pk != store(OrderRow, kalshi_order_id=None).pk


@pytest.mark.parametrize(
    ("model", "kept"),
    [
        (LockRow, {"cleared_at": LATER, "cleared_by": "ann"}),
        (ControlsRow, {"mode": "SHADOW", "is_published": False}),
    ],
)
def test_conditional_unique_constraint_lets_history_repeat(model: type[Model], kept: Change) -> None:
    store(model, **kept)
    again = {"mode": "DEMO"} if model is ControlsRow else {}
    store(model, **kept | again)


@pytest.mark.parametrize(
    ("model", "column"),
    [(FillRow, "yes_price"), (FillRow, "fee"), (IntentRow, "max_cost"), (LedgerRow, "amount")],
)
@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), Decimal("-Infinity")])
def test_money_that_is_no_number_never_reaches_a_column(
    model: type[Model], column: str, value: Decimal
) -> None:
    with pytest.raises(ValidationError, match="must be a decimal number"), transaction.atomic():
        store(model, **{column: value})


def test_prices_and_counts_are_kept_to_the_last_digit() -> None:
    row = store(
        MarketSnapshotRow,
        yes_bid=Decimal("0.410001"),
        yes_ask=Decimal("0.999999"),
        last_price=Decimal("0.000001"),
        volume=Decimal("12345678901234.56"),
    )
    row.refresh_from_db()
    assert (row.yes_bid, row.yes_ask, row.last_price) == (
        Decimal("0.410001"),
        Decimal("0.999999"),
        Decimal("0.000001"),
    )
    assert row.volume == Decimal("12345678901234.56")
    assert row.captured_at == NOON
