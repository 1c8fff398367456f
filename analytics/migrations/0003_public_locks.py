"""The view of locks, whose own-trading rows obey the public delay."""

from pathlib import Path

from django.db import migrations, models

from milkbot.schemas import create_view

SQL = Path(__file__).resolve().parents[1] / "sql"


class Migration(migrations.Migration):

    dependencies = [
        ("analytics", "0002_public_views"),
        ("trading", "0001_initial"),
        ("markets", "0001_initial"),
    ]

    operations = [
        create_view(SQL / "v_public_locks.sql"),
        # As for the other delayed views: the view's own WHERE runs before any a reader adds.
        migrations.RunSQL(
            "ALTER VIEW analytics.v_public_locks SET (security_barrier = true)", migrations.RunSQL.noop
        ),
        migrations.CreateModel(
            name='PublicLockView',
            fields=[
                ('scope', models.CharField(max_length=48, primary_key=True, serialize=False)),
                ('city', models.CharField(max_length=3, null=True)),
                ('code', models.CharField(max_length=40)),
                ('message', models.TextField()),
                ('needs_person', models.BooleanField()),
                ('from_own_trading', models.BooleanField()),
                ('locked_at', models.DateTimeField()),
            ],
            options={
                'db_table': 'v_public_locks',
                'managed': False,
            },
        ),
    ]
