"""The sentence a person can redo an opinion by (probability-and-sizing.md 9.4). The same values, the same words."""

from decimal import Decimal

from trading.domain.gates import Gate, edge_floor, quote_floor
from trading.domain.offer import Offer
from trading.domain.opinion import EventOpinion
from trading.domain.policy import Policy
from trading.domain.types import BookSide, Decision, EnsembleOutput
from trading.domain.weights import MARKET
from weather.domain.types import Outlook


def ensemble_output(
    opinion: EventOpinion, place: int, offer: Offer | None, gate: Gate, decision: Decision
) -> EnsembleOutput:
    """The pooled opinion of one bracket, with its members and how it led to `decision`."""
    priced, belief = opinion.priced, opinion.belief
    p_yes = priced.pool.p_trade[place]
    return EnsembleOutput(
        p_yes=p_yes,
        p_no=1 - p_yes,
        confidence=opinion.confidence.product,
        explain=_sentence(opinion, place, offer, gate, decision),
        inputs=(*(voice.outputs[place] for voice in belief.voices), opinion.reversion[place]),
        p_model=belief.p_model[place],
        p_market=priced.p_market[place] if priced.p_market is not None else None,
        weights=opinion.weights,
    )


def _sentence(opinion: EventOpinion, place: int, offer: Offer | None, gate: Gate, decision: Decision) -> str:
    priced, belief = opinion.priced, opinion.belief
    pool, situation = priced.pool, opinion.situation
    shares = " + ".join(
        f"{name} {voice.probs[place]:.3f} x {belief.shares[name]:.2f}"
        for voice in belief.voices
        if (name := voice.name) in belief.shares
    )
    market = (
        f"market {priced.p_market[place]:.3f} x {opinion.weights.get(MARKET, 0.0):.2f}"
        if priced.p_market is not None
        else "MARKET_UNRELIABLE"
    )
    parts = (
        _of_the_day(situation.outlook),
        f"{situation.brackets[place].label}: {shares} = p_model {belief.p_model[place]:.3f}",
        market,
        f"p_trade {pool.p_trade[place]:.3f} ± {pool.errors[place]:.3f}",
        _of_the_offer(offer, situation.policy),
        f"{decision} ({gate.code})",
    )
    return "; ".join(part for part in parts if part)


def _of_the_day(outlook: Outlook) -> str:
    return (
        f"mu {outlook.mu:.1f} from {outlook.source} {outlook.forecast_high_f}, sigma {outlook.sigma:.1f}"
        f" ({outlook.lead_hours:.0f} h ahead)"
    )


def _of_the_offer(offer: Offer | None, policy: Policy) -> str:
    if offer is None:
        return ""
    floor = quote_floor if offer.post_only else edge_floor
    least: Decimal = floor(offer.cost, offer.standard_error, policy)
    side = "YES" if offer.book_side is BookSide.BID else "NO"
    return f"all-in {side} {offer.cost:.4f}, edge {offer.edge:+.4f}, floor {least:.4f}"
