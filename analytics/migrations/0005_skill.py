"""Every forecast beside the market's price of the same instant, once its event has settled."""

from django.db import migrations, models

from milkbot.schemas import in_schema


class Migration(migrations.Migration):

    dependencies = [
        ('analytics', '0004_ended_day_high'),
    ]

    operations = [
        in_schema("analytics"),
        migrations.CreateModel(
            name='SkillEventRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('mode', models.CharField(choices=[('SHADOW', 'SHADOW'), ('DEMO', 'DEMO'), ('LIVE', 'LIVE')], max_length=8)),
                ('event_ticker', models.CharField(max_length=40)),
                ('city_code', models.CharField(max_length=3)),
                ('event_date', models.DateField()),
                ('winner', models.CharField(blank=True, default='', max_length=48)),
                ('settle_f', models.SmallIntegerField(null=True)),
                ('settled_at', models.DateTimeField()),
                ('scored_at', models.DateTimeField()),
                ('revision', models.PositiveSmallIntegerField(default=0)),
                ('ladders', models.PositiveSmallIntegerField()),
                ('skipped', models.JSONField(default=dict)),
                ('bands', models.JSONField(default=dict)),
            ],
            options={
                'db_table': 'skill_events',
                'indexes': [models.Index(fields=['mode', '-event_date'], name='skill_event_mode_date')],
                'constraints': [models.UniqueConstraint(fields=('mode', 'event_ticker'), name='skill_event_once')],
            },
        ),
        migrations.CreateModel(
            name='SkillScoreRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('mode', models.CharField(choices=[('SHADOW', 'SHADOW'), ('DEMO', 'DEMO'), ('LIVE', 'LIVE')], max_length=8)),
                ('event_ticker', models.CharField(max_length=40)),
                ('city_code', models.CharField(max_length=3)),
                ('event_date', models.DateField()),
                ('at', models.DateTimeField()),
                ('local_hour', models.SmallIntegerField()),
                ('lead_hours', models.SmallIntegerField()),
                ('forecaster', models.CharField(max_length=40)),
                ('outcome', models.SmallIntegerField()),
                ('p_outcome', models.FloatField()),
                ('log_loss', models.FloatField()),
                ('brier', models.FloatField()),
                ('rps', models.FloatField()),
                ('crps_f', models.FloatField(null=True)),
                ('pit_low', models.FloatField()),
                ('pit_high', models.FloatField()),
                ('clipped', models.BooleanField()),
                ('weights_version', models.PositiveIntegerField(null=True)),
                ('calibration_version', models.CharField(blank=True, default='', max_length=40)),
            ],
            options={
                'db_table': 'skill_scores',
                'indexes': [models.Index(fields=['mode', 'forecaster', '-event_date'], name='skill_score_mode_who_date')],
                'constraints': [models.UniqueConstraint(fields=('mode', 'event_ticker', 'local_hour', 'forecaster'), name='skill_score_once'), models.CheckConstraint(condition=models.Q(('p_outcome__range', (0, 1)), ('pit_high__range', (0, 1)), ('pit_low__range', (0, 1))), name='skill_score_p_on_0_1'), models.CheckConstraint(condition=models.Q(('brier__range', (0, 2)), ('log_loss__gte', 0), ('rps__gte', 0)), name='skill_score_is_a_loss')],
            },
        ),
    ]
