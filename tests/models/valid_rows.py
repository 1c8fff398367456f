"""One valid row of every table, from which each test departs in exactly one point."""

import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any, TypeVar

from django.db.models import Model

from analytics.models import EquityRow
from markets.models import EventRow, MarketRow, MarketSnapshotRow
from milkbot.models import HealthStatusRow, InstallationRow
from trading.models import (
    ControlsRow,
    CycleRow,
    DecisionRow,
    FillRow,
    IntentRow,
    LedgerRow,
    LockRow,
    OperatorActionRow,
    OrderEventRow,
    OrderRow,
    PositionRow,
    RiskEventRow,
    SettlementRow,
    SignalRow,
    TraderLeaseRow,
)
from weather.models import ClimateReportRow, ForecastRow, ObservationRow, WeatherSnapshotRow

AnyRow = TypeVar("AnyRow", bound=Model)

DAY = date(2025, 5, 14)
NOON = datetime(2025, 5, 14, 18, 0, tzinfo=UTC)
LATER = NOON + timedelta(minutes=5)
EARLIER = NOON - timedelta(minutes=5)

_numbers = count(1)


def store(model: type[AnyRow], **changes: Any) -> AnyRow:
    """A new valid row of `model`, with `changes`; the rows it leans on are made as needed."""
    return model._default_manager.create(**{**VALID[model](), **changes})


def _event() -> dict[str, Any]:
    number = next(_numbers)
    return {
        "event_ticker": f"KXHIGHCHI-{number}",
        "series_ticker": "KXHIGHCHI",
        "city_code": "CHI",
        "event_date": DAY,
        "close_at": NOON + timedelta(hours=12),
        "first_seen_at": NOON,
    }


def _market() -> dict[str, Any]:
    event = store(EventRow)
    return {
        "event": event,
        "ticker": f"{event.event_ticker}-B74.5",
        "city_code": "CHI",
        "event_date": DAY,
        "strike_type": "between",
        "low_f": 74,
        "high_f": 75,
        "status": "active",
        "open_at": NOON - timedelta(days=1),
        "close_at": NOON + timedelta(hours=12),
    }


def _market_snapshot() -> dict[str, Any]:
    return {
        "market": store(MarketRow),
        "city_code": "CHI",
        "captured_at": NOON,
        "last_seen_at": NOON,
        "status": "active",
        "yes_bid": Decimal("0.41"),
        "yes_bid_size": Decimal(120),
        "yes_ask": Decimal("0.43"),
        "yes_ask_size": Decimal(75),
        "last_price": Decimal("0.42"),
        "volume": Decimal(1850),
        "open_interest": Decimal(940),
        "raw": {"yes_dollars": [["0.4100", "120.00"]]},
    }


def _weather_snapshot() -> dict[str, Any]:
    return {
        "city_code": "CHI",
        "captured_at": NOON,
        "last_seen_at": NOON,
        "issued_at": NOON - timedelta(hours=3),
        "highs": [{"day": "2025-05-14", "high_f": 75}],
        "station": "KMDW",
        "observed_at": EARLIER,
        "observed_temp_c": 18.3,
        "observed_is_metar": True,
        "raw": {"properties": {"maxTemperature": {"values": [{"value": 23.9}]}}},
    }


def _observation() -> dict[str, Any]:
    return {
        "city_code": "CHI",
        "station": "KMDW",
        "observed_at": NOON + timedelta(minutes=next(_numbers)),
        "temp_c": 18.3,
        "is_metar": True,
        "received_at": NOON,
    }


def _forecast() -> dict[str, Any]:
    return {
        "city_code": "CHI",
        "event_date": DAY,
        "made_at": NOON,
        "issued_at": NOON - timedelta(hours=3),
        "source": "nws_grid",
        "kind": "whole_day",
        "forecast_high_f": 75,
        "mu": 75.2,
        "sigma": 2.9,
        "mu_se": 0.3,
        "ln_sigma_se": 0.1,
        "lead_hours": 9.0,
        "model_version": "prior-1",
    }


def _climate_report() -> dict[str, Any]:
    return {
        "city_code": "CHI",
        "cli_code": "CLIMDW",
        "climate_date": DAY,
        "issued_at": NOON + timedelta(minutes=next(_numbers)),
        "is_final": True,
        "high_f": 75,
        "text": "MAXIMUM 75",
        "text_sha256": "0" * 64,
        "received_at": NOON,
    }


def _signal() -> dict[str, Any]:
    return {
        "mode": "SHADOW",
        "market": store(MarketRow),
        "city_code": "CHI",
        "event_date": DAY,
        "made_at": NOON,
        "seen_until": NOON,
        "p_yes": 0.52,
        "uncertainty": 0.06,
        "edge": Decimal("0.07"),
        "decision": "BUY",
        "codes": ["TRADE"],
    }


def _decision() -> dict[str, Any]:
    return {
        "mode": "SHADOW",
        "market": store(MarketRow),
        "city_code": "CHI",
        "code": "TRADE",
        "count": Decimal(10),
        "decided_at": NOON,
        "seen_until": NOON,
    }


def _trade_terms() -> dict[str, Any]:
    return {
        "mode": "SHADOW",
        "market": store(MarketRow),
        "side": "YES",
        "action": "BUY",
        "book_side": "bid",
        "count": Decimal(10),
        "limit_price": Decimal("0.43"),
    }


def _intent() -> dict[str, Any]:
    return {
        **_trade_terms(),
        "intent_key": f"SHADOW:CHI:{next(_numbers)}:bid:ensemble:2025-05-14",
        "city_code": "CHI",
        "event_date": DAY,
        "strategy": "ensemble",
        "max_cost": Decimal("4.50"),
        "p_yes": 0.52,
        "decided_at": NOON,
        "fencing": 1,
    }


def _order() -> dict[str, Any]:
    return {
        **_trade_terms(),
        "intent": store(IntentRow),
        "client_order_id": uuid.uuid4(),
        "time_in_force": "immediate_or_cancel",
        "created_at": NOON,
        "updated_at": NOON,
    }


def _order_event() -> dict[str, Any]:
    return {
        "order": store(OrderRow),
        "version": 1,
        "from_state": "NEW",
        "to_state": "SUBMITTED",
        "event": "sent",
        "at": NOON,
    }


def _fill() -> dict[str, Any]:
    order = store(OrderRow)
    return {
        "fill_id": f"fill-{next(_numbers)}",
        "mode": "SHADOW",
        "order": order,
        "market": order.market,
        "book_side": "bid",
        "count": Decimal(10),
        "yes_price": Decimal("0.43"),
        "fee": Decimal("0.18"),
        "is_taker": True,
        "filled_at": NOON,
    }


def _position() -> dict[str, Any]:
    return {
        "mode": "SHADOW",
        "market": store(MarketRow),
        "count": Decimal(10),
        "cost": Decimal("4.30"),
        "fees": Decimal("0.18"),
        "is_open": True,
        "opened_at": NOON,
        "updated_at": NOON,
    }


def _settlement() -> dict[str, Any]:
    return {
        "mode": "SHADOW",
        "market": store(MarketRow),
        "result": "yes",
        "expiration_value": "75",
        "count": Decimal(10),
        "cost": Decimal("4.30"),
        "payout": Decimal(10),
        "pnl": Decimal("5.70"),
        "settled_at": LATER,
        "booked_at": LATER,
    }


def _ledger() -> dict[str, Any]:
    return {"mode": "SHADOW", "kind": "fill", "amount": Decimal("-4.30"), "fill": store(FillRow), "at": NOON}


def _operator_action() -> dict[str, Any]:
    return {"at": NOON, "actor": "ann", "action": "halt", "mode": "SHADOW", "reason": "storm"}


def _cycle() -> dict[str, Any]:
    return {
        "mode": "SHADOW",
        "started_at": NOON,
        "finished_wall_at": LATER,
        "duration_ms": 840,
        "ok": True,
        "cash": Decimal(10_000),
        "realized_pnl": Decimal(0),
        "unrealized_pnl": Decimal(0),
    }


VALID: dict[type[Model], Callable[[], dict[str, Any]]] = {
    EventRow: _event,
    MarketRow: _market,
    MarketSnapshotRow: _market_snapshot,
    WeatherSnapshotRow: _weather_snapshot,
    ObservationRow: _observation,
    ForecastRow: _forecast,
    ClimateReportRow: _climate_report,
    SignalRow: _signal,
    DecisionRow: _decision,
    IntentRow: _intent,
    OrderRow: _order,
    OrderEventRow: _order_event,
    FillRow: _fill,
    PositionRow: _position,
    SettlementRow: _settlement,
    LedgerRow: _ledger,
    OperatorActionRow: _operator_action,
    CycleRow: _cycle,
    ControlsRow: lambda: {"mode": "SHADOW", "changed_at": NOON},
    TraderLeaseRow: lambda: {
        "mode": "SHADOW",
        "holder": "worker-1",
        "fencing": 1,
        "acquired_at": NOON,
        "expires_at": LATER,
    },
    LockRow: lambda: {
        "mode": "SHADOW",
        "scope": "CHI",
        "code": "WEATHER_STALE",
        "needs_person": False,
        "locked_at": NOON,
    },
    RiskEventRow: lambda: {
        "at": NOON,
        "severity": "WARNING",
        "event_type": "stale_weather",
        "mode": "SHADOW",
    },
    HealthStatusRow: lambda: {"component": "trader", "checked_at": NOON, "ok": True},
    InstallationRow: lambda: {"profile": "recorded", "created_at": NOON},
    EquityRow: lambda: {
        "mode": "SHADOW",
        "at": NOON,
        "cash": Decimal(10_000),
        "total_equity": Decimal(10_000),
        "realized_pnl": Decimal(0),
        "unrealized_pnl": Decimal(0),
    },
}
"""Every model that owns a table; a test keeps it complete."""
