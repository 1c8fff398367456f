-- The three newest events of each city with every bracket's latest prices. Public facts of the exchange: live.
-- NOTE: three, because tomorrow's event may be listed while yesterday's is still waiting for its result; which one a
-- page shows depends on the application's clock, which in a replayed world is not the one now() reads.
-- NOTE: the lateral join reads one row per market from the index on (market, captured_at), however long the history.
-- NOTE: a bracket without a snapshot still shows, with prices NULL: absent is not 0.
WITH recent AS (
    SELECT event.*, row_number() OVER (PARTITION BY event.city_code ORDER BY event.event_date DESC) AS place
    FROM ops.events AS event
)
SELECT
    market.ticker,
    recent.event_ticker,
    recent.city_code AS city,
    recent.event_date,
    recent.refusal,
    recent.refusal_text,
    market.label,
    market.low_f,
    market.high_f,
    market.close_at,
    market.status,
    market.result,
    market.expiration_value,
    market.settled_at,
    snapshot.captured_at,
    snapshot.last_seen_at,
    snapshot.yes_bid,
    snapshot.yes_bid_size,
    snapshot.yes_ask,
    snapshot.yes_ask_size,
    snapshot.last_price,
    snapshot.volume
FROM recent
JOIN ops.markets AS market ON market.event_id = recent.id
LEFT JOIN LATERAL (
    SELECT *
    FROM ops.market_snapshots AS candidate
    WHERE candidate.market_id = market.id
    ORDER BY candidate.captured_at DESC
    LIMIT 1
) AS snapshot ON true
WHERE recent.place <= 3
