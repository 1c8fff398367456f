"""Whether anything of a ladder can be worth trading: plain floats, once per change of any price.

`decide` does the same with exact decimals and says why; nothing it acts on is passed over here. A replay calls this for
every ladder it meets and `decide` only where it says so. Each call costs some tens of microseconds.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from markets.domain.fees import MAKER_RATE, TAKER_RATE
from markets.domain.types import FeeSchedule, FeeType
from trading.domain.ensemble import Belief, Pool, pool_with_market
from trading.domain.market_expert import Quotes, is_thin, market_opinion
from trading.domain.policy import Policy
from trading.domain.strategies.price_reversion import ACTS_ABOVE, largest_score

_ROUNDING: Final = 1e-6
"""Dollars: above what rounding to decimals moves any figure by, far below any floor."""


class Terms(NamedTuple):
    """What a policy and a fee schedule come to, as floats. Made once."""

    max_spread: float
    min_displayed: float
    max_uncertainty: float
    min_edge_taker: float
    min_edge_maker: float
    adverse_selection: float
    min_share_of_cost: float
    implausible: float
    taker_rate: float
    maker_rate: float
    may_rest: bool
    sizes_known: bool


class Timing(NamedTuple):
    """What the clock says of an event's news. Changes with the weather and the time, not with prices."""

    is_quiet: bool
    """Whether the market has had its half hour for all that is known of the weather."""
    has_news: bool
    """Whether there is a reading so new that the market may not have priced it."""


class Priced(NamedTuple):
    """Our opinion beside the prices of one instant."""

    p_market: tuple[float, ...] | None
    """Summing to 1, the overround taken out; None when the prices are no forecast."""
    pool: Pool
    is_reverting: bool
    """Whether a price that left the forecast is expected back."""


class Judgement(NamedTuple):
    """What the prices of one instant come to."""

    priced: Priced
    candidates: tuple[int, ...]
    """Places of the brackets that may be worth an order; empty means that `decide` would send none."""


def terms_of(policy: Policy, fees: FeeSchedule, *, may_rest: bool, sizes_known: bool = True) -> Terms:
    """The figures of `policy` and `fees` as `judge_event` wants them."""
    has_maker_fee = fees.fee_type is FeeType.QUADRATIC_WITH_MAKER_FEES
    return Terms(
        max_spread=float(policy.max_spread),
        min_displayed=float(policy.min_displayed),
        max_uncertainty=policy.max_uncertainty,
        min_edge_taker=float(policy.min_edge_taker),
        min_edge_maker=float(policy.min_edge_maker),
        adverse_selection=float(policy.adverse_selection),
        min_share_of_cost=float(policy.min_edge_share_of_cost),
        implausible=policy.implausible_disagreement,
        taker_rate=float(TAKER_RATE * fees.multiplier),
        maker_rate=float(MAKER_RATE * fees.multiplier) if has_maker_fee else 0.0,
        may_rest=may_rest,
        sizes_known=sizes_known,
    )


def judge_event(belief: Belief, quotes: Quotes, terms: Terms, timing: Timing) -> Judgement:
    """Our opinion with the market's in it, and which brackets may be worth an order at these prices.

    Of what `decide` checks this leaves out the event's gates, the status, age and close of markets, confidence, and
    everything about the account: all that can only take candidates away.
    """
    priced = put_beside(belief, quotes, timing, sizes_known=terms.sizes_known)
    if not belief.is_admitted:
        return Judgement(priced, ())
    worth = [
        place
        for place, (p_yes, error, ours) in enumerate(
            zip(priced.pool.p_trade, priced.pool.errors, belief.p_model, strict=True)
        )
        if error <= terms.max_uncertainty
        and _promises(place, p_yes, error, quotes, terms)
        and (timing.has_news or _is_plausible(place, ours, priced.p_market, quotes, terms))
    ]
    return Judgement(priced, tuple(worth))


def put_beside(belief: Belief, quotes: Quotes, timing: Timing, *, sizes_known: bool) -> Priced:
    """The market's opinion, whether the price is expected back, and the pool of all.

    `sizes_known` is False where displayed sizes are an assumption: then a thin market cannot be told from a deep one.
    """
    p_market = market_opinion(quotes)
    is_reverting = (
        belief.reversion > 0
        and timing.is_quiet
        and abs(largest_score(belief.p_model, belief.errors, quotes)) > ACTS_ABOVE
    )
    half_spreads = [
        0.0 if bid is None or ask is None else (ask - bid) / 2
        for bid, ask in zip(quotes.bids, quotes.asks, strict=True)
    ]
    thin = sizes_known and p_market is not None and is_thin(quotes)
    pool = pool_with_market(belief, p_market, half_spreads, is_thin=thin, is_reverting=is_reverting)
    return Priced(p_market, pool, is_reverting)


def _promises(place: int, p_yes: float, error: float, quotes: Quotes, terms: Terms) -> bool:
    """Whether taking the better side, or resting at the touch, reaches the floor, give or take the rounding."""
    bid, ask = quotes.bids[place], quotes.asks[place]
    if bid is None or ask is None or ask - bid > terms.max_spread + _ROUNDING:
        return False
    share = terms.min_share_of_cost
    floor = max(terms.min_edge_taker, error) - _ROUNDING
    yes_cost = ask + terms.taker_rate * ask * (1 - ask)
    yes_edge = p_yes - yes_cost
    no_cost = 1 - bid + terms.taker_rate * bid * (1 - bid)
    no_edge = 1 - p_yes - no_cost
    if yes_edge >= no_edge:
        sizes, edge, cost = quotes.ask_sizes, yes_edge, yes_cost
    else:
        sizes, edge, cost = quotes.bid_sizes, no_edge, no_cost
    size = sizes[place]
    if size is None or size < terms.min_displayed:
        return False
    if edge >= floor and edge >= share * cost - _ROUNDING:
        return True
    if not terms.may_rest:
        return False
    floor = max(terms.min_edge_maker, error) - _ROUNDING
    maker_fee = terms.maker_rate * bid * (1 - bid)
    edge = p_yes - bid - maker_fee - terms.adverse_selection
    if edge >= floor and edge >= share * (bid + maker_fee) - _ROUNDING:
        return True
    maker_fee = terms.maker_rate * ask * (1 - ask)
    edge = ask - p_yes - maker_fee - terms.adverse_selection
    return edge >= floor and edge >= share * (1 - ask + maker_fee) - _ROUNDING


def _is_plausible(
    place: int, p_model: float, p_market: Sequence[float] | None, quotes: Quotes, terms: Terms
) -> bool:
    """Whether our own forecast is within our competence of what the market, or else the mid, says."""
    if p_market is not None:
        return abs(p_model - p_market[place]) <= terms.implausible + _ROUNDING
    bid, ask = quotes.bids[place], quotes.asks[place]
    return bid is None or ask is None or abs(p_model - (bid + ask) / 2) <= terms.implausible + _ROUNDING
