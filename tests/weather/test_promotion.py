"""Which calibration comes into use: judged on forecasts whose outcome it had not learned."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Final

import numpy as np
import pytest

from milkbot.core.scoring.crps import crps_student_t
from weather.domain.calibration_json import from_json, to_json, versioned
from weather.domain.climatology import usual_highs
from weather.domain.combining import COMBINED, SourceHigh
from weather.domain.errors import PRIOR, PRIOR_DF, Calibration, ForecastError
from weather.domain.learning import ErrorModel
from weather.domain.pairing import LEADS_H, Lesson, SettledHigh, paired
from weather.domain.promotion import WIDENED_BY, Verdict, judge
from weather.domain.types import DistKind

DAY: Final = timedelta(days=1)
FIRST: Final = date(2025, 3, 1)
CITIES: Final = ("CHI", "NYC", "MIA")
SOURCE: Final = "nws_grid"

Noise = Callable[[str, float, np.random.Generator], float]
"""An error, °F, of a city and a lead."""


def unbiased(city: str, lead_h: float, chance: np.random.Generator) -> float:
    """As wide as the prior says, and with its tails."""
    sd = PRIOR.spread_of(city, SOURCE, lead_h, FIRST).sd
    return round(float(chance.standard_t(PRIOR_DF) * sd * np.sqrt((PRIOR_DF - 2) / PRIOR_DF)))


def biased(city: str, lead_h: float, chance: np.random.Generator) -> float:
    return unbiased(city, lead_h, chance) + {"CHI": 3, "NYC": -3, "MIA": 0}[city]


def wild(city: str, lead_h: float, chance: np.random.Generator) -> float:
    return round(float(chance.normal(0, 9)))


def lessons_of(days: int, noise: Noise = unbiased, *sources: str, seed: int = 7) -> list[Lesson]:
    """Of three cities at all leads, as `paired` gives them. Without revisions: of forecasts drawn by themselves they
    would tell much."""
    chance = np.random.default_rng(seed)
    highs = {
        (city, FIRST + number * DAY): SettledHigh(60, _known_at(FIRST + number * DAY))
        for number in range(days)
        for city in CITIES
    }
    said = {
        (city, day, lead_h): [
            SourceHigh(source, 60 + noise(city, lead_h, chance), _known_at(day) - 3 * DAY)
            for source in (*sources, SOURCE)
        ]
        for city, day in highs
        for lead_h in LEADS_H
    }
    return [without_revisions(lesson) for lesson in paired(said, highs)]


def without_revisions(lesson: Lesson) -> Lesson:
    return lesson._replace(said=tuple(high._replace(revision_f=None) for high in lesson.said))


def missing_by(lesson: Lesson, error_f: float) -> Lesson:
    return lesson._replace(said=tuple(high._replace(high_f=60 + error_f) for high in lesson.said))


def error_of(lesson: Lesson) -> float:
    return lesson.said[-1].high_f - 60


def _known_at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, 50, tzinfo=UTC) + DAY


def at_end_of(lessons: list[Lesson]) -> datetime:
    return lessons[-1].known_at + timedelta(hours=6)


def judged(lessons: list[Lesson], incumbent: Calibration = PRIOR, until: datetime | None = None) -> Verdict:
    return judge(lessons, incumbent, until, at_end_of(lessons))


def learned_from(lessons: list[Lesson]) -> Calibration:
    """Of their one source, without the walk."""
    return ErrorModel.of(
        ForecastError(
            lesson.city_code,
            SOURCE,
            DistKind.WHOLE_DAY,
            lesson.lead_h,
            lesson.day,
            error_of(lesson),
            lesson.known_at,
        )
        for lesson in lessons
    ).calibration()


def test_biases_that_the_prior_does_not_know_are_learned_and_promoted() -> None:
    lessons = lessons_of(40, biased)

    verdict = judged(lessons)

    assert verdict.promoted
    assert verdict.trial is not None
    assert verdict.trial.candidate.log_loss < verdict.trial.incumbent.log_loss
    assert verdict.trial.candidate.crps < verdict.trial.incumbent.crps - 0.2
    assert (verdict.calibration.cells, verdict.calibration.pools) == (
        learned_from(lessons).cells,
        learned_from(lessons).pools,
    )
    bias = {city: verdict.calibration.spread_of(city, SOURCE, 19, FIRST + 45 * DAY).bias for city in CITIES}
    assert bias["CHI"] == pytest.approx(3, abs=1)
    assert bias["NYC"] == pytest.approx(-3, abs=1)
    assert bias["MIA"] == pytest.approx(0, abs=1)


def test_two_sources_are_put_together_and_judged_together() -> None:
    lessons = lessons_of(60, unbiased, "nbm_text")

    verdict = judged(lessons)

    assert verdict.promoted
    assert verdict.trial is not None
    # Two equal and independent sources: the error falls by about √2.
    assert verdict.trial.candidate.crps < 0.85 * verdict.trial.incumbent.crps
    assert {source for _, source, _ in verdict.calibration.cells} == {SOURCE, "nbm_text", COMBINED}


def test_the_same_content_is_not_better_than_itself() -> None:
    lessons = lessons_of(40, biased)
    first = judged(lessons)
    later = lessons_of(60, biased)

    same = judged(later, learned_from(later), later[-1].known_at)
    after = judged(later, first.calibration, lessons[-1].known_at)

    assert not same.promoted
    assert same.trial is None
    assert after.trial is not None
    assert after.trial.days == 20
    assert after.trial.forecasts == 20 * len(CITIES) * len(LEADS_H)


def test_a_trial_judges_each_forecast_by_what_was_known_when_it_was_made() -> None:
    """The scores are those of a walk written out the slow way."""
    lessons = lessons_of(12, biased)

    verdict = judged(lessons)

    crps = []
    for lesson in lessons:
        known = learned_from([each for each in lessons if each.known_at <= lesson.asked_at])
        spread = known.spread_of(lesson.city_code, SOURCE, lesson.lead_h, lesson.day)
        scale = spread.sd * np.sqrt((spread.df - 2) / spread.df)
        crps.append(float(crps_student_t(-spread.bias, scale, spread.df, -error_of(lesson))))
    assert verdict.trial is not None
    assert verdict.trial.candidate.crps == pytest.approx(np.mean(crps), abs=1e-9)


def test_nothing_is_promoted_on_noise_alone_where_the_prior_is_right() -> None:
    promoted = [judged(lessons_of(40, seed=seed)).promoted for seed in range(12)]
    assert sum(promoted) <= 4


@pytest.mark.parametrize(
    ("days", "reason"),
    [(3, "45 forecasts are settled, 60 are needed"), (6, "6 days to be judged by, 7 are needed")],
)
def test_too_little_to_judge_by_changes_nothing(days: int, reason: str) -> None:
    verdict = judged(lessons_of(days, biased))
    assert (verdict.promoted, verdict.reason, verdict.trial) == (False, reason, None)


def test_one_day_since_the_last_promotion_is_too_little() -> None:
    lessons = lessons_of(40, biased)
    assert judged(lessons, PRIOR, lessons[-1].known_at - DAY).reason == "1 days to be judged by, 2 are needed"


def test_a_candidate_whose_central_eighty_per_cent_hold_too_little_is_widened() -> None:
    """Calm weeks, then a few wild days: what was learned in calm is far too narrow."""
    calm = [missing_by(lesson, error_of(lesson) / 3) for lesson in lessons_of(90)]
    days = [lesson for lesson in lessons_of(94, wild) if lesson.day >= FIRST + 90 * DAY]

    narrow = replace(PRIOR, version="narrow", widening=0.1)

    verdict = judged([*calm, *days], narrow, calm[-1].known_at)

    assert (verdict.promoted, verdict.reason) == (True, "better out of sample")
    as_learned = learned_from([*calm, *days])
    spreads = [each.spread_of("CHI", SOURCE, 19, FIRST).sd for each in (as_learned, verdict.calibration)]
    assert spreads[1] == pytest.approx(WIDENED_BY * spreads[0])


def test_an_incumbent_that_fails_and_is_not_replaced_is_widened_once() -> None:
    """Weeks of one bias, then days of the contrary: the prior is wrong, what was learned is worse."""
    weeks = [missing_by(lesson, 8) for lesson in lessons_of(60)]
    days = [missing_by(lesson, -7) for lesson in lessons_of(62) if lesson.day >= FIRST + 60 * DAY]

    verdict = judged([*weeks, *days], PRIOR, weeks[-1].known_at)

    assert verdict.promoted
    assert verdict.reason == "the one in use held 0% within its central 80 %: its spread was widened"
    assert verdict.trial is not None
    assert verdict.trial.candidate.crps > verdict.trial.incumbent.crps
    assert verdict.calibration.cells == PRIOR.cells
    assert verdict.calibration.widening == WIDENED_BY

    again = judged([*weeks, *days], verdict.calibration, weeks[-1].known_at)
    assert (again.promoted, again.reason) == (False, "not better out of sample")


def test_what_is_stored_reads_back_as_the_same_calibration() -> None:
    usual = {"CHI": usual_highs({FIRST - number * DAY: 60 + number % 7 for number in range(400)})}
    lessons = lessons_of(40, biased)
    learned = judge(lessons, PRIOR, None, at_end_of(lessons), usual).calibration

    again = from_json(learned.version, to_json(learned))

    assert again == learned
    assert again.climatology_of("CHI", FIRST) == usual["CHI"][60]
    assert versioned(again).version == learned.version
    assert again.version.startswith("cal-")
    assert len(again.version) <= 40


def test_the_version_names_the_content() -> None:
    learned = learned_from(lessons_of(9))
    assert versioned(learned).version == versioned(replace(learned, version="other")).version
    assert versioned(learned).version != versioned(replace(learned, widening=1.25)).version
    assert versioned(learned).version != versioned(learned_from(lessons_of(10))).version


@pytest.mark.parametrize(
    "changes", [{"prior": "mine"}, {"widening": 0}, {"widening": float("nan")}, {"cells": [{}]}, {"more": 1}]
)
def test_content_that_is_no_calibration_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        from_json("cal-x", to_json(PRIOR) | changes)


def test_another_prior_has_no_name_to_be_stored_under() -> None:
    with pytest.raises(ValueError, match="measured prior"):
        to_json(replace(PRIOR, prior_sd=lambda _city, _lead_h, _day: 2.5))
