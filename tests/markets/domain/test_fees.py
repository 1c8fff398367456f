"""Fees to the last digit: the published examples, recorded fills, and what must hold for any trade."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from markets.domain.fees import (
    DIRECT_PRECISION,
    MAKER_RATE,
    TAKER_RATE,
    FillCharge,
    costs_of_one,
    fill_fee,
    order_fees,
    raw_fee,
    total_net_fee,
    trade_fee,
    worst_case_fee,
)
from markets.domain.types import FeeSchedule, FeeType
from sandbox.exchange.fees import charge as rehearsed_charge

D = Decimal
TAKERS_ONLY = FeeSchedule(fee_type=FeeType.QUADRATIC, multiplier=D(1))
WITH_MAKERS = FeeSchedule(fee_type=FeeType.QUADRATIC_WITH_MAKER_FEES, multiplier=D(1))
prices = st.integers(1, 99).map(lambda cents: D(cents) / 100)
counts = st.integers(1, 50_000).map(lambda hundredths: D(hundredths) / 100)
schedules = st.builds(
    FeeSchedule, fee_type=st.sampled_from(FeeType), multiplier=st.sampled_from([D("0.5"), D(1), D(2)])
)


def _vectors(file: Path, function: str) -> list[dict[str, Any]]:
    vectors = [v for v in json.loads(file.read_text())["vectors"] if v["fn"] == function]
    assert vectors
    return vectors


def test_simple_fee_matches_every_golden_vector(golden_vectors: Path) -> None:
    for vector in _vectors(golden_vectors, "kalshi_fee_simple"):
        given_, expected = vector["inputs"], vector["expected"]
        rate = D(given_["rate"])
        assert rate in (TAKER_RATE, MAKER_RATE)
        schedule = WITH_MAKERS.model_copy(update={"multiplier": D(given_["multiplier"])})
        trade = schedule, D(given_["contracts"]), D(given_["price"])
        assert raw_fee(*trade, is_taker=rate == TAKER_RATE) == D(expected["raw"]), vector["id"]
        assert worst_case_fee(*trade, is_taker=rate == TAKER_RATE) == D(expected["fee"]), vector["id"]


def test_fees_of_an_order_match_every_golden_vector_fill_by_fill(golden_vectors: Path) -> None:
    for vector in _vectors(golden_vectors, "kalshi_fee_fills"):
        given_, expected = vector["inputs"], vector["expected"]
        fees = order_fees([_charge(fill, given_) for fill in given_["fills"]], D(given_["balance_precision"]))
        assert [fee.model_dump() for fee in fees] == [
            {name: D(value) for name, value in fill.items()} for fill in expected["fills"]
        ], vector["id"]
        assert total_net_fee(fees) == D(expected["total_net_fee"]), vector["id"]


def _charge(fill: dict[str, Any], inputs: dict[str, Any]) -> FillCharge:
    count, price = D(fill["count"]), D(fill["price"])
    sign = -1 if fill["action"] == "buy" else 1
    stated = fill["trade_fee"]
    if stated is None:
        assert D(inputs["rate"]) == TAKER_RATE
        schedule = TAKERS_ONLY.model_copy(update={"multiplier": D(inputs["multiplier"])})
        stated = trade_fee(schedule, count, price, is_taker=True)
    return FillCharge(revenue=sign * count * price, trade_fee=D(stated))


def test_fee_of_recorded_fills_is_what_the_exchange_charged(snippets: Path) -> None:
    fills = json.loads((snippets / "fills_live_2026-07.json").read_text())["fills"]
    assert fills
    for fill in fills:
        fee = trade_fee(
            TAKERS_ONLY, D(fill["count_fp"]), D(fill["yes_price_dollars"]), is_taker=fill["is_taker"]
        )
        assert fee == D(fill["fee_cost"])


def test_maker_pays_only_where_the_series_says_so() -> None:
    assert trade_fee(TAKERS_ONLY, D(100), D("0.5"), is_taker=False) == 0
    assert trade_fee(WITH_MAKERS, D(100), D("0.5"), is_taker=False) == D("0.4375")


def test_fee_of_eight_at_half_is_exactly_fourteen_cents() -> None:
    assert worst_case_fee(TAKERS_ONLY, D(8), D("0.50"), is_taker=True) == D("0.14")


@pytest.mark.parametrize(("count", "price"), [(D(1), D("1.2")), (D(1), D("-0.1")), (D(-1), D("0.5"))])
def test_fee_of_an_impossible_trade_is_refused(count: Decimal, price: Decimal) -> None:
    with pytest.raises(ValueError, match="no fee"):
        trade_fee(TAKERS_ONLY, count, price, is_taker=True)


@given(
    schedule=schedules, price=prices, parts=st.lists(counts, min_size=1, max_size=6), is_taker=st.booleans()
)
def test_fee_of_parts_is_never_below_the_whole_nor_the_whole_below_a_part(
    schedule: FeeSchedule, price: Decimal, parts: list[Decimal], is_taker: bool
) -> None:
    fees = [trade_fee(schedule, part, price, is_taker=is_taker) for part in parts]
    whole = trade_fee(schedule, sum(parts, D(0)), price, is_taker=is_taker)
    assert sum(fees) >= whole >= max(fees)
    assert sum(fees) - whole < len(parts) * DIRECT_PRECISION


@given(schedule=schedules, price=prices, count=counts, more=counts)
def test_fee_grows_with_the_count_and_stays_below_its_worst_case(
    schedule: FeeSchedule, price: Decimal, count: Decimal, more: Decimal
) -> None:
    fee = trade_fee(schedule, count, price, is_taker=True)
    assert trade_fee(schedule, count + more, price, is_taker=True) >= fee
    raw = raw_fee(schedule, count, price, is_taker=True)
    assert raw <= fee < raw + DIRECT_PRECISION
    assert fee <= worst_case_fee(schedule, count, price, is_taker=True) < raw + D("0.01")


@pytest.mark.parametrize(
    ("revenue", "fee", "net"),
    [
        ("-0.5049", "0", "0.0051"),
        ("-0.5001", "0", "0.0099"),
        ("-0.5000", "0", "0"),
        ("-0.505", "0.0175", "0.015"),
    ],
)
def test_rebate_never_gives_back_more_than_the_fill_was_charged(revenue: str, fee: str, net: str) -> None:
    """kalshi-api.md 8: net fee = trade fee + rounding fee - rebate, and never below 0."""
    charge = FillCharge(revenue=D(revenue), trade_fee=D(fee))
    paid = fill_fee(D("0.0099"), charge, D("0.01"))
    assert paid.net_fee == D(net)
    assert paid.accumulator_after == D("0.0099") + paid.rounding_fee - paid.rebate


@given(
    fills=st.lists(st.tuples(st.integers(1, 5_000), st.integers(0, 300)), min_size=1, max_size=30),
    precision=st.sampled_from([DIRECT_PRECISION, D("0.01")]),
)
def test_fees_are_those_the_rehearsal_exchange_charges(
    fills: list[tuple[int, int]], precision: Decimal
) -> None:
    fees = order_fees(
        [FillCharge(revenue=-D(paid) / 10_000, trade_fee=D(fee) / 10_000) for paid, fee in fills], precision
    )
    gathered = D(0)
    for (paid, fee), ours in zip(fills, fees, strict=True):
        theirs = rehearsed_charge(D(fee) / 10_000, -D(paid) / 10_000, gathered, precision)
        gathered = theirs.rounding_balance
        assert (ours.net_fee, ours.rebate, ours.accumulator_after) == (theirs.net, theirs.rebate, gathered)
        assert ours.net_fee >= 0


@given(
    fills=st.lists(st.tuples(counts, prices, st.booleans()), min_size=1, max_size=12),
    precision=st.sampled_from([DIRECT_PRECISION, D("0.01")]),
)
def test_fees_of_any_order_balance_to_the_last_digit(
    fills: list[tuple[Decimal, Decimal, bool]], precision: Decimal
) -> None:
    charges = [
        FillCharge(
            revenue=(count if sells else -count) * price,
            trade_fee=trade_fee(TAKERS_ONLY, count, price, is_taker=True),
        )
        for count, price, sells in fills
    ]
    fees = order_fees(charges, precision)
    revenue = sum((charge.revenue for charge in charges), D(0))
    moved = sum((fee.balance_change + fee.rebate for fee in fees), D(0))
    assert moved == revenue - total_net_fee(fees)
    for fee in fees:
        assert 0 <= fee.rounding_fee < precision
        assert fee.net_fee >= 0
        assert fee.accumulator_after >= 0
        assert fee.accumulator_after <= D("0.01") or fee.net_fee < D("0.01")
        assert fee.balance_change % precision == 0
    # Net fees exceed the pure trade fees only by what the order's rounding account still holds.
    assert total_net_fee(fees) == sum((c.trade_fee for c in charges), D(0)) + fees[-1].accumulator_after


@given(st.integers(1, 99), schedules, st.booleans())
def test_costs_of_one_are_its_price_and_its_fees_however_the_price_is_written(
    cents: int, schedule: FeeSchedule, is_taker: bool
) -> None:
    for price in (D(cents).scaleb(-2), (D(cents) * 100).scaleb(-4)):
        exact, most = costs_of_one(schedule, price, is_taker=is_taker)
        for cost, fee in ((exact, trade_fee), (most, worst_case_fee)):
            expected = price + fee(schedule, D(1), price, is_taker=is_taker)
            assert (cost, cost.as_tuple().exponent) == (expected, expected.as_tuple().exponent)
