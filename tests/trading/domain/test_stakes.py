"""Stakes of a whole event at once: the factors, what is held, caps in order, and the edge at the exact fee."""

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from markets.domain.fees import trade_fee
from milkbot.core.money import ONE, ZERO
from tests.trading.makers import BRACKETS, FEES, around, make_account, make_board, make_outlook, make_view
from trading.domain.decide import decide
from trading.domain.kelly.binary import certainty_shrink, kelly_share
from trading.domain.offer import Offer
from trading.domain.policy import Limits, Policy
from trading.domain.risk import Exposure
from trading.domain.sizing import joint_stakes
from trading.domain.types import Action, BookSide, ReasonCode

P = (0.05, 0.18, 0.34, 0.27, 0.12, 0.04)
NOTHING = (ZERO,) * 6
WEALTH = Decimal(10_000)
POLICY = Policy()
HUGE = Limits(
    per_trade=Decimal(10**6),
    per_event=Decimal(10**6),
    per_city=Decimal(10**6),
    per_cluster=Decimal(10**6),
    total=Decimal(10**6),
    total_share_of_bankroll=ONE,
)


def offer(place: int, cost: str, side: BookSide = BookSide.BID, error: float = 0.0) -> Offer:
    price = Decimal(cost)
    p_win = P[place] if side is BookSide.BID else 1 - P[place]
    return Offer(side, price, price, price, Decimal(repr(p_win)) - price, p_win, error)


def test_three_brackets_get_the_worked_stakes_of_the_reference() -> None:
    """Reference 5.4 (G32), of which these three are bought: .025192, .055962, .091923 of the wealth."""
    offers = {0: offer(0, "0.03"), 1: offer(1, "0.15"), 2: offer(2, "0.30")}
    stakes = joint_stakes(offers, P, NOTHING, WEALTH, 1.0, POLICY)

    shares = [float(stakes[place].share) for place in range(3)]
    assert shares == pytest.approx([0.025192, 0.055962, 0.091923], abs=2e-6)
    # a quarter of 9.19 % of $10,000 buys 766 contracts at 30 cents
    assert stakes[2].contracts == 766


def test_one_bracket_alone_gets_its_binary_kelly_times_every_factor() -> None:
    only = offer(2, "0.30", error=0.02)
    (stake,) = joint_stakes({2: only}, P, NOTHING, WEALTH, 0.8, POLICY).values()
    certainty = certainty_shrink(P[2], only.cost, 0.02)

    assert float(stake.share) == pytest.approx(float(kelly_share(P[2], only.cost)), abs=1e-6)
    assert (stake.fraction, stake.certainty, stake.confidence) == (Decimal("0.25"), certainty, Decimal("0.8"))
    wanted = stake.share * Decimal("0.25") * certainty * Decimal("0.8") * WEALTH / only.cost
    assert stake.contracts == int(wanted)
    assert f"k {certainty:.2f} x conf 0.80 of $10000: {stake.contracts}" in stake.sentence


def test_more_of_what_is_held_is_wanted_less_and_the_other_side_gives_it_back() -> None:
    held = (ZERO, ZERO, Decimal(2500), ZERO, ZERO, ZERO)
    more = joint_stakes({2: offer(2, "0.30")}, P, NOTHING, WEALTH, 1.0, POLICY)[2].share
    less = joint_stakes({2: offer(2, "0.30")}, P, held, WEALTH, 1.0, POLICY)[2].share
    sold = joint_stakes({2: offer(2, "0.60", BookSide.ASK)}, P, held, WEALTH, 1.0, POLICY)[2].share
    opened = joint_stakes({2: offer(2, "0.60", BookSide.ASK)}, P, NOTHING, WEALTH, 1.0, POLICY)[2].share

    assert less < more
    assert sold > opened


@pytest.mark.parametrize("wealth", [ZERO, Decimal(-5)])
def test_without_wealth_nothing_is_wanted(wealth: Decimal) -> None:
    assert joint_stakes({2: offer(2, "0.30")}, P, NOTHING, wealth, 1.0, POLICY) == {}


sides = st.sampled_from([BookSide.BID, BookSide.ASK])
chances = st.lists(st.floats(0.02, 1), min_size=6, max_size=6).map(lambda m: [p / sum(m) for p in m])


@given(
    probs=chances,
    taken=st.dictionaries(st.integers(0, 5), st.tuples(sides, st.floats(0.001, 0.15)), min_size=1),
    held=st.lists(st.integers(-300, 300).map(Decimal), min_size=6, max_size=6),
    confidence=st.floats(0.25, 1),
)
@settings(deadline=None)
def test_joint_stakes_are_the_optimum(
    probs: list[float],
    taken: dict[int, tuple[BookSide, float]],
    held: list[Decimal],
    confidence: float,
) -> None:
    """Never more than the wealth, never a loss of growth, and no offer that was left would add any (KKT)."""
    offers = {}
    for place, (side, edge) in taken.items():
        p_win = probs[place] if side is BookSide.BID else 1 - probs[place]
        cost = Decimal(repr(round(max(p_win - edge, 0.005), 4)))
        offers[place] = Offer(side, cost, cost, cost, Decimal(repr(p_win)) - cost, p_win, 0.02)
    stakes = joint_stakes(offers, probs, held, WEALTH, confidence, POLICY)
    assert set(stakes) == set(offers)

    shares = {place: float(stake.share) for place, stake in stakes.items()}
    assert all(share >= 0 for share in shares.values())
    assert sum(shares.values()) <= 1 + 1e-6
    before = np.asarray(paid(held)) / float(WEALTH) + 1
    returns = {place: np.asarray(pays(place, each)) / float(each.cost) for place, each in offers.items()}
    wealth = before + sum(share * (returns[place] - 1) for place, share in shares.items())
    growth = float(np.dot(probs, np.log(wealth / before)))
    assert growth >= -1e-9
    cash_left = 1 - sum(shares.values())
    for place, share in shares.items():
        gradient = float(np.dot(probs, (returns[place] - 1) / wealth))
        if cash_left > 1e-4:
            assert gradient <= 1e-4
            assert share < 1e-4 or gradient >= -1e-4
    for place, stake in stakes.items():
        assert stake.contracts * offers[place].cost <= WEALTH / 4 * stake.share * stake.certainty + Decimal(
            "1e-6"
        )


def paid(held: Sequence[Decimal]) -> list[float]:
    """What is held pays when each bracket wins."""
    return [
        sum(
            (
                float(count)
                if count > 0 and place == won
                else float(-count) if count < 0 and place != won else 0.0
            )
            for place, count in enumerate(held)
        )
        for won in range(len(held))
    ]


def pays(place: int, each: Offer) -> list[float]:
    return [float((won == place) is (each.book_side is BookSide.BID)) for won in range(6)]


CHEAP = [
    ("0.02", "0.03"),
    ("0.07", "0.09"),
    ("0.21", "0.23"),
    ("0.22", "0.24"),
    ("0.23", "0.25"),
    ("0.12", "0.14"),
]


@pytest.mark.parametrize(
    ("limits", "size", "code"),
    [
        (HUGE, "100", ReasonCode.CAP_DEPTH),
        (HUGE.model_copy(update={"per_trade": Decimal(5)}), "10000", ReasonCode.CAP_TRADE),
        (HUGE.model_copy(update={"per_event": Decimal(5)}), "10000", ReasonCode.CAP_EVENT),
        (HUGE.model_copy(update={"total": Decimal(5)}), "10000", ReasonCode.CAP_TOTAL),
    ],
)
def test_whatever_reduces_a_stake_is_named(limits: Limits, size: str, code: ReasonCode) -> None:
    batch = decide(
        [make_view(board=make_board(quotes=CHEAP, size=size))], make_account(), around(limits=limits)
    )

    assert batch.decisions[3].code is ReasonCode.TRADE
    factors, *reductions = batch.decisions[3].detail.split(", ")
    assert factors.startswith("f* ")
    assert reductions == [f"{batch.intents[0].count} by {code}"]


@given(count=st.integers(0, 400), size=st.sampled_from(["8", "100", "5000"]), mu=st.floats(74, 78))
@settings(deadline=None)
def test_what_is_sent_keeps_its_edge_and_floor_at_the_exact_fee_of_the_whole_order(
    count: int, size: str, mu: float
) -> None:
    account = make_account(holdings={BRACKETS[3].ticker: Decimal(count)})
    board = make_board(quotes=CHEAP, size=size)
    batch = decide([make_view(board=board, outlook=make_outlook(mu=mu))], account, around())

    for intent in batch.intents:
        price = intent.limit_price if intent.book_side is BookSide.BID else 1 - intent.limit_price
        cost = price + trade_fee(FEES, intent.count, price, is_taker=True) / intent.count
        p_win = intent.p_yes if intent.book_side is BookSide.BID else 1 - intent.p_yes
        edge = Decimal(repr(round(p_win, 6))) - cost
        assert edge >= max(POLICY.min_edge_taker, POLICY.min_edge_share_of_cost * cost)
        assert intent.count <= Decimal(size) / 4
        if intent.action is Action.SELL:
            assert intent.count <= count


def test_event_s_own_positions_are_counted_by_what_they_pay_and_not_by_what_they_cost() -> None:
    """$400 at risk in the event: the wealth is the bankroll less that."""
    exposure = Exposure(by_event={"KXHIGHCHI-25MAY14": Decimal(400)}, total=Decimal(400))
    account = make_account().model_copy(update={"exposure": exposure})
    batch = decide([make_view(board=make_board(quotes=CHEAP, size="9000"))], account, around(limits=HUGE))

    assert "of $9600:" in batch.decisions[3].detail


def test_largest_edge_is_served_first_when_the_cap_does_not_reach_for_all() -> None:
    quotes = [*CHEAP[:2], ("0.10", "0.12"), ("0.22", "0.24"), *CHEAP[4:]]
    limits = HUGE.model_copy(update={"per_event": Decimal(4)})
    batch = decide(
        [make_view(board=make_board(quotes=quotes, size="9000"))], make_account(), around(limits=limits)
    )
    edges = {signal.market_ticker: signal.edge for signal in batch.signals}
    (sent,) = {intent.market_ticker for intent in batch.intents}
    refused = [each for each in batch.decisions if each.code is ReasonCode.CAP_EVENT]

    assert refused
    assert all((edges[sent] or ZERO) > (edges[each.market_ticker] or ZERO) for each in refused)
    assert [each.market_ticker for each in batch.decisions] == [bracket.ticker for bracket in BRACKETS]
