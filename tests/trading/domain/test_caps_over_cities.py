"""Caps count over all cities at once: whatever is offered in whatever order, what is reserved never passes one."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milkbot.core.cities import load_cities
from tests.trading.makers import BRACKETS, around, make_board, make_outlook, make_view
from trading.domain.decide import decide
from trading.domain.inputs import Account, CityView
from trading.domain.policy import Limits
from trading.domain.risk import Holding, MarketPlace, add_up
from trading.domain.types import Intent
from weather.domain.odds import outlook_probabilities

TEN: Final = tuple(load_cities())
CAPITAL: Final = Decimal(10_000)
DEEP: Final = "100000"
"""Contracts displayed: depth never binds before a cap does."""


class Offered(NamedTuple):
    """One city's ladder: what we expect, and by how many cents each market disagrees with it."""

    code: str
    mu: float
    discounts: tuple[int, ...]


def view_of(offered: Offered) -> CityView:
    city = load_cities()[offered.code]
    outlook = make_outlook(city=city, mu=offered.mu)
    fair = outlook_probabilities(outlook, [(bracket.low_f, bracket.high_f) for bracket in BRACKETS])
    mids = [
        min(max(round(p_yes * 100) - discount, 2), 97)
        for p_yes, discount in zip(fair, offered.discounts, strict=True)
    ]
    quotes = [(f"{mid - 1}e-2", f"{mid + 1}e-2") for mid in mids]
    board = make_board(city=city, quotes=quotes, size=DEEP, event_ticker=f"{city.kalshi_series}-25MAY14")
    return make_view(city=city, board=board, outlook=outlook)


def account_with(reserved: Iterable[Intent]) -> Account:
    """The account while every order sent before still rests: its worst case stays reserved, nothing is held yet."""
    holdings = [
        Holding(
            intent.market_ticker,
            MarketPlace(intent.event_ticker, intent.city_code, load_cities()[intent.city_code].cluster),
            intent.max_cost,
        )
        for intent in reserved
    ]
    spent = sum((holding.at_risk for holding in holdings), Decimal(0))
    return Account(cash=CAPITAL - spent, bankroll=CAPITAL, exposure=add_up(holdings))


def reserved_by(intents: Iterable[Intent], scope: Mapping[str, str]) -> dict[str, Decimal]:
    """Dollars reserved, added up by what `scope` makes of a city code: independent of `Exposure`."""
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for intent in intents:
        sums[scope[intent.city_code]] += intent.max_cost
    return sums


def check_caps(reserved: list[Intent], limits: Limits) -> None:
    cluster_of = {code: city.cluster for code, city in load_cities().items()}
    assert max(reserved_by(reserved, cluster_of).values(), default=0) <= limits.per_cluster
    assert max(reserved_by(reserved, dict(zip(TEN, TEN, strict=True))).values(), default=0) <= limits.per_city
    total = sum((intent.max_cost for intent in reserved), Decimal(0))
    assert total <= min(limits.total, limits.total_share_of_bankroll * CAPITAL)
    assert len({intent.market_ticker for intent in reserved}) <= limits.max_positions
    assert all(intent.max_cost <= limits.per_trade for intent in reserved)


OFFERS = st.builds(
    Offered,
    st.sampled_from(TEN),
    st.floats(68, 82),
    st.tuples(*[st.integers(-18, 18)] * len(BRACKETS)),
)
BOARDS = st.lists(OFFERS, min_size=1, max_size=len(TEN), unique_by=lambda offered: offered.code)
LIMITS = st.builds(
    Limits,
    per_trade=st.decimals(5, 400, places=2),
    per_event=st.decimals(5, 600, places=2),
    per_city=st.decimals(5, 600, places=2),
    per_cluster=st.decimals(5, 600, places=2),
    total=st.decimals(5, 1_000, places=2),
    max_positions=st.integers(1, 12),
)


@pytest.mark.story("4.9", 3)
@pytest.mark.story("4.9", 4)
@settings(max_examples=60)
@given(turns=st.lists(BOARDS, min_size=1, max_size=4), limits=LIMITS, paid_out=st.data())
def test_reserved_exposure_after_any_turns_stays_within_every_cap(
    turns: list[list[Offered]], limits: Limits, paid_out: st.DataObject
) -> None:
    reserved: list[Intent] = []
    for boards in turns:
        views = [view_of(offered) for offered in boards]
        reserved += decide(views, account_with(reserved), around(limits=limits)).intents
        check_caps(reserved, limits)
        still_open = paid_out.draw(st.integers(0, len(reserved)))
        reserved = reserved[:still_open]


ALL_CHEAP: Final = [Offered(code, 75.5, (6, 6, 6, 6, 6, 6)) for code in TEN]


@pytest.mark.story("4.9", 4)
@pytest.mark.parametrize("cluster", ["NORTHEAST", "CALIFORNIA"])
@pytest.mark.parametrize("backwards", [False, True])
def test_cluster_cap_binds_across_its_cities_and_leaves_the_other_clusters_alone(
    cluster: str, backwards: bool
) -> None:
    limits = Limits(
        per_cluster=Decimal(150), per_event=Decimal(100), total=Decimal(100_000), total_share_of_bankroll=1
    )
    offers = ALL_CHEAP[::-1] if backwards else ALL_CHEAP

    batch = decide([view_of(offered) for offered in offers], account_with([]), around(limits=limits))

    members = {code for code, city in load_cities().items() if city.cluster == cluster}
    wanted_by_city = reserved_by(batch.intents, dict(zip(TEN, TEN, strict=True)))
    together = sum(wanted_by_city[code] for code in members)
    assert 145 < together <= 150, "the cap was not reached, or not kept"
    assert (
        sum(wanted_by_city[code] > 0 for code in members) > 1
    ), "one city alone shows nothing of the cluster"
    refused = Counter(decision.city_code for decision in batch.decisions if decision.code == "CAP_CLUSTER")
    assert refused
    assert set(refused) <= {
        code for code, city in load_cities().items() if city.cluster in ("NORTHEAST", "CALIFORNIA")
    }


def test_clusters_are_those_whose_forecast_errors_go_together() -> None:
    shared = {
        frozenset(code for code, other in load_cities().items() if other.cluster == city.cluster)
        for city in load_cities().values()
    }

    assert {members for members in shared if len(members) > 1} == {
        frozenset({"NYC", "PHL", "BOS"}),
        frozenset({"LAX", "SFO"}),
    }
