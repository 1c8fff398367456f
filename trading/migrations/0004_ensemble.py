"""Our forecast without the market and the market's own beside what we trade on, and the weights learned from them."""

from django.db import migrations, models

from milkbot.schemas import append_only, in_schema


class Migration(migrations.Migration):

    dependencies = [
        ('markets', '0001_initial'),
        ('trading', '0003_external_orders'),
    ]

    operations = [
        in_schema("ops"),
        migrations.CreateModel(
            name='EnsembleWeightsRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('mode', models.CharField(choices=[('SHADOW', 'SHADOW'), ('DEMO', 'DEMO'), ('LIVE', 'LIVE')], max_length=8)),
                ('version', models.PositiveIntegerField()),
                ('learned_at', models.DateTimeField()),
                ('learned_until', models.DateTimeField()),
                ('horizons', models.JSONField()),
            ],
            options={
                'db_table': 'ensemble_weights',
            },
        ),
        migrations.AddField(
            model_name='signalrow',
            name='p_market',
            field=models.FloatField(null=True),
        ),
        migrations.AddField(
            model_name='signalrow',
            name='p_model',
            field=models.FloatField(null=True),
        ),
        migrations.AddConstraint(
            model_name='signalrow',
            constraint=models.CheckConstraint(condition=models.Q(('p_model__isnull', True), ('p_model__range', (0, 1)), _connector='OR'), name='signal_p_model_on_0_1'),
        ),
        migrations.AddConstraint(
            model_name='signalrow',
            constraint=models.CheckConstraint(condition=models.Q(('p_market__isnull', True), ('p_market__range', (0, 1)), _connector='OR'), name='signal_p_market_on_0_1'),
        ),
        migrations.AddConstraint(
            model_name='ensembleweightsrow',
            constraint=models.CheckConstraint(condition=models.Q(('mode__in', ['SHADOW', 'DEMO', 'LIVE'])), name='ensemble_weights_mode_known'),
        ),
        migrations.AddConstraint(
            model_name='ensembleweightsrow',
            constraint=models.UniqueConstraint(fields=('mode', 'version'), name='ensemble_weights_version_once'),
        ),
        append_only("ensemble_weights"),
    ]
