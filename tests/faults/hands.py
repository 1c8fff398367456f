"""What a person does on our account beside the bot."""

from decimal import Decimal
from uuid import uuid4

from markets.domain.order_outcomes import Accepted
from markets.domain.order_request import NewOrder, OrderTerms, TimeInForce
from markets.domain.sides import BookSide
from tests.faults.bench import Bench


def place_by_hand(
    bench: Bench,
    ticker: str,
    price: str,
    tif: TimeInForce = TimeInForce.GTC,
    *,
    side: BookSide = BookSide.BID,
    count: int = 2,
) -> str:
    """An order without an intent; the exchange's name of it."""
    terms = OrderTerms(time_in_force=tif)
    said = bench.hand().place(NewOrder(ticker, side, Decimal(count), Decimal(price), str(uuid4()), terms))
    assert isinstance(said, Accepted)
    bench.placed_by_hand.add(said.order_id)
    return said.order_id
