"""What a replay trades: the same as the plain decision on every instant, as of each, and to the cent."""

import pickle
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trading.backtest.pasts import CAPITAL, DAY, circumstances, sheet_of, wandering
from tests.trading.backtest.recordings import opens_at
from trading.backtest.as_of import AsOf
from trading.backtest.event_past import EventPast
from trading.backtest.event_sheet import Screen
from trading.backtest.learning import UNLEARNED
from trading.backtest.quote_history import QuoteHistory
from trading.backtest.recorded_types import Recording
from trading.backtest.replay import Replay, replay
from trading.backtest.results import Liquidity
from trading.domain.types import OrderState

HOUR = timedelta(hours=1)
OPENS = opens_at(DAY)
DEEP = Decimal(100)


def replayed(past: Recording, *, screen: Screen = Screen.ARRAY, depth: Decimal = DEEP) -> Replay:
    as_of, around = AsOf(past, depth=depth), circumstances()
    return replay([sheet_of(as_of, around, screen=screen)], as_of, UNLEARNED, CAPITAL, around)


@given(seed=st.integers(0, 10**6), depth=st.sampled_from([Decimal(1), Decimal(4), Decimal(10), Decimal(200)]))
@settings(max_examples=12, deadline=None)
def test_screened_replay_is_the_plain_one(seed: int, depth: Decimal) -> None:
    past = wandering(seed)
    plain = replayed(past, screen=Screen.NONE, depth=depth)
    for screen in (Screen.ARRAY, Screen.JUDGE):
        fast = replayed(past, screen=screen, depth=depth)
        assert fast.intents == plain.intents
        assert fast.trades == plain.trades
        assert fast.equity == plain.equity
        assert fast.orders_by_state == plain.orders_by_state
        assert fast.decided <= plain.decided


@pytest.mark.parametrize("seed", range(3))
def test_what_was_believed_may_be_sent_or_forgotten(seed: int) -> None:
    as_of, around = AsOf(wandering(seed), depth=DEEP), circumstances()
    sheet = sheet_of(as_of, around)
    sent = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(sheet))))
    forgotten = replace(sheet, remembered=sheet.remembered.only([]))
    runs = [replay([each], as_of, UNLEARNED, CAPITAL, around) for each in (sheet, sent, forgotten)]
    assert runs[0].trades
    assert runs[0] == runs[1] == runs[2]


def test_wandering_prices_are_traded_in_every_way() -> None:
    """The property above speaks of something only if such pasts hold takers, makers, cancels and second tries."""
    runs = [replayed(wandering(seed)) for seed in range(8)]
    trades = [trade for run in runs for trade in run.trades]
    assert {trade.liquidity for trade in trades} == set(Liquidity)
    assert any(run.orders_by_state.get(OrderState.CANCELED) for run in runs)
    assert any(intent.generation > 0 for run in runs for intent in run.intents)


@pytest.mark.parametrize("seed", range(5))
def test_account_ends_with_its_capital_and_what_the_trades_made(seed: int) -> None:
    run = replayed(wandering(seed))
    made = sum((trade.pnl for trade in run.trades if trade.pnl is not None), Decimal(0))
    assert len(run.trades) > 0
    assert run.equity[-1].cash == run.equity[-1].equity == CAPITAL + made


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("hours", [6, 14, 20])
def test_nothing_that_comes_later_changes_what_was_done(seed: int, hours: int) -> None:
    whole, cut = wandering(seed), OPENS + hours * HOUR
    known = replace(
        whole,
        quotes={
            name: QuoteHistory.of(each for each in told if each.at <= cut)
            for name, told in whole.quotes.items()
        },
        forecasts={
            place: [each for each in told if each.available_at <= cut]
            for place, told in whole.forecasts.items()
        },
    )
    before = [each for each in replayed(whole).intents if each.decided_at <= cut]
    assert before == [each for each in replayed(known).intents if each.decided_at <= cut]


@pytest.mark.parametrize("seed", range(3))
def test_light_board_is_the_checked_one(seed: int) -> None:
    as_of, around = AsOf(wandering(seed), depth=DEEP), circumstances()
    sheet = sheet_of(as_of, around)
    past = EventPast(as_of, sheet.event)
    for row in range(sheet.columns.instants):
        now = sheet.columns.moment(row)
        light = past.board(sheet.columns.place[row].tolist(), now)
        plain = as_of.board(sheet.event, now)
        if light.markets[0].snapshot.captured_at == now:
            assert light == plain
        prices = [(entry.snapshot.yes_bid or 0, entry.snapshot.yes_ask or 0) for entry in plain.markets]
        columns = [
            (bid / 1e6, ask / 1e6)
            for bid, ask in zip(sheet.columns.bid[row], sheet.columns.ask[row], strict=True)
        ]
        assert [(float(bid), float(ask)) for bid, ask in prices] == columns


@pytest.mark.parametrize("seed", range(3))
def test_recorded_sizes_are_traded_on_whatever_depth_is_assumed(seed: int) -> None:
    """Sizes that equal the assumption change nothing, and the assumption changes nothing where sizes are."""
    past = wandering(seed)
    sized = replace(
        past,
        quotes={
            name: QuoteHistory.of(
                each._replace(yes_bid_size=each.yes_bid and DEEP, yes_ask_size=each.yes_ask and DEEP)
                for each in told
            )
            for name, told in past.quotes.items()
        },
    )
    assert replayed(past).trades
    assert replayed(past).trades == replayed(sized, depth=Decimal(1)).trades == replayed(sized).trades
