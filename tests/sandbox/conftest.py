"""The invented day, and the recorded ones where they are present."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from sandbox.accounts import Account, open_accounts, open_read_only_key
from sandbox.recorded import RecordedDay, read_recorded_day
from tests.sandbox.stages import CHICAGO, SAMPLE
from tests.sandbox.trading import Trading

MORNING = datetime(2026, 5, 19, 12, tzinfo=UTC)
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


@pytest.fixture(scope="session")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Account, ...]:
    """An RSA account, an Ed25519 account, and a key that may only read the first."""
    folder = tmp_path_factory.mktemp("keys")
    traders = open_accounts(folder)
    return (*traders, open_read_only_key(folder, traders[0]))


@pytest.fixture
def trading(invented_day: RecordedDay, accounts: tuple[Account, ...]) -> Trading:
    """The exchange on the morning of the invented day, its market frozen: B74.5 is bid 10 and asked 10 contracts."""
    return Trading(invented_day, MORNING, accounts)


@pytest.fixture(scope="session")
def stream_specification() -> str:
    """The exchange's AsyncAPI file as text."""
    path = SHARED / "reference" / "kalshi-asyncapi.yaml"
    if not path.is_file():
        pytest.skip("../shared/reference is absent: the AsyncAPI file cannot be read")
    return path.read_text(encoding="utf-8")
