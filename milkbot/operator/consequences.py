"""What turning the switch would mean now, in numbers, before anything is pressed."""

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, DecimalField, F, Sum
from django.db.models.functions import Coalesce

from milkbot.core.config import TradingMode
from milkbot.core.money import ZERO
from trading.domain.types import OPEN_STATES, OrderState
from trading.models import OrderRow, PositionRow


@dataclass(frozen=True)
class Exposure:
    """Open orders and positions of a mode. `unfilled` is contracts, `at_risk` dollars."""

    open_orders: int
    unfilled: Decimal
    unknown_orders: int
    positions: int
    at_risk: Decimal


def read_exposure(mode: TradingMode) -> Exposure:
    """Two queries, whatever the number of orders."""
    open_states = [state.value for state in OPEN_STATES]
    dollars: DecimalField[Decimal, Decimal] = DecimalField(max_digits=18, decimal_places=6)
    by_state = {
        state: (count, unfilled)
        for state, count, unfilled in OrderRow.objects.filter(mode=mode, state__in=open_states)
        .values_list("state")
        .annotate(count_=Count("id"), unfilled_=Sum(F("count") - F("filled_count"), output_field=dollars))
    }
    held = PositionRow.objects.filter(mode=mode, is_open=True).aggregate(
        positions=Count("id"), at_risk=Coalesce(Sum("cost"), ZERO, output_field=dollars)
    )
    return Exposure(
        open_orders=sum(count for count, _ in by_state.values()),
        unfilled=sum((unfilled for _, unfilled in by_state.values()), ZERO),
        unknown_orders=by_state.get(OrderState.UNKNOWN.value, (0, ZERO))[0],
        positions=held["positions"],
        at_risk=held["at_risk"],
    )
