"""The split of one dollar of cash that makes expected log wealth largest, whatever is on offer.

With cash as an instrument that returns 1 the stakes lie on the simplex and no return is negative, so wealth stays
above 0 at every inner point. That suits a primal-dual interior-point method (Boyd & Vandenberghe 2004, section 11.7):
a few dozen small linear systems, and no trouble where wealth nears zero, which is where general solvers fail.
Optimality (Cover & Thomas 2006, theorem 16.2.1): E[return of i / wealth] is the same for all held, and no larger for
the others.
"""

from typing import Final, NamedTuple

import numpy as np
from scipy.special import xlogy

from milkbot.core.arrays import Floats
from trading.domain.kelly.active_set import newton_stakes

_MOST_STEPS: Final = 200
_TARGET: Final = 1e-13
_LARGEST_GAP: Final = 1e-9
_PROVEN_GAP: Final = 1e-12
"""Within which the quick way is believed."""
_SHRINK: Final = 0.1
_PROXIMAL: Final = 1e-12
"""Keeps the system solvable where two instruments are worth the same; it shortens steps and moves no optimum."""
_TO_BOUNDARY: Final = 0.99
_FIRST_CASH: Final = 0.9


class LogOptimum(NamedTuple):
    stakes: Floats
    """Share of the cash in each instrument; what they leave stays cash."""
    wealth: Floats
    """In each state, in units of the cash at hand, holdings included."""
    growth: float
    """Gain in expected log wealth over doing nothing, nats; never negative."""


def maximise_log_wealth(probs: Floats, returns: Floats, holdings: Floats) -> LogOptimum:
    """Stakes x >= 0, Σx <= 1 that maximise Σ pₛ ln Wₛ, Wₛ = holdingsₛ + 1 − Σx + Σᵢ xᵢ returnsₛᵢ.

    `probs` and `holdings` have one entry per state, `returns` is (states, instruments) in dollars back per dollar
    staked, not negative. `holdings` are what is owned already pays, in units of the cash at hand. Stakes too small to
    matter are 0; the result is within 1e-6 nats of the best, and 1e-8 where no state is rarer than one in a million.
    Raises ArithmeticError when no such point was found.
    """
    gross = np.column_stack([np.ones(probs.size), returns])
    quick = newton_stakes(probs.tolist(), returns.tolist(), holdings.tolist())
    if quick is not None:
        shares = np.asarray([1 - sum(quick), *quick])
        if _gap(probs, gross, holdings, shares) <= _PROVEN_GAP:
            return _optimum(probs, returns, holdings, shares[1:], shares[0])
    shares, slack = _interior_point(probs, gross, holdings)
    gap = _gap(probs, gross, holdings, shares)
    if not gap <= _LARGEST_GAP:
        raise ArithmeticError(f"the best stakes were not found: {gap} nats may be missing")
    # An idle instrument ends at a rounding error, not at 0: its share is smaller than what holding it would cost.
    held = shares > slack
    stakes = np.where(held, shares, 0.0)[1:]
    cash = float(shares[0] + shares[1:][~held[1:]].sum())
    return _optimum(probs, returns, holdings, stakes, cash)


def _optimum(probs: Floats, returns: Floats, holdings: Floats, stakes: Floats, cash: float) -> LogOptimum:
    wealth = holdings + cash + returns @ stakes
    growth = float((xlogy(probs, wealth) - xlogy(probs, holdings + 1)).sum())
    return LogOptimum(stakes, wealth, max(growth, 0.0))


def _gap(probs: Floats, gross: Floats, holdings: Floats, shares: Floats) -> float:
    """Nats that the best point may be better by: the objective is concave, so its tangent bounds it from above."""
    marginal = probs @ (gross / (holdings + gross @ shares)[:, None])
    return float(marginal.max() - marginal @ shares)


def _interior_point(probs: Floats, gross: Floats, holdings: Floats) -> tuple[Floats, Floats]:
    """Shares inside the simplex and the slack of their optimality, whose products are all close to 0."""
    size = gross.shape[1]
    shares = np.full(size, (1 - _FIRST_CASH) / max(size - 1, 1))
    shares[0] = _FIRST_CASH
    slack, price = np.ones(size), 0.0
    for _ in range(_MOST_STEPS):
        weighted = gross / (holdings + gross @ shares)[:, None]
        slope = -(probs @ weighted)
        residual = slope - price - slack
        if shares @ slack < _TARGET and np.abs(residual).max() < _TARGET * 100:
            break
        centre = _SHRINK * (shares @ slack) / size / shares
        system = np.zeros((size + 1, size + 1))
        system[:size, :size] = (weighted.T * probs) @ weighted + np.diag(slack / shares + _PROXIMAL)
        system[:size, size], system[size, :size] = -1, 1
        step = np.linalg.solve(system, np.append(centre - slack - residual, 1 - shares.sum()))
        by_shares, by_slack = step[:size], centre - slack - slack / shares * step[:size]
        length = min(_within(shares, by_shares), _within(slack, by_slack))
        shares, slack = shares + length * by_shares, slack + length * by_slack
        price += length * float(step[size])
    return shares, slack


def _within(values: Floats, change: Floats) -> float:
    """The longest step along `change`, at most 1, that keeps `values` above 0."""
    falling = change < 0
    return float(np.min(-values[falling] / change[falling] * _TO_BOUNDARY, initial=1.0))
