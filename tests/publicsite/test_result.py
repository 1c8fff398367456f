"""The five figures under the masthead."""

from datetime import timedelta
from decimal import Decimal

from analytics.public import EquityPoint, TradeCount
from publicsite.equity import build_panel
from publicsite.result import Figure, build_figures
from tests.factories import CAPITAL, NOON


def point(minutes: int, realized: str, unrealized: str = "0") -> EquityPoint:
    gained, open_ = Decimal(realized), Decimal(unrealized)
    return EquityPoint(
        at=NOON + timedelta(minutes=minutes),
        total_equity=CAPITAL + gained + open_,
        realized_pnl=gained,
        unrealized_pnl=open_,
    )


def test_figures_tell_where_the_account_stands_with_signs() -> None:
    panel = build_panel([point(0, "100"), point(10, "-1"), point(20, "40", "10.50")])

    assert build_figures(panel, TradeCount(fills=1286, contracts=Decimal("4120.00"))) == (
        Figure("Equity, as of 18:20 UTC", "$10,050.50", "started with $10,000.00"),
        Figure("Result so far", "+$50.50", "+0.50%", "gain"),
        Figure("Deepest drawdown", "−$101.00", "1.00% below its peak", "loss"),
        Figure("Realized", "+$40.00", "unrealized +$10.50"),
        Figure("Fills, 30 days", "1,286", "4,120 contracts"),
    )


def test_figures_before_the_first_release_keep_their_places_and_say_na() -> None:
    figures = build_figures(None, TradeCount(fills=0, contracts=Decimal(0)))

    assert [figure.value for figure in figures] == ["n/a", "n/a", "n/a", "n/a", "0"]
    assert {figure.under for figure in figures} == {"not released yet", "0 contracts"}
