"""The history of trading in the console, read-only. The switch is turned on its own page, with a reason."""

from typing import TYPE_CHECKING

from django.contrib import admin

from milkbot.history_admin import CityFilter, HistoryAdmin
from trading import models

if TYPE_CHECKING:  # generic in the stubs only
    TabularInline = admin.TabularInline[models.OrderEventRow, models.OrderRow]
else:
    TabularInline = admin.TabularInline


@admin.register(models.CycleRow)
class CycleAdmin(HistoryAdmin):
    list_display = (
        "started_at", "mode", "ok", "duration_ms", "cities", "markets", "signals", "intents", "fills", "cash",
        "realized_pnl", "unrealized_pnl",
    )  # fmt: skip
    list_filter = ("mode", "ok")


@admin.register(models.ControlsRow)
class ControlsAdmin(HistoryAdmin):
    list_display = ("mode", "state", "reason", "changed_by", "changed_at", "is_published")


@admin.register(models.TraderLeaseRow)
class TraderLeaseAdmin(HistoryAdmin):
    list_display = ("mode", "holder", "fencing", "acquired_at", "expires_at")


@admin.register(models.OperatorActionRow)
class OperatorActionAdmin(HistoryAdmin):
    list_display = ("at", "actor", "action", "mode", "reason", "before", "after")
    list_filter = ("mode",)


@admin.register(models.LockRow)
class LockAdmin(HistoryAdmin):
    list_display = (
        "locked_at",
        "mode",
        "scope",
        "code",
        "message",
        "needs_person",
        "cleared_at",
        "cleared_by",
    )
    list_filter = ("mode", "needs_person", ("cleared_at", admin.EmptyFieldListFilter))


@admin.register(models.SignalRow)
class SignalAdmin(HistoryAdmin):
    list_display = (
        "made_at",
        "mode",
        "market",
        "p_yes",
        "p_model",
        "p_market",
        "uncertainty",
        "edge",
        "decision",
        "codes",
        "seen_until",
    )
    list_filter = ("mode", "decision", CityFilter)
    list_select_related = ("market",)


@admin.register(models.StrategyGateRow)
class StrategyGateAdmin(HistoryAdmin):
    list_display = (
        "decided_at", "mode", "strategy", "version", "admitted", "withdrawn", "is_override", "shortfalls",
        "decided_by", "expires_at", "note",
    )  # fmt: skip
    list_filter = ("mode", "strategy", "admitted")


@admin.register(models.EnsembleWeightsRow)
class EnsembleWeightsAdmin(HistoryAdmin):
    list_display = ("learned_at", "mode", "version", "learned_until", "horizons")
    list_filter = ("mode",)


@admin.register(models.DecisionRow)
class DecisionAdmin(HistoryAdmin):
    list_display = ("decided_at", "mode", "market", "code", "detail", "count", "seen_until")
    list_filter = ("mode", CityFilter)
    list_select_related = ("market",)
    search_fields = ("=code", "=market__ticker")


@admin.register(models.IntentRow)
class IntentAdmin(HistoryAdmin):
    list_display = (
        "decided_at", "intent_key", "side", "action", "count", "limit_price", "max_cost", "p_yes", "fencing",
    )  # fmt: skip
    list_filter = ("mode", CityFilter)
    search_fields = ("=intent_key", "=market__ticker")


class OrderEventInline(TabularInline):
    """The order's life, oldest first."""

    model = models.OrderEventRow
    fields = ("version", "at", "from_state", "to_state", "event", "actor", "payload")
    readonly_fields = fields
    ordering = ("version",)
    can_delete = False
    extra = 0
    max_num = 0


@admin.register(models.OrderRow)
class OrderAdmin(HistoryAdmin):
    list_display = (
        "created_at", "mode", "market", "side", "action", "count", "filled_count", "limit_price", "state",
        "client_order_id", "expires_at",
    )  # fmt: skip
    list_filter = ("mode", "state")
    list_select_related = ("market",)
    search_fields = ("=client_order_id", "=kalshi_order_id", "=market__ticker")
    inlines = (OrderEventInline,)


@admin.register(models.OrderEventRow)
class OrderEventAdmin(HistoryAdmin):
    list_display = ("at", "order", "version", "from_state", "to_state", "event", "actor")
    list_filter = ("to_state",)
    list_select_related = ("order",)


@admin.register(models.FillRow)
class FillAdmin(HistoryAdmin):
    list_display = (
        "filled_at", "mode", "market", "book_side", "count", "yes_price", "fee", "is_taker", "fill_id", "order",
    )  # fmt: skip
    list_filter = ("mode",)
    list_select_related = ("market", "order")
    search_fields = ("=fill_id", "=market__ticker")


@admin.register(models.PositionRow)
class PositionAdmin(HistoryAdmin):
    list_display = (
        "market",
        "mode",
        "count",
        "cost",
        "realized_pnl",
        "fees",
        "is_open",
        "opened_at",
        "settled_at",
    )
    list_filter = ("mode", "is_open")
    list_select_related = ("market",)
    search_fields = ("=market__ticker",)


@admin.register(models.SettlementRow)
class SettlementAdmin(HistoryAdmin):
    list_display = (
        "settled_at", "mode", "market", "revision", "result", "expiration_value", "count", "cost", "payout", "pnl",
    )  # fmt: skip
    list_filter = ("mode", "result")
    list_select_related = ("market",)


@admin.register(models.LedgerRow)
class LedgerAdmin(HistoryAdmin):
    list_display = ("at", "mode", "kind", "amount", "fill", "settlement", "note")
    list_filter = ("mode", "kind")
    list_select_related = ("fill", "settlement")


@admin.register(models.ReconciliationRow)
class ReconciliationAdmin(HistoryAdmin):
    list_display = (
        "at", "mode", "kind", "complete_until", "orders_read", "fills_read", "fills_booked", "orders_moved",
        "external_fills", "drift", "error", "duration_ms",
    )  # fmt: skip
    list_filter = ("mode", "kind")


@admin.register(models.ExternalOrderRow)
class ExternalOrderAdmin(HistoryAdmin):
    list_display = (
        "first_seen_at", "mode", "market_ticker", "book_side", "yes_price", "remaining_count", "seen_at", "ended_at",
    )  # fmt: skip
    list_filter = ("mode",)


@admin.register(models.ExternalPositionRow)
class ExternalPositionAdmin(HistoryAdmin):
    list_display = ("filled_since", "mode", "market_ticker", "count", "at_risk", "seen_at", "ended_at")
    list_filter = ("mode",)


@admin.register(models.LiveArmingRow)
class LiveArmingAdmin(HistoryAdmin):
    list_display = ("armed_at", "armed_by", "reason", "expires_at", "disarmed_at", "disarmed_by")


@admin.register(models.RiskEventRow)
class RiskEventAdmin(HistoryAdmin):
    list_display = ("at", "severity", "event_type", "mode", "city_code", "market_ticker", "message")
    list_filter = ("severity", "mode", CityFilter)
