"""The weather service's own faults by the names the control panel knows them by, and how far an edge lags behind."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final, Literal

from starlette.types import Scope

NwsFaultKind = Literal[
    "503_grid_expired",
    "503_grid_invalid",
    "503_unavailable",
    "404_no_grid",
    "stale_edge",
    "stale_station",
    "truncated_gzip",
    "empty_periods",
    "null_temperature",
    "old_grid",
    "future_grid",
    "partial_grid",
    "moved_cell",
    "missing_property",
    "strings",
    "old_units",
    "fahrenheit",
    "unknown_unit",
    "out_of_range",
    "no_offset",
    "local_offset",
    "relative_icons",
    "no_records",
    "no_metar_text",
    "future_records",
    "repeated_records",
    "float_noise",
]

EDGE_LAGS: Final = {
    "stale_edge": timedelta(hours=9),  # longer than any pause between issuances, so never the newest one
    "stale_station": timedelta(days=3),
}
LAG: Final = "nws.edge_lag"


def behind(scope: Scope, kinds: Iterable[str]) -> Scope:
    """The request as an edge server meets it that stopped hearing from the service long ago."""
    lags = [EDGE_LAGS[kind] for kind in kinds if kind in EDGE_LAGS]
    return {**scope, LAG: max(lags)} if lags else scope


def lag_of(scope: Scope) -> timedelta:
    """How far behind the answer to this request is."""
    lag: timedelta = scope.get(LAG, timedelta(0))
    return lag
