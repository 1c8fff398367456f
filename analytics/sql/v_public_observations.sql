-- Every reading of the settlement stations, for "high so far". Public facts: live.
-- NOTE: the climate day starts at a fixed offset per city that SQL does not know; the reader bounds the time.
SELECT
    observation.city_code AS city,
    observation.station,
    observation.observed_at,
    observation.temp_c,
    observation.is_metar
FROM ops.observations AS observation
