import django.contrib.postgres.indexes
from django.db import migrations, models

from milkbot.schemas import append_only, in_schema


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ("milkbot", "0001_initial"),
    ]

    operations = [
        in_schema("ops"),
        migrations.CreateModel(
            name='ClimateReportRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('city_code', models.CharField(max_length=3)),
                ('cli_code', models.CharField(max_length=6)),
                ('climate_date', models.DateField()),
                ('issued_at', models.DateTimeField()),
                ('is_final', models.BooleanField()),
                ('correction', models.CharField(blank=True, default='', max_length=3)),
                ('high_f', models.SmallIntegerField(null=True)),
                ('text', models.TextField()),
                ('text_sha256', models.CharField(max_length=64)),
                ('received_at', models.DateTimeField()),
            ],
            options={
                'db_table': 'climate_reports',
                'indexes': [models.Index(fields=['city_code', 'climate_date', '-issued_at'], name='report_city_date_issued')],
                'constraints': [models.UniqueConstraint(fields=('cli_code', 'climate_date', 'issued_at', 'correction', 'text_sha256'), name='climate_report_version')],
            },
        ),
        migrations.CreateModel(
            name='ForecastRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('city_code', models.CharField(max_length=3)),
                ('event_date', models.DateField()),
                ('made_at', models.DateTimeField()),
                ('issued_at', models.DateTimeField()),
                ('source', models.CharField(max_length=32)),
                ('kind', models.CharField(max_length=16)),
                ('forecast_high_f', models.SmallIntegerField()),
                ('mu', models.FloatField()),
                ('sigma', models.FloatField()),
                ('mu_se', models.FloatField()),
                ('ln_sigma_se', models.FloatField()),
                ('lead_hours', models.FloatField()),
                ('model_version', models.CharField(max_length=40)),
            ],
            options={
                'db_table': 'forecasts',
                'indexes': [models.Index(fields=['city_code', 'event_date', '-made_at'], name='forecast_city_day_made')],
                'constraints': [models.CheckConstraint(condition=models.Q(('mu__range', (-100, 200)), ('sigma__gt', 0), ('sigma__lt', 100)), name='forecast_plausible'), models.CheckConstraint(condition=models.Q(('ln_sigma_se__range', (0, 10)), ('mu_se__range', (0, 100))), name='forecast_errors_plausible'), models.CheckConstraint(condition=models.Q(('kind__in', ['whole_day', 'remaining'])), name='forecast_kind_known')],
            },
        ),
        migrations.CreateModel(
            name='ObservationRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('city_code', models.CharField(max_length=3)),
                ('station', models.CharField(max_length=5)),
                ('observed_at', models.DateTimeField()),
                ('temp_c', models.FloatField()),
                ('is_metar', models.BooleanField()),
                ('received_at', models.DateTimeField()),
            ],
            options={
                'db_table': 'observations',
                'indexes': [models.Index(fields=['city_code', '-observed_at'], name='observation_city_observed'), django.contrib.postgres.indexes.BrinIndex(fields=['observed_at'], name='observation_observed_brin')],
                'constraints': [models.UniqueConstraint(fields=('station', 'observed_at', 'is_metar'), name='observation_once'), models.CheckConstraint(condition=models.Q(('temp_c__range', (-60, 60))), name='observation_temp_plausible')],
            },
        ),
        migrations.CreateModel(
            name='WeatherSnapshotRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('city_code', models.CharField(max_length=3)),
                ('captured_at', models.DateTimeField()),
                ('last_seen_at', models.DateTimeField()),
                ('issued_at', models.DateTimeField(null=True)),
                ('highs', models.JSONField(default=list)),
                ('station', models.CharField(blank=True, default='', max_length=5)),
                ('observed_at', models.DateTimeField(null=True)),
                ('observed_temp_c', models.FloatField(null=True)),
                ('observed_is_metar', models.BooleanField(null=True)),
                ('raw', models.JSONField(default=dict)),
            ],
            options={
                'db_table': 'weather_snapshots',
                'indexes': [models.Index(fields=['city_code', '-captured_at'], name='weather_city_captured'), django.contrib.postgres.indexes.BrinIndex(fields=['captured_at'], name='weather_captured_brin')],
                'constraints': [models.CheckConstraint(condition=models.Q(('last_seen_at__gte', models.F('captured_at'))), name='weather_seen_after_capture'), models.CheckConstraint(condition=models.Q(models.Q(('observed_at__isnull', True), ('observed_is_metar__isnull', True), ('observed_temp_c__isnull', True)), models.Q(('observed_at__isnull', False), ('observed_is_metar__isnull', False), ('observed_temp_c__isnull', False)), _connector='OR'), name='weather_observation_paired'), models.CheckConstraint(condition=models.Q(('observed_temp_c__isnull', True), ('observed_temp_c__range', (-60, 60)), _connector='OR'), name='weather_temp_plausible')],
            },
        ),
        append_only("forecasts"),
        append_only("climate_reports"),
    ]
