"""What a well-informed maker believes: the probability of every bracket, at the moments at which he looks again.

He looks when the market opens, on a grid that is finer while the day's high is being made, after every hourly
observation and after every revision of the forecast. Until the morning of the day he goes by the newest revision, then
by everything that can be observed. On some events he takes note of a revision late; that is the world's one
inefficiency (`INEFFICIENCY`), and nothing else in his belief is wrong on purpose.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sandbox.cities import City
from sandbox.feeds import Ladder, Pause
from sandbox.world.market_chance import fraction, generator
from sandbox.world.market_pauses import weekly_pauses
from sandbox.world.truth import Truth

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

LAG_SHARE: Final = 0.15
LAG: Final = timedelta(minutes=20)
INEFFICIENCY: Final = (
    "On 15 % of events, chosen by the seed, makers take note of a forecast revision 20 minutes after its issue; "
    "elsewhere within 90 seconds."
)

OBSERVATION_MINUTE: Final = 53
QUIET_GRID: Final = timedelta(minutes=30)
BUSY_GRID: Final = timedelta(minutes=10)
BUSY_HOURS: Final = range(9, 20)
STANDING_HOURS: Final = (15.0, 16.0, 17.0, 21.0)
STANDING_SHARES: Final = (0.0, 0.6, 0.93, 0.97)
STANDING_RISE_F: Final = 0.75
OBSERVED_FROM: Final = timedelta(hours=9)
REACTION_S: Final = (20.0, 90.0)
MOMENT: Final = timedelta(seconds=1)
OPINION_SD_F: Final = 0.06
OPINION_MEMORY: Final = 0.9
SMALLEST_SIGMA_F: Final = 0.05
ROUNDING_VARIANCE: Final = 1 / 12
"""What rounding to whole degrees adds to the variance of the unrounded high."""
T_VARIANCE: Final = 6 / 4
"""Variance of Student's t with six degrees of freedom, the shape of measured forecast errors."""


@dataclass(frozen=True, slots=True)
class Beliefs:
    """`p[i, k]`: probability of bracket k (cold to warm) believed from `at_ms[i]` (Unix milliseconds) on."""

    at_ms: Integers
    p: Floats


def makers_lag(seed: int, event: str) -> bool:
    """Whether the makers of this event are late to take note of revisions."""
    return fraction(seed, event, "makers lag") < LAG_SHARE


def milliseconds(instant: datetime) -> int:
    """Unix milliseconds."""
    return round(instant.timestamp() * 1000)


def instant_of(ms: int) -> datetime:
    """The reverse of `milliseconds`."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def beliefs(truth: Truth, seed: int, city: City, ladder: Ladder) -> Beliefs:
    """The makers' beliefs over the whole life of an event."""
    day = ladder.event_date
    revised = [issued for issued, _ in truth.revisions(city, day, ladder.closes_at)]
    lag = LAG if makers_lag(seed, ladder.event_ticker) else timedelta(0)
    chance = generator(seed, ladder.event_ticker, "makers' beliefs")
    looks = _looks(city, ladder, revised, lag, chance)
    observed_from = city.climate_day_start(day) + OBSERVED_FROM
    known = [_informed_until(look, revised, lag, observed_from) for look in looks]
    view_of = {instant: truth.best_mu_sigma(city, day, instant) for instant in dict.fromkeys(known)}
    views = np.array([view_of[instant] for instant in known], dtype=np.float64)
    certain = np.array([_certain_f(truth, city, ladder, look) for look in looks], dtype=np.float64)
    p = bracket_probabilities(ladder, views[:, 0] + _opinion(chance, len(looks)), views[:, 1], certain)
    stands = _standing(city, ladder, looks, views[:, 0] - certain)[:, None]
    p = stands * _bracket_of(ladder, certain) + (1 - stands) * p
    return Beliefs(np.array([milliseconds(look) for look in looks], dtype=np.int64), p)


def bracket_probabilities(ladder: Ladder, mu: Floats, sigma: Floats, certain_f: Floats) -> Floats:
    """`p[i, k]` for whole-degree highs of mean `mu[i]` and deviation `sigma[i]`, none of them below `certain_f[i]`.

    A whole degree stands for half a degree on both sides; `certain_f` is -inf while nothing is certain.
    """
    edges = np.array([bracket.highest_f for bracket in ladder.brackets[:-1]], dtype=np.float64) + 0.5
    variance = np.maximum(sigma**2 - ROUNDING_VARIANCE, SMALLEST_SIGMA_F**2)
    scale = np.sqrt(variance / T_VARIANCE)
    mean = np.maximum(mu, certain_f)
    ruled_out = student_cdf((certain_f - 0.5 - mean) / scale)[:, None]
    below = student_cdf((edges[None, :] - mean[:, None]) / scale[:, None])
    # The mean is never below what is certain, so that at least half of the mass is left.
    left = np.maximum(below - ruled_out, 0.0) / (1.0 - ruled_out)
    nothing, everything = np.zeros((len(mu), 1)), np.ones((len(mu), 1))
    p: Floats = np.diff(np.hstack([nothing, left, everything]), axis=1)
    return p


def student_cdf(t: Floats) -> Floats:
    """Distribution function of Student's t with six degrees of freedom, in closed form."""
    with np.errstate(invalid="ignore"):
        sine = np.where(np.isinf(t), np.sign(t), t / np.sqrt(6.0 + t * t))
    cosine2 = 1.0 - sine * sine
    value: Floats = 0.5 + 0.5 * sine * (1.0 + cosine2 / 2.0 + 3.0 * cosine2 * cosine2 / 8.0)
    return value


def within(instant: datetime, pauses: Iterable[Pause]) -> bool:
    """Whether nothing trades at `instant`."""
    return any(pause.starts_at <= instant < pause.ends_at for pause in pauses)


def _looks(
    city: City,
    ladder: Ladder,
    revised: Sequence[datetime],
    lag: timedelta,
    chance: np.random.Generator,
) -> list[datetime]:
    """The moments at which the makers look again, ascending, the opening first."""
    moments = {ladder.opens_at, *_grid(city, ladder)}
    hours = int((ladder.closes_at - ladder.opens_at) / timedelta(hours=1))
    first = ladder.opens_at.replace(minute=OBSERVATION_MINUTE)
    for hour, delay_s in enumerate(chance.uniform(*REACTION_S, hours)):
        moments.add(first + timedelta(hours=hour, seconds=int(delay_s)))
    for issued, delay_s in zip(revised, chance.uniform(*REACTION_S, len(revised)), strict=True):
        moments.add(issued + lag + timedelta(seconds=int(delay_s)))
    pauses = weekly_pauses(ladder.opens_at, ladder.closes_at)
    moments.update(pause.ends_at for pause in pauses)
    trading = (moment for moment in moments if ladder.opens_at <= moment < ladder.closes_at)
    return sorted(moment for moment in trading if not within(moment, pauses))


def _grid(city: City, ladder: Ladder) -> Iterable[datetime]:
    moment = ladder.opens_at
    while moment < ladder.closes_at:
        yield moment
        local = moment + city.standard_offset
        busy = local.date() == ladder.event_date and local.hour in BUSY_HOURS
        moment += BUSY_GRID if busy else QUIET_GRID


def _informed_until(
    look: datetime, revised: Sequence[datetime], lag: timedelta, observed_from: datetime
) -> datetime:
    """The instant whose knowledge a look uses.

    Before the day's observations count that of the newest revision taken note of, afterwards the look's own, or the
    moment before a revision not yet taken note of.
    """
    noted = bisect_right(revised, look - lag)
    if look < observed_from:
        return revised[noted - 1] if noted else look
    unseen = bisect_right(revised, look) > noted
    return revised[noted] - MOMENT if unseen else look


def _certain_f(truth: Truth, city: City, ladder: Ladder, look: datetime) -> float:
    reached = truth.max_so_far_f(city, ladder.event_date, look)
    return float("-inf") if reached is None else float(reached)


def _standing(city: City, ladder: Ladder, looks: Sequence[datetime], expected_rise_f: Floats) -> Floats:
    """How sure makers are, beyond the best mean and deviation, that the maximum so far is the day's.

    A mean within a degree of it says little late in the day: what has been seen is already rounded, the mean is not.
    """
    start = city.climate_day_start(ladder.event_date)
    hours = np.array([(look - start) / timedelta(hours=1) for look in looks])
    sure: Floats = np.interp(hours, STANDING_HOURS, STANDING_SHARES)
    return np.where(expected_rise_f < STANDING_RISE_F, sure, 0.0)


def _bracket_of(ladder: Ladder, high_f: Floats) -> Floats:
    """1 for the bracket that `high_f[i]` wins, 0 for the others."""
    edges = np.array([bracket.highest_f for bracket in ladder.brackets[:-1]], dtype=np.float64)
    position = np.searchsorted(edges, high_f, side="left")
    certain: Floats = np.eye(len(ladder.brackets))[position]
    return certain


def _opinion(chance: np.random.Generator, length: int) -> Floats:
    """A slowly wandering difference between the makers' mean and the best one: it moves quotes by a cent at most."""
    shocks = chance.standard_normal(length) * OPINION_SD_F * np.sqrt(1 - OPINION_MEMORY**2)
    opinion = np.empty(length)
    held = shocks[0] / np.sqrt(1 - OPINION_MEMORY**2)
    for index, shock in enumerate(shocks):
        held = OPINION_MEMORY * held + shock
        opinion[index] = held
    return opinion
