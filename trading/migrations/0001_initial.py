import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.expressions
from django.conf import settings
from django.db import migrations, models

from milkbot.schemas import append_only, in_schema


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ("milkbot", "0001_initial"),
        ('markets', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        in_schema("ops"),
        migrations.CreateModel(
            name='ControlsRow',
            fields=[
                ('mode', models.CharField(choices=[('SHADOW', 'SHADOW'), ('DEMO', 'DEMO'), ('LIVE', 'LIVE')], max_length=8, primary_key=True, serialize=False)),
                ('state', models.CharField(choices=[('ACTIVE', 'ACTIVE'), ('REDUCING', 'REDUCING'), ('HALTED', 'HALTED')], default='ACTIVE', max_length=8)),
                ('reason', models.TextField(blank=True, default='')),
                ('changed_by', models.CharField(default='system', max_length=150)),
                ('changed_at', models.DateTimeField()),
                ('is_published', models.BooleanField(default=False)),
            ],
            options={
                'db_table': 'controls',
                'constraints': [models.CheckConstraint(condition=models.Q(('mode__in', ['SHADOW', 'DEMO', 'LIVE'])), name='controls_mode_known'), models.CheckConstraint(condition=models.Q(('state__in', ['ACTIVE', 'REDUCING', 'HALTED'])), name='controls_state_known'), models.UniqueConstraint(condition=models.Q(('is_published', True)), fields=('is_published',), name='controls_one_published_mode')],
            },
        ),
        migrations.CreateModel(
            name='CycleRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('mode', models.CharField(choices=[('SHADOW', 'SHADOW'), ('DEMO', 'DEMO'), ('LIVE', 'LIVE')], max_length=8)),
                ('started_at', models.DateTimeField()),
                ('finished_wall_at', models.DateTimeField()),
                ('duration_ms', models.PositiveIntegerField()),
                ('ok', models.BooleanField()),
                ('cities', models.PositiveSmallIntegerField(default=0)),
                ('markets', models.PositiveSmallIntegerField(default=0)),
                ('signals', models.PositiveSmallIntegerField(default=0)),
                ('intents', models.PositiveSmallIntegerField(default=0)),
                ('fills', models.PositiveSmallIntegerField(default=0)),
                ('timings_ms', models.JSONField(default=dict)),
                ('codes', models.JSONField(default=dict)),
                ('errors', models.JSONField(default=list)),
                ('cash', models.DecimalField(decimal_places=6, max_digits=18, null=True)),
                ('realized_pnl', models.DecimalField(decimal_places=6, max_digits=18, null=True)),
                ('unrealized_pnl', models.DecimalField(decimal_places=6, max_digits=18, null=True)),
            ],
            options={
                'db_table': 'cycles',
                'indexes': [models.Index(fields=['mode', '-finished_wall_at'], name='cycle_mode_finished')],
                'constraints': [models.CheckConstraint(condition=models.Q(('mode__in', ['SHADOW', 'DEMO', 'LIVE'])), name='cycle_mode_known'), models.CheckConstraint(condition=models.Q(models.Q(('cash__isnull', True), ('realized_pnl__isnull', True), ('unrealized_pnl__isnull', True)), models.Q(('cash__isnull', False), ('realized_pnl__isnull', False), ('unrealized_pnl__isnull', False)), _connector='OR'), name='cycle_account_paired')],
            },
        ),
        migrations.CreateModel(
            name='IntentRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('intent_key', models.CharField(max_length=160, unique=True)),
                ('mode', models.CharField(choices=[('SHADOW', 'SHADOW'), ('DEMO', 'DEMO'), ('LIVE', 'LIVE')], max_length=8)),
                ('city_code', models.CharField(max_length=3)),
                ('event_date', models.DateField()),
                ('side', models.CharField(choices=[('YES', 'YES'), ('NO', 'NO')], max_length=3)),
                ('action', models.CharField(choices=[('BUY', 'BUY'), ('SELL', 'SELL')], max_length=4)),
                ('book_side', models.CharField(choices=[('bid', 'bid'), ('ask', 'ask')], max_length=3)),
                ('strategy', models.CharField(max_length=40)),
                ('generation', models.PositiveIntegerField(default=0)),
                ('count', models.DecimalField(decimal_places=2, max_digits=16)),
                ('limit_price', models.DecimalField(decimal_places=6, max_digits=8)),
                ('max_cost', models.DecimalField(decimal_places=6, max_digits=18)),
                ('p_yes', models.FloatField()),
                ('decided_at', models.DateTimeField()),
                ('fencing', models.BigIntegerField()),
                ('market', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='intents', to='markets.marketrow')),
            ],
            options={
                'db_table': 'intents',
            },
        ),
        migrations.CreateModel(
            name='LockRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('mode', models.CharField(choices=[('SHADOW', 'SHADOW'), ('DEMO', 'DEMO'), ('LIVE', 'LIVE')], max_length=8)),
                ('scope', models.CharField(max_length=48)),
                ('code', models.CharField(max_length=40)),
                ('message', models.TextField(blank=True, default='')),
                ('needs_person', models.BooleanField()),
                ('from_own_trading', models.BooleanField(default=False)),
                ('clear_count', models.PositiveSmallIntegerField(default=0)),
                ('locked_at', models.DateTimeField()),
                ('cleared_at', models.DateTimeField(null=True)),
                ('cleared_by', models.CharField(max_length=150, null=True)),
            ],
            options={
                'db_table': 'locks',
                'constraints': [models.CheckConstraint(condition=models.Q(('mode__in', ['SHADOW', 'DEMO', 'LIVE'])), name='lock_mode_known'), models.UniqueConstraint(condition=models.Q(('cleared_at__isnull', True)), fields=('mode', 'scope', 'code'), name='lock_active_once'), models.CheckConstraint(condition=models.Q(models.Q(('cleared_at__isnull', True), ('cleared_by__isnull', True)), models.Q(('cleared_at__isnull', False), ('cleared_by__isnull', False)), _connector='OR'), name='lock_cleared_paired')],
            },
        ),
        migrations.CreateModel(
            name='OperatorActionRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('actor', models.CharField(max_length=150)),
                ('action', models.CharField(max_length=40)),
                ('mode', models.CharField(choices=[('SHADOW', 'SHADOW'), ('DEMO', 'DEMO'), ('LIVE', 'LIVE')], max_length=8)),
                ('reason', models.TextField()),
                ('before', models.JSONField(default=dict)),
                ('after', models.JSONField(default=dict)),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'operator_actions',
            },
        ),
        migrations.CreateModel(
            name='OrderRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('client_order_id', models.UUIDField(unique=True)),
                ('kalshi_order_id', models.CharField(max_length=64, null=True, unique=True)),
                ('mode', models.CharField(choices=[('SHADOW', 'SHADOW'), ('DEMO', 'DEMO'), ('LIVE', 'LIVE')], max_length=8)),
                ('side', models.CharField(choices=[('YES', 'YES'), ('NO', 'NO')], max_length=3)),
                ('action', models.CharField(choices=[('BUY', 'BUY'), ('SELL', 'SELL')], max_length=4)),
                ('book_side', models.CharField(choices=[('bid', 'bid'), ('ask', 'ask')], max_length=3)),
                ('limit_price', models.DecimalField(decimal_places=6, max_digits=8)),
                ('count', models.DecimalField(decimal_places=2, max_digits=16)),
                ('filled_count', models.DecimalField(decimal_places=2, default=0, max_digits=16)),
                ('time_in_force', models.CharField(choices=[('good_till_canceled', 'good_till_canceled'), ('immediate_or_cancel', 'immediate_or_cancel'), ('fill_or_kill', 'fill_or_kill')], max_length=24)),
                ('state', models.CharField(choices=[('NEW', 'NEW'), ('SUBMITTED', 'SUBMITTED'), ('UNKNOWN', 'UNKNOWN'), ('RESTING', 'RESTING'), ('PARTIAL', 'PARTIAL'), ('FILLED', 'FILLED'), ('CANCELED', 'CANCELED'), ('REJECTED', 'REJECTED'), ('CLOSED', 'CLOSED')], default='NEW', max_length=12)),
                ('version', models.PositiveIntegerField(default=0)),
                ('created_at', models.DateTimeField()),
                ('updated_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField(null=True)),
                ('intent', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='order', to='trading.intentrow')),
                ('market', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='orders', to='markets.marketrow')),
            ],
            options={
                'db_table': 'orders',
            },
        ),
        migrations.CreateModel(
            name='OrderEventRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.PositiveIntegerField()),
                ('from_state', models.CharField(blank=True, default='', max_length=12)),
                ('to_state', models.CharField(choices=[('NEW', 'NEW'), ('SUBMITTED', 'SUBMITTED'), ('UNKNOWN', 'UNKNOWN'), ('RESTING', 'RESTING'), ('PARTIAL', 'PARTIAL'), ('FILLED', 'FILLED'), ('CANCELED', 'CANCELED'), ('REJECTED', 'REJECTED'), ('CLOSED', 'CLOSED')], max_length=12)),
                ('event', models.CharField(max_length=40)),
                ('actor', models.CharField(default='system', max_length=150)),
                ('at', models.DateTimeField()),
                ('payload', models.JSONField(default=dict)),
                ('order', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='events', to='trading.orderrow')),
            ],
            options={
                'db_table': 'order_events',
            },
        ),
        migrations.CreateModel(
            name='FillRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('fill_id', models.CharField(max_length=80)),
                ('mode', models.CharField(choices=[('SHADOW', 'SHADOW'), ('DEMO', 'DEMO'), ('LIVE', 'LIVE')], max_length=8)),
                ('kalshi_order_id', models.CharField(blank=True, default='', max_length=64)),
                ('book_side', models.CharField(choices=[('bid', 'bid'), ('ask', 'ask')], max_length=3)),
                ('count', models.DecimalField(decimal_places=2, max_digits=16)),
                ('yes_price', models.DecimalField(decimal_places=6, max_digits=8)),
                ('fee', models.DecimalField(decimal_places=6, max_digits=18)),
                ('is_taker', models.BooleanField()),
                ('filled_at', models.DateTimeField()),
                ('market', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='fills', to='markets.marketrow')),
                ('order', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='fills', to='trading.orderrow')),
            ],
            options={
                'db_table': 'fills',
            },
        ),
        migrations.CreateModel(
            name='PositionRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('mode', models.CharField(choices=[('SHADOW', 'SHADOW'), ('DEMO', 'DEMO'), ('LIVE', 'LIVE')], max_length=8)),
                ('count', models.DecimalField(decimal_places=2, default=0, max_digits=16)),
                ('cost', models.DecimalField(decimal_places=6, default=0, max_digits=18)),
                ('realized_pnl', models.DecimalField(decimal_places=6, default=0, max_digits=18)),
                ('fees', models.DecimalField(decimal_places=6, default=0, max_digits=18)),
                ('is_open', models.BooleanField()),
                ('opened_at', models.DateTimeField()),
                ('updated_at', models.DateTimeField()),
                ('settled_at', models.DateTimeField(null=True)),
                ('market', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='positions', to='markets.marketrow')),
            ],
            options={
                'db_table': 'positions',
            },
        ),
        migrations.CreateModel(
            name='RiskEventRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('severity', models.CharField(choices=[('INFO', 'INFO'), ('WARNING', 'WARNING'), ('CRITICAL', 'CRITICAL')], max_length=8)),
                ('event_type', models.CharField(max_length=40)),
                ('mode', models.CharField(choices=[('SHADOW', 'SHADOW'), ('DEMO', 'DEMO'), ('LIVE', 'LIVE')], max_length=8)),
                ('city_code', models.CharField(blank=True, default='', max_length=3)),
                ('market_ticker', models.CharField(blank=True, default='', max_length=48)),
                ('message', models.TextField(blank=True, default='')),
                ('payload', models.JSONField(default=dict)),
            ],
            options={
                'db_table': 'risk_events',
                'indexes': [models.Index(fields=['-at'], name='risk_event_at'), models.Index(fields=['severity', '-at'], name='risk_event_severity_at')],
                'constraints': [models.CheckConstraint(condition=models.Q(('mode__in', ['SHADOW', 'DEMO', 'LIVE'])), name='risk_event_mode_known'), models.CheckConstraint(condition=models.Q(('severity__in', ['INFO', 'WARNING', 'CRITICAL'])), name='risk_severity_known')],
            },
        ),
        migrations.CreateModel(
            name='SettlementRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('mode', models.CharField(choices=[('SHADOW', 'SHADOW'), ('DEMO', 'DEMO'), ('LIVE', 'LIVE')], max_length=8)),
                ('revision', models.PositiveSmallIntegerField(default=0)),
                ('result', models.CharField(max_length=8)),
                ('expiration_value', models.CharField(blank=True, default='', max_length=16)),
                ('count', models.DecimalField(decimal_places=2, max_digits=16)),
                ('cost', models.DecimalField(decimal_places=6, max_digits=18)),
                ('payout', models.DecimalField(decimal_places=6, max_digits=18)),
                ('pnl', models.DecimalField(decimal_places=6, max_digits=18)),
                ('settled_at', models.DateTimeField()),
                ('booked_at', models.DateTimeField()),
                ('market', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='settlements', to='markets.marketrow')),
            ],
            options={
                'db_table': 'settlements',
            },
        ),
        migrations.CreateModel(
            name='LedgerRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('mode', models.CharField(choices=[('SHADOW', 'SHADOW'), ('DEMO', 'DEMO'), ('LIVE', 'LIVE')], max_length=8)),
                ('kind', models.CharField(choices=[('deposit', 'Deposit'), ('fill', 'Fill'), ('fee', 'Fee'), ('rebate', 'Rebate'), ('settlement', 'Settlement'), ('external', 'External')], max_length=12)),
                ('amount', models.DecimalField(decimal_places=6, max_digits=18)),
                ('note', models.TextField(blank=True, default='')),
                ('at', models.DateTimeField()),
                ('fill', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='ledger', to='trading.fillrow')),
                ('settlement', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='ledger', to='trading.settlementrow')),
            ],
            options={
                'db_table': 'ledger',
            },
        ),
        migrations.CreateModel(
            name='SignalRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('mode', models.CharField(choices=[('SHADOW', 'SHADOW'), ('DEMO', 'DEMO'), ('LIVE', 'LIVE')], max_length=8)),
                ('city_code', models.CharField(max_length=3)),
                ('event_date', models.DateField()),
                ('made_at', models.DateTimeField()),
                ('seen_until', models.DateTimeField()),
                ('p_yes', models.FloatField()),
                ('uncertainty', models.FloatField()),
                ('edge', models.DecimalField(decimal_places=6, max_digits=8, null=True)),
                ('decision', models.CharField(choices=[('BUY', 'BUY'), ('SELL', 'SELL'), ('HOLD', 'HOLD')], max_length=4)),
                ('codes', models.JSONField(default=list)),
                ('ensemble', models.JSONField(null=True)),
                ('market', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='signals', to='markets.marketrow')),
            ],
            options={
                'db_table': 'signals',
            },
        ),
        migrations.CreateModel(
            name='TraderLeaseRow',
            fields=[
                ('mode', models.CharField(choices=[('SHADOW', 'SHADOW'), ('DEMO', 'DEMO'), ('LIVE', 'LIVE')], max_length=8, primary_key=True, serialize=False)),
                ('holder', models.CharField(max_length=80)),
                ('fencing', models.BigIntegerField()),
                ('acquired_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
            ],
            options={
                'db_table': 'trader_lease',
                'constraints': [models.CheckConstraint(condition=models.Q(('mode__in', ['SHADOW', 'DEMO', 'LIVE'])), name='lease_mode_known')],
            },
        ),
        migrations.CreateModel(
            name='DecisionRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('mode', models.CharField(choices=[('SHADOW', 'SHADOW'), ('DEMO', 'DEMO'), ('LIVE', 'LIVE')], max_length=8)),
                ('city_code', models.CharField(max_length=3)),
                ('code', models.CharField(max_length=32)),
                ('detail', models.TextField(blank=True, default='')),
                ('count', models.DecimalField(decimal_places=2, default=0, max_digits=16)),
                ('decided_at', models.DateTimeField()),
                ('seen_until', models.DateTimeField()),
                ('market', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='decisions', to='markets.marketrow')),
            ],
            options={
                'db_table': 'decisions',
                'indexes': [models.Index(fields=['mode', 'market', '-decided_at'], name='decision_mode_market_decided')],
                'constraints': [models.CheckConstraint(condition=models.Q(('mode__in', ['SHADOW', 'DEMO', 'LIVE'])), name='decision_mode_known'), models.CheckConstraint(condition=models.Q(('count__gte', 0)), name='decision_count_positive'), models.CheckConstraint(condition=models.Q(('seen_until__gte', models.F('decided_at'))), name='decision_seen_after_decided')],
            },
        ),
        migrations.AddIndex(
            model_name='intentrow',
            index=models.Index(fields=['mode', 'event_date', 'city_code'], name='intent_mode_date_city'),
        ),
        migrations.AddConstraint(
            model_name='intentrow',
            constraint=models.CheckConstraint(condition=models.Q(('mode__in', ['SHADOW', 'DEMO', 'LIVE'])), name='intent_mode_known'),
        ),
        migrations.AddConstraint(
            model_name='intentrow',
            constraint=models.CheckConstraint(condition=models.Q(('limit_price__gt', 0), ('limit_price__lt', 1)), name='intent_price_on_0_1'),
        ),
        migrations.AddConstraint(
            model_name='intentrow',
            constraint=models.CheckConstraint(condition=models.Q(('count__gt', 0), ('max_cost__gte', 0)), name='intent_count_positive'),
        ),
        migrations.AddConstraint(
            model_name='intentrow',
            constraint=models.CheckConstraint(condition=models.Q(('p_yes__range', (0, 1))), name='intent_p_on_0_1'),
        ),
        migrations.AddConstraint(
            model_name='intentrow',
            constraint=models.CheckConstraint(condition=models.Q(('intent_key__startswith', models.F('mode'))), name='intent_key_begins_with_mode'),
        ),
        migrations.AddConstraint(
            model_name='intentrow',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('action', 'BUY'), ('book_side', 'bid'), ('side', 'YES')), models.Q(('action', 'SELL'), ('book_side', 'bid'), ('side', 'NO')), models.Q(('action', 'SELL'), ('book_side', 'ask'), ('side', 'YES')), models.Q(('action', 'BUY'), ('book_side', 'ask'), ('side', 'NO')), _connector='OR'), name='intent_book_side_matches'),
        ),
        migrations.AddIndex(
            model_name='operatoractionrow',
            index=models.Index(fields=['-at'], name='operator_action_at'),
        ),
        migrations.AddConstraint(
            model_name='operatoractionrow',
            constraint=models.CheckConstraint(condition=models.Q(('mode__in', ['SHADOW', 'DEMO', 'LIVE'])), name='operator_action_mode_known'),
        ),
        migrations.AddIndex(
            model_name='orderrow',
            index=models.Index(fields=['mode', 'state'], name='order_mode_state'),
        ),
        migrations.AddIndex(
            model_name='orderrow',
            index=models.Index(fields=['market', '-created_at'], name='order_market_created'),
        ),
        migrations.AddConstraint(
            model_name='orderrow',
            constraint=models.CheckConstraint(condition=models.Q(('mode__in', ['SHADOW', 'DEMO', 'LIVE'])), name='order_mode_known'),
        ),
        migrations.AddConstraint(
            model_name='orderrow',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['NEW', 'SUBMITTED', 'UNKNOWN', 'RESTING', 'PARTIAL', 'FILLED', 'CANCELED', 'REJECTED', 'CLOSED'])), name='order_state_known'),
        ),
        migrations.AddConstraint(
            model_name='orderrow',
            constraint=models.CheckConstraint(condition=models.Q(('limit_price__gt', 0), ('limit_price__lt', 1)), name='order_price_on_0_1'),
        ),
        migrations.AddConstraint(
            model_name='orderrow',
            constraint=models.CheckConstraint(condition=models.Q(('count__gt', 0)), name='order_count_positive'),
        ),
        migrations.AddConstraint(
            model_name='orderrow',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('action', 'BUY'), ('book_side', 'bid'), ('side', 'YES')), models.Q(('action', 'SELL'), ('book_side', 'bid'), ('side', 'NO')), models.Q(('action', 'SELL'), ('book_side', 'ask'), ('side', 'YES')), models.Q(('action', 'BUY'), ('book_side', 'ask'), ('side', 'NO')), _connector='OR'), name='order_book_side_matches'),
        ),
        migrations.AddConstraint(
            model_name='orderrow',
            constraint=models.CheckConstraint(condition=models.Q(('kalshi_order_id', ''), _negated=True), name='order_unnamed_is_null'),
        ),
        migrations.AddConstraint(
            model_name='orderrow',
            constraint=models.CheckConstraint(condition=models.Q(('filled_count__gte', 0), ('filled_count__lte', models.F('count'))), name='order_not_overfilled'),
        ),
        migrations.AddConstraint(
            model_name='ordereventrow',
            constraint=models.UniqueConstraint(fields=('order', 'version'), name='order_event_version_once'),
        ),
        migrations.AddIndex(
            model_name='fillrow',
            index=models.Index(fields=['mode', '-filled_at'], name='fill_mode_filled'),
        ),
        migrations.AddIndex(
            model_name='fillrow',
            index=models.Index(fields=['mode', 'market'], name='fill_mode_market'),
        ),
        migrations.AddConstraint(
            model_name='fillrow',
            constraint=models.CheckConstraint(condition=models.Q(('mode__in', ['SHADOW', 'DEMO', 'LIVE'])), name='fill_mode_known'),
        ),
        migrations.AddConstraint(
            model_name='fillrow',
            constraint=models.UniqueConstraint(fields=('mode', 'fill_id'), name='fill_once'),
        ),
        migrations.AddConstraint(
            model_name='fillrow',
            constraint=models.CheckConstraint(condition=models.Q(('yes_price__gt', 0), ('yes_price__lt', 1)), name='fill_price_on_0_1'),
        ),
        migrations.AddConstraint(
            model_name='fillrow',
            constraint=models.CheckConstraint(condition=models.Q(('count__gt', 0)), name='fill_count_positive'),
        ),
        migrations.AddIndex(
            model_name='positionrow',
            index=models.Index(condition=models.Q(('is_open', True)), fields=['mode'], name='position_open'),
        ),
        migrations.AddConstraint(
            model_name='positionrow',
            constraint=models.CheckConstraint(condition=models.Q(('mode__in', ['SHADOW', 'DEMO', 'LIVE'])), name='position_mode_known'),
        ),
        migrations.AddConstraint(
            model_name='positionrow',
            constraint=models.UniqueConstraint(fields=('mode', 'market'), name='position_once'),
        ),
        migrations.AddConstraint(
            model_name='positionrow',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('is_open', True), models.Q(('count', 0), _negated=True)), models.Q(('count', 0), ('is_open', False)), _connector='OR'), name='position_open_means_held'),
        ),
        migrations.AddConstraint(
            model_name='positionrow',
            constraint=models.CheckConstraint(condition=models.Q(('cost__gte', 0)), name='position_cost_positive'),
        ),
        migrations.AddConstraint(
            model_name='settlementrow',
            constraint=models.CheckConstraint(condition=models.Q(('mode__in', ['SHADOW', 'DEMO', 'LIVE'])), name='settlement_mode_known'),
        ),
        migrations.AddConstraint(
            model_name='settlementrow',
            constraint=models.UniqueConstraint(fields=('mode', 'market', 'revision'), name='settlement_once'),
        ),
        migrations.AddConstraint(
            model_name='settlementrow',
            constraint=models.CheckConstraint(condition=models.Q(('result__in', ['yes', 'no'])), name='settlement_result_known'),
        ),
        migrations.AddConstraint(
            model_name='settlementrow',
            constraint=models.CheckConstraint(condition=models.Q(('pnl', django.db.models.expressions.CombinedExpression(models.F('payout'), '-', models.F('cost')))), name='settlement_adds_up'),
        ),
        migrations.AddIndex(
            model_name='ledgerrow',
            index=models.Index(fields=['mode', '-at'], name='ledger_mode_at'),
        ),
        migrations.AddConstraint(
            model_name='ledgerrow',
            constraint=models.CheckConstraint(condition=models.Q(('mode__in', ['SHADOW', 'DEMO', 'LIVE'])), name='ledger_mode_known'),
        ),
        migrations.AddConstraint(
            model_name='ledgerrow',
            constraint=models.UniqueConstraint(condition=models.Q(('fill__isnull', False)), fields=('fill', 'kind'), name='ledger_fill_once'),
        ),
        migrations.AddConstraint(
            model_name='ledgerrow',
            constraint=models.UniqueConstraint(condition=models.Q(('settlement__isnull', False)), fields=('settlement',), name='ledger_settlement_once'),
        ),
        migrations.AddConstraint(
            model_name='ledgerrow',
            constraint=models.UniqueConstraint(condition=models.Q(('kind', 'deposit')), fields=('mode',), name='ledger_one_deposit'),
        ),
        migrations.AddConstraint(
            model_name='ledgerrow',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('fill__isnull', False), ('kind__in', ['fill', 'fee', 'rebate']), ('settlement__isnull', True)), models.Q(('fill__isnull', True), ('kind', 'settlement'), ('settlement__isnull', False)), models.Q(('fill__isnull', True), ('kind__in', ['deposit', 'external']), ('settlement__isnull', True)), _connector='OR'), name='ledger_kind_has_its_cause'),
        ),
        migrations.AddIndex(
            model_name='signalrow',
            index=models.Index(fields=['mode', 'market', '-made_at'], name='signal_mode_market_made'),
        ),
        migrations.AddIndex(
            model_name='signalrow',
            index=models.Index(fields=['city_code', '-made_at'], name='signal_city_made'),
        ),
        migrations.AddIndex(
            model_name='signalrow',
            index=django.contrib.postgres.indexes.BrinIndex(fields=['made_at'], name='signal_made_brin'),
        ),
        migrations.AddConstraint(
            model_name='signalrow',
            constraint=models.CheckConstraint(condition=models.Q(('mode__in', ['SHADOW', 'DEMO', 'LIVE'])), name='signal_mode_known'),
        ),
        migrations.AddConstraint(
            model_name='signalrow',
            constraint=models.CheckConstraint(condition=models.Q(('p_yes__range', (0, 1)), ('uncertainty__range', (0, 1))), name='signal_p_on_0_1'),
        ),
        migrations.AddConstraint(
            model_name='signalrow',
            constraint=models.CheckConstraint(condition=models.Q(('decision__in', ['BUY', 'SELL', 'HOLD'])), name='signal_decision_known'),
        ),
        migrations.AddConstraint(
            model_name='signalrow',
            constraint=models.CheckConstraint(condition=models.Q(('seen_until__gte', models.F('made_at'))), name='signal_seen_after_made'),
        ),
        append_only("cycles"),
        append_only("operator_actions"),
        append_only("intents"),
        append_only("order_events"),
        append_only("fills"),
        append_only("settlements"),
        append_only("ledger"),
        append_only("risk_events"),
    ]
