"""Lost, late and wrong answers to orders: what was carried out, and what the client can know of it."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.sandbox.trading import ORDERS, ROOT, Member, Trading, signed_headers

MATCHES = (f"POST {ORDERS}", f"POST {ROOT}{ORDERS}")


def resting(trading: Trading, member: Member) -> list[str]:
    """Client ids that rest, as the account's reads tell it."""
    trading.wait()
    return [order["client_order_id"] for order in member.get("/portfolio/orders?status=resting")["orders"]]


@pytest.mark.parametrize("match", MATCHES)
@pytest.mark.parametrize(
    ("kind", "arrives"), [("drop_before", False), ("reset", False), ("drop_after", True)]
)
def test_dropped_connection_hides_whether_the_order_arrived(
    trading: Trading, match: str, kind: str, arrives: bool
) -> None:
    member = trading.members[0]
    trading.control(do="fault", match=match, kind=kind, count=1)
    with pytest.raises(ConnectionResetError):
        member.send(client_order_id="lost")
    assert resting(trading, member) == (["lost"] if arrives else [])
    assert member.send(client_order_id="lost").status_code == (409 if arrives else 201)


@pytest.mark.parametrize(
    ("kind", "status", "arrives"),
    [("5xx", 500, False), ("5xx_after", 500, True), ("429", 429, False), ("html", 502, False)],
)
def test_error_in_place_of_the_answer_may_follow_an_order_that_was_placed(
    trading: Trading, kind: str, status: int, arrives: bool
) -> None:
    member = trading.members[0]
    trading.control(do="fault", match=MATCHES[0], kind=kind, count=1)
    assert member.send(client_order_id="lost").status_code == status
    assert resting(trading, member) == (["lost"] if arrives else [])


def test_truncated_answer_follows_an_order_that_was_placed(trading: Trading) -> None:
    member = trading.members[0]
    trading.control(do="fault", match=MATCHES[0], kind="truncated", count=1)
    with pytest.raises(ConnectionResetError):
        member.send(client_order_id="lost")
    assert resting(trading, member) == ["lost"]


def test_unknown_fields_are_beside_the_known_ones(trading: Trading) -> None:
    member = trading.members[0]
    trading.control(do="fault", match=MATCHES[0], kind="unknown_field", count=1)
    answer = member.send(client_order_id="mine")
    assert answer.status_code == 201
    assert answer.json()["client_order_id"] == "mine"
    assert "brand_new_field" in answer.json()


def test_success_may_carry_an_error_body(trading: Trading) -> None:
    member = trading.members[0]
    trading.control(do="fault", match=MATCHES[0], kind="error_body", count=1)
    answer = member.send(client_order_id="mine")
    assert (answer.status_code, list(answer.json())) == (201, ["error"])
    assert resting(trading, member) == ["mine"]


def test_answer_may_be_that_to_another_order(trading: Trading) -> None:
    member = trading.members[0]
    trading.control(do="fault", match=MATCHES[0], kind="wrong_echo", count=1)
    echoed = member.place(client_order_id="mine")
    assert echoed["client_order_id"] != "mine"
    trading.wait()
    (order,) = member.get("/portfolio/orders")["orders"]
    assert order["client_order_id"] == "mine"
    assert order["order_id"] != echoed["order_id"]


def test_page_may_repeat_rows_of_an_earlier_one(trading: Trading) -> None:
    member = trading.members[0]
    for _ in range(4):
        member.place()
    trading.wait()
    first = member.get("/portfolio/orders?limit=2")
    trading.control(do="fault", match="GET /portfolio/orders", kind="duplicate_page")
    second = member.get(f"/portfolio/orders?limit=2&cursor={first['cursor']}")
    assert second["orders"][:2] == first["orders"]
    assert len(second["orders"]) == 4
    assert second["cursor"] == ""


def test_fault_with_a_count_strikes_that_often(trading: Trading) -> None:
    member = trading.members[0]
    trading.control(do="fault", match=MATCHES[0], kind="5xx", count=2)
    assert [member.send().status_code for _ in range(3)] == [500, 500, 201]


def test_fault_of_another_method_leaves_orders_alone(trading: Trading) -> None:
    trading.control(do="fault", match=f"DELETE {ORDERS}", kind="5xx")
    assert trading.members[0].send().status_code == 201


def test_late_order_arrives_after_its_connection_is_gone(trading: Trading) -> None:
    """As if it had been queued inside the exchange: its signature counts as of its arrival."""
    member = trading.members[0]
    trading.control(do="fault", match=MATCHES[0], kind="late", count=1, seconds=0.05)
    headers = signed_headers(member.account, "POST", f"{ROOT}{ORDERS}", trading.stage.now())

    async def scene() -> None:
        transport = httpx.ASGITransport(app=trading.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8002") as client:
            with pytest.raises(ConnectionResetError):
                await client.post(
                    f"{ROOT}{ORDERS}", headers=headers, json=member.order(client_order_id="late")
                )
            before = await listed(client)
            trading.wait(timedelta(minutes=1))
            await asyncio.sleep(0.2)
            assert (before, await listed(client)) == ([], [])  # it is there, and the reads do not know it yet

    async def listed(client: httpx.AsyncClient) -> Any:
        path = f"{ROOT}/portfolio/orders"
        signed = signed_headers(member.account, "GET", path, trading.stage.now())
        return (await client.get(path, headers=signed)).json()["orders"]

    asyncio.run(scene())
    assert resting(trading, member) == ["late"]


@pytest.mark.parametrize("status", [502, 503, 504])
def test_error_of_a_proxy_may_follow_an_order_that_was_placed(trading: Trading, status: int) -> None:
    member = trading.members[0]
    trading.control(do="fault", match=MATCHES[0], kind="5xx_after", status=status, count=1)
    answer = member.send(client_order_id="lost")
    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (status, "text/html")
    assert resting(trading, member) == ["lost"]


@pytest.mark.parametrize(("kind", "status"), [("401", 401), ("410", 410)])
def test_refusal_on_request_leaves_no_order(trading: Trading, kind: str, status: int) -> None:
    member = trading.members[0]
    trading.control(do="fault", match=MATCHES[0], kind=kind, count=1)
    answer = member.send(client_order_id="mine")
    assert (answer.status_code, list(answer.json())) == (status, ["error"])
    assert resting(trading, member) == []


def test_list_may_come_back_empty_or_in_another_order(trading: Trading) -> None:
    member = trading.members[0]
    for _ in range(3):
        member.place()
    trading.wait()
    path = "/portfolio/orders?limit=2"
    page = member.get(path)
    trading.control(do="fault", match="GET /portfolio/orders", kind="reversed_list", count=1)
    assert member.get(path)["orders"] == page["orders"][::-1]
    trading.control(do="fault", match="GET /portfolio/orders", kind="empty_list", count=1)
    assert member.get(path) == {"orders": [], "cursor": ""}


def test_list_may_lack_its_youngest_rows_for_a_while(trading: Trading) -> None:
    member = trading.members[0]
    first = member.place()["order_id"]
    trading.wait(timedelta(seconds=60))
    second = member.place()["order_id"]
    trading.wait()
    trading.control(do="fault", match="GET /portfolio/orders", kind="late_rows", seconds=30)
    assert [row["order_id"] for row in member.get("/portfolio/orders")["orders"]] == [first]
    trading.wait(timedelta(seconds=30))
    assert {row["order_id"] for row in member.get("/portfolio/orders")["orders"]} == {first, second}
