"""The report's two tables as CSV: every trade with its attribution, every scored ladder with everyone's losses."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

from trading.backtest.reporting.attribution import attribute, decided_in, led_by
from trading.backtest.reporting.losses import LADDER_METRICS, LossTable
from trading.backtest.reporting.plain import plain
from trading.backtest.results import FORECASTERS, Trade

TRADE_COLUMNS: Final = (
    *("at", "decided_at", "event_ticker", "city", "event_date", "ticker", "side", "action", "liquidity"),
    *("price", "count", "p_trade", "p_model", "mid", "closing_mid", "outcome", "strategy", "hour"),
    *("edge", "slippage", "fee", "drift", "result", "pnl", "closing_line"),
)
_LADDER_COLUMNS: Final = ("event_ticker", "city", "event_date", "at", "local_hour", "lead_hours", "settle_f")


def trades_csv(trades: Iterable[Trade]) -> str:
    """A row a fill; attribution and P&L are empty while the outcome is not known. Dollars, prices on the YES book."""
    return _csv(TRADE_COLUMNS, (_trade(trade) for trade in trades))


def scores_csv(table: LossTable) -> str:
    """A row a ladder: losses of `<forecaster>_<metric>`; empty where a forecaster said nothing."""
    names = [(name, metric) for name in FORECASTERS for metric in LADDER_METRICS]
    columns = [table.of(name, metric).tolist() for name, metric in names]
    rows = (
        [
            *(plain(getattr(ladder, column)) for column in _LADDER_COLUMNS),
            *("" if loss != loss else loss for loss in losses),
        ]
        for ladder, *losses in zip(table.ladders, *columns, strict=True)
    )
    return _csv([*_LADDER_COLUMNS, *(f"{name}_{metric}" for name, metric in names)], rows)


def _trade(trade: Trade) -> list[object]:
    parts = attribute(trade)
    money = (
        (parts.edge, parts.slippage, parts.fee, parts.drift, parts.outcome, parts.pnl, parts.closing_line)
        if parts
        else (None,) * 7
    )
    known = [getattr(trade, column) for column in TRADE_COLUMNS[:16]]
    return [plain(value) for value in (*known, led_by(trade), decided_in(trade), *money)]


def _csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()
