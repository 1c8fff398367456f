"""Lists of the exchange: each row is read on its own, so that one unreadable row is reported and not the end. Pure."""

from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from pydantic import ValidationError

from markets.clients.kalshi.errors import SOURCE
from markets.clients.kalshi.fields import Fields
from markets.domain.order_request import BadOrder, check_order_id
from markets.domain.types import ListingFault
from milkbot.core.errors import BadMarketData, Malformed

_NAME_LENGTH: Final = 200

Parsed = TypeVar("Parsed")


def each(
    items: Iterable[object], name_key: str, parse: Callable[[object], Parsed]
) -> tuple[tuple[Parsed, ...], tuple[ListingFault, ...]]:
    """Parse every item; one that cannot be read is named and left out."""
    parsed, faults = [], []
    for item in items:
        try:
            parsed.append(parse(item))
        except BadMarketData as error:
            faults.append(ListingFault(ticker=name_of(item, name_key), code=error.code, text=str(error)))
        except Malformed as error:
            faults.append(ListingFault(ticker=name_of(item, name_key), code="MALFORMED", text=str(error)))
    return tuple(parsed), tuple(faults)


def name_of(raw: object, key: str) -> str:
    """What an item calls itself, for messages."""
    name = raw.get(key) if isinstance(raw, dict) else None
    return name[:_NAME_LENGTH] if isinstance(name, str) and name else "unnamed"


def order_id_of(fields: Fields) -> str:
    """An id by which the order can be asked for and cancelled: it stands in our paths. Raises Malformed for another."""
    order_id = fields.text("order_id")
    try:
        check_order_id(order_id)
    except BadOrder as fault:
        raise Malformed(SOURCE, f"{fields.where}: {fault}") from None
    return order_id


def valid(build: Callable[[], Parsed], where: str) -> Parsed:
    """A domain value from fields that are readable one by one. Raises Malformed when they do not make one."""
    try:
        return build()
    except ValidationError as error:
        fault = error.errors(include_input=False, include_url=False)[0]
        raise Malformed(SOURCE, f"{where}: {'.'.join(map(str, fault['loc']))} {fault['msg']}") from None
