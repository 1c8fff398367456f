"""Takers: trades against the makers' standing quotes. They never take more than the touch shows."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sandbox.cities import City
from sandbox.feeds import Ladder
from sandbox.world.market_chance import generator
from sandbox.world.market_fair import Floats, Integers, instant_of, milliseconds, within
from sandbox.world.market_makers import HOUR_MS, NO_ASK, NO_BID, Hundredths, Quoting
from sandbox.world.market_pauses import weekly_pauses

TRADES_WHERE_OPEN: Final = 95
TRADES_ANYWAY: Final = 14
USUAL_COUNT: Final = 6.0
FRACTIONAL_SHARE: Final = 0.2
LARGEST_PART_OF_TOUCH: Final = 0.6
OPENING_SHARE: Final = 0.55
CLOSING_SHARE: Final = 0.2
NIGHT_SHARE: Final = 0.25


@dataclass(frozen=True, slots=True)
class Taking:
    """One market's trades, ascending in time. `row` is the maker's quote that was hit, counts are hundredths of
    contracts, `took_yes` the side the taker is positioned for, `opened` the change of open interest."""

    at_ms: Integers
    row: Integers
    cents: NDArray[np.int16]
    count: Hundredths
    took_yes: NDArray[np.bool_]
    opened: Hundredths


def taking(seed: int, city: City, ladder: Ladder, quoted: Quoting, position: int, busy: float) -> Taking:
    """The trades of the market at `position` in the ladder."""
    chance = generator(seed, ladder.brackets[position].ticker, "takers")
    at_ms = _moments(chance, city, ladder, quoted, busy)
    row = np.searchsorted(quoted.at_ms, at_ms, side="right") - 1
    wants_yes = chance.random(len(at_ms)) < 0.5
    bid, ask = quoted.bid[row], quoted.ask[row]
    took_yes = np.where(ask == NO_ASK, False, np.where(bid == NO_BID, True, wants_yes))
    touch = np.where(took_yes, quoted.ask_sizes[row, 0], quoted.bid_sizes[row, 0])
    count = _counts(chance, len(at_ms), busy)
    fits = _fits(row, took_yes, count, touch) & ~((ask == NO_ASK) & (bid == NO_BID))
    opened = _opened(chance, count, fits)
    return Taking(
        at_ms=at_ms[fits],
        row=row[fits],
        cents=np.where(took_yes, ask, bid)[fits].astype(np.int16),
        count=count[fits],
        took_yes=took_yes[fits],
        opened=opened[fits],
    )


def _moments(
    chance: np.random.Generator, city: City, ladder: Ladder, quoted: Quoting, busy: float
) -> Integers:
    """Times of trades: as many as the market is open and busy, fewer at night, none in a pause."""
    opens, closes = milliseconds(ladder.opens_at), milliseconds(ladder.closes_at)
    most = busy * (TRADES_ANYWAY + TRADES_WHERE_OPEN)
    at_ms: Integers = np.unique(chance.integers(opens + 1, closes, chance.poisson(most)))
    p = quoted.p[np.searchsorted(quoted.at_ms, at_ms, side="right") - 1]
    interest = (TRADES_ANYWAY + TRADES_WHERE_OPEN * 4 * p * (1 - p)) / (TRADES_ANYWAY + TRADES_WHERE_OPEN)
    hour = (at_ms / HOUR_MS + city.standard_offset / timedelta(hours=1)) % 24
    awake: Floats = np.where(hour < 6, NIGHT_SHARE, 1.0)
    at_ms = at_ms[chance.random(len(at_ms)) < interest * awake]
    pauses = weekly_pauses(ladder.opens_at, ladder.closes_at)
    if not pauses:
        return at_ms
    return np.array([ms for ms in at_ms if not within(instant_of(int(ms)), pauses)], dtype=np.int64)


def _counts(chance: np.random.Generator, length: int, busy: float) -> Hundredths:
    whole = np.maximum(np.rint(USUAL_COUNT * np.sqrt(busy) * np.exp(chance.normal(0.0, 1.0, length))), 1)
    broken = chance.random(length) < FRACTIONAL_SHARE
    parts = chance.integers(1, 100, length)
    counts: Hundredths = np.where(broken, (whole - 1) * 100 + parts, whole * 100).astype(np.int64)
    return counts


def _fits(
    row: Integers, took_yes: NDArray[np.bool_], count: Hundredths, touch: Hundredths
) -> NDArray[np.bool_]:
    """Which trades leave something of the touch standing, given those before them on the same quote."""
    fits = np.zeros(len(row), dtype=np.bool_)
    taken: dict[tuple[int, bool], int] = {}
    sides = zip(row.tolist(), took_yes.tolist(), strict=True)
    for index, (side, wanted, shown) in enumerate(zip(sides, count.tolist(), touch.tolist(), strict=True)):
        after = taken.get(side, 0) + wanted
        if after <= LARGEST_PART_OF_TOUCH * shown:
            taken[side] = after
            fits[index] = True
    return fits


def _opened(chance: np.random.Generator, count: Hundredths, fits: NDArray[np.bool_]) -> Hundredths:
    """Change of open interest: up when both sides open, down when both close, never below zero."""
    opened = np.zeros(len(count), dtype=np.int64)
    interest = 0
    for index, kind in enumerate(chance.random(len(count)).tolist()):
        if not fits[index]:
            continue
        if kind < OPENING_SHARE:
            opened[index] = count[index]
        elif kind > 1 - CLOSING_SHARE:
            opened[index] = -min(int(count[index]), interest)
        interest += int(opened[index])
    return opened
