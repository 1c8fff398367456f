-- What we thought of each bracket 60 minutes ago, published mode.
-- NOTE: `seen_until` stays out: that an opinion ended half an hour ago would tell that a newer one exists.
-- NOTE: an opinion nobody held any more half an hour before that is not shown as one of then. All this looks at is older
-- than 60 minutes itself.
-- NOTE: only brackets of the events v_public_markets shows; older opinions belong to the history, not to a tile.
WITH recent AS (
    SELECT event.id, row_number() OVER (PARTITION BY event.city_code ORDER BY event.event_date DESC) AS place
    FROM ops.events AS event
)
SELECT
    market.ticker,
    opinion.p_yes,
    opinion.made_at
FROM recent
JOIN ops.markets AS market ON market.event_id = recent.id
JOIN ops.controls AS controls ON controls.is_published
JOIN LATERAL (
    SELECT signal.p_yes, signal.made_at, signal.seen_until
    FROM ops.signals AS signal
    WHERE signal.mode = controls.mode
        AND signal.market_id = market.id
        AND signal.made_at <= now() - interval '60 minutes'
    ORDER BY signal.made_at DESC
    LIMIT 1
) AS opinion ON true
WHERE recent.place <= 3
    AND opinion.seen_until > now() - interval '90 minutes'
