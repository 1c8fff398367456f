"""The weather's history in the operator's console: to look at, never to edit."""

from typing import TYPE_CHECKING

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from milkbot.core.cities import load_cities
from weather.models import ClimateReportRow, ForecastRow, ObservationRow, WeatherSnapshotRow

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[models.Model]
else:
    _ModelAdmin = admin.ModelAdmin


class _CityFilter(admin.SimpleListFilter):
    """By city, from the configuration: Django's own filter would read the whole table for its choices."""

    title = "city"
    parameter_name = "city_code"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [(city.code, city.name) for city in load_cities().values()]

    def queryset(
        self, request: HttpRequest, queryset: "models.QuerySet[models.Model]"
    ) -> "models.QuerySet[models.Model]":
        return queryset.filter(city_code=self.value()) if self.value() else queryset


class _HistoryAdmin(_ModelAdmin):
    """Facts are recorded by the loops; nobody adds, changes or deletes them by hand."""

    list_filter = (_CityFilter,)
    ordering = ("-id",)  # Newest first by the one index every table has: no sort over the whole history.
    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


@admin.register(WeatherSnapshotRow)
class WeatherSnapshotAdmin(_HistoryAdmin):
    list_display = ("city_code", "captured_at", "last_seen_at", "issued_at", "observed_at", "observed_temp_c")


@admin.register(ObservationRow)
class ObservationAdmin(_HistoryAdmin):
    list_display = ("city_code", "station", "observed_at", "temp_c", "is_metar", "received_at")


@admin.register(ForecastRow)
class ForecastAdmin(_HistoryAdmin):
    list_display = ("city_code", "event_date", "made_at", "mu", "sigma", "lead_hours", "model_version")


@admin.register(ClimateReportRow)
class ClimateReportAdmin(_HistoryAdmin):
    list_display = ("cli_code", "climate_date", "issued_at", "is_final", "correction", "high_f")
