"""A forecast keeps its distributions, the sources they came from and the calibration that made them."""

from django.db import migrations, models

from milkbot.schemas import in_schema


class Migration(migrations.Migration):

    dependencies = [
        ('weather', '0001_initial'),
    ]

    operations = [
        in_schema("ops"),
        migrations.AddField(model_name='forecastrow', name='distribution', field=models.JSONField(null=True)),
        migrations.AddField(model_name='forecastrow', name='nowcast', field=models.JSONField(null=True)),
        migrations.AddField(model_name='forecastrow', name='climatology', field=models.JSONField(null=True)),
        migrations.AddField(model_name='forecastrow', name='sources', field=models.JSONField(default=list)),
        migrations.AddField(model_name='forecastrow', name='regime', field=models.CharField(default='NORMAL', max_length=16)),
        migrations.AddField(model_name='forecastrow', name='basis_risk', field=models.FloatField(default=0.0)),
        migrations.AddField(model_name='forecastrow', name='calibration_version', field=models.CharField(blank=True, default='', max_length=40)),
    ]
