"""Where the contract lies. It is not ours to ship: without it, what needs it is skipped."""

from pathlib import Path
from typing import Any

import pytest
import yaml

OPENAPI = "kalshi-openapi-3.32.yaml"


@pytest.fixture(scope="session")
def contract_file(shared_data: Path) -> Path:
    """The exchange's OpenAPI file."""
    path = shared_data.parent / "reference" / OPENAPI
    if not path.is_file():
        pytest.skip(f"{OPENAPI} does not lie beside the project")
    return path


@pytest.fixture(scope="session")
def contract(contract_file: Path) -> dict[str, Any]:
    """The OpenAPI file, read."""
    loaded: dict[str, Any] = yaml.load(contract_file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return loaded
