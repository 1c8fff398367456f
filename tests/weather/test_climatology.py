"""The usual high of every day of the year: the wave comes back, few days are drawn to the record, none look ahead."""

from datetime import date, timedelta
from math import cos, pi

import numpy as np
import pytest

from weather.domain.climatology import FEWEST_DAYS, day_of_year, usual_highs
from weather.domain.errors import PRIOR, Calibration

FIRST = date(2023, 1, 1)


def usual(day: date) -> float:
    return 60 - 25 * cos(2 * pi * (day_of_year(day) - 20) / 365.25)


def record(days: int, seed: int = 5, sd: float = 8.0) -> dict[date, int]:
    noise = np.random.default_rng(seed).normal(0, sd, days)
    return {
        (day := FIRST + timedelta(days=number)): round(usual(day) + float(off))
        for number, off in enumerate(noise)
    }


def test_the_wave_and_the_spread_come_back_for_every_day_of_the_year() -> None:
    found = usual_highs(record(3 * 365))
    assert list(found) == list(range(1, 367))
    off = [found[day_of_year(day)].mean - usual(day) for day in record(365)]
    assert np.sqrt(np.mean(np.square(off))) < 1.2
    assert np.mean([each.sd for each in found.values()]) == pytest.approx(8, abs=0.4)


def test_a_season_off_the_wave_moves_its_own_days_part_of_the_way() -> None:
    highs = record(2 * 365)
    warm = {day: high + (10 if day.month == 5 else 0) for day, high in highs.items()}
    before, after = usual_highs(highs), usual_highs(warm)
    may, november = day_of_year(date(2025, 5, 15)), day_of_year(date(2025, 11, 15))
    assert 4 < after[may].mean - before[may].mean < 10
    assert abs(after[november].mean - before[november].mean) < 2


def test_the_turn_of_the_year_is_no_edge() -> None:
    found = usual_highs(record(3 * 365))
    assert abs(found[366].mean - found[1].mean) < 1
    assert found[1].days == pytest.approx(found[180].days, rel=0.1)


def test_less_than_a_year_says_nothing() -> None:
    assert usual_highs(record(FEWEST_DAYS - 1)) == {}
    assert usual_highs({}) == {}


def test_a_calibration_answers_for_the_cities_it_has() -> None:
    known = usual_highs(record(400))
    calibration = Calibration("with-usual", usual={"CHI": known})
    day = date(2025, 5, 1)
    assert calibration.climatology_of("CHI", day) == known[day_of_year(day)]
    assert calibration.climatology_of("NYC", day) is None
    assert PRIOR.climatology_of("CHI", day) is None
