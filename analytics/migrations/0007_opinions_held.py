"""The view of our opinions leaves out what nobody held any more at the time it speaks of."""

from pathlib import Path

from django.db import migrations

from milkbot.schemas import replace_view

SQL = Path(__file__).resolve().parents[1] / "sql"


class Migration(migrations.Migration):

    dependencies = [("analytics", "0006_public_skill")]

    operations = [replace_view(SQL / "v_public_signals.sql")]
