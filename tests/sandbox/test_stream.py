"""The feed: handshake, commands and their errors, every channel, sequence numbers, and faults on open sockets."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.protocol import Event
from websockets.sync.client import ClientConnection, connect

from tests.sandbox.openapi import StreamContract
from tests.sandbox.serving import DEADLINE_S, HttpClient, served
from tests.sandbox.trading import TICKER, Trading, signed_headers

PATH = "/trade-api/ws/v2"
OTHER = "KXHIGHCHI-26MAY19-B76.5"

Message = dict[str, Any]


class Feed:
    """A connection of one member; what it sends is what a client would."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self._ids = 0

    def say(self, cmd: str, **params: Any) -> int:
        """Send a command; its id."""
        self._ids += 1
        self.send(json.dumps({"id": self._ids, "cmd": cmd, "params": params}))
        return self._ids

    def send(self, text: str) -> None:
        """Send anything."""
        self.socket.send(text)

    def hear(self) -> Message:
        """The next message."""
        message: Message = json.loads(self.socket.recv(timeout=DEADLINE_S))
        assert message.pop("sending_ts_ms") > 0
        return message

    def until(self, kind: str) -> Message:
        """The next message of a type, others passed over."""
        while (message := self.hear())["type"] != kind:
            pass
        return message

    def ask(self, cmd: str, **params: Any) -> Message:
        """The answer to a command."""
        number = self.say(cmd, **params)
        while (message := self.hear()).get("id") != number:
            pass
        return message

    def subscribe(self, channel: str, **params: Any) -> int:
        """The subscription id."""
        answer = self.ask("subscribe", channels=[channel], **params)
        assert answer["type"] == "subscribed", answer
        return int(answer["msg"]["sid"])


Dial = Callable[..., Feed]


@pytest.fixture
def origin(trading: Trading) -> Iterator[str]:
    """Where `trading` is served; its own calls go there too."""
    with served(trading.app) as origin:
        client = HttpClient(origin)
        trading.call_through(client)
        yield origin
        client.close()


@pytest.fixture
def dial(trading: Trading, origin: str) -> Iterator[Dial]:
    """Opens connections, of the first member unless told otherwise."""
    with ExitStack() as sockets:

        def connected(member: int = 0) -> Feed:
            account = trading.members[member].account
            headers = signed_headers(account, "GET", PATH, trading.stage.now())
            socket = connect(f"{origin.replace('http', 'ws')}{PATH}", additional_headers=headers)
            return Feed(sockets.enter_context(socket))

        yield connected


@pytest.fixture
def feed(dial: Dial) -> Feed:
    """The first member's connection."""
    return dial()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, "signature_is_missing_from_headers"),
        ({"path": "/trade-api/v2"}, "authentication_error"),
        ({"skew": timedelta(minutes=5)}, "header_timestamp_expired"),
    ],
)
def test_handshake_without_a_good_signature_is_401(
    trading: Trading, origin: str, change: Any, code: str
) -> None:
    at = trading.stage.now() + change.get("skew", timedelta(0))
    headers = (
        signed_headers(trading.members[0].account, "GET", change.get("path", PATH), at) if change else {}
    )
    with pytest.raises(InvalidStatus) as refused:
        connect(f"{origin.replace('http', 'ws')}{PATH}", additional_headers=headers)
    assert refused.value.response.status_code == 401
    assert json.loads(refused.value.response.body)["error"]["code"] == code


def test_book_is_told_as_snapshot_and_deltas_that_add_up(trading: Trading, feed: Feed) -> None:
    feed.subscribe("orderbook_delta", market_tickers=[TICKER])
    snapshot = feed.until("orderbook_snapshot")
    assert snapshot["seq"] == 1
    assert snapshot["msg"]["yes_dollars_fp"] == [["0.2000", "10.00"]]
    assert snapshot["msg"]["no_dollars_fp"] == [["0.7800", "10.00"]]
    other = trading.members[1]
    other.place(price="0.2200", count="4.00", time_in_force="immediate_or_cancel")
    other.place(side="ask", price="0.2100", count="1.50")
    deltas = [feed.until("orderbook_delta") for _ in range(2)]
    assert [delta["seq"] for delta in deltas] == [2, 3]
    told = [(d["msg"]["side"], d["msg"]["price_dollars"], d["msg"]["delta_fp"]) for d in deltas]
    assert told == [("no", "0.7800", "-4.00"), ("no", "0.7900", "1.50")]
    assert "client_order_id" not in deltas[1]["msg"]


def test_delta_names_the_client_id_to_its_owner_only(trading: Trading, dial: Dial) -> None:
    feed, other = dial(0), dial(1)
    for one in (feed, other):
        one.subscribe("orderbook_delta", market_ticker=TICKER)
    trading.members[0].place(client_order_id="mine", price="0.2100")
    assert feed.until("orderbook_delta")["msg"]["client_order_id"] == "mine"
    assert "client_order_id" not in other.until("orderbook_delta")["msg"]


def test_book_may_be_told_in_yes_prices_throughout(trading: Trading, feed: Feed) -> None:
    feed.subscribe("orderbook_delta", market_ticker=TICKER, use_yes_price=True)
    assert feed.until("orderbook_snapshot")["msg"]["no_dollars_fp"] == [["0.2200", "10.00"]]
    trading.members[1].place(side="ask", price="0.2300")
    assert feed.until("orderbook_delta")["msg"]["price_dollars"] == "0.2300"


def test_empty_side_has_no_key(trading: Trading, feed: Feed) -> None:
    trading.members[1].place(price="0.2200", count="10.00", time_in_force="immediate_or_cancel")
    feed.subscribe("orderbook_delta", market_ticker=TICKER)
    snapshot = feed.until("orderbook_snapshot")["msg"]
    assert "no_dollars_fp" not in snapshot
    assert snapshot["yes_dollars_fp"] == [["0.2000", "10.00"]]


def test_snapshot_on_request_continues_the_sequence(feed: Feed) -> None:
    sid = feed.subscribe("orderbook_delta", market_ticker=TICKER)
    feed.until("orderbook_snapshot")
    feed.say("update_subscription", sid=sid, action="get_snapshot", market_tickers=[TICKER])
    assert feed.hear()["seq"] == 2


def test_lost_message_shows_as_a_gap_in_the_sequence(trading: Trading, feed: Feed) -> None:
    feed.subscribe("orderbook_delta", market_ticker=TICKER)
    feed.until("orderbook_snapshot")
    trading.control(do="fault", match="GET /trade-api/ws/v2", kind="feed_gap", count=1)
    for price in ("0.2100", "0.0500"):
        trading.members[1].place(price=price)
    assert feed.until("orderbook_delta")["seq"] == 3


def test_dropped_feed_can_be_dialled_again(trading: Trading, dial: Dial) -> None:
    trading.control(do="fault", match="GET /trade-api/ws/v2", kind="feed_drop", count=1)
    feed = dial()
    feed.say("list_subscriptions")
    with pytest.raises(ConnectionClosedError) as closed:
        feed.hear()
    assert closed.value.rcvd is None  # without a close frame, as in the exchange's outages
    assert dial().ask("list_subscriptions")["msg"] == []


@pytest.mark.parametrize(("kind", "status"), [("html", 502), ("5xx", 500), ("429", 429)])
def test_handshake_faults_refuse_the_connection(trading: Trading, dial: Dial, kind: str, status: int) -> None:
    trading.control(do="fault", match="GET /trade-api/ws/v2", kind=kind, count=1)
    with pytest.raises(InvalidStatus) as refused:
        dial()
    assert refused.value.response.status_code == status
    dial()


def test_ticker_is_told_when_a_figure_changes(trading: Trading, feed: Feed) -> None:
    feed.subscribe("ticker", market_tickers=[TICKER], send_initial_snapshot=True)
    first = feed.until("ticker")["msg"]
    assert (first["yes_bid_dollars"], first["yes_ask_dollars"], first["yes_ask_size_fp"]) == (
        "0.2000",
        "0.2200",
        "10.00",
    )
    trading.members[1].place(price="0.2200", count="2.00", time_in_force="immediate_or_cancel")
    second = feed.until("ticker")["msg"]
    assert (second["price_dollars"], second["last_trade_size_fp"], second["yes_ask_size_fp"]) == (
        "0.2200",
        "2.00",
        "8.00",
    )
    assert Decimal(second["volume_fp"]) - Decimal(first["volume_fp"]) == 2


def test_trade_is_told_once_to_everybody(trading: Trading, feed: Feed) -> None:
    feed.subscribe("trade")
    for count in ("1.00", "2.00"):
        trading.members[1].place(price="0.2200", count=count, time_in_force="immediate_or_cancel")
    trades = [feed.until("trade")["msg"] for _ in range(2)]
    assert [trade["count_fp"] for trade in trades] == ["1.00", "2.00"]
    assert (trades[0]["taker_outcome_side"], trades[0]["taker_book_side"]) == ("yes", "bid")


def test_own_fill_order_and_position_are_told_and_those_of_others_are_not(
    trading: Trading, feed: Feed
) -> None:
    sids = {channel: feed.subscribe(channel) for channel in ("fill", "user_orders", "market_positions")}
    trading.members[1].place(side="ask", price="0.2000", count="3.00", time_in_force="immediate_or_cancel")
    placed = trading.members[0].place(client_order_id="mine", price="0.2200", count="2.50")
    told: dict[str, Message] = {}
    while len(told) < len(sids):
        message = feed.hear()
        told[message["type"]] = message
    assert {message["sid"] for message in told.values()} == set(sids.values())
    fill = told["fill"]["msg"]
    assert (fill["client_order_id"], fill["count_fp"], fill["post_position_fp"]) == ("mine", "2.50", "2.50")
    order = told["user_order"]["msg"]
    assert (order["order_id"], order["status"]) == (placed["order_id"], "executed")
    assert told["market_position"]["msg"]["position_fp"] == "2.50"


def test_lifecycle_of_a_market_is_told(trading: Trading, feed: Feed) -> None:
    feed.subscribe("market_lifecycle_v2", market_ticker=OTHER)
    trading.control(do="close", ticker=TICKER)
    trading.control(do="determine", ticker=TICKER, result="yes")
    trading.control(do="finalize", ticker=TICKER)
    told = [feed.until("market_lifecycle_v2")["msg"] for _ in range(3)]
    assert [msg["event_type"] for msg in told] == ["close_date_updated", "determined", "settled"]
    assert (told[1]["result"], told[1]["settlement_value"]) == ("yes", "1.0000")


def test_subscription_is_updated_listed_and_cancelled(trading: Trading, feed: Feed) -> None:
    sid = feed.subscribe("fill", market_tickers=[TICKER])
    added = feed.ask("update_subscription", sids=[sid], market_tickers=[OTHER], action="add_markets")
    assert (added["type"], added["sid"], added["msg"]["market_tickers"]) == ("ok", sid, [TICKER, OTHER])
    removed = feed.ask("update_subscription", sid=sid, market_ticker=TICKER, action="delete_markets")
    assert removed["msg"]["market_tickers"] == [OTHER]
    assert feed.ask("list_subscriptions")["msg"] == [{"channel": "fill", "sid": sid}]
    trading.members[0].place(price="0.2200")  # in the market that is no longer subscribed to
    gone = feed.ask("unsubscribe", sids=[sid])
    assert (gone["type"], gone["sid"], gone["seq"]) == ("unsubscribed", sid, 3)
    assert feed.ask("list_subscriptions")["msg"] == []


def test_second_subscription_to_a_channel_joins_the_first(feed: Feed) -> None:
    first = feed.subscribe("fill", market_tickers=[TICKER])
    assert feed.subscribe("fill", market_tickers=[OTHER]) == first
    assert feed.ask("list_subscriptions")["msg"] == [{"channel": "fill", "sid": first}]


def test_one_bad_channel_of_several_does_not_hinder_the_others(feed: Feed) -> None:
    number = feed.say("subscribe", channels=["fill", "nonsense", "trade"])
    answers = [feed.hear() for _ in range(3)]
    assert [answer["id"] for answer in answers] == [number] * 3
    assert [answer["type"] for answer in answers] == ["subscribed", "error", "subscribed"]
    assert answers[1]["msg"] == {"code": 8, "msg": "Unknown channel name"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", 1),
        ("[]", 1),
        ('{"id": 1, "cmd": "dance", "params": {}}', 5),
        ('{"id": 1, "cmd": [], "params": {}}', 5),
        ('{"id": 1, "cmd": {}, "params": {}}', 5),
        ('{"id": 1, "cmd": "subscribe"}', 2),
        ('{"id": 1, "cmd": "subscribe", "params": {}}', 3),
        ('{"id": 1, "cmd": "subscribe", "params": {"channels": []}}', 3),
        ('{"id": 1, "cmd": "subscribe", "params": {"channels": ["orderbook_delta"]}}', 14),
        ('{"id": 1, "cmd": "subscribe", "params": {"channels": ["fill"], "market_tickers": [1]}}', 11),
        ('{"id": 1, "cmd": "subscribe", "params": {"channels": ["fill"], "market_ids": ["x"]}}', 11),
        ('{"id": 1, "cmd": "unsubscribe", "params": {}}', 4),
        ('{"id": 1, "cmd": "unsubscribe", "params": {"sids": [9]}}', 7),
        ('{"id": 1, "cmd": "update_subscription", "params": {"action": "add_markets"}}', 12),
        ('{"id": 1, "cmd": "update_subscription", "params": {"sids": [1, 2], "action": "add_markets"}}', 12),
        ('{"id": 1, "cmd": "update_subscription", "params": {"sid": 9, "action": "add_markets"}}', 7),
        ('{"id": 1, "cmd": "update_subscription", "params": {"sid": 1}}', 15),
        ('{"id": 1, "cmd": "update_subscription", "params": {"sid": 1, "action": "jump"}}', 13),
        ('{"id": 1, "cmd": "update_subscription", "params": {"sid": 1, "action": []}}', 13),
        ('{"id": 1, "cmd": "update_subscription", "params": {"sid": 1, "action": {}}}', 13),
        ('{"id": 1, "cmd": "update_subscription", "params": {"sid": 1, "action": "add_markets"}}', 14),
    ],
)
def test_bad_command_is_answered_with_its_number(feed: Feed, text: str, code: int) -> None:
    assert feed.subscribe("fill") == 1
    feed.send(text)
    answer = feed.hear()
    assert (answer["type"], answer["msg"]["code"]) == ("error", code)
    assert feed.ask("list_subscriptions")["type"] == "ok"


def test_half_a_character_in_a_ticker_is_answered_as_any_unknown_ticker(feed: Feed) -> None:
    feed.send(
        r'{"id":1,"cmd":"subscribe","params":{"channels":["orderbook_delta"],"market_ticker":"\ud800"}}'
    )
    assert feed.hear()["type"] == "subscribed"
    snapshot = feed.hear()
    assert (snapshot["type"], snapshot["msg"]["market_ticker"]) == ("orderbook_snapshot", "\ufffd")
    assert feed.ask("list_subscriptions")["type"] == "ok"


def test_binary_frame_ends_the_connection(feed: Feed) -> None:
    feed.socket.send(b"\x00")
    with pytest.raises(ConnectionClosed):
        feed.socket.recv(timeout=DEADLINE_S)


def test_server_pings_with_its_own_word(trading: Trading) -> None:
    heard: list[bytes] = []

    class Listening(ClientConnection):
        def process_event(self, event: Event) -> None:
            if isinstance(event, Frame) and event.opcode is Opcode.PING:
                heard.append(bytes(event.data))
            super().process_event(event)

    with served(trading.app, ping_every_s=0.05) as origin:
        headers = signed_headers(trading.members[0].account, "GET", PATH, trading.stage.now())
        address = f"{origin.replace('http', 'ws')}{PATH}"
        with (
            connect(address, additional_headers=headers, create_connection=Listening) as socket,
            pytest.raises(TimeoutError),
        ):
            socket.recv(timeout=0.4)
    assert set(heard) == {b"heartbeat"}
    assert len(heard) > 1  # the pong was taken for an answer to it


def test_every_message_is_as_the_asyncapi_document_has_it(
    trading: Trading, feed: Feed, stream_specification: str
) -> None:
    contract = StreamContract(stream_specification)
    channels = ["orderbook_delta", "ticker", "trade", "fill", "user_orders", "market_positions"]
    feed.say("subscribe", channels=[*channels, "market_lifecycle_v2"], market_tickers=[TICKER])
    trading.members[0].place(price="0.2200", count="12.00", expiration_time=1_800_000_000)
    trading.members[1].place(side="ask", price="0.2200")
    trading.control(do="close", ticker=TICKER)
    trading.control(do="determine", ticker=TICKER, result="yes")
    trading.control(do="finalize", ticker=TICKER)
    feed.say("unsubscribe", sids=[2])
    feed.say("list_subscriptions")
    feed.say("dance")
    heard: list[Message] = []
    while not heard or heard[-1]["type"] != "error":
        heard.append(feed.hear())
    assert {message["type"] for message in heard} >= {
        *("subscribed", "unsubscribed", "ok", "orderbook_snapshot", "orderbook_delta", "ticker"),
        *("trade", "fill", "user_order", "market_position", "market_lifecycle_v2", "error"),
    }
    assert [fault for message in heard for fault in contract.faults(message)] == []
