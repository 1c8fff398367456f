"""The health view judges by the clock of the database: silence alone turns a component red."""

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from analytics.models import HealthSummaryView
from analytics.public import read_health
from milkbot.core.health import REQUIRED, Component
from milkbot.health import DEGRADED_AFTER
from milkbot.models import HealthStatusRow
from tests.public_role import ActsAsPublic


def heard(component: Component, at: datetime, *, ok: bool = True, message: str = "") -> None:
    HealthStatusRow.objects.create(component=component, last_ok_at=at, checked_at=at, ok=ok, message=message)


@pytest.mark.story("5.5", 2)
def test_health_view_when_nothing_was_ever_heard_has_all_six_components_degraded(
    as_public: ActsAsPublic,
) -> None:
    with as_public():
        health = read_health()

    assert [entry.component for entry in health] == list(REQUIRED)
    assert all(entry.degraded and entry.last_ok_at is None for entry in health)
    assert {entry.message for entry in health} == {"never heard of"}


def test_health_view_limits_equal_those_of_the_application(db: None) -> None:
    limits = dict(HealthSummaryView.objects.values_list("component", "degraded_after_s"))

    assert limits == {component.value: DEGRADED_AFTER[component].total_seconds() for component in REQUIRED}


@pytest.mark.story("5.5", 1)
@pytest.mark.story("5.5", 4)
@pytest.mark.parametrize("component", list(REQUIRED))
@pytest.mark.parametrize(
    ("past_limit", "degraded"), [(timedelta(0), False), (timedelta(microseconds=1), True)]
)
def test_health_view_with_a_silent_component_degrades_it_at_its_limit(
    as_public: ActsAsPublic, sql_now: datetime, component: Component, past_limit: timedelta, degraded: bool
) -> None:
    heard(component, sql_now - DEGRADED_AFTER[component] - past_limit)

    with as_public():
        assert {entry.component: entry.degraded for entry in read_health()}[component] is degraded


@pytest.mark.story("5.5", 3)
@pytest.mark.story("5.5", 4)
def test_health_view_with_a_failing_component_tells_its_last_success_and_words(
    as_public: ActsAsPublic, sql_now: datetime
) -> None:
    heard(Component.NWS_API, sql_now, ok=False, message="NWS answers 500")

    with as_public():
        entry = {entry.component: entry for entry in read_health()}[Component.NWS_API]

    assert (entry.ok, entry.degraded, entry.last_ok_at, entry.message) == (
        False,
        True,
        sql_now,
        "NWS answers 500",
    )


@pytest.mark.parametrize(
    ("age", "message"), [(timedelta(minutes=59), ""), (timedelta(minutes=61), "2 fills")]
)
def test_health_view_withholds_the_traders_words_for_an_hour(
    as_public: ActsAsPublic, sql_now: datetime, age: timedelta, message: str
) -> None:
    heard(Component.TRADER, sql_now - age, message="2 fills")

    with as_public():
        assert {entry.component: entry.message for entry in read_health()}[Component.TRADER] == message


@pytest.mark.story("5.5", 5)
def test_health_view_is_one_statement_over_a_table_of_six_rows(db: None, sql_now: datetime) -> None:
    for component in REQUIRED:
        heard(component, sql_now)

    with CaptureQueriesContext(
        connection,
    ) as queries:
        read_health()

    assert len(queries) == 1
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) SELECT * FROM v_health_summary")
        (plan,) = cursor.fetchone()[0]
    assert plan["Plan"]["Actual Rows"] == len(REQUIRED)
    assert plan["Execution Time"] < 50
