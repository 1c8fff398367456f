"""Parts of an archive: whole or not there, whatever happens to the process, the journal or the disk."""

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading.archive.parts import JOURNAL, Part, PartKey, PartStore, UnusableArchive, write_whole

DAY = date(2026, 9, 15)
KEY = PartKey("ladders", "CHI", DAY, DAY)
MONTH = PartKey("guidance", "NYC", date(2026, 9, 1), date(2026, 9, 30))
ROWS = {"quotes": [("KXHIGHCHI-26SEP15-B74.5", "2026-09-15T12:00:00Z", "0.41")]}


def test_part_is_read_as_it_was_saved(tmp_path: Path) -> None:
    part = Part(KEY, DAY, ROWS, {"crossed": 2, "candle_twice": 0})
    PartStore(tmp_path).save(part)

    found = PartStore(tmp_path).load(KEY)

    assert (found.through, found.rows, found.refused) == (DAY, ROWS, {"crossed": 2})
    assert PartStore(tmp_path).keys() == [KEY]


def test_same_part_has_the_same_bytes() -> None:
    assert Part(KEY, DAY, ROWS).to_bytes() == Part(KEY, DAY, {"trades": [], **ROWS}).to_bytes()


def test_part_covers_what_it_holds_to_the_end(tmp_path: Path) -> None:
    store = PartStore(tmp_path)
    assert not store.covers(MONTH, DAY)
    store.save(Part(MONTH, date(2026, 9, 20), {}))
    assert store.covers(MONTH, date(2026, 9, 20))
    assert not store.covers(MONTH, date(2026, 9, 21)), "the month was not over when it was fetched"
    store.save(Part(MONTH, MONTH.last, {}))
    assert PartStore(tmp_path).covers(MONTH, date(2026, 12, 31))


@pytest.mark.parametrize("harm", ["cut", "changed", "gone"])
def test_harmed_part_counts_as_missing(tmp_path: Path, harm: str) -> None:
    PartStore(tmp_path).save(Part(KEY, DAY, ROWS))
    path = tmp_path / KEY.name
    content = path.read_bytes()
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes(content[:-3] if harm == "cut" else Part(KEY, DAY, {}).to_bytes())

    store = PartStore(tmp_path)

    assert not store.covers(KEY, DAY)
    assert store.keys() == []
    with pytest.raises(UnusableArchive):
        store.load(KEY)


@settings(max_examples=30)
@given(cut=st.integers(0, 400))
def test_journal_cut_anywhere_names_only_whole_parts(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    store = PartStore(folder)
    for key in (KEY, MONTH):
        store.save(Part(key, key.last, ROWS))
    journal = folder / JOURNAL
    whole = journal.read_bytes()
    journal.write_bytes(whole[:cut])

    found = PartStore(folder)

    ends = [position + 1 for position, byte in enumerate(whole) if byte == ord("\n")]
    # The last line may lack its end and still be whole.
    assert len(found.keys()) == sum(end - 1 <= cut for end in ends)
    found.save(Part(KEY, DAY, ROWS))
    assert PartStore(folder).covers(KEY, DAY)


def test_tidying_leaves_one_line_a_part_and_nothing_unfinished(tmp_path: Path) -> None:
    store = PartStore(tmp_path)
    for key in (KEY, MONTH, KEY):
        store.save(Part(key, key.last, ROWS))
    (tmp_path / "ladders" / "CHI" / "2026-09-16.json.gz.unfinished").write_bytes(b"half")

    store.tidy()

    names = [json.loads(line)["part"] for line in (tmp_path / JOURNAL).read_text().splitlines()]
    assert names == [MONTH.name, KEY.name]
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == sorted(
        [JOURNAL, Path(KEY.name).name, Path(MONTH.name).name]
    )


@pytest.mark.parametrize(
    "name", ["ladders/CHI", "ladders/CHI/x.json.gz", "../CHI/2026-09-15.json", "a/b/c/d"]
)
def test_name_of_no_part_is_refused(name: str) -> None:
    with pytest.raises(ValueError):
        PartKey.of_name(name)


@pytest.mark.parametrize("key", [KEY, MONTH])
def test_name_tells_the_key(key: PartKey) -> None:
    assert PartKey.of_name(key.name) == key


def test_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a" / "file"
    write_whole(path, b"before")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("trading.archive.parts.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"after")
    assert path.read_bytes() == b"before"
