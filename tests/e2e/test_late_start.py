"""A first start late in the day knows the whole day: "high so far" includes the morning."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db.models import Min

from milkbot.core.cities import load_cities
from milkbot.core.climate_day import climate_day, climate_day_bounds
from tests.e2e.world import simulated_world
from weather.models import ObservationRow

pytestmark = pytest.mark.django_db

EVENING = datetime(2026, 11, 20, 4, tzinfo=UTC)
"""11 PM in New York, 8 PM in Los Angeles, all on the standard clock."""


def test_first_refresh_late_in_the_day_stores_every_hourly_reading_since_midnight(tmp_path: Path) -> None:
    with simulated_world(EVENING, tmp_path) as world:
        world.sources.weather(world.cities, world.now)

    metars = ObservationRow.objects.filter(is_metar=True)
    first_at = dict(metars.values_list("city_code").annotate(first=Min("observed_at")))
    assert set(first_at) == set(load_cities())
    for code, city in load_cities().items():
        offset = city.std_offset_hours
        begins_at, _ = climate_day_bounds(climate_day(EVENING, offset), offset)
        assert first_at[code] <= begins_at + timedelta(hours=1)
