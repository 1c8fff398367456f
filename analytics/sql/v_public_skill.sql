-- Our forecast's log loss beside the market's of the same instants, by climate day and hours of the day, 60 minutes late.
-- NOTE: an event is in these means only once its result, its scores and all instants they speak of are an hour old, so
-- that no mean ever holds a younger figure.
-- NOTE: the hours of an event are averaged first, then the cities of a date. `band` counts four hours from noon of the day
-- before (0) to the evening (8); null is all hours together.
WITH released AS (
    SELECT ours.event_date, ours.city_code, (ours.local_hour + 12) / 4 AS band,
        ours.log_loss AS our_loss, market.log_loss AS market_loss
    FROM ops.controls AS controls
    JOIN analytics.skill_events AS event ON event.mode = controls.mode
        AND event.event_date >= (now() - interval '60 days')::date
        AND GREATEST(event.settled_at, event.scored_at) <= now() - interval '60 minutes'
    JOIN analytics.skill_scores AS ours ON ours.mode = event.mode AND ours.event_ticker = event.event_ticker
        AND ours.event_date = event.event_date AND ours.forecaster = 'p_model'
    JOIN analytics.skill_scores AS market ON market.mode = ours.mode AND market.event_ticker = ours.event_ticker
        AND market.event_date = ours.event_date AND market.local_hour = ours.local_hour AND market.forecaster = 'market'
    WHERE controls.is_published
        AND ours.at <= now() - interval '60 minutes'
), by_event AS (
    SELECT event_date, city_code, band, count(*) AS scores, avg(our_loss) AS our_loss, avg(market_loss) AS market_loss
    FROM released
    GROUP BY GROUPING SETS ((event_date, city_code, band), (event_date, city_code))
)
SELECT
    event_date,
    band,
    count(*)::integer AS events,
    sum(scores)::integer AS scores,
    avg(our_loss) AS our_loss,
    avg(market_loss) AS market_loss
FROM by_event
GROUP BY event_date, band
