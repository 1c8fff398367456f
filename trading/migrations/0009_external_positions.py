"""What people do in markets that we do not follow is counted: by the ticker, which needs no market of ours."""

from django.db import migrations, models

from milkbot.schemas import in_schema


class Migration(migrations.Migration):

    dependencies = [
        ("trading", "0008_claim_fills"),
    ]

    operations = [
        in_schema("ops"),
        migrations.AddField(
            model_name="externalorderrow",
            name="market_ticker",
            field=models.CharField(default="", max_length=100),
            preserve_default=False,
        ),
        migrations.RunSQL(
            "UPDATE ops.external_orders AS o SET market_ticker = m.ticker FROM ops.markets AS m WHERE m.id = o.market_id",
            migrations.RunSQL.noop,
        ),
        migrations.RemoveIndex(
            model_name="externalorderrow",
            name="external_order_open",
        ),
        migrations.RemoveField(
            model_name="externalorderrow",
            name="market",
        ),
        migrations.AddIndex(
            model_name="externalorderrow",
            index=models.Index(
                condition=models.Q(("ended_at__isnull", True)),
                fields=["mode", "market_ticker"],
                name="external_order_open",
            ),
        ),
        migrations.CreateModel(
            name="ExternalPositionRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "mode",
                    models.CharField(
                        choices=[("SHADOW", "SHADOW"), ("DEMO", "DEMO"), ("LIVE", "LIVE")], max_length=8
                    ),
                ),
                ("market_ticker", models.CharField(max_length=100)),
                ("count", models.DecimalField(decimal_places=2, max_digits=16)),
                ("at_risk", models.DecimalField(decimal_places=6, max_digits=18)),
                ("filled_since", models.DateTimeField()),
                ("seen_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "external position",
                "db_table": "external_positions",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("mode__in", ["SHADOW", "DEMO", "LIVE"])),
                        name="external_position_mode_known",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at__isnull", True)),
                        fields=("mode", "market_ticker"),
                        name="external_position_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("at_risk__gte", 0)), name="external_position_risk_positive"
                    ),
                ],
            },
        ),
    ]
