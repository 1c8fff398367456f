"""The console's view of the exchange side. Everything is history or the exchange's own word: nothing can be edited."""

from django.contrib import admin
from django.utils.html import format_html

from markets.domain.settlement_rules import source_url
from markets.domain.types import SettlementSource
from markets.models import EventRow, MarketRow, MarketSnapshotRow
from milkbot.core.cities import load_cities
from milkbot.history_admin import CityFilter, HistoryAdmin


@admin.register(EventRow)
class EventAdmin(HistoryAdmin):
    list_display = [
        "event_ticker",
        "city_code",
        "event_date",
        "close_at",
        "settles_on",
        "cli_code",
        "refusal",
    ]
    list_filter = [CityFilter, "refusal", "settlement_source"]
    search_fields = ["event_ticker"]
    ordering = ("-event_date", "city_code")

    @admin.display(description="settlement source", ordering="settlement_source")
    def settles_on(self, event: EventRow) -> str:
        """The source the event's own rules name, with the page it publishes on."""
        if not event.settlement_source:
            return ""
        url = source_url(SettlementSource(event.settlement_source), load_cities()[event.city_code])
        return format_html('<a href="{}" rel="noreferrer">{}</a>', url, event.settlement_source)


@admin.register(MarketRow)
class MarketAdmin(HistoryAdmin):
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
    list_filter = [CityFilter, "status", "result"]
    list_select_related = ["event"]
    search_fields = ["ticker"]
    ordering = ("-event_date", "city_code", "high_f", "low_f")


@admin.register(MarketSnapshotRow)
class MarketSnapshotAdmin(HistoryAdmin):
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
    list_filter = [CityFilter, "status"]
    list_select_related = ["market"]
    search_fields = ["market__ticker"]
    ordering = ("-captured_at",)
