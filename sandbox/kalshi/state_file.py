"""The accounts' state on disk: written whole before anything is told that it explains, so that a kill loses nothing."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

FORMAT: Final = 1


class UnreadableState(ValueError):
    """The file is there but holds no state; its owner may delete it, we do not."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} holds no state of the exchange's accounts; delete it to begin anew")


@dataclass(frozen=True, slots=True)
class StateFile:
    """State of one world's exchange. `world` tells which world; a state of another one is not read."""

    path: Path
    world: dict[str, Any]

    def save(self, state: dict[str, Any]) -> None:
        """Replace the former state at once: a reader finds that one or this one, never a part."""
        content = {"format": FORMAT, "world": self.world, "exchange": state}
        unfinished = self.path.with_suffix(".tmp")
        unfinished.write_text(json.dumps(content, separators=(",", ":")), encoding="utf-8")
        unfinished.replace(self.path)

    def load(self) -> dict[str, Any] | None:
        """The state last saved for this world; None when there is none. Raises UnreadableState."""
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except ValueError:
            raise UnreadableState(self.path) from None
        if not isinstance(content, dict) or (content.get("format"), content.get("world")) != (
            FORMAT,
            self.world,
        ):
            return None
        state: dict[str, Any] = content["exchange"]
        return state
