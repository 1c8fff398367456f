"""The one reader of recordings: what it accepts, what it refuses, and that every row is accounted for."""

import gzip
import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from milkbot.core.cities import load_cities
from tests.trading.backtest.recordings import event_rows, forecast_rows, quote_rows, write, write_days
from trading.backtest.recorded import PUBLICATION_MARGIN, read_recorded
from trading.backtest.recorded_rows import UnreadableRecording
from trading.backtest.recorded_types import Fault, Recording

CHI, NYC = load_cities()["CHI"], load_cities()["NYC"]
DAY = date(2026, 9, 15)
NOW = datetime(2026, 9, 20, tzinfo=UTC)
TICKER = "KXHIGHCHI-26SEP15-B74.5"
HALF_HOUR = timedelta(minutes=30)
Rows = list[list[object]]


def quote(at: str = "2026-09-15T12:00:00Z", bid: object = "0.40", ask: object = "0.42") -> list[object]:
    return [TICKER, at, bid, ask, "0.41", "100", "50"]


def forecast(
    issued: str = "2026-09-14T12:00:00Z", available: str = "", high_f: object = 74, kind: str = "day_high"
) -> list[object]:
    return ["CHI", DAY, issued, available, "nws_bulletin", kind, high_f]


def spoiled(change: Callable[[Rows], object]) -> Rows:
    rows = event_rows(CHI, DAY)
    change(rows)
    return rows


def lively() -> Rows:
    """Another bracket that moves every hour until noon, so that nobody can say the recorder slept."""
    ticker = "KXHIGHCHI-26SEP15-T70"
    hours = (datetime(2026, 9, 14, 14, tzinfo=UTC) + timedelta(hours=n) for n in range(28))
    return [[ticker, f"{at:%Y-%m-%dT%H:%M:%SZ}", "0.03", "0.05", "0.04", 1, 1] for at in hours]


def read(
    folder: Path, *, quotes: Rows | None = None, events: Rows | None = None, forecasts: Rows | None = None
) -> Recording:
    rows = [quote()] if quotes is None else quotes
    write(
        folder,
        events=event_rows(CHI, DAY) if events is None else events,
        quotes=[*rows, *(lively() if events is None else [])],
        forecasts=[forecast()] if forecasts is None else forecasts,
    )
    return read_recorded(folder, NOW)


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ([quote("2026-09-15T12:00:00")], Fault.NOT_UTC),
        ([quote("2026-09-15T07:00:00-05:00")], Fault.NOT_UTC),
        ([quote("2026-09-31T12:00:00Z")], Fault.UNREADABLE),
        ([quote("2026-09-21T12:00:00Z")], Fault.FUTURE_STAMPED),
        ([quote("2026-09-16T06:30:00Z")], Fault.AFTER_CLOSE),
        ([quote("2026-09-14T13:00:00Z")], Fault.BEFORE_OPEN),
        ([quote(bid="0.42", ask="0.42")], Fault.CROSSED),
        ([quote(bid="0.0000")], Fault.PRICE_OUT_OF_RANGE),
        ([quote(ask="1.00")], Fault.PRICE_OUT_OF_RANGE),
        ([quote(ask="NaN")], Fault.UNREADABLE),
        ([quote(ask="0.42000001")], Fault.UNREADABLE),
        ([["KXHIGHCHI-26SEP16-B74.5", *quote()[1:]]], Fault.UNKNOWN_EVENT),
        ([quote()[:6]], Fault.FIELD_COUNT),
        ([[*quote()[:5], "-3", ""]], Fault.IMPLAUSIBLE),
    ],
)
def test_bad_quote_is_refused_with_its_place(tmp_path: Path, rows: Rows, fault: Fault) -> None:
    recording = read(tmp_path, quotes=[quote(), *rows])
    assert len(recording.quotes[TICKER]) == 1
    assert recording.report.refused == {fault: 1}
    assert [(note.file, note.line, note.fault) for note in recording.report.notes] == [
        ("quotes_ALL.csv", 3, fault)
    ]


def test_second_quote_of_a_minute_is_refused_and_an_unsorted_one_put_in_its_place(tmp_path: Path) -> None:
    late, early = quote("2026-09-15T12:05:00Z"), quote("2026-09-15T12:00:00Z")
    recording = read(tmp_path, quotes=[late, early, quote("2026-09-15T12:05:00Z", bid="0.10")])
    assert [entry.at.minute for entry in recording.quotes[TICKER]] == [0, 5]
    assert recording.quotes[TICKER][1].yes_bid == Decimal("0.40")
    assert recording.report.refused == {Fault.DUPLICATE: 1}
    assert recording.report.flagged == {Fault.UNSORTED: 1}


def test_price_between_two_cents_is_used_and_flagged(tmp_path: Path) -> None:
    recording = read(tmp_path, quotes=[quote(bid="0.4050")])
    assert recording.quotes[TICKER][0].yes_bid == Decimal("0.4050")
    assert recording.report.flagged == {Fault.OFF_CENT: 1}


def with_sizes(folder: Path, *sizes: tuple[str, str]) -> Path:
    """The folder's quotes with the columns of displayed sizes; a further row a minute for each pair."""
    path = folder / "kalshi" / "ladders" / "quotes_ALL.csv"
    header, first, *_ = path.read_text(encoding="utf-8").splitlines()
    rows = [
        ",".join([first.replace("12:00:00Z", f"12:0{minute}:00Z"), *pair])
        for minute, pair in enumerate(sizes)
    ]
    path.write_text("\n".join([f"{header},yes_bid_size,yes_ask_size", *rows]) + "\n", encoding="utf-8")
    return folder


def test_displayed_sizes_are_read_where_they_were_recorded(tmp_path: Path) -> None:
    plain = read(tmp_path).quotes[TICKER][0]
    assert (plain.yes_bid_size, plain.yes_ask_size) == (None, None)
    recording = read_recorded(with_sizes(tmp_path, ("120", "75.50"), ("", "3")), NOW)
    assert [(entry.yes_bid_size, entry.yes_ask_size) for entry in recording.quotes[TICKER]] == [
        (Decimal(120), Decimal("75.50")),
        (None, Decimal(3)),
    ]
    assert not recording.report.refused


@pytest.mark.parametrize("sizes", [("0", "3"), ("-1", "3"), ("1", "9e12")])
def test_size_that_cannot_be_displayed_is_refused(tmp_path: Path, sizes: tuple[str, str]) -> None:
    read(tmp_path)
    recording = read_recorded(with_sizes(tmp_path, sizes, ("1", "1")), NOW)
    assert len(recording.quotes[TICKER]) == 1
    assert recording.report.refused == {Fault.IMPLAUSIBLE: 1}


def test_size_without_a_price_is_refused(tmp_path: Path) -> None:
    read(tmp_path, quotes=[quote(bid="")])
    recording = read_recorded(with_sizes(tmp_path, ("5", "3"), ("", "3")), NOW)
    assert len(recording.quotes[TICKER]) == 1
    assert recording.report.refused == {Fault.IMPLAUSIBLE: 1}


def test_half_of_the_size_columns_is_no_format(tmp_path: Path) -> None:
    read(tmp_path)
    path = with_sizes(tmp_path, ("1", "1")) / "kalshi" / "ladders" / "quotes_ALL.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(",yes_ask_size", ""), encoding="utf-8")
    with pytest.raises(UnreadableRecording, match="may end in yes_bid_size,yes_ask_size"):
        read_recorded(tmp_path, NOW)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda rows: rows.pop(2), Fault.NOT_PARTITION),
        (lambda rows: rows[2].__setitem__(6, 71), Fault.NOT_PARTITION),
        (lambda rows: rows[2].__setitem__(5, "about"), Fault.NOT_PARTITION),
        (lambda rows: rows[0].__setitem__(10, "yes"), Fault.RESULT_CONTRADICTORY),
        (lambda rows: rows[3].__setitem__(10, "no"), Fault.RESULT_CONTRADICTORY),
        (lambda rows: rows[3].__setitem__(10, "maybe"), Fault.RESULT_CONTRADICTORY),
        (lambda rows: [row.__setitem__(11, 99) for row in rows], Fault.RESULT_CONTRADICTORY),
        (lambda rows: rows[1].__setitem__(9, "2026-09-16T05:00:00Z"), Fault.IMPLAUSIBLE),
        (lambda rows: [row.__setitem__(9, "2026-09-16T01:00:00") for row in rows], Fault.NOT_UTC),
        (lambda rows: [row.__setitem__(8, "2026-09-25T14:00:00Z") for row in rows], Fault.IMPLAUSIBLE),
        (lambda rows: [row.__setitem__(1, "KXHIGHNY") for row in rows], Fault.UNKNOWN_CITY),
        (lambda rows: [row.__setitem__(0, "XXX") for row in rows], Fault.UNKNOWN_CITY),
        (lambda rows: [row.__setitem__(2, "KXHIGHCHI-26SEP14") for row in rows], Fault.UNREADABLE),
    ],
)
def test_event_that_is_not_whole_is_refused_with_all_that_belongs_to_it(
    tmp_path: Path, change: Callable[[Rows], object], fault: Fault
) -> None:
    rows = spoiled(change)
    listed = any(row[4] == TICKER for row in rows)
    recording = read(tmp_path, events=rows)
    assert recording.events == ()
    assert recording.quotes == {}
    orphan = Fault.EVENT_REFUSED if listed else Fault.UNKNOWN_EVENT
    assert recording.report.refused == {fault: len(rows), orphan: 1}


def test_event_row_that_comes_twice_is_refused_and_the_event_stays(tmp_path: Path) -> None:
    rows = event_rows(CHI, DAY)
    recording = read(tmp_path, events=[*rows, rows[3]])
    assert len(recording.events) == 1
    assert recording.report.refused == {Fault.DUPLICATE: 1}


def test_event_that_closes_in_another_zone_is_flagged(tmp_path: Path) -> None:
    rows = spoiled(lambda rows: [row.__setitem__(9, "2026-09-15T23:59:00Z") for row in rows])
    recording = read(tmp_path, events=rows, quotes=[quote(), *lively()])
    assert recording.report.flagged == {Fault.CLOSE_TIME_MISMATCH: 1}


def test_result_before_the_close_is_left_out(tmp_path: Path) -> None:
    rows = [quote(), *lively()]
    write(tmp_path, events=event_rows(CHI, DAY), quotes=rows, forecasts=[forecast()])
    recording = read_recorded(tmp_path, datetime(2026, 9, 15, 18, tzinfo=UTC))
    assert not recording.events[0].is_decided
    assert recording.events[0].settle_f is None
    assert recording.report.flagged == {Fault.RESULT_TOO_EARLY: 1}


def test_days_that_are_missing_and_events_without_quotes_are_flagged(tmp_path: Path) -> None:
    events = [*event_rows(CHI, DAY), *event_rows(CHI, DAY + timedelta(days=3))]
    recording = read(tmp_path, events=events, quotes=[quote(), *lively()])
    assert recording.report.flagged == {Fault.MISSING_EVENT: 1, Fault.NO_QUOTES: 1}


def test_event_in_which_nothing_moves_for_longer_than_a_night_is_flagged(tmp_path: Path) -> None:
    rows = lively()
    write(tmp_path, events=event_rows(CHI, DAY), quotes=rows[:8] + rows[13:])
    assert read_recorded(tmp_path, NOW).report.flagged == {}
    write(tmp_path, events=event_rows(CHI, DAY), quotes=rows[:8] + rows[15:])
    gapped = read_recorded(tmp_path, NOW)
    assert gapped.report.flagged == {Fault.QUOTE_GAP: 1}
    assert "8.0 hours" in gapped.report.notes[0].text
    assert len(gapped.quotes["KXHIGHCHI-26SEP15-T70"]) == 21


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (forecast(issued="2026-09-21T12:00:00Z"), Fault.FUTURE_STAMPED),
        (forecast(available="2026-09-14T11:59:00Z"), Fault.IMPLAUSIBLE),
        (forecast(issued="2026-09-14"), Fault.NOT_UTC),
        (forecast(high_f=740), Fault.IMPLAUSIBLE),
        (forecast(kind="low"), Fault.UNREADABLE),
        (forecast(), Fault.DUPLICATE),
    ],
)
def test_bad_forecast_is_refused(tmp_path: Path, row: list[object], fault: Fault) -> None:
    recording = read(tmp_path, forecasts=[forecast(), row])
    assert len(recording.forecasts["CHI", DAY]) == 1
    assert recording.report.refused == {fault: 1}


def test_forecast_is_unknown_until_it_was_available(tmp_path: Path) -> None:
    issued = datetime(2026, 9, 14, 12, tzinfo=UTC)
    later = forecast("2026-09-14T18:00:00Z", "2026-09-14T21:00:00Z", 77)
    recording = read(tmp_path, forecasts=[later, forecast()])

    def high_at(now: datetime) -> Decimal | None:
        known = recording.forecast_at("CHI", DAY, now)
        return known and known.high_f

    assert high_at(issued + PUBLICATION_MARGIN - timedelta(seconds=1)) is None
    assert high_at(issued + PUBLICATION_MARGIN) == 74
    assert high_at(datetime(2026, 9, 14, 20, 59, tzinfo=UTC)) == 74
    assert high_at(datetime(2026, 9, 14, 21, tzinfo=UTC)) == 77


@pytest.mark.parametrize("spoil", [b"", b"a,b\n1,2\n", b"\x1f\x8b\x08\x00cut", b"city,\xff\n"])
def test_file_that_is_no_recording_raises_with_its_name(tmp_path: Path, spoil: bytes) -> None:
    read(tmp_path)
    (tmp_path / "weather" / "forecasts.csv").write_bytes(spoil)
    with pytest.raises(UnreadableRecording, match=r"forecasts\.csv"):
        read_recorded(tmp_path, NOW)


def test_gzip_that_ends_too_soon_raises(tmp_path: Path) -> None:
    read(tmp_path)
    plain = tmp_path / "weather" / "forecasts.csv"
    (tmp_path / "weather" / "forecasts.csv.gz").write_bytes(gzip.compress(plain.read_bytes())[:-12])
    plain.unlink()
    with pytest.raises(UnreadableRecording, match="cannot be read"):
        read_recorded(tmp_path, NOW)


def test_only_what_is_asked_for_is_read_and_the_rest_counted(tmp_path: Path) -> None:
    write_days(tmp_path, ("CHI", "NYC"), DAY, 3)
    recording = read_recorded(tmp_path, NOW, cities=["NYC"], first=DAY, last=DAY + timedelta(days=1))
    assert [event.event_ticker for event in recording.events] == ["KXHIGHNY-26SEP15", "KXHIGHNY-26SEP16"]
    assert recording.report.files["events.csv"].outside == 24
    assert recording.report.refused == {}


FIELDS = st.sampled_from(
    ["", "0", "0.41", "1", "-1", "NaN", TICKER, "2026-09-15T12:00:00Z", "CHI", "x,y", "é\0"]
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(garbage=st.lists(st.lists(FIELDS, max_size=8), max_size=12), places=st.randoms())
def test_every_row_is_used_outside_or_refused_whatever_it_says(
    tmp_path: Path, garbage: Rows, places: random.Random
) -> None:
    quotes = [*quote_rows(CHI, DAY, timedelta(hours=4)), *quote_rows(NYC, DAY, timedelta(hours=9))]
    rows = [*quotes, *garbage]
    places.shuffle(rows)
    recording = read(tmp_path, quotes=rows, forecasts=[*forecast_rows(CHI, [DAY]), *garbage])
    for counted in recording.report.files.values():
        assert counted.rows == counted.used + counted.outside + counted.refused
    kept = [at for history in recording.quotes.values() for at in history]
    assert recording.report.files["quotes_ALL.csv"].used == len(kept)
    assert all(entry.at <= NOW for entry in kept)
    for history in recording.quotes.values():
        assert [entry.at for entry in history] == sorted({entry.at for entry in history})


def test_recorded_data_are_read_whole_and_clean(shared_data: Path) -> None:
    recording = read_recorded(shared_data, datetime(2026, 11, 20, tzinfo=UTC), cities=["CHI", "MIA"])
    assert len(recording.events) == 47
    assert recording.report.files["quotes_KXHIGHCHI_2025-05-01_2025-05-31.csv.gz"].used == 66_774
    assert recording.report.files["quotes_KXHIGHMIA_2026-04-20_2026-05-03.csv.gz"].used == 17_802
    # The two events at the ends, and the day after the first, of which the archive holds parts only.
    assert (recording.report.refused, recording.report.flagged) == ({}, {Fault.QUOTE_GAP: 3})
    gapped = {note.text.split()[0] for note in recording.report.notes}
    assert gapped == {"KXHIGHCHI-25APR30", "KXHIGHCHI-25MAY01", "KXHIGHCHI-25JUN01"}
    chicago = next(event for event in recording.events if event.event_ticker == "KXHIGHCHI-25MAY14")
    assert chicago.settle_f == 80
    assert [entry.market.ticker[-3:] for entry in chicago.markets if entry.result == "yes"] == ["T78"]


def test_files_shared_out_among_processes_are_read_alike(tmp_path: Path) -> None:
    write_days(tmp_path, ["CHI", "NYC"], DAY, 2)
    ladders = tmp_path / "kalshi" / "ladders"
    _split_by_city(ladders)
    (ladders / "quotes_more.csv").write_text(
        "ticker,ts_utc,yes_bid,yes_ask,last,volume,open_interest\nnobody,x,,,,,\n"
    )
    alone = read_recorded(tmp_path, NOW)
    assert alone.report.refused == {Fault.UNKNOWN_EVENT: 1}
    assert read_recorded(tmp_path, NOW, processes=3) == alone


def test_market_in_two_files_is_read_in_their_order_by_however_many(tmp_path: Path) -> None:
    read(tmp_path)
    ladders = tmp_path / "kalshi" / "ladders"
    rows = next(ladders.glob("quotes_*")).read_text().splitlines()
    (ladders / "quotes_zz.csv").write_text("\n".join([rows[0], rows[1], rows[2]]) + "\n")
    alone = read_recorded(tmp_path, NOW)
    assert alone.report.refused == {Fault.DUPLICATE: 2}
    assert read_recorded(tmp_path, NOW, processes=2) == alone


def _split_by_city(ladders: Path) -> None:
    """One file of quotes for each series, as exports have it."""
    (path,) = ladders.glob("quotes_*")
    header, *rows = path.read_text().splitlines()
    path.unlink()
    for city in (CHI, NYC):
        own = [row for row in rows if row.startswith(f"{city.kalshi_series}-")]
        (ladders / f"quotes_{city.kalshi_series}.csv").write_text("\n".join([header, *own]) + "\n")
