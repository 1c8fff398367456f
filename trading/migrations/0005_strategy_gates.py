"""Whether a strategy may trade real money, and whose opinion each intent rests on."""

from django.db import migrations, models

from milkbot.schemas import append_only, in_schema


class Migration(migrations.Migration):

    dependencies = [
        ('trading', '0004_ensemble'),
    ]

    operations = [
        in_schema("ops"),
        migrations.AddField(
            model_name='intentrow',
            name='contributors',
            field=models.JSONField(default=list),
        ),
        migrations.CreateModel(
            name='StrategyGateRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('mode', models.CharField(choices=[('SHADOW', 'SHADOW'), ('DEMO', 'DEMO'), ('LIVE', 'LIVE')], max_length=8)),
                ('strategy', models.CharField(max_length=40)),
                ('version', models.PositiveIntegerField()),
                ('admitted', models.BooleanField()),
                ('withdrawn', models.BooleanField(default=False)),
                ('is_override', models.BooleanField(default=False)),
                ('shortfalls', models.JSONField(default=list)),
                ('evidence', models.JSONField(null=True)),
                ('note', models.TextField(blank=True, default='')),
                ('decided_at', models.DateTimeField()),
                ('decided_by', models.CharField(max_length=150)),
                ('expires_at', models.DateTimeField(null=True)),
            ],
            options={
                'db_table': 'strategy_gates',
                'constraints': [models.CheckConstraint(condition=models.Q(('mode__in', ['SHADOW', 'DEMO', 'LIVE'])), name='strategy_gate_mode_known'), models.UniqueConstraint(fields=('mode', 'strategy', 'version'), name='strategy_gate_version_once'), models.CheckConstraint(condition=models.Q(models.Q(('admitted', True), ('expires_at__gt', models.F('decided_at')), ('expires_at__isnull', False), ('withdrawn', False)), models.Q(('admitted', False), ('expires_at__isnull', True)), _connector='OR'), name='strategy_gate_admitted_until'), models.CheckConstraint(condition=models.Q(('is_override', False), models.Q(('admitted', True), models.Q(('note', ''), _negated=True)), _connector='OR'), name='strategy_gate_override_says_why')],
            },
        ),
        append_only("strategy_gates"),
    ]
