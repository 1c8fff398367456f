"""Is today's code dearer than the recorded baseline?

Times on shared machines wander by half; how many SQL statements and Python calls a piece of work takes does not. So a
regression is judged by the two counts, and the times are printed and kept beside a peer measured in the same run.
"""

from collections.abc import Mapping
from typing import Final

from pydantic import BaseModel, ConfigDict

TOLERANCE: Final = 0.20


class Measurement(BaseModel):
    """One case. Times in milliseconds; `peer_ms` is what `peer` takes for the same input in the same run."""

    model_config = ConfigDict(frozen=True)

    median_ms: float
    p95_ms: float
    peer: str
    peer_ms: float
    calls: int
    """Python function calls of one run."""
    statements: int
    """SQL statements of one run."""

    @property
    def ratio(self) -> float:
        """How many times the peer's time it takes."""
        return self.median_ms / self.peer_ms if self.peer_ms else float("inf")


class Results(BaseModel):
    """All cases of one run, and the interpreter they ran on: call counts differ between versions."""

    model_config = ConfigDict(frozen=True)

    python: str
    cases: Mapping[str, Measurement]


def regressions(baseline: Results, today: Results, tolerance: float = TOLERANCE) -> list[str]:
    """A sentence for every case that costs more than `tolerance` above its baseline, or has none."""
    if baseline.python != today.python:
        return []
    found = []
    for name, measured in today.cases.items():
        before = baseline.cases.get(name)
        if before is None:
            found.append(f"{name} has no baseline: run `make bench RECORD=1` and commit it")
            continue
        for what in ("calls", "statements"):
            was, now = getattr(before, what), getattr(measured, what)
            if now > was * (1 + tolerance):
                found.append(f"{name}: {what} rose from {was} to {now}")
    return found
