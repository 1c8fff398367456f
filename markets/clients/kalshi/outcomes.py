"""From an answer of the order endpoint to what became of the order. Pure.

Doubt is never resolved in our favour: what is not provably accepted, refused or unsent is Unknown (design 6.3).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple, TypeVar

from markets.clients.kalshi.conversation import Answer
from markets.clients.kalshi.decoding import decode_object
from markets.clients.kalshi.errors import CLOCK_CODE, SOURCE, ErrorBody, error_of, read_error
from markets.clients.kalshi.fields import Fields
from markets.clients.kalshi.rows import order_id_of
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
from markets.domain.order_request import MOST_CONTRACTS, Amendment, NewOrder
from markets.domain.sides import BookSide
from milkbot.core.errors import Malformed
from milkbot.core.money import ONE, ZERO

DUPLICATE_CODE: Final = "order_already_exists"

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
    "not_found": RejectReason.NO_SUCH_MARKET,
    "invalid_order": RejectReason.OTHER,
}
_KEY_CODES: Final = frozenset({"authentication_error", "signature_is_missing_from_headers"})
_DEFINITE: Final = frozenset({400, 404, 405, 409, 413, 415, 422, 429})
"""Said before anything is done. Other 4xx come from proxies that gave up waiting (408, 425, 444, 460, 499)."""

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
        """Also in words: to take a second order for refused would be to own it unawares."""
        return self.error.word == DUPLICATE_CODE or "already exists" in self.error.text.lower()


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
        return _refusal(_Said(answer.status, read_error(answer.body)), refused)
    try:
        body = decode_object(answer.body, "the answer")
    except Malformed as fault:
        return Unknown(str(fault))
    return _judged(body, error_of(body), done, refused)


def _judged(
    body: dict[str, Any],
    error: ErrorBody,
    done: Callable[[dict[str, Any]], Done],
    refused: Callable[[_Said], Failed],
) -> Done | Failed | Unknown:
    """A body under a status of success, alone or in a batch. An error in it stands for a definite 4xx, if we know it."""
    if body.get("error") is None:
        try:
            return done(body)
        except Malformed as fault:
            return Unknown(str(fault))
    said = _Said(400, error)
    if _is_known(error) or said.is_duplicate:
        return _refusal(said, refused)
    return Unknown(f"a success that carries an error we do not know: {error.code or ''} {error.text}".strip())


def _refusal(said: _Said, refused: Callable[[_Said], Failed]) -> Failed | Unknown:
    """No error is believed that stands beside an order or a fill, wherever it was told."""
    if said.error.has_traces:
        return Unknown(f"HTTP {said.status} tells of an order and of an error: {said.text}")
    return refused(said)


def _create_failure(said: _Said, client_order_id: str) -> Duplicate | Failure:
    if said.is_duplicate:
        return Duplicate(client_order_id, said.text)
    return _failure(said.status, said.error)


def _gone_or(said: _Said, order_id: str) -> Gone | Failure:
    """`not_found` says no such resting order; 404 `user_not_found` that the shard holds no account of ours."""
    if said.error.word == "not_found" or (said.status == 404 and not said.error.word):
        return Gone(order_id, said.text)
    return _failure(said.status, said.error)


def _failure(status: int, error: ErrorBody) -> Failure:
    code, text = error.code, error.text
    if status == 410:
        return EndpointRetired(f"{code or 'gone'} {text}".strip())
    if status in (401, 403):
        return AuthRefused(_auth_fault(status, error.word), status, code, text)
    if status not in _DEFINITE:
        return Unknown(f"HTTP {status} {code or ''} {text}".strip())
    if status == 409 and not _is_known(error):
        # Perhaps a duplicate told in other words: then the order exists.
        return Unknown(f"a conflict we do not know: {code or text or 'no word'}")
    return Rejected(_reason(status, error), status, code, text)


def _is_known(error: ErrorBody) -> bool:
    return error.word in _REASONS


def _auth_fault(status: int, word: str) -> AuthFault:
    if word == CLOCK_CODE:
        return AuthFault.CLOCK
    return AuthFault.KEY if status == 401 or word in _KEY_CODES else AuthFault.FORBIDDEN


def _reason(status: int, error: ErrorBody) -> RejectReason:
    if status == 429:
        return RejectReason.RATE_LIMITED
    if error.word == "invalid_order" and "post only cross" in error.text.lower():
        return RejectReason.POST_ONLY_CROSS
    if status == 400 and not error.word:
        return RejectReason.BAD_REQUEST
    return _REASONS.get(error.word, RejectReason.OTHER)


def _accepted(body: dict[str, Any], order: NewOrder) -> Accepted:
    fields = Fields(body, "the answer to the order")
    _same(fields, "client_order_id", order.client_order_id)
    _same(fields, "ticker", order.ticker)
    filled, remaining = _count(fields, "fill_count"), _count(fields, "remaining_count")
    average = _average(fields, "average_fill_price")
    _check_within(fields, order, order.count, filled + remaining, average)
    return Accepted(
        order_id=order_id_of(fields),
        client_order_id=order.client_order_id,
        filled=filled,
        remaining=remaining,
        average_price=average,
        average_fee=_average(fields, "average_fee_paid"),
        at=fields.unix_instant("ts_ms", per_second=1000),
    )


def _check_within(
    fields: Fields, asked: NewOrder | Amendment, size: Decimal, told: Decimal, average: Decimal | None
) -> None:
    """No more contracts and no worse price than was asked for."""
    if told > size:
        raise Malformed(SOURCE, f"{fields.where} tells {told} of {size} contracts")
    if average is None:
        return
    limit = asked.yes_price
    if average > limit if asked.book_side is BookSide.BID else average < limit:
        raise Malformed(SOURCE, f"{fields.where} tells a price of {average}, beyond {limit}")


def _canceled(body: dict[str, Any], order_id: str) -> Canceled:
    fields = Fields(body, "the answer to the cancel")
    _same(fields, "order_id", order_id, required=True)
    at = None if fields.is_absent("ts_ms") else fields.unix_instant("ts_ms", per_second=1000)
    return Canceled(order_id=order_id, reduced_by=_count(fields, "reduced_by"), at=at)


def _amended(body: dict[str, Any], amendment: Amendment) -> Amended:
    fields = Fields(body, "the answer to the amendment")
    _same(fields, "order_id", amendment.order_id, required=True)
    name = fields.text_or_empty("client_order_id", max_length=64) or None
    if amendment.client_order_id and name not in (
        None,
        amendment.client_order_id,
        amendment.updated_client_order_id,
    ):
        raise Malformed(SOURCE, f"{fields.where} speaks of client_order_id {name!r}")
    filled, remaining = _count_or_none(fields, "fill_count"), _count_or_none(fields, "remaining_count")
    average = _average(fields, "average_fill_price")
    told = (filled or ZERO) + (remaining or ZERO)
    _check_within(fields, amendment, amendment.total_count, told, average)
    return Amended(
        order_id=amendment.order_id,
        client_order_id=name,
        filled=filled,
        remaining=remaining,
        average_price=average,
        average_fee=_average(fields, "average_fee_paid"),
        at=fields.unix_instant("ts_ms", per_second=1000),
    )


def _decreased(body: dict[str, Any], order_id: str) -> Decreased:
    fields = Fields(body, "the answer to the decrease")
    _same(fields, "order_id", order_id, required=True)
    return Decreased(
        order_id=order_id,
        remaining=_count(fields, "remaining_count"),
        at=fields.unix_instant("ts_ms", per_second=1000),
    )


def _batch(
    answer: Answer,
    asked: Sequence[Asked],
    id_name: str,
    id_of: Callable[[Asked], str],
    judge: Callable[[dict[str, Any], Asked], Done],
) -> tuple[Done | Failure, ...]:
    """One verdict per thing asked. What the answer does not mention, or mentions twice, is Unknown."""
    if answer.status >= 300:
        failure = _refusal(_Said(answer.status, read_error(answer.body)), _batch_failure)
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


def _placed(items: list[object], ids: Sequence[str], id_name: str) -> Iterator[dict[str, Any] | None]:
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


def _batch_failure(said: _Said) -> Failure:
    if said.is_duplicate:
        return Unknown("one order of the batch exists already; nothing is said of the others")
    return _failure(said.status, said.error)


def _created_item(item: dict[str, Any], order: NewOrder) -> CreateOutcome:
    return _judged(
        item,
        error_of(item),
        lambda body: _accepted(body, order),
        lambda said: _create_failure(said, order.client_order_id),
    )


def _canceled_item(item: dict[str, Any], order_id: str) -> CancelOutcome:
    """Here the order's id is but the name of the item, and no trace of anything done."""
    return _judged(
        item,
        error_of(item | {"order_id": None}),
        lambda body: _canceled(body, order_id),
        lambda said: _gone_or(said, order_id),
    )


def _same(fields: Fields, name: str, expected: str, *, required: bool = False) -> None:
    if (required or not fields.is_absent(name)) and fields.value(name) != expected:
        stated = str(fields.value(name))[:60]
        raise Malformed(SOURCE, f"{fields.where} speaks of {name} {stated!r}, not {expected!r}")


def _count(fields: Fields, name: str) -> Decimal:
    count = fields.number(name)
    if not ZERO <= count <= MOST_CONTRACTS:
        raise Malformed(SOURCE, f"{fields.where}: {name} is {count}")
    return count


def _count_or_none(fields: Fields, name: str) -> Decimal | None:
    return None if fields.is_absent(name) else _count(fields, name)


def _average(fields: Fields, name: str) -> Decimal | None:
    average = fields.number_or_none(name)
    if average is not None and not ZERO <= average <= ONE:
        raise Malformed(SOURCE, f"{fields.where}: {name} {average} is not between 0 and 1 dollar")
    return average
