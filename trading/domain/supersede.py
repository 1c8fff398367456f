"""When a wish may be sent a second time: only after its last order has ended, and never far beyond its first price.

A wish is an intent key without its generation. Its generations follow one another; no two are alive together.
"""

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from trading.domain.gates import PASSED, Gate
from trading.domain.policy import Policy
from trading.domain.types import BookSide, OrderState, ReasonCode


class Standing(NamedTuple):
    """How a wish stands: its latest generation's order, and what the first one was ready to pay on the YES book."""

    generation: int
    state: OrderState
    filled_count: Decimal
    first_price: Decimal
    updated_at: datetime
    unanswered: "Unanswered | None" = None


class Unanswered(NamedTuple):
    """The latest generation's order while nobody knows whether it exists, and nothing names it at the exchange."""

    yes_price: Decimal
    contracts: Decimal
    post_only: bool
    decided_at: datetime


class Turn(NamedTuple):
    """Whether the wish may be sent now, and as which generation."""

    gate: Gate
    generation: int


def next_turn(
    standing: Standing | None,
    book_side: BookSide,
    yes_price: Decimal,
    now: datetime,
    policy: Policy,
    *,
    closes: bool = False,
) -> Turn:
    """The generation to send at `yes_price`, or the reason to send none.

    An order that opens is superseded only when it was cancelled without a single fill: what filled is held, what was
    rejected is a fault of ours that a repetition would repeat. One that `closes` goes on with what is left of the holding
    however much of it has filled: it can sell no contract twice.
    """
    if standing is None:
        return Turn(PASSED, 0)
    if not _may_follow(standing, closes):
        return _no(ReasonCode.INTENT_EXISTS, f"generation {standing.generation} is {standing.state}")
    if now - standing.updated_at < policy.supersede_after:
        return _no(ReasonCode.INTENT_EXISTS, f"generation {standing.generation} ended a moment ago")
    if standing.generation + 1 >= policy.max_generations:
        return _no(ReasonCode.INTENT_EXISTS, f"sent {policy.max_generations} times already")
    chased = yes_price - standing.first_price
    worse = chased if book_side is BookSide.BID else -chased
    if worse > policy.max_chase:
        return _no(ReasonCode.CHASE_LIMIT, f"{worse * 100:.1f}¢ beyond the price first decided at")
    return Turn(PASSED, standing.generation + 1)


def _may_follow(standing: Standing, closes: bool) -> bool:
    if closes:
        return standing.state in (OrderState.CANCELED, OrderState.FILLED)
    return standing.state is OrderState.CANCELED and not standing.filled_count


def asks_again(
    unanswered: Unanswered,
    yes_price: Decimal,
    count: Decimal,
    *,
    post_only: bool,
    now: datetime,
    policy: Policy,
) -> bool:
    """Whether today's wish for `count` contracts at `yes_price` is that very order, so that it may be sent again.

    Only for a while: an id that was used up without leaving an order would be asked for for ever.
    """
    return (
        unanswered.yes_price == yes_price
        and unanswered.post_only == post_only
        and count >= unanswered.contracts
        and now - unanswered.decided_at <= policy.ask_again_within
    )


def _no(code: ReasonCode, detail: str) -> Turn:
    return Turn(Gate(False, code, detail), 0)
