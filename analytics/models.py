"""What is told of trading, in `analytics`: natural keys only. Views are unmanaged models over `analytics/sql/`."""

from django.db import models

from analytics.views_models import (
    HealthSummaryView,
    PublicBannerView,
    PublicEquityView,
    PublicLockView,
    PublicMarketView,
    PublicObservationView,
    PublicSignalView,
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
    "PublicTradeView",
    "PublicWeatherView",
]


class EquityRow(models.Model):
    """The account at the end of a cycle; equity = starting capital + realized + unrealized - fees (in realized)."""

    mode = models.CharField(max_length=8, choices=[(m.value, m.value) for m in TradingMode])
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
