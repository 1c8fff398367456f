"""What the exchange really sent, in June 2026, fits our summary of the contract, once the fields removed and added since then
are; and its feed, as recorded on both price scales, folds into the same books."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from markets.clients.kalshi.stream.messages import BookFrame, Subscribed, parse_frame
from markets.domain.live_book import LiveBooks
from tests.contract.contract import OurContract
from tests.contract.recorder import ROOT, Call

D = Decimal
AT = datetime(2026, 6, 11, 7, tzinfo=UTC)
REMOVED = {"service", "liquidity_dollars"}
"""Of errors on 2026-08-06, of markets on 2026-10-01."""
ROWS_ON_SHARDS = {"fills", "market_positions", "settlements"}
"""These carry `exchange_index` since 2026-08-20."""
LEGACY = "/portfolio/orders"
"""Writes to it answer 410 since the end of June 2026."""


@pytest.fixture(scope="module")
def recorded(shared_data: Path) -> Path:
    folder = shared_data / "kalshi" / "api-samples" / "fortuna-demo-2026-06"
    if not folder.is_dir():
        pytest.skip("no recorded answers of the demo exchange are among the shared data")
    return folder


def recorded_calls(folder: Path) -> Iterator[Call]:
    for path in sorted(folder.glob("*.meta.json")):
        meta = json.loads(path.read_text(encoding="utf-8"))
        if "method" not in meta:
            continue  # the session's own list, and the feed's recordings
        body = json.loads((folder / path.name.replace(".meta.json", ".json")).read_text(encoding="utf-8"))
        place = urlsplit(meta["path"]).path.removeprefix(ROOT)
        yield Call(meta["method"], place, {}, {}, None, meta["status"], of_october(body))


def of_october(body: Any, name: str = "") -> Any:
    """A body as the exchange writes it since its changes of the summer."""
    if isinstance(body, list):
        added = {"exchange_index": 0} if name in ROWS_ON_SHARDS else {}
        return [{**added, **of_october(each)} if isinstance(each, dict) else each for each in body]
    if isinstance(body, dict):
        return {key: of_october(each, key) for key, each in body.items() if key not in REMOVED}
    return body


def test_recorded_answers_fit_our_summary(recorded: Path) -> None:
    ours = OurContract()
    calls = list(recorded_calls(recorded))
    known = [call for call in calls if not (call.path.startswith(LEGACY) and call.method != "GET")]
    assert len(known) > 40
    assert {call.name: faults for call in known if (faults := ours.answer_faults(call))} == {}
    assert len(calls) - len(known) == 2, "one legacy order and its cancel"


def _folded(path: Path, *, use_yes_price: bool) -> tuple[LiveBooks, list[object]]:
    books, others = LiveBooks(use_yes_price), list[object]()
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line:
            continue
        message = parse_frame(line)
        if isinstance(message, BookFrame):
            after = books.apply(message.message, AT)
            assert isinstance(after, LiveBooks), after
            books = after
        else:
            others.append(message)
    return books, others


def test_recorded_feed_folds_on_both_price_scales(recorded: Path) -> None:
    on_yes_scale, others = _folded(recorded / "ws__orderbook_trade_yes.jsonl", use_yes_price=True)
    assert others == [Subscribed("orderbook_delta", 1), Subscribed("trade", 2)]
    (book,) = (each.order_book() for each in on_yes_scale.books.values())
    assert [(level.price, level.count) for level in book.bids] == [(D("0.47"), D("3.00"))]
    assert [(level.price, level.count) for level in book.asks] == [(D("0.52"), D("2.00"))]

    on_no_scale, _ = _folded(recorded / "ws__orderbook_trade_noleg.jsonl", use_yes_price=False)
    (book,) = (each.order_book() for each in on_no_scale.books.values())
    assert [(level.price, level.count) for level in book.bids] == [(D("0.47"), D("3.00"))]
    assert [(level.price, level.count) for level in book.asks] == [(D("0.52"), D("1.00"))]
