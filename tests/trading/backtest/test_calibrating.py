"""What a replay may have learned of its forecasts by a moment: nothing of a day whose high was not out."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.trading.backtest.pasts import wandering
from trading.backtest.baselines import known_at
from trading.backtest.calibrating import PastCalibrations
from trading.backtest.recorded_types import DailyHigh, Recording
from weather.domain.combining import COMBINED
from weather.domain.errors import PRIOR


@pytest.fixture
def past() -> Recording:
    """A recorded event, and the official high of each day that anything was forecast for."""
    recording = wandering(3)
    city = recording.events[0].city_code
    days = sorted(day for code, day in recording.forecasts if code == city)
    return replace(recording, highs=tuple(DailyHigh(city, day, "cli", 70) for day in days))


def test_before_any_high_was_out_the_prior_stands(past: Recording) -> None:
    first = min(high.day for high in past.highs)
    assert PastCalibrations(past).at(known_at(first) - timedelta(seconds=1)) is PRIOR


def test_a_day_is_learned_from_the_moment_its_high_was_out(past: Recording) -> None:
    calibrations = PastCalibrations(past)
    last = min(max(high.day for high in past.highs), max(event.event_date for event in past.events))

    before, after = (
        calibrations.at(known_at(last) - timedelta(seconds=1)),
        calibrations.at(known_at(last)),
    )

    assert before.version != after.version
    assert {day for cell in after.cells.values() for day, _ in cell.misses} >= {last}
    assert last not in {day for cell in before.cells.values() for day, _ in cell.misses}


def test_later_highs_change_nothing_that_was_known_before(past: Recording) -> None:
    moment = known_at(min(high.day for high in past.highs))
    later = tuple(high._replace(high_f=99) if known_at(high.day) > moment else high for high in past.highs)

    one, other = (PastCalibrations(each).at(moment) for each in (past, replace(past, highs=later)))

    assert (one.cells, one.pools) == (other.cells, other.pools)


def test_each_source_learns_for_itself_and_their_combination_beside_them(past: Recording) -> None:
    """A second source 5 °F too warm: it is corrected by its own errors, and the first is not touched by them."""
    both = replace(
        past,
        forecasts={
            place: tuple(
                twin
                for one in forecasts
                for twin in (one, one._replace(source="warm", high_f=one.high_f + 5))
            )
            for place, forecasts in past.forecasts.items()
        },
    )
    end = max(known_at(high.day) for high in past.highs)

    alone, beside = (PastCalibrations(each).at(end) for each in (past, both))

    own = {key: cell for key, cell in beside.cells.items() if key[1] not in ("warm", COMBINED)}
    assert own == dict(alone.cells)
    for (city, source, place), cell in own.items():
        assert beside.cells[city, "warm", place].bias > cell.bias, source
