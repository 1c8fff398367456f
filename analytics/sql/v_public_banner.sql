-- What the visitor must know before any number: which mode is shown, and whether its world is the real one.
-- NOTE: the trading switch (controls.state) is a figure of our trading; it stays out until it can be told 60 minutes late.
SELECT
    controls.mode,
    installation.profile,
    installation.world
FROM ops.controls AS controls
CROSS JOIN ops.installation AS installation
WHERE controls.is_published
