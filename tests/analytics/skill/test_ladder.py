"""Scores of one event at one instant, and why there is none."""

from decimal import Decimal
from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.skill.ladder import Opinion, Quote, Score, Skip, count_skips, opinion_of, score, score_ladder
from milkbot.core.scoring.probability import brier_multi, rps
from trading.backtest.results import FLAT, MARKET, P_MODEL, P_TRADE
from trading.domain.pooling import devig_power

TRADE = (0.1, 0.2, 0.4, 0.3)
MODEL = (0.05, 0.15, 0.5, 0.3)
MIDS = (0.10, 0.22, 0.42, 0.28)
OUTCOME = 2


def opinions(**members: tuple[float | None, ...]) -> list[Opinion | None]:
    return [
        Opinion(TRADE[place], MODEL[place], {name: said[place] for name, said in members.items()})
        for place in range(4)
    ]


def quotes(mids: tuple[float, ...] = MIDS, half: str = "0.01") -> list[Quote | None]:
    return [Quote(Decimal(str(mid)) - Decimal(half), Decimal(str(mid)) + Decimal(half)) for mid in mids]


def scored(result: Score | Skip) -> Score:
    assert isinstance(result, Score)
    return result


def test_each_forecaster_is_scored_by_its_own_words() -> None:
    found = score_ladder(OUTCOME, opinions(forecast_edge=MODEL), quotes())

    assert set(found) == {P_TRADE, P_MODEL, MARKET, FLAT, "forecast_edge"}
    assert scored(found[P_TRADE]).log_loss == pytest.approx(-log(0.4))
    assert scored(found[P_MODEL]).log_loss == pytest.approx(-log(0.5))
    assert scored(found[P_MODEL]) == scored(found["forecast_edge"])
    assert scored(found[FLAT]).log_loss == pytest.approx(log(4))
    assert scored(found[MARKET]).p_outcome == pytest.approx(devig_power(MIDS).probs[OUTCOME])


@given(st.lists(st.floats(0.001, 1), min_size=2, max_size=8), st.data())
def test_scores_are_those_of_the_library_and_the_pit_holds_the_outcome(
    weights: list[float], data: st.DataObject
) -> None:
    probs = [weight / sum(weights) for weight in weights]
    outcome = data.draw(st.integers(0, len(probs) - 1))

    found = score(probs, outcome)

    assert found.log_loss == pytest.approx(-log(probs[outcome]))
    assert found.brier == pytest.approx(float(brier_multi(probs, outcome)))
    assert found.rps == pytest.approx(float(rps(probs, outcome)))
    assert found.pit_high - found.pit_low == pytest.approx(probs[outcome])
    assert found.pit_low == pytest.approx(float(np.sum(probs[:outcome])))


def test_a_sure_miss_is_cut_off_and_says_so() -> None:
    found = score((0.5, 0.5, 0.0), 2)

    assert found.clipped
    assert found.log_loss == pytest.approx(-log(1e-4))


def test_a_bracket_without_an_opinion_leaves_the_market_and_flat() -> None:
    seen = [*opinions()[:3], None]
    found = score_ladder(OUTCOME, seen, quotes())

    assert found[P_TRADE] is found[P_MODEL] is Skip.NOT_SEEN
    assert isinstance(found[MARKET], Score)
    assert isinstance(found[FLAT], Score)


def test_who_abstains_on_one_bracket_is_not_scored_on_any() -> None:
    found = score_ladder(OUTCOME, opinions(late_lock=(None, 0.2, 0.4, 0.3), climatology=MODEL), quotes())

    assert found["late_lock"] is Skip.SILENT
    assert isinstance(found["climatology"], Score)


def test_a_model_that_never_spoke_is_silent_not_zero() -> None:
    seen: list[Opinion | None] = [Opinion(p, None, {}) for p in TRADE]

    assert score_ladder(OUTCOME, seen, quotes())[P_MODEL] is Skip.SILENT


@pytest.mark.parametrize(
    ("total", "skip"), [(0.95, None), (1.08, None), (0.85, Skip.INCOHERENT), (1.15, Skip.INCOHERENT)]
)
def test_ladders_that_add_up_nearly_are_scaled_and_others_refused(total: float, skip: Skip | None) -> None:
    seen: list[Opinion | None] = [Opinion(p * total, p, {}) for p in TRADE]

    found = score_ladder(OUTCOME, seen, quotes())[P_TRADE]

    if skip is None:
        assert scored(found).p_outcome == pytest.approx(TRADE[OUTCOME])
    else:
        assert found is skip


@pytest.mark.parametrize(
    ("prices", "skip"),
    [
        ([*quotes()[:3], None], Skip.PRICES_MISSING),
        (quotes(half="0.051"), Skip.PRICES_UNRELIABLE),
        (quotes((0.06, 0.15, 0.35, 0.25)), Skip.PRICES_UNRELIABLE),
        (quotes((0.15, 0.30, 0.42, 0.30)), Skip.PRICES_UNRELIABLE),
        ([*quotes()[:3], Quote(None, None)], Skip.PRICES_UNRELIABLE),
    ],
)
def test_prices_that_are_no_forecast_are_none(prices: list[Quote | None], skip: Skip) -> None:
    assert score_ladder(OUTCOME, opinions(), prices)[MARKET] is skip


def test_a_bracket_that_is_ruled_out_needs_no_bid() -> None:
    prices = [Quote(None, Decimal("0.01")), *quotes((0.22, 0.45, 0.33))]

    assert isinstance(score_ladder(OUTCOME, opinions(), prices)[MARKET], Score)


def test_skips_are_counted_by_forecaster_and_reason() -> None:
    nobody: list[Opinion | None] = [None] * 4
    found = [
        score_ladder(OUTCOME, nobody, quotes()),
        score_ladder(OUTCOME, nobody, [None] * 4),
        score_ladder(OUTCOME, opinions(), quotes(half="0.06")),
    ]

    assert count_skips(found) == {
        P_TRADE: {"NOT_SEEN": 2},
        P_MODEL: {"NOT_SEEN": 2},
        MARKET: {"PRICES_MISSING": 1, "PRICES_UNRELIABLE": 1},
    }


def test_an_opinion_is_read_as_it_is_stored() -> None:
    said = [
        {"strategy": "forecast_edge", "p_yes": 0.3, "valid": True},
        {"strategy": "late_lock", "p_yes": 0.5, "valid": False},
    ]

    assert opinion_of(0.4, 0.35, {"inputs": said}) == Opinion(
        0.4, 0.35, {"forecast_edge": 0.3, "late_lock": None}
    )
    assert opinion_of(0.4, None, None) == Opinion(0.4, None, {})
