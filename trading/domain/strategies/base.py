"""What every strategy is: a pure opinion on the markets of one event."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import ClassVar, NamedTuple

from markets.domain.types import Bracket
from trading.domain.market_expert import Quotes
from trading.domain.policy import Policy
from trading.domain.types import ReasonCode, StrategyOutput
from weather.domain.odds import Odds
from weather.domain.types import Outlook

Edges = tuple[int | None, int | None]
"""A bracket's whole degrees, both included; None is an open end."""


class Situation(NamedTuple):
    """All a strategy may look at: one event's outlook and ladder, coldest first, its prices, the time and the policy."""

    outlook: Outlook
    brackets: Sequence[Bracket]
    quotes: Quotes
    now: datetime
    std_offset_hours: int
    """Of the city's local standard time from UTC."""
    policy: Policy
    fair: tuple[float, ...] = ()
    """What the strategies that speak from the weather came to, with its standard errors; empty while they speak."""
    errors: tuple[float, ...] = ()
    odds: Odds | None = None
    """`whole_day_odds` of this outlook and ladder, where somebody has read them already."""

    @property
    def edges(self) -> list[Edges]:
        return [(bracket.low_f, bracket.high_f) for bracket in self.brackets]


class Strategy(ABC):
    """Gives a probability per bracket of a ladder (technical specification 4). May abstain with `valid=False`."""

    name: ClassVar[str]

    @abstractmethod
    def evaluate(self, situation: Situation) -> tuple[StrategyOutput, ...]:
        """One output per bracket, in order: all valid, or none. Valid probabilities of a ladder sum to 1."""

    def speak(
        self,
        probabilities: Sequence[float],
        errors: Sequence[float],
        features: Mapping[str, float],
        *reasons: ReasonCode,
    ) -> tuple[StrategyOutput, ...]:
        """An opinion with its standard errors; its outputs share their features.

        Raises ValueError for what is none: NaN, or a negative error.
        """
        named, told = tuple([reason.value for reason in reasons]), dict(features)
        limited = [
            (float(min(max(p_yes, 0.0), 1.0)), float(min(error, 1.0)))
            for p_yes, error in zip(probabilities, errors, strict=True)
        ]
        # Written so that NaN, which compares with nothing, does not pass.
        if not all([0 <= p_yes <= 1 and 0 <= error <= 1 for p_yes, error in limited]):
            raise ValueError(f"{self.name}: no probabilities with their standard errors: {limited}")
        return tuple(
            [
                StrategyOutput.of_checked(
                    strategy=self.name,
                    p_yes=p_yes,
                    uncertainty=error,
                    features=told,
                    valid=True,
                    reasons=named,
                )
                for p_yes, error in limited
            ]
        )

    def abstain(
        self, situation: Situation, reason: ReasonCode, features: Mapping[str, float] | None = None
    ) -> tuple[StrategyOutput, ...]:
        """No opinion: its probability, all brackets alike, counts for nothing."""
        count = len(situation.brackets)
        if features:
            return (_silent(self.name, count, reason, features),) * count
        return (_nothing(self.name, count, reason),) * count


def _silent(strategy: str, count: int, reason: ReasonCode, features: Mapping[str, float]) -> StrategyOutput:
    return StrategyOutput(
        strategy=strategy,
        p_yes=1 / count,
        uncertainty=1,
        features=dict(features),
        valid=False,
        reasons=(reason.value,),
    )


@lru_cache(maxsize=1000)
def _nothing(strategy: str, count: int, reason: ReasonCode) -> StrategyOutput:
    """Most are silent most of the time, and for the same few reasons."""
    return _silent(strategy, count, reason, {})
