"""Ladders and trades from the sandbox's own public history, over HTTP: what it tells, and what a fault costs."""

import fcntl
import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
from starlette.responses import JSONResponse, PlainTextResponse, Response

from sandbox.export import Export, export
from sandbox.world.market import SimulatedMarketFeed
from tests.trading.archive.worlds import (
    CITIES,
    CODES,
    FIRST,
    LAST,
    SEED,
    Exchange,
    exchange_at,
    fetch_from,
    tree,
)
from trading.archive.importing import ImportReport
from trading.archive.parts import PartKey, UnusableArchive
from trading.backtest.recorded import read_recorded
from trading.backtest.recorded_types import Recording

SETTLED = datetime(2026, 11, 4, 15, tzinfo=UTC)
ARCHIVED = datetime(2027, 1, 20, 15, tzinfo=UTC)
ONE_DAY = (FIRST, FIRST)


@pytest.fixture(scope="module")
def exchange() -> Iterator[Exchange]:
    """A world some days after its events were paid: all of it is live data."""
    with exchange_at(SETTLED) as found:
        yield found


@pytest.fixture(autouse=True)
def _undisturbed(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "exchange" in request.fixturenames:
        world: Exchange = request.getfixturevalue("exchange")
        world.door.interfere = lambda _number, _url: None
        world.door.asked.clear()


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same days as the sandbox itself exports them."""
    out = tmp_path_factory.mktemp("exported") / "world"
    export(Export(SEED, FIRST, LAST, CITIES), out)
    return out


@pytest.fixture(scope="module")
def one_day(exchange: Exchange, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """An undisturbed import of the first day."""
    out = tmp_path_factory.mktemp("imported") / "one day"
    assert run(exchange, out, days=ONE_DAY).is_complete
    return tree(out)


@pytest.fixture(scope="module")
def all_days(exchange: Exchange, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """An undisturbed import of everything."""
    out = tmp_path_factory.mktemp("imported") / "all days"
    assert run(exchange, out).is_complete
    return tree(out)


def run(exchange: Exchange, out: Path, **given: Any) -> ImportReport:
    return fetch_from(out, exchange.at, exchange_url=exchange.url, **given)


def read(folder: Path, now: datetime) -> Recording:
    return read_recorded(folder, now, cities=CODES)


def rows_of(path: Path) -> list[str]:
    return gzip.decompress(path.read_bytes()).decode().splitlines()


def agree(imported: Recording, exported: Recording, world: SimulatedMarketFeed) -> None:
    """The same events and results, and of every market the prices the world showed whenever something changed.

    What changes exactly at a whole minute closes the candle that ends then, and the sandbox's export counts it to the
    next minute: the one difference in prices. That the days are made up stands in the export only.
    """
    assert len(imported.events) == len(exported.events) == 6
    for ours, theirs in zip(imported.events, exported.events, strict=True):
        assert (ours.settle_source, theirs.settle_source) == ("kalshi", "invented")
        assert replace(ours, settle_source="invented") == theirs
        assert ours.is_decided
    same = total = 0
    for ticker, quotes in exported.quotes.items():
        assert len(quotes) > 10
        for quote in quotes:
            found, shown = imported.quote_at(ticker, quote.at), world.quote(ticker, quote.at)
            assert found is not None
            assert shown is not None
            figures = (shown.yes_bid, shown.yes_ask, shown.last, shown.volume, shown.open_interest)
            assert found[1:6] == figures
            total += 1
            same += found[1:] == quote[1:]
    assert total > 3_000
    assert same > 0.97 * total


def test_import_of_live_days_is_what_the_world_exports(
    exchange: Exchange, exported: Path, tmp_path: Path
) -> None:
    report = run(exchange, tmp_path / "a")

    assert report.is_complete
    assert (report.fetched, report.refused) == (6, {})
    imported = read(tmp_path / "a", SETTLED)
    assert imported.report.refused == {}
    agree(imported, read(exported, SETTLED), exchange.feed)
    assert not any("/historical/markets" in url for url in exchange.door.asked)


def test_import_of_archived_days_is_the_same(exported: Path, tmp_path: Path) -> None:
    with exchange_at(ARCHIVED) as exchange:
        report = run(exchange, tmp_path / "a")
        assert any("/historical/markets/KXHIGHNY-26OCT30-" in url for url in exchange.door.asked)
        assert not any("/events/" in url for url in exchange.door.asked)
        assert report.is_complete
        imported = read(tmp_path / "a", ARCHIVED)
        assert imported.report.refused == {}
        agree(imported, read(exported, ARCHIVED), exchange.feed)


def test_manifest_names_every_file_with_its_digest(exchange: Exchange, tmp_path: Path) -> None:
    run(exchange, tmp_path / "a", days=ONE_DAY)
    manifest = json.loads((tmp_path / "a" / "manifest.json").read_text())
    assert manifest["files"].keys() == {
        "kalshi/ladders/events.csv",
        "kalshi/ladders/quotes_KXHIGHNY_2026-10-30_2026-10-30.csv.gz",
        "kalshi/ladders/quotes_KXHIGHTSFO_2026-10-30_2026-10-30.csv.gz",
        "weather/daily_highs.csv.gz",
        "weather/forecasts.csv.gz",
    }
    assert manifest["files"]["kalshi/ladders/events.csv"]["rows"] == 12
    assert (manifest["from"], manifest["to"], manifest["cities"]) == ("2026-10-30", "2026-10-30", [*CODES])


def test_second_run_asks_for_nothing_but_what_is_new(
    exchange: Exchange, all_days: dict[str, bytes], tmp_path: Path
) -> None:
    run(exchange, tmp_path / "a", days=ONE_DAY)
    before = tree(tmp_path / "a")
    exchange.door.asked.clear()

    report = run(exchange, tmp_path / "a", days=ONE_DAY)

    assert (report.fetched, report.kept, exchange.door.asked) == (0, 2, [])
    assert tree(tmp_path / "a") == before

    report = run(exchange, tmp_path / "a")
    assert (report.fetched, report.kept) == (4, 2)
    assert tree(tmp_path / "a") == all_days


def test_days_that_are_not_paid_are_asked_for_again(
    exchange: Exchange, all_days: dict[str, bytes], tmp_path: Path
) -> None:
    with exchange_at(datetime(2026, 11, 1, 20, tzinfo=UTC)) as early:
        report = run(early, tmp_path / "a")
        assert {key.first for key in report.unfinished} == {LAST}
        assert not report.is_complete
        so_far = read(tmp_path / "a", early.at)
        assert so_far.report.refused == {}
        assert [event.is_decided for event in so_far.events] == [True, True, True, True, False, False]
        assert so_far.quotes["KXHIGHNY-26NOV01-B62.5"]
    assert run(exchange, tmp_path / "a").fetched == 2
    assert tree(tmp_path / "a") == all_days


def test_day_without_an_event_is_named_and_kept_as_empty(exchange: Exchange, tmp_path: Path) -> None:
    days = (date(2026, 10, 1), date(2026, 10, 1))
    report = run(exchange, tmp_path / "a", days=days)
    assert report.is_complete
    assert [key.city for key in report.empty] == ["NYC", "SFO"]
    assert run(exchange, tmp_path / "a", days=days).kept == 2
    assert run(exchange, tmp_path / "a", days=days, again=True).fetched == 2


def test_day_that_may_still_get_an_event_is_not_kept_as_empty(exchange: Exchange, tmp_path: Path) -> None:
    days = (date(2026, 11, 30), date(2026, 11, 30))
    assert len(run(exchange, tmp_path / "a", days=days).unfinished) == 2


def test_trades_are_those_of_the_world(exchange: Exchange, tmp_path: Path) -> None:
    report = run(exchange, tmp_path / "a", kinds=("ladders", "trades"), days=ONE_DAY, cities=("NYC",))
    assert report.is_complete
    header, *rows = rows_of(tmp_path / "a/kalshi/ladders/trades_KXHIGHNY_2026-10-30_2026-10-30.csv.gz")
    assert header == "ticker,ts_utc,yes_price,count,taker_side,trade_id"
    assert len(rows) > 100
    assert [row.split(",")[1] for row in rows] == sorted(row.split(",")[1] for row in rows)
    recording = read(tmp_path / "a", SETTLED)
    traded = Counter[str]()
    for row in rows:
        ticker, _, _, count, *_ = row.split(",")
        traded[ticker] += int(100 * Decimal(count))
    assert {
        ticker: int(100 * (quotes[-1].volume or 0)) for ticker, quotes in recording.quotes.items()
    } == traded


def test_trades_without_their_ladder_are_missing(exchange: Exchange, tmp_path: Path) -> None:
    report = run(exchange, tmp_path / "a", kinds=("trades",), days=ONE_DAY, cities=("NYC",))
    assert list(report.missing) == [PartKey("trades", "NYC", FIRST, FIRST)]


def test_retry_after_is_obeyed_and_nothing_is_lost(
    exchange: Exchange, one_day: dict[str, bytes], tmp_path: Path
) -> None:
    naps: list[float] = []

    def busy(number: int, _url: str) -> Response | None:
        if number % 3:
            return None
        return JSONResponse({"error": {"code": "too_many_requests"}}, 429, {"Retry-After": "7"})

    exchange.door.asked.clear()
    exchange.door.interfere = busy
    report = run(exchange, tmp_path / "b", days=ONE_DAY, naps=naps)

    assert report.is_complete
    assert len(naps) > 4
    assert set(naps) == {7.0}
    assert tree(tmp_path / "b") == one_day


@pytest.mark.parametrize(
    "fault",
    [
        lambda: PlainTextResponse("down", 503),
        lambda: JSONResponse({}, 500),
        lambda: PlainTextResponse('{"markets": [{"tick', 200, {"Content-Length": "5000"}),
    ],
    ids=["503", "500", "cut"],
)
def test_fault_that_passes_costs_a_wait(
    exchange: Exchange, one_day: dict[str, bytes], tmp_path: Path, fault: Callable[[], Response]
) -> None:
    exchange.door.asked.clear()
    exchange.door.interfere = lambda number, _url: fault() if number in (2, 3, 6) else None
    naps: list[float] = []
    assert run(exchange, tmp_path / "b", days=ONE_DAY, naps=naps).is_complete
    assert naps == [1.0, 2.0, 1.0]
    assert tree(tmp_path / "b") == one_day


def test_body_that_is_no_json_leaves_the_part_missing_and_the_others_fetched(
    exchange: Exchange, one_day: dict[str, bytes], tmp_path: Path
) -> None:
    def spoil(_number: int, url: str) -> Response | None:
        return PlainTextResponse('{"candlesticks": [') if "KXHIGHNY-26OCT30-T" in url else None

    exchange.door.interfere = spoil
    report = run(exchange, tmp_path / "a", days=ONE_DAY)
    assert list(report.missing) == [PartKey("ladders", "NYC", FIRST, FIRST)]
    assert report.fetched == 1
    exchange.door.interfere = lambda _number, _url: None
    assert run(exchange, tmp_path / "a", days=ONE_DAY).fetched == 1
    assert tree(tmp_path / "a") == one_day


def test_exchange_that_is_down_is_left_alone_after_some_parts(exchange: Exchange, tmp_path: Path) -> None:
    exchange.door.interfere = lambda _number, _url: PlainTextResponse("down", 503)
    report = run(exchange, tmp_path / "a")
    assert len(report.missing) == 6
    assert sum("does not answer" in why for why in report.missing.values()) == 3
    assert len(exchange.door.asked) == 18


def test_ladder_with_a_market_missing_is_not_taken(exchange: Exchange, tmp_path: Path) -> None:
    def fewer(_number: int, url: str) -> Response | None:
        return JSONResponse({"event": event}) if "/events/KXHIGHNY-26OCT30" in url else None

    answer = fetch_json(exchange, "/events/KXHIGHNY-26OCT30?with_nested_markets=true")
    event = answer["event"]
    event["markets"].pop(2)
    exchange.door.interfere = fewer
    report = run(exchange, tmp_path / "a", days=ONE_DAY, cities=("NYC",))
    assert "EVENT_NOT_PARTITION" in str([*report.missing.values()])


def test_candles_that_cannot_be_are_counted_and_left_out(exchange: Exchange, tmp_path: Path) -> None:
    ticker = read_tickers(exchange)[0]
    clean = run(exchange, tmp_path / "a", days=ONE_DAY, cities=("NYC",))
    answer = fetch_json(exchange, candles_of(ticker))
    candles = answer["candlesticks"]
    junk = json.loads(json.dumps(candles[5]))
    crossed, late, odd = (json.loads(json.dumps(candles[5])) for _ in range(3))
    crossed["end_period_ts"] += 60 * 60 * 3 + 60
    crossed["yes_bid"]["close_dollars"], crossed["yes_ask"]["close_dollars"] = "0.60", "0.40"
    late["end_period_ts"] += 60 * 60 * 24 * 9
    odd["end_period_ts"] += 7
    junk["yes_bid"] = "0.40"
    spoiled = {**answer, "candlesticks": [*candles, candles[3], crossed, late, odd, junk]}
    exchange.door.interfere = lambda _number, url: JSONResponse(spoiled) if f"/{ticker}/c" in url else None

    report = run(exchange, tmp_path / "b", days=ONE_DAY, cities=("NYC",))

    assert report.is_complete
    assert report.refused == {
        "candle_twice": 1,
        "crossed": 1,
        "candle_out_of_place": 2,
        "volume_of_candles_differs": 1,
        "malformed": 1,
    }
    assert clean.refused == {}
    recording = read(tmp_path / "b", SETTLED)
    assert recording.report.refused == {}
    manifest = json.loads((tmp_path / "b" / "manifest.json").read_text())
    assert manifest["refused"] == report.refused


def test_candles_that_did_not_come_are_noticed_by_the_volume(exchange: Exchange, tmp_path: Path) -> None:
    ticker = read_tickers(exchange)[2]
    answer = fetch_json(exchange, candles_of(ticker))
    traded = next(one for one in answer["candlesticks"] if Decimal(one["volume_fp"]))
    answer["candlesticks"].remove(traded)
    exchange.door.interfere = lambda _number, url: JSONResponse(answer) if f"/{ticker}/c" in url else None
    report = run(exchange, tmp_path / "a", days=ONE_DAY, cities=("NYC",))
    assert report.refused == {"volume_of_candles_differs": 1}

    answer["candlesticks"].clear()
    report = run(exchange, tmp_path / "b", days=ONE_DAY, cities=("NYC",))
    assert ["no candlesticks of" in why for why in report.missing.values()] == [True]


def test_page_that_repeats_its_cursor_is_refused(tmp_path: Path) -> None:
    with exchange_at(ARCHIVED) as exchange:
        answer = fetch_json(exchange, "/historical/markets?event_ticker=KXHIGHNY-26OCT30")
        answer["cursor"] = "again"
        exchange.door.interfere = lambda _number, url: (
            JSONResponse(answer) if "/historical/markets?event_ticker=KXHIGHNY-26OCT30" in url else None
        )
        report = run(exchange, tmp_path / "a", days=ONE_DAY)
    assert "repeats a cursor" in report.missing[PartKey("ladders", "NYC", FIRST, FIRST)]
    assert report.fetched == 1


@pytest.mark.parametrize("spoil", ["file", "other files", "other world", "other import"])
def test_folder_that_cannot_take_an_import(exchange: Exchange, tmp_path: Path, spoil: str) -> None:
    out = tmp_path / "a"
    if spoil == "file":
        out.write_text("")
    elif spoil == "other files":
        out.mkdir()
        (out / "letter").write_text("")
    else:
        run(exchange, out, days=ONE_DAY)
    if spoil == "other world":
        (out / "parts" / "sources.json").write_text('{"exchange": "elsewhere"}\n')
    with ExitStack() as stack:
        if spoil == "other import":
            other = stack.enter_context((out / "parts" / ".lock").open("wb"))
            fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(UnusableArchive):
            run(exchange, out, days=ONE_DAY)


def test_nobody_listening_is_an_unreachable_exchange(tmp_path: Path) -> None:
    report = fetch_from(tmp_path / "a", SETTLED, days=ONE_DAY, cities=("NYC",))
    assert ["no connection" in why or "no answer" in why for why in report.missing.values()] == [True]


def fetch_json(exchange: Exchange, path: str) -> dict[str, Any]:
    found: dict[str, Any] = requests.get(exchange.url + path, timeout=10).json()
    return found


def read_tickers(exchange: Exchange) -> list[str]:
    event = fetch_json(exchange, "/events/KXHIGHNY-26OCT30?with_nested_markets=true")["event"]
    return [market["ticker"] for market in event["markets"]]


def candles_of(ticker: str) -> str:
    since, until = int(datetime(2026, 10, 29, 14, tzinfo=UTC).timestamp()), int(SETTLED.timestamp())
    return f"/series/KXHIGHNY/markets/{ticker}/candlesticks?start_ts={since}&end_ts={until}&period_interval=1"
