"""What is told of trading, in `analytics`: natural keys only. Views are unmanaged models over `analytics/sql/`."""

from django.db import models
from django.db.models import Q

from analytics.views_models import (
    HealthSummaryView,
    PublicBannerView,
    PublicEquityView,
    PublicLockView,
    PublicMarketView,
    PublicObservationView,
    PublicSignalView,
    PublicSkillView,
    PublicTradeView,
    PublicWeatherView,
)
from milkbot.core.config import TradingMode

__all__ = [
    "EquityRow",
    "HealthSummaryView",
    "PublicBannerView",
    "PublicEquityView",
    "PublicLockView",
    "PublicMarketView",
    "PublicObservationView",
    "PublicSignalView",
    "PublicSkillView",
    "PublicTradeView",
    "PublicWeatherView",
    "SkillEventRow",
    "SkillScoreRow",
]

_MODES = [(m.value, m.value) for m in TradingMode]


class EquityRow(models.Model):
    """The account at the end of a cycle; equity = starting capital + realized + unrealized - fees (in realized)."""

    mode = models.CharField(max_length=8, choices=_MODES)
    at = models.DateTimeField()
    cash = models.DecimalField(max_digits=18, decimal_places=6)
    total_equity = models.DecimalField(max_digits=18, decimal_places=6)
    realized_pnl = models.DecimalField(max_digits=18, decimal_places=6)
    """Net of all fees paid."""
    unrealized_pnl = models.DecimalField(max_digits=18, decimal_places=6)

    class Meta:
        db_table = "equity_curve"
        constraints = [models.UniqueConstraint(fields=["mode", "at"], name="equity_once")]
        indexes = [models.Index(fields=["mode", "-at"], name="equity_mode_at")]

    def __str__(self) -> str:
        return f"{self.mode} {self.at:%Y-%m-%d %H:%M} {self.total_equity}"


class SkillEventRow(models.Model):
    """A settled event whose forecasts were scored, and what could not be. A re-settlement scores it anew."""

    mode = models.CharField(max_length=8, choices=_MODES)
    event_ticker = models.CharField(max_length=40)
    city_code = models.CharField(max_length=3)
    event_date = models.DateField()
    winner = models.CharField(max_length=48, blank=True, default="")
    """Ticker of the market that paid; empty when not exactly one did, and nothing is scored then."""
    settle_f = models.SmallIntegerField(null=True)
    """The exchange's settled high, whole °F; null when it named none."""
    settled_at = models.DateTimeField()
    scored_at = models.DateTimeField()
    revision = models.PositiveSmallIntegerField(default=0)
    """How often it was scored anew."""
    ladders = models.PositiveSmallIntegerField()
    """Local hours of its last 36 at which it traded."""
    skipped = models.JSONField(default=dict)
    """By forecaster and reason: at how many of them it could not be scored."""
    bands = models.JSONField(default=dict)
    """By four hours and over all: hours scored, p_model's mean log loss and the market's (`analytics.skill.bands`)."""

    class Meta:
        db_table = "skill_events"
        constraints = [models.UniqueConstraint(fields=["mode", "event_ticker"], name="skill_event_once")]
        indexes = [models.Index(fields=["mode", "-event_date"], name="skill_event_mode_date")]

    def __str__(self) -> str:
        return f"{self.mode} {self.event_ticker}"


class SkillScoreRow(models.Model):
    """One forecaster's score of one event at one local hour; losses are smaller the better."""

    mode = models.CharField(max_length=8, choices=_MODES)
    event_ticker = models.CharField(max_length=40)
    city_code = models.CharField(max_length=3)
    event_date = models.DateField()
    at = models.DateTimeField()
    local_hour = models.SmallIntegerField()
    """Local standard hour of the event's day; below 0 on the day before."""
    lead_hours = models.SmallIntegerField()
    forecaster = models.CharField(max_length=40)
    outcome = models.SmallIntegerField()
    """Place of the winning bracket, 0 for the coldest."""
    p_outcome = models.FloatField()
    log_loss = models.FloatField()
    brier = models.FloatField()
    rps = models.FloatField()
    crps_f = models.FloatField(null=True)
    """°F; null for forecasters that speak of brackets only."""
    pit_low = models.FloatField()
    pit_high = models.FloatField()
    clipped = models.BooleanField()
    weights_version = models.PositiveIntegerField(null=True)
    """Of the ensemble's weights in force; null before the first."""
    calibration_version = models.CharField(max_length=40, blank=True, default="")

    class Meta:
        db_table = "skill_scores"
        constraints = [
            models.UniqueConstraint(
                fields=["mode", "event_ticker", "local_hour", "forecaster"], name="skill_score_once"
            ),
            models.CheckConstraint(
                condition=Q(p_outcome__range=(0, 1), pit_low__range=(0, 1), pit_high__range=(0, 1)),
                name="skill_score_p_on_0_1",
            ),
            models.CheckConstraint(
                condition=Q(log_loss__gte=0, brier__range=(0, 2), rps__gte=0), name="skill_score_is_a_loss"
            ),
        ]
        indexes = [
            models.Index(fields=["mode", "forecaster", "-event_date"], name="skill_score_mode_who_date")
        ]

    def __str__(self) -> str:
        return f"{self.mode} {self.event_ticker} {self.local_hour:+d} h {self.forecaster}"
