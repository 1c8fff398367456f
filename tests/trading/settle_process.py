"""Settles in a process of its own, to be killed: says "ready", waits for a line, settles, says "done".

Run as `python -m tests.trading.settle_process ISO_TIME` with DATABASE_URL naming the database.
"""

import os
import sys
from datetime import datetime

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "milkbot.settings.test")


def main(at: datetime) -> None:
    import django

    django.setup()
    # Imported here: models need Django to be set up.
    from milkbot.core.config import TradingMode
    from trading.settlement import settle_finalized

    _say("ready")
    sys.stdin.readline()
    settle_finalized(TradingMode.SHADOW, at)
    _say("done")


def _say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(datetime.fromisoformat(sys.argv[1]))
