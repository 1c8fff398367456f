"""Values made by the thousand: without validation, and still the same values."""

from decimal import Decimal

import pytest
from pydantic import ValidationError

from milkbot.core.frozen import OftenMade


class Coin(OftenMade):
    worth: Decimal
    minted: int = 1900


def test_of_checked_makes_what_validation_makes() -> None:
    made = Coin.of_checked(worth=Decimal(1), minted=1999)
    assert made == Coin(worth=Decimal(1), minted=1999)
    assert made.model_dump() == {"worth": Decimal(1), "minted": 1999}


def test_changed_is_a_copy_with_other_values() -> None:
    coin = Coin(worth=Decimal(1))

    other = coin.changed(minted=1950)

    assert other == coin.model_copy(update={"minted": 1950})
    assert (coin.minted, hash(other)) == (1900, hash(Coin(worth=Decimal(1), minted=1950)))


def test_changed_copy_is_as_frozen_and_as_strict() -> None:
    other = Coin(worth=Decimal(1)).changed(minted=1950)
    with pytest.raises(ValidationError, match="frozen"):
        other.minted = 2000  # type: ignore[misc]
    with pytest.raises(ValidationError, match="Extra inputs"):
        Coin(worth=Decimal(1), colour="gold")  # type: ignore[call-arg]
