-- What keeps the published mode from trading. Weather and market causes are live; our own trading's are 60 minutes late.
-- NOTE: a lock caused by our own orders or losses is a figure of our trading. It shows as it stood 60 minutes ago: neither
-- its start nor its end can be seen earlier, and its words, which may count orders or dollars, stay out altogether.
-- NOTE: city is NULL where the lock holds everywhere; scope is then '*'.
SELECT
    held.scope,
    COALESCE(event.city_code, NULLIF(held.scope, '*')) AS city,
    held.code,
    CASE WHEN held.from_own_trading THEN '' ELSE held.message END AS message,
    held.needs_person,
    held.from_own_trading,
    held.locked_at
FROM ops.locks AS held
JOIN ops.controls AS controls ON controls.mode = held.mode AND controls.is_published
LEFT JOIN ops.events AS event ON event.event_ticker = held.scope
WHERE CASE
    WHEN held.from_own_trading THEN
        held.locked_at <= now() - interval '60 minutes'
        AND (held.cleared_at IS NULL OR held.cleared_at > now() - interval '60 minutes')
    ELSE held.cleared_at IS NULL
END
