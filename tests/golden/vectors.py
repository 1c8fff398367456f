"""Answer keys and how an answer is compared with them: by absolute tolerance, exact for money, counts and words."""

import json
import os
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from milkbot.core.config import PROJECT_ROOT

OWN: Final = Path(__file__).with_name("own-vectors.json")
_DATA: Final = Path(os.environ.get("MILKBOT_SHARED") or PROJECT_ROOT.parent / "shared" / "data")
REFERENCE: Final = _DATA.parent / "reference" / "golden-vectors.json"
"""The project's answer key, which lies beside the project."""


class Vector(NamedTuple):
    id: str
    fn: str
    inputs: Mapping[str, Any]
    expected: Mapping[str, Any]
    tol: float
    note: str


def read_vectors(file: Path) -> tuple[Vector, ...]:
    """The vectors of `file`; none when it is absent."""
    if not file.exists():
        return ()
    return tuple(Vector(**raw) for raw in json.loads(file.read_text(encoding="utf-8"))["vectors"])


def read_function_names(file: Path) -> frozenset[str]:
    """Every function the key speaks of, whether described or used."""
    described = frozenset(json.loads(file.read_text(encoding="utf-8"))["functions"])
    return described | {vector.fn for vector in read_vectors(file)}


def differences(actual: object, expected: object, tol: float, at: str = "") -> list[str]:
    """Where `actual` is not `expected`, one sentence each; strings in `expected` are exact decimals."""
    if isinstance(expected, Mapping):
        assert isinstance(actual, Mapping)
        absent = [f"{at}.{name} is missing" for name in expected.keys() - actual.keys()]
        return absent + [
            fault
            for name in expected.keys() & actual.keys()
            for fault in differences(actual[name], expected[name], tol, f"{at}.{name}")
        ]
    if isinstance(expected, list):
        assert isinstance(actual, Sequence)
        if len(actual) != len(expected):
            return [f"{at} has {len(actual)} entries, not {len(expected)}"]
        return [
            fault
            for place, (left, right) in enumerate(zip(actual, expected, strict=True))
            for fault in differences(left, right, tol, f"{at}[{place}]")
        ]
    return [] if _agrees(actual, expected, tol) else [f"{at} is {actual}, not {expected}"]


def _agrees(actual: object, expected: object, tol: float) -> bool:
    if isinstance(expected, str):
        return isinstance(actual, Decimal) and actual == Decimal(expected)
    if isinstance(expected, int) and isinstance(actual, int):
        return actual == expected
    assert isinstance(expected, int | float)
    assert isinstance(actual, int | float | Decimal | np.ndarray)
    return abs(float(actual) - expected) <= tol
