"""The weather's history in the operator's console: to look at, never to edit."""

from django.contrib import admin

from milkbot.history_admin import CityFilter, HistoryAdmin
from weather.models import (
    CalibrationRow,
    ClimateReportRow,
    ForecastRow,
    ObservationRow,
    RegimeRow,
    SourceForecastRow,
    WeatherSnapshotRow,
)


class _CityHistoryAdmin(HistoryAdmin):
    list_filter = (CityFilter,)


@admin.register(WeatherSnapshotRow)
class WeatherSnapshotAdmin(_CityHistoryAdmin):
    list_display = ("city_code", "captured_at", "last_seen_at", "issued_at", "observed_at", "observed_temp_c")


@admin.register(ObservationRow)
class ObservationAdmin(_CityHistoryAdmin):
    list_display = ("city_code", "station", "observed_at", "temp_c", "is_metar", "received_at")


@admin.register(ForecastRow)
class ForecastAdmin(_CityHistoryAdmin):
    list_display = ("city_code", "event_date", "made_at", "mu", "sigma", "lead_hours", "model_version")


@admin.register(ClimateReportRow)
class ClimateReportAdmin(_CityHistoryAdmin):
    list_display = ("cli_code", "climate_date", "issued_at", "is_final", "correction", "high_f")


@admin.register(CalibrationRow)
class CalibrationAdmin(HistoryAdmin):
    list_display = (
        "fitted_at", "version", "promoted_at", "reason", "fitted_from", "fitted_to", "lessons", "scored_days", "scored",
        "candidate_log_loss", "incumbent_log_loss", "candidate_crps", "incumbent_crps", "candidate_coverage",
        "incumbent_coverage",
    )  # fmt: skip
    list_filter = (("promoted_at", admin.EmptyFieldListFilter),)


@admin.register(SourceForecastRow)
class SourceForecastAdmin(_CityHistoryAdmin):
    list_display = ("source", "city_code", "event_date", "issued_at", "received_at", "high_f")


@admin.register(RegimeRow)
class RegimeAdmin(_CityHistoryAdmin):
    list_display = ("city_code", "event_date", "regime", "since_at", "sigma", "sources")
