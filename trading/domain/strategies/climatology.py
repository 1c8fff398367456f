"""What the season usually brings: a sanity prior of little weight (probability-and-sizing.md 1.3 and 4)."""

from typing import ClassVar

from trading.domain.strategies.base import Situation, Strategy
from trading.domain.types import ReasonCode, StrategyOutput
from trading.domain.weights import CLIMATOLOGY
from weather.domain.odds import climatology_probabilities, climatology_standard_errors


class ClimatologyStrategy(Strategy):
    """The highs of the city around this day of the year; silent once the day has a maximum, which it does not know."""

    name: ClassVar[str] = CLIMATOLOGY

    def evaluate(self, situation: Situation) -> tuple[StrategyOutput, ...]:
        outlook, edges = situation.outlook, situation.edges
        usual = outlook.climatology
        if usual is None:
            return self.abstain(situation, ReasonCode.FORECAST_MISSING)
        features = {"mean": usual.mean, "sd": usual.sd, "days": usual.days}
        if outlook.nowcast is not None:
            return self.abstain(situation, ReasonCode.DAY_UNDER_WAY, features)
        return self.speak(
            climatology_probabilities(outlook, edges),
            climatology_standard_errors(outlook, edges),
            features,
            ReasonCode.CLIM_PRIOR,
        )
