"""Which side of the book a row of the account is on: the sign of money, so told or refused, never guessed."""

import json
from pathlib import Path

import pytest

from markets.clients.kalshi import parse_account
from markets.domain.sides import BookSide
from milkbot.core.errors import Malformed
from tests.markets.clients.test_portfolio import wire_fill, wire_order


@pytest.mark.parametrize(
    ("words", "side"),
    [
        ({"book_side": "bid"}, BookSide.BID),
        ({"book_side": "ask"}, BookSide.ASK),
        ({"outcome_side": "yes"}, BookSide.BID),
        ({"outcome_side": "no"}, BookSide.ASK),
        ({"book_side": "ask", "action": "buy", "side": "yes"}, BookSide.ASK),
        ({"outcome_side": "no", "action": "sell", "side": "no"}, BookSide.ASK),
    ],
)
def test_direction_is_read_from_the_newest_words_present(words: dict[str, str], side: BookSide) -> None:
    row = wire_fill(book_side=None, outcome_side=None) | words
    assert parse_account.parse_fill(row).book_side is side


@pytest.mark.parametrize("action", ["buy", "sell"])
@pytest.mark.parametrize("side", ["yes", "no"])
def test_row_that_tells_its_side_only_in_the_words_of_before_is_malformed(action: str, side: str) -> None:
    words = {"action": action, "side": side, "book_side": None, "outcome_side": None}
    with pytest.raises(Malformed, match="no side we know"):
        parse_account.parse_fill(wire_fill(**words))
    with pytest.raises(Malformed, match="no side we know"):
        parse_account.parse_order(wire_order(**words))


def test_recorded_ask_is_an_ask_or_malformed_whatever_words_it_loses(snippets: Path) -> None:
    """Its `action sell, side no` means a bid on no order ever recorded."""
    recorded = json.loads((snippets / "fills_live_2026-07.json").read_text())["fills"][0]
    assert parse_account.parse_fill(recorded).book_side is BookSide.ASK
    for lost in ({"book_side"}, {"outcome_side"}):
        row = {name: value for name, value in recorded.items() if name not in lost}
        assert parse_account.parse_fill(row).book_side is BookSide.ASK
    bare = {name: value for name, value in recorded.items() if name not in ("book_side", "outcome_side")}
    with pytest.raises(Malformed, match="no side we know"):
        parse_account.parse_fill(bare)
