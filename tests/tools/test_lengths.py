"""The length check measures what it says."""

from pathlib import Path

import pytest

from tools import lengths


def _function(lines: int) -> str:
    return "def work() -> None:\n" + "    pass\n" * (lines - 1)


@pytest.mark.parametrize(
    ("file", "text", "faults"),
    [
        ("milkbot/short.py", _function(50), []),
        ("milkbot/long.py", _function(51), ["milkbot/long.py:work has 51 lines; at most 50."]),
        ("publicsite/views.py", _function(31), ["publicsite/views.py:work has 31 lines; at most 30."]),
        ("milkbot/full.py", "x = 1\n" * 400, []),
        ("milkbot/fuller.py", "x = 1\n" * 401, ["milkbot/fuller.py has 401 lines; at most 400."]),
        ("milkbot/migrations/0001.py", "x = 1\n" * 500, []),
    ],
)
def test_what_is_too_long_is_named(tmp_path: Path, file: str, text: str, faults: list[str]) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(text)
    found = [fault for fault in lengths.faults(tmp_path) if "is excepted" not in fault]
    assert found == faults


def test_exception_nobody_needs_is_a_fault_itself(tmp_path: Path) -> None:
    assert any(
        "trading/models.py is excepted but short enough" in fault for fault in lengths.faults(tmp_path)
    )
