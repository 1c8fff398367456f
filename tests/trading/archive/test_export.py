"""What the recorder stored comes back from an export as it was, through the one reader of recordings."""

import csv
import gzip
import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from markets.models import MarketRow, MarketSnapshotRow
from markets.services import refresh_unsettled
from milkbot.core.cities import load_cities
from tests.e2e.world import World, simulated_world
from tests.factories import (
    ClimateReportFactory,
    EventFactory,
    MarketFactory,
    MarketSnapshotFactory,
    ObservationFactory,
    WeatherSnapshotFactory,
)
from tests.trading.archive.worlds import tree
from trading.archive.exporting import ExportReport, export_archive
from trading.archive.parts import PartKey, UnusableArchive
from trading.archive.stored_parts import end_of_minute
from trading.backtest.recorded import read_recorded
from trading.backtest.recorded_types import Recording
from weather.models import ObservationRow, WeatherSnapshotRow

pytestmark = pytest.mark.django_db

START = datetime(2025, 11, 19, 15, 5, tzinfo=UTC)
D = Decimal
CHI = load_cities()["CHI"]
DAY = date(2026, 9, 15)
OPEN, CLOSE = datetime(2026, 9, 14, 14, tzinfo=UTC), datetime(2026, 9, 16, 6, tzinfo=UTC)
NOW = datetime(2026, 9, 20, tzinfo=UTC)
LADDER = ((None, 69), (70, 71), (72, 73), (74, 75), (76, None))


def export(out: Path, **given: Any) -> ExportReport:
    first, last = given.pop("first", date.min), given.pop("last", date.max)
    return export_archive(out, given.pop("cities", tuple(load_cities())), first, last, **given)


def rows_of(folder: Path, pattern: str) -> list[dict[str, str]]:
    (path,) = folder.glob(pattern)
    content = path.read_bytes()
    text = gzip.decompress(content) if path.suffix == ".gz" else content
    return list(csv.DictReader(text.decode("utf-8").splitlines()))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with simulated_world(START, tmp_path / "state", seed=11) as running:
        yield running


def stored() -> dict[str, list[MarketSnapshotRow]]:
    """Every snapshot by ticker, in order of time."""
    found: dict[str, list[MarketSnapshotRow]] = defaultdict(list)
    for row in MarketSnapshotRow.objects.select_related("market").order_by("captured_at"):
        found[row.market.ticker].append(row)
    return found


def agrees_with_the_stored_prices(recording: Recording) -> None:
    """Every row of the export is the snapshot that stood then, sizes included, and every snapshot of an open market is in."""
    compared, snapshots = 0, stored()
    for ticker, quotes in recording.quotes.items():
        for quote in quotes:
            before = (row for row in snapshots[ticker] if row.captured_at <= quote.at)
            row = max(before, key=lambda row: row.captured_at)
            assert end_of_minute(row.captured_at) <= quote.at
            assert quote[1:] == (
                *(row.yes_bid, row.yes_ask, row.last_price, row.volume, row.open_interest),
                *(row.yes_bid_size, row.yes_ask_size),
            )
            compared += 1
    assert compared == MarketSnapshotRow.objects.filter(status="active").count() > 60


def agrees_with_the_stored_results(recording: Recording) -> None:
    decided = [event for event in recording.events if event.is_decided]
    assert decided
    for event in decided:
        rows = MarketRow.objects.filter(event__event_ticker=event.event_ticker)
        results = {entry.market.ticker: entry.result for entry in event.markets}
        assert {row.ticker: row.result for row in rows} == results
        assert {f"{event.settle_f}.00"} == set(rows.values_list("expiration_value", flat=True))


def agrees_with_the_stored_weather(recording: Recording, folder: Path, cities: tuple[str, ...]) -> None:
    issues = {
        (row.city_code, high["day"], row.issued_at)
        for row in WeatherSnapshotRow.objects.all()
        for high in row.highs
    }
    assert sum(len(found) for found in recording.forecasts.values()) == len(issues) > 14
    for found in recording.forecasts.values():
        assert all(forecast.available_at >= forecast.issued_at for forecast in found)
    readings = sum(len(rows_of(folder, f"weather/observations_{code}_*")) for code in cities)
    assert readings == ObservationRow.objects.count() > 20
    assert len(rows_of(folder, "weather/hourly_forecasts_SEA_*")) > 100


def test_recorded_world_comes_back_as_it_was_stored(world: World, tmp_path: Path) -> None:
    world.cities = ("CHI", "SEA")
    world.cycle()
    world.run(START + timedelta(hours=2), timedelta(minutes=23))
    world.move_to(START + timedelta(days=2, hours=8))
    refresh_unsettled(world.now, client=world.kalshi)

    report = export(tmp_path / "a", world="simulated world, seed 11")

    recording = read_recorded(tmp_path / "a", world.now)
    assert recording.report.refused == {}
    assert (report.refused, report.left_out) == ({}, {})
    assert len(recording.events) == MarketRow.objects.values("event").distinct().count() == 4
    agrees_with_the_stored_results(recording)
    agrees_with_the_stored_prices(recording)
    agrees_with_the_stored_weather(recording, tmp_path / "a", world.cities)
    assert json.loads((tmp_path / "a" / "manifest.json").read_text())["world"] == "simulated world, seed 11"

    export(tmp_path / "b", world="simulated world, seed 11")
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


def ladder(**changes: Any) -> dict[str, MarketRow]:
    """The stored markets of one Chicago day, by their lower degree."""
    event = EventFactory.create(
        event_ticker="KXHIGHCHI-26SEP15", series_ticker="KXHIGHCHI", event_date=DAY, close_at=CLOSE
    )
    made = {}
    for low, high in LADDER:
        kind = "less" if low is None else "greater" if high is None else "between"
        ticker = f"KXHIGHCHI-26SEP15-{'T' if kind != 'between' else 'B'}{low or high}"
        made[str(low)] = MarketFactory.create(
            event=event, ticker=ticker, strike_type=kind, low_f=low, high_f=high, open_at=OPEN, **changes
        )
    return made


def seen(market: MarketRow, at: datetime, bid: str | None, ask: str | None, **more: Any) -> None:
    MarketSnapshotFactory.create(
        market=market,
        captured_at=at,
        yes_bid=bid and D(bid),
        yes_ask=ask and D(ask),
        yes_bid_size=bid and D("5.50"),
        yes_ask_size=ask and D(7),
        **more,
    )


def read(folder: Path) -> Recording:
    return read_recorded(folder, NOW, cities=["CHI"])


def test_last_prices_of_a_minute_are_told_at_its_end(tmp_path: Path) -> None:
    market = ladder()["72"]
    at = OPEN + timedelta(hours=1)
    for seconds, bid in ((0, "0.30"), (1, "0.31"), (40, "0.32"), (60, "0.33"), (61, "0.34"), (119, "0.33")):
        seen(market, at + timedelta(seconds=seconds), bid, "0.50")

    export(tmp_path / "a", cities=("CHI",))

    quotes = read(tmp_path / "a").quotes[market.ticker]
    assert [(quote.at - at, quote.yes_bid) for quote in quotes] == [
        (timedelta(0), D("0.30")),
        (timedelta(minutes=1), D("0.33")),
    ]
    assert (quotes[0].yes_bid_size, quotes[0].yes_ask_size) == (D("5.50"), D(7))


def test_what_nobody_could_trade_on_is_not_told(tmp_path: Path) -> None:
    market = ladder()["72"]
    seen(market, OPEN - timedelta(minutes=5), "0.10", "0.20")
    seen(market, OPEN + timedelta(minutes=5), "0.11", "0.21")
    seen(market, OPEN + timedelta(minutes=9), "0.11", "0.21", status="inactive")
    seen(market, CLOSE - timedelta(seconds=30), "0.12", None)
    seen(market, CLOSE + timedelta(seconds=30), None, None, status="closed")

    report = export(tmp_path / "a", cities=("CHI",))

    recording = read(tmp_path / "a")
    assert [(quote.at, quote.yes_bid) for quote in recording.quotes[market.ticker]] == [
        (OPEN + timedelta(minutes=5), D("0.11")),
        (OPEN + timedelta(minutes=9), None),
        (CLOSE, D("0.12")),
    ]
    assert recording.report.refused == {}
    assert report.refused == {"not_trading_then": 2}


def test_results_are_told_once_all_markets_are_final(tmp_path: Path) -> None:
    final = {"status": "finalized", "settled_at": CLOSE, "expiration_value": "73.00"}
    made = ladder(result="no", **final)
    MarketRow.objects.filter(pk=made["72"].pk).update(result="yes")
    seen(made["72"], OPEN, "0.10", "0.20", status="active")
    export(tmp_path / "b", cities=("CHI",))
    (event,) = read(tmp_path / "b").events
    assert (event.is_decided, event.settle_f, event.settle_source) == (True, 73, "kalshi")

    MarketRow.objects.filter(pk=made["74"].pk).update(status="determined")
    export(tmp_path / "c", cities=("CHI",))
    (event,) = read(tmp_path / "c").events
    assert (event.is_decided, event.settle_f) == (False, None)


def test_settled_high_that_contradicts_the_results_is_left_out(tmp_path: Path) -> None:
    made = ladder(result="no", status="finalized", settled_at=CLOSE, expiration_value="80.00")
    MarketRow.objects.filter(pk=made["72"].pk).update(result="yes")
    seen(made["72"], OPEN, "0.10", "0.20", status="active")
    export(tmp_path / "a", cities=("CHI",))
    recording = read(tmp_path / "a")
    assert recording.report.refused == {}
    assert (recording.events[0].is_decided, recording.events[0].settle_f) == (True, None)


def test_event_that_is_no_ladder_is_left_out_by_name(tmp_path: Path) -> None:
    made = ladder()
    made["72"].delete()
    report = export(tmp_path / "a", cities=("CHI",))
    assert list(report.left_out) == [PartKey("ladders", "CHI", DAY, DAY)]
    assert rows_of(tmp_path / "a", "kalshi/ladders/events.csv") == []


def test_one_issue_is_told_once_with_the_moment_it_was_had(tmp_path: Path) -> None:
    issued = datetime(2026, 9, 14, 23, 40, tzinfo=UTC)
    for minutes, high_f in (
        (5, 75),
        (25, 74),
    ):  # the second is read after midnight, hours of the day have gone
        WeatherSnapshotFactory.create(
            city_code="CHI",
            captured_at=issued + timedelta(minutes=minutes),
            issued_at=issued,
            highs=[{"day": DAY.isoformat(), "high_f": high_f, "knows_night": True}],
        )
    export(tmp_path / "a", cities=("CHI",))
    (row,) = rows_of(tmp_path / "a", "weather/forecasts.csv.gz")
    assert (row["issued_at_utc"], row["available_at_utc"], row["high_f"], row["source"]) == (
        "2026-09-14T23:40:00Z",
        "2026-09-14T23:45:00Z",
        "75",
        "nws_grid",
    )


def test_high_is_that_of_the_newest_final_report(tmp_path: Path) -> None:
    for hours, high_f, final in ((10, 73, False), (25, 74, True), (30, 75, True)):
        ClimateReportFactory.create(
            city_code="CHI",
            cli_code="CLIMDW",
            climate_date=DAY,
            issued_at=datetime(2026, 9, 15, 6, tzinfo=UTC) + timedelta(hours=hours),
            is_final=final,
            high_f=high_f,
            text_sha256=f"{hours:064}",
        )
    export(tmp_path / "a", cities=("CHI",))
    (high,) = rows_of(tmp_path / "a", "weather/daily_highs.csv.gz")
    assert (high["date"], high["high_f"], high["source"]) == ("2026-09-15", "75", "cli")
    assert len(rows_of(tmp_path / "a", "weather/climate_reports_CHI_*")) == 3


def test_only_the_days_asked_for_are_written(tmp_path: Path) -> None:
    seen(ladder()["72"], OPEN, "0.10", "0.20")
    ObservationFactory.create(city_code="CHI", observed_at=datetime(2026, 8, 1, 12, tzinfo=UTC))
    export(tmp_path / "a", cities=("CHI",), first=DAY + timedelta(days=1))
    assert rows_of(tmp_path / "a", "kalshi/ladders/events.csv") == []
    assert not list((tmp_path / "a").glob("weather/observations*"))
    export(tmp_path / "b", cities=("CHI",), first=DAY, last=DAY)
    assert len(rows_of(tmp_path / "b", "kalshi/ladders/events.csv")) == 5


def test_folder_with_something_in_it_takes_no_export(tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("")
    with pytest.raises(UnusableArchive, match="not an empty folder"):
        export(tmp_path)


def test_command_tells_what_it_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILKBOT_STATE_DIR", str(tmp_path / "state"))
    seen(ladder()["72"], OPEN, "0.10", "0.20")
    out = StringIO()
    call_command("export_history", "--out", str(tmp_path / "a"), "--city", "CHI", stdout=out)
    lines = out.getvalue().splitlines()
    assert "kalshi/ladders/events.csv: 5 rows" in lines
    assert lines[-2:] == ["rows left out: none", f"written: {tmp_path / 'a'}"]
    with pytest.raises(CommandError) as refused:
        call_command("export_history", "--out", str(tmp_path / "a"))
    assert refused.value.returncode == 2
    with pytest.raises(CommandError) as backwards:
        call_command(
            "export_history", "--out", str(tmp_path / "b"), "--from", "2026-09-02", "--to", "2026-09-01"
        )
    assert backwards.value.returncode == 2
