"""Where orders go. One venue is chosen at start; nothing else asks for the mode."""

from datetime import datetime
from decimal import Decimal
from typing import Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

from trading.domain.breakers import Breaker
from trading.domain.types import Fill, Order


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Accepted(_Frozen):
    """The venue has it: what filled at once, and whether the rest stays in the book.

    A simulated venue tells the fills. A real one tells only how many contracts filled; the fills are read later.
    """

    fills: tuple[Fill, ...] = ()
    rests: bool = False
    kalshi_order_id: str | None = None
    reported_count: Decimal = Decimal(0)

    @property
    def filled_count(self) -> Decimal:
        return sum((fill.count for fill in self.fills), Decimal(0))


class Rejected(_Frozen):
    """A definite no. `breaker` is set when every other order would meet the same.

    `passes` is true where the moment was wrong and not the order: a pause, a close, a price that moved into ours.
    """

    code: str
    message: str = ""
    breaker: Breaker | None = None
    passes: bool = False


class NotSent(_Frozen):
    """Provably nothing left this machine."""

    why: str


class Unknown(_Frozen):
    """No answer, or none that can be believed: the order may or may not exist."""

    why: str


Answer = Accepted | Rejected | NotSent | Unknown


class TakenOut(_Frozen):
    """`reduced_by` contracts no longer rest; what filled before stays filled."""

    reduced_by: Decimal


class Venue(Protocol):
    """Anything that takes orders."""

    def place(self, order: Order) -> Answer:
        """Send the order once. Never raises for what the outside does: that is what `Unknown` is for."""

    def find(self, order: Order) -> Answer:
        """What became of an order that was sent but never answered."""


class Cancels(Protocol):
    """What may take an order out of the book."""

    def cancel(self, order: Order) -> TakenOut | Rejected | NotSent | Unknown:
        """Take out of the book what still rests. `Unknown` covers "no such order": it may have filled."""


class KillSwitch(Cancels, Protocol):
    """All that a process outside the trader may do at the exchange: nothing here can increase exposure."""

    def cancel_all(self) -> Rejected | NotSent | Unknown | None:
        """Take everything out of the book, orders placed by hand included; None when the exchange confirmed it."""


@runtime_checkable
class RestingVenue(Venue, Cancels, Protocol):
    """A venue with a book to rest in."""

    def renew(self, order: Order, expires_at: datetime) -> Rejected | NotSent | Unknown | None:
        """Let it rest until `expires_at`, price, size and place in the queue unchanged; None when that was accepted."""
