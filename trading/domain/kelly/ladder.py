"""Kelly stakes over one ladder: its brackets exclude each other, so they are sized together or wrongly.

Source: project reference on probability and sizing, section 5.4; Kelly 1956, BSTJ 35:917; Smoczynski & Tomkins 2010,
Math. Scientist 35:10. Costs are dollars per contract with everything in them; stakes are shares of the cash at hand,
before any fraction or cap. Near an arbitrage the formulas want nearly all of it: caps must follow.
"""

from collections.abc import Sequence
from math import fsum
from typing import NamedTuple

import numpy as np
from scipy.special import xlogy

from milkbot.core.arrays import SUM_TOLERANCE, Floats, distributions, finite
from trading.domain.kelly.active_set import single_stake
from trading.domain.kelly.log_optimal import maximise_log_wealth


class YesStakes(NamedTuple):
    fractions: tuple[float, ...]
    reserve: float
    """The share kept as cash: wealth when an outcome without a stake happens."""
    growth: float
    """Expected log growth, nats."""

    @property
    def chosen(self) -> tuple[int, ...]:
        """0-based indices of the outcomes with a stake."""
        return tuple(k for k, fraction in enumerate(self.fractions) if fraction > 0)


class LadderStakes(NamedTuple):
    yes: tuple[float, ...]
    no: tuple[float, ...]
    wealth: tuple[float, ...]
    """When each outcome happens, in units of the cash at hand, holdings included."""
    growth: float
    """Expected log growth over doing nothing, nats."""


def kelly_yes_stakes(probs: Sequence[float], costs: Sequence[float | None]) -> YesStakes:
    """The best YES stakes on exclusive outcomes, in closed form; None is an outcome nobody offers.

    By falling p/c an outcome is added while p/c > R = (1 − Σp)/(1 − Σc) over those chosen; fₖ = pₖ − R cₖ. An outcome
    with p < c can belong to it, as a hedge. Costs that sum below 1 leave R = 0. Raises ValueError for what are no
    probabilities or a cost not above 0.
    """
    chances = distributions(probs)
    prices = _costs(costs, chances.size)
    ratios = chances / prices
    reserve, spent_p, spent_c = 1.0, 0.0, 0.0
    chosen = np.zeros(chances.size, dtype=np.bool_)
    for k in np.argsort(-ratios, kind="stable"):
        if ratios[k] <= reserve or spent_c + prices[k] >= 1:
            break
        spent_p, spent_c = spent_p + chances[k], spent_c + prices[k]
        chosen[k] = True
        reserve = max((1 - spent_p) / (1 - spent_c), 0.0)
    if chosen.all() or chances[~chosen].sum() == 0:
        reserve = 0.0  # exactly, where 1 − Σp leaves a rounding error
    stakes = np.where(chosen, chances - reserve * np.where(chosen, prices, 0.0), 0.0)
    growth = float(xlogy(chances, np.where(chosen, ratios, reserve)).sum())
    return YesStakes(tuple(stakes.tolist()), float(reserve), max(growth, 0.0))


def kelly_ladder_stakes(
    probs: Sequence[float],
    yes_costs: Sequence[float | None],
    no_costs: Sequence[float | None],
    holdings: Sequence[float] | None = None,
) -> LadderStakes:
    """The best further YES and NO stakes on exclusive outcomes, all paid from the cash at hand.

    Maximises Σ pⱼ ln Wⱼ, Wⱼ = holdingsⱼ + 1 − Σx + Σᵢ xᵢ payᵢⱼ/costᵢ over x >= 0, Σx <= 1. None is a side nobody offers.
    `holdings` is what owned contracts pay at each outcome in units of the cash; selling YES is buying NO at one minus
    the bid, and the other way round. Raises ValueError for what are no probabilities, a cost not above 0, or a holding
    below 0; ArithmeticError when no optimum is found.
    """
    chances = distributions(probs)
    count = chances.size
    held = np.zeros(count) if holdings is None else finite(holdings)
    if chances.ndim != 1 or held.shape != chances.shape or (held < 0).any():
        raise ValueError(f"needs one holding, not below 0, for each of {count} outcomes")
    costs = np.append(_costs(yes_costs, count), _costs(no_costs, count))
    pays = np.hstack([np.eye(count), 1 - np.eye(count)])
    offered = np.isfinite(costs)
    best = maximise_log_wealth(chances, pays[:, offered] / costs[offered], held)
    stakes = np.zeros(2 * count)
    stakes[offered] = best.stakes
    return LadderStakes(
        tuple(stakes[:count].tolist()),
        tuple(stakes[count:].tolist()),
        tuple(best.wealth.tolist()),
        best.growth,
    )


def kelly_single_stake(
    probs: Sequence[float], place: int, cost: float, holdings: Sequence[float], *, is_yes: bool
) -> float | None:
    """The stake of `kelly_ladder_stakes` where YES, or NO, of the bracket at `place` is all that is offered, at `cost`.

    None where it is not found this way, and for what are no probabilities or a cost not above 0: `kelly_ladder_stakes` says
    what is wrong with them.
    """
    if not (cost > 0 and min(probs) >= 0 and abs(fsum(probs) - 1) <= SUM_TOLERANCE):
        return None
    wins = [(place == outcome) == is_yes for outcome in range(len(probs))]
    return single_stake(probs, [1 / cost - 1 if won else -1.0 for won in wins], holdings)


def _costs(costs: Sequence[float | None], count: int) -> Floats:
    """Infinite where nobody offers: such an outcome is never worth its price."""
    array = np.asarray([np.inf if cost is None else cost for cost in costs], dtype=np.float64)
    if array.size != count or not (array > 0).all():
        raise ValueError(f"needs a cost above 0, or None, for each of {count} outcomes: {list(costs)}")
    return array
