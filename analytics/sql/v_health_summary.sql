-- The last sign of life of every component, with the verdict computed at reading time.
-- NOTE: degraded is decided here from now(), so that a component turns red by silence alone, with every writer dead.
-- NOTE: a component never heard of has its row too: absence is a state, not a missing line.
-- NOTE: the limits repeat milkbot.health.DEGRADED_AFTER; a test keeps the two equal.
-- NOTE: the trader's words may count orders and fills, which are trading figures: public readers get them 60 minutes late.
SELECT
    known.component,
    COALESCE(status.ok, false) AS ok,
    status.last_ok_at,
    CASE
        WHEN known.component = 'trader' AND status.checked_at > now() - interval '60 minutes' THEN ''
        ELSE COALESCE(status.message, 'never heard of')
    END AS message,
    (
        NOT COALESCE(status.ok, false)
        OR status.last_ok_at IS NULL
        OR now() - status.last_ok_at > make_interval(secs => known.degraded_after_s)
    ) AS degraded,
    known.degraded_after_s
FROM (
    VALUES
        (1, 'trader', 180),
        (2, 'analytics', 1200),
        (3, 'dashboard', 1200),
        (4, 'kalshi_api', 300),
        (5, 'nws_api', 1200),
        (6, 'database', 1200)
) AS known (place, component, degraded_after_s)
LEFT JOIN ops.health_status AS status ON status.component = known.component
ORDER BY known.place
