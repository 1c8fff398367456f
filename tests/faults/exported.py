"""What `manage.py ledger --json` tells, against the exchange's own ledger: another reading than the oracle's."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from io import StringIO
from typing import Any, Final

import pytest
from django.core.management import call_command

from sandbox.exchange.ledger import Account as Member
from tests.faults.bench import MODE, Bench

Rows = list[dict[str, Any]]
MONEY_STEP: Final = Decimal("0.0001")


def configure(monkeypatch: pytest.MonkeyPatch, bench: Bench) -> None:
    """Let the commands of this process belong to the bench's account, until the test ends. Needs `fresh_config`."""
    monkeypatch.setenv("TRADING_MODE", MODE)
    monkeypatch.setenv("KALSHI_BASE_URL", f"{bench.base_url}/trade-api/v2")
    monkeypatch.setenv("KALSHI_DEMO_KEY_ID", bench.account.key_id)
    monkeypatch.setenv("KALSHI_DEMO_PRIVATE_KEY_PATH", str(bench.account.private_key_path))


def exported_books() -> dict[str, Any]:
    """The document as the command writes it for this process's mode. Not within a transaction."""
    written = StringIO()
    call_command("ledger", "--json", stdout=written)
    books: dict[str, Any] = json.loads(written.getvalue(), parse_float=pytest.fail)
    assert books["mode"] == MODE
    return books


def export_complaints(books: Mapping[str, Any], member: Member) -> list[str]:
    """Everything in which the exported document and the exchange's own record of the account differ."""
    return [
        *_order_complaints(books["orders"], member),
        *_fill_complaints(books["fills"], member),
        *_position_complaints(books["positions"], member),
        *_money_complaints(books, member),
    ]


def _order_complaints(rows: Rows, member: Member) -> Iterator[str]:
    ours = Counter(_as_order(row) for row in rows if row["kalshi_order_id"] is not None)
    theirs: Counter[tuple[object, ...]] = Counter(
        (
            order.client_order_id,
            order.order_id,
            order.ticker,
            order.side,
            order.price,
            order.initial_count,
            order.fill_count,
            order.time_in_force,
            order.post_only,
        )
        for order in member.orders.values()
    )
    yield from (f"order {order} is exported only" for order in ours - theirs)
    yield from (f"order {order} is not exported" for order in theirs - ours)
    for row in rows:
        if row["kalshi_order_id"] is None and Decimal(row["filled_count"]):
            yield f"order {row['client_order_id']} filled without a name at the exchange"


def _as_order(row: Mapping[str, Any]) -> tuple[object, ...]:
    return (
        row["client_order_id"],
        row["kalshi_order_id"],
        row["market"],
        row["book_side"],
        Decimal(row["limit_price"]),
        Decimal(row["count"]),
        Decimal(row["filled_count"]),
        row["time_in_force"],
        row["post_only"],
    )


def _fill_complaints(rows: Rows, member: Member) -> Iterator[str]:
    ours = Counter(
        (
            row["fill_id"],
            row["kalshi_order_id"],
            row["client_order_id"],
            row["market"],
            row["book_side"],
            Decimal(row["count"]),
            Decimal(row["yes_price"]),
            Decimal(row["fee"]),
            row["is_taker"],
            datetime.fromisoformat(row["filled_at"]),
        )
        for row in rows
    )
    theirs = Counter(
        (
            fill.fill_id,
            fill.order_id,
            fill.client_order_id,
            fill.ticker,
            fill.side,
            fill.count,
            fill.price,
            fill.fee,
            fill.is_taker,
            fill.at,
        )
        for fill in member.fills
    )
    yield from (f"fill {fill} is exported only" for fill in ours - theirs)
    yield from (f"fill {fill} is not exported" for fill in theirs - ours)


def _position_complaints(rows: Rows, member: Member) -> Iterator[str]:
    ours = {row["market"]: row for row in rows}
    if ours.keys() != member.positions.keys():
        yield f"positions are exported in {sorted(ours)}, the exchange has {sorted(member.positions)}"
        return
    for ticker, theirs in member.positions.items():
        row = ours[ticker]
        if row["is_open"] and Decimal(row["count"]) != theirs.count:
            yield f"{row['count']} of {ticker} are exported, the exchange has {theirs.count}"
        if not row["is_open"] and theirs.count and not theirs.is_settled:
            yield f"{ticker} is exported as closed, the exchange has {theirs.count}"
        pairs = (("cost", theirs.exposure), ("fees", theirs.fees_paid), ("realized_pnl", theirs.realized_pnl))
        for name, amount in pairs:
            if abs(Decimal(row[name]) - amount) >= MONEY_STEP:
                yield f"{name} of {ticker} is exported as {row[name]}, the exchange has {amount}"


def _money_complaints(books: Mapping[str, Any], member: Member) -> Iterator[str]:
    cash = sum((Decimal(row["amount"]) for row in books["ledger"]), Decimal(0))
    if abs(cash - member.cash) >= MONEY_STEP:
        yield f"cash is exported as {cash}, the exchange has {member.cash}"
    ours = Counter((row["market"], Decimal(row["payout"])) for row in books["settlements"])
    theirs = Counter((row.ticker, Decimal(row.revenue) / 100) for row in member.settlements)
    yield from (f"payout {paid} is exported only, or too often" for paid in ours - theirs)
    yield from (f"payout {paid} is not exported" for paid in theirs - ours)
