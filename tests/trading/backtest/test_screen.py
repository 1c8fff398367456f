"""The screen is an upper bound: what it passes over, a decision does not act on, and a review keeps."""

import random
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trading.backtest.pasts import CAPITAL, circumstances, known, sheet_of, wandering
from trading.backtest.as_of import AsOf
from trading.backtest.event_past import EventPast
from trading.backtest.event_sheet import EventSheet, Screen
from trading.backtest.quote_history import MICROS
from trading.backtest.screen import Prospects, is_deep, passed_through, prospects, surely_kept
from trading.domain.decide import decide
from trading.domain.ensemble import Belief
from trading.domain.inputs import Account, Circumstances, CityView, EventContext
from trading.domain.keys import client_order_id
from trading.domain.opinion import form_belief, situation_of
from trading.domain.policy import Policy
from trading.domain.types import (
    Action,
    BookSide,
    Order,
    OrderState,
    Side,
    TimeInForce,
    book_side_of,
)
from trading.domain.working import Step, review_all

DEPTHS = st.sampled_from([Decimal(3), Decimal(4), Decimal(25), Decimal(500)])
HOLDINGS = st.lists(st.integers(-40, 40), min_size=6, max_size=6)


class Scene:
    """A past, its sheet by one way of screening, and the real decision on any of its rows."""

    def __init__(self, seed: int, depth: Decimal, screen: Screen = Screen.ARRAY) -> None:
        self.as_of, self.around = AsOf(wandering(seed, moves=12), depth=depth), circumstances()
        self.sheet: EventSheet = sheet_of(self.as_of, self.around, screen=screen)
        self.past = EventPast(self.as_of, self.sheet.event)
        fees = self.past.fees
        assert fees is not None
        self.found: Prospects = prospects(self.sheet, fees, depth, Policy(), may_rest=True)

    @property
    def tickers(self) -> Sequence[str]:
        return self.past.tickers

    def view(self, row: int) -> CityView:
        now = self.sheet.columns.moment(row)
        outlook = self.past.outlook(self.sheet.outlook_at[int(self.sheet.segment[row])])
        return self.past.view(self.past.board(self.sheet.columns.place[row].tolist(), now), outlook, now)

    def rows(self, draw: random.Random, most: int = 12) -> list[int]:
        """Some rows at which the event may be traded."""
        is_open = np.flatnonzero(self.sheet.is_open[self.sheet.segment]).tolist()
        return draw.sample(is_open, min(most, len(is_open)))

    def belief(self, row: int) -> Belief | None:
        """Formed on this very row."""
        view, around = self.view(row), self.around_at(row)
        event = EventContext(view.city, view.boards[0], around)
        outlook = view.outlooks.get(self.sheet.event.event_date)
        return None if outlook is None else form_belief(situation_of(outlook, event), event)

    def around_at(self, row: int) -> Circumstances:
        return known(self.as_of).circumstances(self.around, self.sheet.columns.moment(row))


@given(
    seed=st.integers(0, 10**6),
    depth=DEPTHS,
    holdings=HOLDINGS,
    screen=st.sampled_from([Screen.ARRAY, Screen.JUDGE]),
)
@settings(max_examples=8, deadline=None)
def test_no_intent_lies_where_the_screen_found_nothing(
    seed: int, depth: Decimal, holdings: list[int], screen: Screen
) -> None:
    """Entries, exits of what is held, quotes: on every row, whatever the account holds, whatever was sent before."""
    scene = Scene(seed, depth, screen)
    held = {ticker: Decimal(count) for ticker, count in zip(scene.tickers, holdings, strict=True) if count}
    account = Account(cash=CAPITAL, bankroll=CAPITAL, holdings=held)
    for row in scene.rows(random.Random(seed)):
        batch = decide([scene.view(row)], account, scene.around_at(row))
        for intent in batch.intents:
            marks = scene.found.bid if intent.book_side is BookSide.BID else scene.found.ask
            assert marks[row, scene.tickers.index(intent.market_ticker)]


def test_the_property_above_meets_entries_exits_and_quotes() -> None:
    met = set()
    for seed in range(3):
        scene = Scene(seed, Decimal(100))
        account = Account(cash=CAPITAL, bankroll=CAPITAL, holdings=dict.fromkeys(scene.tickers, Decimal(30)))
        for row in np.flatnonzero(scene.found.rows).tolist():
            for intent in decide([scene.view(row)], account, scene.around_at(row)).intents:
                met.add((intent.action, intent.post_only))
    assert {(Action.BUY, True), (Action.SELL, True), (Action.SELL, False)} <= met


@given(
    seed=st.integers(0, 10**6),
    depth=DEPTHS,
    column=st.integers(0, 5),
    side=st.sampled_from(Side),
    cents=st.integers(1, 98),
)
@settings(max_examples=8, deadline=None)
def test_no_review_cancels_where_the_screen_keeps(
    seed: int, depth: Decimal, column: int, side: Side, cents: int
) -> None:
    scene = Scene(seed, depth)
    order = resting(scene, column, side, Decimal(cents) / 100)
    is_bid = order.book_side is BookSide.BID
    kept = surely_kept(
        scene.found, column, is_bid=is_bid, price_micros=int(order.limit_price * MICROS), policy=Policy()
    )
    account = Account(cash=CAPITAL, bankroll=CAPITAL)
    rows = np.flatnonzero(kept).tolist()
    for row in random.Random(seed).sample(rows, min(5, len(rows))):
        view, around = scene.view(row), scene.around_at(row)
        signals = decide([view], account, around).signals
        ((_, review),) = review_all([order], [view], signals, {}, around)
        assert review.step is not Step.CANCEL


def resting(scene: Scene, column: int, side: Side, price: Decimal) -> Order:
    at = scene.sheet.event.open_at
    return Order(
        client_order_id=client_order_id(f"resting:{column}:{side}"),
        intent_key="resting",
        mode=scene.around.mode,
        market_ticker=scene.tickers[column],
        book_side=book_side_of(side, Action.BUY),
        side=side,
        action=Action.BUY,
        limit_price=price,
        count=Decimal(5),
        time_in_force=TimeInForce.GTC,
        post_only=True,
        state=OrderState.RESTING,
        created_at=at,
        updated_at=at,
        sent_at=at,
        expires_at=at + timedelta(days=3),
    )


def test_orders_worth_keeping_are_kept_somewhere() -> None:
    """Else the property above would hold of nothing."""
    scene = Scene(3, Decimal(100))
    kept = sum(
        int(surely_kept(scene.found, column, is_bid=True, price_micros=20_000, policy=Policy()).sum())
        for column in range(6)
    )
    assert kept > 20


def test_market_passes_a_price_only_beyond_it() -> None:
    bid, ask = np.asarray([380_000, 390_000, 0], np.int32), np.asarray([400_000, 410_000, 0], np.int32)
    assert passed_through(is_bid=True, price_micros=400_000, bid=bid, ask=ask).tolist() == [
        False,
        False,
        False,
    ]
    assert passed_through(is_bid=True, price_micros=400_001, bid=bid, ask=ask).tolist() == [
        True,
        False,
        False,
    ]
    assert passed_through(is_bid=False, price_micros=390_000, bid=bid, ask=ask).tolist() == [
        False,
        False,
        False,
    ]
    assert passed_through(is_bid=False, price_micros=389_999, bid=bid, ask=ask).tolist() == [
        False,
        True,
        False,
    ]


def test_share_of_the_display_that_is_no_contract_is_not_deep() -> None:
    policy = Policy()
    assert not is_deep(Decimal("3.99"), policy)
    assert is_deep(Decimal(4), policy)
    assert not is_deep(Decimal(4), policy.model_copy(update={"max_share_of_displayed": Decimal("0.1")}))
    assert not is_deep(Decimal(4), policy.model_copy(update={"min_displayed": Decimal(5)}))


def test_belief_does_not_change_within_a_segment() -> None:
    """A replay forms it once a segment; a decision would form it anew on every row, and find the same."""
    scene, compared = Scene(3, Decimal(100)), 0
    for segment in range(len(scene.sheet.outlook_at)):
        rows = np.flatnonzero(scene.sheet.segment == segment).tolist()
        formed = [scene.belief(row) for row in {rows[0], rows[-1]}]
        assert all(belief == formed[0] for belief in formed)
        compared += len(formed) > 1 and formed[0] is not None
    assert compared > 10
