"""`manage.py settle_by_hand`: book what a market paid that we cannot settle ourselves."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from milkbot.core import clock
from milkbot.core.config import TradingMode, get_config
from trading.hand_settlement import CannotSettle, settle_by_hand
from trading.management.operator import actor, connect_desk, dollars


class Command(BaseCommand):
    help = "Pay out our position in a market whose result is neither yes nor no, or never came, at a value you name."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("ticker", help="the market")
        parser.add_argument(
            "--value", type=dollars, required=True, help="dollars that one YES contract paid, from 0 to 1"
        )
        parser.add_argument("--reason", required=True, help="kept with the action, for whoever asks later")

    def handle(self, *args: Any, **options: Any) -> None:
        config = get_config()
        mode, ticker = config.trading_mode, options["ticker"]
        # SHADOW has no account: nobody there can contradict.
        account = None if mode is TradingMode.SHADOW else connect_desk(config).account
        try:
            settled = settle_by_hand(
                mode,
                ticker,
                options["value"],
                account,
                actor=actor(),
                user_id=None,
                reason=options["reason"],
                now=clock.now(),
            )
        except (CannotSettle, ValueError) as error:
            raise CommandError(str(error)) from error
        done = "stood so already" if settled.pnl is None else f"P&L {settled.pnl:+.4f}"
        self.stdout.write(
            f"{mode} {ticker}: {settled.paid.contracts.normalize():f} contracts paid {settled.paid.payout:.4f}, {done}; "
            f"{settled.orders_closed} orders closed"
        )
        if account is not None:
            confirmed = "says the same" if settled.is_confirmed else "lists no settlement of it yet"
            self.stdout.write(f"The exchange {confirmed}.")
