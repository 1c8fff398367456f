"""From what we know to what we want: pure, the same live, in SHADOW, in a replay and in tests.

Every market gets a decision with a coded reason. Order of work (probability-and-sizing.md 5): can the event be traded,
what do we think of its ladder, can the market be traded, is there an edge after exact fees; then for all its markets
together what Kelly wants beside what is held; then per market, the largest edge first, depth, caps and the edge again.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from markets.domain.types import BoardMarket
from milkbot.core.money import ZERO
from trading.domain.ensemble import Belief
from trading.domain.event_gate import check_event
from trading.domain.explain import ensemble_output
from trading.domain.gates import (
    PASSED,
    Gate,
    check_confidence,
    check_edge,
    check_liquidity,
    check_lock_price,
    check_plausible,
    check_spread,
    check_tradable,
    check_uncertainty,
)
from trading.domain.inputs import (
    Account,
    Circumstances,
    CityView,
    DecisionBatch,
    EventContext,
    MarketDecision,
)
from trading.domain.offer import Offer, best_offer
from trading.domain.opinion import EventOpinion, form_opinion
from trading.domain.quoting import best_quote
from trading.domain.resting import check_quiet
from trading.domain.risk import MarketPlace
from trading.domain.sizing import joint_stakes
from trading.domain.supersede import Standing
from trading.domain.taking import Chance, find_chance, take
from trading.domain.types import BookSide, Decision, Intent, OrderState, ReasonCode, Signal
from weather.domain.releases import NOTHING_DUE, Releases

_ABSTAINED: Final = Gate(False, ReasonCode.FORECAST_MISSING, "every strategy abstains")


class _Choice(NamedTuple):
    """What was found out about one market before any size: the gate that decides, and the offer, if any."""

    gate: Gate
    offer: Offer | None
    chance: Chance | None = None
    """Of an offer that may be acted on."""


class Weighed(NamedTuple):
    """All that was found out about one event, before it is put into words. Coldest bracket first."""

    event: EventContext
    opinion: EventOpinion | None
    """None when every strategy abstains."""
    offers: tuple[Offer | None, ...]
    gates: tuple[Gate, ...]
    """What decided, passed where there is an intent."""
    intents: tuple[Intent | None, ...]


class _Verdict(NamedTuple):
    """All that was found out about one market."""

    signal: Signal | None
    decision: MarketDecision
    intent: Intent | None


def decide(views: Iterable[CityView], account: Account, around: Circumstances) -> DecisionBatch:
    """Signals, decisions and intents for every market in `views`. Reads no clock, touches nothing.

    Exposure grows with each intent, so caps hold over all cities together and not only one by one.
    """
    verdicts: list[_Verdict] = []
    for view in views:
        for board in view.boards:
            event = EventContext(view.city, board, around)
            weighed, account = weigh(view, event, account)
            verdicts.extend(_verdicts(weighed))
    return DecisionBatch(
        signals=tuple(verdict.signal for verdict in verdicts if verdict.signal is not None),
        decisions=tuple(verdict.decision for verdict in verdicts),
        intents=tuple(verdict.intent for verdict in verdicts if verdict.intent is not None),
    )


def weigh(
    view: CityView, event: EventContext, account: Account, belief: Belief | None = None
) -> tuple[Weighed, Account]:
    """What `decide` does with one event of `view`, and the account as it leaves it.

    `belief` is what is believed of the event at this time, where that is known already; else it is formed.
    """
    board, gate = event.board, check_event(view, event)
    outlook = view.outlooks.get(board.event_date)
    opinion = form_opinion(outlook, event, belief) if outlook is not None and board.refusal is None else None
    releases = view.releases.get(board.event_date, NOTHING_DUE)
    if opinion is None:
        nothing, gate = (None,) * len(board.markets), gate and _ABSTAINED
        return Weighed(event, None, nothing, (gate,) * len(nothing), nothing), account
    gate = gate and _check_opinion(opinion, event)
    choices = [
        _choose(market, opinion, place, gate, releases, account, event)
        for place, market in enumerate(board.markets)
    ]
    taken, account = _take_all(choices, opinion, account, event)
    ends = [taken.get(place, (choice.gate, None)) for place, choice in enumerate(choices)]
    offers = tuple(choice.offer for choice in choices)
    return (
        Weighed(event, opinion, offers, tuple(gate for gate, _ in ends), tuple(intent for _, intent in ends)),
        account,
    )


def _verdicts(weighed: Weighed) -> list[_Verdict]:
    event, opinion, offers, gates, intents = weighed
    ends = list(zip(event.board.markets, offers, gates, intents, strict=True))
    if opinion is None:
        return [_Verdict(None, _explain(market, gate, None, event), None) for market, _, gate, _ in ends]
    return [
        _conclude(market, opinion, place, offer, gate, intent, event)
        for place, (market, offer, gate, intent) in enumerate(ends)
    ]


def _check_opinion(opinion: EventOpinion, event: EventContext) -> Gate:
    if not opinion.belief.is_admitted:
        return Gate(False, ReasonCode.NOT_ADMITTED, "the gate of no forecast that speaks is open")
    return PASSED


def _choose(
    market: BoardMarket,
    opinion: EventOpinion,
    place: int,
    event_gate: Gate,
    releases: Releases,
    account: Account,
    event: EventContext,
) -> _Choice:
    """What to take; where taking promises too little and the venue has a book to rest in, what to quote."""
    fees, around, pool = event.board.fees, event.around, opinion.priced.pool
    p_yes, error = pool.p_trade[place], pool.errors[place]
    offer = best_offer(market.snapshot, p_yes, error, fees) if fees is not None else None
    gate = event_gate and _check_market(market, offer, around)
    if gate.code is ReasonCode.EDGE_BELOW_FLOOR and around.may_rest and fees is not None:
        quote = best_quote(market, p_yes, error, fees, around.policy)
        if quote is not None:
            gate, offer = check_quiet(releases, around.now, around.policy), quote
    if not gate or offer is None:
        return _Choice(gate, offer)
    gate = _check_against_market(market, opinion, place, offer, around)
    if not gate:
        return _Choice(gate, offer)
    gate, chance = find_chance(market, offer, account, event)
    return _Choice(gate, offer, chance if gate else None)


def _check_market(market: BoardMarket, offer: Offer | None, around: Circumstances) -> Gate:
    policy, snapshot = around.policy, market.snapshot
    gate = check_tradable(market, around.now, policy) and check_spread(snapshot, policy)
    if not gate:
        return gate
    assert offer is not None, "both sides are quoted, so there is an offer"
    return (
        check_liquidity(snapshot, offer.book_side, policy.min_displayed)
        and check_uncertainty(offer.standard_error, policy)
        and check_edge(offer.edge, offer.cost, offer.standard_error, policy)
    )


def _check_against_market(
    market: BoardMarket, opinion: EventOpinion, place: int, offer: Offer, around: Circumstances
) -> Gate:
    """It is our own forecast that must be plausible: p_trade has the market in it and never lies far from it."""
    policy, p_market = around.policy, opinion.priced.p_market
    return (
        check_plausible(
            opinion.belief.p_model[place],
            p_market[place] if p_market is not None else None,
            market.snapshot,
            policy,
            has_news=opinion.timing.has_news,
        )
        and check_confidence(opinion.confidence.product, policy)
        and check_lock_price(offer.cost, policy, is_unconfirmed=opinion.lock.is_unconfirmed)
    )


def _take_all(
    choices: Sequence[_Choice], opinion: EventOpinion, account: Account, event: EventContext
) -> tuple[dict[int, tuple[Gate, Intent | None]], Account]:
    """Gate and intent of every market that may be acted on, by place, and what they leave of the account.

    Stakes are found for all of them together; the largest edge is served first, should a cap not reach for all.
    """
    chances = {place: c.chance for place, c in enumerate(choices) if c.chance is not None}
    if not chances:
        return {}, account
    tickers = [market.market.ticker for market in event.board.markets]
    stakes = joint_stakes(
        {place: chance.offer for place, chance in chances.items()},
        opinion.priced.pool.p_trade,
        [account.holdings.get(ticker, ZERO) for ticker in tickers],
        _wealth(account, chances.values(), event),
        opinion.confidence.product,
        event.around.policy,
    )
    taken: dict[int, tuple[Gate, Intent | None]] = {}
    for place in sorted(chances, key=lambda place: -chances[place].offer.edge):
        gate, intent = take(
            event.board.markets[place],
            chances[place],
            stakes.get(place),
            account,
            event,
            is_locked=opinion.lock.is_locked,
        )
        if intent is not None:
            account = _reserve(account, intent, event)
        taken[place] = gate, intent
    return taken, account


def _wealth(account: Account, chances: Iterable[Chance], event: EventContext) -> Decimal:
    """The bankroll without what the event's positions cost: their payouts are counted instead.

    An order nobody has answered for reserves money too, but pays nothing yet: it does not count.
    """
    reserved = sum(
        (
            chance.unanswered.contracts * chance.offer.price
            for chance in chances
            if chance.unanswered is not None
        ),
        ZERO,
    )
    at_risk = account.exposure.by_event.get(event.board.event_ticker, ZERO)
    return account.bankroll - max(at_risk - reserved, ZERO)


def _conclude(
    market: BoardMarket,
    opinion: EventOpinion,
    place: int,
    offer: Offer | None,
    gate: Gate,
    intent: Intent | None,
    event: EventContext,
) -> _Verdict:
    priced, decision = opinion.priced, _decision_of(intent)
    ensemble = ensemble_output(opinion, place, offer, gate, decision)
    signal = Signal(
        market_ticker=market.market.ticker,
        city_code=event.city.code,
        event_date=event.board.event_date,
        mode=event.around.mode,
        made_at=event.around.now,
        p_yes=ensemble.p_yes,
        p_model=ensemble.p_model,
        p_market=ensemble.p_market,
        uncertainty=priced.pool.errors[place],
        edge=offer.edge if offer else None,
        decision=decision,
        side=intent.side if intent else None,
        price=offer.price if offer and intent else None,
        codes=(gate.code.value,),
        ensemble=ensemble,
    )
    return _Verdict(signal, _explain(market, gate, intent, event), intent)


def _decision_of(intent: Intent | None) -> Decision:
    if intent is None:
        return Decision.HOLD
    return Decision.BUY if intent.book_side is BookSide.BID else Decision.SELL


def _reserve(account: Account, intent: Intent, event: EventContext) -> Account:
    """The account as if the intent had filled at its worst: the next market sees what is left."""
    standing = account.standings.get(intent.wish)
    if standing is not None and standing.unanswered is not None:
        return account  # an order asked for again is reserved already
    place = MarketPlace(intent.event_ticker, event.city.code, event.city.cluster)
    return account.model_copy(
        update={
            "cash": account.cash - intent.max_cost,
            "exposure": account.exposure.plus(intent.market_ticker, place, intent.max_cost),
            "standings": {**account.standings, intent.wish: _just_sent(intent)},
        }
    )


def _just_sent(intent: Intent) -> Standing:
    """No second order for the same wish in one cycle."""
    return Standing(intent.generation, OrderState.NEW, ZERO, intent.limit_price, intent.decided_at)


def _explain(market: BoardMarket, gate: Gate, intent: Intent | None, event: EventContext) -> MarketDecision:
    return MarketDecision(
        market_ticker=market.market.ticker,
        city_code=event.city.code,
        code=gate.code,
        detail=gate.detail,
        count=intent.count if intent else ZERO,
    )
