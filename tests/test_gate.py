"""What CI runs on every change."""

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.story("9.1", 4)
def test_ci_runs_the_checks_and_the_whole_suite_a_user_runs() -> None:
    script = (ROOT / ".ci" / "run").read_text()

    for target in ("lint", "test"):
        assert f"make --no-print-directory {target}" in script


@pytest.mark.story("9.1", 5)
def test_coverage_below_the_gate_fails_the_suite() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["coverage"]

    assert settings["report"]["fail_under"] >= 85
    assert settings["run"]["branch"]
    assert "--cov" in (ROOT / "Makefile").read_text()
