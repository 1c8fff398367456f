"""The weather view keeps telling the high of a day whose forecast has ended."""

from pathlib import Path

from django.db import migrations

from milkbot.schemas import replace_view

SQL = Path(__file__).resolve().parents[1] / "sql"


class Migration(migrations.Migration):

    dependencies = [("analytics", "0003_public_locks")]

    operations = [replace_view(SQL / "v_public_weather.sql")]
