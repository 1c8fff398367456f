"""The rest of the day: what the hours ahead may still bring, and when the day's high counts as seen."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from milkbot.core.cities import load_cities
from tests.weather.bodies import CHI
from weather.domain.families import OneFactorMax
from weather.domain.nowcast import Spread, make_nowcast
from weather.domain.types import (
    DaySoFar,
    HourlyTemps,
    LockState,
    Nowcast,
    RecentTemp,
    ReportedHigh,
    WeatherSnapshot,
)

DAY = date(2026, 7, 4)
MIDNIGHT = datetime(2026, 7, 4, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)
FORECAST = (70, 69, 68, 68, 67, 67, 68, 70, 73, 76, 79, 82, 84, 86, 87, 88, 87, 86, 84, 81, 78, 76, 74, 72)
"""°F at each full hour of the day; the peak at 15:00 standard time."""
SPREAD = Spread(bias=0.0, sd=2.2)


def hourly(first: int = 0, temps_f: tuple[int | None, ...] = FORECAST) -> HourlyTemps:
    return HourlyTemps(starts_at=MIDNIGHT + first * HOUR, temps_f=temps_f[first:])


def so_far(
    hour: float, temp_f: float, maximum_f: int, *, warmest_h: float | None = None, **more: Any
) -> DaySoFar:
    at = MIDNIGHT + hour * HOUR
    return DaySoFar(
        day=DAY,
        max_pmf={maximum_f: 1.0},
        warmest_at=MIDNIGHT + (hour if warmest_h is None else warmest_h) * HOUR,
        recent=(RecentTemp(at=at, temp_f=temp_f),),
        **more,
    )


def nowcast(
    seen: DaySoFar,
    forecast: HourlyTemps | None = None,
    *,
    city: str = "CHI",
    spread: Spread = SPREAD,
    **more: Any,
) -> Nowcast | None:
    snapshot = WeatherSnapshot(
        city_code=city, captured_at=seen.recent[0].at, hourly=forecast or hourly(), **more
    )
    return make_nowcast(load_cities()[city], snapshot, seen, spread)


def remaining(seen: DaySoFar, **more: Any) -> OneFactorMax:
    found = nowcast(seen, **more)
    assert found is not None
    assert isinstance(found.remaining, OneFactorMax)
    return found.remaining


def report(high_f: int, *, is_final: bool = False) -> ReportedHigh:
    return ReportedHigh(day=DAY, high_f=high_f, is_final=is_final, issued_at=MIDNIGHT + 17 * HOUR)


def test_hours_ahead_carry_the_present_deviation_and_let_it_fade() -> None:
    means = remaining(so_far(12, 88, 88)).hourly_means  # 4 °F above the forecast 84
    assert means[:3] == pytest.approx((86 + 4 * 0.85, 87 + 4 * 0.85**2, 88 + 4 * 0.85**3), abs=0.051)
    assert len(means) == 5  # from 18:00 on it is too cool to matter


def test_known_bias_takes_the_deviations_place_as_it_fades() -> None:
    means = remaining(so_far(6, 68, 70), spread=Spread(bias=2.0, sd=2.2)).hourly_means
    assert max(means) == pytest.approx(88 - 2 * (1 - 0.85**9), abs=0.051)
    assert min(means) == pytest.approx(84 - 2 * (1 - 0.85**12), abs=0.051)


@pytest.mark.parametrize(
    ("hour", "city", "expected"),
    [
        (6, "CHI", 2.2),
        (9, "CHI", 2.2),
        (11, "CHI", 1.65),
        (14, "CHI", 0.99),
        (14, "SFO", 1.2375),
        (22, "CHI", 0.4),
    ],
)
def test_spread_shrinks_as_the_day_goes_and_stays_wider_at_the_ocean(
    hour: float, city: str, expected: float
) -> None:
    shift = (CHI.std_offset_hours - load_cities()[city].std_offset_hours) * HOUR
    seen = so_far(hour, 80, 80)
    moved = seen.model_copy(
        update={
            "recent": (RecentTemp(at=seen.recent[0].at + shift, temp_f=80.0),),
            "warmest_at": MIDNIGHT + shift,
        }
    )
    forecast = HourlyTemps(starts_at=MIDNIGHT + shift, temps_f=FORECAST)
    found = remaining(moved, city=city, forecast=forecast)
    assert (found.tau**2 + found.sigma_hour**2) ** 0.5 == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(
    "forecast",
    [
        HourlyTemps(starts_at=MIDNIGHT, temps_f=FORECAST[:22]),  # ends before the day does
        HourlyTemps(starts_at=MIDNIGHT, temps_f=(*FORECAST[:18], None, *FORECAST[19:])),
        HourlyTemps(
            starts_at=MIDNIGHT + 15 * HOUR, temps_f=FORECAST[15:]
        ),  # nothing to hold the reading against
        HourlyTemps(starts_at=MIDNIGHT, temps_f=()),
    ],
)
def test_without_a_forecast_of_all_hours_left_there_is_no_nowcast(forecast: HourlyTemps) -> None:
    assert nowcast(so_far(12, 84, 84), forecast) is None


def test_after_the_last_full_hour_the_present_temperature_is_what_is_left() -> None:
    assert remaining(so_far(23.5, 71, 88)).hourly_means == (71.0,)


@pytest.mark.parametrize(
    ("seen", "reported", "expected"),
    [
        (so_far(12, 84, 84), None, LockState.OPEN),
        (so_far(16, 87, 88, warmest_h=15), None, LockState.LIKELY),
        (so_far(18, 84, 88, warmest_h=15), None, LockState.LOCKED_OBS),
        (so_far(18, 84, 88, warmest_h=17), None, LockState.LIKELY),  # the peak is one hour past
        (so_far(18, 88, 89, warmest_h=15), None, LockState.LIKELY),  # it has hardly fallen
        (so_far(18, 84, 88, warmest_h=15), report(88), LockState.FINAL_PRELIM),
        (so_far(18, 84, 87, warmest_h=15), report(88), LockState.FINAL_PRELIM),  # it raised what was seen
        (so_far(12, 84, 84), report(84), LockState.OPEN),  # a report of the morning closes nothing
        (so_far(18, 84, 88, warmest_h=15), report(89, is_final=True), LockState.FINAL),
    ],
)
def test_lock_needs_the_peak_behind_and_nothing_ahead(
    seen: DaySoFar, reported: ReportedHigh | None, expected: LockState
) -> None:
    found = nowcast(seen, reported=reported)
    assert found is not None
    assert found.lock is expected


def test_until_the_days_own_maximum_is_in_two_per_cent_stay_above_the_maximum_so_far() -> None:
    open_end, closed = (
        nowcast(so_far(20, 80, 88, warmest_h=15, has_day_max=has_day_max)) for has_day_max in (False, True)
    )
    assert open_end is not None
    assert closed is not None
    assert open_end.max_so_far == pytest.approx({88: 0.98, 89: 0.02}, abs=1e-6)
    assert open_end.p_lock == pytest.approx(0.98)
    assert closed.max_so_far == {88: 1.0}
    assert closed.p_lock > 0.9999


def test_final_report_leaves_nothing_to_come() -> None:
    found = nowcast(so_far(12, 84, 84), reported=report(91, is_final=True))
    assert found is not None
    assert (found.max_so_far, found.remaining, found.p_lock) == ({91: 1.0}, None, 1.0)


def test_report_of_another_day_says_nothing() -> None:
    yesterday = report(99).model_copy(update={"day": DAY - timedelta(days=1)})
    assert nowcast(so_far(12, 84, 84), reported=yesterday) == nowcast(so_far(12, 84, 84))
