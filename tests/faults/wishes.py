"""A trader that wants something in every turn, whatever the strategies think: the order path is what is looked at.

Its wishes are drawn; everything after them is the application's own: what is due, generations, caps, reviews of what rests.
"""

import random
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final, NamedTuple

from markets.domain.fees import worst_case_fee
from markets.domain.types import Board, BoardMarket
from milkbot.core.cities import CityConfig
from milkbot.core.money import ONE, ZERO, floor_to
from trading.domain.decide import decide
from trading.domain.inputs import Account, Circumstances, CityView, DecisionBatch
from trading.domain.resting import check_quiet, releases_by_market
from trading.domain.risk import MarketPlace, allow
from trading.domain.supersede import Standing, Unanswered, asks_again, next_turn
from trading.domain.taking import BOOK
from trading.domain.types import Action, BookSide, Intent, Side, TradingState, book_side_of

MOST_CONTRACTS: Final = 3
SHARE_OF_TAKERS: Final = 0.3
SHARE_OF_SALES: Final = 0.3


class Candidate(NamedTuple):
    """A market that trades, with where it stands."""

    city: CityConfig
    board: Board
    market: BoardMarket

    @property
    def place(self) -> MarketPlace:
        return MarketPlace(self.board.event_ticker, self.city.code, self.city.cluster)


class Drawn(NamedTuple):
    """A wish in words; `takes` what is offered, or rests where others wait."""

    side: Side
    action: Action
    contracts: Decimal
    takes: bool


class Eager:
    """Stands in for `decide`: what the strategies want, and about `each_turn` wishes more. The seed decides which."""

    def __init__(self, seed: int, each_turn: int) -> None:
        self._draw = random.Random(seed)
        self._each_turn = each_turn

    def __call__(self, views: Iterable[CityView], account: Account, around: Circumstances) -> DecisionBatch:
        views = tuple(views)
        batch, due = decide(views, account, around), releases_by_market(views)
        if around.trading_state is not TradingState.ACTIVE or not around.account_known:
            return batch
        candidates = {one.market.market.ticker: one for one in _candidates(views, around)}
        for intent in batch.intents:
            if intent.market_ticker in candidates:
                account = _after(account, intent, candidates.pop(intent.market_ticker).place)
        intents = list(batch.intents)
        picked = self._draw.sample(sorted(candidates), min(self._each_turn, len(candidates)))
        for ticker in picked:
            wish = self._wish(candidates[ticker], account, around)
            may_rest = check_quiet(due[ticker], around.now, around.policy)
            if wish is not None and (may_rest or not wish.post_only):
                intents.append(wish)
                account = _after(account, wish, candidates[ticker].place)
        return batch.model_copy(update={"intents": tuple(intents)})

    def _wish(self, candidate: Candidate, account: Account, around: Circumstances) -> Intent | None:
        """One wish in this market, as far as generations and caps leave one."""
        held = account.holdings.get(candidate.market.market.ticker, ZERO)
        drawn = self._drawn(held)
        if drawn is None:
            return None
        wanted = _intent(candidate, around, drawn, drawn.contracts, 0)
        standing = account.standings.get(wanted.wish)
        if standing is not None and standing.unanswered is not None:
            return _asked_again(wanted, candidate, around, drawn, standing, standing.unanswered)
        turn = next_turn(standing, wanted.book_side, wanted.limit_price, around.now, around.policy)
        if not turn.gate:
            return None
        if drawn.action is Action.SELL:
            return _intent(
                candidate, around, drawn, min(drawn.contracts, floor_to(abs(held), ONE)), turn.generation
            )
        left = allow(
            drawn.contracts,
            wanted.max_cost / wanted.count,
            ticker=wanted.market_ticker,
            place=candidate.place,
            exposure=account.exposure,
            limits=around.limits,
            cash=account.cash,
            bankroll=account.bankroll,
        ).count
        return _intent(candidate, around, drawn, left, turn.generation) if left else None

    def _drawn(self, held: Decimal) -> Drawn | None:
        """What to try. Buying against a holding is a sale, and has other words."""
        draw = self._draw
        side, takes = draw.choice((Side.YES, Side.NO)), draw.random() < SHARE_OF_TAKERS
        contracts = Decimal(draw.randint(1, MOST_CONTRACTS))
        holds = Side.YES if held > 0 else Side.NO
        if abs(held) >= 1 and draw.random() < SHARE_OF_SALES:
            return Drawn(holds, Action.SELL, contracts, takes)
        if held and side is not holds:
            return None
        return Drawn(side, Action.BUY, contracts, takes)


def _candidates(views: Iterable[CityView], around: Circumstances) -> Iterator[Candidate]:
    """Markets quoted on both sides that may be entered now."""
    for view in views:
        for board in view.boards:
            is_open = board.close_at - around.now > around.policy.no_entry_before_close
            if board.refusal is not None or board.fees is None or not is_open:
                continue
            for market in board.markets:
                if market.snapshot.yes_bid is not None and market.snapshot.yes_ask is not None:
                    yield Candidate(view.city, board, market)


def _intent(
    candidate: Candidate, around: Circumstances, drawn: Drawn, count: Decimal, generation: int
) -> Intent:
    board, snapshot = candidate.board, candidate.market.snapshot
    book_side = book_side_of(drawn.side, drawn.action)
    is_bid = book_side is BookSide.BID
    yes_price = snapshot.yes_ask if drawn.takes is is_bid else snapshot.yes_bid
    assert yes_price is not None
    assert board.fees is not None
    stake = yes_price if is_bid else ONE - yes_price
    fee = worst_case_fee(board.fees, ONE, stake, is_taker=True)
    return Intent(
        mode=around.mode,
        city_code=candidate.city.code,
        market_ticker=snapshot.ticker,
        event_ticker=board.event_ticker,
        event_date=board.event_date,
        side=drawn.side,
        action=drawn.action,
        book_side=book_side,
        strategy=BOOK,
        generation=generation,
        post_only=not drawn.takes,
        count=count,
        limit_price=yes_price,
        max_cost=count * (fee if drawn.action is Action.SELL else stake + fee),
        p_yes=0.5,
        decided_at=around.now,
    )


def _asked_again(
    wanted: Intent,
    candidate: Candidate,
    around: Circumstances,
    drawn: Drawn,
    standing: Standing,
    lost: Unanswered,
) -> Intent | None:
    """The order without an answer once more, if that is what was drawn."""
    is_same = asks_again(
        lost,
        wanted.limit_price,
        max(wanted.count, lost.contracts),
        post_only=wanted.post_only,
        now=around.now,
        policy=around.policy,
    )
    return _intent(candidate, around, drawn, lost.contracts, standing.generation) if is_same else None


def _after(account: Account, intent: Intent, place: MarketPlace) -> Account:
    """The account with the intent reserved at its worst."""
    exposure = account.exposure.plus(intent.market_ticker, place, intent.max_cost)
    return account.model_copy(update={"cash": account.cash - intent.max_cost, "exposure": exposure})
