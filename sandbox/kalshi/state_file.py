"""The accounts' state on disk: a snapshot now and then, and between two of them every command before it is carried out.

A kill at any moment loses nothing that was answered: what comes back is the snapshot with the commands done again.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, TypeAdapter, ValidationError

from sandbox.kalshi.commands import AnyCommand, Command

COMMANDS_PER_SNAPSHOT: Final = 500

Dump = Callable[[], dict[str, Any]]


class UnreadableState(ValueError):
    """The file is there but holds no state; its owner may delete it, we do not."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} holds no state of the exchange's accounts; delete it to begin anew")


class Entry(BaseModel):
    """A command and the instant it was carried out at."""

    model_config = ConfigDict(frozen=True)

    at: AwareDatetime
    command: AnyCommand


class Snapshot(BaseModel):
    """The first line: which world it is, the engine's state, and since when the world's prices are held, if they are."""

    model_config = ConfigDict(frozen=True)

    world: dict[str, Any]
    exchange: dict[str, Any]
    held_at: AwareDatetime | None


@dataclass(slots=True)
class StateFile:
    """State of one world's exchange. `world` tells which world; a state of another one is not read."""

    path: Path
    world: dict[str, Any]
    commands_per_snapshot: int = COMMANDS_PER_SNAPSHOT
    _since_snapshot: int = field(default=0, init=False)

    def begin(self, exchange: dict[str, Any], held_at: datetime | None) -> None:
        """Replace the file by this snapshot at once: a reader finds the former content or this, never a part."""
        content = Snapshot(world=self.world, exchange=exchange, held_at=held_at)
        unfinished = self.path.with_suffix(".tmp")
        unfinished.write_text(content.model_dump_json() + "\n", encoding="utf-8")
        unfinished.replace(self.path)
        self._since_snapshot = 0

    def append(self, command: Command[object], at: datetime) -> None:
        """Write down a command that is about to be carried out."""
        fields: dict[str, Any] = {"at": at, "command": command}
        line = ENTRIES.dump_json(Entry.model_construct(**fields)) + b"\n"
        with self.path.open("ab") as file:
            file.write(line)
        self._since_snapshot += 1

    @property
    def is_long(self) -> bool:
        """Whether it is time for another snapshot."""
        return self._since_snapshot >= self.commands_per_snapshot

    def load(self) -> tuple[Snapshot, list[Entry]] | None:
        """What was last written of this world; None when there is nothing. Raises UnreadableState.

        A last line without its end was cut off by the kill: nobody was told of it.
        """
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        lines = text.split("\n")[:-1]
        try:
            if not lines:
                raise ValueError
            if json.loads(lines[0])["world"] != self.world:
                return None
            return Snapshot.model_validate_json(lines[0]), [ENTRIES.validate_json(line) for line in lines[1:]]
        except (ValueError, KeyError, TypeError, ValidationError):
            raise UnreadableState(self.path) from None


ENTRIES: Final = TypeAdapter(Entry)
