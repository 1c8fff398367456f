"""Rows of the weather side, all in `ops`. Domain types without the suffix live in `weather.domain.types`."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q


class WeatherSnapshotRow(models.Model):
    """What we knew of a city. A new row only when something changed; `last_seen_at` moves while it stays the same."""

    city_code = models.CharField(max_length=3)
    captured_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    issued_at = models.DateTimeField(null=True)
    highs = models.JSONField(default=list)
    station = models.CharField(max_length=5, blank=True, default="")
    observed_at = models.DateTimeField(null=True)
    observed_temp_c = models.FloatField(null=True)
    observed_is_metar = models.BooleanField(null=True)
    hourly = models.JSONField(null=True)
    so_far = models.JSONField(null=True)
    reported = models.JSONField(null=True)
    earlier_highs = models.JSONField(default=list)
    raw = models.JSONField(default=dict)
    """The payload's parts we parse, once per change."""

    class Meta:
        verbose_name = "weather snapshot"
        db_table = "weather_snapshots"
        indexes = [
            models.Index(fields=["city_code", "-captured_at"], name="weather_city_captured"),
            # Pruning scans by age; a block range index costs nothing to keep while rows arrive in order.
            BrinIndex(fields=["captured_at"], name="weather_captured_brin"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(last_seen_at__gte=F("captured_at")), name="weather_seen_after_capture"
            ),
            models.CheckConstraint(
                condition=Q(
                    observed_at__isnull=True, observed_temp_c__isnull=True, observed_is_metar__isnull=True
                )
                | Q(
                    observed_at__isnull=False, observed_temp_c__isnull=False, observed_is_metar__isnull=False
                ),
                name="weather_observation_paired",
            ),
            models.CheckConstraint(
                condition=Q(observed_temp_c__isnull=True) | Q(observed_temp_c__range=(-60, 60)),
                name="weather_temp_plausible",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.city_code} {self.captured_at:%Y-%m-%d %H:%M}Z"


class ObservationRow(models.Model):
    """Every reading of a settlement station, once. A null temperature filled later is a new fact: last write wins."""

    city_code = models.CharField(max_length=3)
    station = models.CharField(max_length=5)
    observed_at = models.DateTimeField()
    temp_c = models.FloatField()
    is_metar = models.BooleanField()
    six_hour_max_c = models.FloatField(null=True)
    day_max_c = models.FloatField(null=True)
    received_at = models.DateTimeField()

    class Meta:
        verbose_name = "observation"
        db_table = "observations"
        constraints = [
            models.UniqueConstraint(fields=["station", "observed_at", "is_metar"], name="observation_once"),
            models.CheckConstraint(condition=Q(temp_c__range=(-60, 60)), name="observation_temp_plausible"),
            models.CheckConstraint(
                condition=(Q(six_hour_max_c__isnull=True) | Q(six_hour_max_c__range=(-60, 60)))
                & (Q(day_max_c__isnull=True) | Q(day_max_c__range=(-60, 60))),
                name="observation_maxima_plausible",
            ),
        ]
        indexes = [
            models.Index(fields=["city_code", "-observed_at"], name="observation_city_observed"),
            BrinIndex(fields=["observed_at"], name="observation_observed_brin"),
        ]

    def __str__(self) -> str:
        return f"{self.station} {self.temp_c} °C"


class ForecastRow(models.Model):
    """An Outlook: the distribution a probability came from. Append-only, so any decision can be replayed."""

    city_code = models.CharField(max_length=3)
    event_date = models.DateField()
    made_at = models.DateTimeField()
    issued_at = models.DateTimeField()
    source = models.CharField(max_length=32)
    kind = models.CharField(max_length=16)
    forecast_high_f = models.SmallIntegerField()
    mu = models.FloatField()
    sigma = models.FloatField()
    mu_se = models.FloatField()
    ln_sigma_se = models.FloatField()
    lead_hours = models.FloatField()
    model_version = models.CharField(max_length=40)
    distribution = models.JSONField(null=True)
    """Null in rows of before distributions were stored: those are the Gaussian of mu and sigma."""
    nowcast = models.JSONField(null=True)
    climatology = models.JSONField(null=True)
    sources = models.JSONField(default=list)
    regime = models.CharField(max_length=16, default="NORMAL")
    basis_risk = models.FloatField(default=0.0)
    calibration_version = models.CharField(max_length=40, blank=True, default="")

    class Meta:
        verbose_name = "forecast"
        db_table = "forecasts"
        indexes = [
            models.Index(fields=["city_code", "event_date", "-made_at"], name="forecast_city_day_made")
        ]
        constraints = [
            # Upper bounds also refuse NaN, which PostgreSQL sorts above every number.
            models.CheckConstraint(
                condition=Q(sigma__gt=0, sigma__lt=100, mu__range=(-100, 200)), name="forecast_plausible"
            ),
            models.CheckConstraint(
                condition=Q(mu_se__range=(0, 100), ln_sigma_se__range=(0, 10)),
                name="forecast_errors_plausible",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["whole_day", "remaining"]), name="forecast_kind_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.city_code} {self.event_date} N({self.mu:.1f}, {self.sigma:.1f})"


class SourceForecastRow(models.Model):
    """The high that another source than the grid forecast for a day. Append-only: what was had when stays known."""

    source = models.CharField(max_length=32)
    city_code = models.CharField(max_length=3)
    event_date = models.DateField()
    issued_at = models.DateTimeField()
    received_at = models.DateTimeField()
    high_f = models.SmallIntegerField()

    class Meta:
        verbose_name = "other source's forecast"
        verbose_name_plural = "other sources' forecasts"
        db_table = "source_forecasts"
        constraints = [
            models.UniqueConstraint(
                fields=["city_code", "event_date", "source", "issued_at"], name="source_forecast_once"
            ),
            models.CheckConstraint(condition=Q(high_f__range=(-100, 200)), name="source_forecast_plausible"),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.city_code} {self.event_date}: {self.high_f}"


class ClimateReportRow(models.Model):
    """One version of a station's climate report (CLI). Append-only: all versions are kept, final is the newest one."""

    city_code = models.CharField(max_length=3)
    cli_code = models.CharField(max_length=6)
    climate_date = models.DateField()
    issued_at = models.DateTimeField()
    is_final = models.BooleanField()
    correction = models.CharField(max_length=3, blank=True, default="")
    high_f = models.SmallIntegerField(null=True)
    text = models.TextField()
    text_sha256 = models.CharField(max_length=64)
    received_at = models.DateTimeField()

    class Meta:
        verbose_name = "climate report"
        db_table = "climate_reports"
        constraints = [
            models.UniqueConstraint(
                fields=["cli_code", "climate_date", "issued_at", "correction", "text_sha256"],
                name="climate_report_version",
            ),
        ]
        indexes = [
            models.Index(fields=["city_code", "climate_date", "-issued_at"], name="report_city_date_issued")
        ]

    def __str__(self) -> str:
        return f"{self.cli_code} {self.climate_date}: {self.high_f}"


class RegimeRow(models.Model):
    """How settled a day's forecast is, from when on. Append-only: it lasts until the next row of its city and day."""

    city_code = models.CharField(max_length=3)
    event_date = models.DateField()
    regime = models.CharField(max_length=16)
    since_at = models.DateTimeField()
    """When the outlook that named it was made."""
    noted_at = models.DateTimeField()
    sigma = models.FloatField()
    """Of that outlook, the regime's factor in it."""
    sources = models.JSONField(default=list)

    class Meta:
        verbose_name = "regime"
        db_table = "regimes"
        constraints = [
            models.UniqueConstraint(fields=["city_code", "event_date", "since_at"], name="regime_once"),
            models.CheckConstraint(
                condition=Q(regime__in=["NORMAL", "UNSETTLED", "DIVIDED"]), name="regime_known"
            ),
            models.CheckConstraint(condition=Q(sigma__gt=0, sigma__lt=100), name="regime_sigma_plausible"),
        ]

    def __str__(self) -> str:
        return f"{self.city_code} {self.event_date} {self.regime}"


class CalibrationRow(models.Model):
    """What was learned of the forecasts' errors, and how it was judged. Append-only: the last promoted one is in use."""

    version = models.CharField(max_length=40, unique=True)
    """Names the content: the same content always has the same version."""
    content = models.JSONField()
    fitted_at = models.DateTimeField()
    """Application time it was learned."""
    fitted_from = models.DateField()
    fitted_to = models.DateField()
    known_until = models.DateTimeField()
    """When the last outcome it learned from was known."""
    lessons = models.PositiveIntegerField()
    """City days it learned from, each once for every lead."""
    incumbent_version = models.CharField(max_length=40)
    scored_days = models.PositiveIntegerField()
    scored = models.PositiveIntegerField()
    """Forecasts that both were judged by."""
    candidate_log_loss = models.FloatField(null=True)
    candidate_crps = models.FloatField(null=True)
    candidate_coverage = models.FloatField(null=True)
    incumbent_log_loss = models.FloatField(null=True)
    incumbent_crps = models.FloatField(null=True)
    incumbent_coverage = models.FloatField(null=True)
    promoted_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=200)
    """Why it was promoted, or why not."""

    class Meta:
        verbose_name = "calibration"
        db_table = "calibrations"
        constraints = [
            models.CheckConstraint(
                condition=Q(promoted_at__isnull=True) | Q(scored__gt=0), name="calibration_promoted_on_scores"
            ),
            models.CheckConstraint(
                condition=Q(fitted_to__gte=F("fitted_from"), fitted_at__gte=F("known_until")),
                name="calibration_learned_in_order",
            ),
        ]

    def __str__(self) -> str:
        return self.version
