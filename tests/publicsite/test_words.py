from datetime import timedelta
from decimal import Decimal

import pytest

from publicsite import words
from tests.factories import NOON


@pytest.mark.parametrize(
    ("price", "places", "said"),
    [
        (None, 1, "n/a"),
        ("0.5", 1, "50¢"),
        ("0.295", 1, "29.5¢"),
        ("0.015", 2, "1.5¢"),
        ("1", 1, "100¢"),
        ("0", 1, "0¢"),
    ],
)
def test_cents_of_a_price_reads_without_needless_zeros(price: str | None, places: int, said: str) -> None:
    assert words.cents(Decimal(price) if price else None, places) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "under 1 min"),
        (59, "under 1 min"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h"),
        (3660, "1 h 1 min"),
        (47 * 3600 + 60, "47 h 1 min"),
        (48 * 3600, "2 d"),
    ],
)
def test_duration_reads_in_the_units_a_person_needs(seconds: int, said: str) -> None:
    assert words.duration(timedelta(seconds=seconds)) == said


def test_ago_of_a_time_ahead_of_the_clock_is_under_a_minute() -> None:
    assert words.ago(NOON + timedelta(minutes=5), NOON) == "under 1 min ago"


@pytest.mark.parametrize(("value", "said"), [(None, "n/a"), (54, "54°"), (-7, "−7°"), (0, "0°")])
def test_degrees_have_a_true_minus_and_a_word_for_missing(value: int | None, said: str) -> None:
    assert words.degrees(value) == said


@pytest.mark.parametrize(
    ("count", "said"), [(None, "n/a"), ("18.00", "18"), ("41208", "41,208"), ("0.5", "0.50")]
)
def test_quantity_has_decimals_only_where_there_are_some(count: str | None, said: str) -> None:
    assert words.quantity(Decimal(count) if count else None) == said
