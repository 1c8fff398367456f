"""One coherent opinion per ladder: the market's part in it, who is heard, and when prices are no forecast."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milkbot.core.constants import ISSUANCE_BLOCK_AFTER
from tests.trading.makers import ALONE, BRACKETS, CHI, NOW, around, make_board, make_outlook, make_view
from trading.domain.decide import decide
from trading.domain.ensemble import LEAST_P, Belief, Experts, believe, coherent, log_pool, pool_with_market
from trading.domain.inputs import Account
from trading.domain.market_expert import Quotes, devigged, is_thin, market_opinion, quotes_of
from trading.domain.opinion import STRATEGIES
from trading.domain.policy import Policy
from trading.domain.pooling import devig_power
from trading.domain.pooling import log_pool as reference_pool
from trading.domain.strategies.base import Situation
from trading.domain.types import ReasonCode
from trading.domain.weights import PRIOR, Horizon, unlearned
from weather.domain.types import Climatology, Outlook

MIDS = (0.045, 0.165, 0.285, 0.285, 0.165, 0.075)
"""The worked example of the reference, 3.3: mids that sum to 1.02."""
FULL = (200.0,) * 6
USUAL = Climatology(mean=70, sd=9, days=600)


def quotes(mids: Sequence[float], spread: float = 0.01, sizes: Sequence[float | None] = FULL) -> Quotes:
    half = spread / 2
    return Quotes([m - half for m in mids], [m + half for m in mids], list(sizes), list(sizes))


def belief(
    outlook: Outlook | None = None, *, admitted: frozenset[str] | None = None, experts: Experts | None = None
) -> Belief | None:
    situation = Situation(
        outlook or make_outlook(mu=71.4 + 3, sigma=2.3),
        BRACKETS,
        quotes(MIDS),
        NOW,
        CHI.std_offset_hours,
        Policy(),
    )
    return believe(situation, experts or Experts(STRATEGIES, PRIOR, admitted), Horizon.DAY_AHEAD)


def test_market_opinion_is_the_worked_one_of_the_reference() -> None:
    assert market_opinion(quotes(MIDS)) == pytest.approx(
        (0.0433, 0.1614, 0.2806, 0.2806, 0.1614, 0.0726), abs=5e-5
    )


@given(st.lists(st.floats(0.001, 0.95), min_size=2, max_size=8))
def test_vig_goes_out_as_by_the_reference_s_solver(mids: list[float]) -> None:
    ours, reference = devigged(mids), devig_power(mids).probs

    assert ours == pytest.approx(reference, abs=1e-9)
    assert sum(ours) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(
    ("given_quotes", "told"),
    [
        (quotes(MIDS, spread=0.08), True),
        (quotes((0.15,) * 6, spread=0.10), True),
        (quotes((0.15,) * 6, spread=0.1001), False),
        (quotes((0.1499,) * 6), False),
        (quotes((0.1867,) * 6), False),
        (quotes((0.1866,) * 6), True),
        (Quotes([None, 0.98], [0.02, None], [None, 9], [9, None]), True),
        (Quotes([None, 0.50], [0.50, None], [None, 9], [9, None]), False),
        (Quotes([None] * 6, [None] * 6, [None] * 6, [None] * 6), False),
    ],
)
def test_prices_that_are_no_forecast_are_told(given_quotes: Quotes, told: bool) -> None:
    """0.8994 and 1.1202 lie outside the sums that are believed; a bracket nearly ruled out has no bid."""
    assert (market_opinion(given_quotes) is not None) is told


@pytest.mark.parametrize(("size", "thin"), [(99.0, True), (100.0, False), (None, False)])
def test_market_is_thin_below_a_hundred_contracts_at_the_touch(size: float | None, thin: bool) -> None:
    assert is_thin(quotes(MIDS, sizes=[size] * 6)) is thin


def test_pool_with_the_market_is_the_worked_one_of_the_reference() -> None:
    """Model N(71.4, 2.3) and the market at 0.4 to 0.6 (reference 3.3), here three degrees warmer."""
    weights = unlearned(dict.fromkeys(Horizon, (0.4, 0.0, 0.0, 0.0, 0.0, 0.6)))
    found = belief(experts=Experts(STRATEGIES, weights, None))
    assert found is not None
    p_market = market_opinion(quotes(MIDS))
    pool = pool_with_market(found, p_market, [0.005] * 6, is_thin=False, is_reverting=False)

    assert p_market is not None
    assert pool.p_trade == pytest.approx(reference_pool([found.p_model, p_market], [0.4, 0.6]), abs=1e-9)
    assert pool.model_share == pytest.approx(0.4)


def test_thin_market_moves_the_opinion_less_and_none_not_at_all() -> None:
    found = belief()
    assert found is not None
    p_market = (0.3, 0.3, 0.2, 0.1, 0.05, 0.05)
    thick, thin, absent = (
        pool_with_market(found, market, [0.01] * 6, is_thin=is_thin, is_reverting=False)
        for market, is_thin in ((p_market, False), (p_market, True), (None, False))
    )

    assert thick.model_share < thin.model_share < absent.model_share == 1
    assert absent.p_trade == found.p_model
    assert absent.errors == found.errors
    assert abs(thick.p_trade[0] - 0.3) < abs(thin.p_trade[0] - 0.3) < abs(found.p_model[0] - 0.3)


def test_price_that_is_expected_back_gives_the_forecast_more_of_the_word() -> None:
    found = belief()
    assert found is not None
    plain, back = (
        pool_with_market(found, (0.3, 0.3, 0.2, 0.1, 0.05, 0.05), [0.01] * 6, is_thin=False, is_reverting=on)
        for on in (False, True)
    )

    assert back.model_share > plain.model_share
    assert back.model_share == pytest.approx((0.34 + 0.03) / (0.34 + 0.03 + 0.60))


def test_strategies_without_an_open_gate_are_kept_but_not_pooled() -> None:
    outlook = make_outlook().model_copy(update={"climatology": USUAL})
    all_in, one, none = (
        belief(outlook, admitted=admitted)
        for admitted in (None, frozenset({"forecast_edge"}), frozenset[str]())
    )

    assert all_in is not None
    assert one is not None
    assert none is not None
    assert set(all_in.shares) == set(none.shares) == {"forecast_edge", "climatology"}
    assert set(one.shares) == {"forecast_edge"}
    assert [voice.name for voice in one.voices if voice.speaks] == ["forecast_edge", "climatology"]
    assert (all_in.is_admitted, one.is_admitted, none.is_admitted) == (True, True, False)


def test_climatology_without_a_forecast_of_the_day_is_no_opinion() -> None:
    stale = make_outlook().model_copy(
        update={"climatology": USUAL, "issued_at": NOW - ISSUANCE_BLOCK_AFTER - timedelta(hours=1)}
    )
    assert belief(stale) is None


def test_climatology_alone_may_not_move_money() -> None:
    outlook = make_outlook().model_copy(update={"climatology": USUAL})
    found = belief(outlook, admitted=frozenset({"climatology"}))

    assert found is not None
    assert not found.is_admitted


def test_nobody_speaking_is_no_opinion() -> None:
    assert belief(make_outlook(lead_hours=61)) is None


def test_decision_without_an_open_gate_says_so_and_keeps_its_opinion() -> None:
    board = make_board(quotes=[("0.02", "0.03")] * 3 + [("0.10", "0.12")] + [("0.02", "0.03")] * 2)
    account = Account(cash=10_000, bankroll=10_000)
    shut = decide([make_view(board=board)], account, around(weights=ALONE, admitted=frozenset()))

    assert {decision.code for decision in shut.decisions} == {ReasonCode.NOT_ADMITTED}
    assert len(shut.signals) == len(BRACKETS)
    assert not shut.intents


def test_signal_keeps_the_three_opinions_apart_and_says_how_they_met() -> None:
    board = make_board()
    batch = decide([make_view(board=board)], Account(cash=10_000, bankroll=10_000), around(weights=PRIOR))
    market = market_opinion(quotes_of(board.markets))

    assert market is not None
    for place, signal in enumerate(batch.signals):
        assert signal.ensemble is not None
        assert signal.p_market == pytest.approx(market[place])
        assert signal.p_model != signal.p_yes
        low, high = sorted((signal.p_model or 0, signal.p_market or 0))
        assert low - 0.01 <= signal.p_yes <= high + 0.01
        assert signal.ensemble.weights == pytest.approx({"forecast_edge": 0.34 / 0.94, "market": 0.60 / 0.94})
        for figure in (signal.p_model, signal.p_market, signal.p_yes):
            assert f"{figure:.3f}" in signal.ensemble.explain


def test_confidence_falls_with_age_and_disagreement_and_never_moves_p() -> None:
    fresh = decide([make_view()], Account(cash=10_000, bankroll=10_000), around(weights=PRIOR))
    apart = decide(
        [make_view(outlook=make_outlook(mu=78))],
        Account(cash=10_000, bankroll=10_000),
        around(weights=PRIOR),
    )
    fresh_ensemble, apart_ensemble = fresh.signals[0].ensemble, apart.signals[0].ensemble

    assert fresh_ensemble is not None
    assert apart_ensemble is not None
    assert 0 < apart_ensemble.confidence < fresh_ensemble.confidence <= 1


masses = st.lists(st.floats(1e-12, 1e6), min_size=2, max_size=10)


@given(masses, st.sampled_from([LEAST_P, 0.0001]))
def test_ladder_is_coherent_whatever_was_put_in(given_masses: list[float], least: float) -> None:
    found = coherent(given_masses, least)

    assert sum(found) == pytest.approx(1, abs=1e-9)
    assert min(found) >= least
    assert max(found) <= 1 - least + 1e-12
    order = sorted(range(len(found)), key=lambda place: given_masses[place])
    assert all(found[low] <= found[high] for low, high in pairwise(order))


@given(
    st.lists(st.lists(st.floats(0.01, 1), min_size=4, max_size=4), min_size=1, max_size=4),
    st.lists(st.floats(0.05, 1), min_size=4, max_size=4),
)
def test_pool_is_the_reference_s_where_nothing_is_near_zero(
    rows: list[list[float]], given_weights: list[float]
) -> None:
    vectors = [tuple(p / sum(row) for p in row) for row in rows]
    weights = [weight / sum(given_weights[: len(rows)]) for weight in given_weights[: len(rows)]]
    expected = reference_pool(vectors, weights)

    if min(expected) > LEAST_P and min(map(min, vectors)) > LEAST_P:
        assert log_pool(vectors, weights, LEAST_P) == pytest.approx(expected, abs=1e-9)
