"""Learning of the forecasts' errors as they are settled, and which calibration is in use."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from django.db import transaction

from milkbot.logger import logger
from weather.domain.climatology import usual_highs
from weather.domain.errors import PRIOR, Calibration
from weather.domain.pairing import LEARNED_FROM
from weather.domain.promotion import Verdict, judge
from weather.domain.types import Climatology
from weather.repositories import CalibrationRepository
from weather.repositories.calibrations import Standing

_NEXT_DAY: Final = timedelta(days=1)


@transaction.atomic
def calibrate(now: datetime) -> Verdict | None:
    """Learn from every settled forecast, judge what comes of it, and store both; None when nothing new was settled.

    Raises IntegrityError when another process stored the same meanwhile.
    """
    repository = CalibrationRepository()
    lessons = repository.lessons((now - LEARNED_FROM).date(), (now + _NEXT_DAY).date(), now)
    last = repository.known_until()
    if not lessons or (last is not None and lessons[-1].known_at <= last):
        return None
    standing = _standing(repository)
    verdict = judge(lessons, *standing, now, _usual(repository, now))
    repository.append(verdict, standing.calibration, lessons, now)
    return verdict


def _standing(repository: CalibrationRepository) -> Standing:
    """What the cycle uses: where the promoted content cannot be read that is the prior."""
    try:
        return repository.standing()
    except ValueError:
        logger.exception("calibration in use cannot be read; the prior is judged instead")
        return Standing(PRIOR, None)


def _usual(repository: CalibrationRepository, now: datetime) -> dict[str, Mapping[int, Climatology]]:
    """What each city's high usually is, out of the final reports kept; in hundredths, a third of the exact text."""
    return {
        city: {day: _in_hundredths(of) for day, of in usual.items()}
        for city, highs in repository.highs(now).items()
        if (usual := usual_highs(highs))
    }


def _in_hundredths(of: Climatology) -> Climatology:
    return Climatology(mean=round(of.mean, 2), sd=round(of.sd, 2), days=round(of.days, 2))


def calibration_in_use() -> Calibration:
    """The calibration promoted last, or the prior. One short statement; the content is read once a version."""
    version = CalibrationRepository().promoted_version()
    return PRIOR if version is None else _loaded(version)


@lru_cache(maxsize=2)
def _loaded(version: str) -> Calibration:
    """What cannot be read (a later release wrote it) is as good as missing: without it the prior holds."""
    try:
        calibration = CalibrationRepository().get(version)
    except ValueError:
        logger.exception("calibration cannot be read; the prior holds", extra={"version": version})
        return PRIOR
    return calibration or PRIOR
