"""What the turns over the wire are summed up by."""

from datetime import UTC, datetime

import pytest

from benchmarks.wire import RoundTrip, Turn, longest_chain, summary
from milkbot.core.config import TradingMode
from trading.cycle_report import CycleReport


def trips(*spans: tuple[float, float]) -> tuple[RoundTrip, ...]:
    return tuple(RoundTrip(*span) for span in spans)


@pytest.mark.parametrize(
    ("spans", "length"),
    [
        ([], 0),
        ([(0, 5), (0, 5), (1, 6)], 1),
        ([(0, 5), (1, 6), (6, 9)], 2),
        ([(0, 1), (0, 9), (1, 2), (2, 3)], 3),
    ],
)
def test_chain_counts_the_reads_that_waited_for_one_another(
    spans: list[tuple[float, float]], length: int
) -> None:
    assert longest_chain(trips(*spans)) == length


def turn(elapsed_ms: float, statements: int, *, intents: int = 0) -> Turn:
    started_at = datetime(2025, 5, 13, 12, tzinfo=UTC)
    report = CycleReport(mode=TradingMode.SHADOW, started_at=started_at, markets=120, intents=intents)
    return Turn(elapsed_ms, trips((0.0, 0.5), (0.5, 0.9)), statements, report)


def test_summary_leaves_the_statements_of_orders_out() -> None:
    figures = summary([turn(1000, 44), turn(1200, 47), turn(1400, 90, intents=2)])

    assert (figures.statements, figures.statements_most) == (44, 47)
    assert (figures.median_ms, figures.slowest_ms, figures.ratio) == (1200, 500, 2.4)
    assert (figures.requests, figures.hops, figures.markets) == (2, 2, 120)
