"""A fill that was taken for a person's may be given to its order, once; of all else its rows stay append-only.

Books restored from a backup from before an intent know the intent's fills before they know its order again.
"""

from django.db import migrations

CLAIMABLE = """
DROP TRIGGER fills_append_only ON ops.fills;
CREATE TRIGGER fills_append_only BEFORE DELETE ON ops.fills
    FOR EACH ROW EXECUTE FUNCTION ops.refuse_change();
CREATE TRIGGER fills_only_claimed BEFORE UPDATE ON ops.fills
    FOR EACH ROW WHEN (
        OLD.order_id IS NOT NULL OR NEW.order_id IS NULL
        OR to_jsonb(OLD) - 'order_id' IS DISTINCT FROM to_jsonb(NEW) - 'order_id'
    ) EXECUTE FUNCTION ops.refuse_change();
"""
STRICT = """
DROP TRIGGER fills_only_claimed ON ops.fills;
DROP TRIGGER fills_append_only ON ops.fills;
CREATE TRIGGER fills_append_only BEFORE UPDATE OR DELETE ON ops.fills
    FOR EACH ROW EXECUTE FUNCTION ops.refuse_change();
"""


class Migration(migrations.Migration):

    dependencies = [
        ("trading", "0007_settle_by_hand"),
    ]

    operations = [
        migrations.RunSQL([(CLAIMABLE, None)], [(STRICT, None)]),
    ]
