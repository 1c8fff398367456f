"""What each expert's opinion counts for, and how settled events change it.

Source: project reference on probability and sizing, sections 3.2 (weights), 3.3 (the market as an expert) and 3.4
(calibration). Experts that share their sources are pooled with weights that sum to 1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from math import fsum, log
from typing import Final, NamedTuple

from milkbot.core.climate_day import climate_day, standard_time
from trading.domain.pooling import hedge_update

FORECAST_EDGE: Final = "forecast_edge"
INTRADAY_NOWCAST: Final = "intraday_nowcast"
CLIMATOLOGY: Final = "climatology"
PRICE_REVERSION: Final = "price_reversion"
LATE_LOCK: Final = "late_lock"
MARKET: Final = "market"
"""The market's name among the experts."""
EXPERTS: Final = (FORECAST_EDGE, INTRADAY_NOWCAST, CLIMATOLOGY, PRICE_REVERSION, LATE_LOCK, MARKET)
"""Every expert there is; vectors of weights are in this order."""

ETA: Final = 0.2
"""Learning rate per settled event: halfway in the reference's 0.1 to 0.5, on the slow side."""
SHARE: Final = 0.01
"""Given back to all alike after each event, so that an expert that fell can come back."""
PRIOR_EVENTS: Final = 60.0
"""The prior counts for as much as this many settled events."""
LEAST_P: Final = 1e-4
"""An outcome an expert ruled out costs it this log loss and no more."""
RECENT: Final = 0.05
"""Share of the newest event in the running means of loss and entropy."""
LEAST_EVENTS: Final = 20
"""Fewer say nothing about calibration."""
THIN_MARKET_SHARE: Final = 0.30
NOON: Final = 12


class Horizon(StrEnum):
    """How far an event is from its outcome: what is known, and by whom, differs too much to share weights."""

    DAY_AHEAD = "day_ahead"
    MORNING = "morning"
    AFTERNOON = "afternoon"
    SETTLING = "settling"
    """After the preliminary report of the day."""


@dataclass(frozen=True, slots=True)
class HorizonWeights:
    """Weights of one horizon in the order of EXPERTS; each vector is not negative and sums to 1."""

    prior: tuple[float, ...]
    shares: tuple[float, ...]
    """As learned; what counts is drawn from these to the prior."""
    events: int = 0
    """Settled events they were learned from."""
    log_loss: float | None = None
    """Recent mean log loss of our own forecast, nats per event; None before the first."""
    entropy: float | None = None
    """What that loss would be on average if the forecast were calibrated, nats per event."""


@dataclass(frozen=True, slots=True)
class EnsembleWeights:
    """Weights by horizon, in the order of Horizon. Immutable: learning makes a new version."""

    version: int
    """How many lessons it has had: one for each event and horizon."""
    horizons: tuple[HorizonWeights, ...]
    learned_until: datetime | None = None
    """When the last event learned from became final."""

    def __hash__(self) -> int:
        # A key wherever shares are kept, a hundred thousand times a year: the version tells nearly all of them apart.
        return hash(self.version)

    def of(self, horizon: Horizon) -> HorizonWeights:
        return self.horizons[_PLACE[horizon]]


class ScoredEvent(NamedTuple):
    """What every expert said of a settled event at one horizon, and what came of it."""

    event_ticker: str
    horizon: Horizon
    probs: Mapping[str, Sequence[float]]
    """By expert that spoke, over the event's brackets; each sums to 1."""
    p_model: Sequence[float] | None
    """Our own pooled forecast without the market."""
    outcome: int
    """Index of the bracket that paid."""
    final_at: datetime


_PLACE: Final = {horizon: place for place, horizon in enumerate(Horizon)}

_PRIOR_SHARES: Final = {
    #                    forecast, nowcast, climatology, reversion, lock, market
    Horizon.DAY_AHEAD: (0.34, 0.00, 0.03, 0.03, 0.00, 0.60),
    Horizon.MORNING: (0.16, 0.14, 0.02, 0.03, 0.00, 0.65),
    Horizon.AFTERNOON: (0.00, 0.38, 0.00, 0.02, 0.10, 0.50),
    Horizon.SETTLING: (0.00, 0.40, 0.00, 0.00, 0.50, 0.10),
}
"""The market's is the reference's (3.3); the rest is ours, in the order in which each expert knows most."""


def unlearned(prior: Mapping[Horizon, tuple[float, ...]]) -> EnsembleWeights:
    """Weights that stand at `prior`, before anything has settled."""
    return EnsembleWeights(0, tuple(HorizonWeights(prior[each], prior[each]) for each in Horizon))


PRIOR: Final = unlearned(_PRIOR_SHARES)


MARKET_TO_FORECAST: Final = {Horizon.DAY_AHEAD: 2.21 / 2.66, Horizon.MORNING: 1.88 / 2.33}
"""Root mean square error of the high that prices imply over that of the weather service's forecast, at 19:00 local time of
the day before and at 13Z of the day (Crosier 2026, seven cities, 7,590 city-days: nws-and-settlement.md 5.1)."""
LEAST_OWN_SHARE: Final = 0.02
"""However well the market seems to know all that we know, we are heard: otherwise nothing could be learned."""


def share_beside_market(correlation: float, ratio: float) -> float:
    """Our share of a log pool with the market, when errors of ours and of the market's are so correlated.

    `ratio` is the market's spread over ours. Of the mean the best linear weight is
    w = (r² − ρr) / (1 + r² − 2ρr) (Bates & Granger 1969); a log pool of two normal distributions has the mean of precision
    weights, so the share is w / (w + (1 − w) r²). Within LEAST_OWN_SHARE and 1. Raises ValueError unless `ratio` is above 0
    and `correlation` within −1 and 1 (1 excluded).
    """
    if not (ratio > 0 and -1 <= correlation < 1):
        raise ValueError(f"no errors of two forecasts: correlation {correlation}, ratio {ratio}")
    square, shared = ratio * ratio, correlation * ratio
    weight = min(max((square - shared) / (1 + square - 2 * shared), 0.0), 1.0)
    return max(weight / (weight + (1 - weight) * square), LEAST_OWN_SHARE)


def with_market_at(weights: EnsembleWeights, horizon: Horizon, market: float) -> EnsembleWeights:
    """Nothing learned yet at `horizon`: the market counts for `market`, the others share the rest as they did before.

    Raises ValueError unless `market` is within 0 and 1 (1 excluded).
    """
    if not 0 <= market < 1:
        raise ValueError(f"the market cannot count for {market}")
    prior = weights.of(horizon).prior
    others = (1 - market) / (1 - prior[-1])
    moved = (*(share * others for share in prior[:-1]), market)
    place = _PLACE[horizon]
    return replace(
        weights,
        horizons=(*weights.horizons[:place], HorizonWeights(moved, moved), *weights.horizons[place + 1 :]),
    )


def horizon_of(now: datetime, event_date: date, std_offset_hours: int, *, is_settling: bool) -> Horizon:
    """The horizon of an event at `now`, by the local standard time of its city."""
    if is_settling:
        return Horizon.SETTLING
    if climate_day(now, std_offset_hours) < event_date:
        return Horizon.DAY_AHEAD
    is_morning = climate_day(now, std_offset_hours) == event_date and (
        standard_time(now, std_offset_hours).hour < NOON
    )
    return Horizon.MORNING if is_morning else Horizon.AFTERNOON


@lru_cache(maxsize=1024)
def expert_shares(weights: EnsembleWeights, horizon: Horizon, *, thin: bool = False) -> Mapping[str, float]:
    """The weight of each expert at `horizon`, drawn to the prior; in a thin market the prior trusts it less.

    λ prior + (1 − λ) learned with λ = 60 / (60 + events). They sum to 1.
    """
    learned = weights.of(horizon)
    prior = _thin(learned.prior) if thin else learned.prior
    by_prior = PRIOR_EVENTS / (PRIOR_EVENTS + learned.events)
    return {
        name: by_prior * first + (1 - by_prior) * share
        for name, first, share in zip(EXPERTS, prior, learned.shares, strict=True)
    }


def calibration_of(learned: HorizonWeights) -> float:
    """1 while our log loss is no larger than a calibrated forecast's would be, falling to 0 at twice as much."""
    if learned.log_loss is None or not learned.entropy or learned.events < LEAST_EVENTS:
        return 1.0
    return min(max(1 - (learned.log_loss - learned.entropy) / learned.entropy, 0.0), 1.0)


def learn(weights: EnsembleWeights, scored: ScoredEvent) -> EnsembleWeights:
    """The weights after one settled event: exponential weights with a fixed share among the experts that spoke.

    Experts that kept silent keep their weight. Give each event once per horizon. Raises ValueError for an expert nobody
    knows, or an outcome outside the brackets.
    """
    strangers = scored.probs.keys() - set(EXPERTS)
    if strangers or not all(0 <= scored.outcome < len(probs) for probs in scored.probs.values()):
        raise ValueError(f"cannot learn from {scored}")
    before = weights.of(scored.horizon)
    after = replace(
        before,
        shares=_hedged(before.shares, scored),
        events=before.events + 1,
        log_loss=_recent(before.log_loss, _loss(scored.p_model, scored.outcome)),
        entropy=_recent(before.entropy, _entropy(scored.p_model)),
    )
    place = _PLACE[scored.horizon]
    return EnsembleWeights(
        weights.version + 1,
        (*weights.horizons[:place], after, *weights.horizons[place + 1 :]),
        max(weights.learned_until or scored.final_at, scored.final_at),
    )


def _hedged(shares: tuple[float, ...], scored: ScoredEvent) -> tuple[float, ...]:
    spoke = [place for place, name in enumerate(EXPERTS) if name in scored.probs]
    together = fsum(shares[place] for place in spoke)
    if len(spoke) < 2 or together <= 0:
        return shares
    losses = [-log(max(scored.probs[EXPERTS[place]][scored.outcome], LEAST_P)) for place in spoke]
    moved = hedge_update([shares[place] / together for place in spoke], losses, eta=ETA, share=SHARE)
    found = list(shares)
    for place, share in zip(spoke, moved, strict=True):
        found[place] = share * together
    return tuple(found)


def _thin(prior: tuple[float, ...]) -> tuple[float, ...]:
    """The prior with the market's share cut to 0.30 and the rest scaled up, where it was larger."""
    market = min(prior[-1], THIN_MARKET_SHARE)
    others = (1 - market) / (1 - prior[-1])
    return (*(share * others for share in prior[:-1]), market)


def _loss(probs: Sequence[float] | None, outcome: int) -> float | None:
    return None if probs is None else -log(max(probs[outcome], LEAST_P))


def _entropy(probs: Sequence[float] | None) -> float | None:
    return None if probs is None else -fsum(p * log(p) for p in probs if p > 0)


def _recent(mean: float | None, value: float | None) -> float | None:
    if value is None or mean is None:
        return mean if value is None else value
    return mean + RECENT * (value - mean)
