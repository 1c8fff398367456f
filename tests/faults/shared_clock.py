"""One hand clock for several processes."""

import mmap
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

_SIZE: Final = 8
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_STEP: Final = timedelta(microseconds=1)


class SharedClock:
    """Whoever opens the same file reads the same time: a process that was stopped finds it moved on."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(_SIZE))
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), _SIZE)

    def __call__(self) -> datetime:
        return self.now

    @property
    def now(self) -> datetime:
        return _EPOCH + int.from_bytes(self._shared[:], "little") * _STEP

    @now.setter
    def now(self, at: datetime) -> None:
        self._shared[:] = ((at - _EPOCH) // _STEP).to_bytes(_SIZE, "little")
