"""One event at one instant: what each forecaster said of its brackets, and the score of it. Pure.

Source: project reference on probability and sizing, section 6.1.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from math import fsum, isfinite
from typing import Any, Final

from milkbot.core.scoring.probability import brier_multi, is_clipped, log_score, rps
from trading.backtest.results import FLAT, MARKET, P_MODEL, P_TRADE
from trading.domain.market_expert import Quotes, market_opinion

MOST_INCOHERENT: Final = 0.10
"""A stored opinion covers all that rounds to the same whole point, so a ladder of them sums to 1 only nearly."""


class Skip(StrEnum):
    """Why a forecaster is not scored at an instant."""

    NOT_SEEN = "NOT_SEEN"
    """A bracket without an opinion that covers the instant."""
    SILENT = "SILENT"
    """It abstained, or said nothing of a bracket."""
    INCOHERENT = "INCOHERENT"
    """What it said of the brackets does not add up to 1."""
    PRICES_MISSING = "PRICES_MISSING"
    """A bracket without prices that cover the instant."""
    PRICES_UNRELIABLE = "PRICES_UNRELIABLE"
    """Quoted too wide, or adding up to too little or too much."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What we thought of one bracket. `members` holds each strategy's probability, None where it abstained."""

    p_trade: float
    p_model: float | None
    members: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Quote:
    """Prices of one bracket, dollars on the YES book; None is a side that nobody quotes."""

    bid: Decimal | None
    ask: Decimal | None


@dataclass(frozen=True, slots=True)
class Score:
    """Losses of one forecast of an event; smaller is better."""

    p_outcome: float
    log_loss: float
    """Nats."""
    brier: float
    """Over the event, in 0..2."""
    rps: float
    pit_low: float
    pit_high: float
    """Where the winning bracket lies in the forecast distribution: an even spread of these means calibrated."""
    clipped: bool
    """Whether the log loss was cut off at its floor."""


def opinion_of(p_yes: float, p_model: float | None, ensemble: Mapping[str, Any] | None) -> Opinion:
    """The opinion in a stored signal; `ensemble` as `EnsembleOutput` dumps it."""
    inputs = ensemble["inputs"] if ensemble else ()
    members = {said["strategy"]: said["p_yes"] if said["valid"] else None for said in inputs}
    return Opinion(p_yes, p_model, members)


def score_ladder(
    outcome: int, opinions: Sequence[Opinion | None], quotes: Sequence[Quote | None]
) -> dict[str, Score | Skip]:
    """Every forecaster's score, or why it has none. Brackets are coldest first, `outcome` is the index of the winner.

    `None` stands for a bracket that nothing stored covers. A strategy that no bracket names is no forecaster here.
    """
    said = _spoken(opinions) | {MARKET: _market(quotes), FLAT: [1 / len(quotes)] * len(quotes)}
    return {name: probs if isinstance(probs, Skip) else score(probs, outcome) for name, probs in said.items()}


def score(probs: Sequence[float], outcome: int) -> Score:
    """The losses of `probs`, which sum to 1."""
    below = fsum(probs[:outcome])
    return Score(
        p_outcome=min(probs[outcome], 1.0),
        log_loss=max(float(log_score(probs, outcome)), 0.0),
        brier=float(brier_multi(probs, outcome)),
        rps=float(rps(probs, outcome)),
        pit_low=min(below, 1.0),
        pit_high=min(below + probs[outcome], 1.0),
        clipped=bool(is_clipped(probs, outcome)),
    )


def count_skips(scored: Iterable[Mapping[str, Score | Skip]]) -> dict[str, dict[str, int]]:
    """How often each forecaster was not scored, by reason."""
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for ladder in scored:
        for name, result in ladder.items():
            if isinstance(result, Skip):
                found[name][result.value] += 1
    return {name: dict(reasons) for name, reasons in found.items()}


def _spoken(opinions: Sequence[Opinion | None]) -> dict[str, Sequence[float] | Skip]:
    seen = [opinion for opinion in opinions if opinion is not None]
    if len(seen) < len(opinions):
        return {P_TRADE: Skip.NOT_SEEN, P_MODEL: Skip.NOT_SEEN}
    names = sorted({name for opinion in seen for name in opinion.members})
    return {
        P_TRADE: _coherent([opinion.p_trade for opinion in seen]),
        P_MODEL: _coherent([opinion.p_model for opinion in seen]),
        **{name: _coherent([opinion.members.get(name) for opinion in seen]) for name in names},
    }


def _coherent(probs: Sequence[float | None]) -> list[float] | Skip:
    """Scaled to sum to 1."""
    known = [p for p in probs if p is not None]
    if len(known) < len(probs):
        return Skip.SILENT
    total = fsum(known)
    if not isfinite(total) or abs(total - 1) > MOST_INCOHERENT or min(known) < 0:
        return Skip.INCOHERENT
    return [p / total for p in known]


def _market(quotes: Sequence[Quote | None]) -> Sequence[float] | Skip:
    """The market's own opinion, as `decide` takes it; sizes have no say in it."""
    sides = [quote for quote in quotes if quote is not None]
    if len(sides) < len(quotes):
        return Skip.PRICES_MISSING
    bids, asks = [_dollars(side.bid) for side in sides], [_dollars(side.ask) for side in sides]
    return market_opinion(Quotes(bids, asks, (), ())) or Skip.PRICES_UNRELIABLE


def _dollars(price: Decimal | None) -> float | None:
    return None if price is None else float(price)
