"""Where the money came from: exact parts of each trade, and slices that hold every trade once."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trading.backtest.reporting import made
from trading.backtest.reporting.attribution import (
    attribute,
    by_date,
    decided_in,
    led_by,
    price_band,
    slices,
    total,
)
from trading.backtest.results import Liquidity, Trade
from trading.domain.types import Action, Side

CENTS = st.integers(1, 99).map(lambda cents: f"{cents / 100:.2f}")
TRADES = st.builds(
    made.trade,
    day=st.dates(made.FIRST, made.FIRST + timedelta(days=400)),
    city=st.sampled_from(("CHI", "NYC", "LAX")),
    side=st.sampled_from(Side),
    action=st.sampled_from(Action),
    liquidity=st.sampled_from(Liquidity),
    price=CENTS,
    count=st.decimals("0.01", "5000", places=2).map(str),
    fee=st.decimals("-0.01", "90", places=4).map(str),
    p_trade=st.floats(0, 1),
    mid=st.none() | CENTS,
    closing_mid=st.none() | CENTS,
    outcome=st.none() | st.booleans(),
    hour=st.integers(-10, 23),
)


@given(trade=TRADES)
def test_the_parts_of_every_trade_add_up_to_its_profit_exactly(trade: Trade) -> None:
    parts = attribute(trade)
    if trade.outcome is None:
        assert parts is None
    else:
        assert parts is not None
        assert parts.pnl == trade.pnl


@given(trades=st.lists(TRADES, max_size=12))
def test_slices_and_dates_hold_every_settled_trade_once(trades: list[Trade]) -> None:
    settled = [trade for trade in trades if trade.outcome is not None]
    profit = sum((trade.pnl or Decimal(0) for trade in settled), Decimal(0))
    assert total(trades).pnl == profit
    assert sum((parts.pnl for parts in by_date(trades).values()), Decimal(0)) == profit
    for view in slices(trades).values():
        assert sum(one.trades for one in view) == len(settled)
        assert sum((one.parts.pnl for one in view), Decimal(0)) == profit
        assert len({one.name for one in view}) == len(view)


def test_a_taker_who_believed_36_paid_30_and_won() -> None:
    parts = attribute(made.trade())
    assert parts is not None
    assert parts.edge == Decimal("0.70")
    assert parts.slippage == Decimal("-0.10")
    assert parts.fee == Decimal("-0.15")
    assert parts.drift == Decimal("0.40")
    assert parts.outcome == Decimal("6.00")
    assert parts.pnl == Decimal("6.85")
    assert parts.closing_line == Decimal("1.00"), "ten contracts bought at 30 that were worth 40 in the end"


@pytest.mark.parametrize(
    ("side", "action", "toward_yes"),
    [
        (Side.YES, Action.BUY, True),
        (Side.NO, Action.BUY, False),
        (Side.YES, Action.SELL, False),
        (Side.NO, Action.SELL, True),
    ],
)
def test_buying_no_and_selling_yes_gain_from_the_same_falls(
    side: Side, action: Action, toward_yes: bool
) -> None:
    parts = attribute(made.trade(side=side, action=action, closing_mid="0.40"))
    assert parts is not None
    assert (parts.closing_line > 0) is toward_yes


def test_without_a_mid_the_edge_is_over_the_price_and_without_a_last_one_nothing_drifts() -> None:
    parts = attribute(made.trade(mid=None, closing_mid=None))
    assert parts is not None
    assert (parts.edge, parts.slippage, parts.drift) == (Decimal("0.60"), Decimal(0), Decimal(0))


def test_what_won_stands_beside_what_was_paid() -> None:
    found = slices([made.trade(outcome=True), made.trade(outcome=False, price="0.40", mid="0.39")])["city"]
    assert [(one.name, one.trades, one.events) for one in found] == [("CHI", 2, 1)]
    assert (found[0].paid, found[0].won) == (Decimal("0.35"), Decimal("0.5"))


@pytest.mark.parametrize(
    ("hour", "name"), [(-5, "day before"), (0, "0:00 to 8:59"), (9, "9:00 to 14:59"), (15, "15:00 and later")]
)
def test_the_hour_is_that_of_the_climate_day(hour: int, name: str) -> None:
    assert decided_in(made.trade(hour=hour)) == name


@pytest.mark.parametrize(
    ("side", "price", "name"),
    [(Side.YES, "0.09", "below 10¢"), (Side.NO, "0.09", "90¢ and more"), (Side.YES, "0.50", "50¢ to 69¢")],
)
def test_the_band_is_of_the_side_taken(side: Side, price: str, name: str) -> None:
    assert price_band(made.trade(side=side, price=price)) == name


def test_the_strategy_that_weighed_most_leads_and_ties_go_by_name() -> None:
    assert led_by(made.trade()) == "forecast_edge"
    assert led_by(made.trade(shares={"b": 0.5, "a": 0.5})) == "a"
    assert led_by(made.trade(shares={"market": 0.7, "a": 0.1, "b": 0.2})) == "b"
    assert led_by(made.trade(shares={})) == led_by(made.trade(shares={"market": 1.0})) == "unknown"


def test_hours_and_prices_stand_in_their_own_order() -> None:
    trades = [made.trade(hour=hour, price=price) for hour in (16, -5, 10, 1) for price in ("0.95", "0.05")]
    found = slices(trades)
    assert [one.name for one in found["hour"]] == [
        "day before",
        "0:00 to 8:59",
        "9:00 to 14:59",
        "15:00 and later",
    ]
    assert [one.name for one in found["price"]] == ["below 10¢", "90¢ and more"]
