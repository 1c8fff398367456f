"""Rows of the exchange side, all in `ops`. Domain types without the suffix live in `markets.domain.types`."""

from typing import Any

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q

PRICE: dict[str, Any] = {"max_digits": 8, "decimal_places": 6}
COUNT: dict[str, Any] = {"max_digits": 16, "decimal_places": 2}


def price_on_0_1(*names: str) -> Q:
    """Prices are absent or strictly between 0 and 1: the exchange's 0.0000 and 1.0000 mean nobody is quoting."""
    condition = Q()
    for name in names:
        condition &= Q(**{f"{name}__isnull": True}) | Q(**{f"{name}__gt": 0, f"{name}__lt": 1})
    return condition


def paired(*names: str) -> Q:
    """All of the columns are null or none is."""
    return Q(**{f"{name}__isnull": True for name in names}) | Q(
        **{f"{name}__isnull": False for name in names}
    )


class EventRow(models.Model):
    """One city-day on the exchange and what it settles on, by its own text."""

    event_ticker = models.CharField(max_length=40, unique=True)
    series_ticker = models.CharField(max_length=32)
    city_code = models.CharField(max_length=3)
    event_date = models.DateField()
    title = models.TextField(blank=True, default="")
    close_at = models.DateTimeField()
    settlement_source = models.CharField(max_length=32, blank=True, default="")
    cli_code = models.CharField(max_length=6, blank=True, default="")
    fee_type = models.CharField(max_length=40, blank=True, default="")
    fee_multiplier = models.DecimalField(max_digits=8, decimal_places=4, null=True)
    refusal = models.CharField(max_length=40, blank=True, default="")
    refusal_text = models.TextField(blank=True, default="")
    first_seen_at = models.DateTimeField()

    class Meta:
        verbose_name = "event"
        db_table = "events"
        indexes = [models.Index(fields=["city_code", "-event_date"], name="event_city_date")]

    def __str__(self) -> str:
        return self.event_ticker


class MarketRow(models.Model):
    """One bracket. Status, result and expiration value follow the exchange; the rest never changes."""

    event = models.ForeignKey(EventRow, on_delete=models.PROTECT, related_name="markets")
    ticker = models.CharField(max_length=48, unique=True)
    city_code = models.CharField(max_length=3)
    event_date = models.DateField()
    strike_type = models.CharField(max_length=12, blank=True, default="")
    low_f = models.SmallIntegerField(null=True)
    high_f = models.SmallIntegerField(null=True)
    label = models.CharField(max_length=40, blank=True, default="")
    status = models.CharField(max_length=16)
    open_at = models.DateTimeField()
    close_at = models.DateTimeField()
    result = models.CharField(max_length=8, blank=True, default="")
    expiration_value = models.CharField(max_length=16, blank=True, default="")
    settled_at = models.DateTimeField(null=True)
    exchange_index = models.SmallIntegerField(default=0)

    class Meta:
        verbose_name = "market"
        db_table = "markets"
        indexes = [
            models.Index(fields=["city_code", "-event_date"], name="market_city_date"),
            # Settlement asks for markets past their close that are not yet final.
            models.Index(
                fields=["close_at"], name="market_unsettled_close", condition=~Q(status="finalized")
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(result__in=["", "yes", "no", "scalar"]), name="market_result_known"
            ),
            models.CheckConstraint(
                condition=~Q(status="finalized") | Q(settled_at__isnull=False),
                name="market_finalized_has_time",
            ),
        ]

    def __str__(self) -> str:
        return self.ticker


class MarketSnapshotRow(models.Model):
    """A market's prices. A new row only on change; `last_seen_at` moves while they stay the same."""

    market = models.ForeignKey(MarketRow, on_delete=models.PROTECT, related_name="snapshots")
    city_code = models.CharField(max_length=3)
    captured_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    status = models.CharField(max_length=16)
    yes_bid = models.DecimalField(**PRICE, null=True)
    yes_bid_size = models.DecimalField(**COUNT, null=True)
    yes_ask = models.DecimalField(**PRICE, null=True)
    yes_ask_size = models.DecimalField(**COUNT, null=True)
    last_price = models.DecimalField(**PRICE, null=True)
    volume = models.DecimalField(**COUNT)
    open_interest = models.DecimalField(**COUNT)
    raw = models.JSONField(default=dict)
    """The order book as received, once per change."""

    class Meta:
        verbose_name = "market snapshot"
        db_table = "market_snapshots"
        indexes = [
            models.Index(fields=["market", "-captured_at"], name="snapshot_market_captured"),
            models.Index(fields=["city_code", "-captured_at"], name="snapshot_city_captured"),
            # Pruning scans by age; a block range index costs nothing to keep while rows arrive in order.
            BrinIndex(fields=["captured_at"], name="snapshot_captured_brin"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=price_on_0_1("yes_bid", "yes_ask", "last_price"), name="snapshot_prices_on_0_1"
            ),
            models.CheckConstraint(condition=paired("yes_bid", "yes_bid_size"), name="snapshot_bid_paired"),
            models.CheckConstraint(condition=paired("yes_ask", "yes_ask_size"), name="snapshot_ask_paired"),
            models.CheckConstraint(
                condition=Q(yes_bid__isnull=True) | Q(yes_ask__isnull=True) | Q(yes_bid__lt=F("yes_ask")),
                name="snapshot_not_crossed",
            ),
            models.CheckConstraint(
                condition=Q(last_seen_at__gte=F("captured_at")), name="snapshot_seen_after_capture"
            ),
            models.CheckConstraint(
                condition=Q(volume__gte=0, open_interest__gte=0), name="snapshot_counts_positive"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.market_id} {self.yes_bid}/{self.yes_ask}"
