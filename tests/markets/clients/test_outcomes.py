"""Doubt is never resolved in our favour."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from markets.clients.kalshi import outcomes
from markets.clients.kalshi.conversation import Answer
from markets.domain.order_outcomes import (
    Accepted,
    AuthFault,
    AuthRefused,
    Canceled,
    Duplicate,
    EndpointRetired,
    Gone,
    Rejected,
    RejectReason,
    Unknown,
)
from markets.domain.order_request import Amendment
from markets.domain.sides import BookSide
from tests.markets.clients.order_makers import (
    CLIENT_ID,
    ORDER_ID,
    TICKER,
    TS_MS,
    new_order,
    wire_created,
    wire_error,
)

D = Decimal


def answer(status: int, body: Any) -> Answer:
    return Answer(status, body if isinstance(body, bytes) else json.dumps(body).encode())


def test_created_order_without_an_echo_of_its_client_id_is_ours() -> None:
    outcome = outcomes.created(answer(201, wire_created(client_order_id=None)), new_order())
    assert isinstance(outcome, Accepted)
    assert outcome.client_order_id == CLIENT_ID


def test_order_that_filled_nothing_has_no_average() -> None:
    body = wire_created(
        fill_count="0.00", remaining_count="10.00", average_fill_price=None, average_fee_paid=None
    )
    outcome = outcomes.created(answer(201, body), new_order())
    assert isinstance(outcome, Accepted)
    assert (outcome.average_price, outcome.average_fee, outcome.fees) == (None, None, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"client_order_id": "another"},
        {"ticker": "KXHIGHNY-26SEP15-B84.5"},
        {"order_id": None},
        {"order_id": ""},
        {"order_id": 17},
        {"fill_count": None},
        {"fill_count": "-1.00"},
        {"fill_count": "NaN"},
        {"fill_count": "1e309"},
        {"fill_count": "2.51"},
        {"fill_count": True},
        {"remaining_count": "999999999999999.00"},
        {"average_fill_price": "0.5700"},
        {"average_fill_price": "1.5"},
        {"average_fill_price": "-0.1"},
        {"average_fee_paid": "3"},
        {"ts_ms": None},
        {"ts_ms": 10**400},
        {"error": {"code": "internal"}},
    ],
)
def test_success_that_cannot_be_of_our_order_is_unknown(changes: dict[str, Any]) -> None:
    assert isinstance(outcomes.created(answer(201, wire_created(**changes)), new_order()), Unknown)


def test_seller_is_not_told_a_price_below_the_limit() -> None:
    order = new_order(book_side=BookSide.ASK)
    assert isinstance(
        outcomes.created(answer(201, wire_created(average_fill_price="0.5500")), order), Unknown
    )
    better = outcomes.created(answer(201, wire_created(average_fill_price="0.5700")), order)
    assert isinstance(better, Accepted)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"<html></html>",
        b'{"order_id": "x"',
        b"\xff",
        b"[" * 100_000,
        b'{"a": NaN}',
    ],
)
@pytest.mark.parametrize("status", [200, 201, 202])
def test_success_with_a_body_that_is_no_answer_is_unknown(status: int, body: bytes) -> None:
    assert isinstance(outcomes.created(Answer(status, body), new_order()), Unknown)
    assert isinstance(outcomes.canceled(Answer(status, body), ORDER_ID), Unknown)
    assert isinstance(outcomes.decreased(Answer(status, body), ORDER_ID), Unknown)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (wire_error("insufficient_balance"), Rejected),
        (wire_error("order_already_exists"), Duplicate),
        (wire_error("a_code_of_tomorrow"), Unknown),
        ({"error": "too many requests"}, Unknown),
        ({"error": {}}, Unknown),
        ({**wire_created(), **wire_error("insufficient_balance")}, Unknown),
    ],
)
def test_success_with_an_error_envelope_is_believed_only_if_we_know_the_code(
    body: dict[str, Any], kind: type
) -> None:
    assert isinstance(outcomes.created(answer(200, body), new_order()), kind)


TRACES = [
    {"order_id": ORDER_ID},
    {"fill_count": "5.00", "remaining_count": "5.00"},
    {"fill_count": "0.00", "remaining_count": "10.00"},
    {"order_id": ORDER_ID, "fill_count": "5.00"},
]


@pytest.mark.parametrize("traces", TRACES)
@pytest.mark.parametrize(
    "code", ["insufficient_balance", "invalid_order", "order_already_exists", "not_found"]
)
@pytest.mark.parametrize("status", [200, 201, 400, 403, 404, 409, 410, 429])
def test_error_with_an_order_beside_it_is_unknown_whatever_it_says(
    status: int, code: str, traces: dict[str, Any]
) -> None:
    """One rule for single answers, for items of a batch, and for what stands inside the error."""
    beside = {"client_order_id": CLIENT_ID} | traces | wire_error(code)
    within = {"error": wire_error(code)["error"] | traces}
    for body in (beside, within, beside["error"] | traces):
        said = answer(status, body)
        assert isinstance(outcomes.created(said, new_order()), Unknown)
        (item,) = outcomes.created_batch(answer(201, {"orders": [body]}), [new_order()])
        assert isinstance(item, Unknown)
    (whole,) = outcomes.created_batch(answer(400, beside), [new_order()])
    assert isinstance(whole, Unknown)


def test_refused_batch_that_lists_orders_all_the_same_is_unknown() -> None:
    body = {"orders": [wire_created()]} | wire_error("invalid_order")
    assert isinstance(outcomes.created_batch(answer(400, body), [new_order()])[0], Unknown)


def test_cancel_item_that_took_something_out_beside_its_error_is_unknown() -> None:
    def judged(**changes: Any) -> type:
        item = {"order_id": ORDER_ID, "reduced_by": "0.00", **wire_error("not_found")} | changes
        return type(outcomes.canceled_batch(answer(200, {"orders": [item]}), [ORDER_ID])[0])

    assert judged() is Gone
    assert judged(reduced_by="3.00") is Unknown
    assert judged(fill_count="1.00") is Unknown


DUPLICATES: list[dict[str, Any]] = [
    wire_error("order_already_exists"),
    wire_error("ORDER_ALREADY_EXISTS"),
    {"code": "Order_Already_Exists"},
    {"error": {"code": "invalid_parameters", "message": "client_order_id already exists"}},
    {"error": "Order already exists"},
    {"msg": "an order with this client_order_id Already Exists"},
]


@pytest.mark.parametrize("body", DUPLICATES)
@pytest.mark.parametrize("status", [400, 409])
def test_duplicate_is_told_in_any_spelling_and_never_read_as_a_refusal(
    status: int, body: dict[str, Any]
) -> None:
    assert isinstance(outcomes.created(answer(status, body), new_order()), Duplicate)
    (item,) = outcomes.created_batch(answer(201, {"orders": [{"error": body}]}), [new_order()])
    assert isinstance(item, Duplicate | Unknown)


@pytest.mark.parametrize("body", DUPLICATES)
@pytest.mark.parametrize("status", [400, 409])
def test_batch_refused_for_a_duplicate_leaves_every_order_unknown(status: int, body: dict[str, Any]) -> None:
    asked = [new_order(client_order_id="a"), new_order(client_order_id="b")]
    batch = outcomes.created_batch(answer(status, body), asked)
    assert [type(outcome) for outcome in batch] == [Unknown, Unknown]


def test_codes_are_known_in_any_spelling() -> None:
    assert isinstance(outcomes.canceled(answer(404, wire_error("NOT_FOUND")), ORDER_ID), Gone)
    clock = outcomes.created(answer(401, wire_error("HEADER_TIMESTAMP_EXPIRED")), new_order())
    assert isinstance(clock, AuthRefused)
    assert clock.fault is AuthFault.CLOCK
    crossed = outcomes.created(answer(400, wire_error("INVALID_ORDER", "post only cross")), new_order())
    assert isinstance(crossed, Rejected)
    assert crossed.reason is RejectReason.POST_ONLY_CROSS


@pytest.mark.parametrize(
    "status", [301, 302, 402, 408, 425, 444, 460, 499, 500, 501, 502, 503, 504, 520, 599]
)
@pytest.mark.parametrize("body", [b"", b"<html></html>", b'{"error":{"code":"insufficient_balance"}}'])
def test_status_that_proves_nothing_is_unknown(status: int, body: bytes) -> None:
    assert isinstance(outcomes.created(Answer(status, body), new_order()), Unknown)
    assert isinstance(outcomes.canceled(Answer(status, body), ORDER_ID), Unknown)
    assert isinstance(outcomes.canceled_all(Answer(status, body)), Unknown)


@pytest.mark.parametrize("body", [b"", b"<html></html>", b'{"error":{"code":"conflict"}}', b'{"msg":"busy"}'])
def test_conflict_in_other_words_may_be_a_duplicate_and_is_unknown(body: bytes) -> None:
    assert isinstance(outcomes.created(Answer(409, body), new_order()), Unknown)


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (401, wire_error("header_timestamp_expired"), AuthFault.CLOCK),
        (401, wire_error("authentication_error", "INCORRECT_API_KEY_SIGNATURE"), AuthFault.KEY),
        (401, wire_error("authentication_error", "NOT_FOUND"), AuthFault.KEY),
        (401, wire_error("signature_is_missing_from_headers"), AuthFault.KEY),
        (401, b"<html></html>", AuthFault.KEY),
        (403, wire_error("forbidden"), AuthFault.FORBIDDEN),
        (403, b"<html>blocked</html>", AuthFault.FORBIDDEN),
    ],
)
def test_refused_key_says_what_is_wrong_with_it(status: int, body: Any, fault: AuthFault) -> None:
    for outcome in (
        outcomes.created(answer(status, body), new_order()),
        outcomes.canceled(answer(status, body), ORDER_ID),
        outcomes.canceled_all(answer(status, body)),
    ):
        assert isinstance(outcome, AuthRefused)
        assert outcome.fault is fault


def test_retired_endpoint_is_its_own_outcome_for_every_call(snippets: Path) -> None:
    body = json.loads((snippets / "error_bodies_2026.json").read_text())["410_v1_order"]
    amendment = Amendment(ORDER_ID, TICKER, BookSide.BID, D(1), D("0.5"))
    for outcome in (
        outcomes.created(answer(410, body), new_order()),
        *outcomes.created_batch(answer(410, body), [new_order()]),
        outcomes.canceled(answer(410, body), ORDER_ID),
        outcomes.amended(answer(410, body), amendment),
        outcomes.decreased(answer(410, body), ORDER_ID),
        outcomes.canceled_all(answer(410, body)),
    ):
        assert isinstance(outcome, EndpointRetired)
        assert "deprecated_v1_order_endpoint" in outcome.message


@pytest.mark.parametrize("body", [wire_error("not_found"), {"msg": "no such order"}, b"404 page not found"])
def test_unknown_order_is_gone_which_proves_nothing(body: Any) -> None:
    amendment = Amendment(ORDER_ID, TICKER, BookSide.BID, D(1), D("0.5"))
    for outcome in (
        outcomes.canceled(answer(404, body), ORDER_ID),
        outcomes.amended(answer(404, body), amendment),
        outcomes.decreased(answer(404, body), ORDER_ID),
    ):
        assert isinstance(outcome, Gone)
        assert outcome.order_id == ORDER_ID


@pytest.mark.parametrize(
    "changes",
    [
        {"order_id": "another"}, {"order_id": None}, {"reduced_by": None}, {"reduced_by": "-1"}, {"ts_ms": "x"},
    ],
)  # fmt: skip
def test_cancel_answered_for_another_order_is_unknown(changes: dict[str, Any]) -> None:
    body = {"order_id": ORDER_ID, "reduced_by": "1.00", "ts_ms": TS_MS} | changes
    body = {name: value for name, value in body.items() if value is not None}
    assert isinstance(outcomes.canceled(answer(200, body), ORDER_ID), Unknown)


def test_batch_item_is_found_by_name_never_guessed() -> None:
    orders = [new_order(client_order_id="a"), new_order(client_order_id="b")]

    def judged(*items: Any) -> list[str]:
        batch = outcomes.created_batch(answer(201, {"orders": list(items)}), orders)
        return [type(outcome).__name__ for outcome in batch]

    a, b = wire_created(client_order_id="a"), wire_created(client_order_id="b")
    nameless, failed = wire_created(client_order_id=None), {"error": {"code": "invalid_price"}}
    assert judged(b, a) == ["Accepted", "Accepted"]
    assert judged(a) == ["Accepted", "Unknown"]
    assert judged(a, a) == ["Unknown", "Unknown"]
    assert judged(nameless, nameless) == ["Unknown", "Unknown"]
    assert judged(failed, b) == ["Rejected", "Accepted"]
    assert judged(failed, a) == ["Accepted", "Unknown"]
    assert judged({"error": {"code": "internal"}}, "junk") == ["Unknown", "Unknown"]
    assert judged(a | {"fill_count": "x"}, b) == ["Unknown", "Accepted"]


def test_batch_refused_as_a_whole_refuses_every_order() -> None:
    batch = outcomes.created_batch(answer(400, {"msg": "too many"}), [new_order(), new_order()])
    assert [o.reason for o in batch if isinstance(o, Rejected)] == [RejectReason.BAD_REQUEST] * 2


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from([ORDER_ID, CLIENT_ID, "1.00"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
keys = st.sampled_from(
    ["order_id", "client_order_id", "fill_count", "remaining_count", "ts_ms", "error", "orders"]
)


@given(status=st.integers(200, 599), body=st.dictionaries(keys, json_values, max_size=6))
def test_no_answer_makes_a_verdict_raise(status: int, body: dict[str, Any]) -> None:
    said = answer(status, body)
    created = outcomes.created(said, new_order())
    outcomes.created_batch(said, [new_order()])
    outcomes.canceled_batch(said, [ORDER_ID, "other"])
    outcomes.canceled(said, ORDER_ID)
    outcomes.canceled_all(said)
    outcomes.decreased(said, ORDER_ID)
    outcomes.amended(said, Amendment(ORDER_ID, TICKER, BookSide.BID, D(1), D("0.5")))
    assert isinstance(created, Accepted) <= (status < 300)
    assert status < 500 or isinstance(created, Unknown | Duplicate)


def test_recorded_answers_to_orders_mean_what_happened(recorded_api: Path) -> None:
    expected = {
        "orders__create_v2_maker": Accepted,
        "orders__create_v2_taker_ioc": Accepted,
        "orders__settlement_seed": Accepted,
        "orders__stp_setup": Accepted,
        "orders__stp_self_cross": Accepted,
        "orders__duplicate_client_order_id": Duplicate,
        "orders__reuse_canceled_client_id": Duplicate,
        "orders__post_only_cross": RejectReason.POST_ONLY_CROSS,
        "orders__insufficient_balance": RejectReason.INSUFFICIENT_BALANCE,
        "orders__invalid_price_structure": RejectReason.PRICE,
        "orders__numeric_field_types": RejectReason.BAD_REQUEST,
        "orders__legacy_create": Unknown,
    }
    for name, verdict in expected.items():
        meta = json.loads((recorded_api / f"{name}.meta.json").read_text())
        sent = meta["request_body"]
        order = new_order("1", "0.99", client_order_id=sent.get("client_order_id", CLIENT_ID))
        outcome = outcomes.created(
            Answer(meta["status"], (recorded_api / f"{name}.json").read_bytes()), order
        )
        assert verdict in (type(outcome), getattr(outcome, "reason", None)), name


def test_recorded_answers_to_cancels_mean_what_happened(recorded_api: Path) -> None:
    for name, verdict in {
        "orders__cancel_v2": Canceled,
        "cleanup__stp_resting": Canceled,
        "orders__cancel_already_canceled": Gone,
        "orders__cancel_executed": Gone,
        "orders__cancel_unknown_id": Gone,
    }.items():
        meta = json.loads((recorded_api / f"{name}.meta.json").read_text())
        order_id = meta["path"].rsplit("/", 1)[1]
        outcome = outcomes.canceled(
            Answer(meta["status"], (recorded_api / f"{name}.json").read_bytes()), order_id
        )
        assert isinstance(outcome, verdict), name
