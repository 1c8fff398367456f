"""Where orders go. One venue is chosen at start; nothing else asks for the mode."""

from decimal import Decimal
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from trading.domain.types import Fill, Order


class Accepted(BaseModel):
    """The venue has it: what filled at once, and whether the rest stays in the book."""

    model_config = ConfigDict(frozen=True)

    fills: tuple[Fill, ...] = ()
    rests: bool = False
    kalshi_order_id: str | None = None

    @property
    def filled_count(self) -> Decimal:
        return sum((fill.count for fill in self.fills), Decimal(0))


class Rejected(BaseModel):
    """A definite no."""

    model_config = ConfigDict(frozen=True)

    code: str
    message: str = ""


class Unknown(BaseModel):
    """No answer, or none that can be believed: the order may or may not exist."""

    model_config = ConfigDict(frozen=True)

    why: str


Answer = Accepted | Rejected | Unknown


class Venue(Protocol):
    """Anything that takes orders."""

    def place(self, order: Order) -> Answer:
        """Send the order once. Never raises for what the outside does: that is what `Unknown` is for."""

    def find(self, order: Order) -> Answer:
        """What became of an order that was sent but never answered."""
