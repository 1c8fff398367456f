"""A bench for each test; the keys are made once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.accounts import Account, open_accounts
from tests.faults.bench import Bench, running_bench


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Account, ...]:
    """An RSA and an Ed25519 account."""
    return open_accounts(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def bench(tmp_path: Path, keys: tuple[Account, ...], db: None) -> Iterator[Bench]:
    """Los Angeles on a simulated exchange: its first turn takes something at once and leaves something in the book."""
    with running_bench(tmp_path, keys) as running:
        yield running
