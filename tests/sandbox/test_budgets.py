"""The token buckets of the Basic tier."""

from datetime import timedelta

from sandbox.accounts import Account
from sandbox.kalshi.costs import BASIC, cost_of
from sandbox.recorded import RecordedDay
from tests.sandbox.conftest import MORNING
from tests.sandbox.trading import ORDERS, Trading

NOWHERE = "00000000-0000-0000-0000-000000000000"


def limited(day: RecordedDay, accounts: tuple[Account, ...]) -> Trading:
    return Trading(day, MORNING, accounts, tier=BASIC)


def test_eleventh_order_of_a_second_is_429_without_advice(
    invented_day: RecordedDay, accounts: tuple[Account, ...]
) -> None:
    trading = limited(invented_day, accounts)
    member = trading.members[0]
    assert [member.send().status_code for _ in range(10)] == [201] * 10
    refused = member.send()
    assert (refused.status_code, refused.json()) == (429, {"error": "too many requests"})
    assert "retry-after" not in refused.headers
    assert trading.members[1].send().status_code == 201
    trading.wait(timedelta(milliseconds=100))
    assert [member.send().status_code for _ in range(2)] == [201, 429]


def test_refused_order_was_not_carried_out(invented_day: RecordedDay, accounts: tuple[Account, ...]) -> None:
    trading = limited(invented_day, accounts)
    member = trading.members[0]
    for _ in range(11):
        member.send()
    trading.wait()
    assert len(member.get("/portfolio/orders")["orders"]) == 10


def test_cancels_and_single_reads_cost_two(invented_day: RecordedDay, accounts: tuple[Account, ...]) -> None:
    member = limited(invented_day, accounts).members[0]
    assert [member.call("DELETE", f"{ORDERS}/{NOWHERE}").status_code for _ in range(50)] == [404] * 50
    assert member.call("DELETE", ORDERS).status_code == 429


def test_reads_may_save_three_seconds_of_budget(
    invented_day: RecordedDay, accounts: tuple[Account, ...]
) -> None:
    trading = limited(invented_day, accounts)
    member = trading.members[0]
    codes = [member.call("GET", "/portfolio/balance").status_code for _ in range(61)]
    assert codes == [200] * 60 + [429]
    trading.wait(timedelta(seconds=1))
    codes = [member.call("GET", "/portfolio/balance").status_code for _ in range(21)]
    assert codes == [200] * 20 + [429]


def test_batch_must_fit_the_bucket_as_a_whole(
    invented_day: RecordedDay, accounts: tuple[Account, ...]
) -> None:
    trading = limited(invented_day, accounts)
    member = trading.members[0]
    eleven = {"orders": [member.order() for _ in range(11)]}
    assert member.call("POST", f"{ORDERS}/batched", eleven).status_code == 429
    assert member.call("POST", f"{ORDERS}/batched", {"orders": eleven["orders"][:10]}).status_code == 201
    assert member.send().status_code == 429


def test_keys_of_one_member_share_its_budget(
    invented_day: RecordedDay, accounts: tuple[Account, ...]
) -> None:
    owner, _, reader = limited(invented_day, accounts).members
    for _ in range(60):
        owner.call("GET", "/portfolio/balance")
    assert reader.call("GET", "/portfolio/balance").status_code == 429


def test_told_costs_are_those_that_are_charged(
    invented_day: RecordedDay, accounts: tuple[Account, ...]
) -> None:
    told = limited(invented_day, accounts).members[0].get("/account/endpoint_costs")
    assert told["default_cost"] == 10
    for one in told["endpoint_costs"]:
        assert cost_of(one["method"], one["path"].replace(":order_id", NOWHERE)) == one["cost"]
    assert cost_of("GET", "/trade-api/v2/portfolio/orders/queue_positions") == 10
