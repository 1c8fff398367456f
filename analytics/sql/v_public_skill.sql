-- Our forecast's log loss beside the market's of the same instants, by climate day and hours of the day, 60 minutes late.
-- NOTE: an event is in these means only once its result and its scores are an hour old, so that no mean ever holds a
-- younger figure. The instants it speaks of are older still: markets close before they settle.
-- NOTE: each event carries its own means over its hours; here only whole events are added up.
-- NOTE: `band` counts four hours from noon of the day before (0) to the evening (8); null is all hours together.
SELECT
    event.event_date,
    NULLIF(band.key, 'all')::integer AS band,
    count(*)::integer AS events,
    sum((band.value ->> 0)::integer)::integer AS scores,
    avg((band.value ->> 1)::double precision) AS our_loss,
    avg((band.value ->> 2)::double precision) AS market_loss
FROM analytics.skill_events AS event
JOIN ops.controls AS controls ON controls.mode = event.mode AND controls.is_published
CROSS JOIN LATERAL jsonb_each(event.bands) AS band
WHERE GREATEST(event.settled_at, event.scored_at) <= now() - interval '60 minutes'
    AND event.event_date >= (now() - interval '60 days')::date
GROUP BY event.event_date, band.key
