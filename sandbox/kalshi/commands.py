"""Everything that changes the exchange from outside, as values that can be written down and carried out again.

Together with the instant of each they are the whole truth: the engine's outcome does not depend on when it is looked at.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import Field

from sandbox.exchange.exchange import Exchange
from sandbox.exchange.types import (
    Amended,
    AmendRequest,
    Canceled,
    Decreased,
    OrderRequest,
    Outcome,
    PauseKind,
    Placed,
)
from sandbox.held import HeldFeed

T = TypeVar("T", covariant=True)


@dataclass(frozen=True, slots=True)
class Scene:
    """What commands act on: the exchange, and the world's makers and takers."""

    exchange: Exchange
    world: HeldFeed


class Command(Generic[T]):
    """`carry_out` may raise Refusal, or ValueError for what a control may not do; both leave their mark all the same."""

    __slots__ = ()

    def carry_out(self, scene: Scene, at: datetime) -> T:
        """Do it at `at`, up to which the exchange has lived."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Create(Command[Placed]):
    """A new order."""

    account: str
    request: OrderRequest
    do: Literal["create"] = "create"

    def carry_out(self, scene: Scene, at: datetime) -> Placed:
        """Place it."""
        return scene.exchange.create(self.account, self.request, at)


@dataclass(frozen=True, slots=True)
class Cancel(Command[Canceled]):
    """The end of one order."""

    account: str
    order_id: str
    do: Literal["cancel"] = "cancel"

    def carry_out(self, scene: Scene, at: datetime) -> Canceled:
        """Cancel it."""
        return scene.exchange.cancel(self.account, self.order_id, at)


@dataclass(frozen=True, slots=True)
class CancelAll(Command[list[Canceled]]):
    """The end of all orders of an account."""

    account: str
    do: Literal["cancel_all"] = "cancel_all"

    def carry_out(self, scene: Scene, at: datetime) -> list[Canceled]:
        """Cancel them."""
        return scene.exchange.cancel_all(self.account, at)


@dataclass(frozen=True, slots=True)
class Amend(Command[Amended]):
    """Another price, size or expiration of an order."""

    account: str
    order_id: str
    request: AmendRequest
    do: Literal["amend"] = "amend"

    def carry_out(self, scene: Scene, at: datetime) -> Amended:
        """Amend it."""
        return scene.exchange.amend(self.account, self.order_id, self.request, at)


@dataclass(frozen=True, slots=True)
class Decrease(Command[Decreased]):
    """Fewer contracts of an order, by or to a count."""

    account: str
    order_id: str
    reduce_by: Decimal | None
    reduce_to: Decimal | None
    do: Literal["decrease"] = "decrease"

    def carry_out(self, scene: Scene, at: datetime) -> Decreased:
        """Decrease it."""
        return scene.exchange.decrease(
            self.account, self.order_id, at, reduce_by=self.reduce_by, reduce_to=self.reduce_to
        )


@dataclass(frozen=True, slots=True)
class Pause(Command[None]):
    """Trading or the whole exchange stands still until `Resume`."""

    kind: PauseKind
    do: Literal["pause"] = "pause"

    def carry_out(self, scene: Scene, at: datetime) -> None:
        """Pause."""
        scene.exchange.pause(at, self.kind)


@dataclass(frozen=True, slots=True)
class Resume(Command[None]):
    """The end of a pause."""

    do: Literal["resume"] = "resume"

    def carry_out(self, scene: Scene, at: datetime) -> None:
        """Resume."""
        scene.exchange.resume(at)


@dataclass(frozen=True, slots=True)
class Close(Command[None]):
    """The early end of a market's trading."""

    ticker: str
    do: Literal["close"] = "close"

    def carry_out(self, scene: Scene, at: datetime) -> None:
        """Close it."""
        scene.exchange.close(self.ticker, at)


@dataclass(frozen=True, slots=True)
class Determine(Command[None]):
    """A closed market's result."""

    ticker: str
    result: Outcome
    do: Literal["determine"] = "determine"

    def carry_out(self, scene: Scene, at: datetime) -> None:
        """Determine it."""
        scene.exchange.determine(self.ticker, self.result, at)


@dataclass(frozen=True, slots=True)
class Finalize(Command[None]):
    """The payout of a determined market."""

    ticker: str
    do: Literal["finalize"] = "finalize"

    def carry_out(self, scene: Scene, at: datetime) -> None:
        """Pay it."""
        scene.exchange.finalize(self.ticker, at)


@dataclass(frozen=True, slots=True)
class Freeze(Command[None]):
    """The world's makers and takers stand still."""

    do: Literal["freeze"] = "freeze"

    def carry_out(self, scene: Scene, at: datetime) -> None:
        """Hold them at this instant, unless they are held."""
        scene.world.held_at = scene.world.held_at or at


@dataclass(frozen=True, slots=True)
class Thaw(Command[None]):
    """They go on."""

    do: Literal["thaw"] = "thaw"

    def carry_out(self, scene: Scene, at: datetime) -> None:
        """Let them."""
        scene.world.held_at = None


AnyCommand = Annotated[
    Create
    | Cancel
    | CancelAll
    | Amend
    | Decrease
    | Pause
    | Resume
    | Close
    | Determine
    | Finalize
    | Freeze
    | Thaw,
    Field(discriminator="do"),
]
