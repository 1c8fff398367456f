"""The page on the sandbox names every control and every fault of the exchange."""

from pathlib import Path
from typing import get_args

import pytest

from sandbox.faults import FaultKind
from sandbox.nws.fault_kinds import NwsFaultKind
from tests.sandbox.trading import Trading

PAGE = Path(__file__).parents[2] / "docs" / "SANDBOX.md"


@pytest.mark.parametrize("kind", sorted(set(get_args(FaultKind)) - set(get_args(NwsFaultKind))))
def test_fault_of_the_exchange_is_documented(kind: str) -> None:
    assert f"`{kind}`" in PAGE.read_text(encoding="utf-8")


def test_every_control_is_documented(trading: Trading) -> None:
    told = trading.client.post("/control", json={"do": "?"}).json()["error"]
    verbs = told.removeprefix("do must be one of ").split(", ")
    page = PAGE.read_text(encoding="utf-8")
    assert len(verbs) > 5
    assert [verb for verb in verbs if f"`{verb}`" not in page] == []
