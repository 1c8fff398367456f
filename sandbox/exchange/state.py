"""Everything the exchange has to remember, written as JSON and read back."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from pydantic import TypeAdapter

from sandbox.exchange.book import Market
from sandbox.exchange.ledger import NOTHING, Account
from sandbox.exchange.types import PauseKind


@dataclass(slots=True)
class OrderedPause:
    """A pause from the controls; `ends_at` is None while it lasts."""

    starts_at: datetime
    ends_at: datetime | None
    kind: PauseKind


@dataclass(slots=True)
class State:
    """The whole exchange at `now`. `world` is the counterparty of every trade that has a member on one side only."""

    seed: int
    now: datetime
    accounts: dict[str, Account]
    world: Account
    markets: dict[str, Market] = field(default_factory=dict)
    ordered_pauses: list[OrderedPause] = field(default_factory=list)
    fees_collected: Decimal = NOTHING
    orders_placed: int = 0


_STATE: Final = TypeAdapter(State)


def dumped(state: State) -> dict[str, Any]:
    """The state in JSON's types. Orders and places in a queue stand in order of time: keys must not be sorted."""
    written: dict[str, Any] = _STATE.dump_python(state, mode="json")
    return written


def loaded(written: dict[str, Any]) -> State:
    """The state that was written. Raises pydantic.ValidationError for anything else."""
    return _STATE.validate_python(written)
