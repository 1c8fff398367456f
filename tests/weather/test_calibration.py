"""The prior sigma by city, lead and season."""

import math
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milkbot.core.cities import load_cities
from weather.domain.calibration import Season, season_of, sigma_for

CITIES = st.sampled_from(sorted(load_cities()))
SEASONS = st.sampled_from(Season)
LEADS = st.floats(0, 120)


@pytest.mark.parametrize(
    ("code", "lead_hours", "season", "sigma"),
    [
        ("NYC", 6.16, Season.DJF, 2.40),  # d0 of the table: 2.6 x 0.92 = 2.392, rounded up
        ("NYC", 18.2, Season.DJF, 2.86),  # d1PM: 3.1 x 0.92 = 2.852
        ("NYC", 30.16, Season.DJF, 2.97),  # d1AM: 2.852 x 2.78/2.67 = 2.9695
        ("NYC", 42.2, Season.DJF, 3.32),  # d2PM: 3.6 x 0.92 = 3.312
        ("CHI", 7.1, Season.MAM, 2.40),  # one hour further west: the same bulletin has an hour more of lead
        ("CHI", 19.16, Season.MAM, 3.22),
        ("SEA", 21.16, Season.MAM, 2.03),  # measured 2.1 under d0's 2.2: never smaller at a longer lead
        ("LAX", 0, Season.JJA, 2.30),  # the caveat, not downtown's 3.3 x 0.92
        ("LAX", 21.16, Season.JJA, 2.70),
        ("MIA", 6, Season.SON, 1.50),
        ("MIA", 18.16, Season.JJA, 1.68),
    ],
)
def test_sigma_for_when_at_a_measured_lead_then_it_is_the_tables_value(
    code: str, lead_hours: float, season: Season, sigma: float
) -> None:
    assert sigma_for(code, lead_hours, season) == sigma


@given(CITIES, LEADS, SEASONS)
def test_sigma_for_when_any_city_then_it_lies_above_the_floor_and_in_the_measured_range(
    code: str, lead_hours: float, season: Season
) -> None:
    assert 1.4 <= sigma_for(code, lead_hours, season) <= 5.5


@given(CITIES, LEADS, LEADS, SEASONS)
def test_sigma_for_when_the_lead_grows_then_it_never_shrinks(
    code: str, a: float, b: float, season: Season
) -> None:
    nearer, further = sorted((a, b))
    assert sigma_for(code, nearer, season) <= sigma_for(code, further, season)


@given(CITIES, SEASONS)
def test_sigma_for_when_beyond_the_measured_leads_then_it_stays(code: str, season: Season) -> None:
    assert sigma_for(code, 0, season) == sigma_for(code, 6, season)
    assert sigma_for(code, 46, season) == sigma_for(code, 500, season)


@given(CITIES, LEADS, SEASONS)
def test_sigma_for_when_shown_then_it_has_two_decimals(code: str, lead_hours: float, season: Season) -> None:
    sigma = sigma_for(code, lead_hours, season)
    assert sigma == round(sigma, 2)


@pytest.mark.parametrize(("code", "lead"), [("ORD", 10.0), ("CHI", math.nan), ("CHI", math.inf)])
def test_sigma_for_when_city_or_lead_is_unknown_then_it_is_refused(code: str, lead: float) -> None:
    with pytest.raises(ValueError):
        sigma_for(code, lead, Season.JJA)


@pytest.mark.parametrize(
    ("month", "season"),
    [
        (12, "DJF"),
        (1, "DJF"),
        (2, "DJF"),
        (3, "MAM"),
        (5, "MAM"),
        (6, "JJA"),
        (8, "JJA"),
        (9, "SON"),
        (11, "SON"),
    ],
)
def test_season_of_when_a_month_then_its_meteorological_season(month: int, season: str) -> None:
    assert season_of(date(2026, month, 28)) == season
