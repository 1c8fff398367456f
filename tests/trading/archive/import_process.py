"""An import as a process of its own, to be killed: exchange URL, folder and the moment as arguments."""

import sys
from datetime import datetime
from pathlib import Path

from tests.trading.archive.worlds import fetch_from

if __name__ == "__main__":
    fetch_from(Path(sys.argv[2]), datetime.fromisoformat(sys.argv[3]), exchange_url=sys.argv[1])
