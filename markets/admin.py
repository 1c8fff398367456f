"""The console's view of the exchange side. Everything is history or the exchange's own word: nothing can be edited."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from markets.models import EventRow, MarketRow, MarketSnapshotRow

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin  # Django's own class takes no type argument at run time


class _ReadOnlyAdmin(_ModelAdmin):
    show_full_result_count = False
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(EventRow)
class EventAdmin(_ReadOnlyAdmin):
    list_display = [
        "event_ticker",
        "city_code",
        "event_date",
        "close_at",
        "settlement_source",
        "cli_code",
        "refusal",
    ]
    list_filter = ["city_code", "refusal", "settlement_source"]
    search_fields = ["event_ticker"]
    ordering = ["-event_date", "city_code"]


@admin.register(MarketRow)
class MarketAdmin(_ReadOnlyAdmin):
    list_display = [
        "ticker",
        "city_code",
        "event_date",
        "label",
        "status",
        "result",
        "expiration_value",
        "settled_at",
    ]
    list_filter = ["city_code", "status", "result"]
    list_select_related = ["event"]
    search_fields = ["ticker"]
    ordering = ["-event_date", "city_code", "high_f", "low_f"]


@admin.register(MarketSnapshotRow)
class MarketSnapshotAdmin(_ReadOnlyAdmin):
    list_display = [
        "market",
        "captured_at",
        "last_seen_at",
        "status",
        "yes_bid",
        "yes_bid_size",
        "yes_ask",
        "yes_ask_size",
        "last_price",
        "volume",
    ]
    list_filter = ["city_code", "status"]
    list_select_related = ["market"]
    search_fields = ["market__ticker"]
    ordering = ["-captured_at"]
