"""From an offer worth having to an intent: the switch, earlier orders, the stake, depth, caps, the edge once more."""

from decimal import Decimal
from typing import NamedTuple

from markets.domain.fees import trade_fee
from markets.domain.types import BoardMarket, MarketSnapshot
from milkbot.core.money import ONE, ZERO, floor_to, six_places
from trading.domain.gates import PASSED, Gate, check_edge, check_quote_edge
from trading.domain.inputs import Account, EventContext
from trading.domain.keys import intent_key
from trading.domain.offer import Offer
from trading.domain.risk import MarketPlace, allow
from trading.domain.sizing import Stake
from trading.domain.supersede import Standing, Turn, Unanswered, asks_again, next_turn
from trading.domain.types import (
    Action,
    BookSide,
    Intent,
    OrderState,
    ReasonCode,
    Side,
    TradingState,
    book_side_of,
)

BOOK = "ensemble"
"""The book that trades, as it stands in intent keys; members are attributed in metrics."""


class Chance(NamedTuple):
    """An offer that may be acted on, and how its wish stands."""

    offer: Offer
    closes: bool
    """Whether it only takes back what is held."""
    held: Decimal
    """Contracts it may take back at most; 0 where it opens."""
    turn: Turn
    standing: Standing | None

    @property
    def unanswered(self) -> Unanswered | None:
        return self.standing.unanswered if self.standing else None


class Want(NamedTuple):
    """Contracts to ask for, and what came of each step on the way to them, in words."""

    contracts: Decimal
    steps: tuple[str, ...]


def find_chance(
    market: BoardMarket, offer: Offer, account: Account, event: EventContext
) -> tuple[Gate, Chance]:
    """Whether `offer` may be acted on at all: the switch, then earlier orders for the same wish."""
    ticker = market.market.ticker
    held = account.holdings.get(ticker, ZERO)
    closes = held < 0 if offer.book_side is BookSide.BID else held > 0
    standing = account.standings.get(_wish(ticker, offer.book_side, event))
    turn = next_turn(
        standing, offer.book_side, offer.yes_price, event.around.now, event.around.policy, closes=closes
    )
    chance = Chance(offer, closes, abs(held) if closes else ZERO, turn, standing)
    gate = _check_switch(closes, event) and _check_answered(ticker, offer.book_side, account, event)
    return gate and (turn.gate if chance.unanswered is None else PASSED), chance


def take(
    market: BoardMarket,
    chance: Chance,
    stake: Stake | None,
    account: Account,
    event: EventContext,
    *,
    is_locked: bool,
) -> tuple[Gate, Intent | None]:
    """The intent for an offer, or the gate that stopped it: the stake, depth, then caps, then the edge once more.

    `is_locked` caps what is put on a market whose day looks settled.
    """
    gate, want = _wanted(market.snapshot, chance, stake, event)
    if want is None:
        return gate, None
    ticker, offer = market.market.ticker, chance.offer
    if chance.standing is not None and chance.unanswered is not None:
        return _ask_again(ticker, chance, want.contracts, chance.standing, chance.unanswered, event)
    if not chance.closes:
        # Leaving needs no room under any cap: it can only lower what is at risk.
        gate, want = _within_caps(ticker, offer, want, account, event, is_locked=is_locked)
        if want is None:
            return gate, None
    gate = _check_exactly(offer, want.contracts, event)
    if not gate:
        return gate, None
    intent = _intent(ticker, offer, want.contracts, chance.closes, event, chance.turn.generation)
    return PASSED._replace(detail=", ".join(want.steps)), intent


def _within_caps(
    ticker: str, offer: Offer, want: Want, account: Account, event: EventContext, *, is_locked: bool
) -> tuple[Gate, Want | None]:
    city, board, around = event
    most = floor_to(around.policy.lock_per_trade / offer.worst_cost, ONE)
    if is_locked and most < want.contracts:
        want = Want(most, (*want.steps, f"{most} by {ReasonCode.CAP_LOCK}"))
    if want.contracts < 1:
        return Gate(False, ReasonCode.CAP_LOCK, "none allowed once the day looks settled"), None
    allowed = allow(
        want.contracts,
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
        return Gate(False, code, f"{want.contracts} wanted, none allowed"), None
    if allowed.bound_by is not None:
        want = Want(allowed.count, (*want.steps, f"{allowed.count} by {allowed.bound_by}"))
    return PASSED, want


def _check_exactly(offer: Offer, count: Decimal, event: EventContext) -> Gate:
    """The edge and the hard floor once more, at the exact fee of the whole order."""
    fees, policy = event.board.fees, event.around.policy
    assert fees is not None, "nothing is offered without fees"
    fee = trade_fee(fees, count, offer.price, is_taker=not offer.post_only)
    cost = offer.price + fee / count
    edge = six_places(offer.p_win) - cost
    if offer.post_only:
        return check_quote_edge(edge, cost, offer.standard_error, policy)
    return check_edge(edge, cost, offer.standard_error, policy)


def _ask_again(
    ticker: str,
    chance: Chance,
    wanted: Decimal,
    standing: Standing,
    unanswered: Unanswered,
    event: EventContext,
) -> tuple[Gate, Intent | None]:
    """The same intent once more, which the caps hold already, or the gate of a wish that stands otherwise."""
    offer, now, policy = chance.offer, event.around.now, event.around.policy
    is_same = asks_again(
        unanswered, offer.yes_price, wanted, post_only=offer.post_only, now=now, policy=policy
    )
    if not is_same:
        return chance.turn.gate, None
    detail = "asked for again: its answer was lost"
    intent = _intent(ticker, offer, unanswered.contracts, chance.closes, event, standing.generation)
    return PASSED._replace(detail=detail), intent


def _check_switch(closes: bool, event: EventContext) -> Gate:
    state = event.around.trading_state
    if state is TradingState.HALTED:
        return Gate(False, ReasonCode.TRADING_HALTED, "halted by a person or a breaker, or LIVE is not armed")
    if state is TradingState.REDUCING and not closes:
        return Gate(False, ReasonCode.TRADING_REDUCING, "only what reduces exposure may trade")
    return PASSED


def _check_answered(ticker: str, book_side: BookSide, account: Account, event: EventContext) -> Gate:
    """An order without an answer blocks its market: should it have filled, the other side would trade against it."""
    other = BookSide.ASK if book_side is BookSide.BID else BookSide.BID
    standing = account.standings.get(_wish(ticker, other, event))
    if standing is not None and standing.state in (OrderState.SUBMITTED, OrderState.UNKNOWN):
        return Gate(False, ReasonCode.ORDER_UNKNOWN, f"generation {standing.generation} is {standing.state}")
    return PASSED


def _wanted(
    snapshot: MarketSnapshot, chance: Chance, stake: Stake | None, event: EventContext
) -> tuple[Gate, Want | None]:
    """Contracts by the stake, at most a share of what is displayed, and never flipping a position through zero."""
    if stake is None or stake.contracts < 1:
        why = "no stake was found" if stake is None else f"less than one contract: {stake.sentence}"
        return Gate(False, ReasonCode.STAKE_TOO_SMALL, why), None
    want = Want(stake.contracts, (stake.sentence,))
    if chance.closes and floor_to(chance.held, ONE) < want.contracts:
        held = floor_to(chance.held, ONE)
        want = Want(held, (*want.steps, f"{held} are held"))
    displayed = snapshot.yes_ask_size if chance.offer.book_side is BookSide.BID else snapshot.yes_bid_size
    deep = floor_to(event.around.policy.max_share_of_displayed * (displayed or ZERO), ONE)
    if want.contracts < 1:
        return Gate(False, ReasonCode.STAKE_TOO_SMALL, "less than one contract is held"), None
    if deep < 1:
        return Gate(False, ReasonCode.CAP_DEPTH, f"{displayed} displayed: a quarter is less than one"), None
    if deep < want.contracts:
        want = Want(deep, (*want.steps, f"{deep} by {ReasonCode.CAP_DEPTH}"))
    return PASSED, want


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
