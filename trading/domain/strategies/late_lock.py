"""The day looks settled: its high so far should be its high (probability-and-sizing.md 2.4 and 4).

What is left to lose lies in no distribution: rounding, an evening rise, a report that is revised. Sizes are capped hard
and nothing near a dollar is taken before a report (`gates.check_lock_price`, `Policy.lock_per_trade`).
"""

from typing import ClassVar, Final

from trading.domain.strategies.base import Situation, Strategy
from trading.domain.strategies.intraday_nowcast import features_of, nowcast_silence
from trading.domain.types import ReasonCode, StrategyOutput
from trading.domain.weights import LATE_LOCK
from weather.domain.odds import nowcast_probabilities, nowcast_standard_errors
from weather.domain.types import LockState, Nowcast

REPORTED: Final = frozenset({LockState.FINAL_PRELIM, LockState.FINAL})
LOCKED: Final = REPORTED | {LockState.LOCKED_OBS}


class LateLockStrategy(Strategy):
    """The nowcast's word once more, when the day is locked by readings or by a report; silent before."""

    name: ClassVar[str] = LATE_LOCK

    def evaluate(self, situation: Situation) -> tuple[StrategyOutput, ...]:
        outlook, edges = situation.outlook, situation.edges
        nowcast = outlook.nowcast
        silence = nowcast_silence(outlook, situation.now, situation.std_offset_hours)
        if nowcast is None or silence is not None:
            return self.abstain(situation, silence or ReasonCode.NC_GAP)
        features = features_of(nowcast, situation)
        if nowcast.lock not in LOCKED:
            return self.abstain(situation, ReasonCode.LOCK_OPEN, features)
        return self.speak(
            nowcast_probabilities(outlook, edges),
            nowcast_standard_errors(outlook, edges),
            features,
            ReasonCode.LOCK_PRELIM if is_reported(nowcast) else ReasonCode.LOCK_OBS,
        )


def is_locked(nowcast: Nowcast | None) -> bool:
    """By readings or a report: the hours left should not beat the high so far."""
    return nowcast is not None and nowcast.lock in LOCKED


def is_reported(nowcast: Nowcast | None) -> bool:
    """Whether a report of the day is out."""
    return nowcast is not None and nowcast.lock in REPORTED
