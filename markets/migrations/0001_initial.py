import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models

from milkbot.schemas import in_schema


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ("milkbot", "0001_initial"),
    ]

    operations = [
        in_schema("ops"),
        migrations.CreateModel(
            name='EventRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('event_ticker', models.CharField(max_length=40, unique=True)),
                ('series_ticker', models.CharField(max_length=32)),
                ('city_code', models.CharField(max_length=3)),
                ('event_date', models.DateField()),
                ('title', models.TextField(blank=True, default='')),
                ('close_at', models.DateTimeField()),
                ('settlement_source', models.CharField(blank=True, default='', max_length=32)),
                ('cli_code', models.CharField(blank=True, default='', max_length=6)),
                ('fee_type', models.CharField(blank=True, default='', max_length=40)),
                ('fee_multiplier', models.DecimalField(decimal_places=4, max_digits=8, null=True)),
                ('refusal', models.CharField(blank=True, default='', max_length=40)),
                ('refusal_text', models.TextField(blank=True, default='')),
                ('first_seen_at', models.DateTimeField()),
            ],
            options={
                'db_table': 'events',
                'indexes': [models.Index(fields=['city_code', '-event_date'], name='event_city_date')],
            },
        ),
        migrations.CreateModel(
            name='MarketRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('ticker', models.CharField(max_length=48, unique=True)),
                ('city_code', models.CharField(max_length=3)),
                ('event_date', models.DateField()),
                ('strike_type', models.CharField(blank=True, default='', max_length=12)),
                ('low_f', models.SmallIntegerField(null=True)),
                ('high_f', models.SmallIntegerField(null=True)),
                ('label', models.CharField(blank=True, default='', max_length=40)),
                ('status', models.CharField(max_length=16)),
                ('open_at', models.DateTimeField()),
                ('close_at', models.DateTimeField()),
                ('result', models.CharField(blank=True, default='', max_length=8)),
                ('expiration_value', models.CharField(blank=True, default='', max_length=16)),
                ('settled_at', models.DateTimeField(null=True)),
                ('exchange_index', models.SmallIntegerField(default=0)),
                ('event', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='markets', to='markets.eventrow')),
            ],
            options={
                'db_table': 'markets',
            },
        ),
        migrations.CreateModel(
            name='MarketSnapshotRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('city_code', models.CharField(max_length=3)),
                ('captured_at', models.DateTimeField()),
                ('last_seen_at', models.DateTimeField()),
                ('status', models.CharField(max_length=16)),
                ('yes_bid', models.DecimalField(decimal_places=6, max_digits=8, null=True)),
                ('yes_bid_size', models.DecimalField(decimal_places=2, max_digits=16, null=True)),
                ('yes_ask', models.DecimalField(decimal_places=6, max_digits=8, null=True)),
                ('yes_ask_size', models.DecimalField(decimal_places=2, max_digits=16, null=True)),
                ('last_price', models.DecimalField(decimal_places=6, max_digits=8, null=True)),
                ('volume', models.DecimalField(decimal_places=2, max_digits=16)),
                ('open_interest', models.DecimalField(decimal_places=2, max_digits=16)),
                ('raw', models.JSONField(default=dict)),
                ('market', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='snapshots', to='markets.marketrow')),
            ],
            options={
                'db_table': 'market_snapshots',
            },
        ),
        migrations.AddIndex(
            model_name='marketrow',
            index=models.Index(fields=['city_code', '-event_date'], name='market_city_date'),
        ),
        migrations.AddIndex(
            model_name='marketrow',
            index=models.Index(condition=models.Q(('status', 'finalized'), _negated=True), fields=['close_at'], name='market_unsettled_close'),
        ),
        migrations.AddConstraint(
            model_name='marketrow',
            constraint=models.CheckConstraint(condition=models.Q(('result__in', ['', 'yes', 'no', 'scalar'])), name='market_result_known'),
        ),
        migrations.AddConstraint(
            model_name='marketrow',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'finalized'), _negated=True), ('settled_at__isnull', False), _connector='OR'), name='market_finalized_has_time'),
        ),
        migrations.AddIndex(
            model_name='marketsnapshotrow',
            index=models.Index(fields=['market', '-captured_at'], name='snapshot_market_captured'),
        ),
        migrations.AddIndex(
            model_name='marketsnapshotrow',
            index=models.Index(fields=['city_code', '-captured_at'], name='snapshot_city_captured'),
        ),
        migrations.AddIndex(
            model_name='marketsnapshotrow',
            index=django.contrib.postgres.indexes.BrinIndex(fields=['captured_at'], name='snapshot_captured_brin'),
        ),
        migrations.AddConstraint(
            model_name='marketsnapshotrow',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('yes_bid__isnull', True), models.Q(('yes_bid__gt', 0), ('yes_bid__lt', 1)), _connector='OR'), models.Q(('yes_ask__isnull', True), models.Q(('yes_ask__gt', 0), ('yes_ask__lt', 1)), _connector='OR'), models.Q(('last_price__isnull', True), models.Q(('last_price__gt', 0), ('last_price__lt', 1)), _connector='OR')), name='snapshot_prices_on_0_1'),
        ),
        migrations.AddConstraint(
            model_name='marketsnapshotrow',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('yes_bid__isnull', True), ('yes_bid_size__isnull', True)), models.Q(('yes_bid__isnull', False), ('yes_bid_size__isnull', False)), _connector='OR'), name='snapshot_bid_paired'),
        ),
        migrations.AddConstraint(
            model_name='marketsnapshotrow',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('yes_ask__isnull', True), ('yes_ask_size__isnull', True)), models.Q(('yes_ask__isnull', False), ('yes_ask_size__isnull', False)), _connector='OR'), name='snapshot_ask_paired'),
        ),
        migrations.AddConstraint(
            model_name='marketsnapshotrow',
            constraint=models.CheckConstraint(condition=models.Q(('yes_bid__isnull', True), ('yes_ask__isnull', True), ('yes_bid__lt', models.F('yes_ask')), _connector='OR'), name='snapshot_not_crossed'),
        ),
        migrations.AddConstraint(
            model_name='marketsnapshotrow',
            constraint=models.CheckConstraint(condition=models.Q(('last_seen_at__gte', models.F('captured_at'))), name='snapshot_seen_after_capture'),
        ),
        migrations.AddConstraint(
            model_name='marketsnapshotrow',
            constraint=models.CheckConstraint(condition=models.Q(('open_interest__gte', 0), ('volume__gte', 0)), name='snapshot_counts_positive'),
        ),
    ]
