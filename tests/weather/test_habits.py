"""When releases usually come, out of what was stored."""

from datetime import UTC, date, datetime, timedelta

import pytest

from weather.domain.releases import Slot
from weather.domain.types import WeatherSnapshot
from weather.habits import no_habits, usual_releases
from weather.repositories import WeatherRepository

pytestmark = pytest.mark.django_db

NOW = datetime(2031, 3, 20, 12, tzinfo=UTC)
"""Of a year of its own: what a day is told by is read once a process."""
TODAY = date(2031, 3, 20)


def test_forecasts_are_expected_when_they_were_issued_in_the_two_weeks_before() -> None:
    repository, minutes = WeatherRepository(), {back: back % 4 * 5 for back in range(20)}
    for back in reversed(minutes):
        issued_at = NOW - timedelta(days=back) + timedelta(minutes=minutes[back])
        for seen_after in (timedelta(minutes=4), timedelta(hours=2)):
            repository.save_snapshot(
                WeatherSnapshot(city_code="CHI", captured_at=issued_at + seen_after, issued_at=issued_at)
            )

    habits = usual_releases(["CHI", "NYC"], NOW)

    assert {on for _, on in habits} == {TODAY + timedelta(days=ahead) for ahead in (-1, 0, 1)}
    assert habits["CHI", TODAY].forecasts == (Slot(timedelta(hours=12), timedelta(minutes=15)),)
    assert habits["NYC", TODAY].forecasts == ()
    assert habits["CHI", TODAY].reports == ()
    assert no_habits(["CHI"], NOW) == {}
