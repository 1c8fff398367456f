"""Regimes are noted where they change, and only there."""

from datetime import timedelta
from typing import Final

import pytest

from tests.factories import ForecastFactory
from tests.weather.bodies import DAY, NOON
from weather.models import RegimeRow
from weather.regimes import update_regimes

pytestmark = pytest.mark.django_db
HOUR: Final = timedelta(hours=1)


def told() -> list[tuple[str, str, int]]:
    """City, regime, and hours after noon that it began."""
    rows = RegimeRow.objects.order_by("pk")
    return [(row.city_code, row.regime, round((row.since_at - NOON) / HOUR)) for row in rows]


def outlook(regime: str, hours_after: int = 0, **more: object) -> None:
    ForecastFactory.create(
        **{"event_date": DAY, "made_at": NOON + hours_after * HOUR, "regime": regime} | more
    )


def test_regime_is_noted_when_it_changes_and_back_again() -> None:
    outlook("NORMAL")
    assert update_regimes(["CHI", "NYC"], NOON) == 1
    assert update_regimes(["CHI", "NYC"], NOON) == 0
    outlook("NORMAL", 1)
    assert update_regimes(["CHI"], NOON + HOUR) == 0
    outlook("UNSETTLED", 2)
    assert update_regimes(["CHI"], NOON + 2 * HOUR) == 1
    outlook("NORMAL", 3)
    assert update_regimes(["CHI"], NOON + 3 * HOUR) == 1

    assert told() == [("CHI", "NORMAL", 0), ("CHI", "UNSETTLED", 2), ("CHI", "NORMAL", 3)]


def test_regimes_of_cities_and_days_are_their_own() -> None:
    outlook(
        "DIVIDED",
        city_code="NYC",
        sources=[
            {"name": "nws_grid", "high": 80.0, "bias": 0.5, "weight": 0.5, "issued_at": NOON.isoformat()},
            {"name": "nbm_text", "high": 72.0, "bias": 0.0, "weight": 0.5, "issued_at": NOON.isoformat()},
        ],
    )
    outlook("UNSETTLED", event_date=DAY + timedelta(days=1))
    outlook("UNSETTLED", event_date=DAY + timedelta(days=2))
    outlook("UNSETTLED", event_date=DAY - timedelta(days=1))

    assert update_regimes(["CHI", "NYC"], NOON) == 2

    assert RegimeRow.objects.get(city_code="CHI").event_date == DAY + timedelta(days=1)
    assert RegimeRow.objects.get(city_code="NYC").sources == [
        {"name": "nws_grid", "high": 80.0, "bias": 0.5},
        {"name": "nbm_text", "high": 72.0, "bias": 0.0},
    ]


def test_nothing_is_noted_where_nothing_was_forecast() -> None:
    assert update_regimes(["CHI"], NOON) == 0
