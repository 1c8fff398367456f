"""The equity panel's figures and geometry."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.public import EquityPoint
from publicsite.equity import EquityPanel, build_panel, deepest_drawdown
from tests.factories import NOON

values = st.lists(st.decimals(min_value=-9_000, max_value=9_000, places=2), min_size=1, max_size=40)


def point(minutes: int, realized: str, unrealized: str = "0") -> EquityPoint:
    gained, open_ = Decimal(realized), Decimal(unrealized)
    return EquityPoint(
        at=NOON + timedelta(minutes=minutes),
        total_equity=10_000 + gained + open_,
        realized_pnl=gained,
        unrealized_pnl=open_,
    )


def panel(*points: EquityPoint) -> EquityPanel:
    built = build_panel(points)
    assert built is not None
    return built


def coordinates(path: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", path)]


def test_panel_without_points_is_none() -> None:
    assert build_panel([]) is None


@pytest.mark.story("5.3", 5)
def test_panel_tells_result_realized_unrealized_and_drawdown() -> None:
    built = panel(point(0, "0"), point(10, "60"), point(20, "-31.44"), point(30, "40.25", "10.71"))

    assert (built.equity, built.started_with) == ("$10,050.96", "$10,000.00")
    assert (built.change, built.change_percent, built.is_gain) == ("+$50.96", "+0.51%", True)
    assert (built.realized, built.unrealized, built.drawdown) == ("+$40.25", "+$10.71", "−$91.44")
    assert built.as_of == "18:30 UTC"
    assert "Deepest fall from a peak: −$91.44." in built.sentence


def test_panel_of_a_loss_is_marked_and_signed() -> None:
    built = panel(point(0, "-12.5"))

    assert (built.change, built.change_percent, built.is_gain) == ("−$12.50", "−0.12%", False)
    assert (built.drawdown, built.has_drawdown) == ("none", False)


@given(equity=values)
def test_drawdown_is_the_largest_fall_from_any_earlier_value(equity: list[Decimal]) -> None:
    falls = [equity[i] - equity[j] for i in range(len(equity)) for j in range(i, len(equity))]
    deepest = deepest_drawdown([point(turn, str(value)) for turn, value in enumerate(equity)])

    assert deepest.dollars == max(falls)
    assert 0 <= deepest.share <= 1 or max(equity) <= -10_000


@given(realized=values)
def test_chart_of_any_account_stays_inside_its_box(realized: list[Decimal]) -> None:
    chart = panel(*(point(5 * turn, str(value)) for turn, value in enumerate(realized))).chart

    for path in (chart.equity, chart.realized, chart.below_peak):
        assert all(0 <= number <= 1000 for number in coordinates(path))
    assert 2 <= len(chart.y_ticks) <= 9
    assert len({tick.label for tick in chart.y_ticks}) == len(chart.y_ticks)


@given(equity=values)
def test_label_of_the_deepest_fall_has_room_above_the_dates(equity: list[Decimal]) -> None:
    chart = panel(*(point(5 * turn, str(value)) for turn, value in enumerate(equity))).chart

    assert float(chart.deepest_y.rstrip("%")) <= 86


def test_chart_over_a_gap_draws_no_line_across_it() -> None:
    chart = panel(point(0, "1"), point(10, "2"), point(500, "3"), point(510, "4")).chart

    assert chart.equity.count("M") == 2


def test_table_has_the_last_point_of_each_of_the_last_seven_days() -> None:
    built = panel(*(point(720 * turn, str(turn)) for turn in range(20)))

    assert len(built.days) == 7
    assert (built.days[0].day, built.days[0].equity) == ("Sat 24 May", "$10,019.00")
