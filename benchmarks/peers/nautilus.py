"""Runs in the peer's own virtualenv and imports nothing of ours: quote ticks of a recording through nautilus_trader.

`python nautilus.py FOLDER TICKS` reads `FOLDER/kalshi/ladders/quotes_*.csv.gz` and prints one JSON object. The strategy does
what a quote asks of ours at the least: the edge of either side after the taker's fee against a fair value, a slow average
of the mids, and an immediate order where it reaches a quarter, which is seldom. Reading the files and making ticks is not timed.
"""

import csv
import gzip
import json
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import nautilus_trader
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import AccountType, AssetClass, OmsType, OrderSide, TimeInForce
from nautilus_trader.model.identifiers import InstrumentId, Symbol, Venue
from nautilus_trader.model.instruments import BinaryOption
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.trading.strategy import Strategy

VENUE = Venue("SIM")
TAKER_RATE = 0.07
WANTED_EDGE = 0.25
SLOWNESS = 0.05
SIZE = Quantity.from_int(10)


class EdgeStrategy(Strategy):  # type: ignore[misc]  # untyped here: it lives in a virtualenv of its own
    """Takes a side that is cheap against its slow average."""

    def __init__(self, instruments: list[BinaryOption]) -> None:
        super().__init__()
        self._instruments = {each.id: each for each in instruments}
        self._fair: dict[InstrumentId, float] = {}
        self.orders = 0

    def on_start(self) -> None:
        for instrument_id in self._instruments:
            self.subscribe_quote_ticks(instrument_id)

    def on_quote_tick(self, tick: QuoteTick) -> None:
        bid, ask = tick.bid_price.as_double(), tick.ask_price.as_double()
        mid = (bid + ask) / 2
        fair = self._fair.get(tick.instrument_id, mid)
        self._fair[tick.instrument_id] = fair + SLOWNESS * (mid - fair)
        if fair - ask - TAKER_RATE * ask * (1 - ask) >= WANTED_EDGE:
            self._take(tick.instrument_id, OrderSide.BUY, tick.ask_price)
        elif bid - fair - TAKER_RATE * bid * (1 - bid) >= WANTED_EDGE and self.portfolio.is_net_long(
            tick.instrument_id
        ):
            self._take(tick.instrument_id, OrderSide.SELL, tick.bid_price)

    def _take(self, instrument_id: InstrumentId, side: OrderSide, price: Price) -> None:
        self.orders += 1
        order = self.order_factory.limit(
            instrument_id=instrument_id,
            order_side=side,
            quantity=SIZE,
            price=price,
            time_in_force=TimeInForce.IOC,
        )
        self.submit_order(order)


def rows(folder: Path) -> Iterator[tuple[str, int, str, str]]:
    """(market, nanoseconds, bid, ask) of every quote with both sides."""
    for path in sorted((folder / "kalshi" / "ladders").glob("quotes_*.csv.gz")):
        with gzip.open(path, "rt", encoding="utf-8", newline="") as text:
            for row in csv.DictReader(text):
                if row["yes_bid"] and row["yes_ask"]:
                    at = datetime.fromisoformat(row["ts_utc"])
                    yield row["ticker"], int(at.timestamp()) * 10**9, row["yes_bid"], row["yes_ask"]


def instrument_of(name: str, first_ns: int) -> BinaryOption:
    return BinaryOption(
        instrument_id=InstrumentId(Symbol(name), VENUE),
        raw_symbol=Symbol(name),
        asset_class=AssetClass.ALTERNATIVE,
        currency=USD,
        price_precision=2,
        size_precision=0,
        price_increment=Price.from_str("0.01"),
        size_increment=Quantity.from_int(1),
        activation_ns=0,
        expiration_ns=first_ns + 10**18,
        ts_event=0,
        ts_init=0,
        maker_fee=Decimal(0),
        taker_fee=Decimal("0.02"),
    )


def main() -> None:
    folder, wanted = Path(sys.argv[1]), int(sys.argv[2])
    quotes = sorted(rows(folder), key=lambda row: row[1])[:wanted]
    instruments = {name: instrument_of(name, quotes[0][1]) for name in sorted({row[0] for row in quotes})}
    ticks = [
        QuoteTick(
            instrument_id=instruments[name].id,
            bid_price=Price.from_str(f"{float(bid):.2f}"),
            ask_price=Price.from_str(f"{float(ask):.2f}"),
            bid_size=SIZE,
            ask_size=SIZE,
            ts_event=at,
            ts_init=at,
        )
        for name, at, bid, ask in quotes
    ]
    engine = BacktestEngine(config=BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)))
    engine.add_venue(
        venue=VENUE, oms_type=OmsType.NETTING, account_type=AccountType.CASH, base_currency=USD,
        starting_balances=[Money(1_000_000, USD)],
    )  # fmt: skip
    for instrument in instruments.values():
        engine.add_instrument(instrument)
    engine.add_data(ticks)
    strategy = EdgeStrategy(list(instruments.values()))
    engine.add_strategy(strategy)
    began, began_cpu = time.perf_counter(), time.process_time()
    engine.run()
    seconds, cpu_s = time.perf_counter() - began, time.process_time() - began_cpu
    told = {
        "version": nautilus_trader.__version__,
        "ticks": len(ticks),
        "instruments": len(instruments),
        "orders": strategy.orders,
        "seconds": round(seconds, 3),
        "cpu_seconds": round(cpu_s, 3),
    }
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
