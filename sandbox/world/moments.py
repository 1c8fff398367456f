"""Mean and standard deviation of a normal variable that cannot lie below a bound."""

import math


def truncated_below(mean: float, sigma: float, bound: float) -> tuple[float, float]:
    """Given that the variable turned out not lower than `bound`: what is left is scaled up."""
    if sigma <= 0:
        return max(mean, bound), 0.0
    low = (bound - mean) / sigma
    above = _share_above(low)
    if above < 1e-9:  # Far out the tail is an exponential; what matters is to stay at the bound.
        return bound + sigma / max(low, 1.0), sigma / max(low, 1.0)
    pull = _density(low) / above
    return mean + sigma * pull, sigma * math.sqrt(max(1 + low * pull - pull**2, 0.0))


def censored_below(mean: float, sigma: float, bound: float) -> tuple[float, float]:
    """Of the larger of the variable and `bound`: what would lie below sits on the bound."""
    if sigma <= 0:
        return max(mean, bound), 0.0
    low = (bound - mean) / sigma
    above, density = _share_above(low), _density(low)
    first = bound * (1 - above) + mean * above + sigma * density
    second = bound**2 * (1 - above) + (mean**2 + sigma**2) * above + sigma * (mean + bound) * density
    return first, math.sqrt(max(second - first**2, 0.0))


def _share_above(z: float) -> float:
    return 0.5 * math.erfc(z / math.sqrt(2))


def _density(z: float) -> float:
    return math.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
