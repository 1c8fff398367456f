"""The invented day, and the recorded ones where they are present."""

from datetime import date
from pathlib import Path

import pytest

from sandbox.recorded import RecordedDay, read_recorded_day
from tests.sandbox.stages import CHICAGO, SAMPLE

SHARED = Path(__file__).parents[3] / "shared"


@pytest.fixture(scope="session")
def invented_day() -> RecordedDay:
    """The sample's day: opens 2026-05-18 14:00Z, closes 05-20 04:59Z, high 75 F."""
    return read_recorded_day(SAMPLE, CHICAGO, date(2026, 5, 19))


@pytest.fixture(scope="session")
def recorded_day(shared_data: Path) -> RecordedDay:
    """Chicago, 2025-05-14, high 80 F."""
    return read_recorded_day(shared_data, CHICAGO, date(2025, 5, 14))


@pytest.fixture(scope="session")
def specification() -> str:
    """The exchange's OpenAPI file as text."""
    path = SHARED / "reference" / "kalshi-openapi-3.32.yaml"
    if not path.is_file():
        pytest.skip("../shared/reference is absent: the OpenAPI file cannot be read")
    return path.read_text(encoding="utf-8")
