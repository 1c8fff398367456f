"""Directions. The exchange keeps one book per market, quoted in YES dollars; people also speak of NO contracts."""

from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from milkbot.core.money import ONE


class Side(StrEnum):
    """Which contract, in the operator's words."""

    YES = "YES"
    NO = "NO"


class Action(StrEnum):
    BUY = "BUY"
    SELL = "SELL"


class BookSide(StrEnum):
    """The exchange's one YES book: a bid gains exposure to YES, an ask sheds it."""

    BID = "bid"
    ASK = "ask"


class Quoted(NamedTuple):
    """A wish as the YES book states it: side and price in dollars of one YES contract."""

    book_side: BookSide
    yes_price: Decimal


class Worded(NamedTuple):
    """A wish in a person's words: what to do with contracts of the named side, and their own price in dollars."""

    action: Action
    price: Decimal


def book_side_of(side: Side, action: Action) -> BookSide:
    """Buy YES = sell NO = bid; sell YES = buy NO = ask (kalshi-api.md 4)."""
    return BookSide.BID if (side is Side.YES) == (action is Action.BUY) else BookSide.ASK


def on_yes_book(side: Side, action: Action, price: Decimal) -> Quoted:
    """The order that fulfils a wish to buy or sell contracts of `side` at `price` dollars each.

    | wish | order |
    |---|---|
    | buy YES at p | bid p |
    | sell YES at p | ask p |
    | buy NO at q | ask 1 - q |
    | sell NO at q | bid 1 - q |
    """
    return Quoted(book_side_of(side, action), price if side is Side.YES else ONE - price)


def in_words(book_side: BookSide, yes_price: Decimal, side: Side) -> Worded:
    """What an order on the YES book does in contracts of `side`: the inverse of `on_yes_book`."""
    gains_yes = book_side is BookSide.BID
    action = Action.BUY if gains_yes == (side is Side.YES) else Action.SELL
    return Worded(action, yes_price if side is Side.YES else ONE - yes_price)
