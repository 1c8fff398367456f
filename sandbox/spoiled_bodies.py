"""Faults inside a JSON body that arrives with HTTP 200: each takes a decoded body and spoils it in place."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import NAMESPACE_OID, uuid5

OLD_GRID_AGE: Final = timedelta(hours=88)
BAD_PRICES: Final = ("1.2000", "NaN", None, "-0.0100", "0", "1")
CLI_CODE: Final = re.compile(r"\(CLI[A-Z]{3}\)")
TEMPERATURE_LAYERS: Final = ("temperature", "maxTemperature", "minTemperature")

Body = dict[str, Any]


def empty_periods(body: Body) -> None:
    """A forecast without periods, a grid whose temperature layers hold no values."""
    properties = body.get("properties", {})
    if "periods" in properties:
        properties["periods"] = []
    for layer in _temperature_layers(properties):
        layer["values"] = []


def null_temperature(body: Body) -> None:
    """Every temperature is null: periods, grid values and observations."""
    properties = body.get("properties", {})
    for period in properties.get("periods", []):
        period["temperature"] = None
    for layer in _temperature_layers(properties):
        for entry in layer["values"]:
            entry["value"] = None
    for feature in body.get("features", []):
        if "temperature" in feature.get("properties", {}):
            feature["properties"]["temperature"] = {
                "unitCode": "wmoUnit:degC",
                "value": None,
                "qualityControl": "Z",
            }


def old_grid(body: Body) -> None:
    """An edge server's forecast of days ago: the update time tells, the status does not."""
    properties = body.get("properties", {})
    for name in ("updateTime", "updated"):
        if name in properties:
            properties[name] = (datetime.fromisoformat(properties[name]) - OLD_GRID_AGE).isoformat()


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


SPOILERS: Final[dict[str, Callable[[Body], None]]] = {
    "empty_periods": empty_periods,
    "null_temperature": null_temperature,
    "old_grid": old_grid,
    "gap_ladder": gap_ladder,
    "wrong_station": wrong_station,
    "bad_price": bad_price,
    "unknown_field": unknown_field,
    "error_body": error_body,
    "wrong_echo": wrong_echo,
}


def _temperature_layers(properties: Body) -> Iterator[Body]:
    for name in TEMPERATURE_LAYERS:
        layer = properties.get(name)
        if isinstance(layer, dict) and "values" in layer:
            yield layer


def _market_lists(body: Body) -> Iterator[list[Body]]:
    yield body.get("markets", [])
    for event in [body.get("event", {}), *body.get("events", [])]:
        yield event.get("markets", [])


def _markets(body: Body) -> Iterator[Body]:
    if "market" in body:
        yield body["market"]
    for markets in _market_lists(body):
        yield from markets
