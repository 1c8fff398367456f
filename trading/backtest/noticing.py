"""When we would have seen a forecast: not at the second it could be had, but when the weather loop next looked.

The market takes note of a revision within a minute or two. Who trades at the very second of its release, against prices of
the minute before, earns what nobody can: the simulated world showed six cents a contract in the twenty minutes after a
revision, on events whose makers do not lag at all.
"""

from dataclasses import replace
from datetime import timedelta

from trading.backtest.recorded_types import Recording


def noticed(recording: Recording, after: timedelta) -> Recording:
    """`recording` in which every forecast became available `after` its release. Raises ValueError for a negative time."""
    if after < timedelta(0):
        raise ValueError(f"nothing can be seen {-after} before it is released")
    return replace(
        recording,
        forecasts={
            place: tuple(one._replace(available_at=one.available_at + after) for one in forecasts)
            for place, forecasts in recording.forecasts.items()
        },
    )
