"""One trader per mode. The lease is a row; its fencing number grows with every new holder.

Time is the database's own clock throughout, so hosts cannot disagree about whether a lease has run out. A process that
was paused and resumes still believes it holds the lease: the fencing number in its writes no longer matches, and the
statement that would write an intent writes nothing.
"""

import os
import socket
from datetime import timedelta
from typing import Final

import psutil
from django.contrib.postgres.functions import TransactionNow
from django.db import connection

from milkbot.core.config import TradingMode
from milkbot.core.errors import MilkbotError
from trading.models import TraderLeaseRow
from trading.repositories.orders import Fenced, Lease

LEASE_TTL: Final = timedelta(seconds=90)
"""Longer than the hard limit of a cycle, so that a living trader never loses it between two turns."""


class LeaseHeld(MilkbotError):
    """Another living process trades in this mode."""


_TAKE = """
INSERT INTO trader_lease AS held (mode, holder, fencing, acquired_at, expires_at)
VALUES (%(mode)s, %(holder)s, 1, now(), now() + make_interval(secs => %(ttl_s)s))
ON CONFLICT (mode) DO UPDATE SET
    holder = excluded.holder,
    fencing = held.fencing + CASE WHEN held.holder = excluded.holder AND held.expires_at > now() THEN 0 ELSE 1 END,
    acquired_at = CASE WHEN held.holder = excluded.holder AND held.expires_at > now()
                       THEN held.acquired_at ELSE now() END,
    expires_at = excluded.expires_at
WHERE held.holder = excluded.holder OR held.expires_at <= now() OR held.holder = %(dead)s
RETURNING fencing
"""


_HOLD = """
SELECT 1 FROM trader_lease
WHERE mode = %(mode)s AND holder = %(holder)s AND fencing = %(fencing)s AND expires_at > now()
FOR SHARE
"""


def holder_name() -> str:
    """This process, so that another on the same host can tell whether it still lives: host/pid/start time."""
    return f"{socket.gethostname()}/{os.getpid()}/{psutil.Process().create_time():.2f}"


def take_lease(mode: TradingMode, holder: str, ttl: timedelta = LEASE_TTL) -> Lease:
    """Take or renew the lease. Raises LeaseHeld while another living process holds it.

    A holder on this host whose process is gone is replaced at once; one on another host when its lease runs out.
    """
    current = TraderLeaseRow.objects.filter(mode=mode).values_list("holder", flat=True).first()
    dead = current if current is not None and _is_dead(current) else ""
    with connection.cursor() as cursor:
        cursor.execute(
            _TAKE, {"mode": mode.value, "holder": holder, "ttl_s": ttl.total_seconds(), "dead": dead}
        )
        row = cursor.fetchone()
    if row is None:
        raise LeaseHeld(f"{current} trades in {mode}; stop it, or wait until its lease runs out")
    return Lease(mode, holder, row[0])


def release_lease(lease: Lease) -> None:
    """Let go at a clean stop, so that the next trader need not wait. Does nothing if the lease has moved on.

    The row stays, run out: its fencing number may only grow.
    """
    TraderLeaseRow.objects.filter(mode=lease.mode, holder=lease.holder, fencing=lease.fencing).update(
        expires_at=TransactionNow()
    )


def hold_lease(lease: Lease) -> None:
    """Keep the lease from changing hands until the transaction ends. Raises Fenced when it already did."""
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, {**lease._asdict(), "mode": lease.mode.value})
        if cursor.fetchone() is None:
            raise Fenced(f"lease #{lease.fencing} of {lease.holder} is no longer valid for {lease.mode}")


def _is_dead(holder: str) -> bool:
    """Whether the holder is a process of this host that no longer runs (a reused pid has another start time)."""
    host, _, rest = holder.partition("/")
    pid, _, started = rest.partition("/")
    if host != socket.gethostname() or not pid.isdigit():
        return False
    try:
        process = psutil.Process(int(pid))
        # A killed process stays in the table as a zombie until its parent, in a container often nobody, collects it.
        return f"{process.create_time():.2f}" != started or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
