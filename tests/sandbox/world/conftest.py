"""Simulated exchanges over the martingale's weather."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest

from sandbox.cities import CITIES
from sandbox.feeds import Ladder
from sandbox.world.market import SimulatedMarketFeed
from tests.sandbox.world.martingale import Martingale

SEED = 7
FIRST_DAY = date(2026, 10, 20)
DAYS = 32


@pytest.fixture(scope="session")
def truth() -> Martingale:
    """The weather behind `feed`."""
    return Martingale(SEED)


@pytest.fixture(scope="session")
def feed(truth: Martingale) -> SimulatedMarketFeed:
    """Ten cities from 2026-10-20 on, both sides of the end of daylight time."""
    return SimulatedMarketFeed(truth, SEED, CITIES, FIRST_DAY, events_kept=DAYS * len(CITIES))


@pytest.fixture(scope="session")
def settled(feed: SimulatedMarketFeed) -> Sequence[Ladder]:
    """A month of events."""
    last = datetime.combine(FIRST_DAY, datetime.min.time(), UTC) + timedelta(days=DAYS - 3)
    return feed.ladders(last)
