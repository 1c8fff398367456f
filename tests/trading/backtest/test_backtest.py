"""A whole backtest by command: out of a folder, without a database, every row accounted for, the same every time."""

import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from milkbot.core.cities import load_cities
from milkbot.core.config import PROJECT_ROOT
from tests.trading.backtest.recordings import event_rows, forecast_rows, quote_rows, write, write_days
from trading.backtest.engine import DEPTHS, UNDECIDED, UNQUOTED, NothingToReplay, run_backtest
from trading.backtest.results import FLAT, FORECASTERS, P_MODEL, BacktestOptions, BacktestResult

CHI = load_cities()["CHI"]
FIRST = date(2026, 9, 14)
NOW = datetime(2026, 10, 20, tzinfo=UTC)


def asked(**changes: object) -> BacktestOptions:
    plain: dict[str, object] = {
        "first": date.min, "last": date.max, "cities": ("CHI", "SEA"), "strategy": None, "seed": 7,
        "assumed_depth": Decimal(50), "capital": Decimal(10_000),
    }  # fmt: skip
    return BacktestOptions(**{**plain, **changes})  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where variants are entered."""
    monkeypatch.setenv("MILKBOT_STATE_DIR", str(tmp_path / "state"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two cities, three days; one bracket is offered far below its worth."""
    return write_days(tmp_path_factory.mktemp("recorded"), ("CHI", "SEA"), FIRST, 3, cheap="B74.5")


@pytest.fixture(scope="module")
def result(data: Path) -> BacktestResult:
    return run_backtest(data, asked(), NOW, processes=1)


def command(data: Path, out: Path, *options: str) -> str:
    said = StringIO()
    call_command("backtest", "--data", str(data), "--out", str(out), *options, stdout=said)
    return said.getvalue()


def test_processes_leave_no_trace(data: Path, result: BacktestResult) -> None:
    assert run_backtest(data, asked(), NOW, processes=2) == result


def test_result_tells_all_of_it(result: BacktestResult) -> None:
    assert (result.options.first, result.options.last) == (FIRST, FIRST + timedelta(days=2))
    assert result.counts.events == 6
    assert result.counts.snapshots == 6 * result.counts.instants
    assert 0 < result.counts.decided < result.counts.instants
    assert sum(result.counts.orders_by_state.values()) == result.counts.intents
    assert set(result.counts.orders_by_state) <= {"FILLED", "CANCELED"}
    assert sum(result.decisions.values()) == 6 * result.counts.decided


def test_depths_are_compared(result: BacktestResult) -> None:
    assert tuple(each.assumed_depth for each in result.depth) == DEPTHS
    main = result.depth[-1]
    assert main.fills == len(result.trades) > 0
    assert main.fees == sum(trade.fee for trade in result.trades)
    assert result.equity[-1].equity == result.equity[-1].cash == 10_000 + main.pnl


def test_each_event_is_scored_five_times_beside_its_outcome(result: BacktestResult) -> None:
    chicago = [score for score in result.scores if score.city == "CHI" and score.event_date == FIRST]
    assert [score.local_hour for score in chicago] == [-4, 7, 10, 13, 16]
    assert [score.at for score in chicago] == [
        datetime(2026, 9, 14, 6, tzinfo=UTC) + timedelta(hours=hour) for hour in (-4, 7, 10, 13, 16)
    ]
    for score in result.scores:
        assert score.brackets[score.outcome] == (74, 75)
        assert score.settle_f == 74
        assert set(score.probabilities) <= set(FORECASTERS)
        assert {FLAT, P_MODEL} <= set(score.probabilities)
        for said in score.probabilities.values():
            assert sum(said) == pytest.approx(1)
        assert score.pit is not None
        assert 0 <= score.pit[0] < score.pit[1] <= 1
        assert score.crps_f is not None
        assert score.crps_f >= 0


def test_command_needs_no_database_and_shows_every_row(data: Path, tmp_path: Path) -> None:
    """This test has no database: any query fails it."""
    said = command(data, tmp_path / "out", "--assumed-depth", "50", "--city", "CHI", "--to", "2026-09-15")
    assert "events.csv: 36 rows, 12 used, 24 outside, 0 refused" in said
    assert "refused: none; flagged: none" in said
    assert "2 events, left out: none" in said
    assert "with 1 contracts at each price: 0 fills" in said
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {
        "report.html",
        "report.json",
        "manifest.json",
    }
    page = (tmp_path / "out" / "report.html").read_text()
    # At most 25 % of the displayed size is taken (probability-and-sizing.md 5.5), in whole contracts.
    assert (
        "nothing can trade at a depth of 1: 25 % of what is displayed, the most we take, is less than" in page
    )
    assert "nothing can trade at a depth of 10" not in page


@pytest.mark.parametrize(("strategy", "fills"), [("forecast_edge", True), ("climatology", False)])
def test_strategy_lets_only_that_one_trade(
    data: Path, tmp_path: Path, result: BacktestResult, strategy: str, fills: bool
) -> None:
    """No fill has another's opinion in it. What the season brings is none alone."""
    others = {name for trade in result.trades for name in trade.shares} - {"forecast_edge", "market"}
    assert others, "with all strategies, others have a say"
    command(data, tmp_path / "out", "--assumed-depth", "50", "--strategy", strategy)
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["options"]["strategy"] == strategy
    found = run_backtest(data, asked(strategy=strategy), NOW, processes=1)
    with (tmp_path / "out" / "trades.csv").open() as written:
        assert len(written.readlines()) == 1 + len(found.trades)
    assert bool(found.trades) is fills
    for trade in found.trades:
        assert {name for name, share in trade.shares.items() if share > 0} <= {strategy, "market"}
        assert trade.shares[strategy] > 0


def test_unknown_strategy_is_refused_with_the_known_ones(data: Path, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"invalid choice: 'astrology' \(choose from .*forecast_edge"):
        command(data, tmp_path / "out", "--strategy", "astrology")
    assert not (tmp_path / "out").exists()


def test_bad_rows_are_counted_and_named_in_output_and_report(tmp_path: Path) -> None:
    quotes = quote_rows(CHI, FIRST, timedelta(hours=1))
    of_one = [row for row in quotes if str(row[0]).endswith("B74.5")]
    gapped = [
        row
        for row in quotes_of(FIRST + timedelta(days=2))
        if not "2026-09-15T15" <= str(row[1]) < "2026-09-16T02"
    ]
    bad: list[list[object]] = [
        [of_one[0][0], "2026-09-14T12:00:00", "0.40", "0.42", "", "", ""],
        [of_one[0][0], "2099-09-14T12:00:00Z", "0.40", "0.42", "", "", ""],
        [of_one[0][0], "2026-09-14T12:30:00Z", "1.40", "0.42", "", "", ""],
        [of_one[0][0], "2026-09-14T12:31:00Z", "0.50", "0.42", "", "", ""],
        of_one[3],
        ["KXHIGHCHI-26SEP20-B74.5", "2026-09-19T15:00:00Z", "0.40", "0.42", "", "", ""],
    ]
    unsorted = [quotes[-1], *quotes[:-1]]
    write(
        tmp_path / "data",
        events=[*event_rows(CHI, FIRST), *event_rows(CHI, FIRST + timedelta(days=2))],
        quotes=[*unsorted, *gapped, *bad],
        forecasts=forecast_rows(CHI, [FIRST, FIRST + timedelta(days=2)]),
    )
    said = command(tmp_path / "data", tmp_path / "out")
    refused = {
        "NOT_UTC": 1,
        "FUTURE_STAMPED": 1,
        "PRICE_OUT_OF_RANGE": 1,
        "CROSSED": 1,
        "DUPLICATE": 1,
        "UNKNOWN_EVENT": 1,
    }
    flagged = {"MISSING_EVENT": 1, "QUOTE_GAP": 1}
    for fault, count in {**refused, **flagged}.items():
        assert f"{fault} {count}" in said
        assert f": {fault}: " in said
    assert "UNSORTED" in said
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    told = json.dumps(report)
    for fault in {**refused, **flagged}:
        assert fault in told


def quotes_of(day: date) -> list[list[object]]:
    return quote_rows(CHI, day, timedelta(hours=1))


def test_what_cannot_be_replayed_is_left_out_and_named(tmp_path: Path) -> None:
    days = [FIRST + timedelta(days=ahead) for ahead in range(3)]
    last_only = [[*row[:2], "", "", *row[4:]] for row in quotes_of(days[1])]
    write(
        tmp_path,
        events=[*event_rows(CHI, days[0]), *event_rows(CHI, days[1]), *event_rows(CHI, days[2], None)],
        quotes=[*quotes_of(days[0]), *last_only, *quotes_of(days[2])],
        forecasts=forecast_rows(CHI, days),
    )
    found = run_backtest(tmp_path, asked(), NOW, processes=1)
    assert found.counts.events == 1
    assert found.counts.skipped_events == {UNDECIDED: 1, UNQUOTED: 1}


def test_nothing_to_replay_is_said(data: Path, tmp_path: Path) -> None:
    with pytest.raises(NothingToReplay, match="holds no event"):
        run_backtest(data, asked(first=date(2027, 1, 1)), NOW)
    with pytest.raises(CommandError, match="holds no"):
        command(tmp_path, tmp_path / "out")


@pytest.mark.slow
def test_report_is_the_same_bytes_in_another_process(data: Path, tmp_path: Path) -> None:
    """Hash seeds and the number of processes differ, the registry of variants starts empty both times."""
    for number, processes in ((1, "1"), (2, "2")):
        subprocess.run(
            [sys.executable, "manage.py", "backtest", "--data", str(data), "--out", str(tmp_path / f"out{number}"),
             "--processes", processes],
            check=True, cwd=PROJECT_ROOT, capture_output=True,
            env={**os.environ, "PYTHONHASHSEED": str(number), "MILKBOT_STATE_DIR": str(tmp_path / f"state{number}"),
                 "DJANGO_SETTINGS_MODULE": "milkbot.settings.test"},
        )  # fmt: skip
    for name in ("report.json", "report.html", "trades.csv", "scores.csv", "manifest.json"):
        assert (tmp_path / "out1" / name).read_bytes() == (tmp_path / "out2" / name).read_bytes()
