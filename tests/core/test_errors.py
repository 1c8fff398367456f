"""Errors say where and what, and survive the way between processes."""

import copy
import pickle

import pytest

from milkbot.core.errors import BadMarketData, ConfigError, Malformed, MilkbotError, Refused, Unreachable

ERRORS = [
    ConfigError("DATABASE_URL is not set."),
    Unreachable("nws", "no answer in 10 s"),
    Refused("kalshi", "not enough cash", status=400, code="insufficient_balance"),
    Malformed("nws", "temperature is text"),
    BadMarketData("EVENT_NOT_PARTITION", "a gap between 73 and 75"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("carry", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))])
def test_error_is_the_same_after_the_way_between_processes(error: MilkbotError, carry: object) -> None:
    assert callable(carry)
    arrived = carry(error)
    assert type(arrived) is type(error)
    assert str(arrived) == str(error)
    assert vars(arrived) == vars(error)


def test_outside_errors_name_their_source() -> None:
    error = Refused("kalshi", "not enough cash", status=400, code="insufficient_balance")
    assert str(error) == "kalshi: not enough cash"
    assert (error.source, error.status, error.code) == ("kalshi", 400, "insufficient_balance")
