"""A settlement may be booked by hand, at a value that is neither yes nor no."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('trading', '0006_names_for_people'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='settlementrow',
            name='settlement_result_known',
        ),
        migrations.AddConstraint(
            model_name='settlementrow',
            constraint=models.CheckConstraint(condition=models.Q(('result__in', ['yes', 'no', 'scalar'])), name='settlement_result_known'),
        ),
    ]
