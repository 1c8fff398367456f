"""What we think of one event at one instant: belief, prices, and the confidence that shrinks what follows from them.

Source: project reference on probability and sizing, section 3.4 (confidence = A · D · C).
"""

from datetime import timedelta
from math import exp, fsum
from typing import Final, NamedTuple

from trading.domain.ensemble import LEAST_P, LEAST_P_FINAL, Belief, Experts, Vector, believe
from trading.domain.inputs import EventContext
from trading.domain.judge import Priced, Timing, put_beside
from trading.domain.market_expert import quotes_of
from trading.domain.pooling import agreement
from trading.domain.strategies.base import Situation, Strategy
from trading.domain.strategies.climatology import ClimatologyStrategy
from trading.domain.strategies.forecast_edge import ForecastEdgeStrategy
from trading.domain.strategies.intraday_nowcast import IntradayNowcastStrategy, nowcast_silence
from trading.domain.strategies.late_lock import LateLockStrategy, is_locked, is_reported
from trading.domain.strategies.price_reversion import PriceReversionStrategy, is_quiet
from trading.domain.types import StrategyOutput
from trading.domain.weights import (
    CLIMATOLOGY,
    FORECAST_EDGE,
    INTRADAY_NOWCAST,
    MARKET,
    PRICE_REVERSION,
    calibration_of,
    expert_shares,
    horizon_of,
)
from weather.domain.types import LockState, Outlook

STRATEGIES: Final[tuple[Strategy, ...]] = (
    ForecastEdgeStrategy(),
    IntradayNowcastStrategy(),
    ClimatologyStrategy(),
    LateLockStrategy(),
    PriceReversionStrategy(),
)
"""Those that speak from the weather; the last one judges the price by what they came to."""

FORECAST_LASTS: Final = timedelta(hours=36)
READING_LASTS: Final = timedelta(hours=4)
PRICES_LAST: Final = timedelta(minutes=30)
"""Ages at which what is known counts for 1/e: several times what is normal."""
_WANTED: Final = (FORECAST_EDGE, INTRADAY_NOWCAST, CLIMATOLOGY)
"""Who is missed when silent; the others are silent most of the time."""


class Confidence(NamedTuple):
    """Three factors, each 0 to 1. Their product shrinks stakes and gates; it never moves p."""

    agreement: float
    """1 − JSD/H(w) of all that were pooled."""
    data: float
    """exp(−age/life) of the oldest input, times the share of the wanted experts that spoke."""
    calibration: float
    """1 while our log loss is no larger than a calibrated forecast's would be."""

    @property
    def product(self) -> float:
        return self.agreement * self.data * self.calibration


class Lock(NamedTuple):
    """How settled the day looks."""

    is_locked: bool = False
    """By readings or a report: the hours left should not beat the high so far."""
    is_unconfirmed: bool = False
    """By readings only."""


class EventOpinion(NamedTuple):
    """Our opinion of a whole ladder."""

    situation: Situation
    belief: Belief
    priced: Priced
    timing: Timing
    lock: Lock
    reversion: tuple[StrategyOutput, ...]
    weights: dict[str, float]
    """Of every expert in p_trade, `market` among them; they sum to 1."""
    confidence: Confidence


def form_opinion(outlook: Outlook, event: EventContext, belief: Belief | None = None) -> EventOpinion | None:
    """What the strategies, the prices and the weights come to; None when every strategy abstains.

    `belief` is what `form_belief` gives at this time, where that is known already.
    """
    around, situation = event.around, situation_of(outlook, event)
    belief = belief or form_belief(situation, event)
    if belief is None:
        return None
    timing = timing_of(situation)
    priced = put_beside(belief, situation.quotes, timing, sizes_known=around.sizes_known)
    weights = _weights(belief, priced)
    return EventOpinion(
        situation,
        belief,
        priced,
        timing,
        lock_of(outlook),
        STRATEGIES[-1].evaluate(situation._replace(fair=belief.p_model, errors=belief.errors)),
        weights,
        _confidence(belief, priced, weights, situation, event),
    )


def situation_of(outlook: Outlook, event: EventContext) -> Situation:
    """What strategies may look at of an event at its board's prices."""
    markets, around = event.board.markets, event.around
    return Situation(
        outlook=outlook,
        brackets=tuple(market.bracket for market in markets),
        quotes=quotes_of(markets),
        now=around.now,
        std_offset_hours=event.city.std_offset_hours,
        policy=around.policy,
    )


def form_belief(situation: Situation, event: EventContext) -> Belief | None:
    """What the weather alone says of the event, which no price changes. None when every strategy abstains."""
    board, around = event.board, event.around
    nowcast, offset = situation.outlook.nowcast, situation.std_offset_hours
    horizon = horizon_of(around.now, board.event_date, offset, is_settling=is_reported(nowcast))
    is_final = nowcast is not None and nowcast.lock is LockState.FINAL
    experts = Experts(STRATEGIES, around.weights, around.admitted)
    return believe(situation, experts, horizon, LEAST_P_FINAL if is_final else LEAST_P)


def timing_of(situation: Situation) -> Timing:
    """What the clock says of the newest forecast and reading."""
    outlook, now = situation.outlook, situation.now
    return Timing(is_quiet=is_quiet(outlook, now), has_news=_has_news(situation))


def lock_of(outlook: Outlook) -> Lock:
    """How settled the day looks."""
    locked = is_locked(outlook.nowcast)
    return Lock(locked, locked and not is_reported(outlook.nowcast))


def _has_news(situation: Situation) -> bool:
    outlook, now = situation.outlook, situation.now
    if outlook.nowcast is None or nowcast_silence(outlook, now, situation.std_offset_hours) is not None:
        return False
    return now - outlook.nowcast.observed_at <= situation.policy.news_lasts


def _weights(belief: Belief, priced: Priced) -> dict[str, float]:
    ours = priced.pool.model_share
    reverting = belief.reversion if priced.is_reverting else 0.0
    back = ours * reverting / (belief.weight + reverting) if reverting else 0.0
    weights = {name: share * (ours - back) for name, share in belief.shares.items()}
    if back:
        weights[PRICE_REVERSION] = back
    return weights | {MARKET: 1 - ours} if ours < 1 else weights


def _confidence(
    belief: Belief, priced: Priced, weights: dict[str, float], situation: Situation, event: EventContext
) -> Confidence:
    around = event.around
    spoken: dict[str, Vector] = {v.name: v.probs for v in belief.voices if weights.get(v.name)}
    spoken[PRICE_REVERSION] = belief.p_model
    if priced.p_market is not None:
        spoken[MARKET] = priced.p_market
    heard = [name for name, weight in weights.items() if weight > 0]
    total = fsum(weights[name] for name in heard)
    agreed = agreement([spoken[name] for name in heard], [weights[name] / total for name in heard])
    ages = [
        (around.now - situation.outlook.issued_at) / FORECAST_LASTS,
        (around.now - event.board.captured_at) / PRICES_LAST,
    ]
    nowcast = situation.outlook.nowcast
    if nowcast is not None and not is_reported(nowcast):
        ages.append((around.now - nowcast.observed_at) / READING_LASTS)
    fresh = exp(-max(0.0, *ages))
    return Confidence(
        agreed,
        fresh * _completeness(belief, event),
        calibration_of(around.weights.of(belief.horizon)),
    )


def _completeness(belief: Belief, event: EventContext) -> float:
    shares = expert_shares(event.around.weights, belief.horizon)
    wanted = fsum(shares[name] for name in _WANTED) + shares[MARKET]
    spoken = fsum(shares[name] for name in _WANTED if name in belief.shares)
    return (spoken + shares[MARKET]) / wanted if wanted > 0 else 1.0
