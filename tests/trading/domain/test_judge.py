"""The judge in floats lets nothing through the cracks that a decision would act on, and the rows say what it says."""

import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from markets.domain.types import FeeSchedule, FeeType
from tests.trading.makers import ALONE, CHI, FEES, around, make_account, make_board, make_outlook, make_view
from trading.domain.decide import decide
from trading.domain.gates import edge_floor
from trading.domain.inputs import EventContext
from trading.domain.judge import judge_event, put_beside, terms_of
from trading.domain.judge_rows import belief_rows, put_rows_beside
from trading.domain.market_expert import Quotes
from trading.domain.opinion import form_belief, form_opinion, situation_of, timing_of
from trading.domain.policy import Policy
from trading.domain.types import ReasonCode, Signal
from trading.domain.weights import PRIOR

BEFORE_FEES = {ReasonCode.EDGE_BELOW_FLOOR, ReasonCode.EDGE_IMPLAUSIBLE, ReasonCode.LIQUIDITY_LOW}
MAKER_FEES = FeeSchedule(fee_type=FeeType.QUADRATIC_WITH_MAKER_FEES, multiplier=Decimal(1))

cents = st.integers(1, 97)
quoted = st.tuples(cents, st.integers(1, 4)).map(
    lambda pair: (f"{pair[0] / 100:.2f}", f"{min(pair[0] + pair[1], 99) / 100:.2f}")
)
near = st.tuples(st.sampled_from([3, 8, 22, 32, 24, 13]), st.integers(-8, 8), st.integers(1, 3)).map(
    lambda t: (f"{max(t[0] + t[1], 1) / 100:.2f}", f"{max(t[0] + t[1], 1) / 100 + t[2] / 100:.2f}")
)
ladders = st.lists(st.one_of(near, near, near, quoted), min_size=6, max_size=6)


@given(
    quotes=ladders,
    mu=st.floats(70, 81),
    sigma=st.floats(1.5, 4),
    size=st.sampled_from(["3", "4", "40", "1000"]),
    fees=st.sampled_from([FEES, MAKER_FEES]),
    may_rest=st.booleans(),
    pooled=st.booleans(),
)
@example(
    quotes=[("0.01", "0.02"), ("0.01", "0.02"), ("0.01", "0.03"), *[("0.01", "0.02")] * 3],
    mu=79.203125,
    sigma=3.51171875,
    size="4",
    fees=FEES,
    may_rest=False,
    pooled=False,
)
@settings(max_examples=300, deadline=None)
def test_whatever_a_decision_sends_was_a_candidate(
    quotes: list[tuple[str, str]],
    mu: float,
    sigma: float,
    size: str,
    fees: FeeSchedule,
    may_rest: bool,
    pooled: bool,
) -> None:
    board = make_board(quotes=quotes, size=size, fees=fees)
    outlook = make_outlook(mu=mu, sigma=sigma)
    now = around(weights=PRIOR if pooled else ALONE, may_rest=may_rest)
    event = EventContext(CHI, board, now)
    situation = situation_of(outlook, event)
    belief = form_belief(situation, event)
    assert belief is not None
    terms = terms_of(Policy(), fees, may_rest=may_rest)
    judged = judge_event(belief, situation.quotes, terms, timing_of(situation))

    batch = decide([make_view(board=board, outlook=outlook)], make_account(), now)
    places = {market.market.ticker: place for place, market in enumerate(board.markets)}

    assert {places[intent.market_ticker] for intent in batch.intents} <= set(judged.candidates)
    assert [signal.p_yes for signal in batch.signals] == list(judged.priced.pool.p_trade)
    # And it is no empty bound: what it marks fails for size, confidence or the account, if at all.
    for place in judged.candidates:
        code, signal = batch.decisions[place].code, batch.signals[place]
        assert code not in BEFORE_FEES or (code is ReasonCode.EDGE_BELOW_FLOOR and _is_at_the_floor(signal))


def _is_at_the_floor(signal: Signal) -> bool:
    """Whether the edge, on one side or the other, misses what it must promise by a rounding only."""
    assert signal.edge is not None
    sides = (signal.p_yes, 1 - signal.p_yes)
    costs = [Decimal(repr(round(p_win, 6))) - signal.edge for p_win in sides]
    floors = [edge_floor(cost, signal.uncertainty, Policy()) for cost in costs]
    return any(abs(floor - signal.edge) < Decimal("0.00001") for floor in floors)


def test_some_ladders_have_candidates_and_most_have_none() -> None:
    """The property above speaks of something only if such ladders trade."""
    cheap = [
        ("0.02", "0.03"),
        ("0.07", "0.09"),
        ("0.21", "0.23"),
        ("0.20", "0.22"),
        ("0.23", "0.25"),
        ("0.12", "0.14"),
    ]
    batch = decide([make_view(board=make_board(quotes=cheap))], make_account(), around(weights=ALONE))

    assert len(batch.intents) == 1


prices = st.one_of(st.none(), st.integers(1, 98).map(lambda cent: cent / 100))
columns = st.lists(
    st.one_of(
        st.lists(st.tuples(prices, st.integers(1, 12)), min_size=6, max_size=6),
        st.permutations([(0.03, 2), (0.10, 2), (0.22, 1), (0.30, 2), (0.21, 1), (0.09, 3)]),
    ),
    min_size=1,
    max_size=6,
)


@given(rows=columns, quiet=st.booleans(), mu=st.floats(68, 83))
@settings(deadline=None)
def test_rows_say_what_is_said_of_each(
    rows: list[list[tuple[float | None, int]]], quiet: bool, mu: float
) -> None:
    board, outlook = make_board(), make_outlook(mu=mu)
    opinion = form_opinion(outlook, EventContext(CHI, board, around(weights=PRIOR)))
    assert opinion is not None
    timing = opinion.timing._replace(is_quiet=quiet)
    bids = [[bid for bid, _ in row] for row in rows]
    asks = [[None if bid is None else min(bid + wide / 100, 0.99) for bid, wide in row] for row in rows]
    believed = belief_rows([opinion.belief], np.zeros(len(rows), dtype=np.int64), np.full(len(rows), quiet))
    as_floats = [
        np.asarray([[math.nan if p is None else p for p in row] for row in side]) for side in (bids, asks)
    ]
    found = put_rows_beside(believed, as_floats[0], as_floats[1])

    for place, (bid, ask) in enumerate(zip(bids, asks, strict=True)):
        single = put_beside(opinion.belief, Quotes(bid, ask, [9] * 6, [9] * 6), timing, sizes_known=False)
        assert found.p_trade[place] == pytest.approx(single.pool.p_trade, abs=1e-9)
        assert found.errors[place] == pytest.approx(single.pool.errors, abs=1e-9)
        if single.p_market is None:
            assert np.isnan(found.p_market[place]).all()
        else:
            assert found.p_market[place] == pytest.approx(single.p_market, abs=1e-9)
