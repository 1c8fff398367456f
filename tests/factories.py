"""A factory of valid rows for every table: one Chicago market day, from which each test departs where it matters.

Rows that a row leans on are made as needed and agree with it. Scenes that several tests share stand at the end.
"""

import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, TypeVar

from django.db.models import Model
from factory.declarations import (
    LazyAttribute,
    LazyAttributeSequence,
    LazyFunction,
    SelfAttribute,
    Sequence,
    SubFactory,
)
from factory.django import DjangoModelFactory

from analytics.models import EquityRow, SkillEventRow, SkillScoreRow
from markets.models import EventRow, MarketRow, MarketSnapshotRow
from milkbot.core.cities import load_cities
from milkbot.core.config import TradingMode
from milkbot.models import HealthStatusRow, InstallationRow
from trading.domain.opinion import STRATEGIES
from trading.domain.types import Action, Side, TradingState, book_side_of
from trading.domain.weights import EXPERTS
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

AnyRow = TypeVar("AnyRow", bound=Model)

SHADOW: Final = TradingMode.SHADOW
DAY: Final = date(2025, 5, 14)
NOON: Final = datetime(2025, 5, 14, 18, 0, tzinfo=UTC)
"""Noon in Chicago's standard time."""
EARLIER: Final = NOON - timedelta(minutes=5)
LATER: Final = NOON + timedelta(minutes=5)
CHICAGO_CLOSE: Final = datetime(2025, 5, 15, 5, 59, tzinfo=UTC)
LADDER: Final = ((None, 71), (72, 73), (74, 75), (76, 77), (78, 79), (80, None))
CAPITAL: Final = Decimal(10_000)


def label_of(low_f: int | None, high_f: int | None) -> str:
    if low_f is None:
        return f"{high_f}° or below"
    return f"{low_f}° or above" if high_f is None else f"{low_f}° to {high_f}°"


class InstallationFactory(DjangoModelFactory[InstallationRow]):
    class Meta:
        model = InstallationRow

    profile = "recorded"
    world = "recorded world, May 2025"
    created_at = NOON


class HealthStatusFactory(DjangoModelFactory[HealthStatusRow]):
    class Meta:
        model = HealthStatusRow

    component = "trader"
    checked_at = NOON
    ok = True


class EventFactory(DjangoModelFactory[EventRow]):
    class Meta:
        model = EventRow

    event_ticker = LazyAttributeSequence(lambda row, number: f"KXHIGH{row.city_code}-{number}")
    series_ticker = LazyAttribute(lambda row: f"KXHIGH{row.city_code}")
    city_code = "CHI"
    event_date = DAY
    close_at = CHICAGO_CLOSE
    first_seen_at = LazyAttribute(lambda row: row.close_at - timedelta(days=2))


class MarketFactory(DjangoModelFactory[MarketRow]):
    class Meta:
        model = MarketRow

    event = SubFactory(EventFactory)
    ticker = LazyAttribute(lambda row: f"{row.event.event_ticker}-{row.low_f}-{row.high_f}")
    city_code = SelfAttribute("event.city_code")
    event_date = SelfAttribute("event.event_date")
    strike_type = "between"
    low_f = 74
    high_f = 75
    label = LazyAttribute(lambda row: label_of(row.low_f, row.high_f))
    status = "active"
    open_at = LazyAttribute(lambda row: row.close_at - timedelta(days=2))
    close_at = SelfAttribute("event.close_at")


class MarketSnapshotFactory(DjangoModelFactory[MarketSnapshotRow]):
    class Meta:
        model = MarketSnapshotRow

    market = SubFactory(MarketFactory)
    city_code = SelfAttribute("market.city_code")
    captured_at = NOON
    last_seen_at = SelfAttribute("captured_at")
    status = SelfAttribute("market.status")
    yes_bid = Decimal("0.41")
    yes_bid_size = Decimal(120)
    yes_ask = Decimal("0.43")
    yes_ask_size = Decimal(75)
    last_price = Decimal("0.42")
    volume = Decimal(1850)
    open_interest = Decimal(940)
    raw = LazyFunction(lambda: {"yes_dollars": [["0.4100", "120.00"]]})


class WeatherSnapshotFactory(DjangoModelFactory[WeatherSnapshotRow]):
    class Meta:
        model = WeatherSnapshotRow

    class Params:
        day = DAY
        """The climate day the forecast speaks of."""

    city_code = "CHI"
    captured_at = NOON
    last_seen_at = SelfAttribute("captured_at")
    issued_at = LazyAttribute(lambda row: row.captured_at - timedelta(hours=3))
    highs = LazyAttribute(lambda row: [{"day": row.day.isoformat(), "high_f": 75}])
    station = LazyAttribute(lambda row: load_cities()[row.city_code].settlement_station)
    observed_at = LazyAttribute(lambda row: row.captured_at - timedelta(minutes=6))
    observed_temp_c = 22.2
    observed_is_metar = True
    raw = LazyFunction(lambda: {"properties": {"maxTemperature": {"values": [{"value": 23.9}]}}})


class ObservationFactory(DjangoModelFactory[ObservationRow]):
    class Meta:
        model = ObservationRow

    city_code = "CHI"
    station = LazyAttribute(lambda row: load_cities()[row.city_code].settlement_station)
    observed_at = Sequence(lambda number: NOON + timedelta(minutes=number))
    temp_c = 18.3
    is_metar = True
    received_at = SelfAttribute("observed_at")


class ForecastFactory(DjangoModelFactory[ForecastRow]):
    class Meta:
        model = ForecastRow

    city_code = "CHI"
    event_date = DAY
    made_at = NOON
    issued_at = NOON - timedelta(hours=3)
    source = "nws_grid"
    kind = "whole_day"
    forecast_high_f = 75
    mu = 75.2
    sigma = 2.9
    mu_se = 0.3
    ln_sigma_se = 0.1
    lead_hours = 9.0
    model_version = "prior-1"
    distribution = LazyFunction(lambda: {"family": "student_t", "loc": 75.2, "scale": 2.4, "df": 6.0})
    calibration_version = "prior-1"


class ClimateReportFactory(DjangoModelFactory[ClimateReportRow]):
    class Meta:
        model = ClimateReportRow

    city_code = "CHI"
    cli_code = "CLIMDW"
    climate_date = DAY
    issued_at = Sequence(lambda number: NOON + timedelta(minutes=number))
    is_final = True
    high_f = 75
    text = "MAXIMUM 75"
    text_sha256 = "0" * 64
    received_at = NOON


class SourceForecastFactory(DjangoModelFactory[SourceForecastRow]):
    class Meta:
        model = SourceForecastRow

    source = "nbm_text"
    city_code = "CHI"
    event_date = DAY
    issued_at = Sequence(lambda number: EARLIER - timedelta(hours=number % 12))
    received_at = NOON
    high_f = 74


class RegimeFactory(DjangoModelFactory[RegimeRow]):
    class Meta:
        model = RegimeRow

    city_code = "CHI"
    event_date = DAY
    regime = "UNSETTLED"
    since_at = Sequence(lambda number: NOON + timedelta(minutes=number))
    noted_at = SelfAttribute("since_at")
    sigma = 2.9


class CalibrationFactory(DjangoModelFactory[CalibrationRow]):
    """Learned, judged and not promoted."""

    class Meta:
        model = CalibrationRow

    version = Sequence(lambda number: f"cal-{number:020}")
    content = LazyFunction(lambda: {"prior": "measured-1", "widening": 1.0, "cells": [], "pools": []})
    fitted_at = NOON
    fitted_from = DAY - timedelta(days=30)
    fitted_to = DAY - timedelta(days=1)
    known_until = EARLIER
    lessons = 1500
    incumbent_version = "prior-1"
    scored_days = 30
    scored = 1400
    candidate_log_loss = 2.13
    candidate_crps = 1.42
    candidate_coverage = 0.79
    incumbent_log_loss = 2.11
    incumbent_crps = 1.40
    incumbent_coverage = 0.83
    reason = "not better out of sample"


class SignalFactory(DjangoModelFactory[SignalRow]):
    class Meta:
        model = SignalRow

    mode = SHADOW
    market = SubFactory(MarketFactory)
    city_code = SelfAttribute("market.city_code")
    event_date = SelfAttribute("market.event_date")
    made_at = NOON
    seen_until = SelfAttribute("made_at")
    p_yes = 0.52
    p_model = 0.58
    p_market = 0.47
    uncertainty = 0.06
    edge = Decimal("0.07")
    decision = "BUY"
    codes = LazyFunction(lambda: ["TRADE"])


class EnsembleWeightsFactory(DjangoModelFactory[EnsembleWeightsRow]):
    class Meta:
        model = EnsembleWeightsRow

    mode = SHADOW
    version = Sequence(lambda number: number + 1)
    learned_at = NOON
    learned_until = EARLIER
    horizons = LazyFunction(dict)


class StrategyGateFactory(DjangoModelFactory[StrategyGateRow]):
    """Admitted, for far longer than any test runs; `admitted=False` shuts it."""

    class Meta:
        model = StrategyGateRow

    mode = TradingMode.LIVE
    strategy = "forecast_edge"
    version = Sequence(lambda number: number + 1)
    admitted = True
    decided_at = NOON
    decided_by = "task"
    expires_at = LazyAttribute(lambda row: datetime(2100, 1, 1, tzinfo=UTC) if row.admitted else None)


class DecisionFactory(DjangoModelFactory[DecisionRow]):
    class Meta:
        model = DecisionRow

    mode = SHADOW
    market = SubFactory(MarketFactory)
    city_code = SelfAttribute("market.city_code")
    code = "TRADE"
    count = Decimal(10)
    decided_at = NOON
    seen_until = SelfAttribute("decided_at")


class IntentFactory(DjangoModelFactory[IntentRow]):
    class Meta:
        model = IntentRow

    intent_key = LazyAttributeSequence(
        lambda row, number: f"{row.mode}:{row.city_code}:{number}:{row.book_side}:ensemble:{row.event_date}"
    )
    mode = SHADOW
    market = SubFactory(MarketFactory)
    city_code = SelfAttribute("market.city_code")
    event_date = SelfAttribute("market.event_date")
    side = "YES"
    action = "BUY"
    book_side = LazyAttribute(lambda row: book_side_of(Side(row.side), Action(row.action)))
    strategy = "ensemble"
    count = Decimal(10)
    limit_price = Decimal("0.43")
    max_cost = SelfAttribute("count")
    p_yes = 0.52
    decided_at = NOON
    fencing = 1


class OrderFactory(DjangoModelFactory[OrderRow]):
    """The order of an intent, on its terms: `intent__market`, `intent__count` and so on set them."""

    class Meta:
        model = OrderRow

    intent = SubFactory(IntentFactory)
    mode = SelfAttribute("intent.mode")
    market = SelfAttribute("intent.market")
    side = SelfAttribute("intent.side")
    action = SelfAttribute("intent.action")
    book_side = SelfAttribute("intent.book_side")
    count = SelfAttribute("intent.count")
    limit_price = SelfAttribute("intent.limit_price")
    client_order_id = LazyFunction(uuid.uuid4)
    time_in_force = "immediate_or_cancel"
    created_at = NOON
    updated_at = SelfAttribute("created_at")


class OrderEventFactory(DjangoModelFactory[OrderEventRow]):
    class Meta:
        model = OrderEventRow

    order = SubFactory(OrderFactory)
    version = 1
    from_state = "NEW"
    to_state = "SUBMITTED"
    event = "send"
    at = NOON


class FillFactory(DjangoModelFactory[FillRow]):
    """All of an order at once; with `order=None` and a market, a fill placed by hand."""

    class Meta:
        model = FillRow

    fill_id = Sequence(lambda number: f"fill-{number}")
    order = SubFactory(OrderFactory)
    mode = LazyAttribute(lambda row: row.order.mode if row.order else SHADOW)
    market = SelfAttribute("order.market")
    book_side = LazyAttribute(lambda row: row.order.book_side if row.order else "bid")
    count = LazyAttribute(lambda row: row.order.count if row.order else Decimal(10))
    yes_price = Decimal("0.43")
    fee = Decimal("0.18")
    is_taker = True
    filled_at = NOON


class PositionFactory(DjangoModelFactory[PositionRow]):
    class Meta:
        model = PositionRow

    mode = SHADOW
    market = SubFactory(MarketFactory)
    count = Decimal(10)
    cost = Decimal("4.30")
    fees = Decimal("0.18")
    is_open = True
    opened_at = NOON
    updated_at = SelfAttribute("opened_at")


class SettlementFactory(DjangoModelFactory[SettlementRow]):
    class Meta:
        model = SettlementRow

    mode = SHADOW
    market = SubFactory(MarketFactory)
    result = "yes"
    expiration_value = "75"
    count = Decimal(10)
    cost = Decimal("4.30")
    payout = Decimal(10)
    pnl = Decimal("5.70")
    settled_at = LATER
    booked_at = LATER


class LedgerFactory(DjangoModelFactory[LedgerRow]):
    class Meta:
        model = LedgerRow

    mode = SHADOW
    kind = "fill"
    amount = Decimal("-4.30")
    fill: Any = SubFactory(FillFactory)
    at = NOON


class DepositFactory(LedgerFactory):
    """The starting capital."""

    kind = "deposit"
    amount = CAPITAL
    fill = None


class OperatorActionFactory(DjangoModelFactory[OperatorActionRow]):
    class Meta:
        model = OperatorActionRow

    at = NOON
    actor = "ann"
    action = "halt"
    mode = SHADOW
    reason = "storm"


class CycleFactory(DjangoModelFactory[CycleRow]):
    class Meta:
        model = CycleRow

    mode = SHADOW
    started_at = NOON
    finished_wall_at = LazyAttribute(lambda row: row.started_at + timedelta(seconds=1))
    duration_ms = 840
    ok = True
    errors = LazyAttribute(lambda row: [] if row.ok else ["CHI: NWS answers 500"])
    cities = 1
    markets = 6
    signals = 6
    codes = LazyFunction(lambda: {"EDGE_BELOW_FLOOR": 6})
    cash: Any = LazyAttribute(lambda row: CAPITAL + (row.realized_pnl or 0))
    realized_pnl: Decimal | None = Decimal(0)
    unrealized_pnl: Decimal | None = Decimal(0)


class FailedCycleFactory(CycleFactory):
    """It ended before it knew the account."""

    ok = False
    cash = None
    realized_pnl = None
    unrealized_pnl = None


class ControlsFactory(DjangoModelFactory[ControlsRow]):
    class Meta:
        model = ControlsRow

    mode = SHADOW
    state = TradingState.ACTIVE
    changed_at = NOON


class TraderLeaseFactory(DjangoModelFactory[TraderLeaseRow]):
    class Meta:
        model = TraderLeaseRow

    mode = SHADOW
    holder = "worker-1"
    fencing = 1
    acquired_at = NOON
    expires_at = LATER


class LockFactory(DjangoModelFactory[LockRow]):
    class Meta:
        model = LockRow

    mode = SHADOW
    scope = "CHI"
    code = "WEATHER_STALE"
    needs_person = False
    locked_at = NOON


class ReconciliationFactory(DjangoModelFactory[ReconciliationRow]):
    class Meta:
        model = ReconciliationRow

    mode = SHADOW
    at = NOON
    kind = "cycle"
    complete_until = NOON
    duration_ms = 40


class ExternalOrderFactory(DjangoModelFactory[ExternalOrderRow]):
    class Meta:
        model = ExternalOrderRow

    mode = TradingMode.DEMO
    kalshi_order_id = Sequence(lambda number: f"by-hand-{number}")
    market_ticker = "KXHIGHLAX-25MAY15-B70.5"
    book_side = "bid"
    yes_price = Decimal("0.43")
    remaining_count = Decimal(10)
    first_seen_at = NOON
    seen_at = NOON


class ExternalPositionFactory(DjangoModelFactory[ExternalPositionRow]):
    class Meta:
        model = ExternalPositionRow

    mode = TradingMode.DEMO
    market_ticker = Sequence(lambda number: f"KXPRESIDENT-{number}")
    count = Decimal(10)
    at_risk = Decimal("4.30")
    filled_since = NOON
    seen_at = NOON


class LiveArmingFactory(DjangoModelFactory[LiveArmingRow]):
    class Meta:
        model = LiveArmingRow

    armed_at = NOON
    armed_by = "ann"
    reason = "the gate is passed"
    expires_at = LATER


class RiskEventFactory(DjangoModelFactory[RiskEventRow]):
    class Meta:
        model = RiskEventRow

    at = NOON
    severity = "WARNING"
    event_type = "stale_weather"
    mode = SHADOW


class EquityFactory(DjangoModelFactory[EquityRow]):
    class Meta:
        model = EquityRow

    mode = SHADOW
    at = NOON
    cash = CAPITAL
    total_equity = LazyAttribute(lambda row: CAPITAL + row.realized_pnl + row.unrealized_pnl)
    realized_pnl = Decimal(0)
    unrealized_pnl = Decimal(0)


class SkillEventFactory(DjangoModelFactory[SkillEventRow]):
    class Meta:
        model = SkillEventRow

    mode = SHADOW
    event_ticker = Sequence(lambda number: f"KXHIGHCHI-{number}")
    city_code = "CHI"
    event_date = DAY
    winner = LazyAttribute(lambda row: f"{row.event_ticker}-74-75")
    settle_f = 75
    settled_at = CHICAGO_CLOSE + timedelta(hours=9)
    scored_at = SelfAttribute("settled_at")
    ladders = 36
    bands = LazyFunction(lambda: {"all": [2, 0.9, 1.0], "6": [2, 0.9, 1.0]})


class SkillScoreFactory(DjangoModelFactory[SkillScoreRow]):
    class Meta:
        model = SkillScoreRow

    mode = SHADOW
    event_ticker = Sequence(lambda number: f"KXHIGHCHI-{number}")
    city_code = "CHI"
    event_date = DAY
    at = NOON
    local_hour = 12
    lead_hours = 3
    forecaster = "p_model"
    outcome = 2
    p_outcome = 0.4
    log_loss = 0.92
    brier = 0.7
    rps = 0.4
    pit_low = 0.3
    pit_high = 0.7
    clipped = False


FACTORIES: Final[dict[type[Model], type[DjangoModelFactory[Any]]]] = {
    factory._meta.model: factory for factory in DjangoModelFactory.__subclasses__()
}
"""The factory of each model; a test keeps it complete."""


def store(model: type[AnyRow], **changes: Any) -> AnyRow:
    """A new valid row of `model`, with `changes`."""
    row: AnyRow = FACTORIES[model].create(**changes)
    return row


def publish(*, mode: TradingMode = SHADOW) -> ControlsRow:
    """The published mode's switch, and the installation the banner names."""
    InstallationRow.objects.first() or InstallationFactory.create()
    return ControlsFactory.create(mode=mode, is_published=True)


def admit_strategies(*names: str) -> None:
    """Open the gate to LIVE for these strategies, or for all there are."""
    for name in names or (*EXPERTS[:-1], *(strategy.name for strategy in STRATEGIES)):
        if not StrategyGateRow.objects.filter(strategy=name).exists():
            StrategyGateFactory.create(strategy=name)


def make_ladder(**event: Any) -> list[MarketRow]:
    """The six markets of one event, coldest first; `event` departs from the usual one."""
    row = EventFactory.create(**event)
    return [MarketFactory.create(event=row, low_f=low_f, high_f=high_f) for low_f, high_f in LADDER]
