"""The files of a report: complete, exact, the same bytes again, and nothing in them that could do anything."""

import csv
import json
import re
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.trading.backtest.reporting import made
from trading.backtest.reporting.attribution import total
from trading.backtest.reporting.manifest import Code, hash_inputs, make_manifest
from trading.backtest.reporting.plain import as_json, plain
from trading.backtest.reporting.registry import Variant, register
from trading.backtest.reporting.suspicion import LOOKAHEAD_SUSPECTED
from trading.backtest.reporting.write import write_report
from trading.backtest.results import BacktestResult

FILES = {"report.html", "report.json", "manifest.json", "trades.csv", "scores.csv"}
RESULT = made.result(made.World(days=24))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    (folder / "kalshi" / "ladders").mkdir(parents=True)
    (folder / "kalshi" / "ladders" / "quotes_A.csv").write_text("ticker\n")
    (folder / "kalshi" / "ladders" / "quotes_B.csv").write_text("not read\n")
    return folder


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Path:
    return write(RESULT, tmp_path_factory.mktemp("written"), data)


def write(result: BacktestResult, folder: Path, data: Path, processes: int = 1) -> Path:
    write_report(result, folder / "out", data=data, registry=folder / "variants.jsonl", processes=processes)
    return folder / "out"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("processes", [1, 2])
def test_all_files_are_written_and_again_with_the_same_bytes(
    written: Path, tmp_path: Path, data: Path, processes: int
) -> None:
    again = contents(write(RESULT, tmp_path, data, processes))
    assert again.keys() == FILES
    for name, first in contents(written).items():
        assert again[name] == first, name


def test_the_json_tells_what_the_page_tells(written: Path) -> None:
    told = json.loads((written / "report.json").read_text())
    assert told["flags"] == []
    assert Decimal(told["money"]["pnl"]) == total(RESULT.trades).pnl
    assert told["overall"]["comparisons"][0]["sentence"].startswith("p_model ")
    assert [line["forecaster"] for line in told["overall"]["scores"]] == [
        *("market", "p_model", "p_trade", "flat", "climatology", "point_spread")
    ]
    assert [group["name"] for group in told["by_hour"]] == [
        *("20:00 the day before", "07:00", "10:00", "13:00", "16:00")
    ]


def test_the_tables_hold_every_trade_and_every_ladder(written: Path) -> None:
    with (written / "trades.csv").open(newline="") as file:
        trades = list(csv.DictReader(file))
    assert len(trades) == len(RESULT.trades)
    assert sum((Decimal(row["pnl"]) for row in trades), Decimal(0)) == total(RESULT.trades).pnl
    with (written / "scores.csv").open(newline="") as file:
        scores = list(csv.DictReader(file))
    assert len(scores) == len(RESULT.scores)
    assert all(float(row["market_log"]) >= 0 for row in scores)


def test_the_manifest_names_code_inputs_options_and_versions_but_no_machine(
    written: Path, data: Path
) -> None:
    text = (written / "manifest.json").read_text()
    told = json.loads(text)
    assert told["inputs"].keys() == {"kalshi/ladders/quotes_A.csv"}
    assert told["seed"] == told["options"]["seed"] == RESULT.options.seed
    assert told["versions"].keys() == {"numpy", "scipy", "matplotlib", "pydantic"}
    assert str(data) not in text
    assert len(told["variant"]) == 64


class _Page(HTMLParser):
    """Elements, the addresses they name, and text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.identifiers: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "xlink:href", "action"):
                self.addresses.append(value or "")
            if name == "id":
                self.identifiers.append(value or "")
            assert not name.startswith("on"), f"{tag} {name}"

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_the_page_needs_nothing_from_anywhere_and_runs_nothing(written: Path) -> None:
    markup = (written / "report.html").read_text()
    page = _Page()
    page.feed(markup)
    assert not {"script", "link", "img", "iframe", "object", "form", "base"} & set(page.tags)
    assert all(address.startswith("#") for address in page.addresses), set(page.addresses)
    assert not re.search(r"@import|url\((?!#)", markup)
    assert page.tags.count("svg") >= 8
    assert len(set(page.identifiers)) == len(
        page.identifiers
    ), "identifiers of one plot meet those of another"
    pointed_at = set(re.findall(r"url\(#([^)]+)\)", markup)) | {address[1:] for address in page.addresses}
    assert pointed_at <= set(page.identifiers)


def test_what_was_read_is_shown_as_text_whatever_it_says(tmp_path: Path, data: Path) -> None:
    hostile = "<script>alert(1)</script><b>"
    trade = replace(made.trade(), shares={hostile: 1.0}, city="CHI")
    result = replace(
        made.result(made.World(days=11), traded=[trade]),
        decisions={hostile: 3},
        options=replace(RESULT.options, strategy=hostile),
    )
    markup = (write(result, tmp_path, data) / "report.html").read_text()
    assert "<script>" not in markup
    assert "<b>comes after" not in markup, "the text of a refused row"
    page = _Page()
    page.feed(markup)
    assert sum(hostile in text for text in page.text) >= 2


def test_every_colour_of_a_plot_is_one_of_the_page(written: Path) -> None:
    """So that a printed page is dark on white."""
    markup = (written / "report.html").read_text()
    plots = markup[markup.index("<main>") :]
    assert set(re.findall(r"#[0-9a-f]{6}\b", plots)) == set()


def test_a_leak_is_the_first_thing_a_reader_sees(tmp_path: Path, data: Path) -> None:
    leaked = made.result(made.World(days=30, model_knows=0.95), traded=[])
    out = write(leaked, tmp_path, data)
    assert json.loads((out / "report.json").read_text())["flags"] == [LOOKAHEAD_SUSPECTED]
    assert (out / "report.html").read_text().count(LOOKAHEAD_SUSPECTED) >= 2


@pytest.mark.parametrize("days", [0, 1])
def test_hardly_anything_is_a_report_too(days: int, tmp_path: Path, data: Path) -> None:
    out = write(made.result(made.World(days=days), traded=[]), tmp_path, data)
    assert contents(out).keys() == FILES
    assert "Nothing was traded." in (out / "report.html").read_text()


def test_json_is_exact_or_nothing() -> None:
    assert plain({"a": Decimal("1E+3"), "b": (None, True)}) == {"a": "1000", "b": [None, True]}
    with pytest.raises(ValueError):
        as_json(float("nan"))
    with pytest.raises(TypeError, match="no exact form"):
        plain(object())


def test_another_byte_option_or_commit_is_another_variant(data: Path) -> None:
    code, other = Code("a" * 40, changed=False), Code("b" * 40, changed=False)
    files = ["quotes_A.csv"]
    first = make_manifest(data, files, RESULT.options, code).variant
    assert first == make_manifest(data, files, RESULT.options, code).variant
    assert first != make_manifest(data, files, RESULT.options, other).variant
    assert first != make_manifest(data, files, replace(RESULT.options, seed=8), code).variant
    assert first != make_manifest(data, ["quotes_B.csv"], RESULT.options, code).variant
    assert hash_inputs(data, []) == {}


def test_the_registry_counts_every_variant_of_an_input_once(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "variants.jsonl"
    assert register(file, Variant("v1", "data", 0.1)).count == 1
    assert register(file, Variant("v1", "data", 0.1)).count == 1
    assert register(file, Variant("v2", "other data", 0.5)).count == 1
    file.write_text(file.read_text() + '{"cut off')
    trials = register(file, Variant("v3", "data", 0.3))
    assert trials.count == 2
    assert trials.sharpe_variance == pytest.approx(0.02)
    assert register(file, Variant("v4", "data", None)).count == 3
