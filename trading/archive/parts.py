"""The pieces an archive is collected in: one small file each, whole or not there at all.

A part is written beside its place, flushed to the disk and moved there; only then does the journal name it with its
digest. So a process that dies at any moment leaves parts that are complete, and at most one that nobody counts on.
"""

import gzip
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final, NamedTuple

from milkbot.core.errors import MilkbotError
from trading.archive.text import Row

JOURNAL: Final = "parts.jsonl"
_UNFINISHED: Final = ".unfinished"


class UnusableArchive(MilkbotError):
    """A folder that cannot take an archive, or a part that is not what it was when it was written."""


class PartKey(NamedTuple):
    """Which part: climate days `first` to `last` of a city, both included."""

    kind: str
    city: str
    first: date
    last: date

    @property
    def name(self) -> str:
        """Its place below the folder of parts."""
        days = f"{self.first}" if self.first == self.last else f"{self.first}_{self.last}"
        return f"{self.kind}/{self.city}/{days}.json.gz"

    @classmethod
    def of_name(cls, name: str) -> "PartKey":
        """Raises ValueError for a name that `name` does not give."""
        kind, city, file = name.split("/")
        first, _, last = file.removesuffix(".json.gz").partition("_")
        key = cls(kind, city, date.fromisoformat(first), date.fromisoformat(last or first))
        if key.name != name:
            raise ValueError(f"{name[:80]!r} names no part")
        return key


@dataclass(frozen=True, slots=True)
class Part:
    """Rows by table, ready to be written, and what had to be left out of them.

    `through` is the last day of which all there will ever be is here: an event that is not paid yet will be asked for
    again. `refused` counts answers that were not used, by reason.
    """

    key: PartKey
    through: date
    rows: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    refused: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether there was nothing to be had."""
        return not any(self.rows.values())

    def to_bytes(self) -> bytes:
        """Compressed JSON, the same for the same part."""
        content = {
            "through": self.through.isoformat(),
            "rows": {table: rows for table, rows in self.rows.items() if rows},
            "refused": {reason: count for reason, count in self.refused.items() if count},
        }
        text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return gzip.compress(text.encode("utf-8"), 6, mtime=0)

    @classmethod
    def from_bytes(cls, key: PartKey, content: bytes) -> "Part":
        """Raises ValueError, OSError, EOFError or KeyError for anything else than `to_bytes` wrote."""
        raw: dict[str, Any] = json.loads(gzip.decompress(content))
        rows = {table: [tuple(row) for row in rows] for table, rows in raw["rows"].items()}
        return cls(key, date.fromisoformat(raw["through"]), rows, raw["refused"])


class _Entry(NamedTuple):
    sha256: str
    through: date


class PartStore:
    """The parts below `folder`, and the journal of them. One process writes at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        _end_last_line(folder / JOURNAL)
        self._entries = dict(_read_journal(folder / JOURNAL))
        self._sound: set[PartKey] = set()

    def covers(self, key: PartKey, last: date) -> bool:
        """Whether the part is here, unharmed, and complete up to `last` or its own end."""
        entry = self._entries.get(key)
        return entry is not None and entry.through >= min(last, key.last) and self._is_sound(key, entry)

    def load(self, key: PartKey) -> Part:
        """Raises UnusableArchive when the part is not here, or not as it was written."""
        path = self._folder / key.name
        entry = self._entries.get(key)
        try:
            content = path.read_bytes()
            if entry is None or hashlib.sha256(content).hexdigest() != entry.sha256:
                raise UnusableArchive(f"{path} is not the part that the journal names")
            return Part.from_bytes(key, content)
        except (OSError, EOFError, ValueError, KeyError) as error:
            raise UnusableArchive(f"{path} cannot be read ({type(error).__name__})") from None

    def save(self, part: Part) -> None:
        """Keep a part, in place of an earlier state of it. Raises OSError when the disk does not take it."""
        content = part.to_bytes()
        write_whole(self._folder / part.key.name, content)
        entry = _Entry(hashlib.sha256(content).hexdigest(), part.through)
        with (self._folder / JOURNAL).open("ab") as journal:
            journal.write(_line(part.key, entry))
            journal.flush()
            os.fsync(journal.fileno())
        self._entries[part.key] = entry
        self._sound.add(part.key)

    def keys(self, kind: str | None = None, city: str | None = None) -> list[PartKey]:
        """The parts that are here, by kind, city and day."""
        return sorted(
            key
            for key, entry in self._entries.items()
            if kind in (None, key.kind) and city in (None, key.city) and self._is_sound(key, entry)
        )

    def tidy(self) -> None:
        """One line of the journal for each part that is here, in order; nothing unfinished is left."""
        self._entries = {key: self._entries[key] for key in self.keys()}
        for path in self._folder.rglob(f"*{_UNFINISHED}"):
            path.unlink()
        if self._entries or (self._folder / JOURNAL).exists():
            lines = b"".join(_line(key, entry) for key, entry in self._entries.items())
            write_whole(self._folder / JOURNAL, lines)

    def _is_sound(self, key: PartKey, entry: _Entry) -> bool:
        if key in self._sound:
            return True
        try:
            content = (self._folder / key.name).read_bytes()
        except OSError:
            return False
        if hashlib.sha256(content).hexdigest() != entry.sha256:
            return False
        self._sound.add(key)
        return True


def write_whole(path: Path, content: bytes) -> None:
    """The file with this content, or none: never a piece of it. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + _UNFINISHED)
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def _line(key: PartKey, entry: _Entry) -> bytes:
    told = {"part": key.name, "sha256": entry.sha256, "through": entry.through.isoformat()}
    return json.dumps(told).encode() + b"\n"


def _end_last_line(path: Path) -> None:
    """Where a process died in the middle of a line, the next line must not go on there."""
    if path.is_file() and (content := path.read_bytes()) and not content.endswith(b"\n"):
        with path.open("ab") as journal:
            journal.write(b"\n")


def _read_journal(path: Path) -> Iterator[tuple[PartKey, _Entry]]:
    """A line that was cut off when the process died names a part that is fetched again."""
    if not path.is_file():
        return
    for line in path.read_bytes().splitlines():
        try:
            told = json.loads(line)
            key = PartKey.of_name(told["part"])
            yield key, _Entry(str(told["sha256"]), date.fromisoformat(told["through"]))
        except (ValueError, KeyError, TypeError):
            continue
