"""From what we know to what we want: pure, the same live, in SHADOW, in a replay and in tests.

Every market gets a decision with a coded reason. Order of work per market: can the event be traded, can the market,
do we have an opinion, is there an edge after exact fees, how much does Kelly want, what do the caps leave, may we act.
"""

from collections.abc import Iterable
from typing import NamedTuple

from markets.domain.types import Board, BoardMarket
from milkbot.core.money import ZERO
from trading.domain import ensemble
from trading.domain.event_gate import check_event
from trading.domain.gates import (
    Gate,
    check_edge,
    check_liquidity,
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
from trading.domain.offer import Offer, best_offer, take
from trading.domain.quoting import best_quote
from trading.domain.risk import MarketPlace
from trading.domain.strategies.base import Strategy
from trading.domain.strategies.daily_high import DailyHighStrategy
from trading.domain.supersede import Standing
from trading.domain.types import (
    BookSide,
    Decision,
    EnsembleOutput,
    Intent,
    OrderState,
    ReasonCode,
    Signal,
)
from weather.domain.types import Outlook

STRATEGIES: tuple[Strategy, ...] = (DailyHighStrategy(),)


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
            event_gate = check_event(view, event)
            opinions = _opinions(view.outlooks.get(board.event_date), board)
            for market in board.markets:
                verdict = _judge(market, opinions.get(market.market.ticker), event_gate, account, event)
                if verdict.intent is not None:
                    account = _reserve(account, verdict.intent, event)
                verdicts.append(verdict)
    return DecisionBatch(
        signals=tuple(verdict.signal for verdict in verdicts if verdict.signal is not None),
        decisions=tuple(verdict.decision for verdict in verdicts),
        intents=tuple(verdict.intent for verdict in verdicts if verdict.intent is not None),
    )


def _opinions(outlook: Outlook | None, board: Board) -> dict[str, EnsembleOutput]:
    """The pooled opinion by ticker; empty without a forecast or a ladder that can be priced."""
    if outlook is None or board.refusal is not None:
        return {}
    brackets = [market.bracket for market in board.markets]
    by_strategy = [strategy.evaluate(outlook, brackets) for strategy in STRATEGIES]
    pooled = (ensemble.pool(outputs) for outputs in zip(*by_strategy, strict=True))
    return {
        bracket.ticker: opinion
        for bracket, opinion in zip(brackets, pooled, strict=True)
        if opinion is not None
    }


def _judge(
    market: BoardMarket,
    opinion: EnsembleOutput | None,
    event_gate: Gate,
    account: Account,
    event: EventContext,
) -> _Verdict:
    """One market's signal (if we have an opinion), the reason that decided, and the intent if everything passed."""
    if opinion is None:
        abstained = Gate(False, ReasonCode.FORECAST_MISSING, "every strategy abstains")
        return _Verdict(None, _explain(market, event_gate and abstained, None, event), None)
    error = min(ensemble.standard_error(opinion.inputs), 1.0)
    gate, offer = _choose(market, opinion.p_yes, error, event_gate, event)
    intent: Intent | None = None
    if gate and offer is not None:
        gate, intent = take(market, offer, account, event)
    signal = Signal(
        market_ticker=market.market.ticker,
        city_code=event.city.code,
        event_date=event.board.event_date,
        mode=event.around.mode,
        made_at=event.around.now,
        p_yes=opinion.p_yes,
        uncertainty=error,
        edge=offer.edge if offer else None,
        decision=_decision_of(intent),
        side=intent.side if intent else None,
        price=offer.price if offer and intent else None,
        codes=(gate.code.value,),
        ensemble=opinion,
    )
    return _Verdict(signal, _explain(market, gate, intent, event), intent)


def _choose(
    market: BoardMarket, p_yes: float, error: float, event_gate: Gate, event: EventContext
) -> tuple[Gate, Offer | None]:
    """What to take; where taking promises too little and the venue has a book to rest in, what to quote."""
    fees, around = event.board.fees, event.around
    offer = best_offer(market.snapshot, p_yes, error, fees) if fees is not None else None
    gate = event_gate and _check_market(market, p_yes, offer, around)
    if gate.code is ReasonCode.EDGE_BELOW_FLOOR and around.may_rest and fees is not None:
        quote = best_quote(market, p_yes, error, fees, around.policy)
        if quote is not None:
            return check_plausible(p_yes, market.snapshot, around.policy), quote
    return gate, offer


def _check_market(market: BoardMarket, p_yes: float, offer: Offer | None, around: Circumstances) -> Gate:
    policy, snapshot = around.policy, market.snapshot
    gate = check_tradable(market, around.now, policy) and check_spread(snapshot, policy)
    if not gate:
        return gate
    assert offer is not None, "both sides are quoted, so there is an offer"
    return (
        check_liquidity(snapshot, offer.book_side, policy.min_displayed)
        and check_uncertainty(offer.standard_error, policy)
        and check_edge(offer.edge, offer.cost, offer.standard_error, policy)
        and check_plausible(p_yes, snapshot, policy)
    )


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
