"""Every variant that was ever run, so that the best of many is not taken for skill.

The number of trials by which a Sharpe ratio is deflated comes from here, not from memory (project reference on
probability and sizing, section 6.4). One line of JSON a variant and input; running the same one again adds nothing.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from milkbot.core.config import PROJECT_ROOT
from trading.backtest.reporting.money import Trials

FILE_NAME: Final = "variants.jsonl"


@dataclass(frozen=True, slots=True)
class Variant:
    """One run: what it was, the inputs it was run on, and the daily Sharpe ratio it found, if any."""

    variant: str
    inputs: str
    sharpe: float | None


def default_registry() -> Path:
    """In the folder of local state, one for all backtests of this machine."""
    state = Path(os.environ.get("MILKBOT_STATE_DIR") or PROJECT_ROOT / ".milkbot")
    return state / "backtests" / FILE_NAME


def register(path: Path, run: Variant) -> Trials:
    """Enter `run` unless it is there, and count the variants run on the same inputs, this one included.

    Several processes may do so at once. Raises OSError when the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        text = file.read()
        entries = (entry for entry in _entries(text) if entry["inputs"] == run.inputs)
        known = {entry["variant"]: entry["sharpe"] for entry in entries}
        if run.variant not in known:
            entry = {"inputs": run.inputs, "variant": run.variant, "sharpe": run.sharpe}
            torn = "\n" if text and not text.endswith("\n") else ""
            file.write(torn + json.dumps(entry) + "\n")
            known[run.variant] = run.sharpe
    return _trials(known)


def count_trials(path: Path, inputs: str) -> Trials:
    """Of all variants run on `inputs` so far. Raises OSError when there is no registry."""
    entries = (entry for entry in _entries(path.read_text("utf-8")) if entry["inputs"] == inputs)
    return _trials({entry["variant"]: entry["sharpe"] for entry in entries})


def _trials(known: Mapping[str, float | None]) -> Trials:
    ratios = [ratio for ratio in known.values() if ratio is not None]
    return Trials(len(known), float(np.var(ratios, ddof=1)) if len(ratios) >= 2 else 0.0)


def _entries(text: str) -> Iterator[dict[str, Any]]:
    """Lines cut off by a full disk or a crash are passed over."""
    for line in text.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and {"variant", "inputs", "sharpe"} <= entry.keys():
            yield entry
