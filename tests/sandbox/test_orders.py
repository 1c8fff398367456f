"""The order calls: what is accepted, what is refused and in which of the three shapes."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.sandbox.trading import ORDERS, TICKER, Trading

NOWHERE = str(UUID(int=0))


def code(answer: Any) -> tuple[int, str]:
    """HTTP status and code of a nested refusal."""
    return answer.status_code, answer.json()["error"]["code"]


def test_create_when_it_rests_answers_201_without_a_status(trading: Trading) -> None:
    placed = trading.members[0].place(client_order_id="mine")
    assert str(UUID(placed["order_id"])) == placed.pop("order_id")
    assert placed == {
        "client_order_id": "mine",
        "fill_count": "0.00",
        "remaining_count": "1.00",
        "ts_ms": 1779192000000,
    }


def test_create_without_a_client_id_is_accepted_as_often_as_it_is_sent(trading: Trading) -> None:
    answers = [trading.members[0].place(client_order_id=None) for _ in range(2)]
    assert len({answer["order_id"] for answer in answers}) == 2
    assert "client_order_id" not in answers[0]


@pytest.mark.parametrize("side", ["bid", "ask"])
def test_ioc_takes_what_is_there_and_says_nothing_remains(trading: Trading, side: str) -> None:
    price = "0.2200" if side == "bid" else "0.2000"
    placed = trading.members[0].place(
        side=side, price=price, count="12.50", time_in_force="immediate_or_cancel"
    )
    assert (placed["fill_count"], placed["remaining_count"]) == ("10.00", "0.00")
    assert placed["average_fill_price"] == price


def test_fok_that_cannot_fill_is_409_and_burns_its_client_id(trading: Trading) -> None:
    member = trading.members[0]
    killed = member.send(client_order_id="burnt", price="0.2200", count="11.00", time_in_force="fill_or_kill")
    assert code(killed) == (409, "fill_or_kill_insufficient_resting_volume")
    assert code(member.send(client_order_id="burnt")) == (409, "order_already_exists")


def test_duplicate_client_id_is_409_also_after_the_first_was_cancelled(trading: Trading) -> None:
    member, other = trading.members[:2]
    first = member.place(client_order_id="once")
    assert code(member.send(client_order_id="once")) == (409, "order_already_exists")
    assert member.call("DELETE", f"{ORDERS}/{first['order_id']}").status_code == 200
    assert code(member.send(client_order_id="once")) == (409, "order_already_exists")
    assert other.send(client_order_id="once").status_code == 201


def test_duplicate_is_409_also_when_its_expiration_has_passed_meanwhile(trading: Trading) -> None:
    """Else a client that asks whether its lost order had arrived hears 400, and believes that it had not."""
    member = trading.members[0]
    expires = int(trading.stage.now().timestamp()) + 60
    member.place(client_order_id="once", expiration_time=expires)
    trading.wait(timedelta(seconds=61))
    assert code(member.send(client_order_id="once", expiration_time=expires)) == (409, "order_already_exists")
    assert code(member.send(client_order_id="new", expiration_time=expires)) == (400, "invalid_parameters")


def test_post_only_that_would_cross_is_400(trading: Trading) -> None:
    answer = trading.members[0].send(price="0.2200", post_only=True)
    assert answer.status_code == 400
    assert answer.json()["error"] == {
        "code": "invalid_order",
        "message": "invalid order",
        "details": "post only cross",
    }


def test_self_cross_cancels_the_taker_and_leaves_the_resting_order(trading: Trading) -> None:
    member = trading.members[0]
    resting = member.place(price="0.2100")
    crossed = member.place(side="ask", price="0.2100", time_in_force="immediate_or_cancel")
    assert (crossed["fill_count"], crossed["remaining_count"]) == ("0.00", "0.00")
    trading.wait()
    assert member.get(f"/portfolio/orders/{resting['order_id']}")["order"]["status"] == "resting"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"price": "0.2150"}, "invalid_price"),
        ({"price": "abc"}, "invalid_price"),
        ({"price": "-0.10"}, "invalid_price"),
        ({"price": "1.00"}, "invalid_price"),
        ({"price": "0.20000"}, "invalid_price"),
        ({"price": "٠.٢٠"}, "invalid_price"),
        ({"count": "0.00"}, "invalid_order_size"),
        ({"count": "1.005"}, "invalid_order_size"),
        ({"count": "NaN"}, "invalid_order_size"),
        ({"count": "2000000"}, "insufficient_balance"),
        ({"side": "buy"}, "invalid_parameters"),
        ({"time_in_force": "GTT"}, "invalid_parameters"),
        ({"self_trade_prevention_type": None}, "invalid_parameters"),
        ({"ticker": ""}, "invalid_parameters"),
    ],
)
def test_bad_field_is_refused_in_the_nested_shape(
    trading: Trading, changes: dict[str, Any], expected: str
) -> None:
    assert code(trading.members[0].send(**changes)) == (400, expected)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("count", 1, "number into Go struct field CreateOrderV2Request.count of type string"),
        ("price", 0.01, "number into Go struct field CreateOrderV2Request.price of type string"),
        ("side", True, "bool into Go struct field CreateOrderV2Request.side of type string"),
        ("post_only", "yes", "string into Go struct field CreateOrderV2Request.post_only of type bool"),
        ("expiration_time", "soon", "string into Go struct field CreateOrderV2Request.expiration_time"),
        ("expiration_time", 1.5, "number 1.5 into Go struct field CreateOrderV2Request.expiration_time"),
        ("expiration_time", 10**30, "CreateOrderV2Request.expiration_time of type int64"),
        ("ticker", [], "array into Go struct field CreateOrderV2Request.ticker of type string"),
    ],
)
def test_wrong_json_type_is_refused_in_the_flat_shape(
    trading: Trading, field: str, value: Any, words: str
) -> None:
    answer = trading.members[0].send(**{field: value})
    assert answer.status_code == 400
    body = answer.json()
    assert (body["code"], body["message"], words in body["details"]) == ("bad_request", "bad request", True)


@pytest.mark.parametrize("body", ["", "{", "[1]", '"order"', "null", '{"price": NaN}', "[" * 100_000])
def test_body_that_is_no_order_is_refused_in_the_flat_shape(trading: Trading, body: str) -> None:
    member = trading.members[0]
    signed = member.call("POST", ORDERS).request.headers
    headers = {name: signed[name] for name in signed if name.startswith("kalshi")}
    answer = trading.client.request("POST", f"/trade-api/v2{ORDERS}", headers=headers, content=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")


def test_recorded_refusal_of_numbers_is_ours(trading: Trading, shared_data: Any) -> None:
    recorded = shared_data / "kalshi/api-samples/fortuna-demo-2026-06/orders__numeric_field_types.json"
    answer = trading.members[0].send(count=1, price=0.01)
    assert answer.json() == json.loads(recorded.read_text(encoding="utf-8"))


def test_unknown_market_is_404(trading: Trading) -> None:
    assert trading.members[0].send(ticker="KXHIGHCHI-26MAY19-B99.5").status_code == 404


@pytest.mark.parametrize("routing", [{}, {"exchange_index": 0}, {"exchange_index": -1}, {"subaccount": 0}])
def test_routing_that_leads_here_is_accepted(trading: Trading, routing: dict[str, int]) -> None:
    member = trading.members[0]
    placed = member.place(**routing)
    query = "&".join(f"{name}={value}" for name, value in routing.items())
    path = f"{ORDERS}/{placed['order_id']}?market_ticker={TICKER}&{query}"
    assert member.call("DELETE", path).json()["reduced_by"] == "1.00"


def test_another_shard_has_no_money_and_no_orders(trading: Trading) -> None:
    member = trading.members[0]
    assert code(member.send(exchange_index=2)) == (404, "user_not_found")
    placed = member.place()
    elsewhere = member.call("DELETE", f"{ORDERS}/{placed['order_id']}?exchange_index=2")
    assert code(elsewhere) == (404, "not_found")


def test_another_subaccount_has_no_orders_to_change_or_to_wait_in_a_queue(trading: Trading) -> None:
    member = trading.members[0]
    order_id = member.place(count="2.00")["order_id"]
    amend = {"ticker": TICKER, "side": "bid", "price": "0.0200", "count": "2.00"}
    bodies: dict[str, dict[str, Any]] = {"amend": amend, "decrease": {"reduce_by": "1.00"}}
    for verb, body in bodies.items():
        path = f"{ORDERS}/{order_id}/{verb}"
        assert code(member.call("POST", f"{path}?subaccount=1", body)) == (404, "not_found")
        assert member.call("POST", f"{path}?subaccount=x", body).status_code == 400
        assert member.call("POST", f"{path}?subaccount=0", body).status_code == 200
    queue = "/portfolio/orders/queue_positions?subaccount"
    assert len(member.get(f"{queue}=0")["queue_positions"]) == 1
    assert member.get(f"{queue}=1") == {"queue_positions": []}
    assert member.call("GET", f"{queue}=x").status_code == 400
    single = member.call("GET", f"/portfolio/orders/{order_id}/queue_position?subaccount=1")
    assert code(single) == (404, "not_found")


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("ticker", (404, "not_found")),
        ("client_order_id", (400, "invalid_parameters")),
        ("side", (400, "invalid_parameters")),
        ("price", (400, "invalid_price")),
        ("order_group_id", (404, "not_found")),
    ],
)
def test_half_a_character_in_a_body_is_refused_as_any_wrong_text(
    trading: Trading, field: str, expected: tuple[int, str]
) -> None:
    member = trading.members[0]
    assert code(member.send(**{field: "\ud800"})) == expected
    batch = member.call("POST", f"{ORDERS}/batched", {"orders": [member.order(**{field: "\ud800"})]})
    assert 200 <= batch.status_code < 500


def test_second_cancel_is_404_like_that_of_an_executed_or_unknown_order(trading: Trading) -> None:
    member, other = trading.members[:2]
    resting = member.place()
    executed = member.place(price="0.2200")
    foreign = other.place()
    assert member.call("DELETE", f"{ORDERS}/{resting['order_id']}").json()["reduced_by"] == "1.00"
    for order_id in (resting["order_id"], executed["order_id"], foreign["order_id"], NOWHERE):
        assert code(member.call("DELETE", f"{ORDERS}/{order_id}")) == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/portfolio/orders/mine"), ("DELETE", f"{ORDERS}/mine"), ("POST", f"{ORDERS}/mine/amend")],
)
def test_id_that_is_no_uuid_is_400(trading: Trading, method: str, path: str) -> None:
    assert code(trading.members[0].call(method, path)) == (400, "invalid_UUID")


def test_cancel_all_is_204_without_a_body_and_leaves_nothing_resting(trading: Trading) -> None:
    member, other = trading.members[:2]
    for _ in range(3):
        member.place()
    other.place()
    answer = member.call("DELETE", ORDERS)
    assert (answer.status_code, answer.content) == (204, b"")
    trading.wait()
    assert member.get("/portfolio/orders?status=resting")["orders"] == []
    assert len(other.get("/portfolio/orders?status=resting")["orders"]) == 1


def test_amend_that_crosses_fills_at_once(trading: Trading) -> None:
    member = trading.members[0]
    placed = member.place(count="2.00")
    body = {"ticker": TICKER, "side": "bid", "price": "0.2200", "count": "2.00"}
    amended = member.call("POST", f"{ORDERS}/{placed['order_id']}/amend", body).json()
    assert (amended["fill_count"], amended["remaining_count"]) == ("2.00", "0.00")
    assert amended["average_fill_price"] == "0.2200"


def test_amend_of_the_client_id_makes_the_new_one_taken(trading: Trading) -> None:
    member = trading.members[0]
    placed = member.place(client_order_id="first")
    body = {
        "ticker": TICKER,
        "side": "bid",
        "price": "0.0200",
        "count": "1.00",
        "client_order_id": "first",
        "updated_client_order_id": "second",
    }
    amended = member.call("POST", f"{ORDERS}/{placed['order_id']}/amend", body).json()
    assert amended["client_order_id"] == "second"
    assert code(member.send(client_order_id="second")) == (409, "order_already_exists")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"side": "ask"}, "order_side_mismatch"),
        ({"ticker": "KXHIGHCHI-26MAY19-B76.5"}, "order_ticker_mismatch"),
        ({"client_order_id": "another"}, "order_id_and_client_order_id_mismatch"),
    ],
)
def test_amend_that_names_another_order_is_a_mismatch(
    trading: Trading, changes: dict[str, str], expected: str
) -> None:
    member = trading.members[0]
    placed = member.place()
    body = {"ticker": TICKER, "side": "bid", "price": "0.0200", "count": "1.00"} | changes
    answer = member.call("POST", f"{ORDERS}/{placed['order_id']}/amend", body)
    assert answer.status_code in (400, 409)
    assert answer.json()["error"]["code"] == expected


def test_amend_moves_and_clears_the_expiration(trading: Trading) -> None:
    member = trading.members[0]
    soon = int(trading.stage.now().timestamp()) + 60
    placed = member.place(expiration_time=soon)
    path = f"{ORDERS}/{placed['order_id']}/amend"
    body = {"ticker": TICKER, "side": "bid", "price": "0.0100", "count": "1.00"}
    assert member.call("POST", path, body | {"expiration_time": 0}).status_code == 200
    trading.wait(timedelta(minutes=5))
    order = member.get(f"/portfolio/orders/{placed['order_id']}")["order"]
    assert (order["status"], "expiration_time" in order) == ("resting", False)


def test_expired_order_is_cancelled_although_the_market_is_frozen(trading: Trading) -> None:
    member = trading.members[0]
    placed = member.place(expiration_time=int(trading.stage.now().timestamp()) + 60)
    trading.wait(timedelta(seconds=61))
    order = member.get(f"/portfolio/orders/{placed['order_id']}")["order"]
    assert (order["status"], order["remaining_count_fp"]) == ("canceled", "0.00")


@pytest.mark.parametrize(
    ("body", "expected"),
    [({"reduce_by": "2.00"}, "3.00"), ({"reduce_to": "2.00"}, "2.00")],
)
def test_decrease_by_or_to_keeps_the_rest(trading: Trading, body: dict[str, str], expected: str) -> None:
    member = trading.members[0]
    placed = member.place(count="5.00")
    answer = member.call("POST", f"{ORDERS}/{placed['order_id']}/decrease", body)
    assert answer.json()["remaining_count"] == expected


@pytest.mark.parametrize("body", [{}, {"reduce_by": "1.00", "reduce_to": "1.00"}])
def test_decrease_needs_exactly_one_of_both(trading: Trading, body: dict[str, str]) -> None:
    member = trading.members[0]
    placed = member.place(count="5.00")
    answer = member.call("POST", f"{ORDERS}/{placed['order_id']}/decrease", body)
    assert code(answer) == (400, "invalid_parameters")


def test_batch_answers_each_item_for_itself(trading: Trading) -> None:
    member = trading.members[0]
    twice = member.order()
    answer = member.call(
        "POST", f"{ORDERS}/batched", {"orders": [twice, twice, member.order(price="0.0150")]}
    )
    assert answer.status_code == 201
    first, second, third = answer.json()["orders"]
    assert first["remaining_count"] == "1.00"
    assert second == {
        "client_order_id": twice["client_order_id"],
        "error": {"code": "order_already_exists", "message": "order already exists"},
    }
    assert third["error"]["code"] == "invalid_price"
    cancels = {"orders": [{"order_id": first["order_id"], "market_ticker": TICKER}, {"order_id": NOWHERE}]}
    done, missing = member.call("DELETE", f"{ORDERS}/batched", cancels).json()["orders"]
    assert (done["reduced_by"], missing["reduced_by"]) == ("1.00", "0.00")
    assert missing["error"]["code"] == "not_found"


def test_batch_with_an_item_that_cannot_be_decoded_places_none(trading: Trading) -> None:
    member = trading.members[0]
    body = {"orders": [member.order(), member.order(count=1)]}
    answer = member.call("POST", f"{ORDERS}/batched", body)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
    trading.wait()
    assert member.get("/portfolio/orders")["orders"] == []


@pytest.mark.parametrize("body", [[], {}, {"orders": None}, {"orders": {}}])
def test_batch_without_a_list_is_400(trading: Trading, body: Any) -> None:
    assert trading.members[0].call("POST", f"{ORDERS}/batched", body).status_code == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/portfolio/orders"),
        ("DELETE", f"/portfolio/orders/{NOWHERE}"),
        ("POST", f"/portfolio/orders/{NOWHERE}/amend"),
        ("POST", f"/portfolio/orders/{NOWHERE}/decrease"),
        ("POST", "/portfolio/orders/batched"),
        ("DELETE", "/portfolio/orders/batched"),
    ],
)
def test_first_version_writes_are_gone(trading: Trading, method: str, path: str) -> None:
    answer = trading.members[0].call(method, path, {"action": "buy", "count": 1})
    assert code(answer) == (410, "deprecated_v1_order_endpoint")
    assert trading.client.request(method, f"/trade-api/v2{path}").status_code == 401


def test_read_only_key_reads_its_account_and_orders_nothing(trading: Trading) -> None:
    owner, _, reader = trading.members
    placed = owner.place()
    trading.wait()
    assert reader.get("/portfolio/orders")["orders"][0]["order_id"] == placed["order_id"]
    for answer in (reader.send(), reader.call("DELETE", ORDERS)):
        assert code(answer) == (403, "forbidden")
    scopes = {key["name"]: key["scopes"] for key in reader.get("/api_keys")["api_keys"]}
    assert scopes == {"rsa": ["read", "write::trade"], "read-only": ["read"]}


@pytest.mark.parametrize(
    ("method", "path"), [("POST", ORDERS), ("DELETE", ORDERS), ("GET", "/portfolio/fills")]
)
def test_unsigned_call_for_an_account_is_401(trading: Trading, method: str, path: str) -> None:
    answer = trading.client.request(method, f"/trade-api/v2{path}")
    assert code(answer) == (401, "signature_is_missing_from_headers")


def test_order_ids_are_not_guessable_across_accounts(trading: Trading) -> None:
    member, other = trading.members[:2]
    placed = member.place()
    assert code(other.call("GET", f"/portfolio/orders/{placed['order_id']}")) == (404, "not_found")
    assert code(other.call("GET", f"/portfolio/orders/{uuid4()}")) == (404, "not_found")
