"""This process configured for an account: DEMO at a sandbox exchange in real time, or LIVE where nobody listens."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from markets.repositories import MarketRepository
from markets.services import read_boards
from milkbot.core import clock
from milkbot.core.config import LIVE_CONFIRMATION
from sandbox.accounts import Account, open_accounts
from tests.faults.bench import HOLDER, MODE, Bench, running_bench
from tests.faults.edge import HandClock
from trading.controls import ensure_controls
from trading.domain.types import Action, BookSide, Intent, Order, OrderState, Side
from trading.oms.lease import take_lease
from trading.oms.submit import submit
from trading.repositories.orders import OrderRepository


class WallClock(HandClock):
    """The machine's own clock: a command reads no other."""

    def __call__(self) -> datetime:
        self.now = clock.wall_now()
        return self.now


@pytest.fixture(scope="session")
def sandbox_keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Account, ...]:
    """An RSA and an Ed25519 account."""
    return open_accounts(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def demo(
    tmp_path: Path,
    sandbox_keys: tuple[Account, ...],
    monkeypatch: pytest.MonkeyPatch,
    fresh_config: None,
    db: None,
) -> Iterator[Bench]:
    """This process is configured for an account of a sandbox exchange, in DEMO."""
    with running_bench(tmp_path, sandbox_keys, clock=WallClock(clock.wall_now())) as bench:
        monkeypatch.setenv("TRADING_MODE", "DEMO")
        monkeypatch.setenv("KALSHI_BASE_URL", f"{bench.base_url}/trade-api/v2")
        monkeypatch.setenv("KALSHI_DEMO_KEY_ID", bench.account.key_id)
        monkeypatch.setenv("KALSHI_DEMO_PRIVATE_KEY_PATH", str(bench.account.private_key_path))
        ensure_controls(MODE, clock.now())
        yield bench


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch, sandbox_keys: tuple[Account, ...], fresh_config: None) -> None:
    """This process is configured for LIVE, at an address where nobody listens."""
    monkeypatch.setenv("TRADING_MODE", "LIVE")
    monkeypatch.setenv("LIVE_CONFIRM", LIVE_CONFIRMATION)
    monkeypatch.setenv("KALSHI_BASE_URL", "http://127.0.0.1:9/trade-api/v2")
    monkeypatch.setenv("KALSHI_LIVE_KEY_ID", sandbox_keys[0].key_id)
    monkeypatch.setenv("KALSHI_LIVE_PRIVATE_KEY_PATH", str(sandbox_keys[0].private_key_path))


def rest_one(bench: Bench) -> Order:
    """An order of ours for a cent that rests at the exchange."""
    now = clock.now()
    boards = read_boards(bench.cities, now, client=bench.kalshi).boards
    board = max(boards, key=lambda each: each.close_at)
    market_ids = MarketRepository().save_boards([board], now)
    ticker = board.markets[0].market.ticker
    intent = Intent(
        mode=MODE,
        city_code=board.city_code,
        market_ticker=ticker,
        event_ticker=board.event_ticker,
        event_date=board.event_date,
        side=Side.YES,
        action=Action.BUY,
        book_side=BookSide.BID,
        strategy="ensemble",
        post_only=True,
        count=Decimal(7),
        limit_price=Decimal("0.01"),
        max_cost=Decimal("0.07"),
        p_yes=0.5,
        decided_at=now,
    )
    lease = take_lease(MODE, HOLDER)
    (order,) = OrderRepository(MODE).create([intent], market_ids, lease=lease)
    sent = submit(order, bench.exchange.venue, lease=lease, market_id=market_ids[ticker], at=now)
    assert sent.state is OrderState.RESTING
    return sent
