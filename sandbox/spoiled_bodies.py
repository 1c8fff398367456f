"""Faults inside a JSON body that arrives with HTTP 200: each takes a decoded body and spoils it in place."""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final
from uuid import NAMESPACE_OID, uuid5

from sandbox.nws.spoilers import NWS_SPOILERS

BAD_PRICES: Final = ("1.2000", "NaN", None, "-0.0100", "0", "1")
CLI_CODE: Final = re.compile(r"\(CLI[A-Z]{3}\)")

Body = dict[str, Any]


def gap_ladder(body: Body) -> None:
    """One inner bracket of every ladder is missing."""
    for markets in _market_lists(body):
        inner = [market for market in markets if market.get("strike_type") == "between"]
        if inner:
            markets.remove(inner[len(inner) // 2])


def wrong_station(body: Body) -> None:
    """The rules name another station of the same city."""
    for market in _markets(body):
        rules = CLI_CODE.sub("(CLIORD)", market["rules_primary"])
        market["rules_primary"] = rules.replace("Midway", "O'Hare")


def bad_price(body: Body) -> None:
    """Bids that are no prices: above one, not a number, missing, negative, zero, one."""
    for index, market in enumerate(_markets(body)):
        market["yes_bid_dollars"] = BAD_PRICES[index % len(BAD_PRICES)]
    books = (
        [body["orderbook_fp"]]
        if "orderbook_fp" in body
        else [book["orderbook_fp"] for book in body.get("orderbooks", [])]
    )
    for index, book in enumerate(books):
        book["yes_dollars"] = [[BAD_PRICES[index % len(BAD_PRICES)], "10.00"]]


def unknown_field(body: Body) -> None:
    """Every record has a field that nobody announced."""
    records = [body]
    while records:
        record = records.pop()
        for value in list(record.values()):
            records += [
                one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)
            ]
        record["brand_new_field"] = {"since": "today", "levels": [1, None, "two"]}


def error_body(body: Body) -> None:
    """A refusal under a status that means success."""
    body.clear()
    body["error"] = {"code": "internal_server_error", "message": "internal server error"}


def wrong_echo(body: Body) -> None:
    """The answer to another request: ids that are not those that were sent."""
    for record in [body, *body.get("orders", [])]:
        for name in ("order_id", "client_order_id"):
            if name in record:
                record[name] = str(uuid5(NAMESPACE_OID, record[name]))


def empty_list(body: Body) -> None:
    """A list that has forgotten its rows, complete by its own word."""
    for name, value in body.items():
        if isinstance(value, list):
            body[name] = []
    if "cursor" in body:
        body["cursor"] = ""


def reversed_list(body: Body) -> None:
    """The rows of a page in the opposite order."""
    for value in body.values():
        if isinstance(value, list):
            value.reverse()


SPOILERS: Final[dict[str, Callable[[Body], None]]] = NWS_SPOILERS | {
    "gap_ladder": gap_ladder,
    "wrong_station": wrong_station,
    "bad_price": bad_price,
    "unknown_field": unknown_field,
    "error_body": error_body,
    "wrong_echo": wrong_echo,
    "empty_list": empty_list,
    "reversed_list": reversed_list,
}


def _market_lists(body: Body) -> Iterator[list[Body]]:
    yield body.get("markets", [])
    for event in [body.get("event", {}), *body.get("events", [])]:
        yield event.get("markets", [])


def _markets(body: Body) -> Iterator[Body]:
    if "market" in body:
        yield body["market"]
    for markets in _market_lists(body):
        yield from markets
