"""Where the contract lies. It is not ours to ship: without it, what needs it is skipped."""

from pathlib import Path
from typing import Any

import pytest
import yaml

OPENAPI = "kalshi-openapi-3.32.yaml"
ASYNCAPI = "kalshi-asyncapi.yaml"


@pytest.fixture(scope="session")
def contract_file(shared_data: Path) -> Path:
    """The exchange's OpenAPI file."""
    return _beside(shared_data, OPENAPI)


@pytest.fixture(scope="session")
def contract(contract_file: Path) -> dict[str, Any]:
    """The OpenAPI file, read."""
    return _read(contract_file)


@pytest.fixture(scope="session")
def feed_contract(shared_data: Path) -> dict[str, Any]:
    """The feed's AsyncAPI file, read."""
    return _read(_beside(shared_data, ASYNCAPI))


def _beside(shared_data: Path, name: str) -> Path:
    path = shared_data.parent / "reference" / name
    if not path.is_file():
        pytest.skip(f"{name} does not lie beside the project")
    return path


def _read(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return loaded
