"""What may become of an order, written down a second time from design 6.3 and 6.4: the table is held against it."""

from typing import Final

from trading.domain.order_states import OrderEvent as E
from trading.domain.types import OrderState as S

_EVENTS: Final = (
    E.SEND,
    E.ACKNOWLEDGE,
    E.FILL_PART,
    E.FILL_ALL,
    E.CANCEL,
    E.REJECT,
    E.LOSE,
    E.RENEW,
    E.END_RENEWAL,
    E.ASK_CANCEL,
    E.SETTLE,
)
_LIFE: Final = """
           send      acknowl.  part      all       cancel    reject    lose      renew     end       ask       settle
NEW        SUBMITTED RESTING   PARTIAL   FILLED    CANCELED  -         -         -         -         -         -
SUBMITTED  -         RESTING   PARTIAL   FILLED    CANCELED  REJECTED  UNKNOWN   -         -         -         -
UNKNOWN    SUBMITTED RESTING   PARTIAL   FILLED    CANCELED  -         UNKNOWN   -         -         UNKNOWN   -
RESTING    -         -         PARTIAL   FILLED    CANCELED  -         UNKNOWN   RESTING   RESTING   RESTING   -
PARTIAL    -         PARTIAL   PARTIAL   FILLED    CANCELED  -         UNKNOWN   PARTIAL   PARTIAL   PARTIAL   -
FILLED     -         -         -         FILLED    -         -         -         -         -         -         CLOSED
CANCELED   -         RESTING   CANCELED  FILLED    -         -         -         -         -         -         CLOSED
REJECTED   -         RESTING   PARTIAL   FILLED    -         -         -         -         -         -         CLOSED
CLOSED     -         -         CLOSED    CLOSED    -         -         -         -         -         -         -
"""


def _read(text: str) -> dict[tuple[S, E], S]:
    rows = [line.split() for line in text.strip().splitlines()[1:]]
    return {
        (S(state), event): S(after)
        for state, *states in rows
        for event, after in zip(_EVENTS, states, strict=True)
        if after != "-"
    }


AFTER: Final = _read(_LIFE)
"""The state after an event, for every pair that may happen; what is missing never may."""
