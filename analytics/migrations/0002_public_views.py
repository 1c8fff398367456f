"""The views the public site reads, and the unmanaged models over them."""

from pathlib import Path

from django.db import migrations, models

from milkbot.schemas import create_view

SQL = Path(__file__).resolve().parents[1] / "sql"
LIVE = ("v_public_banner", "v_public_markets", "v_public_weather", "v_public_observations", "v_health_summary")
DELAYED = ("v_public_trades", "v_public_equity", "v_public_signals")


def delay_first(view):
    """Evaluate the view's own WHERE before a reader's.

    Otherwise a reader's condition that raises an error (a division by zero, say) could be run on rows that the delay
    is about to hide, and the error would tell of them.
    """
    return migrations.RunSQL(f"ALTER VIEW analytics.{view} SET (security_barrier = true)", migrations.RunSQL.noop)


class Migration(migrations.Migration):

    dependencies = [
        ("analytics", "0001_initial"),
        ("milkbot", "0001_initial"),
        ("weather", "0001_initial"),
        ("markets", "0001_initial"),
        ("trading", "0001_initial"),
    ]

    operations = [
        *(create_view(SQL / f"{view}.sql") for view in (*LIVE, *DELAYED)),
        *(delay_first(view) for view in DELAYED),
        migrations.CreateModel(
            name='HealthSummaryView',
            fields=[
                ('component', models.CharField(max_length=32, primary_key=True, serialize=False)),
                ('ok', models.BooleanField()),
                ('last_ok_at', models.DateTimeField(null=True)),
                ('message', models.TextField()),
                ('degraded', models.BooleanField()),
                ('degraded_after_s', models.IntegerField()),
            ],
            options={
                'db_table': 'v_health_summary',
                'managed': False,
            },
        ),
        migrations.CreateModel(
            name='PublicBannerView',
            fields=[
                ('mode', models.CharField(choices=[('SHADOW', 'SHADOW'), ('DEMO', 'DEMO'), ('LIVE', 'LIVE')], max_length=8, primary_key=True, serialize=False)),
                ('profile', models.CharField(max_length=32)),
                ('world', models.CharField(max_length=200)),
            ],
            options={
                'db_table': 'v_public_banner',
                'managed': False,
            },
        ),
        migrations.CreateModel(
            name='PublicEquityView',
            fields=[
                ('at', models.DateTimeField(primary_key=True, serialize=False)),
                ('total_equity', models.DecimalField(decimal_places=6, max_digits=18)),
                ('realized_pnl', models.DecimalField(decimal_places=6, max_digits=18)),
                ('unrealized_pnl', models.DecimalField(decimal_places=6, max_digits=18)),
            ],
            options={
                'db_table': 'v_public_equity',
                'managed': False,
            },
        ),
        migrations.CreateModel(
            name='PublicMarketView',
            fields=[
                ('ticker', models.CharField(max_length=48, primary_key=True, serialize=False)),
                ('event_ticker', models.CharField(max_length=40)),
                ('city', models.CharField(max_length=3)),
                ('event_date', models.DateField()),
                ('refusal', models.CharField(max_length=40)),
                ('refusal_text', models.TextField()),
                ('label', models.CharField(max_length=40)),
                ('low_f', models.SmallIntegerField(null=True)),
                ('high_f', models.SmallIntegerField(null=True)),
                ('close_at', models.DateTimeField()),
                ('status', models.CharField(max_length=16)),
                ('result', models.CharField(max_length=8)),
                ('expiration_value', models.CharField(max_length=16)),
                ('settled_at', models.DateTimeField(null=True)),
                ('captured_at', models.DateTimeField(null=True)),
                ('last_seen_at', models.DateTimeField(null=True)),
                ('yes_bid', models.DecimalField(decimal_places=6, max_digits=8, null=True)),
                ('yes_bid_size', models.DecimalField(decimal_places=2, max_digits=16, null=True)),
                ('yes_ask', models.DecimalField(decimal_places=6, max_digits=8, null=True)),
                ('yes_ask_size', models.DecimalField(decimal_places=2, max_digits=16, null=True)),
                ('last_price', models.DecimalField(decimal_places=6, max_digits=8, null=True)),
                ('volume', models.DecimalField(decimal_places=2, max_digits=16, null=True)),
            ],
            options={
                'db_table': 'v_public_markets',
                'managed': False,
            },
        ),
        migrations.CreateModel(
            name='PublicObservationView',
            fields=[
                ('city', models.CharField(max_length=3, primary_key=True, serialize=False)),
                ('station', models.CharField(max_length=5)),
                ('observed_at', models.DateTimeField()),
                ('temp_c', models.FloatField()),
                ('is_metar', models.BooleanField()),
            ],
            options={
                'db_table': 'v_public_observations',
                'managed': False,
            },
        ),
        migrations.CreateModel(
            name='PublicSignalView',
            fields=[
                ('ticker', models.CharField(max_length=48, primary_key=True, serialize=False)),
                ('p_yes', models.FloatField()),
                ('made_at', models.DateTimeField()),
            ],
            options={
                'db_table': 'v_public_signals',
                'managed': False,
            },
        ),
        migrations.CreateModel(
            name='PublicTradeView',
            fields=[
                ('city', models.CharField(max_length=3, primary_key=True, serialize=False)),
                ('market_type', models.CharField(max_length=40)),
                ('side', models.CharField(max_length=8)),
                ('qty', models.DecimalField(decimal_places=2, max_digits=16)),
                ('price', models.DecimalField(decimal_places=6, max_digits=8)),
                ('fill_time', models.DateTimeField()),
            ],
            options={
                'db_table': 'v_public_trades',
                'managed': False,
            },
        ),
        migrations.CreateModel(
            name='PublicWeatherView',
            fields=[
                ('city', models.CharField(max_length=3, primary_key=True, serialize=False)),
                ('station', models.CharField(max_length=5)),
                ('observed_temp_c', models.FloatField(null=True)),
                ('observed_at', models.DateTimeField(null=True)),
                ('highs', models.JSONField()),
                ('issued_at', models.DateTimeField(null=True)),
                ('fetched_at', models.DateTimeField()),
            ],
            options={
                'db_table': 'v_public_weather',
                'managed': False,
            },
        ),
    ]
