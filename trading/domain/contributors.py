"""Whose opinion an intent rests on: pure."""

from trading.domain.inputs import DecisionBatch
from trading.domain.types import EnsembleOutput, Intent
from trading.domain.weights import MARKET


def contributors_of(opinion: EnsembleOutput) -> tuple[str, ...]:
    """The strategies that had a vote in `opinion`, by name; the market's is none."""
    spoke = {output.strategy for output in opinion.inputs if output.valid}
    if opinion.weights:
        spoke = {name for name, weight in opinion.weights.items() if weight > 0}
    return tuple(sorted(spoke - {MARKET}))


def attributed(batch: DecisionBatch) -> tuple[Intent, ...]:
    """The batch's intents, each with the strategies that spoke for it."""
    opinions = {signal.market_ticker: signal.ensemble for signal in batch.signals}

    def voices(intent: Intent) -> tuple[str, ...]:
        opinion = opinions.get(intent.market_ticker)
        return contributors_of(opinion) if opinion else ()

    return tuple(intent.model_copy(update={"contributors": voices(intent)}) for intent in batch.intents)
