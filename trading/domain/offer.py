"""The better side of one market, how much of it to want, and what the caps and the switch leave."""

from decimal import Decimal
from typing import NamedTuple

from markets.domain.fees import trade_fee, worst_case_fee
from markets.domain.types import BoardMarket, FeeSchedule, MarketSnapshot
from milkbot.core.money import ONE, ZERO, floor_to
from trading.domain.gates import PASSED, Gate, price_to_pay
from trading.domain.inputs import Account, EventContext
from trading.domain.kelly.binary import kelly_contracts
from trading.domain.keys import intent_key
from trading.domain.risk import MarketPlace, allow
from trading.domain.supersede import Standing, Unanswered, asks_again, next_turn
from trading.domain.types import Action, BookSide, Intent, ReasonCode, Side, TradingState, book_side_of

BOOK = "ensemble"
"""The book that trades, as it stands in intent keys; members are attributed in metrics."""


class Offer(NamedTuple):
    """One side we could take or, post-only, quote now, with its exact figures per contract in dollars."""

    book_side: BookSide
    price: Decimal
    """Of the contract bought: the ask for YES, one minus the bid for NO."""
    cost: Decimal
    """Price plus the exact fee."""
    worst_cost: Decimal
    """Price plus the fee rounded up to whole cents: what caps count."""
    edge: Decimal
    p_win: float
    standard_error: float
    post_only: bool = False

    @property
    def yes_price(self) -> Decimal:
        return self.price if self.book_side is BookSide.BID else ONE - self.price

    @property
    def p_yes(self) -> float:
        return self.p_win if self.book_side is BookSide.BID else 1 - self.p_win


def best_offer(
    snapshot: MarketSnapshot, p_yes: float, standard_error: float, fees: FeeSchedule
) -> Offer | None:
    """The side with the larger edge; None when nobody quotes."""
    offers = []
    for side, p_win in ((BookSide.BID, p_yes), (BookSide.ASK, 1 - p_yes)):
        price = price_to_pay(snapshot, side)
        if price is not None:
            cost = price + trade_fee(fees, ONE, price, is_taker=True)
            worst_cost = price + worst_case_fee(fees, ONE, price, is_taker=True)
            edge = Decimal(repr(round(p_win, 6))) - cost
            offers.append(Offer(side, price, cost, worst_cost, edge, p_win, standard_error))
    return max(offers, key=lambda offer: offer.edge, default=None)


def take(
    market: BoardMarket, offer: Offer, account: Account, event: EventContext
) -> tuple[Gate, Intent | None]:
    """The intent for `offer`, or the gate that stopped it: switch, earlier orders, Kelly, depth, then caps."""
    ticker = market.market.ticker
    held = account.holdings.get(ticker, ZERO)
    closes = held < 0 if offer.book_side is BookSide.BID else held > 0
    standing = account.standings.get(_wish(ticker, offer.book_side, event))
    turn = next_turn(standing, offer.book_side, offer.yes_price, event.around.now, event.around.policy)
    unanswered = standing.unanswered if standing else None
    gate = _check_switch(closes, event) and (turn.gate if unanswered is None else PASSED)
    if not gate:
        return gate, None
    gate, wanted = _wanted(market.snapshot, offer, abs(held) if closes else None, account, event)
    if not gate:
        return gate, None
    if standing is not None and unanswered is not None:
        return _ask_again(ticker, offer, wanted, closes, event, standing, unanswered, turn.gate)
    if closes:
        # Leaving needs no room under any cap: it can only lower what is at risk.
        return PASSED, _intent(ticker, offer, wanted, closes, event, turn.generation)
    city, board, around = event
    allowed = allow(
        wanted,
        offer.worst_cost,
        ticker=ticker,
        place=MarketPlace(board.event_ticker, city.code, city.cluster),
        exposure=account.exposure,
        limits=around.limits,
        cash=account.cash,
        bankroll=account.bankroll,
    )
    if allowed.count < 1:
        code = allowed.bound_by or ReasonCode.STAKE_TOO_SMALL
        return Gate(False, code, f"{wanted} wanted, none allowed"), None
    detail = f"{allowed.count} of {wanted} by {allowed.bound_by}" if allowed.bound_by else ""
    return PASSED._replace(detail=detail), _intent(
        ticker, offer, allowed.count, closes, event, turn.generation
    )


def _ask_again(
    ticker: str,
    offer: Offer,
    wanted: Decimal,
    closes: bool,
    event: EventContext,
    standing: Standing,
    unanswered: Unanswered,
    otherwise: Gate,
) -> tuple[Gate, Intent | None]:
    """The same intent once more, which the caps hold already, or `otherwise` when it is no longer what we want."""
    now, policy = event.around.now, event.around.policy
    is_same = asks_again(
        unanswered, offer.yes_price, wanted, post_only=offer.post_only, now=now, policy=policy
    )
    if not is_same:
        return otherwise, None
    detail = "asked for again: its answer was lost"
    intent = _intent(ticker, offer, unanswered.contracts, closes, event, standing.generation)
    return PASSED._replace(detail=detail), intent


def _check_switch(closes: bool, event: EventContext) -> Gate:
    state = event.around.trading_state
    if state is TradingState.HALTED:
        return Gate(False, ReasonCode.TRADING_HALTED, "halted by a person or a breaker, or LIVE is not armed")
    if state is TradingState.REDUCING and not closes:
        return Gate(False, ReasonCode.TRADING_REDUCING, "only what reduces exposure may trade")
    return PASSED


def _wanted(
    snapshot: MarketSnapshot, offer: Offer, to_close: Decimal | None, account: Account, event: EventContext
) -> tuple[Gate, Decimal]:
    """Contracts by Kelly, at most a share of what is displayed, and never flipping a position through zero."""
    policy = event.around.policy
    kelly = kelly_contracts(
        offer.p_win,
        offer.cost,
        offer.standard_error,
        bankroll=account.bankroll,
        fraction=policy.kelly_fraction,
    )
    if to_close is not None:
        kelly = min(kelly, floor_to(to_close, ONE))
    displayed = snapshot.yes_ask_size if offer.book_side is BookSide.BID else snapshot.yes_bid_size
    deep = floor_to(policy.max_share_of_displayed * (displayed or ZERO), ONE)
    if kelly < 1:
        return Gate(False, ReasonCode.STAKE_TOO_SMALL, "Kelly wants less than one contract"), ZERO
    if deep < 1:
        return Gate(False, ReasonCode.CAP_DEPTH, f"{displayed} displayed: a quarter is less than one"), ZERO
    return PASSED, min(kelly, deep)


def _intent(
    ticker: str, offer: Offer, count: Decimal, closes: bool, event: EventContext, generation: int
) -> Intent:
    city, board, around = event
    side, action = _words(offer.book_side, closes)
    assert book_side_of(side, action) is offer.book_side
    return Intent(
        mode=around.mode,
        city_code=city.code,
        market_ticker=ticker,
        event_ticker=board.event_ticker,
        event_date=board.event_date,
        side=side,
        action=action,
        book_side=offer.book_side,
        strategy=BOOK,
        generation=generation,
        post_only=offer.post_only,
        count=count,
        limit_price=offer.yes_price,
        # A sale risks no stake: all it can cost is its fee.
        max_cost=count * (offer.worst_cost - offer.price if closes else offer.worst_cost),
        p_yes=offer.p_yes,
        decided_at=around.now,
    )


def _wish(ticker: str, book_side: BookSide, event: EventContext) -> str:
    return intent_key(
        mode=event.around.mode,
        city_code=event.city.code,
        market_ticker=ticker,
        book_side=book_side,
        strategy=BOOK,
        event_date=event.board.event_date,
    )


def _words(book_side: BookSide, closes: bool) -> tuple[Side, Action]:
    """The operator's words for a book side: an ask sells the YES we hold, or else buys NO."""
    if book_side is BookSide.BID:
        return (Side.NO, Action.SELL) if closes else (Side.YES, Action.BUY)
    return (Side.YES, Action.SELL) if closes else (Side.NO, Action.BUY)
