"""How settled each day's forecast is, from when on."""

from django.db import migrations, models
from django.db.models import Q

from milkbot.schemas import append_only, in_schema


class Migration(migrations.Migration):

    dependencies = [
        ('weather', '0005_source_forecasts'),
    ]

    operations = [
        in_schema("ops"),
        migrations.CreateModel(
            name='RegimeRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('city_code', models.CharField(max_length=3)),
                ('event_date', models.DateField()),
                ('regime', models.CharField(max_length=16)),
                ('since_at', models.DateTimeField()),
                ('noted_at', models.DateTimeField()),
                ('sigma', models.FloatField()),
                ('sources', models.JSONField(default=list)),
            ],
            options={
                'db_table': 'regimes',
                'constraints': [
                    models.UniqueConstraint(fields=('city_code', 'event_date', 'since_at'), name='regime_once'),
                    models.CheckConstraint(
                        condition=Q(('regime__in', ['NORMAL', 'UNSETTLED', 'DIVIDED'])), name='regime_known'
                    ),
                    models.CheckConstraint(
                        condition=Q(('sigma__gt', 0), ('sigma__lt', 100)), name='regime_sigma_plausible'
                    ),
                ],
            },
        ),
        append_only("regimes"),
    ]
