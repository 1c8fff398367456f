-- The latest word of the weather service on each city. Public facts: live.
-- NOTE: `fetched_at` is when we last heard it unchanged; `issued_at` is when the forecaster last sent it. Never mixed.
WITH RECURSIVE city AS (
    -- NOTE: hops through the index from one city to the next; DISTINCT would read the whole history at every poll.
    (SELECT city_code FROM ops.weather_snapshots ORDER BY city_code LIMIT 1)
    UNION ALL
    SELECT (
        SELECT following.city_code
        FROM ops.weather_snapshots AS following
        WHERE following.city_code > city.city_code
        ORDER BY following.city_code
        LIMIT 1
    )
    FROM city
    WHERE city.city_code IS NOT NULL
)
SELECT
    city.city_code AS city,
    latest.station,
    latest.observed_temp_c,
    latest.observed_at,
    COALESCE(ended.high, '[]'::jsonb) || latest.highs AS highs,
    latest.issued_at,
    latest.last_seen_at AS fetched_at
FROM city
JOIN LATERAL (
    SELECT *
    FROM ops.weather_snapshots AS candidate
    WHERE candidate.city_code = city.city_code
    ORDER BY candidate.captured_at DESC
    LIMIT 1
) AS latest ON true
LEFT JOIN LATERAL (
    -- NOTE: a grid stops naming a day's high in that day's evening; the last that did is still what was said of it.
    SELECT jsonb_build_array(
        (candidate.highs -> 0) || jsonb_build_object('issued_at', candidate.issued_at)
    ) AS high
    FROM ops.weather_snapshots AS candidate
    WHERE candidate.city_code = city.city_code
        AND candidate.captured_at > latest.captured_at - interval '36 hours'
        AND candidate.highs -> 0 ->> 'day' < latest.highs -> 0 ->> 'day'
    ORDER BY candidate.captured_at DESC
    LIMIT 1
) AS ended ON true
