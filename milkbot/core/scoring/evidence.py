"""Is the difference real? Tests and intervals for paired daily losses, and how many events a claim needs.

Average the cities of a date first: their errors are not independent. Source: project reference on probability and
sizing, section 6.4; Diebold & Mariano 1995, JBES 13:253; Harvey, Leybourne & Newbold 1997, Int. J. Forecasting 13:281.
"""

from functools import lru_cache
from math import ceil, sqrt
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from milkbot.core.arrays import finite

BLOCK_DAYS: Final = 5
"""Weather holds its mood for about this long."""
BOOTSTRAP_DRAWS: Final = 2000


class DieboldMariano(NamedTuple):
    """Test of equal accuracy: the mean loss difference in standard errors."""

    dm: float
    """Standard normal under equality, for many days."""
    hln: float
    """With the small-sample factor; compare with Student-t of n − 1 degrees of freedom."""
    n: int


class Interval(NamedTuple):
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        return self.low > 0 or self.high < 0


def diebold_mariano(differences: npt.ArrayLike, horizon: int = 1) -> DieboldMariano:
    """mean / √(variance/n) of the loss `differences` in time order; autocovariances (divided by n) up to horizon − 1.

    Raises ValueError for fewer than two differences, a horizon outside 1..n − 1, or a long-run variance that is not
    above 0, which happens with few days: use `block_bootstrap` then.
    """
    d = finite(differences)
    n = d.size
    if d.ndim != 1 or n < 2 or not 1 <= horizon < n:
        raise ValueError(
            f"needs a row of at least two differences and a horizon within it, got {n} and {horizon}"
        )
    centred = d - d.mean()
    covariances = [float(centred[lag:] @ centred[: n - lag]) / n for lag in range(horizon)]
    long_run = covariances[0] + 2 * sum(covariances[1:])
    if long_run <= 0:
        raise ValueError(f"the long-run variance is {long_run}: too few days for this test")
    dm = float(d.mean()) / sqrt(long_run / n)
    return DieboldMariano(dm, dm * sqrt((n + 1 - 2 * horizon + horizon * (horizon - 1) / n) / n), n)


def block_bootstrap(
    values: npt.ArrayLike,
    *,
    seed: int,
    block: int = BLOCK_DAYS,
    draws: int = BOOTSTRAP_DRAWS,
    level: float = 0.95,
) -> Interval:
    """Percentile interval of the mean of `values` in time order, from circular blocks (Politis & Romano 1992).

    Blocks keep what neighbouring days share. Raises ValueError for no values or a block longer than they are.
    """
    days = finite(values)
    if days.ndim != 1 or not 1 <= block <= days.size or draws < 1 or not 0 < level < 1:
        raise ValueError(f"cannot draw blocks of {block} from {days.size} values")
    drawn = days.take(_drawn_places(days.size, seed, block, draws))
    low, high = np.quantile(drawn.mean(axis=1), [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


@lru_cache(maxsize=4)
def _drawn_places(size: int, seed: int, block: int, draws: int) -> npt.NDArray[np.int64]:
    """Which values each draw takes: the same for all that are compared on the same days. Read only."""
    starts = np.random.default_rng(seed).integers(size, size=(draws, ceil(size / block)))
    places = (starts[..., None] + np.arange(block)).reshape(draws, -1)[:, :size] % size
    places.flags.writeable = False
    return places


def sample_size(
    effect: float, sd: float, *, alpha: float = 0.05, power: float = 0.8, design_effect: float = 1.0
) -> int:
    """Events needed to see a mean of `effect`: deff (z₁₋α + z_power)² sd² / effect², one-sided, rounded up.

    `design_effect` is how many dependent events weigh as one. Raises ValueError unless effect, sd and design effect
    are above 0 and alpha and power lie between 0 and 1.
    """
    if not (effect > 0 and sd > 0 and design_effect > 0 and 0 < alpha < 1 and 0 < power < 1):
        raise ValueError("needs a positive effect, sd and design effect, and alpha and power between 0 and 1")
    quantiles = float(ndtri(1 - alpha) + ndtri(power))
    return ceil(design_effect * (quantiles * sd / effect) ** 2)
