-- The account of the published mode, 60 minutes late.
-- NOTE: every row is one point in time that carries no later knowledge, so delaying rows delays all that it tells.
SELECT
    equity.at,
    equity.total_equity,
    equity.realized_pnl,
    equity.unrealized_pnl
FROM analytics.equity_curve AS equity
JOIN ops.controls AS controls ON controls.mode = equity.mode AND controls.is_published
WHERE equity.at <= now() - interval '60 minutes'
