"""Whether a newly learned calibration may take the place of the one in use: only when it is better out of sample.

The candidate is walked forward: every forecast of the last days is made anew with what had been learned by then, and
judged by what came. The calibration in use makes the same forecasts, as far as it had not learned from their outcomes.
Source: project reference on probability and sizing, sections 6.1, 6.6 and 9.3.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from operator import itemgetter
from typing import Final, NamedTuple

import numpy as np
from scipy.special import stdtr, stdtrit

from milkbot.core.arrays import Floats
from milkbot.core.scoring.crps import crps_student_t
from milkbot.core.scoring.probability import LOG_SCORE_FLOOR
from weather.domain.calibration_json import versioned
from weather.domain.combining import COMBINED, Said, Together, best_of, put_together
from weather.domain.errors import Calibration
from weather.domain.learning import ErrorModel
from weather.domain.pairing import Lesson
from weather.domain.types import Climatology

JUDGED_OVER: Final = timedelta(days=30)
FEWEST_DAYS: Final = 7
"""Settled days that a first trial needs."""
FEWEST_DAYS_SINCE: Final = 2
"""Settled days that a later trial needs since the calibration in use was learned: what has proved itself is soon renewed,
since the walk below is of a calibration that knows yesterday."""
FEWEST_LESSONS: Final = 60
"""With fewer the measured spreads stay (reference 1.2)."""
FEWEST_COVERED: Final = 0.74
"""Share of highs that the central 80 % must hold (reference 6.6)."""
WIDENED_BY: Final = 1.25

Usual = Mapping[str, Mapping[int, Climatology]]
"""By city and day of the year."""


class Scores(NamedTuple):
    """Mean losses over forecasts of a day's high: −ln of the settled degree's probability, in nats, and CRPS, °F.

    `coverage` is the share of highs within the central 80 %.
    """

    log_loss: float
    crps: float
    coverage: float


class Trial(NamedTuple):
    """Both calibrations on the same forecasts."""

    days: int
    forecasts: int
    candidate: Scores
    incumbent: Scores


class Verdict(NamedTuple):
    """What to store. `trial` is None when too little was there to hold one."""

    calibration: Calibration
    promoted: bool
    reason: str
    trial: Trial | None


class _Judged(NamedTuple):
    lesson: Lesson
    by_candidate: Said
    by_incumbent: Said


class _Learner:
    """Learns lessons in the order of time: what is asked of it is answered by what was known then."""

    def __init__(self) -> None:
        self._model = ErrorModel()
        self._known: Calibration | None = None
        self._together: dict[Lesson, Together | None] = {}

    def calibration(self) -> Calibration:
        if self._known is None:
            self._known = self._model.calibration()
        return self._known

    def ask(self, lesson: Lesson) -> None:
        """Put the sources together as of now: what that misses is learned once the day is settled."""
        self._together[lesson] = put_together(
            self.calibration(), lesson.city_code, lesson.lead_h, lesson.day, lesson.said
        )

    def learn(self, lesson: Lesson) -> None:
        for high in lesson.said:
            self._model.learn(lesson.error_of(high.source, high.high_f, high.revision_f))
        together = self._together.pop(lesson, None)
        if together is not None:
            self._model.learn(
                lesson.error_of(COMBINED, together.mean_f, together.revision_f, together.apart_f)
            )
        self._known = None


def judge(
    lessons: Sequence[Lesson],
    incumbent: Calibration,
    known_until: datetime | None,
    now: datetime,
    usual: Usual | None = None,
) -> Verdict:
    """Learn from `lessons`, given as `paired` orders them, and hold what comes of it against the `incumbent`.

    `known_until` is when the last outcome the incumbent learned from was known; None for the prior, which has learned
    from none of these. Where the candidate's central 80 % hold too little its spread is widened before it is judged; an
    incumbent that fails so and is not replaced is widened itself. `usual` goes with the candidate; no score is of it.
    """
    learner = _Learner()
    judged = [
        each
        for each in _walk(learner, lessons, incumbent, (now - JUDGED_OVER).date())
        if known_until is None or each.lesson.known_at > known_until
    ]
    candidate = replace(learner.calibration(), usual=usual or {})
    if len(lessons) < FEWEST_LESSONS:
        return _kept(candidate, f"{len(lessons)} forecasts are settled, {FEWEST_LESSONS} are needed")
    days = len({each.lesson.day for each in judged})
    fewest = FEWEST_DAYS if known_until is None else FEWEST_DAYS_SINCE
    if days < fewest:
        return _kept(candidate, f"{days} days to be judged by, {fewest} are needed")
    own = _scores([(each.lesson, each.by_candidate) for each in judged])
    if own.coverage < FEWEST_COVERED:
        candidate = replace(candidate, widening=WIDENED_BY)
        own = _scores([(each.lesson, each.by_candidate) for each in judged], WIDENED_BY)
    theirs = _scores([(each.lesson, each.by_incumbent) for each in judged])
    return _decided(candidate, incumbent, Trial(days, len(judged), own, theirs))


def _decided(candidate: Calibration, incumbent: Calibration, trial: Trial) -> Verdict:
    own, theirs = trial.candidate, trial.incumbent
    if own.log_loss < theirs.log_loss and own.crps < theirs.crps:
        return Verdict(versioned(candidate), True, "better out of sample", trial)
    if theirs.coverage < FEWEST_COVERED and incumbent.widening < WIDENED_BY:
        wider = replace(incumbent, widening=WIDENED_BY)
        reason = f"the one in use held {theirs.coverage:.0%} within its central 80 %: its spread was widened"
        return Verdict(versioned(wider), True, reason, trial)
    return Verdict(versioned(candidate), False, "not better out of sample", trial)


def _kept(candidate: Calibration, reason: str) -> Verdict:
    return Verdict(versioned(candidate), False, reason, None)


def _walk(
    learner: _Learner, lessons: Sequence[Lesson], incumbent: Calibration, judged_from: date
) -> Iterator[_Judged]:
    """Everything in the order of time; of the last days, what either would have said when it was asked."""
    asked = [(lesson.asked_at, True, lesson) for lesson in lessons]
    known = [(lesson.known_at, False, lesson) for lesson in lessons]
    for _, is_asked, lesson in sorted([*known, *asked], key=itemgetter(0, 1)):
        if not is_asked:
            learner.learn(lesson)
            continue
        learner.ask(lesson)
        if lesson.day >= judged_from:
            yield _Judged(lesson, _said_by(learner.calibration(), lesson), _said_by(incumbent, lesson))


def _said_by(calibration: Calibration, lesson: Lesson) -> Said:
    return best_of(calibration, lesson.city_code, lesson.lead_h, lesson.day, lesson.said)


def _scores(judged: Sequence[tuple[Lesson, Said]], widening: float = 1.0) -> Scores:
    came = np.array([float(lesson.high_f) for lesson, _ in judged])
    mu, sd, df = np.array([(said.mu, said.errors.sd * widening, said.errors.df) for _, said in judged]).T
    scale = sd * np.sqrt((df - 2) / df)
    p_degree = _below(came + 0.5, mu, scale, df) - _below(came - 0.5, mu, scale, df)
    return Scores(
        log_loss=float(np.mean(-np.log(np.maximum(p_degree, LOG_SCORE_FLOOR)))),
        crps=float(np.mean(crps_student_t(mu, scale, df, came))),
        coverage=float(np.mean(np.abs(came - mu) <= scale * stdtrit(df, 0.9))),
    )


def _below(x: Floats, loc: Floats, scale: Floats, df: Floats) -> Floats:
    return np.asarray(stdtr(df, (x - loc) / scale))
