"""Fees against recorded fills, published examples and the rules that hold for any of them."""

from decimal import ROUND_CEILING, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.exchange.fees import CENT_PRECISION, QUADRATIC, FeeSchedule, charge
from tests.sandbox.exchange.scripted import D, ScriptedFeed, book, exchange, place, seconds

WITH_MAKER_FEES = FeeSchedule("quadratic_with_maker_fees")
PRICES = st.integers(1, 99).map(lambda cents: D(cents) / 100)
COUNTS = st.integers(1, 100_000).map(lambda hundredths: D(hundredths) / 100)


@pytest.mark.parametrize(
    ("count", "price", "direct", "cents"),
    [
        ("1", "0.52", "0.0175", "0.02"),  # The first four are recorded fills.
        ("2", "0.33", "0.0310", "0.04"),
        ("4", "0.49", "0.0700", "0.07"),
        ("1", "0.99", "0.0007", "0.01"),
        ("10", "0.46", "0.1739", "0.18"),
        ("25", "0.97", "0.0510", "0.06"),
        ("100", "0.50", "1.7500", "1.75"),
    ],
)
def test_taker_fee_when_recorded_or_tabled_then_exact_in_both_precisions(
    count: str, price: str, direct: str, cents: str
) -> None:
    fee = QUADRATIC.trade_fee(D(price), D(count), is_taker=True)
    paid = -D(price) * D(count)
    assert charge(fee, paid, D(0)).net == D(direct)
    assert charge(fee, paid, D(0), CENT_PRECISION).net == D(cents)


@pytest.mark.parametrize(
    ("count", "price", "schedule", "is_taker", "raw", "cents"),
    [
        ("1", "0.50", QUADRATIC, True, "0.0175", "0.02"),
        ("100", "0.35", QUADRATIC, True, "1.5925", "1.60"),
        ("10", "0.45", QUADRATIC, True, "0.1733", "0.18"),  # 0.17325 before the step of $0.0001
        ("100", "0.50", WITH_MAKER_FEES, False, "0.4375", "0.44"),
        ("8", "0.50", QUADRATIC, True, "0.14", "0.14"),  # Binary floats give 0.15.
    ],
)
def test_trade_fee_when_a_simple_vector_then_as_published(
    count: str, price: str, schedule: FeeSchedule, is_taker: bool, raw: str, cents: str
) -> None:
    fee = schedule.trade_fee(D(price), D(count), is_taker=is_taker)
    assert fee == D(raw)
    assert fee.quantize(D("0.01"), ROUND_CEILING) == D(cents)


def charged(
    fees: list[str | None], proceeds: str, price: str, count: str, precision: Decimal
) -> list[tuple[Decimal, ...]]:
    """Fills of one order: rounding fee, rebate, net fee, accumulator, balance change before the rebate."""
    rows: list[tuple[Decimal, ...]] = []
    balance = D(0)
    for given_fee in fees:
        own = QUADRATIC.trade_fee(D(price), D(count), is_taker=True)
        fee = charge(own if given_fee is None else D(given_fee), D(proceeds), balance, precision)
        balance = fee.rounding_balance
        rows.append((fee.rounding_fee, fee.rebate, fee.net, balance, fee.balance_change))
    return rows


@pytest.mark.parametrize(
    ("fees", "proceeds", "price", "count", "expected"),
    [
        (
            ["0.0085"] * 3,
            "-0.055",
            "0.055",
            "1",
            [
                ("0.0065", "0", "0.015", "0.0065", "-0.07"),
                ("0.0065", "0.01", "0.005", "0.003", "-0.07"),
                ("0.0065", "0", "0.015", "0.0095", "-0.07"),
            ],
        ),
        (
            ["0.0005"] * 3,
            "-0.009903",
            "0.3301",
            "0.03",
            [
                ("0.009597", "0", "0.010097", "0.009597", "-0.02"),
                ("0.009597", "0.01", "0.000097", "0.009194", "-0.02"),
                ("0.009597", "0.01", "0.000097", "0.008791", "-0.02"),
            ],
        ),
        (
            [None] * 10,
            "-0.45",
            "0.45",
            "1",
            [
                ("0.0026", "0", "0.02", "0.0026", "-0.47"),
                ("0.0026", "0", "0.02", "0.0052", "-0.47"),
                ("0.0026", "0", "0.02", "0.0078", "-0.47"),
                ("0.0026", "0.01", "0.01", "0.0004", "-0.47"),
                ("0.0026", "0", "0.02", "0.003", "-0.47"),
                ("0.0026", "0", "0.02", "0.0056", "-0.47"),
                ("0.0026", "0", "0.02", "0.0082", "-0.47"),
                ("0.0026", "0.01", "0.01", "0.0008", "-0.47"),
                ("0.0026", "0", "0.02", "0.0034", "-0.47"),
                ("0.0026", "0", "0.02", "0.006", "-0.47"),
            ],
        ),
        ([None], "4.34", "0.62", "7", [("0.0045", "0", "0.12", "0.0045", "4.22")]),
    ],
)
def test_rounding_when_in_cents_then_as_the_published_vectors(
    fees: list[str | None],
    proceeds: str,
    price: str,
    count: str,
    expected: list[tuple[str, ...]],
) -> None:
    rows = charged(fees, proceeds, price, count, CENT_PRECISION)
    assert rows == [tuple(map(D, row)) for row in expected]


@pytest.mark.parametrize(
    ("price", "count", "change"),
    [("0.52", "1", "-0.5375"), ("0.33", "2", "-0.691"), ("0.99", "1", "-0.9907")],
)
def test_rounding_when_direct_then_nothing_is_left_over(price: str, count: str, change: str) -> None:
    ((rounding, rebate, _, balance, changed),) = charged(
        [None], str(-D(price) * D(count)), price, count, D("0.0001")
    )
    assert (rounding, rebate, balance, changed) == (D(0), D(0), D(0), D(change))


def test_rebate_when_accumulator_is_exactly_a_cent_then_not_yet_paid() -> None:
    fee = charge(D("0.0065"), D("-0.05"), D("0.0065"), CENT_PRECISION)
    assert (fee.rounding_fee, fee.rebate, fee.rounding_balance) == (D("0.0035"), D(0), D("0.0100"))


@given(price=PRICES, parts=st.lists(COUNTS, min_size=1, max_size=8))
def test_fee_when_an_order_fills_in_parts_then_never_less_than_at_once(
    price: Decimal, parts: list[Decimal]
) -> None:
    fees = [QUADRATIC.trade_fee(price, part, is_taker=True) for part in parts]
    whole = QUADRATIC.trade_fee(price, sum(parts, D(0)), is_taker=True)
    assert sum(fees, D(0)) >= whole >= max(fees)


@given(
    fee=st.integers(0, 500).map(lambda step: D(step) / 10_000),
    proceeds=st.integers(-2_000_000, 2_000_000).map(lambda micros: D(micros) / 1_000_000),
    before=st.integers(0, 20_000).map(lambda micros: D(micros) / 1_000_000),
    precision=st.sampled_from((CENT_PRECISION, D("0.0001"))),
)
def test_charge_when_anything_then_net_is_not_negative_and_nothing_is_lost(
    fee: Decimal, proceeds: Decimal, before: Decimal, precision: Decimal
) -> None:
    found = charge(fee, proceeds, before, precision)
    assert found.net >= 0
    assert found.balance_change + found.rebate == proceeds - found.net
    assert found.rounding_balance == before + found.rounding_fee - found.rebate >= 0


def test_maker_when_series_charges_makers_then_pays_a_quarter() -> None:
    feed = ScriptedFeed()
    feed.show(seconds(-60), book())
    market = exchange(feed, fees=FeeSchedule("quadratic_with_maker_fees", D(2)))
    maker = place(market, "ann", "bid", "0.50", "100").order_id
    place(market, "bob", "ask", "0.50", "100")
    assert market.order("ann", maker).maker_fees == D("0.8750")
    assert market.fills("bob")[0].fee == D("3.5000")
