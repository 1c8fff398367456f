"""Makers: from a belief to quotes on the cent grid, with several levels of size behind the touch.

Spreads are 1 to 8 cents: wide in the first hours, at night and where the outcome is open, narrow in liquid cities and
near certainty. A side whose price would be 0 or 100 cents does not exist.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sandbox.cities import City
from sandbox.feeds import Ladder
from sandbox.world.market_chance import generator
from sandbox.world.market_fair import Beliefs, Floats, Integers, instant_of, milliseconds, within
from sandbox.world.market_pauses import weekly_pauses

Cents = NDArray[np.int16]
Hundredths = NDArray[np.int64]

NO_BID: Final = 0
NO_ASK: Final = 100
WIDEST_CENTS: Final = 8
LEVELS: Final = 5
LARGEST_COUNT: Final = 500
POPULARITY: Final = {"NYC": 2.4, "CHI": 1.8, "MIA": 1.7, "LAX": 1.7, "AUS": 1.5, "DEN": 1.4, "PHL": 1.3}
USUAL_POPULARITY: Final = 1.1
REQUOTES: Final = 40
SAME_WIDTH_FOR: Final = 6
FRACTIONAL_SHARE: Final = 0.1
HOUR_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class Quoting:
    """One market's standing quotes: row i holds from `at_ms[i]` on. Prices in cents, 0 and 100 where a side is absent;
    `bid_sizes[i, n]` hundredths of contracts at the n-th level from the touch, each level a cent from the next.
    """

    at_ms: Integers
    bid: Cents
    ask: Cents
    bid_sizes: Hundredths
    ask_sizes: Hundredths
    p: Floats


def liquidity(seed: int, city: City, event: str) -> float:
    """How busy an event is; 1 is a quiet city on a usual day."""
    chance = generator(seed, event, "liquidity")
    return float(POPULARITY.get(city.code, USUAL_POPULARITY) * np.exp(chance.normal(0.0, 0.25)))


def quoting(seed: int, city: City, ladder: Ladder, believed: Beliefs, position: int) -> Quoting:
    """The quotes of the market at `position` in the ladder."""
    bracket = ladder.brackets[position]
    chance = generator(seed, bracket.ticker, "makers")
    at_ms = _moments(ladder, believed, chance)
    row = np.searchsorted(believed.at_ms, at_ms, side="right") - 1
    p = believed.p[row, position]
    busy = liquidity(seed, city, ladder.event_ticker)
    width = _widths(chance, at_ms, ladder, city, p, busy)
    bid = np.floor(100 * p - width / 2 + 0.5).astype(np.int64)
    ask = bid + width
    depth = busy * (1 + (at_ms - at_ms[0]) / (12 * HOUR_MS))
    return Quoting(
        at_ms=at_ms,
        bid=np.clip(bid, NO_BID, 99).astype(np.int16),
        ask=np.clip(ask, 1, NO_ASK).astype(np.int16),
        bid_sizes=_sizes(chance, depth, p),
        ask_sizes=_sizes(chance, depth, 1 - p),
        p=p,
    )


def _moments(ladder: Ladder, believed: Beliefs, chance: np.random.Generator) -> Integers:
    """Every look of the makers, each a few seconds later in this market than in the next, and some requotes between."""
    opens, closes = milliseconds(ladder.opens_at), milliseconds(ladder.closes_at)
    looks = believed.at_ms + chance.integers(0, 4_000, len(believed.at_ms))
    looks[0] = opens
    requotes = chance.integers(opens, closes, chance.poisson(REQUOTES))
    moments: Integers = np.unique(np.concatenate([looks, requotes]))
    moments = moments[(moments >= opens) & (moments < closes)]
    pauses = weekly_pauses(ladder.opens_at, ladder.closes_at)
    if not pauses:
        return moments
    return np.array([ms for ms in moments if not within(instant_of(int(ms)), pauses)], dtype=np.int64)


def _widths(
    chance: np.random.Generator, at_ms: Integers, ladder: Ladder, city: City, p: Floats, busy: float
) -> Integers:
    """Spreads in cents."""
    hours_open = (at_ms - milliseconds(ladder.opens_at)) / HOUR_MS
    young = 1.0 + np.exp(-hours_open / 1.5)
    offset_h = city.standard_offset / timedelta(hours=1)
    hour = (at_ms / HOUR_MS + offset_h) % 24
    sleepy = np.where(hour < 6, 1.3, 1.0)
    wanted = 0.8 + 5.5 * np.sqrt(p * (1 - p)) / busy * young * sleepy
    moods = chance.normal(1.0, 0.2, len(at_ms) // SAME_WIDTH_FOR + 1).repeat(SAME_WIDTH_FOR)[: len(at_ms)]
    widths: Integers = np.clip(np.rint(wanted * moods), 1, WIDEST_CENTS).astype(np.int64)
    return widths


def _sizes(chance: np.random.Generator, depth: Floats, p: Floats) -> Hundredths:
    """Contracts at each level, more for a side that is likely to win and more behind the touch."""
    usual = 14 * depth * (0.4 + 1.8 * p)
    growth = 1 + 0.45 * np.arange(LEVELS)
    counts = usual[:, None] * growth[None, :] * np.exp(chance.normal(0.0, 0.7, (len(p), LEVELS)))
    whole = np.clip(np.rint(counts), 1, LARGEST_COUNT) * 100
    broken = chance.random((len(p), LEVELS)) < FRACTIONAL_SHARE
    parts = chance.integers(1, 100, (len(p), LEVELS)) * broken
    sizes: Hundredths = np.minimum(whole.astype(np.int64) + parts, LARGEST_COUNT * 100)
    return sizes
