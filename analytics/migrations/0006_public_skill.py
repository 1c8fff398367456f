"""The view of our skill, 60 minutes late."""

from pathlib import Path

from django.db import migrations, models

from milkbot.schemas import create_view

SQL = Path(__file__).resolve().parents[1] / "sql"


class Migration(migrations.Migration):

    dependencies = [
        ("analytics", "0005_skill"),
        ("trading", "0001_initial"),
    ]

    operations = [
        create_view(SQL / "v_public_skill.sql"),
        # As for the other delayed views: the view's own WHERE runs before any a reader adds.
        migrations.RunSQL(
            "ALTER VIEW analytics.v_public_skill SET (security_barrier = true)", migrations.RunSQL.noop
        ),
        migrations.CreateModel(
            name='PublicSkillView',
            fields=[
                ('event_date', models.DateField(primary_key=True, serialize=False)),
                ('band', models.IntegerField(null=True)),
                ('events', models.IntegerField()),
                ('scores', models.IntegerField()),
                ('our_loss', models.FloatField()),
                ('market_loss', models.FloatField()),
            ],
            options={
                'db_table': 'v_public_skill',
                'managed': False,
            },
        ),
    ]
