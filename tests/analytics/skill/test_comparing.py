"""Means that count dates alike, intervals from blocks of days, and what may be said of a difference."""

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.skill.comparing import LEAST_DAYS, Pair, compare, compare_by, days_of, share_inside
from analytics.skill.report import by_hour

FIRST = date(2026, 1, 1)


def pair(
    day: int = 0,
    city: str = "CHI",
    hour: int = 10,
    ours: float = 1.0,
    market: float = 1.0,
    inside: float = 0.8,
) -> Pair:
    return Pair(city, FIRST + timedelta(days=day), hour, max(15 - hour, 0), ours, market, inside, False)


def test_hours_of_an_event_count_as_one_and_cities_of_a_date_as_one() -> None:
    pairs = [
        *(pair(0, "CHI", hour, ours=1.0) for hour in range(9)),
        pair(0, "NYC", ours=2.0),
        pair(1, "CHI", ours=3.0),
    ]

    line = compare("all", days_of(pairs))

    assert line.ours == pytest.approx(((1.0 + 2.0) / 2 + 3.0) / 2)
    assert (line.scores, line.events, line.days) == (11, 3, 2)


def test_difference_is_of_the_same_means() -> None:
    pairs = [pair(day, ours=1.0 + day / 10, market=1.2) for day in range(4)]

    line = compare("all", days_of(pairs))

    assert line.ours is not None
    assert line.market is not None
    assert line.difference == pytest.approx(line.ours - line.market)


@pytest.mark.parametrize(
    ("shift", "sentence"),
    [
        (0.0, "difference not distinguishable from zero"),
        (-0.2, "better than the market"),
        (0.2, "worse than the market"),
    ],
)
def test_sentence_says_what_the_interval_allows(shift: float, sentence: str) -> None:
    noise = np.random.default_rng(3).normal(0, 0.1, 80)
    noise -= noise.mean()
    pairs = [pair(day, ours=1.0 + shift + noise[day]) for day in range(80)]

    line = compare("all", days_of(pairs))

    assert line.sentence == sentence
    assert line.interval is not None
    assert line.interval.low <= shift <= line.interval.high


def test_too_few_days_and_none_say_so() -> None:
    few = compare("few", days_of([pair(day) for day in range(LEAST_DAYS - 1)]))

    assert (few.interval, few.sentence) == (None, "9 days are too few to tell")
    assert compare("none", ()).sentence == "never scored together"
    assert compare("none", ()).ours is None


def test_the_same_scores_give_the_same_interval_in_any_order() -> None:
    pairs = [pair(day, city, ours=1 + (day * 7 % 5) / 10) for day in range(20) for city in ("CHI", "NYC")]

    assert compare("all", days_of(pairs)) == compare("all", days_of(list(reversed(pairs))))


def test_hours_are_named_and_stand_in_order() -> None:
    lines = by_hour([pair(hour=hour) for hour in (23, 0, -12, 7)])

    assert [line.label for line in lines] == ["12:00 day before", "00:00", "07:00", "23:00"]


def test_groups_hold_only_their_own() -> None:
    pairs = [pair(0, "CHI", ours=1.0), pair(0, "NYC", ours=2.0)]

    lines = compare_by(pairs, lambda each: each.city_code, lambda each: each.city_code)

    assert [(line.label, line.ours) for line in lines] == [("CHI", 1.0), ("NYC", 2.0)]


@given(st.floats(0, 1), st.floats(0, 1))
def test_share_inside_is_the_overlap_with_the_central_interval(one: float, other: float) -> None:
    low, high = sorted((one, other))

    share = share_inside(low, high)

    assert 0 <= share <= 1
    if high - low > 1e-3:
        draws = np.linspace(low, high, 4001)
        assert share == pytest.approx(np.mean((draws >= 0.1) & (draws <= 0.9)), abs=0.01)


def test_share_inside_is_four_fifths_on_average_for_a_calibrated_forecaster() -> None:
    """Brackets of probability 0.1, 0.3, 0.4, 0.2, each winning as often as it says."""
    edges = np.cumsum([0.0, 0.1, 0.3, 0.4, 0.2])

    shares = [(high - low) * share_inside(low, high) for low, high in pairwise(edges)]

    assert sum(shares) == pytest.approx(0.8)
