"""The two-step switch: look at the consequence, give a reason, retype the word."""

from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.test import Client

from milkbot.operator.views import TURNS
from tests.factories import SHADOW, OrderFactory, PositionFactory, make_ladder, publish
from trading.controls import get_trading_state
from trading.domain.types import OrderState, TradingState
from trading.models import OperatorActionRow

HALT = "/admin/switch/halt/"
FILLED_IN = {"reason": "NWS looks wrong", "word": "HALT"}
WORDS = sorted(TURNS)


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("method", ["get", "post"])
def test_switch_without_login_leads_to_the_login_page(db: None, word: str, method: str) -> None:
    publish()

    response = getattr(Client(), method)(f"/admin/switch/{word}/", {"reason": "x", "word": word.upper()})

    assert response.status_code == 302
    assert response["Location"].startswith("/admin/login/")
    assert get_trading_state(SHADOW) is TradingState.ACTIVE


def test_switch_by_staff_without_the_permission_is_forbidden(looker: Client) -> None:
    publish()

    assert looker.get(HALT).status_code == 403
    assert looker.post(HALT, FILLED_IN).status_code == 403
    assert get_trading_state(SHADOW) is TradingState.ACTIVE


def test_switch_page_states_the_consequence_in_numbers_and_changes_nothing(console: Client) -> None:
    publish()
    first, second, third, *_ = make_ladder()
    OrderFactory.create(intent__market=first, state=OrderState.RESTING, intent__count=Decimal(30))
    OrderFactory.create(intent__market=second, state=OrderState.UNKNOWN, intent__count=Decimal(5))
    OrderFactory.create(intent__market=third, state=OrderState.FILLED)
    PositionFactory.create(market=third, cost=Decimal("412.60"))

    html = console.get(HALT).content.decode()

    assert "SHADOW is ACTIVE" in html
    assert "<b>2 open orders</b> with 35 unfilled contracts" in html
    assert "<b>1 UNKNOWN order</b>" in html
    assert "<b>1 position</b>, $412.60 at risk" in html
    assert get_trading_state(SHADOW) is TradingState.ACTIVE
    assert not OperatorActionRow.objects.exists()


@pytest.mark.parametrize("word", WORDS)
def test_switch_with_reason_and_word_turns_and_writes_who_and_why(
    console: Client, ada: User, word: str
) -> None:
    publish()

    response = console.post(f"/admin/switch/{word}/", {"reason": "drill", "word": word.upper()}, follow=True)

    assert response.redirect_chain == [("/admin/", 302)]
    assert get_trading_state(SHADOW) is TURNS[word].state
    action = OperatorActionRow.objects.get()
    assert (action.actor, action.user, action.mode, action.reason) == ("ada", ada, "SHADOW", "drill")
    assert (action.before, action.after) == ({"state": "ACTIVE"}, {"state": TURNS[word].state.value})
    assert f"SHADOW was ACTIVE, is {TURNS[word].state.value} now." in response.content.decode()


@pytest.mark.parametrize(
    "given",
    [
        {"reason": "why not", "word": "halt"},
        {"reason": "why not", "word": "RESUME"},
        {"reason": "why not", "word": ""},
        {"reason": "   ", "word": "HALT"},
        {"word": "HALT"},
        {},
    ],
    ids=["lower case", "other word", "no word", "blank reason", "no reason", "nothing"],
)
def test_switch_with_a_wrong_word_or_no_reason_refuses_and_changes_nothing(
    console: Client, given: dict[str, str]
) -> None:
    publish()

    response = console.post(HALT, given)

    assert response.status_code == 200
    assert "status--bad" in response.content.decode()
    assert get_trading_state(SHADOW) is TradingState.ACTIVE
    assert not OperatorActionRow.objects.exists()


def test_switch_from_another_site_is_refused(ada: User) -> None:
    publish()
    forger = Client(enforce_csrf_checks=True)
    forger.force_login(ada)

    assert forger.post(HALT, FILLED_IN).status_code == 403
    assert get_trading_state(SHADOW) is TradingState.ACTIVE


def test_switch_to_an_unknown_position_is_not_found(console: Client) -> None:
    assert console.get("/admin/switch/off/").status_code == 404


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_switch_takes_no_other_method(console: Client, method: str) -> None:
    assert getattr(console, method)(HALT).status_code == 405
