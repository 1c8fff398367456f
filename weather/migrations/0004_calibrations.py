"""What was learned of the forecasts' errors, and how it was judged."""

from django.db import migrations, models
from django.db.models import F, Q

from milkbot.schemas import append_only, in_schema


class Migration(migrations.Migration):

    dependencies = [
        ('weather', '0003_day_so_far'),
    ]

    operations = [
        in_schema("ops"),
        migrations.CreateModel(
            name='CalibrationRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.CharField(max_length=40, unique=True)),
                ('content', models.JSONField()),
                ('fitted_at', models.DateTimeField()),
                ('fitted_from', models.DateField()),
                ('fitted_to', models.DateField()),
                ('known_until', models.DateTimeField()),
                ('lessons', models.PositiveIntegerField()),
                ('incumbent_version', models.CharField(max_length=40)),
                ('scored_days', models.PositiveIntegerField()),
                ('scored', models.PositiveIntegerField()),
                ('candidate_log_loss', models.FloatField(null=True)),
                ('candidate_crps', models.FloatField(null=True)),
                ('candidate_coverage', models.FloatField(null=True)),
                ('incumbent_log_loss', models.FloatField(null=True)),
                ('incumbent_crps', models.FloatField(null=True)),
                ('incumbent_coverage', models.FloatField(null=True)),
                ('promoted_at', models.DateTimeField(null=True)),
                ('reason', models.CharField(max_length=200)),
            ],
            options={
                'db_table': 'calibrations',
                'constraints': [
                    models.CheckConstraint(
                        condition=Q(('promoted_at__isnull', True), ('scored__gt', 0), _connector='OR'),
                        name='calibration_promoted_on_scores',
                    ),
                    models.CheckConstraint(
                        condition=Q(('fitted_at__gte', F('known_until')), ('fitted_to__gte', F('fitted_from'))),
                        name='calibration_learned_in_order',
                    ),
                ],
            },
        ),
        append_only("calibrations"),
    ]
