"""From a snapshot to the distribution of a day's high."""

from datetime import UTC, datetime, timedelta

import pytest

from milkbot.core.cities import load_cities
from tests.weather.bodies import CHI, DAY, NOON, snapshot
from weather.domain.calibration import Season, sigma_for
from weather.domain.outlook import make_outlook
from weather.domain.types import DistKind


def test_make_outlook_when_forecast_known_then_it_is_centred_on_the_forecast_with_the_prior_sigma() -> None:
    outlook = make_outlook(CHI, snapshot(high_f=80), DAY, NOON)
    assert outlook is not None
    assert (outlook.mu, outlook.forecast_high_f, outlook.kind) == (80.0, 80, DistKind.WHOLE_DAY)
    assert outlook.lead_hours == 3.0  # noon to 15:00, both standard time
    assert outlook.sigma == sigma_for("CHI", 3.0, Season.MAM)
    assert (outlook.mu_se, outlook.ln_sigma_se) == (0.5, 0.1)
    assert (outlook.made_at, outlook.issued_at) == (NOON, NOON - timedelta(hours=2))
    assert outlook.source == "nws_grid"


@pytest.mark.parametrize(
    ("now", "lead_hours"),
    [
        (datetime(2025, 5, 13, 14, tzinfo=UTC), 31.0),  # the market's opening on the day before
        (datetime(2025, 5, 14, 21, tzinfo=UTC), 0.0),
        (datetime(2025, 5, 15, 5, 59, tzinfo=UTC), 0.0),  # 00:59 daylight time: the climate day's last minute
    ],
)
def test_make_outlook_when_time_passes_then_the_lead_counts_to_15_standard_time_and_stops_at_zero(
    now: datetime, lead_hours: float
) -> None:
    outlook = make_outlook(CHI, snapshot(), DAY, now)
    assert outlook is not None
    assert outlook.lead_hours == lead_hours


def test_make_outlook_when_the_climate_day_is_over_then_there_is_none() -> None:
    assert make_outlook(CHI, snapshot(), DAY, datetime(2025, 5, 15, 6, tzinfo=UTC)) is None


def test_make_outlook_when_the_day_has_no_forecast_then_there_is_none() -> None:
    assert make_outlook(CHI, snapshot(), DAY + timedelta(days=1), NOON) is None


def test_make_outlook_when_the_forecast_has_no_issue_time_then_there_is_none() -> None:
    assert make_outlook(CHI, snapshot(issued_at=None), DAY, NOON) is None


def test_make_outlook_when_the_snapshot_is_of_another_city_then_it_is_refused() -> None:
    with pytest.raises(ValueError, match="snapshot of CHI given for NYC"):
        make_outlook(load_cities()["NYC"], snapshot("CHI"), DAY, NOON)
