"""Creates both schemas. Going backwards drops them, and fails rather than take anything with them (RESTRICT)."""

from django.db import migrations, models

from milkbot.schemas import in_schema


REFUSE_CHANGE = r"""
CREATE FUNCTION ops.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' AND current_database() LIKE 'test\_%' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$
"""


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.RunSQL("CREATE SCHEMA ops", "DROP SCHEMA ops RESTRICT"),
        migrations.RunSQL("CREATE SCHEMA analytics", "DROP SCHEMA analytics RESTRICT"),
        migrations.RunSQL([(REFUSE_CHANGE, None)], "DROP FUNCTION ops.refuse_change()"),
        in_schema("ops"),
        migrations.CreateModel(
            name='HealthStatusRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('component', models.CharField(max_length=32, unique=True)),
                ('last_ok_at', models.DateTimeField(null=True)),
                ('checked_at', models.DateTimeField()),
                ('ok', models.BooleanField()),
                ('message', models.TextField(blank=True, default='')),
            ],
            options={
                'db_table': 'health_status',
                'indexes': [models.Index(fields=['component', '-last_ok_at'], name='health_component_last_ok')],
            },
        ),
        migrations.CreateModel(
            name='InstallationRow',
            fields=[
                ('singleton', models.BooleanField(default=True, primary_key=True, serialize=False)),
                ('profile', models.CharField(max_length=32)),
                ('world', models.CharField(blank=True, default='', max_length=200)),
                ('created_at', models.DateTimeField()),
            ],
            options={
                'db_table': 'installation',
                'constraints': [models.CheckConstraint(condition=models.Q(('singleton', True)), name='installation_is_single')],
            },
        ),
    ]
