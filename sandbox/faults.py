"""Faults on request: what the two services did to their users, repeatable over the wire.

A fault matches requests by method and path prefix and either replaces the answer, spoils its transport, changes its
JSON body, or disturbs an open feed. Which requests it hits is decided by its rate, count and seed alone.
"""

from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from sandbox.nws.fault_kinds import NwsFaultKind

EXCHANGE_ROOT: Final = "/trade-api/v2"

FaultKind = Literal[
    NwsFaultKind,
    "5xx",
    "html",
    "429",
    "401",
    "410",
    "delay",
    "reset",
    "truncated",
    "gap_ladder",
    "wrong_station",
    "bad_price",
    "drop_before",
    "drop_after",
    "late",
    "5xx_after",
    "unknown_field",
    "error_body",
    "wrong_echo",
    "duplicate_page",
    "empty_list",
    "reversed_list",
    "late_rows",
    "feed_drop",
    "feed_gap",
]
FEED_KINDS: Final[frozenset[FaultKind]] = frozenset({"feed_drop", "feed_gap"})
"""What strikes the messages of an open WebSocket; all other kinds strike requests and handshakes."""


class FaultSpec(BaseModel):
    """One fault as ordered. `match` is `METHOD /path/prefix`, of the exchange with or without its root.

    `count` None means until cleared; `seconds` is how long `delay` and `late` wait and how young the rows are that
    `late_rows` leaves out, `status` what `5xx` and `5xx_after` answer.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    match: str
    kind: FaultKind
    rate: float = Field(default=1.0, gt=0, le=1)
    count: int | None = Field(default=None, gt=0)
    seed: int = 0
    seconds: float = Field(default=5.0, ge=0, le=120)
    status: int = Field(default=500, ge=500, le=599)

    @field_validator("match")
    @classmethod
    def _names_method_and_path(cls, match: str) -> str:
        method, _, path = match.partition(" ")
        if not (method.isalpha() and method.isupper() and path.startswith("/")):
            raise ValueError("match must look like 'GET /nws/gridpoints'")
        return match

    def covers(self, method: str, path: str) -> bool:
        """Whether a request falls under this fault, chance and count aside."""
        wanted_method, _, prefix = self.match.partition(" ")
        return method == wanted_method and path.startswith((prefix, EXCHANGE_ROOT + prefix))


@dataclass(slots=True)
class ActiveFault:
    """A fault in force, with what is left of its count and how often it struck."""

    number: int
    spec: FaultSpec
    random: Random
    remaining: int | None
    struck: int = 0

    def strikes(self) -> bool:
        """Draw once; counts down when it strikes."""
        if self.remaining == 0 or self.random.random() >= self.spec.rate:
            return False
        self.struck += 1
        if self.remaining is not None:
            self.remaining -= 1
        return True

    def as_json(self) -> dict[str, Any]:
        """The form the control panel lists."""
        return {
            "id": self.number,
            "remaining": self.remaining,
            "struck": self.struck,
        } | self.spec.model_dump()


@dataclass(slots=True)
class FaultBoard:
    """All faults in force, in the order they were ordered."""

    _active: list[ActiveFault] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def add(self, spec: FaultSpec) -> ActiveFault:
        """Put a fault in force."""
        seeded = Random(spec.seed)  # noqa: S311 - repeatable on purpose, protects nothing
        fault = ActiveFault(next(self._numbers), spec, seeded, spec.count)
        self._active.append(fault)
        return fault

    def clear(self, match: str | None = None) -> int:
        """Lift all faults, or those ordered with exactly this `match`; returns how many."""
        kept = [fault for fault in self._active if match is not None and fault.spec.match != match]
        lifted = len(self._active) - len(kept)
        self._active = kept
        return lifted

    def active(self) -> list[ActiveFault]:
        """Faults that can still strike."""
        return [fault for fault in self._active if fault.remaining != 0]

    def striking(self, method: str, path: str) -> list[FaultSpec]:
        """The faults that hit this request; draws for each that covers it."""
        return [
            fault.spec
            for fault in self._active
            if fault.spec.kind not in FEED_KINDS and fault.spec.covers(method, path) and fault.strikes()
        ]

    def disturbing(self, kind: FaultKind, path: str) -> bool:
        """Whether a fault of this kind hits the next message of the feed at `path`; draws for each that covers it."""
        covering = [
            fault for fault in self._active if fault.spec.kind == kind and fault.spec.covers("GET", path)
        ]
        return any([fault.strikes() for fault in covering])
