"""A wish is sent again only when its last order is over without a fill, and never far above its first price."""

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.trading.domain.test_decide import CHEAP_QUOTES, DEAR_QUOTES, TARGET, code_of
from tests.trading.makers import NOW, around, make_account, make_board, make_view
from trading.domain.decide import decide
from trading.domain.gates import PASSED
from trading.domain.policy import Policy
from trading.domain.supersede import Standing, Turn, Unanswered, next_turn
from trading.domain.types import Action, BookSide, OrderState, ReasonCode

POLICY = Policy()
LATER = NOW + timedelta(minutes=5)


def standing(
    state: OrderState = OrderState.CANCELED,
    *,
    generation: int = 0,
    filled: str = "0",
    first_price: str = "0.22",
) -> Standing:
    return Standing(generation, state, Decimal(filled), Decimal(first_price), NOW)


def test_wish_never_sent_is_generation_zero() -> None:
    assert next_turn(None, BookSide.BID, Decimal("0.22"), NOW, POLICY) == Turn(PASSED, 0)


@pytest.mark.parametrize("state", [state for state in OrderState if state is not OrderState.CANCELED])
def test_wish_whose_order_is_not_cancelled_is_not_sent_again(state: OrderState) -> None:
    turn = next_turn(standing(state), BookSide.BID, Decimal("0.22"), LATER, POLICY)

    assert turn.gate.code is ReasonCode.INTENT_EXISTS
    assert not turn.gate


def test_wish_cancelled_after_a_partial_fill_is_not_sent_again() -> None:
    turn = next_turn(standing(filled="0.01"), BookSide.BID, Decimal("0.22"), LATER, POLICY)

    assert not turn.gate


@pytest.mark.parametrize(
    ("state", "goes"),
    [(state, state in (OrderState.CANCELED, OrderState.FILLED)) for state in OrderState],
)
def test_exit_goes_on_with_what_is_left_once_its_last_order_has_ended(state: OrderState, goes: bool) -> None:
    before = standing(state, filled="3")

    turn = next_turn(before, BookSide.ASK, Decimal("0.22"), LATER, POLICY, closes=True)

    assert (bool(turn.gate), turn.generation) == ((True, 1) if goes else (False, 0))
    assert not next_turn(before, BookSide.ASK, Decimal("0.22"), NOW, POLICY, closes=True).gate, "too soon"
    assert not next_turn(before, BookSide.ASK, Decimal("0.16"), LATER, POLICY, closes=True).gate, "chased"


@pytest.mark.parametrize("state", [OrderState.CANCELED, OrderState.FILLED])
def test_decide_sells_the_rest_of_a_holding_after_an_exit_that_filled_in_part(state: OrderState) -> None:
    sold = Standing(0, state, Decimal(3), Decimal("0.42"), NOW)
    standings = {f"SHADOW:CHI:{TARGET}:ask:ensemble:2025-05-14": sold}
    later = around(now=NOW + timedelta(minutes=1))
    view = make_view(board=make_board(quotes=DEAR_QUOTES))

    left = decide([view], make_account(holdings={TARGET: Decimal(4)}, standings=standings), later)
    none = decide([view], make_account(standings=standings), later)

    (exit_,) = [intent for intent in left.intents if intent.market_ticker == TARGET]
    assert (exit_.action, exit_.count, exit_.generation) == (Action.SELL, Decimal(4), 1)
    assert code_of(none) is ReasonCode.INTENT_EXISTS, "what filled is never opened a second time"


def test_wish_cancelled_unfilled_gets_the_next_generation() -> None:
    turn = next_turn(standing(generation=3), BookSide.BID, Decimal("0.22"), LATER, POLICY)

    assert (bool(turn.gate), turn.generation) == (True, 4)


def test_wish_cancelled_a_moment_ago_waits() -> None:
    assert not next_turn(standing(), BookSide.BID, Decimal("0.22"), NOW + timedelta(seconds=59), POLICY).gate
    assert next_turn(standing(), BookSide.BID, Decimal("0.22"), NOW + timedelta(seconds=60), POLICY).gate


def test_wish_sent_often_enough_ends() -> None:
    last = POLICY.max_generations - 1

    assert not next_turn(standing(generation=last), BookSide.BID, Decimal("0.22"), LATER, POLICY).gate


@pytest.mark.parametrize(
    ("side", "price", "goes"),
    [
        (BookSide.BID, "0.27", True),
        (BookSide.BID, "0.28", False),
        (BookSide.BID, "0.05", True),
        (BookSide.ASK, "0.17", True),
        (BookSide.ASK, "0.16", False),
        (BookSide.ASK, "0.60", True),
    ],
)
def test_wish_is_not_chased_more_than_five_cents_to_the_worse(side: BookSide, price: str, goes: bool) -> None:
    turn = next_turn(standing(), side, Decimal(price), LATER, POLICY)

    assert bool(turn.gate) is goes
    assert goes or turn.gate.code is ReasonCode.CHASE_LIMIT


def test_decide_supersedes_a_cancelled_order_under_a_key_of_its_own() -> None:
    view = make_view(board=make_board(quotes=CHEAP_QUOTES))
    first = decide([view], make_account(), around()).intents[0]
    cancelled = {first.wish: Standing(0, OrderState.CANCELED, Decimal(0), first.limit_price, NOW)}

    again = decide([view], make_account(standings=cancelled), around(now=NOW + timedelta(minutes=1)))

    assert again.intents[0].intent_key == f"{first.intent_key}:1"
    assert again.intents[0].wish == first.intent_key


@pytest.mark.parametrize("state", [OrderState.UNKNOWN, OrderState.SUBMITTED])
@pytest.mark.parametrize("held", ["0", "7"])
def test_market_with_an_order_nobody_answered_for_is_not_traded_on_its_other_side(
    state: OrderState, held: str
) -> None:
    lost = Unanswered(Decimal("0.22"), Decimal(25), post_only=False, decided_at=NOW)
    bid = Standing(0, state, Decimal(0), Decimal("0.22"), NOW, lost)
    account = make_account(
        holdings={TARGET: Decimal(held)}, standings={f"SHADOW:CHI:{TARGET}:bid:ensemble:2025-05-14": bid}
    )

    batch = decide([make_view(board=make_board(quotes=DEAR_QUOTES))], account, around())

    assert code_of(batch) is ReasonCode.ORDER_UNKNOWN
    assert TARGET not in {intent.market_ticker for intent in batch.intents}
