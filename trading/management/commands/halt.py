"""`manage.py halt`: no order leaves any more. Needs no worker; with --cancel-all it asks the exchange itself."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from milkbot.core import clock
from milkbot.core.config import Config, get_config
from trading.controls import set_trading_state
from trading.domain.types import TradingState
from trading.management.operator import actor, connect_desk, installation, pause
from trading.oms.cancel_all import CancelAllReport, cancel_all
from trading.under_way import sends_under_way


class Command(BaseCommand):
    help = "Halt trading: at once no send begins; once this returns no order leaves. Positions are kept."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--reason", required=True, help="kept with the action, for whoever asks later")
        parser.add_argument(
            "--cancel-all",
            action="store_true",
            help="then cancel every order on the account, those placed by hand included, and read back",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        config, reason = get_config(), options["reason"]
        try:
            self._halt(config, reason)
        except ValueError as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            # What rests can be taken out without our books; what a trader may send cannot be stopped without them.
            if options["cancel_all"]:
                self._cancel_blindly(config)
            raise CommandError(
                f"The switch could not be turned ({error}): stop the worker of the fast queue."
            ) from error
        if options["cancel_all"]:
            self._cancel(config, reason)
        else:
            self._see_off(config)

    def _halt(self, config: Config, reason: str) -> None:
        mode = config.trading_mode
        before = set_trading_state(
            mode=mode,
            state=TradingState.HALTED,
            actor=actor(),
            user_id=None,
            reason=reason,
            now=clock.now(),
        )
        self.stdout.write(
            f"{mode} was {before}, is {TradingState.HALTED} now ({installation(config)}): no send begins any more."
        )
        if left := sends_under_way(mode, clock.now()):
            self.stdout.write(str(left))

    def _see_off(self, config: Config) -> None:
        """Wait until what was under way is answered or can no longer be taken. The switch is turned already."""
        while sends_under_way(config.trading_mode, clock.now()):
            pause()
        self.stdout.write("No order leaves any more.")

    def _cancel(self, config: Config, reason: str) -> None:
        report = cancel_all(
            config.trading_mode,
            connect_desk(config),
            now=clock.now,
            pause=pause,
            actor=actor(),
            user_id=None,
            reason=reason,
        )
        self.stdout.write(_in_words(report))
        if not report.is_done:
            raise CommandError(
                "Not everything is proven to be out of the book; see `manage.py reconcile`, and cancel again."
            )

    def _cancel_blindly(self, config: Config) -> None:
        refusal = connect_desk(config).venue.cancel_all()
        said = "the exchange confirmed cancel-all" if refusal is None else f"cancel-all: {refusal!r}"
        self.stdout.write(f"Without our books: {said}.")


def _in_words(report: CancelAllReport) -> str:
    how = "the exchange confirmed cancel-all"
    if report.refusal:
        how = f"cancel-all failed ({report.refusal}), so {report.one_by_one} orders were asked for one by one"
    lines = [f"{report.open_before} orders were open; {how}; {len(report.still_open)} are left open."]
    if by_hand := report.reconciled.external_orders:
        lines.append(f"{by_hand} orders placed by hand are still in the book.")
    lines += [f"  {order.state:<9} {order.market_ticker} {order.intent_key}" for order in report.still_open]
    return "\n".join(lines)
