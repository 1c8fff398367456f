"""Files read by array: the same as row by row, whatever stands in them, and by the row where anything is odd."""

import csv
import gzip
import tracemalloc
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from milkbot.core.cities import load_cities
from tests.trading.backtest.recordings import event_rows, write
from trading.backtest.plain_quotes import PlainQuotes, read_plain
from trading.backtest.quote_history import micros_of
from trading.backtest.recorded import read_recorded
from trading.backtest.recorded_quotes import HEADERS, QUOTE_COLUMNS
from trading.backtest.recorded_rows import UnreadableRecording
from trading.backtest.recorded_types import Recording

CHI = load_cities()["CHI"]
DAY, NOW = date(2026, 9, 15), datetime(2026, 9, 20, tzinfo=UTC)
TICKER, OTHER = "KXHIGHCHI-26SEP15-B74.5", "KXHIGHCHI-26SEP15-T70"
OUTSIDE = "KXHIGHCHI-26SEP16-B74.5"
OPENS = datetime(2026, 9, 14, 14, tzinfo=UTC)
LINE = f"{TICKER},2026-09-15T12:00:00Z,0.40,0.42,0.41,100,50"

PRICES = ("", "", "0.40", "0.4", "0.4000", "0.07", "0.93", "0.99")
ODD_PRICES = ("0.405", "1.00", "0.00", "0", ".4", "00.4", " 0.4", "0.4 ", "4e-1", "0._4", "0.4é", "NaN")
COUNTS = ("", "0", "100", "7.5", "7.25", "007", "999999999999.99")
ODD_COUNTS = ("-1", "7.255", "1000000000000", "1e3", "1_0", ".", "7.", ".5", "+1", "inf", "1.2.3", "0x1")
AFTER_CLOSE = "2026-09-16T06:30:00Z"
ODD_TIMES = (
    *("2026-09-31T12:00:00Z", "2026-09-15T24:00:00Z", "2026-09-15T12:00:60Z", "2026-09-15T12:00:00"),
    *("2026-09-15 12:00:00Z", "2026-09-15T12:00:00z", "2026-09-15T12:00Z", "2026-09-21T12:00:00Z"),
    *(AFTER_CLOSE, "2026-09-14T13:00:00Z", "2026-09-15T12:00:00.5Z", "", "NaT"),
)


class _Span(NamedTuple):
    first: int
    last: int


@st.composite
def rows(draw: st.DrawFn) -> list[list[str]]:
    """Plain rows a minute apart, with or without sizes, and perhaps a few fields that are not plain."""
    has_sizes = draw(st.booleans())
    found = []
    for minute in range(draw(st.integers(1, 12))):
        at = f"{OPENS + timedelta(minutes=minute):%Y-%m-%dT%H:%M:%SZ}"
        bid, ask = draw(st.sampled_from([("", ""), ("", "0.4"), ("0.07", "0.93"), ("0.40", "0.42")]))
        sizes = [draw(st.sampled_from(["", "1", "2.50"])) if price else "" for price in (bid, ask)]
        counts = [draw(st.sampled_from(COUNTS)) for _ in range(2)]
        ticker = draw(st.sampled_from([TICKER, TICKER, OTHER, OUTSIDE]))
        last = draw(st.sampled_from(PRICES))
        found.append([ticker, at, bid, ask, last, *counts, *(sizes if has_sizes else [])])
    for _ in range(draw(st.integers(0, 2))):
        row = draw(st.sampled_from(found))
        column = draw(st.integers(0, len(row) - 1))
        other = {
            0: ("nobody", "", TICKER.lower()),
            1: (*ODD_TIMES, found[0][1]),
            **dict.fromkeys((2, 3, 4), (*PRICES, *ODD_PRICES)),
        }
        row[column] = draw(st.sampled_from(other.get(column, (*COUNTS, *ODD_COUNTS))))
    return found


def read(folder: Path, body: list[list[str]], *, quoting: int) -> tuple[Recording, Path]:
    write(folder, events=[*event_rows(CHI, DAY), *event_rows(CHI, DAY + timedelta(days=1))], quotes=[])
    path = folder / "kalshi" / "ladders" / "quotes_ALL.csv"
    header = next(columns for columns in HEADERS if len(columns) == len(body[0]))
    with path.open("w", newline="", encoding="utf-8") as file:
        file.write(",".join(header) + "\n")
        csv.writer(file, lineterminator="\n", quoting=quoting).writerows(body)  # type: ignore[arg-type]
    return read_recorded(folder, NOW, last=DAY), path


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows())
def test_whatever_stands_in_a_file_it_reads_as_row_by_row(tmp_path: Path, body: list[list[str]]) -> None:
    by_row, _ = read(tmp_path, body, quoting=csv.QUOTE_ALL)
    found, path = read(tmp_path, body, quoting=csv.QUOTE_NONE)
    assert found == by_row
    event("plain" if plain(path) else "odd")


def plain(path: Path) -> PlainQuotes | None:
    span = _Span(micros_of(OPENS), micros_of(NOW))
    return read_plain(path, HEADERS, {TICKER: span, OTHER: span}, {OUTSIDE})


def written(folder: Path, text: str | bytes, name: str = "quotes.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def lines(*body: str) -> str:
    return "\n".join([",".join(QUOTE_COLUMNS), *body]) + "\n"


def test_plain_file_is_read_by_array_and_every_row_counted(tmp_path: Path) -> None:
    body = lines(LINE, LINE.replace(TICKER, OUTSIDE), LINE.replace("12:00", "12:01").replace("0.40", ""))
    for path in (written(tmp_path, body), written(tmp_path, gzip.compress(body.encode()), "quotes.csv.gz")):
        found = plain(path)
        assert found is not None
        assert (found.rows, found.outside) == (3, 1)
        assert found.histories[TICKER].yes_bid.tolist() == [400_000, 0]
        assert not found.histories[TICKER].has_sizes


@pytest.mark.parametrize(
    "text",
    [
        "",
        lines(),
        lines("")[:-1],
        lines(LINE)[:-1],
        lines(LINE, ""),
        lines(LINE).replace("\n", "\r\n"),
        lines(LINE).replace("ticker", "Ticker"),
        lines(LINE.replace("0.40", '"0.40"')),
        lines(LINE + ","),
        lines(LINE[:-3]),
        lines(LINE.replace(TICKER, "nobody")),
        lines(LINE.replace(TICKER, TICKER + "x" * 40)),
        lines(LINE, LINE),
        lines(LINE, LINE.replace("12:00", "11:59")),
        lines(LINE.replace("0.42", "0.40")),
        *(lines(LINE.replace("0.41", price)) for price in ODD_PRICES),
        *(lines(LINE.replace("100", count)) for count in ODD_COUNTS),
        *(lines(LINE.replace("2026-09-15T12:00:00Z", time)) for time in ODD_TIMES if time != AFTER_CLOSE),
    ],
)
def test_anything_odd_is_left_to_be_read_by_the_row(tmp_path: Path, text: str) -> None:
    assert plain(written(tmp_path, lines(LINE))) is not None
    assert plain(written(tmp_path, text)) is None


@pytest.mark.parametrize("line", ["\n", ",,,,,,\n"])
def test_bomb_of_empty_lines_takes_no_more_than_its_text(tmp_path: Path, line: str) -> None:
    size = 4 * 1024 * 1024
    path = written(
        tmp_path, gzip.compress((lines()[:-1] + line * (size // len(line))).encode()), "bomb.csv.gz"
    )
    tracemalloc.start()
    try:
        assert plain(path) is None
        assert tracemalloc.get_traced_memory()[1] < 6 * size
    finally:
        tracemalloc.stop()


def test_file_that_cannot_be_unpacked_is_refused_as_unreadable(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(lines(LINE * 50).encode(), mtime=0))
    packed[14:18] = b"\xff\xff\xff\xff"
    assert plain(written(tmp_path, bytes(packed), "quotes.csv.gz")) is None
    write(tmp_path, events=event_rows(CHI, DAY), quotes=[])
    written(tmp_path / "kalshi" / "ladders", bytes(packed), "quotes_more.csv.gz")
    with pytest.raises(UnreadableRecording, match=r"quotes_more\.csv\.gz: cannot be read"):
        read_recorded(tmp_path, NOW)


def test_cut_or_missing_file_is_left_to_be_complained_of_by_the_row(tmp_path: Path) -> None:
    packed = gzip.compress(lines(LINE).encode())
    assert plain(written(tmp_path, packed[:-12], "quotes.csv.gz")) is None
    assert plain(tmp_path / "nothing.csv") is None
