"""One opinion per ladder out of the strategies' and the market's (technical specification 5).

Source: project reference on probability and sizing, sections 3.2 (logarithmic pool, coherent by construction) and 3.3
(two numbers: `p_model` without the market, `p_trade` with it).
"""

from collections.abc import Collection, Mapping, Sequence
from math import exp, fsum, hypot, log, sqrt
from typing import Final, NamedTuple

from trading.domain.strategies.base import Situation, Strategy
from trading.domain.types import StrategyOutput
from trading.domain.weights import (
    CLIMATOLOGY,
    FORECAST_EDGE,
    INTRADAY_NOWCAST,
    LATE_LOCK,
    MARKET,
    PRICE_REVERSION,
    EnsembleWeights,
    Horizon,
    expert_shares,
)

Vector = tuple[float, ...]

LEAST_P: Final = 0.001
LEAST_P_FINAL: Final = 0.0001
"""Once the settlement source has spoken."""
LEAST_ERROR: Final = 0.02
"""No month of data tells a bracket's probability better than this."""
FORECASTS: Final = frozenset({FORECAST_EDGE, INTRADAY_NOWCAST, LATE_LOCK})
"""Strategies that know something of this very day."""


class Voice(NamedTuple):
    """What one strategy says of a ladder."""

    outputs: tuple[StrategyOutput, ...]
    is_admitted: bool

    @property
    def name(self) -> str:
        return self.outputs[0].strategy

    @property
    def speaks(self) -> bool:
        return self.outputs[0].valid

    @property
    def probs(self) -> Vector:
        return tuple([output.p_yes for output in self.outputs])


class Belief(NamedTuple):
    """What the weather says of a ladder: everything about our opinion that no price changes.

    Made once per event and change of weather; prices are put beside it as often as they move.
    """

    voices: tuple[Voice, ...]
    horizon: Horizon
    shares: Mapping[str, float]
    """Of each strategy in `p_model`; they sum to 1."""
    p_model: Vector
    """Pooled without the market: sums to 1, none below `least_p`."""
    ln_model: Vector
    errors: Vector
    """Standard errors of `p_model`: the members' own, taken as dependent, and how far their forecasts lie apart."""
    weight: float
    """What `p_model` counts for beside a market that counts for `market` or, thinly quoted, `thin_market`."""
    market: float
    thin_market: float
    reversion: float
    """What is added to `weight` while a price that left the forecast is expected back; 0 where that may not count."""
    least_p: float
    is_admitted: bool
    """False where no gate is open for a forecast that speaks: the opinion is kept, and must not be acted on."""


class Experts(NamedTuple):
    """Who is heard, and how much each counts for."""

    strategies: Sequence[Strategy]
    weights: EnsembleWeights
    admitted: Collection[str] | None
    """Names of the strategies that may move money; None for all."""


class Pool(NamedTuple):
    """Our opinion with the market's in it."""

    p_trade: Vector
    errors: Vector
    """Standard errors of `p_trade`."""
    model_share: float
    """What `p_model` counted for in it; the rest is the market's."""


def believe(
    situation: Situation, experts: Experts, horizon: Horizon, least_p: float = LEAST_P
) -> Belief | None:
    """The pooled opinion of the strategies that speak from the weather; None when none knows anything of this very day.

    What the season usually brings is no opinion of its own: alone beside the market's prices it could only make them worse.
    """
    admitted = experts.admitted
    voices = tuple(
        Voice(strategy.evaluate(situation), admitted is None or strategy.name in admitted)
        for strategy in experts.strategies
        if strategy.name != PRICE_REVERSION
    )
    speaking = [voice for voice in voices if voice.speaks]
    if not any(voice.name in FORECASTS for voice in speaking):
        return None
    heard = [voice for voice in speaking if voice.is_admitted] or speaking
    wanted = expert_shares(experts.weights, horizon)
    weight = fsum(wanted[voice.name] for voice in heard)
    shares = {v.name: wanted[v.name] / weight if weight > 0 else 1 / len(heard) for v in heard}
    p_model = log_pool([v.probs for v in heard], [shares[v.name] for v in heard], least_p)
    thin = expert_shares(experts.weights, horizon, thin=True)[MARKET]
    can_revert = admitted is None or PRICE_REVERSION in admitted
    return Belief(
        voices=voices,
        horizon=horizon,
        shares=shares,
        p_model=p_model,
        ln_model=tuple(map(log, p_model)),
        errors=_errors(heard, shares),
        weight=weight,
        market=wanted[MARKET],
        # In the scale of `weight`: a thin market leaves the others more, in their old proportions.
        thin_market=thin * (1 - wanted[MARKET]) / (1 - thin) if thin < 1 else wanted[MARKET],
        reversion=wanted[PRICE_REVERSION] if can_revert else 0.0,
        least_p=least_p,
        is_admitted=any(voice.is_admitted and voice.name in FORECASTS for voice in speaking),
    )


def log_pool(vectors: Sequence[Vector], shares: Sequence[float], least_p: float) -> Vector:
    """Π pᵢ^wᵢ / Z of clipped experts (`pooling.log_pool`), coherent and none below `least_p`."""
    clipped = [[log(max(p, least_p)) for p in vector] for vector in vectors]
    return coherent(
        [
            exp(fsum(share * ln_p for share, ln_p in zip(shares, row, strict=True)))
            for row in zip(*clipped, strict=True)
        ],
        least_p,
    )


def coherent(masses: Sequence[float], least_p: float) -> Vector:
    """`masses` as probabilities that sum to 1 and are none below `least_p`, hence none above 1 − `least_p`.

    What is too small is raised, and the others give it up in proportion.
    """
    scale, low, high = 1 / sum(masses), 0, 0.0
    while True:
        found = [mass * scale for mass in masses]
        raised = [p for p in found if p < least_p]
        if len(raised) == low:
            return tuple([max(p, least_p) for p in found])
        low = len(raised)
        high = sum([mass for mass, p in zip(masses, found, strict=True) if p >= least_p])
        scale = (1 - low * least_p) / high


def pool_with_market(
    belief: Belief,
    p_market: Vector | None,
    half_spreads: Sequence[float],
    *,
    is_thin: bool,
    is_reverting: bool,
) -> Pool:
    """p_trade ∝ p_model^(1−m) p_market^m; p_model itself where the market's prices are no forecast.

    Its standard error follows the model's through the pool, ∂p_trade/∂p_model = (1−m) p_t (1−p_t) / p_m (1−p_m), and
    the market's, which is known to half its spread.
    """
    weight = belief.weight + belief.reversion if is_reverting else belief.weight
    against = 0.0 if p_market is None else belief.thin_market if is_thin else belief.market
    if p_market is None or weight + against <= 0:
        return Pool(belief.p_model, belief.errors, 1.0)
    share = weight / (weight + against)
    by_market = 1 - share
    p_trade = coherent(
        [
            exp(share * ours + by_market * log(theirs))
            for ours, theirs in zip(belief.ln_model, p_market, strict=True)
        ],
        belief.least_p,
    )
    errors = []
    for p, ours, error, half_spread in zip(p_trade, belief.p_model, belief.errors, half_spreads, strict=True):
        through = share * error * (p * (1 - p)) / (ours * (1 - ours))
        noise = by_market * half_spread
        errors.append(min(max(sqrt(through * through + noise * noise), LEAST_ERROR), 1.0))
    return Pool(p_trade, tuple(errors), share)


def _errors(heard: Sequence[Voice], shares: Mapping[str, float]) -> Vector:
    """Climatology is no estimate of this day: what it differs by says nothing of how well the day is known."""
    forecasts = [voice for voice in heard if voice.name != CLIMATOLOGY] or heard
    together = fsum(shares[voice.name] for voice in forecasts)
    if together <= 0:
        forecasts, together = heard, 1.0
    elif len(forecasts) == 1:  # The usual case, in which nothing lies apart.
        return tuple([_bounded(output.uncertainty) for output in forecasts[0].outputs])
    weights = [shares[voice.name] / together for voice in forecasts]
    errors = []
    for row in zip(*(voice.outputs for voice in forecasts), strict=True):
        own = fsum(w * output.uncertainty for w, output in zip(weights, row, strict=True))
        mean = fsum(w * output.p_yes for w, output in zip(weights, row, strict=True))
        apart = fsum(w * (output.p_yes - mean) ** 2 for w, output in zip(weights, row, strict=True))
        errors.append(_bounded(hypot(own, sqrt(apart))))
    return tuple(errors)


def _bounded(error: float) -> float:
    return min(max(error, LEAST_ERROR), 1.0)
