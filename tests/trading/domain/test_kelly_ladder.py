"""Kelly over a ladder: the optimum by its own conditions, the closed form against the general one, and edges of sense."""

import math
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milkbot.core.arrays import Floats
from trading.domain.kelly.active_set import newton_stakes
from trading.domain.kelly.ladder import (
    LadderStakes,
    kelly_ladder_stakes,
    kelly_single_stake,
    kelly_yes_stakes,
)
from trading.domain.kelly.log_optimal import maximise_log_wealth
from weather.domain.brackets import Bracket
from weather.domain.families import Normal
from weather.domain.intraday import censored_probabilities

Offer = float | None
KKT = 1e-6


class Book(NamedTuple):
    probs: tuple[float, ...]
    yes: tuple[Offer, ...]
    no: tuple[Offer, ...]


def _book(size: int) -> st.SearchStrategy[Book]:
    costs = st.one_of(st.none(), st.floats(0.02, 0.99))
    probs = st.lists(st.floats(0.02, 1), min_size=size, max_size=size)
    sides = st.lists(costs, min_size=size, max_size=size).map(tuple)
    return st.builds(Book, probs.map(lambda raw: tuple(p / math.fsum(raw) for p in raw)), sides, sides)


BOOKS = st.integers(2, 6).flatmap(_book)
HELD = st.lists(st.floats(0, 0.5), min_size=6, max_size=6)


def marginals(book: Book, stakes: LadderStakes) -> list[tuple[float, float]]:
    """(stake, E[return/wealth]) of cash and of everything offered: what the optimality conditions speak of."""
    probs, wealth = np.asarray(book.probs), np.asarray(stakes.wealth)
    weight: Floats = probs / wealth
    found = [(1 - math.fsum((*stakes.yes, *stakes.no)), float(weight.sum()))]
    for k, cost in enumerate(book.yes):
        if cost is not None:
            found.append((stakes.yes[k], float(weight[k]) / cost))
    for k, cost in enumerate(book.no):
        if cost is not None:
            found.append((stakes.no[k], float(weight.sum() - weight[k]) / cost))
    return found


@given(BOOKS, HELD)
def test_kelly_ladder_stakes_when_optimal_then_kuhn_and_tucker_agree(book: Book, held: list[float]) -> None:
    stakes = kelly_ladder_stakes(*book, held[: len(book.probs)])
    found = marginals(book, stakes)
    best = max(value for _, value in found)
    assert math.fsum((*stakes.yes, *stakes.no)) <= 1 + 1e-9
    assert min(*stakes.yes, *stakes.no) >= 0
    assert stakes.growth >= 0
    # What is held is worth as much at the margin as the best there is; nothing left out is worth more.
    assert sum(max(stake, 0.0) * (best - value) for stake, value in found) <= KKT


@given(BOOKS)
def test_kelly_ladder_stakes_when_read_back_then_wealth_and_growth_follow_from_the_stakes(book: Book) -> None:
    stakes = kelly_ladder_stakes(*book)
    count = len(book.probs)
    for outcome in range(count):
        wealth = 1 - math.fsum((*stakes.yes, *stakes.no))
        wealth += stakes.yes[outcome] / (book.yes[outcome] or 1)
        wealth += math.fsum(stakes.no[k] / (book.no[k] or 1) for k in range(count) if k != outcome)
        assert stakes.wealth[outcome] == pytest.approx(wealth, abs=1e-9)
    growth = math.fsum(p * math.log(w) for p, w in zip(book.probs, stakes.wealth, strict=True))
    assert stakes.growth == pytest.approx(max(growth, 0), abs=1e-9)


@given(BOOKS)
def test_kelly_yes_stakes_when_only_yes_is_offered_then_the_closed_form_is_the_optimum(book: Book) -> None:
    unoffered = (None,) * len(book.probs)
    closed = kelly_yes_stakes(book.probs, book.yes)
    general = kelly_ladder_stakes(book.probs, book.yes, unoffered)
    assert closed.growth == pytest.approx(general.growth, abs=1e-8)
    assert math.fsum(closed.fractions) + closed.reserve == pytest.approx(1, abs=1e-9)
    assert max(closed.fractions) <= 1
    assert min(closed.fractions) >= 0
    stakes = LadderStakes(
        closed.fractions,
        (0.0,) * len(book.probs),
        tuple(
            closed.reserve + (fraction / cost if cost else 0)
            for fraction, cost in zip(closed.fractions, book.yes, strict=True)
        ),
        closed.growth,
    )
    if closed.reserve > 0:
        assert all(value <= 1 + 1e-9 for _, value in marginals(book._replace(no=unoffered), stakes))


def test_kelly_yes_stakes_when_it_hedges_then_an_outcome_below_its_cost_is_bought() -> None:
    stakes = kelly_yes_stakes([0.5, 0.3, 0.2], [0.3, 0.32, 0.45])
    assert 1 in stakes.chosen
    assert stakes.fractions[1] > 0


def test_kelly_yes_stakes_when_brackets_are_sized_apart_then_less_is_staked_than_together() -> None:
    probs, costs = (0.05, 0.18, 0.34, 0.27, 0.12, 0.04), (0.03, 0.15, 0.30, 0.33, 0.18, 0.06)
    apart = sum(max((p - c) / (1 - c), 0) for p, c in zip(probs, costs, strict=True))
    assert math.fsum(kelly_yes_stakes(probs, costs).fractions) > apart


def test_kelly_yes_stakes_when_certain_of_two_outcomes_then_nothing_is_kept_back() -> None:
    stakes = kelly_yes_stakes([0.6, 0.4, 0.0], [0.5, 0.45, 0.05])
    assert stakes.reserve == 0
    assert stakes.fractions == pytest.approx((0.6, 0.4, 0.0))
    assert stakes.growth == pytest.approx(0.6 * math.log(0.6 / 0.5) + 0.4 * math.log(0.4 / 0.45))


def test_kelly_ladder_stakes_when_near_certain_then_it_wants_nearly_everything() -> None:
    ladder: list[Bracket] = [(None, 67), (68, 69), (70, 71), (72, 73), (74, 75), (76, None)]
    probs = censored_probabilities(Normal(mu=72.2, sigma=0.9), {72: 1.0}, ladder)
    costs = (0.01, 0.01, 0.05, 0.68, 0.28, 0.05)
    for stakes in (
        kelly_ladder_stakes(probs, costs, (None,) * 6).yes,
        kelly_yes_stakes(probs, costs).fractions,
    ):
        assert stakes[3] + stakes[4] == pytest.approx(0.997, abs=5e-4)


def test_kelly_ladder_stakes_when_nothing_has_an_edge_then_nothing_is_staked() -> None:
    stakes = kelly_ladder_stakes((0.2, 0.5, 0.3), (0.23, 0.54, 0.34), (0.83, 0.55, 0.74))
    assert (stakes.yes, stakes.no) == ((0.0,) * 3, (0.0,) * 3)
    assert stakes.wealth == pytest.approx((1, 1, 1))
    assert stakes.growth == 0


def test_kelly_ladder_stakes_when_nobody_offers_then_nothing_is_staked() -> None:
    stakes = kelly_ladder_stakes((0.4, 0.6), (None, None), (None, None), (0.2, 0.0))
    assert (stakes.yes, stakes.no, stakes.growth) == ((0.0, 0.0), (0.0, 0.0), 0.0)
    assert stakes.wealth == pytest.approx((1.2, 1.0))


def test_kelly_ladder_stakes_when_enough_is_held_then_no_more_is_bought() -> None:
    probs, yes, no = (0.4, 0.6), (0.3, None), (None, None)
    target = kelly_ladder_stakes(probs, yes, no)
    payout = target.yes[0] / 0.3 / (1 - target.yes[0])
    assert kelly_ladder_stakes(probs, yes, no, (payout, 0.0)).yes[0] == pytest.approx(0, abs=1e-6)
    assert 0 < kelly_ladder_stakes(probs, yes, no, (payout / 2, 0.0)).yes[0] < target.yes[0]


def test_kelly_ladder_stakes_when_too_much_is_held_then_it_says_to_sell() -> None:
    sold = kelly_ladder_stakes((0.4, 0.6), (None, None), (0.62, None), (3.0, 0.0))  # the bid of YES is 38¢
    assert sold.no[0] > 0


@pytest.mark.parametrize(
    ("probs", "yes", "no", "held"),
    [
        ((0.5, 0.6), (0.5, 0.5), (0.5, 0.5), None),
        ((0.5, 0.5), (0.5,), (0.5, 0.5), None),
        ((0.5, 0.5), (0.0, 0.5), (0.5, 0.5), None),
        ((0.5, 0.5), (0.5, math.nan), (0.5, 0.5), None),
        ((0.5, 0.5), (0.5, 0.5), (-0.5, 0.5), None),
        ((0.5, 0.5), (0.5, 0.5), (0.5, 0.5), (0.1,)),
        ((0.5, 0.5), (0.5, 0.5), (0.5, 0.5), (0.1, -0.1)),
    ],
)
def test_kelly_ladder_stakes_when_given_no_book_then_it_is_refused(
    probs: tuple[float, ...], yes: tuple[Offer, ...], no: tuple[Offer, ...], held: tuple[float, ...] | None
) -> None:
    with pytest.raises(ValueError):
        kelly_ladder_stakes(probs, yes, no, held)


def test_maximise_log_wealth_when_no_optimum_can_be_told_then_it_says_so() -> None:
    with pytest.raises(ArithmeticError, match="not found"):
        maximise_log_wealth(np.asarray([0.5, 0.5]), np.asarray([[np.nan], [0.0]]), np.zeros(2))


@given(BOOKS, HELD)
def test_newton_stakes_when_found_then_no_better_point_is_known(book: Book, held: list[float]) -> None:
    probs, returns, holdings = np.asarray(book.probs), _returns(book), np.asarray(held[: len(book.probs)])
    found = newton_stakes(probs.tolist(), returns.tolist(), holdings.tolist())
    if found is not None:
        assert min(found, default=0.0) >= 0
        wealth = holdings + 1 + (returns - 1) @ np.asarray(found)
        growth = float(probs @ (np.log(wealth) - np.log(holdings + 1)))
        assert growth >= maximise_log_wealth(probs, returns, holdings).growth - 1e-9


def test_newton_stakes_when_one_bracket_promises_something_then_they_are_the_binary_ones() -> None:
    book = Book((0.3, 0.7), (0.2, None), (None, None))
    found = newton_stakes(book.probs, _returns(book).tolist(), (0.0, 0.0))
    assert found is not None
    assert found[0] == pytest.approx((0.3 - 0.2) / 0.8)


def test_newton_stakes_when_all_the_cash_would_be_spent_then_it_gives_up() -> None:
    book = Book((0.5, 0.5), (0.4, 0.4), (None, None))
    assert newton_stakes(book.probs, _returns(book).tolist(), (0.0, 0.0)) is None


@given(BOOKS, HELD, st.integers(0, 5), st.floats(0.02, 0.99), st.booleans())
def test_kelly_single_stake_when_one_side_is_offered_then_it_is_that_of_the_whole_ladder(
    book: Book, held: list[float], place: int, cost: float, is_yes: bool
) -> None:
    size = len(book.probs)
    place, holdings = place % size, held[:size]
    nobody: list[Offer] = [None] * size
    offered: list[Offer] = [cost if each == place else None for each in range(size)]
    yes, no = (offered, nobody) if is_yes else (nobody, offered)

    alone = kelly_single_stake(book.probs, place, cost, holdings, is_yes=is_yes)

    whole = kelly_ladder_stakes(book.probs, yes, no, holdings)
    best = (whole.yes if is_yes else whole.no)[place]
    assert best == pytest.approx(
        1.0 if alone is None else alone, abs=1e-6
    ), "only all the cash is left to others"


@pytest.mark.parametrize(
    ("probs", "cost"),
    [
        ((0.5, 0.6), 0.5),
        ((0.5, math.nan), 0.5),
        ((-0.5, 1.5), 0.5),
        ((0.5, 0.5), 0.0),
        ((0.5, 0.5), math.nan),
    ],
)
def test_kelly_single_stake_when_given_no_bet_then_the_whole_way_is_left_to_refuse_it(
    probs: tuple[float, ...], cost: float
) -> None:
    assert kelly_single_stake(probs, 0, cost, (0.0, 0.0), is_yes=True) is None
    with pytest.raises(ValueError):
        kelly_ladder_stakes(probs, (cost, None), (None, None))


def _returns(book: Book) -> Floats:
    """Dollars back per dollar in each outcome, of all that is offered."""
    pays = [np.eye(len(book.probs))[k] / cost for k, cost in enumerate(book.yes) if cost is not None]
    pays += [(1 - np.eye(len(book.probs))[k]) / cost for k, cost in enumerate(book.no) if cost is not None]
    return np.asarray(pays).reshape(len(pays), len(book.probs)).T
