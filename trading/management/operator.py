"""What the operator's commands share: who gave them, what they were told, and how they pause."""

import argparse
import getpass
import re
import time
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

from django.core.management.base import CommandError
from django.db import connection

from milkbot.core.config import Config
from milkbot.core.errors import ConfigError
from trading.oms.exchange import CancelDesk, connect_cancels

READ_LAG_S: Final = 2.0
"""The exchange's lists show after about this long what its engine did."""
_UNITS: Final = {"m": timedelta(minutes=1), "h": timedelta(hours=1)}


def actor() -> str:
    """The person at this terminal, as the record names him."""
    return f"cli:{getpass.getuser()}"


def installation(config: Config) -> str:
    """What the commands of this terminal act on: without an environment of its own, the profile started last."""
    return f"{config.trading_mode}, profile {config.milkbot_profile}, database {connection.settings_dict['NAME']}"


def connect_desk(config: Config) -> CancelDesk:
    """The exchange of this mode with its means to read and to cancel. Raises CommandError where there is none."""
    try:
        desk = connect_cancels(config)
    except ConfigError as error:
        raise CommandError(str(error)) from error
    if desk is None:
        raise CommandError(f"{config.trading_mode} has no account at an exchange: its fills are computed.")
    return desk


def pause() -> None:
    """Until the exchange's lists have caught up."""
    time.sleep(READ_LAG_S)


def instant(text: str) -> datetime:
    """An ISO 8601 time with its offset, for argparse."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no ISO 8601 time") from None
    if parsed.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} names no offset from UTC; write {text}Z")
    return parsed


def dollars(text: str) -> Decimal:
    """An amount in dollars, for argparse."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("nan")
    if not amount.is_finite():
        raise argparse.ArgumentTypeError(f"{text!r} is no amount in dollars")
    return amount


def duration(text: str) -> timedelta:
    """Minutes or hours as 90m or 2h, for argparse."""
    found = re.fullmatch(r"([1-9][0-9]{0,3})([mh])", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration; write 90m or 2h")
    return int(found[1]) * _UNITS[found[2]]
