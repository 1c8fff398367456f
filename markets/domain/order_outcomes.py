"""What became of a request to the order endpoint. Values, not exceptions: the outside may do any of this on any day.

The classes are siblings on purpose: `case Rejected()` must never catch a Duplicate, and mypy proves a match complete.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class RejectReason(StrEnum):
    """Why the exchange said no. OTHER carries the exchange's own code."""

    INSUFFICIENT_BALANCE = "INSUFFICIENT_BALANCE"
    PRICE = "PRICE"
    SIZE = "SIZE"
    POST_ONLY_CROSS = "POST_ONLY_CROSS"
    NOT_FILLED = "NOT_FILLED"
    """Fill-or-kill found too little. The client order id is used up all the same."""
    PAUSED = "PAUSED"
    """Trading is paused: wait until the market is active, do not ask every few seconds."""
    MARKET_INACTIVE = "MARKET_INACTIVE"
    NO_SUCH_MARKET = "NO_SUCH_MARKET"
    UNFUNDED_SHARD = "UNFUNDED_SHARD"
    IDENTITY = "IDENTITY"
    """An amendment names another ticker, side or client order id than the order has."""
    RATE_LIMITED = "RATE_LIMITED"
    BAD_REQUEST = "BAD_REQUEST"
    """The exchange could not read it: our defect."""
    OTHER = "OTHER"


class AuthFault(StrEnum):
    CLOCK = "CLOCK"
    """The signature's time is off: this machine's clock is wrong, the key may be fine."""
    KEY = "KEY"
    """Unknown key, wrong signature or none: permanent until a person acts."""
    FORBIDDEN = "FORBIDDEN"
    """The key is good but may not do this: scope, restriction, location attestation."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The order exists. `filled` may be anything from 0 to all, `remaining` what still rests after immediate ends.

    `average_price` and `average_fee` are dollars per contract, None when nothing filled; exact fees stand on the fills.
    """

    order_id: str
    client_order_id: str
    filled: Decimal
    remaining: Decimal
    average_price: Decimal | None
    average_fee: Decimal | None
    at: datetime

    @property
    def fees(self) -> Decimal | None:
        """Dollars paid so far, as exactly as the stated average allows; None when the exchange did not state any."""
        return None if self.average_fee is None else self.average_fee * self.filled


@dataclass(frozen=True, slots=True)
class Amended:
    """The order now has the new price and size. Counts are None where the exchange says nothing changed."""

    order_id: str
    client_order_id: str | None
    filled: Decimal | None
    remaining: Decimal | None
    average_price: Decimal | None
    average_fee: Decimal | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Decreased:
    """`remaining` contracts rest; the place in the queue is kept."""

    order_id: str
    remaining: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class Canceled:
    """`reduced_by` contracts no longer rest. What had filled before stays filled: read the fills."""

    order_id: str
    reduced_by: Decimal
    at: datetime | None


@dataclass(frozen=True, slots=True)
class AllCanceled:
    """Everything resting on every shard was cancelled. Orders placed within the next minute may be cancelled too."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A definite no: this request changed nothing. `code` is the exchange's word, if it gave one."""

    reason: RejectReason
    status: int
    code: str | None
    message: str


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The client order id has been used: resting, filled, cancelled or killed. Find the order, never take a new id."""

    client_order_id: str
    message: str


@dataclass(frozen=True, slots=True)
class Gone:
    """No such resting order: cancelled, filled, expired, or on another shard. Proves nothing; read the orders."""

    order_id: str
    message: str


@dataclass(frozen=True, slots=True)
class AuthRefused:
    """The account was not proven. Nothing was done, and nothing will be until the fault is gone."""

    fault: AuthFault
    status: int
    code: str | None
    message: str


@dataclass(frozen=True, slots=True)
class EndpointRetired:
    """HTTP 410: this way of ordering exists no more. Every order will fail: stop everything, tell a person."""

    message: str


@dataclass(frozen=True, slots=True)
class NotSent:
    """Provably nothing left this machine: no connection, an untrusted peer, or our own budget or clock forbade it."""

    why: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """It may or may not have happened. Only evidence ends this state; the exposure stays reserved until then."""

    why: str


Failure = Rejected | AuthRefused | EndpointRetired | NotSent | Unknown
CreateOutcome = Accepted | Duplicate | Failure
AmendOutcome = Amended | Duplicate | Gone | Failure
DecreaseOutcome = Decreased | Gone | Failure
CancelOutcome = Canceled | Gone | Failure
CancelAllOutcome = AllCanceled | Failure
