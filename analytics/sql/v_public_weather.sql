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
    latest.highs,
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
