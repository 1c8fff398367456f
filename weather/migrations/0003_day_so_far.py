"""What the day's readings say of its maximum, the hourly forecast, the report so far, and the stations' own maxima."""

from django.db import migrations, models
from django.db.models import Q

from milkbot.schemas import in_schema


class Migration(migrations.Migration):

    dependencies = [
        ('weather', '0002_distributions'),
    ]

    operations = [
        in_schema("ops"),
        migrations.AddField(model_name='weathersnapshotrow', name='hourly', field=models.JSONField(null=True)),
        migrations.AddField(model_name='weathersnapshotrow', name='so_far', field=models.JSONField(null=True)),
        migrations.AddField(model_name='weathersnapshotrow', name='reported', field=models.JSONField(null=True)),
        migrations.AddField(model_name='weathersnapshotrow', name='earlier_highs', field=models.JSONField(default=list)),
        migrations.AddField(model_name='observationrow', name='six_hour_max_c', field=models.FloatField(null=True)),
        migrations.AddField(model_name='observationrow', name='day_max_c', field=models.FloatField(null=True)),
        migrations.AddConstraint(
            model_name='observationrow',
            constraint=models.CheckConstraint(
                condition=(Q(six_hour_max_c__isnull=True) | Q(six_hour_max_c__range=(-60, 60)))
                & (Q(day_max_c__isnull=True) | Q(day_max_c__range=(-60, 60))),
                name='observation_maxima_plausible',
            ),
        ),
    ]
