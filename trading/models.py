"""Rows of trading, all in `ops`; mode is part of every fact. Domain types live in `trading.domain.types`."""

from enum import StrEnum
from typing import Any

from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q

from markets.models import COUNT, PRICE, MarketRow, paired
from milkbot.core.config import TradingMode
from trading.domain.types import (
    Action,
    BookSide,
    Decision,
    OrderState,
    Severity,
    Side,
    TimeInForce,
    TradingState,
)

MONEY: dict[str, Any] = {"max_digits": 18, "decimal_places": 6}


def _choices(enum: type[StrEnum]) -> list[tuple[str, str]]:
    return [(member.value, member.value) for member in enum]


def _one_of(column: str, enum: type[StrEnum]) -> Q:
    return Q(**{f"{column}__in": [value for value, _ in _choices(enum)]})


def _known_mode(table: str) -> models.CheckConstraint:
    """Mode is part of every trading fact, so it is one of the three."""
    return models.CheckConstraint(condition=_one_of("mode", TradingMode), name=f"{table}_mode_known")


def _book_side_matches() -> Q:
    """Buy YES and sell NO are bids; sell YES and buy NO are asks."""
    return (
        Q(side="YES", action="BUY", book_side="bid")
        | Q(side="NO", action="SELL", book_side="bid")
        | Q(side="YES", action="SELL", book_side="ask")
        | Q(side="NO", action="BUY", book_side="ask")
    )


class CycleRow(models.Model):
    """One turn of the fast loop. Append-only, written when it ends."""

    mode = models.CharField(max_length=8, choices=_choices(TradingMode))
    started_at = models.DateTimeField()
    """Application time the cycle decided with."""
    finished_wall_at = models.DateTimeField()
    """Wall time it ended: the age of the last cycle is measured from here. A cycle of a past that was filled in ends at
    its own past time, so that history never looks like a living trader."""
    duration_ms = models.PositiveIntegerField()
    ok = models.BooleanField()
    cities = models.PositiveSmallIntegerField(default=0)
    markets = models.PositiveSmallIntegerField(default=0)
    signals = models.PositiveSmallIntegerField(default=0)
    intents = models.PositiveSmallIntegerField(default=0)
    fills = models.PositiveSmallIntegerField(default=0)
    timings_ms = models.JSONField(default=dict)
    codes = models.JSONField(default=dict)
    """How many markets carried each decision code; adds up to `markets`."""
    errors = models.JSONField(default=list)
    cash = models.DecimalField(**MONEY, null=True)
    """The account as the cycle left it; null when it failed. The equity curve is rolled up from these columns."""
    realized_pnl = models.DecimalField(**MONEY, null=True)
    """Net of all fees paid."""
    unrealized_pnl = models.DecimalField(**MONEY, null=True)

    class Meta:
        verbose_name = "cycle"
        db_table = "cycles"
        constraints = [
            _known_mode("cycle"),
            models.CheckConstraint(
                condition=paired("cash", "realized_pnl", "unrealized_pnl"), name="cycle_account_paired"
            ),
        ]
        indexes = [models.Index(fields=["mode", "-finished_wall_at"], name="cycle_mode_finished")]

    def __str__(self) -> str:
        return f"cycle {self.pk} {self.mode}"


class TraderLeaseRow(models.Model):
    """Who may trade in a mode. `fencing` grows with every change of holder; a stale holder's writes are refused."""

    mode = models.CharField(max_length=8, primary_key=True, choices=_choices(TradingMode))
    holder = models.CharField(max_length=80)
    fencing = models.BigIntegerField()
    acquired_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        verbose_name = "trader lease"
        db_table = "trader_lease"
        constraints = [_known_mode("lease")]

    def __str__(self) -> str:
        return f"{self.mode}: {self.holder} #{self.fencing}"


class ControlsRow(models.Model):
    """The trading switch of a mode, and whether the public site shows that mode."""

    mode = models.CharField(max_length=8, primary_key=True, choices=_choices(TradingMode))
    state = models.CharField(max_length=8, choices=_choices(TradingState), default=TradingState.ACTIVE.value)
    reason = models.TextField(blank=True, default="")
    changed_by = models.CharField(max_length=150, default="system")
    changed_at = models.DateTimeField()
    is_published = models.BooleanField(default=False)

    class Meta:
        verbose_name = "trading switch"
        verbose_name_plural = "trading switches"
        db_table = "controls"
        constraints = [
            _known_mode("controls"),
            models.CheckConstraint(condition=_one_of("state", TradingState), name="controls_state_known"),
            models.UniqueConstraint(
                fields=["is_published"], condition=Q(is_published=True), name="controls_one_published_mode"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.mode} {self.state}"


class OperatorActionRow(models.Model):
    """What a person did to the bot, and why. Append-only."""

    at = models.DateTimeField()
    actor = models.CharField(max_length=150)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    action = models.CharField(max_length=40)
    mode = models.CharField(max_length=8, choices=_choices(TradingMode))
    reason = models.TextField()
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)

    class Meta:
        verbose_name = "operator action"
        db_table = "operator_actions"
        constraints = [_known_mode("operator_action")]
        indexes = [models.Index(fields=["-at"], name="operator_action_at")]

    def __str__(self) -> str:
        return f"{self.actor}: {self.action}"


class LockRow(models.Model):
    """A breaker's hold on a scope until its cause is gone or a person clears it."""

    mode = models.CharField(max_length=8, choices=_choices(TradingMode))
    scope = models.CharField(max_length=48)
    """A city code, an event ticker, or `*` for everything (`trading.domain.inputs.EVERYWHERE`)."""
    code = models.CharField(max_length=40)
    message = models.TextField(blank=True, default="")
    needs_person = models.BooleanField()
    from_own_trading = models.BooleanField(default=False)
    """True when our own orders or losses are the cause: then it is a trading figure and obeys the public delay."""
    clear_count = models.PositiveSmallIntegerField(default=0)
    locked_at = models.DateTimeField()
    cleared_at = models.DateTimeField(null=True)
    cleared_by = models.CharField(max_length=150, null=True)  # noqa: DJ001 - null together with cleared_at

    class Meta:
        verbose_name = "lock"
        db_table = "locks"
        constraints = [
            _known_mode("lock"),
            models.UniqueConstraint(
                fields=["mode", "scope", "code"],
                condition=Q(cleared_at__isnull=True),
                name="lock_active_once",
            ),
            models.CheckConstraint(condition=paired("cleared_at", "cleared_by"), name="lock_cleared_paired"),
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.code}"


class SignalRow(models.Model):
    """What we thought of a market. A new row when the opinion or the decision changed; `seen_until` covers the rest."""

    mode = models.CharField(max_length=8, choices=_choices(TradingMode))
    market = models.ForeignKey(MarketRow, on_delete=models.PROTECT, related_name="signals")
    city_code = models.CharField(max_length=3)
    event_date = models.DateField()
    made_at = models.DateTimeField()
    seen_until = models.DateTimeField()
    p_yes = models.FloatField()
    """p_trade: the market's opinion included."""
    p_model = models.FloatField(null=True)
    p_market = models.FloatField(null=True)
    uncertainty = models.FloatField()
    edge = models.DecimalField(**PRICE, null=True)
    decision = models.CharField(max_length=4, choices=_choices(Decision))
    codes = models.JSONField(default=list)
    ensemble = models.JSONField(null=True)

    class Meta:
        verbose_name = "signal"
        db_table = "signals"
        indexes = [
            models.Index(fields=["mode", "market", "-made_at"], name="signal_mode_market_made"),
            models.Index(fields=["city_code", "-made_at"], name="signal_city_made"),
            # Pruning scans by age; a block range index costs nothing to keep while rows arrive in order.
            BrinIndex(fields=["made_at"], name="signal_made_brin"),
        ]
        constraints = [
            _known_mode("signal"),
            models.CheckConstraint(
                condition=Q(p_yes__range=(0, 1), uncertainty__range=(0, 1)), name="signal_p_on_0_1"
            ),
            models.CheckConstraint(
                condition=Q(p_model__isnull=True) | Q(p_model__range=(0, 1)), name="signal_p_model_on_0_1"
            ),
            models.CheckConstraint(
                condition=Q(p_market__isnull=True) | Q(p_market__range=(0, 1)), name="signal_p_market_on_0_1"
            ),
            models.CheckConstraint(condition=_one_of("decision", Decision), name="signal_decision_known"),
            models.CheckConstraint(condition=Q(seen_until__gte=F("made_at")), name="signal_seen_after_made"),
        ]

    def __str__(self) -> str:
        return f"{self.market_id} p={self.p_yes:.2f} {self.decision}"


class EnsembleWeightsRow(models.Model):
    """What each expert's opinion counts for, learned from settled events. Append-only: the newest version holds."""

    mode = models.CharField(max_length=8, choices=_choices(TradingMode))
    version = models.PositiveIntegerField()
    learned_at = models.DateTimeField()
    """Application time it was learned."""
    learned_until = models.DateTimeField()
    """When the last event it learned from became final."""
    horizons = models.JSONField()
    """By horizon: the weight of each expert, events, mean log loss and mean entropy."""

    class Meta:
        verbose_name = "ensemble weights"
        verbose_name_plural = "ensemble weights"
        db_table = "ensemble_weights"
        constraints = [
            _known_mode("ensemble_weights"),
            models.UniqueConstraint(fields=["mode", "version"], name="ensemble_weights_version_once"),
        ]

    def __str__(self) -> str:
        return f"{self.mode} weights {self.version}"


class StrategyGateRow(models.Model):
    """A decision on whether a strategy may trade in a mode, with what it rests on. Append-only: the newest version holds."""

    mode = models.CharField(max_length=8, choices=_choices(TradingMode))
    """The mode that the gate opens."""
    strategy = models.CharField(max_length=40)
    version = models.PositiveIntegerField()
    admitted = models.BooleanField()
    withdrawn = models.BooleanField(default=False)
    """A person took it back; carried on until a person releases it."""
    is_override = models.BooleanField(default=False)
    """A person let it through without the evidence."""
    shortfalls = models.JSONField(default=list)
    """Pairs of code and detail: what is missing."""
    evidence = models.JSONField(null=True)
    """The figures it was judged by (`trading.domain.strategy_gate.GateEvidence`)."""
    note = models.TextField(blank=True, default="")
    """The person's reason."""
    decided_at = models.DateTimeField()
    decided_by = models.CharField(max_length=150)
    expires_at = models.DateTimeField(null=True)
    """From then on it admits nothing any more; null when it never did."""

    class Meta:
        verbose_name = "strategy gate"
        db_table = "strategy_gates"
        constraints = [
            _known_mode("strategy_gate"),
            models.UniqueConstraint(
                fields=["mode", "strategy", "version"], name="strategy_gate_version_once"
            ),
            models.CheckConstraint(
                condition=Q(
                    admitted=True,
                    withdrawn=False,
                    expires_at__isnull=False,
                    expires_at__gt=F("decided_at"),
                )
                | Q(admitted=False, expires_at__isnull=True),
                name="strategy_gate_admitted_until",
            ),
            models.CheckConstraint(
                condition=Q(is_override=False) | (Q(admitted=True) & ~Q(note="")),
                name="strategy_gate_override_says_why",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.mode} {self.strategy} {'admitted' if self.admitted else 'shut'}"


class DecisionRow(models.Model):
    """Why a market was or was not traded: a new row when code or size changes, `seen_until` covers every cycle since."""

    mode = models.CharField(max_length=8, choices=_choices(TradingMode))
    market = models.ForeignKey(MarketRow, on_delete=models.PROTECT, related_name="decisions")
    city_code = models.CharField(max_length=3)
    code = models.CharField(max_length=32)
    detail = models.TextField(blank=True, default="")
    count = models.DecimalField(**COUNT, default=0)
    decided_at = models.DateTimeField()
    seen_until = models.DateTimeField()

    class Meta:
        verbose_name = "decision"
        db_table = "decisions"
        indexes = [
            models.Index(fields=["mode", "market", "-decided_at"], name="decision_mode_market_decided")
        ]
        constraints = [
            _known_mode("decision"),
            models.CheckConstraint(condition=Q(count__gte=0), name="decision_count_positive"),
            models.CheckConstraint(
                condition=Q(seen_until__gte=F("decided_at")), name="decision_seen_after_decided"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.market_id} {self.code}"


class IntentRow(models.Model):
    """A wish to trade, unique by `intent_key` (which begins with the mode). Append-only: written once, with its order."""

    intent_key = models.CharField(max_length=160, unique=True)
    mode = models.CharField(max_length=8, choices=_choices(TradingMode))
    market = models.ForeignKey(MarketRow, on_delete=models.PROTECT, related_name="intents")
    city_code = models.CharField(max_length=3)
    event_date = models.DateField()
    side = models.CharField(max_length=3, choices=_choices(Side))
    action = models.CharField(max_length=4, choices=_choices(Action))
    book_side = models.CharField(max_length=3, choices=_choices(BookSide))
    strategy = models.CharField(max_length=40)
    contributors = models.JSONField(default=list)
    """Names of the strategies whose opinion it rests on."""
    generation = models.PositiveIntegerField(default=0)
    post_only = models.BooleanField(default=False)
    count = models.DecimalField(**COUNT)
    limit_price = models.DecimalField(**PRICE)
    max_cost = models.DecimalField(**MONEY)
    p_yes = models.FloatField()
    """Our probability when we decided; the measure of edge_captured."""
    decided_at = models.DateTimeField()
    fencing = models.BigIntegerField()
    """The lease number it was written under."""

    class Meta:
        verbose_name = "intent"
        db_table = "intents"
        constraints = [
            _known_mode("intent"),
            models.CheckConstraint(
                condition=Q(limit_price__gt=0, limit_price__lt=1), name="intent_price_on_0_1"
            ),
            models.CheckConstraint(condition=Q(count__gt=0, max_cost__gte=0), name="intent_count_positive"),
            models.CheckConstraint(condition=Q(p_yes__range=(0, 1)), name="intent_p_on_0_1"),
            models.CheckConstraint(
                condition=Q(intent_key__startswith=F("mode")), name="intent_key_begins_with_mode"
            ),
            models.CheckConstraint(condition=_book_side_matches(), name="intent_book_side_matches"),
        ]
        indexes = [models.Index(fields=["mode", "event_date", "city_code"], name="intent_mode_date_city")]

    def __str__(self) -> str:
        return self.intent_key


class OrderRow(models.Model):
    """The order of an intent. Its state changes only by compare-and-set together with an OrderEventRow."""

    intent = models.OneToOneField(IntentRow, on_delete=models.PROTECT, related_name="order")
    client_order_id = models.UUIDField(unique=True)
    kalshi_order_id = models.CharField(max_length=64, null=True, unique=True)  # noqa: DJ001 - null: unnamed
    """Null until the exchange named it; unique when set."""
    mode = models.CharField(max_length=8, choices=_choices(TradingMode))
    market = models.ForeignKey(MarketRow, on_delete=models.PROTECT, related_name="orders")
    side = models.CharField(max_length=3, choices=_choices(Side))
    action = models.CharField(max_length=4, choices=_choices(Action))
    book_side = models.CharField(max_length=3, choices=_choices(BookSide))
    limit_price = models.DecimalField(**PRICE)
    count = models.DecimalField(**COUNT)
    filled_count = models.DecimalField(**COUNT, default=0)
    time_in_force = models.CharField(max_length=24, choices=_choices(TimeInForce))
    post_only = models.BooleanField(default=False)
    reported_count = models.DecimalField(**COUNT, default=0)
    """Contracts the exchange says have filled; `filled_count` follows when the fills themselves are booked."""
    state = models.CharField(max_length=12, choices=_choices(OrderState), default=OrderState.NEW.value)
    version = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "order"
        db_table = "orders"
        constraints = [
            _known_mode("order"),
            models.CheckConstraint(condition=_one_of("state", OrderState), name="order_state_known"),
            models.CheckConstraint(
                condition=Q(limit_price__gt=0, limit_price__lt=1), name="order_price_on_0_1"
            ),
            models.CheckConstraint(condition=Q(count__gt=0), name="order_count_positive"),
            models.CheckConstraint(condition=_book_side_matches(), name="order_book_side_matches"),
            models.CheckConstraint(condition=~Q(kalshi_order_id=""), name="order_unnamed_is_null"),
            models.CheckConstraint(condition=Q(reported_count__gte=0), name="order_reported_positive"),
            models.CheckConstraint(
                condition=Q(filled_count__gte=0, filled_count__lte=F("count")), name="order_not_overfilled"
            ),
        ]
        indexes = [
            models.Index(fields=["mode", "state"], name="order_mode_state"),
            models.Index(fields=["market", "-created_at"], name="order_market_created"),
        ]

    def __str__(self) -> str:
        return f"{self.client_order_id} {self.state}"


class OrderEventRow(models.Model):
    """One transition of an order. Append-only; `version` orders them without a gap."""

    order = models.ForeignKey(OrderRow, on_delete=models.PROTECT, related_name="events")
    version = models.PositiveIntegerField()
    from_state = models.CharField(max_length=12, blank=True, default="")
    to_state = models.CharField(max_length=12, choices=_choices(OrderState))
    event = models.CharField(max_length=40)
    actor = models.CharField(max_length=150, default="system")
    at = models.DateTimeField()
    payload = models.JSONField(default=dict)

    class Meta:
        verbose_name = "order event"
        db_table = "order_events"
        constraints = [models.UniqueConstraint(fields=["order", "version"], name="order_event_version_once")]

    def __str__(self) -> str:
        return f"{self.from_state} -> {self.to_state}"


class FillRow(models.Model):
    """One execution, stored once. Append-only, save that an order may be given to one without; positions, cash and P&L
    derive from these.
    """

    fill_id = models.CharField(max_length=80)
    mode = models.CharField(max_length=8, choices=_choices(TradingMode))
    order = models.ForeignKey(OrderRow, on_delete=models.PROTECT, null=True, related_name="fills")
    """Null only for EXTERNAL fills: placed by hand, or by books since lost; counted, never touched."""
    kalshi_order_id = models.CharField(max_length=64, blank=True, default="")
    market = models.ForeignKey(MarketRow, on_delete=models.PROTECT, related_name="fills")
    book_side = models.CharField(max_length=3, choices=_choices(BookSide))
    count = models.DecimalField(**COUNT)
    yes_price = models.DecimalField(**PRICE)
    fee = models.DecimalField(**MONEY)
    is_taker = models.BooleanField()
    filled_at = models.DateTimeField()

    class Meta:
        verbose_name = "fill"
        db_table = "fills"
        constraints = [
            _known_mode("fill"),
            models.UniqueConstraint(fields=["mode", "fill_id"], name="fill_once"),
            models.CheckConstraint(condition=Q(yes_price__gt=0, yes_price__lt=1), name="fill_price_on_0_1"),
            models.CheckConstraint(condition=Q(count__gt=0), name="fill_count_positive"),
        ]
        indexes = [
            models.Index(fields=["mode", "-filled_at"], name="fill_mode_filled"),
            models.Index(fields=["mode", "market"], name="fill_mode_market"),
        ]

    def __str__(self) -> str:
        return f"{self.fill_id} {self.count} @ {self.yes_price}"


class PositionRow(models.Model):
    """Net holding, recomputed from fills in the transaction that stores them. Positive YES, negative NO."""

    mode = models.CharField(max_length=8, choices=_choices(TradingMode))
    market = models.ForeignKey(MarketRow, on_delete=models.PROTECT, related_name="positions")
    count = models.DecimalField(**COUNT, default=0)
    cost = models.DecimalField(**MONEY, default=0)
    realized_pnl = models.DecimalField(**MONEY, default=0)
    fees = models.DecimalField(**MONEY, default=0)
    is_open = models.BooleanField()
    opened_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "position"
        db_table = "positions"
        constraints = [
            _known_mode("position"),
            models.UniqueConstraint(fields=["mode", "market"], name="position_once"),
            models.CheckConstraint(
                condition=Q(is_open=True) & ~Q(count=0) | Q(is_open=False, count=0),
                name="position_open_means_held",
            ),
            models.CheckConstraint(condition=Q(cost__gte=0), name="position_cost_positive"),
        ]
        indexes = [models.Index(fields=["mode"], name="position_open", condition=Q(is_open=True))]

    def __str__(self) -> str:
        return f"{self.mode} {self.market_id} {self.count}"


class SettlementRow(models.Model):
    """A position paid out at the exchange's finalized result. Append-only; a re-settlement is a new revision.

    `scalar` is booked by a person (`trading.hand_settlement`): what a contract paid is its payout by its count.
    """

    mode = models.CharField(max_length=8, choices=_choices(TradingMode))
    market = models.ForeignKey(MarketRow, on_delete=models.PROTECT, related_name="settlements")
    revision = models.PositiveSmallIntegerField(default=0)
    result = models.CharField(max_length=8)
    expiration_value = models.CharField(max_length=16, blank=True, default="")
    count = models.DecimalField(**COUNT)
    cost = models.DecimalField(**MONEY)
    payout = models.DecimalField(**MONEY)
    pnl = models.DecimalField(**MONEY)
    """Of the contracts settled, before fees: payout - cost."""
    settled_at = models.DateTimeField()
    booked_at = models.DateTimeField()

    class Meta:
        verbose_name = "settlement"
        db_table = "settlements"
        constraints = [
            _known_mode("settlement"),
            models.UniqueConstraint(fields=["mode", "market", "revision"], name="settlement_once"),
            models.CheckConstraint(
                condition=Q(result__in=["yes", "no", "scalar"]), name="settlement_result_known"
            ),
            models.CheckConstraint(condition=Q(pnl=F("payout") - F("cost")), name="settlement_adds_up"),
        ]

    def __str__(self) -> str:
        return f"{self.market_id} {self.result} {self.pnl}"


class LedgerRow(models.Model):
    """Every movement of cash, explained. Append-only; cash is the sum. Positive is money in."""

    class Kind(models.TextChoices):
        DEPOSIT = "deposit"
        FILL = "fill"
        FEE = "fee"
        REBATE = "rebate"
        SETTLEMENT = "settlement"
        EXTERNAL = "external"

    mode = models.CharField(max_length=8, choices=_choices(TradingMode))
    kind = models.CharField(max_length=12, choices=Kind.choices)
    amount = models.DecimalField(**MONEY)
    fill = models.ForeignKey(FillRow, on_delete=models.PROTECT, null=True, related_name="ledger")
    settlement = models.ForeignKey(SettlementRow, on_delete=models.PROTECT, null=True, related_name="ledger")
    note = models.TextField(blank=True, default="")
    at = models.DateTimeField()

    class Meta:
        verbose_name = "ledger entry"
        verbose_name_plural = "ledger"
        db_table = "ledger"
        constraints = [
            _known_mode("ledger"),
            models.UniqueConstraint(
                fields=["fill", "kind"], name="ledger_fill_once", condition=Q(fill__isnull=False)
            ),
            models.UniqueConstraint(
                fields=["settlement"], name="ledger_settlement_once", condition=Q(settlement__isnull=False)
            ),
            models.UniqueConstraint(fields=["mode"], name="ledger_one_deposit", condition=Q(kind="deposit")),
            models.CheckConstraint(
                condition=Q(kind__in=["fill", "fee", "rebate"], fill__isnull=False, settlement__isnull=True)
                | Q(kind="settlement", fill__isnull=True, settlement__isnull=False)
                | Q(kind__in=["deposit", "external"], fill__isnull=True, settlement__isnull=True),
                name="ledger_kind_has_its_cause",
            ),
        ]
        indexes = [
            models.Index(fields=["mode", "-at"], name="ledger_mode_at"),
            # Asked for with every batch of fills, and hardly ever there.
            models.Index(fields=["mode", "note"], name="ledger_external_note", condition=Q(kind="external")),
        ]

    def __str__(self) -> str:
        return f"{self.mode} {self.kind} {self.amount}"


class ReconciliationRow(models.Model):
    """One comparison of our books with the exchange's. Retention: docs/DATA_DICTIONARY.md."""

    mode = models.CharField(max_length=8, choices=_choices(TradingMode))
    at = models.DateTimeField()
    kind = models.CharField(max_length=8)
    """start, cycle or command; settle for a comparison of settlements."""
    fencing = models.BigIntegerField(null=True)
    """Lease number of the trader that ran it; null for a command."""
    complete_until = models.DateTimeField(null=True)
    """The exchange's word on how far its account data reached; null when something could not be read to its end."""
    orders_read = models.PositiveIntegerField(default=0)
    fills_read = models.PositiveIntegerField(default=0)
    fills_booked = models.PositiveIntegerField(default=0)
    orders_moved = models.PositiveIntegerField(default=0)
    external_fills = models.PositiveIntegerField(default=0)
    drift = models.JSONField(default=list)
    """One object per difference: what, where, ours, theirs."""
    error = models.TextField(blank=True, default="")
    duration_ms = models.PositiveIntegerField()

    class Meta:
        verbose_name = "reconciliation"
        db_table = "reconciliations"
        constraints = [_known_mode("reconciliation")]
        indexes = [models.Index(fields=["mode", "-at"], name="reconciliation_mode_at")]

    def __str__(self) -> str:
        return f"{self.mode} {self.kind} {self.at:%d %H:%M:%S}"


class ExternalOrderRow(models.Model):
    """An order on the account that is none of ours: a person placed it. Its open part is counted as exposure.

    By the ticker alone: people trade in markets that we do not follow.
    """

    mode = models.CharField(max_length=8, choices=_choices(TradingMode))
    kalshi_order_id = models.CharField(max_length=64)
    market_ticker = models.CharField(max_length=100)
    book_side = models.CharField(max_length=3, choices=_choices(BookSide))
    yes_price = models.DecimalField(**PRICE)
    remaining_count = models.DecimalField(**COUNT)
    """Contracts that may still fill, as last seen."""
    first_seen_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    """When complete readings had not shown it for some time; null while it may fill."""

    class Meta:
        verbose_name = "external order"
        db_table = "external_orders"
        constraints = [
            _known_mode("external_order"),
            models.UniqueConstraint(fields=["mode", "kalshi_order_id"], name="external_order_once"),
            models.CheckConstraint(
                condition=Q(yes_price__gt=0, yes_price__lt=1), name="external_order_price_on_0_1"
            ),
            models.CheckConstraint(condition=Q(remaining_count__gte=0), name="external_order_count_positive"),
        ]
        indexes = [
            models.Index(
                fields=["mode", "market_ticker"],
                condition=Q(ended_at__isnull=True),
                name="external_order_open",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kalshi_order_id} {self.remaining_count} @ {self.yes_price}"


class ExternalPositionRow(models.Model):
    """What a person holds in a market that we do not follow: no fill of it is in our books, its cost is exposure."""

    mode = models.CharField(max_length=8, choices=_choices(TradingMode))
    market_ticker = models.CharField(max_length=100)
    count = models.DecimalField(**COUNT)
    at_risk = models.DecimalField(**MONEY)
    """What its contracts cost, by the exchange's word; a dollar each where it says nothing."""
    filled_since = models.DateTimeField()
    """No fill of it is older: from here on they are read again once its market is followed."""
    seen_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    """When it was over, or in our books; null while it is held."""

    class Meta:
        verbose_name = "external position"
        db_table = "external_positions"
        constraints = [
            _known_mode("external_position"),
            models.UniqueConstraint(
                fields=["mode", "market_ticker"],
                condition=Q(ended_at__isnull=True),
                name="external_position_once",
            ),
            models.CheckConstraint(condition=Q(at_risk__gte=0), name="external_position_risk_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.market_ticker} {self.count}"


class LiveArmingRow(models.Model):
    """A person's permission to trade real money until `expires_at`; only its disarming is written later."""

    armed_at = models.DateTimeField()
    armed_by = models.CharField(max_length=150)
    reason = models.TextField()
    expires_at = models.DateTimeField()
    disarmed_at = models.DateTimeField(null=True)
    disarmed_by = models.CharField(max_length=150, blank=True, default="")

    class Meta:
        verbose_name = "arming of LIVE"
        verbose_name_plural = "armings of LIVE"
        db_table = "live_armings"
        constraints = [
            models.CheckConstraint(condition=Q(expires_at__gt=F("armed_at")), name="arming_ends_after_start")
        ]
        indexes = [models.Index(fields=["-expires_at"], name="live_arming_expires")]

    def __str__(self) -> str:
        return f"armed by {self.armed_by} until {self.expires_at:%d %H:%MZ}"


class RiskEventRow(models.Model):
    """Something the operator should know of. Append-only. Retention: docs/DATA_DICTIONARY.md."""

    at = models.DateTimeField()
    severity = models.CharField(max_length=8, choices=_choices(Severity))
    event_type = models.CharField(max_length=40)
    mode = models.CharField(max_length=8, choices=_choices(TradingMode))
    city_code = models.CharField(max_length=3, blank=True, default="")
    market_ticker = models.CharField(max_length=48, blank=True, default="")
    message = models.TextField(blank=True, default="")
    payload = models.JSONField(default=dict)

    class Meta:
        verbose_name = "risk event"
        db_table = "risk_events"
        indexes = [
            models.Index(fields=["-at"], name="risk_event_at"),
            models.Index(fields=["severity", "-at"], name="risk_event_severity_at"),
        ]
        constraints = [
            _known_mode("risk_event"),
            models.CheckConstraint(condition=_one_of("severity", Severity), name="risk_severity_known"),
        ]

    def __str__(self) -> str:
        return f"{self.severity} {self.event_type}"
