"""The equity curve: the account as each cycle left it, copied from `ops.cycles`."""

from django.db import connection

from milkbot.core.config import TradingMode

# A cycle row written late (a worker that slept through its lease) is still found for a day. Cycles that failed hold no
# account and leave a gap. `finished_wall_at` is never before `started_at`, and is the column that is indexed.
_COPY = """
INSERT INTO analytics.equity_curve (mode, at, cash, total_equity, realized_pnl, unrealized_pnl)
SELECT
    cycle.mode,
    cycle.started_at,
    cycle.cash,
    deposit.amount + cycle.realized_pnl + cycle.unrealized_pnl,
    cycle.realized_pnl,
    cycle.unrealized_pnl
FROM ops.cycles AS cycle
JOIN ops.ledger AS deposit ON deposit.mode = cycle.mode AND deposit.kind = 'deposit'
WHERE cycle.mode = %(mode)s
    AND cycle.cash IS NOT NULL
    AND cycle.finished_wall_at >= COALESCE(
        (SELECT max(known.at) - interval '1 day' FROM analytics.equity_curve AS known WHERE known.mode = %(mode)s),
        '-infinity'
    )
    AND NOT EXISTS (
        SELECT FROM analytics.equity_curve AS known
        WHERE known.mode = cycle.mode AND known.at = cycle.started_at
    )
ORDER BY cycle.started_at, cycle.id
ON CONFLICT (mode, at) DO NOTHING
"""


def roll_up_equity(mode: TradingMode) -> int:
    """Copy the cycles of `mode` not yet in the equity curve; returns how many points were added.

    Total equity is the ledger's starting deposit plus realized plus unrealized P&L, dollars. Running it again adds
    nothing. Without a deposit there is no account and nothing is copied.
    """
    with connection.cursor() as cursor:
        cursor.execute(_COPY, {"mode": mode.value})
        return int(cursor.rowcount)
