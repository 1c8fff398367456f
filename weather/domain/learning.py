"""Learns a source's errors one settled day after another: bias, spread, tails, and how today's error shows in advance.

Each city, source and lead has a bias (a random walk seen through noise) and a spread drawn to what all cities show
together. Two things known beforehand carry a part of the error, the same part in all cities: the forecast's last
revision, and yesterday's miss. Source: project reference on probability and sizing, section 1.2.

Of the constants only the drift of the bias and the two shares of `unrest` were looked at on data (nine settings on the
2021-22 bulletins, which moved the score by less than one per cent); the others are the reference's.
"""

from collections.abc import Iterable
from datetime import datetime
from math import exp, log
from types import MappingProxyType
from typing import Final, Self

from weather.domain.bias import BiasNoise, BiasState, update_bias
from weather.domain.errors import (
    PRIOR_DF,
    Calibration,
    Cell,
    ForecastError,
    Pool,
    PriorSd,
    lead_class,
    measured_prior,
)
from weather.domain.regime import limited_step, unrest

BIAS_DRIFT_F2: Final = 0.01
"""Variance a day of a bias' random walk, °F²: half a degree in a month."""
HALF_LIFE_DAYS: Final = 60.0
POOL_HALF_LIFE_DAYS: Final = 350.0
"""In settled days of any city: about as many days of ten cities as `HALF_LIFE_DAYS` are of one, and more."""
POOL_PRIOR_DAYS: Final = 30.0
RIDGE: Final = 30.0
"""Draws the shares of revision and miss to none, °F²: as much as a few weeks of settled days."""
OUTLIER: Final = 3.5
"""An error of more standard deviations counts as one of so many: one wrong station must not widen a year."""
TAIL_PRIOR_DAYS: Final = 300.0
FEWEST_DF, MOST_DF = 3.0, 30.0

_FADE: Final = exp(-log(2) / HALF_LIFE_DAYS)
_POOL_FADE: Final = exp(-log(2) / POOL_HALF_LIFE_DAYS)


class _Shares:
    """Least squares of the error beyond the bias on (revision, last miss), pooled over cities."""

    def __init__(self) -> None:
        self._rr = self._mm = RIDGE
        self._rm = self._re = self._me = 0.0

    def add(self, revision: float, miss: float, error: float) -> None:
        self._rr += revision * revision
        self._mm += miss * miss
        self._rm += revision * miss
        self._re += revision * error
        self._me += miss * error

    def solved(self) -> tuple[float, float]:
        determinant = self._rr * self._mm - self._rm**2
        return (
            _limited((self._re * self._mm - self._me * self._rm) / determinant),
            _limited((self._me * self._rr - self._re * self._rm) / determinant),
        )


def _limited(share: float) -> float:
    """As much as comes again: all of it at most."""
    return max(-1.0, min(1.0, share))


class _Together:
    """What all cities have shown for one source and lead."""

    def __init__(self) -> None:
        self.shares = _Shares()
        self._squares = self._days = POOL_PRIOR_DAYS
        # As if so many days had shown the prior's tails.
        self._count = self._second = TAIL_PRIOR_DAYS
        self._fourth = TAIL_PRIOR_DAYS * (3 + 6 / (PRIOR_DF - 4))

    def add(self, square: float, standard: float) -> None:
        """`square` in units of the prior's variance; `standard` the error in units of its forecast spread."""
        self._squares = _POOL_FADE * self._squares + square
        self._days = _POOL_FADE * self._days + 1
        self._second += standard**2
        self._fourth += standard**4
        self._count += 1

    def fitted(self) -> Pool:
        of_revision, of_last_miss = self.shares.solved()
        return Pool(of_revision, of_last_miss, self._squares / self._days, self._df())

    def _df(self) -> float:
        """From the kurtosis, 3 + 6/(df − 4)."""
        excess = self._fourth * self._count / self._second**2 - 3
        return MOST_DF if excess <= 6 / (MOST_DF - 4) else max(FEWEST_DF, 4 + 6 / excess)


class ErrorModel:
    """Learns settled errors in the order they became known. The same errors always leave the same calibration."""

    def __init__(self, prior_sd: PriorSd = measured_prior) -> None:
        self._prior_sd = prior_sd
        self._cells: dict[tuple[str, str, int], Cell] = {}
        self._together: dict[tuple[str, int], _Together] = {}
        self._learned = 0
        self._known_until: datetime | None = None

    @classmethod
    def of(cls, errors: Iterable[ForecastError], prior_sd: PriorSd = measured_prior) -> Self:
        """A model that has learned `errors`, whatever order they come in."""
        model = cls(prior_sd)
        for error in sorted(errors, key=lambda each: (each.known_at, each.target_date, each.city_code)):
            model.learn(error)
        return model

    def learn(self, error: ForecastError) -> None:
        """One final error more. Raises ValueError for one known before the last, or for a city without a prior."""
        if self._known_until is not None and error.known_at < self._known_until:
            raise ValueError(f"the error of {error.target_date} was known before what has been learned")
        place = lead_class(error.lead_hours)
        key, shared = (error.city_code, error.source, place), (error.source, place)
        together = self._together.setdefault(shared, _Together())
        said = self.calibration().spread_of(
            *key[:2], error.lead_hours, error.target_date, error.revision_f, error.apart_f
        )
        cell = self._cells.get(key, Cell())
        miss = cell.miss_before(error.target_date)
        revision = limited_step(error.revision_f or 0.0)
        of_revision, of_last_miss = together.shares.solved()
        beyond = error.error_f - of_revision * revision - of_last_miss * miss
        bias = update_bias(
            BiasState(cell.bias, cell.bias_variance), beyond, BiasNoise(BIAS_DRIFT_F2, said.sd**2)
        )
        together.shares.add(revision, miss, error.error_f - bias.bias)
        wrong = min(abs(error.error_f - said.bias), OUTLIER * said.sd)
        sd0 = self._prior_sd(error.city_code, error.lead_hours, error.target_date)
        square = wrong**2 / (sd0**2 * unrest(revision, miss, error.apart_f))
        together.add(square, wrong / said.sd)
        self._cells[key] = cell._replace(
            bias=bias.bias,
            bias_variance=bias.variance,
            squares=_FADE * cell.squares + square,
            days=_FADE * cell.days + 1,
        ).with_miss(error.target_date, error.error_f - bias.bias)
        self._learned += 1
        self._known_until = error.known_at

    def note(self, error: ForecastError) -> None:
        """An error as it looks before it is final, such as by an evening's report: known as the last miss, not learned."""
        key = (error.city_code, error.source, lead_class(error.lead_hours))
        cell = self._cells.get(key)
        if cell is not None:
            self._cells[key] = cell.with_miss(error.target_date, error.error_f - cell.bias)

    def calibration(self) -> Calibration:
        """What has been learned so far."""
        until = f"{self._known_until:%Y%m%dT%H%MZ}" if self._known_until else "none"
        return Calibration(
            version=f"learned-1-{self._learned}-{until}",
            cells=MappingProxyType(dict(self._cells)),
            pools=MappingProxyType({key: pool.fitted() for key, pool in self._together.items()}),
            prior_sd=self._prior_sd,
        )
