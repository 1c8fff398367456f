"""What the order path needs to know of the exchange: reported fills, expirations, reconciliations, live permission."""

from django.db import migrations, models

from milkbot.schemas import in_schema


class Migration(migrations.Migration):

    dependencies = [
        ('markets', '0001_initial'),
        ('trading', '0001_initial'),
    ]

    operations = [
        in_schema("ops"),
        migrations.CreateModel(
            name='LiveArmingRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('armed_at', models.DateTimeField()),
                ('armed_by', models.CharField(max_length=150)),
                ('reason', models.TextField()),
                ('expires_at', models.DateTimeField()),
                ('disarmed_at', models.DateTimeField(null=True)),
                ('disarmed_by', models.CharField(blank=True, default='', max_length=150)),
            ],
            options={
                'db_table': 'live_armings',
            },
        ),
        migrations.CreateModel(
            name='ReconciliationRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('mode', models.CharField(choices=[('SHADOW', 'SHADOW'), ('DEMO', 'DEMO'), ('LIVE', 'LIVE')], max_length=8)),
                ('at', models.DateTimeField()),
                ('kind', models.CharField(max_length=8)),
                ('fencing', models.BigIntegerField(null=True)),
                ('complete_until', models.DateTimeField(null=True)),
                ('orders_read', models.PositiveIntegerField(default=0)),
                ('fills_read', models.PositiveIntegerField(default=0)),
                ('fills_booked', models.PositiveIntegerField(default=0)),
                ('orders_moved', models.PositiveIntegerField(default=0)),
                ('external_fills', models.PositiveIntegerField(default=0)),
                ('drift', models.JSONField(default=list)),
                ('error', models.TextField(blank=True, default='')),
                ('duration_ms', models.PositiveIntegerField()),
            ],
            options={
                'db_table': 'reconciliations',
            },
        ),
        migrations.AddField(
            model_name='intentrow',
            name='post_only',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='orderrow',
            name='post_only',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='orderrow',
            name='reported_count',
            field=models.DecimalField(decimal_places=2, default=0, max_digits=16),
        ),
        migrations.AddField(
            model_name='orderrow',
            name='sent_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddConstraint(
            model_name='orderrow',
            constraint=models.CheckConstraint(condition=models.Q(('reported_count__gte', 0)), name='order_reported_positive'),
        ),
        migrations.AddIndex(
            model_name='livearmingrow',
            index=models.Index(fields=['-expires_at'], name='live_arming_expires'),
        ),
        migrations.AddConstraint(
            model_name='livearmingrow',
            constraint=models.CheckConstraint(condition=models.Q(('expires_at__gt', models.F('armed_at'))), name='arming_ends_after_start'),
        ),
        migrations.AddIndex(
            model_name='reconciliationrow',
            index=models.Index(fields=['mode', '-at'], name='reconciliation_mode_at'),
        ),
        migrations.AddConstraint(
            model_name='reconciliationrow',
            constraint=models.CheckConstraint(condition=models.Q(('mode__in', ['SHADOW', 'DEMO', 'LIVE'])), name='reconciliation_mode_known'),
        ),
    ]
