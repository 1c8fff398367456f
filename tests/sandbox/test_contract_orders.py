"""A whole walk through the API, each answer held against the OpenAPI file; the fields it requires are also listed here."""

from typing import Any

import pytest

from tests.sandbox.openapi import Contract
from tests.sandbox.test_contract import properties_in, required_by
from tests.sandbox.trading import ORDERS, TICKER, Member, Trading

EVENT = "KXHIGHCHI-26MAY19"
REQUIRED = {
    "CreateOrderV2Response": "order_id fill_count remaining_count ts_ms",
    "CancelOrderV2Response": "order_id reduced_by ts_ms",
    "AmendOrderV2Response": "order_id ts_ms",
    "DecreaseOrderV2Response": "order_id remaining_count ts_ms",
    "Order": "order_id user_id client_order_id ticker outcome_side book_side type status yes_price_dollars "
    "no_price_dollars fill_count_fp remaining_count_fp initial_count_fp taker_fees_dollars maker_fees_dollars "
    "taker_fill_cost_dollars maker_fill_cost_dollars",
    "Fill": "fill_id exchange_index trade_id order_id ticker market_ticker outcome_side book_side count_fp "
    "yes_price_dollars no_price_dollars is_taker fee_cost",
    "MarketPosition": "ticker exchange_index total_traded_dollars position_fp market_exposure_dollars "
    "realized_pnl_dollars fees_paid_dollars last_updated_ts",
    "EventPosition": "event_ticker total_cost_dollars total_cost_shares_fp event_exposure_dollars "
    "realized_pnl_dollars fees_paid_dollars",
    "Settlement": "ticker exchange_index event_ticker market_result yes_count_fp yes_total_cost_dollars no_count_fp "
    "no_total_cost_dollars revenue settled_time fee_cost",
    "GetBalanceResponse": "balance balance_dollars portfolio_value updated_ts",
    "OrderQueuePosition": "order_id market_ticker queue_position_fp",
    "ApiKey": "api_key_id name scopes",
    "EndpointTokenCost": "method path cost",
}

Step = tuple[str, str, int, Any]


class Walk:
    """Calls in a fixed order; remembers each answer."""

    def __init__(self, trading: Trading, member: Member) -> None:
        self.steps: list[Step] = []
        self._trading = trading
        self._member = member

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One signed call; its decoded body."""
        answer = self._member.call(method, path, body)
        decoded = answer.json() if answer.content else None
        self.steps.append((method, path.partition("?")[0], answer.status_code, decoded))
        return decoded

    def get(self, *paths: str) -> None:
        """Several reads."""
        for path in paths:
            self.call("GET", path)


def walked(trading: Trading) -> list[Step]:
    """Orders of every kind, their answers, and all that an account reads before and after a settlement."""
    member, other = trading.members[:2]
    walk = Walk(trading, member)
    order = member.order
    resting = walk.call("POST", ORDERS, order(count="5.00", cancel_order_on_pause=True))["order_id"]
    expiring = int(trading.stage.now().timestamp()) + 3600
    walk.call("POST", ORDERS, order(expiration_time=expiring, post_only=True))
    walk.call("POST", ORDERS, order(price="0.2200", count="2.50", time_in_force="immediate_or_cancel"))
    walk.call("POST", ORDERS, order(side="ask", price="0.2000", time_in_force="fill_or_kill"))
    walk.call("POST", ORDERS, order(client_order_id="twice"))
    walk.call("POST", ORDERS, order(client_order_id="twice"))
    walk.call("POST", ORDERS, order(count=1))
    walk.call("POST", ORDERS, order(price="0.2150"))
    other.place(side="ask", price="0.0100", count="1.00", time_in_force="immediate_or_cancel")
    walk.call("POST", f"{ORDERS}/{resting}/decrease", {"reduce_by": "1.00"})
    amend = {"ticker": TICKER, "side": "bid", "price": "0.0200", "count": "4.00", "expiration_time": expiring}
    walk.call("POST", f"{ORDERS}/{resting}/amend", amend)
    walk.call("POST", f"{ORDERS}/{resting}/amend", amend | {"price": "0.2200"})
    batch = walk.call("POST", f"{ORDERS}/batched", {"orders": [order(), order(), order(price="0.0150")]})
    first, second, _ = batch["orders"]
    walk.call("DELETE", f"{ORDERS}/{first['order_id']}?market_ticker={TICKER}")
    walk.call("DELETE", f"{ORDERS}/{first['order_id']}")
    cancels = {"orders": [{"order_id": second["order_id"]}, {"order_id": first["order_id"]}]}
    walk.call("DELETE", f"{ORDERS}/batched", cancels)
    trading.wait()
    walk.get(f"/portfolio/orders/{resting}", "/portfolio/orders/queue_positions", *READS)
    left = [one["order_id"] for one in member.get("/portfolio/orders?status=resting")["orders"]]
    walk.get(f"/portfolio/orders/{left[0]}/queue_position")
    walk.call("DELETE", ORDERS)
    trading.control(do="close", ticker=TICKER)
    trading.control(do="determine", ticker=TICKER, result="yes")
    trading.control(do="finalize", ticker=TICKER)
    trading.wait()
    walk.get(*READS, "/portfolio/positions?settlement_status=all", f"/markets/{TICKER}")
    return walk.steps


READS = (
    "/exchange/status",
    "/exchange/schedule",
    "/exchange/user_data_timestamp",
    "/series",
    "/series/KXHIGHCHI",
    "/series/fee_changes",
    "/events?with_nested_markets=true",
    f"/events/{EVENT}",
    "/markets",
    f"/markets/{TICKER}",
    f"/markets/{TICKER}/orderbook",
    f"/markets/orderbooks?tickers={TICKER}",
    "/markets/trades",
    f"/series/KXHIGHCHI/markets/{TICKER}/candlesticks?start_ts=1779000000&end_ts=1780000000&period_interval=60",
    f"/markets/candlesticks?market_tickers={TICKER}&start_ts=1779000000&end_ts=1780000000&period_interval=60",
    "/historical/cutoff",
    "/historical/markets",
    "/historical/trades",
    "/historical/orders",
    "/historical/fills",
    "/historical/positions",
    "/portfolio/orders",
    "/portfolio/fills",
    "/portfolio/positions",
    "/portfolio/settlements",
    "/portfolio/balance",
    "/account/limits",
    "/account/endpoint_costs",
    "/api_keys",
)


def test_every_answer_of_a_walk_is_as_the_specification_has_it(trading: Trading, specification: str) -> None:
    contract = Contract(specification)
    faults = [
        fault
        for method, path, status, body in walked(trading)
        if status < 400
        for fault in contract.faults(method, path, status, body)
    ]
    assert faults == []


def test_walk_meets_the_statuses_it_is_meant_to(trading: Trading) -> None:
    statuses = [status for method, _, status, _ in walked(trading) if method != "GET"]
    assert statuses == [201, 201, 201, 201, 201, 409, 400, 400, 200, 200, 200, 201, 200, 404, 200, 204]


def test_records_of_a_walk_have_every_field_we_know_to_be_required(trading: Trading) -> None:
    bodies = [body for _, _, status, body in walked(trading) if status < 400 and body]
    records: dict[str, list[Any]] = {
        "CreateOrderV2Response": [body for body in bodies if {"fill_count", "order_id"} <= set(body)],
        "Order": [row for body in bodies for row in body.get("orders", []) if "user_id" in row],
        "Fill": [row for body in bodies for row in body.get("fills", [])],
        "MarketPosition": [row for body in bodies for row in body.get("market_positions", [])],
        "EventPosition": [row for body in bodies for row in body.get("event_positions", [])],
        "Settlement": [row for body in bodies for row in body.get("settlements", [])],
        "GetBalanceResponse": [body for body in bodies if "balance" in body],
        "OrderQueuePosition": [row for body in bodies for row in body.get("queue_positions", [])],
        "ApiKey": [row for body in bodies for row in body.get("api_keys", [])],
        "EndpointTokenCost": [row for body in bodies for row in body.get("endpoint_costs", [])],
    }
    for schema, rows in records.items():
        assert rows, schema
        for row in rows:
            assert set(REQUIRED[schema].split()) <= set(row), schema


@pytest.mark.parametrize("schema", REQUIRED)
def test_our_list_of_an_accounts_fields_is_that_of_the_specification(specification: str, schema: str) -> None:
    assert set(REQUIRED[schema].split()) == required_by(specification, schema)
    assert set(REQUIRED[schema].split()) <= properties_in(specification, schema)
