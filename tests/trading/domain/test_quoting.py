"""What we would rather offer than take: a quote one tick inside the book or at its touch, if its edge is worth resting."""

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.trading.domain.test_decide import CHEAP_QUOTES
from tests.trading.makers import (
    BRACKETS,
    DAY,
    FAIR_QUOTES,
    FEES,
    NOW,
    around,
    make_account,
    make_board,
    make_board_market,
    make_view,
)
from trading.domain.decide import decide
from trading.domain.policy import Policy
from trading.domain.quoting import best_quote
from trading.domain.types import BookSide, ReasonCode
from weather.domain.releases import FORECAST, Releases, Window

POLICY = Policy()
NEARLY_CHEAP = (*FAIR_QUOTES[:3], ("0.25", "0.28"), *FAIR_QUOTES[4:])
"""75-76 is worth about 0.29: too little to take at 0.28, enough to bid 0.25 for."""


def quote(bid: str | None, ask: str | None, p_yes: float) -> tuple[BookSide, Decimal, Decimal] | None:
    market = make_board_market(BRACKETS[3], bid=bid, ask=ask)
    found = best_quote(market, p_yes, 0.01, FEES, POLICY)
    return (found.book_side, found.yes_price, found.edge) if found else None


@pytest.mark.parametrize(
    ("bid", "ask", "p_yes", "quoted"),
    [
        pytest.param("0.30", "0.33", 0.36, (BookSide.BID, "0.31", "0.05"), id="betters the bid"),
        pytest.param(
            "0.30", "0.31", 0.36, (BookSide.BID, "0.30", "0.06"), id="no room inside: joins the bid"
        ),
        pytest.param("0.30", "0.33", 0.335, (BookSide.BID, "0.30", "0.035"), id="too dear inside: joins"),
        pytest.param("0.30", "0.33", 0.32, None, id="no edge on either side"),
        pytest.param("0.30", "0.33", 0.20, (BookSide.ASK, "0.32", "0.12"), id="betters the ask"),
        pytest.param("0.30", "0.31", 0.20, (BookSide.ASK, "0.31", "0.11"), id="joins the ask"),
        pytest.param(None, "0.33", 0.36, None, id="one side missing"),
    ],
)
def test_quote_is_as_eager_as_its_edge_allows(
    bid: str | None, ask: str | None, p_yes: float, quoted: tuple[BookSide, str, str] | None
) -> None:
    expected = (quoted[0], Decimal(quoted[1]), Decimal(quoted[2])) if quoted else None

    assert quote(bid, ask, p_yes) == expected


def test_decide_quotes_where_taking_promises_too_little_and_the_venue_has_a_book() -> None:
    view = make_view(board=make_board(quotes=NEARLY_CHEAP))
    target = BRACKETS[3].ticker

    simulated = decide([view], make_account(), around())
    real = decide([view], make_account(), around(may_rest=True))

    codes = {decision.market_ticker: decision.code for decision in simulated.decisions}
    assert codes[target] is ReasonCode.EDGE_BELOW_FLOOR
    intent = next(intent for intent in real.intents if intent.market_ticker == target)
    assert (intent.post_only, intent.book_side, intent.limit_price) == (True, BookSide.BID, Decimal("0.25"))
    assert intent.max_cost == intent.count * intent.limit_price, "a maker pays no fee in this series"


@pytest.mark.parametrize(
    ("minutes", "code"),
    [
        pytest.param(-30, ReasonCode.RELEASE_DUE, id="due and not seen"),
        pytest.param(0, ReasonCode.RELEASE_DUE, id="due now"),
        pytest.param(0.9, ReasonCode.RELEASE_DUE, id="no life worth posting before it is due"),
        pytest.param(1, ReasonCode.TRADE, id="a minute of life"),
        pytest.param(-60, ReasonCode.TRADE, id="it never came"),
    ],
)
def test_nothing_is_quoted_while_something_is_due_that_moves_prices(minutes: float, code: ReasonCode) -> None:
    starts_at = NOW + timedelta(minutes=minutes)
    due = Releases.of([Window(FORECAST, starts_at, starts_at + timedelta(hours=1), starts_at)])
    view = make_view(board=make_board(quotes=NEARLY_CHEAP))._replace(releases={DAY: due})

    batch = decide([view], make_account(), around(may_rest=True))

    codes = {decision.market_ticker: decision.code for decision in batch.decisions}
    assert codes[BRACKETS[3].ticker] is code
    assert any(intent.post_only for intent in batch.intents) is (code is ReasonCode.TRADE)


def test_what_is_worth_taking_is_taken_whatever_is_due() -> None:
    view = make_view(board=make_board(quotes=CHEAP_QUOTES))
    due = Releases.of([Window(FORECAST, NOW, NOW + timedelta(hours=1), NOW)])

    batch = decide([view._replace(releases={DAY: due})], make_account(), around(may_rest=True))

    assert [intent.post_only for intent in batch.intents] == [False]
