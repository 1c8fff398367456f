"""Documented reads of things that these worlds hardly have: groups, milestones, combinations, subaccounts, pictures."""

from collections.abc import Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox.exchange.book import NOTHING
from sandbox.exchange.ledger import cost_each
from sandbox.kalshi.account_records import SHARD, whole_cents
from sandbox.kalshi.auth import signer
from sandbox.kalshi.errors import not_found
from sandbox.kalshi.handlers import asynchronous
from sandbox.kalshi.query import Query
from sandbox.kalshi.row_filter import PRIMARY, Place
from sandbox.kalshi.rules import settlement_sources
from sandbox.kalshi.venue import Venue
from sandbox.kalshi.wire import dollars

MOST_MILESTONES: Final = 500
MOST_EVENTS: Final = 200


class Further:
    """The handlers. Their routes must stand before those of `/events/{event_ticker}`."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    def routes(self) -> list[Route]:
        """Paths below the API's root."""
        table: dict[str, Callable[[Request], JSONResponse]] = {
            "/events/multivariate": self.multivariate_events,
            "/events/{event_ticker}/metadata": self.event_metadata,
            "/milestones": self.milestones,
            "/account/api_usage_level/volume_progress": self.volume_progress,
            "/portfolio/order_groups": self.order_groups,
            "/portfolio/subaccounts/balances": self.subaccount_balances,
            "/portfolio/summary/total_resting_order_value": self.resting_order_value,
        }
        return [Route(path, asynchronous(handler), methods=["GET"]) for path, handler in table.items()]

    def multivariate_events(self, request: Request) -> JSONResponse:
        """There are no combinations."""
        query = Query("GetMultivariateEvents", request.query_params)
        query.bounded("limit", low=1, high=MOST_EVENTS, default=100)
        query.flag("with_nested_markets")
        return JSONResponse({"events": [], "cursor": ""})

    def event_metadata(self, request: Request) -> JSONResponse:
        """Who settles the event; its markets have neither pictures nor colours."""
        ticker = request.path_params["event_ticker"]
        listed = [one for one in self._venue.listings() if one.ladder.event_ticker == ticker]
        if not listed:
            raise not_found()
        details = [{"market_ticker": one.bracket.ticker, "image_url": "", "color_code": ""} for one in listed]
        sources = settlement_sources(listed[0].city, listed[0].ladder.event_date)
        return JSONResponse({"image_url": "", "settlement_sources": sources, "market_details": details})

    def milestones(self, request: Request) -> JSONResponse:
        """None."""
        query = Query("GetMilestones", request.query_params)
        query.required_whole("limit")
        query.bounded("limit", low=1, high=MOST_MILESTONES, default=1)
        query.whole("min_updated_ts")
        return JSONResponse({"milestones": [], "cursor": ""})

    def volume_progress(self, request: Request) -> JSONResponse:
        """Nothing has been computed: tiers are given here, not earned."""
        signer(request)
        return JSONResponse({"volume_progress": []})

    def order_groups(self, request: Request) -> JSONResponse:
        """None: groups cannot be created here."""
        signer(request)
        Place.from_query(Query("GetOrderGroups", request.query_params))
        return JSONResponse({"order_groups": []})

    def subaccount_balances(self, request: Request) -> JSONResponse:
        """All cash is the primary account's."""
        view, as_of = self._venue.view(signer(request)), self._venue.as_of()
        balance = {
            "subaccount_number": PRIMARY,
            "exchange_index": SHARD,
            "balance": dollars(view.available),
            "updated_ts": int(as_of.timestamp()),
        }
        return JSONResponse({"subaccount_balances": [balance]})

    def resting_order_value(self, request: Request) -> JSONResponse:
        """What the resting orders would cost at their prices, fees apart."""
        view = self._venue.view(signer(request))
        value = sum(
            (order.remaining_count * cost_each(order.side, order.price) for order in view.orders), NOTHING
        )
        breakdown = [{"exchange_index": SHARD, "balance": dollars(value)}]
        return JSONResponse(
            {"total_resting_order_value": whole_cents(value), "resting_order_value_breakdown": breakdown}
        )
