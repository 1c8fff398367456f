"""The day as it goes: its maximum so far and the hours still to come (probability-and-sizing.md 2 and 4)."""

from datetime import datetime
from typing import ClassVar, Final

from milkbot.core.climate_day import climate_day, standard_time
from milkbot.core.constants import OBSERVATION_USABLE_FOR
from trading.domain.strategies.base import Situation, Strategy
from trading.domain.types import ReasonCode, StrategyOutput
from trading.domain.weights import INTRADAY_NOWCAST
from weather.domain.odds import nowcast_probabilities, nowcast_standard_errors
from weather.domain.types import Nowcast, Outlook

BEGINS_HOUR: Final = 6
"""Local standard hour before which a day has shown nothing."""
ON_TRACK_F: Final = 1.0
"""Degrees by which the day may leave its forecast without leaving its track."""


class IntradayNowcastStrategy(Strategy):
    """H = max(m, M): the maximum so far, where the mass below it falls, and the remaining hours' maximum."""

    name: ClassVar[str] = INTRADAY_NOWCAST

    def evaluate(self, situation: Situation) -> tuple[StrategyOutput, ...]:
        outlook, edges = situation.outlook, situation.edges
        reason = nowcast_silence(outlook, situation.now, situation.std_offset_hours)
        nowcast = outlook.nowcast
        if reason is not None or nowcast is None:
            return self.abstain(situation, reason or ReasonCode.NC_GAP)
        return self.speak(
            nowcast_probabilities(outlook, edges),
            nowcast_standard_errors(outlook, edges),
            features_of(nowcast, situation),
            _track(nowcast, outlook.mu),
        )


def nowcast_silence(outlook: Outlook, now: datetime, std_offset_hours: int) -> ReasonCode | None:
    """Why the day so far says too little; None when it speaks."""
    nowcast = outlook.nowcast
    if nowcast is None:
        return ReasonCode.NC_GAP
    if nowcast.remaining is None:
        return None  # a report has closed the day: no reading can add to it
    if now - nowcast.observed_at > OBSERVATION_USABLE_FOR or nowcast.observed_at > now:
        return ReasonCode.NC_GAP
    today = climate_day(now, std_offset_hours)
    hour = standard_time(now, std_offset_hours).hour
    if today < outlook.event_date or (today == outlook.event_date and hour < BEGINS_HOUR):
        return ReasonCode.NC_EARLY
    return None


def features_of(nowcast: Nowcast, situation: Situation) -> dict[str, float]:
    """What the opinion rests on, in figures."""
    likeliest = max(nowcast.max_so_far, key=lambda degree: (nowcast.max_so_far[degree], degree))
    return {
        "max_so_far": float(likeliest),
        "p_lock": nowcast.p_lock,
        "observed_min_ago": (situation.now - nowcast.observed_at).total_seconds() / 60,
    }


def _track(nowcast: Nowcast, mu: float) -> ReasonCode:
    if nowcast.remaining is None:
        return ReasonCode.LOCK_PRELIM
    seen = sum(degree * weight for degree, weight in nowcast.max_so_far.items())
    if seen > mu + ON_TRACK_F:
        return ReasonCode.NC_DEV_UP
    is_over = nowcast.p_lock > 0.5
    return ReasonCode.NC_DEV_DOWN if is_over and seen < mu - ON_TRACK_F else ReasonCode.NC_ON_TRACK
