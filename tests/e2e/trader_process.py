"""A trader of its own: one cycle for each world time it reads from standard input, until it is killed or input ends.

Run as `python -m tests.e2e.trader_process BASE_URL` with DATABASE_URL naming the database.
"""

import os
import sys
from datetime import datetime
from decimal import Decimal

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "milkbot.settings.test")


def main(base_url: str) -> None:
    import django

    django.setup()
    # Imported here: models need Django to be set up.
    from tests.e2e.world import MODE, sources_of
    from trading.cycle import Settings, run_cycle

    settings = Settings(mode=MODE, cities=("CHI",), capital=Decimal(10_000))
    at = datetime.fromisoformat(sys.stdin.readline().strip())
    _, sources = sources_of(base_url, lambda: at)
    while True:
        sys.stdout.write("cycle\n")
        sys.stdout.flush()
        run_cycle(at, settings, sources=sources)
        sys.stdout.write("done\n")
        sys.stdout.flush()
        line = sys.stdin.readline().strip()
        if not line:
            sys.stdout.write(f"order client loaded: {'markets.clients.kalshi.orders' in sys.modules}\n")
            return
        at = datetime.fromisoformat(line)


if __name__ == "__main__":
    main(sys.argv[1])
