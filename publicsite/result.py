"""The strip of figures under the masthead: where the account stands, 60 minutes late."""

from dataclasses import dataclass

from analytics.public import TradeCount
from publicsite import words
from publicsite.equity import SHOWN_DAYS, EquityPanel


@dataclass(frozen=True)
class Figure:
    """A term, its value and what stands under it. `sign` is "gain", "loss" or empty."""

    term: str
    value: str
    under: str
    sign: str = ""


def build_figures(panel: EquityPanel | None, trades: TradeCount) -> tuple[Figure, ...]:
    """The same five figures whatever is known; `panel` is None before the first account value is released."""
    return (*_account(panel), _traded(trades))


def _account(panel: EquityPanel | None) -> tuple[Figure, ...]:
    if panel is None:
        terms = ("Equity", "Result so far", "Deepest drawdown", "Realized")
        return tuple(Figure(term, words.MISSING, "not released yet") for term in terms)
    return (
        Figure(f"Equity, as of {panel.as_of}", panel.equity, f"started with {panel.started_with}"),
        Figure("Result so far", panel.change, panel.change_percent, "gain" if panel.is_gain else "loss"),
        Figure(
            "Deepest drawdown",
            panel.drawdown,
            f"{panel.drawdown_percent} below its peak" if panel.has_drawdown else f"in {SHOWN_DAYS} days",
            "loss" if panel.has_drawdown else "",
        ),
        Figure("Realized", panel.realized, f"unrealized {panel.unrealized}"),
    )


def _traded(trades: TradeCount) -> Figure:
    contracts = f"{words.quantity(trades.contracts)} contract{'' if trades.contracts == 1 else 's'}"
    return Figure(f"Fills, {SHOWN_DAYS} days", f"{trades.fills:,}", contracts)
