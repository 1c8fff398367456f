from django.db import migrations, models

from milkbot.schemas import in_schema


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ("milkbot", "0001_initial"),
    ]

    operations = [
        in_schema("analytics"),
        migrations.CreateModel(
            name='EquityRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('mode', models.CharField(choices=[('SHADOW', 'SHADOW'), ('DEMO', 'DEMO'), ('LIVE', 'LIVE')], max_length=8)),
                ('at', models.DateTimeField()),
                ('cash', models.DecimalField(decimal_places=6, max_digits=18)),
                ('total_equity', models.DecimalField(decimal_places=6, max_digits=18)),
                ('realized_pnl', models.DecimalField(decimal_places=6, max_digits=18)),
                ('unrealized_pnl', models.DecimalField(decimal_places=6, max_digits=18)),
            ],
            options={
                'db_table': 'equity_curve',
                'indexes': [models.Index(fields=['mode', '-at'], name='equity_mode_at')],
                'constraints': [models.UniqueConstraint(fields=('mode', 'at'), name='equity_once')],
            },
        ),
    ]
