"""What every strategy is: a pure opinion on the markets of one event."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from markets.domain.types import Bracket
from trading.domain.types import StrategyOutput
from weather.domain.types import Outlook


class Strategy(ABC):
    """Gives a probability per bracket of a ladder (technical specification 4). May abstain with `valid=False`."""

    name: ClassVar[str]

    @abstractmethod
    def evaluate(self, outlook: Outlook, brackets: Sequence[Bracket]) -> tuple[StrategyOutput, ...]:
        """One output per bracket, in order. Over a ladder the probabilities of valid outputs sum to 1."""
