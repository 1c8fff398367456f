"""From an answer of the order endpoint to what became of the order. Pure.

Doubt is never resolved in our favour: what is not provably accepted, refused or unsent is Unknown (design 6.3).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple, TypeVar

from markets.clients.kalshi.conversation import Answer
from markets.clients.kalshi.decoding import decode_object
from markets.clients.kalshi.errors import SOURCE, ErrorBody, error_of, read_error
from markets.clients.kalshi.fields import Fields
from markets.domain.order_outcomes import (
    Accepted,
    AllCanceled,
    Amended,
    AmendOutcome,
    AuthFault,
    AuthRefused,
    CancelAllOutcome,
    Canceled,
    CancelOutcome,
    CreateOutcome,
    Decreased,
    DecreaseOutcome,
    Duplicate,
    EndpointRetired,
    Failure,
    Gone,
    Rejected,
    RejectReason,
    Unknown,
)
from markets.domain.order_request import Amendment, NewOrder
from markets.domain.sides import BookSide
from milkbot.core.errors import Malformed
from milkbot.core.money import ONE, ZERO

DUPLICATE_CODE: Final = "order_already_exists"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_REASONS: Final[Mapping[str, RejectReason]] = {  # by the code in small letters: both spellings are on record
    "insufficient_balance": RejectReason.INSUFFICIENT_BALANCE,
    "available_balance_too_low": RejectReason.INSUFFICIENT_BALANCE,
    "invalid_price": RejectReason.PRICE,
    "invalid_order_size": RejectReason.SIZE,
    "fill_or_kill_insufficient_resting_volume": RejectReason.NOT_FILLED,
    "trading_is_paused": RejectReason.PAUSED,
    "exchange_is_paused": RejectReason.PAUSED,
    "market_inactive": RejectReason.MARKET_INACTIVE,
    "market_closed": RejectReason.MARKET_INACTIVE,
    "user_not_found": RejectReason.UNFUNDED_SHARD,
    "order_id_and_client_order_id_mismatch": RejectReason.IDENTITY,
    "order_side_mismatch": RejectReason.IDENTITY,
    "order_ticker_mismatch": RejectReason.IDENTITY,
    "too_many_requests": RejectReason.RATE_LIMITED,
    "bad_request": RejectReason.BAD_REQUEST,
    "invalid_parameters": RejectReason.BAD_REQUEST,
    "invalid_uuid": RejectReason.BAD_REQUEST,
    "invalid_order": RejectReason.OTHER,
}
_CLOCK_CODE: Final = "header_timestamp_expired"
_KEY_CODES: Final = frozenset({"authentication_error", "signature_is_missing_from_headers"})
_AMBIGUOUS: Final = frozenset({408, 425, 499})
"""4xx of a proxy in between that gave up waiting: the exchange may have acted."""

Asked = TypeVar("Asked")
Done = TypeVar("Done")
Failed = TypeVar("Failed")


class _Said(NamedTuple):
    """A refusal as the exchange worded it."""

    status: int
    error: ErrorBody

    @property
    def text(self) -> str:
        return self.error.text or self.error.code or f"HTTP {self.status}"

    @property
    def is_duplicate(self) -> bool:
        return self.error.code == DUPLICATE_CODE


def created(answer: Answer, order: NewOrder) -> CreateOutcome:
    """`POST /portfolio/events/orders`."""
    return _outcome(
        answer,
        lambda body: _accepted(body, order),
        lambda failure: _create_failure(failure, order.client_order_id),
    )


def created_batch(answer: Answer, orders: Sequence[NewOrder]) -> tuple[CreateOutcome, ...]:
    """`POST …/orders/batched`: one outcome per order, in order. Items are told apart by their client order id."""
    return _batch(answer, orders, "client_order_id", lambda order: order.client_order_id, _created_item)


def canceled(answer: Answer, order_id: str) -> CancelOutcome:
    """`DELETE …/orders/{order_id}`."""
    return _outcome(answer, lambda body: _canceled(body, order_id), lambda said: _gone_or(said, order_id))


def canceled_batch(answer: Answer, order_ids: Sequence[str]) -> tuple[CancelOutcome, ...]:
    """`DELETE …/orders/batched`: one outcome per order id, in order."""
    return _batch(answer, order_ids, "order_id", lambda order_id: order_id, _canceled_item)


def canceled_all(answer: Answer) -> CancelAllOutcome:
    """`DELETE …/orders`: 204 without a body."""
    if answer.status == 204:
        return AllCanceled()
    return _failure(answer.status, read_error(answer.body))


def amended(answer: Answer, amendment: Amendment) -> AmendOutcome:
    """`POST …/orders/{order_id}/amend`."""

    def refused(said: _Said) -> Duplicate | Gone | Failure:
        if said.is_duplicate:
            return Duplicate(amendment.updated_client_order_id or "", said.text)
        return _gone_or(said, amendment.order_id)

    return _outcome(answer, lambda body: _amended(body, amendment), refused)


def decreased(answer: Answer, order_id: str) -> DecreaseOutcome:
    """`POST …/orders/{order_id}/decrease`."""
    return _outcome(answer, lambda body: _decreased(body, order_id), lambda said: _gone_or(said, order_id))


def _outcome(
    answer: Answer, done: Callable[[dict[str, Any]], Done], refused: Callable[[_Said], Failed]
) -> Done | Failed | Unknown:
    """`done` reads a success and raises Malformed where it cannot be believed; `refused` judges an error."""
    if answer.status >= 300:
        return refused(_Said(answer.status, read_error(answer.body)))
    try:
        body = decode_object(answer.body, "the answer")
        if body.get("error") is not None:
            return _contradicted(body, refused)
        return done(body)
    except Malformed as fault:
        return Unknown(str(fault))


def _contradicted(body: Mapping[str, Any], refused: Callable[[_Said], Failed]) -> Failed | Unknown:
    """A success that carries an error: believed only if the code is one we know and no order is named beside it."""
    error = error_of(body)
    if error.code is None or body.get("order_id"):
        return Unknown(f"a success that carries an error: {error.code or ''} {error.text}".strip())
    if _is_known(error.code) or error.code == DUPLICATE_CODE:
        return refused(_Said(400, error))
    return Unknown(f"a success that carries an error we do not know: {error.code[:60]}")


def _create_failure(said: _Said, client_order_id: str) -> Duplicate | Failure:
    if said.is_duplicate:
        return Duplicate(client_order_id, said.text)
    return _failure(said.status, said.error)


def _gone_or(said: _Said, order_id: str) -> Gone | Failure:
    """404 `not_found` says no such resting order; 404 `user_not_found` that the shard holds no account of ours."""
    if said.status == 404 and said.error.code in ("not_found", None):
        return Gone(order_id, said.text)
    return _failure(said.status, said.error)


def _failure(status: int, error: ErrorBody) -> Failure:
    code, text = error
    if status >= 500 or status in _AMBIGUOUS or status < 400:
        return Unknown(f"HTTP {status} {code or ''} {text}".strip())
    if status == 410:
        return EndpointRetired(f"{code or 'gone'} {text}".strip())
    if status in (401, 403):
        return AuthRefused(_auth_fault(status, code), status, code, text)
    if status == 409 and not _is_known(code):
        # Perhaps a duplicate told in other words: then the order exists.
        return Unknown(f"a conflict we do not know: {code or text or 'no word'}")
    return Rejected(_reason(status, error), status, code, text)


def _is_known(code: str | None) -> bool:
    return code is not None and code.lower() in _REASONS


def _auth_fault(status: int, code: str | None) -> AuthFault:
    if code == _CLOCK_CODE:
        return AuthFault.CLOCK
    return AuthFault.KEY if status == 401 or code in _KEY_CODES else AuthFault.FORBIDDEN


def _reason(status: int, error: ErrorBody) -> RejectReason:
    if status == 429:
        return RejectReason.RATE_LIMITED
    code = error.code or ""
    if code == "invalid_order" and "post only cross" in error.text.lower():
        return RejectReason.POST_ONLY_CROSS
    if code == "not_found":
        return RejectReason.NO_SUCH_MARKET
    if status == 400 and not code:
        return RejectReason.BAD_REQUEST
    return _REASONS.get(code.lower(), RejectReason.OTHER)


def _accepted(body: dict[str, Any], order: NewOrder) -> Accepted:
    fields = Fields(body, "the answer to the order")
    _same(fields, "client_order_id", order.client_order_id)
    _same(fields, "ticker", order.ticker)
    filled, remaining = _count(fields, "fill_count"), _count(fields, "remaining_count")
    average = _average(fields, "average_fill_price")
    if filled + remaining > order.count:
        raise Malformed(SOURCE, f"{fields.where} tells {filled + remaining} of {order.count} contracts")
    if average is not None and _is_beyond_limit(order, average):
        raise Malformed(SOURCE, f"{fields.where} tells a price of {average}, beyond {order.yes_price}")
    return Accepted(
        order_id=fields.text("order_id", max_length=64),
        client_order_id=order.client_order_id,
        filled=filled,
        remaining=remaining,
        average_price=average,
        average_fee=_average(fields, "average_fee_paid"),
        at=_instant(fields),
    )


def _is_beyond_limit(order: NewOrder, price: Decimal) -> bool:
    return price > order.yes_price if order.book_side is BookSide.BID else price < order.yes_price


def _canceled(body: dict[str, Any], order_id: str) -> Canceled:
    fields = Fields(body, "the answer to the cancel")
    _same(fields, "order_id", order_id, required=True)
    at = None if fields.is_absent("ts_ms") else _instant(fields)
    return Canceled(order_id=order_id, reduced_by=_count(fields, "reduced_by"), at=at)


def _amended(body: dict[str, Any], amendment: Amendment) -> Amended:
    fields = Fields(body, "the answer to the amendment")
    _same(fields, "order_id", amendment.order_id, required=True)
    return Amended(
        order_id=amendment.order_id,
        client_order_id=fields.text_or_empty("client_order_id", max_length=64) or None,
        filled=_count_or_none(fields, "fill_count"),
        remaining=_count_or_none(fields, "remaining_count"),
        average_price=_average(fields, "average_fill_price"),
        average_fee=_average(fields, "average_fee_paid"),
        at=_instant(fields),
    )


def _decreased(body: dict[str, Any], order_id: str) -> Decreased:
    fields = Fields(body, "the answer to the decrease")
    _same(fields, "order_id", order_id, required=True)
    return Decreased(order_id=order_id, remaining=_count(fields, "remaining_count"), at=_instant(fields))


def _batch(
    answer: Answer,
    asked: Sequence[Asked],
    id_name: str,
    id_of: Callable[[Asked], str],
    judge: Callable[[Mapping[str, Any], Asked], Done],
) -> tuple[Done | Failure, ...]:
    """One verdict per thing asked. What the answer does not mention, or mentions twice, is Unknown."""
    if answer.status >= 300:
        failure = _failure(answer.status, read_error(answer.body))
        return tuple(failure for _ in asked)
    try:
        items = Fields(decode_object(answer.body, "the answer"), "the answer to the batch").items("orders")
    except Malformed as fault:
        return tuple(Unknown(str(fault)) for _ in asked)
    placed = _placed(items, [id_of(one) for one in asked], id_name)
    return tuple(
        Unknown("the answer does not say") if item is None else judge(item, one)
        for item, one in zip(placed, asked, strict=True)
    )


def _placed(items: list[object], ids: Sequence[str], id_name: str) -> Iterator[Mapping[str, Any] | None]:
    """For each id its item: by name; a nameless one by position, if it tells an error or is the only one."""
    for position, wanted in enumerate(ids):
        named = [item for item in items if isinstance(item, dict) and item.get(id_name) == wanted]
        beside = items[position] if len(items) == len(ids) else None
        if len(named) == 1:
            yield named[0]
        elif not named and isinstance(beside, dict) and not beside.get(id_name):
            yield beside if len(ids) == 1 or beside.get("error") is not None else None
        else:
            yield None


def _created_item(item: Mapping[str, Any], order: NewOrder) -> CreateOutcome:
    return _item(
        item, lambda body: _accepted(body, order), lambda said: _create_failure(said, order.client_order_id)
    )


def _canceled_item(item: Mapping[str, Any], order_id: str) -> CancelOutcome:
    return _item(item, lambda body: _canceled(body, order_id), lambda said: _gone_item(said, order_id))


def _gone_item(said: _Said, order_id: str) -> Gone | Failure:
    if said.error.code == "not_found":
        return Gone(order_id, said.text)
    return _failure(said.status, said.error)


def _item(
    item: Mapping[str, Any], done: Callable[[dict[str, Any]], Done], refused: Callable[[_Said], Failed]
) -> Done | Failed | Unknown:
    """An item of a batch has no status of its own: its error stands for a definite 4xx, if we know the code."""
    if item.get("error") is not None:
        error = error_of(item)
        known = _is_known(error.code) or error.code in (DUPLICATE_CODE, "not_found")
        return refused(_Said(400, error)) if known else Unknown(f"an item failed: {error.code} {error.text}")
    try:
        return done(dict(item))
    except Malformed as fault:
        return Unknown(str(fault))


def _same(fields: Fields, name: str, expected: str, *, required: bool = False) -> None:
    if (required or not fields.is_absent(name)) and fields.value(name) != expected:
        stated = str(fields.value(name))[:60]
        raise Malformed(SOURCE, f"{fields.where} speaks of {name} {stated!r}, not {expected!r}")


def _count(fields: Fields, name: str) -> Decimal:
    count = fields.number(name)
    if count < ZERO:
        raise Malformed(SOURCE, f"{fields.where}: {name} is {count}")
    return count


def _count_or_none(fields: Fields, name: str) -> Decimal | None:
    return None if fields.is_absent(name) else _count(fields, name)


def _average(fields: Fields, name: str) -> Decimal | None:
    average = fields.number_or_none(name)
    if average is not None and not ZERO <= average <= ONE:
        raise Malformed(SOURCE, f"{fields.where}: {name} {average} is not between 0 and 1 dollar")
    return average


def _instant(fields: Fields) -> datetime:
    milliseconds = fields.number("ts_ms")
    try:
        return _EPOCH + timedelta(milliseconds=float(milliseconds))
    except OverflowError:
        raise Malformed(SOURCE, f"{fields.where}: ts_ms {milliseconds} is no instant") from None
