"""Programs of the project speak through the log, commands through `self.stdout`: nothing prints."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("milkbot", "weather", "markets", "trading", "analytics", "publicsite", "sandbox")
# Speaks to a person at a terminal before any log is configured.
EXEMPT = ROOT / "milkbot" / "embedded"


def _source_files() -> Iterator[Path]:
    yield ROOT / "manage.py"
    for package in PACKAGES:
        yield from (path for path in (ROOT / package).rglob("*.py") if EXEMPT not in path.parents)


def _prints(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"print", "pprint"}
    )


def _lines_that_print(source: str) -> list[int]:
    return [
        node.lineno for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) and _prints(node)
    ]


@pytest.mark.story("1.2", 4)
def test_no_code_prints() -> None:
    files = list(_source_files())
    assert len(files) > 50
    found = {
        f"{path.relative_to(ROOT)}:{line}"
        for path in files
        for line in _lines_that_print(path.read_text(encoding="utf-8"))
    }
    assert not found


@pytest.mark.parametrize("source", ["print('x')", "f(print(1))", "if 1:\n    print()"])
def test_printing_is_seen(source: str) -> None:
    assert _lines_that_print(source)


@pytest.mark.parametrize("source", ["self.stdout.write('x')", "fingerprint('x')", "'print(1)'"])
def test_what_only_looks_like_printing_passes(source: str) -> None:
    assert not _lines_that_print(source)
