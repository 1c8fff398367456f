"""What other sources than the grid forecast."""

from django.db import migrations, models
from django.db.models import Q

from milkbot.schemas import append_only, in_schema


class Migration(migrations.Migration):

    dependencies = [
        ('weather', '0004_calibrations'),
    ]

    operations = [
        in_schema("ops"),
        migrations.CreateModel(
            name='SourceForecastRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.CharField(max_length=32)),
                ('city_code', models.CharField(max_length=3)),
                ('event_date', models.DateField()),
                ('issued_at', models.DateTimeField()),
                ('received_at', models.DateTimeField()),
                ('high_f', models.SmallIntegerField()),
            ],
            options={
                'db_table': 'source_forecasts',
                'constraints': [
                    models.UniqueConstraint(
                        fields=('city_code', 'event_date', 'source', 'issued_at'), name='source_forecast_once'
                    ),
                    models.CheckConstraint(condition=Q(('high_f__range', (-100, 200))), name='source_forecast_plausible'),
                ],
            },
        ),
        append_only("source_forecasts"),
    ]
