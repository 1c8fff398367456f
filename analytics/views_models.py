"""Unmanaged models over the views in `analytics/sql/`: names and types of their columns for the ORM.

The views carry no ids on purpose. Django insists on a primary key, so the first column is declared one; rows are only
ever read through `.values()`, where a repeated "key" does no harm.
"""

# ruff: noqa: DJ008 - read as values, never shown as objects

from django.db import models

from milkbot.core.config import TradingMode


class PublicBannerView(models.Model):
    """The published mode, and whether its world is the real one. No row while no mode is published."""

    mode = models.CharField(primary_key=True, max_length=8, choices=[(m.value, m.value) for m in TradingMode])
    profile = models.CharField(max_length=32)
    world = models.CharField(max_length=200)

    class Meta:
        managed = False
        db_table = "v_public_banner"


class PublicTradeView(models.Model):
    """Executions, 60 minutes late. `price` is that of the side named, dollars per contract."""

    city = models.CharField(primary_key=True, max_length=3)
    market_type = models.CharField(max_length=40)
    side = models.CharField(max_length=8)
    qty = models.DecimalField(max_digits=16, decimal_places=2)
    price = models.DecimalField(max_digits=8, decimal_places=6)
    fill_time = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "v_public_trades"


class PublicEquityView(models.Model):
    """The account at the end of each cycle, 60 minutes late; dollars."""

    at = models.DateTimeField(primary_key=True)
    total_equity = models.DecimalField(max_digits=18, decimal_places=6)
    realized_pnl = models.DecimalField(max_digits=18, decimal_places=6)
    unrealized_pnl = models.DecimalField(max_digits=18, decimal_places=6)

    class Meta:
        managed = False
        db_table = "v_public_equity"


class PublicMarketView(models.Model):
    """Every bracket of the three newest events of each city with its latest prices."""

    ticker = models.CharField(primary_key=True, max_length=48)
    event_ticker = models.CharField(max_length=40)
    city = models.CharField(max_length=3)
    event_date = models.DateField()
    refusal = models.CharField(max_length=40)
    refusal_text = models.TextField()
    label = models.CharField(max_length=40)
    low_f = models.SmallIntegerField(null=True)
    high_f = models.SmallIntegerField(null=True)
    close_at = models.DateTimeField()
    status = models.CharField(max_length=16)
    result = models.CharField(max_length=8)
    expiration_value = models.CharField(max_length=16)
    settled_at = models.DateTimeField(null=True)
    captured_at = models.DateTimeField(null=True)
    last_seen_at = models.DateTimeField(null=True)
    yes_bid = models.DecimalField(max_digits=8, decimal_places=6, null=True)
    yes_bid_size = models.DecimalField(max_digits=16, decimal_places=2, null=True)
    yes_ask = models.DecimalField(max_digits=8, decimal_places=6, null=True)
    yes_ask_size = models.DecimalField(max_digits=16, decimal_places=2, null=True)
    last_price = models.DecimalField(max_digits=8, decimal_places=6, null=True)
    volume = models.DecimalField(max_digits=16, decimal_places=2, null=True)

    class Meta:
        managed = False
        db_table = "v_public_markets"


class PublicWeatherView(models.Model):
    """The latest forecast highs and observation of each city."""

    city = models.CharField(primary_key=True, max_length=3)
    station = models.CharField(max_length=5)
    observed_temp_c = models.FloatField(null=True)
    observed_at = models.DateTimeField(null=True)
    highs = models.JSONField()
    issued_at = models.DateTimeField(null=True)
    fetched_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "v_public_weather"


class PublicObservationView(models.Model):
    """Readings of the settlement stations."""

    city = models.CharField(primary_key=True, max_length=3)
    station = models.CharField(max_length=5)
    observed_at = models.DateTimeField()
    temp_c = models.FloatField()
    is_metar = models.BooleanField()

    class Meta:
        managed = False
        db_table = "v_public_observations"


class PublicSignalView(models.Model):
    """Our probability of each bracket as it stood 60 minutes ago."""

    ticker = models.CharField(primary_key=True, max_length=48)
    p_yes = models.FloatField()
    made_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "v_public_signals"


class PublicLockView(models.Model):
    """What keeps us from trading: live, but 60 minutes late where our own trading is the cause."""

    scope = models.CharField(primary_key=True, max_length=48)
    city = models.CharField(max_length=3, null=True)  # noqa: DJ001 - null: everywhere
    code = models.CharField(max_length=40)
    message = models.TextField()
    needs_person = models.BooleanField()
    from_own_trading = models.BooleanField()
    locked_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "v_public_locks"


class PublicSkillView(models.Model):
    """Our log loss beside the market's by climate day and hours, 60 minutes late; `band` null is all hours."""

    event_date = models.DateField(primary_key=True)
    band = models.IntegerField(null=True)
    events = models.IntegerField()
    scores = models.IntegerField()
    our_loss = models.FloatField()
    market_loss = models.FloatField()

    class Meta:
        managed = False
        db_table = "v_public_skill"


class HealthSummaryView(models.Model):
    """One row per component, degraded or not at the moment of reading."""

    component = models.CharField(primary_key=True, max_length=32)
    ok = models.BooleanField()
    last_ok_at = models.DateTimeField(null=True)
    message = models.TextField()
    degraded = models.BooleanField()
    degraded_after_s = models.IntegerField()

    class Meta:
        managed = False
        db_table = "v_health_summary"
