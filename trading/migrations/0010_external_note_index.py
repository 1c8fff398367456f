"""External cash is looked up by its note with every batch of fills: among a ledger of any length."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("trading", "0009_external_positions"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="ledgerrow",
            index=models.Index(
                condition=models.Q(("kind", "external")), fields=["mode", "note"], name="ledger_external_note"
            ),
        ),
    ]
