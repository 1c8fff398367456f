"""Orders that people placed on the account: kept in sight, counted as exposure."""

import django.db.models.deletion
from django.db import migrations, models

from milkbot.schemas import in_schema


class Migration(migrations.Migration):

    dependencies = [
        ('markets', '0001_initial'),
        ('trading', '0002_order_path'),
    ]

    operations = [
        in_schema("ops"),
        migrations.CreateModel(
            name='ExternalOrderRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('mode', models.CharField(choices=[('SHADOW', 'SHADOW'), ('DEMO', 'DEMO'), ('LIVE', 'LIVE')], max_length=8)),
                ('kalshi_order_id', models.CharField(max_length=64)),
                ('book_side', models.CharField(choices=[('bid', 'bid'), ('ask', 'ask')], max_length=3)),
                ('yes_price', models.DecimalField(decimal_places=6, max_digits=8)),
                ('remaining_count', models.DecimalField(decimal_places=2, max_digits=16)),
                ('first_seen_at', models.DateTimeField()),
                ('seen_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(null=True)),
                ('market', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='external_orders', to='markets.marketrow')),
            ],
            options={
                'db_table': 'external_orders',
                'indexes': [models.Index(condition=models.Q(('ended_at__isnull', True)), fields=['mode', 'market'], name='external_order_open')],
                'constraints': [models.CheckConstraint(condition=models.Q(('mode__in', ['SHADOW', 'DEMO', 'LIVE'])), name='external_order_mode_known'), models.UniqueConstraint(fields=('mode', 'kalshi_order_id'), name='external_order_once'), models.CheckConstraint(condition=models.Q(('yes_price__gt', 0), ('yes_price__lt', 1)), name='external_order_price_on_0_1'), models.CheckConstraint(condition=models.Q(('remaining_count__gte', 0)), name='external_order_count_positive')],
            },
        ),
    ]
