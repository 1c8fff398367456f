"""Ten cities settle by the reports we read: both eras' rules, corrections and all."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from markets.models import EventRow
from milkbot.core.cities import load_cities
from tests.e2e.world import MODE, World, simulated_world
from trading.settlement_checks import agreement_by_city, check_readings
from weather.clients.nws.client import NwsClient
from weather.clients.nws.transport import NwsTransport, TransportPolicy
from weather.services import refresh_climate_reports

pytestmark = pytest.mark.django_db

TODAY_S_RULES = datetime(2026, 11, 10, 16, tzinfo=UTC)
FORMER_RULES = datetime(2026, 7, 10, 16, tzinfo=UTC)


def live_for(world: World, days: int) -> None:
    """See the events of each day, its reports as they come, and its results."""
    policy = TransportPolicy(sleep=lambda _: None)
    client = NwsClient(NwsTransport(f"{world.base_url}/nws", "(milkbot tests, none)", policy))
    for _ in range(days * 4):
        world.cycle()
        refresh_climate_reports(world.cities, world.now, client=client)
        world.settle()
        world.move_to(world.now + timedelta(hours=6))


@pytest.mark.parametrize(
    ("start", "source"),
    [
        (TODAY_S_RULES, "weather_company"),
        pytest.param(FORMER_RULES, "nws_cli", marks=pytest.mark.slow),
    ],
)
def test_our_reading_of_every_city_is_the_value_its_event_was_paid_by(
    tmp_path: Path, start: datetime, source: str
) -> None:
    with simulated_world(start, tmp_path) as world:
        live_for(world, days=2)
        now = world.now

    assert set(EventRow.objects.values_list("settlement_source", flat=True)) == {source}
    agreement = agreement_by_city(start)
    assert set(agreement) == set(load_cities())
    assert sum(each.days for each in agreement.values()) >= len(load_cities())
    assert check_readings(MODE, now) == 0
