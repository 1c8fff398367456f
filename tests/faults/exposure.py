"""What can be lost: positions at cost and what open orders may still cost, ours and by hand, against every cap."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final

from milkbot.core.cities import load_cities
from milkbot.core.config import TradingMode
from sandbox.exchange.ledger import Account as Member
from sandbox.exchange.ledger import cost_each
from tests.trading.worst_case import ROUNDING, goes_beyond, opened
from trading.domain.policy import Limits
from trading.domain.types import OPEN_STATES, Action
from trading.models import ExternalOrderRow, ExternalPositionRow, OrderRow, PositionRow

LIMITS: Final = Limits()


def cap_complaints(mode: TradingMode, limits: Limits = LIMITS) -> list[str]:
    """Scopes in which positions at cost and what open orders may still cost exceed a cap, by our own rows."""
    for order in _open_orders(mode):
        amount = _left_of_cost(order)
        if amount > limits.per_trade:
            return [f"{order.intent.intent_key} may cost {amount}, the cap of a trade is {limits.per_trade}"]
    return list(_over(_counted(mode), limits, "reserved"))


def _open_orders(mode: TradingMode) -> Iterable[OrderRow]:
    rows = OrderRow.objects.filter(mode=mode, state__in=OPEN_STATES)
    return rows.select_related("intent", "market").order_by("pk")


def _left_of_cost(order: OrderRow) -> Decimal:
    return order.intent.max_cost * (order.count - order.filled_count) / order.count


def _counted(mode: TradingMode) -> list[tuple[str, Decimal]]:
    """Dollars at risk by our own rows, each with its market: what is held, what our orders and those by hand may cost."""
    positions = PositionRow.objects.filter(mode=mode, is_open=True).select_related("market")
    held = {row.market.ticker: row.count for row in positions}
    counted = [(row.market.ticker, row.cost) for row in positions]
    for order in _open_orders(mode):
        beyond = Decimal(0)
        if order.action == Action.SELL:
            beyond = opened(
                held,
                order.market.ticker,
                order.book_side,
                order.limit_price,
                order.count - order.filled_count,
            )
        counted.append((order.market.ticker, _left_of_cost(order) + beyond))
    for row in ExternalOrderRow.objects.filter(mode=mode, ended_at__isnull=True):
        each = cost_each("bid" if row.book_side == "bid" else "ask", row.yes_price)
        counted.append((row.market_ticker, row.remaining_count * each))
    elsewhere = ExternalPositionRow.objects.filter(mode=mode, ended_at__isnull=True)
    counted += elsewhere.values_list("market_ticker", "at_risk")
    return counted


def _at_exchange(member: Member) -> list[tuple[str, Decimal]]:
    """Dollars at risk as the exchange has them, whoever placed the order."""
    held = {ticker: one.count for ticker, one in member.positions.items() if not one.is_settled}
    there = [(one.ticker, one.exposure) for one in member.positions.values() if one.exposure]
    there += [
        (one.ticker, opened(held, one.ticker, one.side, one.price, one.remaining_count))
        for one in member.orders.values()
        if one.status == "resting"
    ]
    return there


def exposure_complaints(mode: TradingMode, member: Member) -> Iterator[str]:
    """What is at risk at the exchange, ours or by hand, stays within the caps and is counted here, market by market."""
    there = _at_exchange(member)
    yield from _over(there, LIMITS, "at the exchange")
    ours, theirs = _by_market(_counted(mode)), _by_market(there)
    for ticker, amount in theirs.items():
        if ours[ticker] + ROUNDING < amount:
            yield f"{amount} of {ticker} is at risk at the exchange, {ours[ticker]} is counted here"


def _by_market(at_risk: Iterable[tuple[str, Decimal]]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for ticker, amount in at_risk:
        sums[ticker] += amount
    return sums


def exit_complaints(mode: TradingMode, member: Member) -> list[str]:
    """Sales of ours that went beyond what was held and so bought the other side."""
    sales = {
        str(row.client_order_id): row.intent.intent_key
        for row in OrderRow.objects.filter(mode=mode, action=Action.SELL).select_related("intent")
    }
    return [
        f"{sales[fill.client_order_id]}, a sale, opened: it left {fill.position}"
        for fill in member.fills
        if fill.client_order_id in sales and goes_beyond(fill.side, fill.position)
    ]


def _over(at_risk: Iterable[tuple[str, Decimal]], limits: Limits, where: str) -> Iterator[str]:
    cities = load_cities()
    risks = list(at_risk)
    series = {city.kalshi_series: code for code, city in cities.items()}
    places = {
        ticker: (ticker.rpartition("-")[0], series[ticker.partition("-")[0]])
        for ticker, _ in risks
        if ticker.partition("-")[0] in series
    }
    if len(places) > limits.max_positions:
        yield f"{where}: {len(places)} markets have something at risk, the cap is {limits.max_positions}"
    sums: dict[tuple[str, Decimal], Decimal] = defaultdict(Decimal)
    for ticker, amount in risks:
        sums["everything", limits.total] += amount
        if ticker not in places:
            continue  # of a series of others: in the total only
        event, city = places[ticker]
        sums[event, limits.per_event] += amount
        sums[city, limits.per_city] += amount
        sums[f"cluster {cities[city].cluster}", limits.per_cluster] += amount
    for (scope, cap), total in sums.items():
        if total > cap:
            yield f"{where}: {scope} has {total} at risk, its cap is {cap}"
