"""`python -m tools.lengths`: files and functions stay short enough to be read in one go."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
FOLDERS: Final = (
    *("milkbot", "weather", "markets", "trading", "analytics", "publicsite", "sandbox"),
    *("tests", "tools", "benchmarks"),
)
FILE_LINES: Final = 400
FUNCTION_LINES: Final = 50
VIEW_LINES: Final = 30

EXCEPTIONS: Final = {
    "tests/factories.py": "a factory for every table, read together; most lines are columns",
    "trading/models.py": "all tables of the order path, read together; most lines are columns",
}
"""Longer on purpose: path, or path:function, with the reason."""


def faults(root: Path) -> Iterator[str]:
    """One sentence for everything that is too long, or excepted without need."""
    unused = set(EXCEPTIONS)
    for path in _python_files(root):
        for name, lines, allowed in _measured(path, path.relative_to(root)):
            if lines <= allowed:
                continue
            unused.discard(name)
            if name not in EXCEPTIONS:
                yield f"{name} has {lines} lines; at most {allowed}."
    yield from (f"{name} is excepted but short enough: remove the exception." for name in sorted(unused))


def _python_files(root: Path) -> Iterator[Path]:
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path


def _measured(path: Path, place: Path) -> Iterator[tuple[str, int, int]]:
    """(name, lines, allowed lines) of the file and each of its functions."""
    text = path.read_text(encoding="utf-8")
    yield place.as_posix(), text.count("\n"), FILE_LINES
    allowed = VIEW_LINES if path.name == "views.py" else FUNCTION_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield f"{place.as_posix()}:{node.name}", node.end_lineno - node.lineno + 1, allowed


def main() -> int:
    """Exit code 1 and the list when something is too long."""
    found = list(faults(ROOT))
    print("\n".join(found) or "Every file and function is short enough.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
