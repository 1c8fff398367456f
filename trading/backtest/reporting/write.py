"""Writes what a backtest found: `report.html`, `report.json`, `manifest.json`, `trades.csv`, `scores.csv`."""

from pathlib import Path

from trading.backtest.forked import without_collecting
from trading.backtest.reporting.losses import loss_table
from trading.backtest.reporting.manifest import Manifest, make_manifest, read_code
from trading.backtest.reporting.money import Trials, measure_money
from trading.backtest.reporting.page import render_page
from trading.backtest.reporting.plain import as_json
from trading.backtest.reporting.registry import Variant, register
from trading.backtest.reporting.report import Report, make_report
from trading.backtest.reporting.tables import scores_csv, trades_csv
from trading.backtest.results import BacktestResult


@without_collecting()
def write_report(
    result: BacktestResult, out: Path, *, data: Path, registry: Path, processes: int = 1
) -> Report:
    """Write the files into `out`, which is made if need be; older ones of the same names are replaced.

    `data` is the folder that was replayed, of which the manifest keeps the hashes; the run is entered in `registry` and
    its Sharpe ratio deflated by all that were run on the same inputs. The same result on the same registry gives the
    same bytes. Raises OSError when a file cannot be read or written.
    """
    manifest = make_manifest(data, result.read_report.files, result.options, read_code())
    trials = _enter(result, manifest, registry)
    report = make_report(result, trials, manifest.inputs_digest, processes=processes)
    out.mkdir(parents=True, exist_ok=True)
    files = {
        "report.html": render_page(report, result, manifest),
        "report.json": as_json(report),
        "manifest.json": as_json(manifest),
        "trades.csv": trades_csv(result.trades),
        "scores.csv": scores_csv(loss_table(result.scores)),
    }
    for name, text in files.items():
        (out / name).write_text(text, encoding="utf-8", newline="")
    return report


def _enter(result: BacktestResult, manifest: Manifest, registry: Path) -> Trials:
    sharpe = measure_money(result, Trials()).sharpe
    ratio = None if sharpe is None else sharpe.ratio
    return register(registry, Variant(manifest.variant, manifest.inputs_digest, ratio))
