"""Log-optimal stakes by Newton's method on the instruments that are held: plain floats, for the few that a ladder offers.

From doing nothing, the instrument that promises most is taken up, then what is held is brought to its best; one that would
fall below 0 is put down. What is found must be proven by its gap before it is used: this may give up, and says so.
"""

from collections.abc import Sequence
from math import inf
from typing import Final

_MOST_STEPS: Final = 60
_TARGET: Final = 1e-12
"""Nats per unit of stake that a held instrument may be off its best by, and that one not held may promise."""
_TO_BOUNDARY: Final = 0.9
"""Of the way to where a state's wealth would be nothing."""


def newton_stakes(
    probs: Sequence[float], returns: Sequence[Sequence[float]], holdings: Sequence[float]
) -> list[float] | None:
    """Stakes of `maximise_log_wealth`, `returns` being rows of states; None where all the cash would be spent or no
    point is settled on."""
    excess = [[each - 1 for each in row] for row in returns]
    if len(excess[0]) == 1:
        stake = single_stake(probs, [row[0] for row in excess], holdings)
        return None if stake is None else [stake]
    wealth = [held + 1 for held in holdings]
    stakes, held = [0.0] * len(excess[0]), list[int]()
    for _ in range(_MOST_STEPS):
        if not min(wealth) > 0:
            return None  # A state that next to never happens was spent to the last rounding error.
        parts = [p / w for p, w in zip(probs, wealth, strict=True)]
        slope = [
            sum([part * row[k] for part, row in zip(parts, excess, strict=True)]) for k in range(len(stakes))
        ]
        if all(abs(slope[k]) < _TARGET for k in held):
            best = max((k for k in range(len(stakes)) if k not in held), key=slope.__getitem__, default=None)
            if best is None or slope[best] < _TARGET:
                return stakes if sum(stakes) < 1 else None
            held.append(best)
        curved = [part / w for part, w in zip(parts, wealth, strict=True)]
        step = _solved(
            [
                [sum([c * row[i] * row[j] for c, row in zip(curved, excess, strict=True)]) for j in held]
                for i in held
            ],
            [slope[k] for k in held],
        )
        if step is None:
            return None
        length = _length([stakes[k] for k in held], step)
        moves = [sum([row[k] * by for k, by in zip(held, step, strict=True)]) for row in excess]
        for each, move in zip(wealth, moves, strict=True):
            if each + length * move <= 0:
                length = min(length, -each / move * _TO_BOUNDARY)
        for k, by in zip(held, step, strict=True):
            stakes[k] = max(stakes[k] + length * by, 0.0)
        held = [k for k, by in zip(held, step, strict=True) if stakes[k] > 0 or by > 0]
        wealth = [
            owned + 1 + sum([stake * each for stake, each in zip(stakes, row, strict=True)])
            for owned, row in zip(holdings, excess, strict=True)
        ]
    return None


def single_stake(probs: Sequence[float], excess: Sequence[float], holdings: Sequence[float]) -> float | None:
    """The same steps where one instrument is all that is offered, as it mostly is: `excess` is what it returns in each
    state beyond the dollar staked. Where its slope is none, or it promises nothing, one stake is the best there is.
    """
    wealth, stake = [held + 1 for held in holdings], 0.0
    for _ in range(_MOST_STEPS):
        if not min(wealth) > 0:
            return None
        parts = [p / w for p, w in zip(probs, wealth, strict=True)]
        slope = sum([part * each for part, each in zip(parts, excess, strict=True)])
        if abs(slope) < _TARGET or (stake == 0 and slope < 0):
            return stake if stake < 1 else None
        curved = sum([part / w * each * each for part, w, each in zip(parts, wealth, excess, strict=True)])
        if not curved > 0:
            return None
        step = slope / curved
        length = _length([stake], [step])
        for each, gained in zip(wealth, excess, strict=True):
            if each + length * (gained * step) <= 0:
                length = min(length, -each / (gained * step) * _TO_BOUNDARY)
        stake = max(stake + length * step, 0.0)
        wealth = [held + 1 + stake * each for held, each in zip(holdings, excess, strict=True)]
    return None


def _length(stakes: Sequence[float], step: Sequence[float]) -> float:
    """The longest part of the step, at most all of it, after which no stake is below 0."""
    return min(
        1.0,
        min((-stake / by if by < 0 else inf for stake, by in zip(stakes, step, strict=True)), default=inf),
    )


def _solved(matrix: list[list[float]], right: list[float]) -> list[float] | None:
    """Of a positive definite system, by elimination; None where it is none."""
    size = len(right)
    for k in range(size):
        if not matrix[k][k] > 0:
            return None
        for i in range(k + 1, size):
            factor = matrix[i][k] / matrix[k][k]
            for j in range(k, size):
                matrix[i][j] -= factor * matrix[k][j]
            right[i] -= factor * right[k]
    found = [0.0] * size
    for k in range(size - 1, -1, -1):
        found[k] = (right[k] - sum([matrix[k][j] * found[j] for j in range(k + 1, size)])) / matrix[k][k]
    return found
