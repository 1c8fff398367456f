"""The market over the weather it is really made for: calibrated, informed, late only where stated, settled by the report."""

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from sandbox.cities import CITIES, city_of_series
from sandbox.feeds import Ladder
from sandbox.kalshi.lifecycle import lifecycle
from sandbox.kalshi.listing import market_json, planned_listing
from sandbox.world.market import SimulatedMarketFeed
from sandbox.world.market_fair import makers_lag, within
from sandbox.world.market_pauses import weekly_pauses
from sandbox.world.weather import WorldWeather
from tests.sandbox.world.test_market_prices import MINUTE, gaussian, mid, standings

SEED = 7
FIRST_DAY = date(2027, 1, 9)
DAYS = 14


@pytest.fixture(scope="module")
def weather() -> WorldWeather:
    """Two weeks of winter, with fronts that pass at midnight."""
    return WorldWeather(SEED, CITIES)


@pytest.fixture(scope="module")
def market(weather: WorldWeather) -> SimulatedMarketFeed:
    """The exchange over it."""
    return SimulatedMarketFeed(weather, SEED, CITIES, FIRST_DAY)


@pytest.fixture(scope="module")
def events(market: SimulatedMarketFeed) -> Sequence[Ladder]:
    """Every event of the two weeks."""
    last = datetime.combine(FIRST_DAY, datetime.min.time(), UTC) + timedelta(days=DAYS - 3)
    return market.ladders(last)


@pytest.mark.parametrize("hours", [4, 10, 20, 34])
def test_mids_are_calibrated(market: SimulatedMarketFeed, events: Sequence[Ladder], hours: int) -> None:
    mids, results = standings(market, events, timedelta(hours=hours))
    for low, high in ((0.0, 0.1), (0.1, 0.3), (0.3, 0.6), (0.6, 1.0)):
        chosen = (mids >= low) & (mids < high)
        n = int(chosen.sum())
        if n < 20:
            continue
        expected, seen = mids[chosen].mean(), results[chosen].mean()
        # The north-eastern cities share their errors: fewer independent results than there are markets.
        noise = math.sqrt(1.3 * max(expected * (1 - expected), 0.004) / n)
        assert abs(seen - expected) < 3.5 * noise + 0.01, (low, n, expected, seen)


def test_market_knows_more_than_the_forecast_once_the_day_is_observed(
    market: SimulatedMarketFeed, weather: WorldWeather, events: Sequence[Ladder]
) -> None:
    before_close = timedelta(hours=10)
    mids, results = standings(market, events, before_close)
    implied = np.clip(mids / mids.sum(axis=1, keepdims=True), 0.005, 1)
    forecasts = [forecast_f(weather, event, event.closes_at - before_close) for event in events]
    highs = [weather.high_f(city_of_series(event.series_ticker), event.event_date) for event in events]
    sd = float(np.std(np.array(highs) - np.array(forecasts)))
    gains = []
    for event, p_market, won, mean_f in zip(events, implied, results, forecasts, strict=True):
        p_public = np.array([gaussian(b.lowest_f, b.highest_f, mean_f, sd) for b in event.brackets])
        gains.append(math.log(p_market[won == 1][0]) - math.log(max(p_public[won == 1][0], 0.005)))
    assert np.mean(gains) > 3 * np.std(gains) / math.sqrt(len(gains))


def forecast_f(weather: WorldWeather, event: Ladder, at: datetime) -> int:
    told = weather.forecast_high_f(city_of_series(event.series_ticker), event.event_date, at)
    assert told is not None
    return told


def test_revisions_are_priced_at_once_but_for_the_stated_events(
    market: SimulatedMarketFeed, weather: WorldWeather, events: Sequence[Ladder]
) -> None:
    early, full = {True: 0.0, False: 0.0}, {True: 0.0, False: 0.0}
    for event in events:
        city, late = city_of_series(event.series_ticker), makers_lag(SEED, event.event_ticker)
        pauses = weekly_pauses(event.opens_at, event.closes_at)
        morning = city.climate_day_start(event.event_date) + timedelta(hours=8)
        for issued, _ in weather.revisions(city, event.event_date, morning):
            if issued <= event.opens_at or any(within(issued + n * MINUTE, pauses) for n in range(0, 45, 5)):
                continue
            for bracket in event.brackets:
                before, soon, after = (
                    mid(market.quote(bracket.ticker, issued + minutes * MINUTE)) for minutes in (-1, 15, 40)
                )
                early[late] += (soon - before) * (after - before)
                full[late] += (after - before) ** 2
    assert early[False] / full[False] > 0.85
    assert early[True] / full[True] < 0.15


def test_settled_value_is_the_official_high_also_when_it_came_at_midnight(
    market: SimulatedMarketFeed, weather: WorldWeather, events: Sequence[Ladder]
) -> None:
    at_midnight = 0
    for event in events:
        city = city_of_series(event.series_ticker)
        high_f = weather.high_f(city, event.event_date)
        start = city.climate_day_start(event.event_date)
        hour = (weather.high_at(city, event.event_date) - start) / timedelta(hours=1)
        unusual = not 9 <= hour <= 18
        at_midnight += unusual
        outcome = market.outcome(event.event_ticker)
        for position, bracket in enumerate(event.brackets if unusual else event.brackets[:1]):
            life = lifecycle(event, has_outcome=True)
            assert life.finalized_at is not None
            entry = planned_listing(position, event, bracket, outcome, life.finalized_at)
            record = market_json(market, entry)
            assert record["status"] == "finalized"
            assert record["expiration_value"] == f"{high_f}.00"
            assert record["settlement_ts"].endswith("Z")
            assert record["result"] == ("yes" if bracket.contains(high_f) else "no")
    assert at_midnight > 0
