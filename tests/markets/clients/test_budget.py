"""Tokens are counted as the exchange counts them, and cancels come first."""

from decimal import Decimal
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from markets.clients.kalshi import parse_account
from markets.clients.kalshi.budget import BASIC, USUAL_COSTS, TokenBudget
from markets.clients.kalshi.conversation import Conversation
from markets.clients.kalshi.errors import Unsent
from markets.clients.kalshi.orders import BATCH_PATH, ORDERS_PATH, KalshiOrders
from markets.clients.kalshi.signing import Signer
from markets.clients.kalshi.transport import Transport
from markets.domain.account_types import AccountLimits, Bucket, EndpointCost, EndpointCosts
from markets.domain.order_outcomes import NotSent, Rejected, RejectReason
from tests.markets.clients.order_makers import PLACE, new_order
from tests.markets.local_exchange import LocalExchange, Reply, json_reply
from tests.markets.makers import NOW, decode


class HandClock:
    """Seconds that pass only in sleep."""

    def __init__(self) -> None:
        self.at = 100.0
        self.naps: list[float] = []

    def now(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.at += seconds


@pytest.fixture
def hand() -> HandClock:
    return HandClock()


@pytest.fixture
def budget(hand: HandClock) -> TokenBudget:
    return TokenBudget(monotonic=hand.now, sleep=hand.sleep)


def test_twenty_reads_a_second_pass_and_the_next_waits_its_share(
    budget: TokenBudget, hand: HandClock
) -> None:
    for _ in range(20):
        budget.spend("GET", "/events")
    assert hand.naps == []
    budget.spend("GET", "/events")
    assert hand.naps == [pytest.approx(0.05)]


def test_orders_leave_a_reserve_that_cancels_may_use(budget: TokenBudget, hand: HandClock) -> None:
    for _ in range(8):
        budget.spend("POST", ORDERS_PATH)
    for _ in range(10):
        budget.spend("DELETE", f"{ORDERS_PATH}/some-order")
    assert hand.naps == []
    budget.spend("POST", ORDERS_PATH)
    assert hand.naps == [pytest.approx(0.3)]


def test_order_that_would_wait_too_long_is_not_sent(hand: HandClock) -> None:
    slow = AccountLimits(
        usage_tier="slow", read=BASIC.read, write=Bucket(refill_per_s=Decimal(10), capacity=Decimal(100))
    )
    budget = TokenBudget(slow, monotonic=hand.now, sleep=hand.sleep)
    budget.note_limit("POST")
    with pytest.raises(Unsent, match="kept back"):
        budget.spend("POST", ORDERS_PATH)
    assert hand.naps == []
    budget.spend("DELETE", f"{ORDERS_PATH}/some-order")
    assert hand.naps == [pytest.approx(0.2)]


@pytest.mark.parametrize(("refill", "capacity"), [("1", "1"), ("1e-18", "1e12"), ("0.0001", "1")])
def test_told_limits_below_what_every_account_has_stop_no_cancel_and_no_read(
    budget: TokenBudget, hand: HandClock, refill: str, capacity: str
) -> None:
    told = {"refill_rate": refill, "bucket_capacity": capacity}
    budget.adopt(parse_account.parse_limits({"usage_tier": "odd", "read": told, "write": told}), USUAL_COSTS)
    for method in ("POST", "GET"):
        budget.note_limit(method)
    budget.spend("DELETE", f"{ORDERS_PATH}/some-order")
    budget.spend("GET", "/portfolio/orders")
    assert sum(hand.naps) < 1


def test_told_limits_above_what_every_account_has_are_adopted(budget: TokenBudget, hand: HandClock) -> None:
    told = {"refill_rate": 1000, "bucket_capacity": 2000}
    budget.adopt(
        parse_account.parse_limits({"usage_tier": "prime", "read": told, "write": told}), USUAL_COSTS
    )
    for _ in range(200):
        budget.spend("GET", "/events")
    assert hand.naps == []


def test_told_cost_beyond_the_bucket_stops_no_single_call(budget: TokenBudget, hand: HandClock) -> None:
    costs = parse_account.parse_endpoint_costs({"default_cost": 1_000_000, "endpoint_costs": []})
    budget.adopt(BASIC, costs)
    for method, path in (("DELETE", f"{ORDERS_PATH}/some-order"), ("GET", "/events")):
        budget.spend(method, path)
    assert hand.naps == []
    with pytest.raises(Unsent, match="costs 2000000 tokens"):
        budget.spend("DELETE", BATCH_PATH, items=2)


def test_batch_is_billed_by_item_and_must_fit_the_bucket(budget: TokenBudget, hand: HandClock) -> None:
    with pytest.raises(Unsent, match="costs 90 tokens"):
        budget.spend("POST", BATCH_PATH, items=9)
    budget.spend("POST", BATCH_PATH, items=8)
    budget.spend("DELETE", BATCH_PATH, items=10)
    assert hand.naps == []
    budget.spend("DELETE", ORDERS_PATH)
    assert hand.naps == [pytest.approx(0.02)]


def test_costs_of_the_account_replace_the_usual_ones(
    budget: TokenBudget, hand: HandClock, recorded_api: Path
) -> None:
    body = decode((recorded_api / "account__endpoint_costs.json").read_bytes())
    budget.adopt(BASIC, parse_account.parse_endpoint_costs(body))
    budget.spend("DELETE", f"{ORDERS_PATH}/97ec18b7-10d3", items=50)  # 2 each
    budget.spend("GET", "/portfolio/orders/97ec18b7-10d3", items=95)  # 2 each
    budget.spend("GET", "/portfolio/orders/queue_positions")  # 10, though it looks like an order
    assert hand.naps == []
    budget.spend("GET", "/cfbenchmarks/any/thing/below")  # 150
    assert hand.naps == [pytest.approx(0.75)]


def test_literal_path_goes_before_a_named_one(hand: HandClock) -> None:
    costs = EndpointCosts(
        default_cost=10,
        exceptions=(
            EndpointCost(method="DELETE", path="/trade-api/v2/orders/:id", cost=2),
            EndpointCost(method="DELETE", path="/trade-api/v2/orders/batched", cost=99),
        ),
    )
    budget = TokenBudget(BASIC, costs, monotonic=hand.now, sleep=hand.sleep)
    budget.spend("DELETE", "/orders/batched")
    budget.spend("DELETE", "/orders/x")
    assert hand.naps == [pytest.approx(0.01)]


@given(st.lists(st.tuples(st.sampled_from(["POST", "DELETE"]), st.floats(0, 0.5)), max_size=60))
def test_no_window_ever_spends_more_than_bucket_and_refill(calls: list[tuple[str, float]]) -> None:
    hand = HandClock()
    budget = TokenBudget(monotonic=hand.now, sleep=hand.sleep)
    spent: list[tuple[float, int]] = []
    for method, pause in calls:
        hand.at += pause
        budget.spend(method, ORDERS_PATH)
        spent.append((hand.at, 10 if method == "POST" else 2))
    for first, (begun, _) in enumerate(spent):
        for last in range(first, len(spent)):
            tokens = sum(cost for _, cost in spent[first : last + 1])
            assert tokens <= 100 + (spent[last][0] - begun) * 100 + 1e-6


def test_threads_do_not_spend_the_same_tokens_twice(budget: TokenBudget, hand: HandClock) -> None:
    def cancel_ten() -> None:
        for _ in range(10):
            budget.spend("DELETE", ORDERS_PATH)

    threads = [Thread(target=cancel_ten) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert hand.naps == []
    budget.spend("DELETE", ORDERS_PATH)
    assert hand.naps == [pytest.approx(0.02)]


def test_limit_on_a_write_is_a_definite_no_and_holds_back_the_next(
    exchange: LocalExchange, signer: Signer, budget: TokenBudget, hand: HandClock
) -> None:
    conversation = Conversation(exchange.base_url, signer, now=lambda: NOW, budget=budget)
    orders = KalshiOrders(conversation, now=lambda: NOW)
    exchange.on(ORDERS_PATH, Reply(429, b'{"error":"too many requests"}'))
    outcome = orders.place(new_order())
    assert isinstance(outcome, Rejected)
    assert outcome.reason is RejectReason.RATE_LIMITED
    assert hand.naps == []
    orders.place(new_order())
    assert hand.naps == [pytest.approx(0.3)]
    outcomes = orders.create_batch([new_order(client_order_id=str(n)) for n in range(9)])
    assert {type(one) for one in outcomes} == {NotSent}
    assert len(exchange.requests) == 2
    orders.cancel_order(PLACE)
    conversation.close()


def test_limit_on_a_read_is_waited_out(
    exchange: LocalExchange, budget: TokenBudget, hand: HandClock, naps: list[float]
) -> None:
    transport = Transport(exchange.base_url, budget=budget, sleep=naps.append)
    exchange.on("/x", Reply(429, b'{"error":"too many requests"}'), json_reply({"a": 1}))
    assert transport.get_json("/x") == {"a": 1}
    assert len(naps) == 1
    assert hand.naps == [pytest.approx(0.05)]
    transport.close()
