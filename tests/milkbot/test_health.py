"""A component's sign of life is one statement: the first two may come from two processes at once."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from milkbot.core.health import Component
from milkbot.health import beat
from milkbot.models import HealthStatusRow

pytestmark = pytest.mark.django_db


def test_first_beat_leaves_the_race_for_a_component_to_the_database() -> None:
    with CaptureQueriesContext(
        connection,
    ) as asked:
        beat(Component.DATABASE, message="first")

    first = asked.captured_queries[0]["sql"]
    assert first.startswith("INSERT")
    assert "ON CONFLICT" in first


def test_failure_keeps_the_time_of_the_last_success_of_its_component_alone() -> None:
    well = beat(Component.NWS_API, message="10 cities")
    other = beat(Component.DATABASE)

    failed = beat(Component.NWS_API, ok=False, message="no answer")

    assert (failed.ok, failed.last_ok_at, failed.message) == (False, well.last_ok_at, "no answer")
    assert failed.checked_at > well.checked_at
    assert HealthStatusRow.objects.get(component=Component.DATABASE).checked_at == other.checked_at
