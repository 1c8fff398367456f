"""Calibrations learned from the store: paired as of each lead, stored once, and in use only when promoted."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Final

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from milkbot.core.cities import load_cities
from milkbot.core.climate_day import climate_day_bounds
from tests.factories import CalibrationFactory, ClimateReportFactory, ForecastFactory, SourceForecastFactory
from tests.sandbox.world.weathers import FIRST_DAY, city_of, world
from tests.weather.bodies import CHI, DAY, NOON, snapshot
from weather.calibrating import calibrate, calibration_in_use
from weather.domain.calibration import PEAK_HOUR_LST
from weather.domain.errors import PRIOR
from weather.domain.outlook import SOURCE, make_outlook
from weather.domain.pairing import ASKED_AT_H, LEADS_H, moment_of
from weather.models import CalibrationRow, ForecastRow
from weather.repositories import CalibrationRepository, WeatherRepository
from weather.tasks import calibrate as calibrate_task

pytestmark = pytest.mark.django_db

ONE_DAY: Final = timedelta(days=1)
HOUR: Final = timedelta(hours=1)
PEAK: Final = climate_day_bounds(DAY, CHI.std_offset_hours)[0] + PEAK_HOUR_LST * HOUR
PLANTED: Final = {"CHI": 3, "NYC": -3, "MIA": 0}
"""°F that the simulated world's forecasts are made too high by."""


def said(high_f: int, hours_before: float, **more: object) -> ForecastRow:
    """An outlook stored so many hours before the peak of Chicago's day."""
    made_at = PEAK - hours_before * HOUR
    values = {"made_at": made_at, "issued_at": made_at - 2 * HOUR, "forecast_high_f": high_f}
    return ForecastFactory.create(**values | more)


def report(high_f: int | None, hours_after: float = 22, *, day: date = DAY, **more: object) -> None:
    received_at = PEAK + (day - DAY) + hours_after * HOUR
    values = {"climate_date": day, "high_f": high_f, "received_at": received_at, "issued_at": received_at}
    ClimateReportFactory.create(**values | more)


def errors_at(hours_after: float = 30) -> dict[float, tuple[float, float | None]]:
    """By lead: error and revision, of Chicago's day, °F."""
    found = CalibrationRepository().lessons(DAY, DAY, PEAK + hours_after * HOUR)
    assert all(lesson.said[-1].source == SOURCE for lesson in found)
    return {
        lesson.lead_h: (lesson.said[-1].high_f - lesson.high_f, lesson.said[-1].revision_f)
        for lesson in found
    }


def test_errors_are_of_the_newest_forecast_at_each_lead() -> None:
    for high_f, hours_before in ((70, 46), (72, 32), (74, 20), (75, 10), (99, 1)):
        said(high_f, hours_before)
    report(73)

    assert errors_at() == {44: (-3, None), 31: (-1, 2), 19: (1, 2), 8: (2, 1), 3: (2, 1)}


def test_errors_leave_out_what_was_too_old_to_be_traded_on() -> None:
    said(70, 10, issued_at=PEAK - 22 * HOUR)
    report(73)
    assert errors_at() == {8: (-3, None)}


def test_errors_are_of_every_source_that_had_spoken_by_then() -> None:
    said(75, 20)
    said(76, 9)
    for high_f, hours_before in ((70, 21), (72, 8.5), (99, 1)):
        received_at = PEAK - hours_before * HOUR
        SourceForecastFactory.create(
            event_date=DAY, high_f=high_f, issued_at=received_at - HOUR, received_at=received_at
        )
    report(73)

    found = CalibrationRepository().lessons(DAY, DAY, PEAK + 30 * HOUR)

    assert {
        lesson.lead_h: [(high.source, high.high_f, high.revision_f) for high in lesson.said]
        for lesson in found
    } == {
        19: [("nbm_text", 70, None), (SOURCE, 75, None)],
        8: [("nbm_text", 72, 2), (SOURCE, 76, 1)],
        3: [("nbm_text", 72, 2), (SOURCE, 76, 1)],
    }


def test_errors_are_known_when_the_final_report_came_and_a_correction_counts_anew() -> None:
    said(75, 4)
    report(72, hours_after=2, is_final=False)
    assert errors_at(hours_after=3) == {}
    report(73, hours_after=22)
    report(None, hours_after=23)
    assert errors_at(hours_after=21.9) == {}
    assert errors_at(hours_after=22) == {3: (2, None)}
    report(71, hours_after=40, correction="CCA")
    assert errors_at(hours_after=39) == {3: (2, None)}
    (corrected,) = CalibrationRepository().lessons(DAY, DAY, PEAK + 50 * HOUR)
    assert (corrected.high_f, corrected.known_at) == (71, PEAK + 40 * HOUR)


class Life:
    """The simulated world's own forecasts and highs of three cities, stored as a running system stores them."""

    def __init__(self, days: int, planted: Mapping[str, int]) -> None:
        self.days = [FIRST_DAY + number * ONE_DAY for number in range(days)]
        self._planted = planted

    def store(self, days: slice) -> datetime:
        """Forecasts at every lead and the final reports; returns when the last of them was there."""
        last = NOON
        for day in self.days[days]:
            for code, planted in self._planted.items():
                ours, theirs = load_cities()[code], city_of(code)
                for lead_h in ASKED_AT_H:
                    at = moment_of(ours, day, lead_h)
                    high_f = world().forecast_high_f(theirs, day, at)
                    if high_f is not None:
                        ForecastFactory.create(
                            city_code=code,
                            event_date=day,
                            made_at=at,
                            issued_at=at - 2 * HOUR,
                            forecast_high_f=high_f + planted,
                        )
                last = climate_day_bounds(day, ours.std_offset_hours)[1] + 7 * HOUR
                ClimateReportFactory.create(
                    city_code=code,
                    cli_code=ours.cli_code,
                    climate_date=day,
                    high_f=world().high_f(theirs, day),
                    issued_at=last,
                    received_at=last,
                )
        return last + HOUR


def test_a_simulated_month_of_biased_forecasts_brings_their_biases_into_use() -> None:
    life = Life(24, PLANTED)
    now = life.store(slice(0, 5))
    early = calibrate(now)
    assert early is not None
    assert not early.promoted
    assert calibration_in_use() is PRIOR

    now = life.store(slice(5, 24))
    verdict = calibrate(now)

    assert verdict is not None
    assert verdict.promoted
    assert calibration_in_use().version == verdict.calibration.version
    bias = {
        code: calibration_in_use().spread_of(code, SOURCE, 19, life.days[-1] + 2 * ONE_DAY).bias
        for code in PLANTED
    }
    assert bias["CHI"] > 1.5
    assert bias["NYC"] < -1.5
    row = CalibrationRow.objects.get(version=verdict.calibration.version)
    assert row.candidate_crps is not None
    assert row.incumbent_crps is not None
    assert row.candidate_crps < row.incumbent_crps
    assert (row.incumbent_version, row.promoted_at, row.fitted_to) == ("prior-1", now, life.days[-1])
    assert row.lessons == len(life.days) * len(PLANTED) * len(LEADS_H)


def test_calibrating_again_without_a_new_outcome_stores_nothing() -> None:
    now = Life(5, {"CHI": 0}).store(slice(0, 5))
    assert calibrate(now) is not None
    assert calibrate(now) is None
    assert calibrate(now + ONE_DAY) is None
    assert CalibrationRow.objects.count() == 1


def test_calibrating_where_nothing_was_settled_stores_nothing() -> None:
    calibrate_task()
    assert not CalibrationRow.objects.exists()


def test_a_year_of_final_reports_says_what_a_day_usually_brings() -> None:
    for number in range(400):
        report(60 + number % 5, day=DAY - number * ONE_DAY)
    said(75, 4)

    verdict = calibrate(PEAK + 30 * HOUR)

    assert verdict is not None
    usual = verdict.calibration.climatology_of("CHI", DAY)
    assert usual is not None
    assert usual.mean == pytest.approx(62, abs=0.3)
    stored = CalibrationRepository().get(verdict.calibration.version)
    assert stored == verdict.calibration


@pytest.fixture
def learned() -> str:
    """The version of a calibration that was learned and promoted."""
    life = Life(12, {"CHI": 4})
    verdict = calibrate(life.store(slice(0, 12)))
    assert verdict is not None
    assert verdict.promoted
    return verdict.calibration.version


def test_a_stored_outlook_is_made_again_from_the_version_it_names(learned: str) -> None:
    made = make_outlook(CHI, snapshot(), DAY, NOON, calibration_in_use())
    assert made is not None
    WeatherRepository().save_outlooks([made])

    row = ForecastRow.objects.filter(calibration_version=learned).get()
    calibration = CalibrationRepository().get(row.calibration_version)

    assert calibration is not None
    assert make_outlook(CHI, snapshot(), row.event_date, row.made_at, calibration) == made
    assert made != make_outlook(CHI, snapshot(), DAY, NOON)


def test_calibration_in_use_costs_one_statement_once_it_is_known(learned: str) -> None:
    calibration_in_use()
    with CaptureQueriesContext(connection) as captured:
        assert calibration_in_use().version == learned
    assert len(captured) == 1


def test_calibration_that_cannot_be_read_leaves_the_prior(caplog: pytest.LogCaptureFixture) -> None:
    CalibrationFactory.create(version="cal-of-tomorrow", content={"new": 1}, promoted_at=NOON)
    assert calibration_in_use() is PRIOR
    assert "cannot be read" in caplog.text


def test_calibration_that_cannot_be_read_is_replaced_by_what_beats_the_prior() -> None:
    life = Life(12, {"CHI": 4})
    long_ago = life.store(slice(0, 1)) - 9 * ONE_DAY
    CalibrationFactory.create(
        version="cal-of-next-week", content={"new": 1}, known_until=long_ago, promoted_at=long_ago
    )

    verdict = calibrate(life.store(slice(1, 12)))

    assert verdict is not None
    assert verdict.promoted
    assert calibration_in_use() == verdict.calibration
    assert CalibrationRow.objects.latest("pk").incumbent_version == PRIOR.version


def test_versions_that_were_never_stored_are_none() -> None:
    assert CalibrationRepository().get("cal-unknown") is None
    assert CalibrationRepository().get(PRIOR.version) is PRIOR
