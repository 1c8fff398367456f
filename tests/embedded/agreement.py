"""Do `manage.py status --json` and the public page tell the same story, and do the logs complain?

The page shows our trading an hour late on purpose: the cycles and fills in the database stand between the two.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from urllib.request import urlopen

import psycopg

CENT: Final = Decimal("0.01")
_FIGURE: Final = re.compile(r"<dt>([^<]*)</dt><dd[^>]*>([^<]*)</dd>")
_BADGE: Final = re.compile(r'<span class="status( status--\w+)?">([^<]*)</span>')
_COMPLAINT: Final = re.compile(r"^\S+ +(ERROR|CRITICAL)\b|^Traceback|\b(ERROR|FATAL|PANIC): ")
_RELEASED: Final = """
SELECT cycle.realized_pnl, cycle.unrealized_pnl,
       (SELECT sum(amount) FROM ops.ledger WHERE kind = 'deposit'),
       (SELECT count(*) FROM ops.fills WHERE filled_at <= now() - interval '60 minutes'),
       (SELECT count(*) FROM ops.fills)
FROM ops.cycles AS cycle
WHERE cycle.cash IS NOT NULL AND cycle.started_at <= now() - interval '60 minutes'
ORDER BY cycle.started_at DESC LIMIT 1
"""


@dataclass(frozen=True)
class Released:
    """What of the account is an hour old: dollars and counts. `fills_ever` counts the fresh ones too."""

    realized: Decimal
    unrealized: Decimal
    deposit: Decimal
    fills: int
    fills_ever: int

    @property
    def equity(self) -> Decimal:
        return self.deposit + self.realized + self.unrealized


class PublicPage:
    """What a visitor reads."""

    def __init__(self, html: str) -> None:
        self._html = html
        self.figures = dict(_FIGURE.findall(html))

    @property
    def mode_line(self) -> str:
        line = re.search(r'<p class="mode-line">(.*?)</p>', self._html, re.DOTALL)
        return " ".join(re.sub(r"<[^>]*>", " ", line[1]).split()) if line else ""

    @property
    def cities(self) -> int:
        return self._html.count('<article class="tile"')

    @property
    def troubled(self) -> bool:
        """Whether a health badge differs from good."""
        strip = self._html.partition('<ul class="health"')[2].partition("health__updated")[0]
        return any(level for level, _ in _BADGE.findall(strip))

    def amount(self, term: str) -> Decimal | None:
        """The figure whose term begins so; None when it is not there or is no number."""
        text = next((value for name, value in self.figures.items() if name.startswith(term)), "")
        number = text.replace("−", "-").translate(str.maketrans("", "", "$,+"))
        return Decimal(number) if re.fullmatch(r"-?\d+(\.\d+)?", number) else None


def read_page(port: int) -> PublicPage:
    """The public page as it is served now."""
    with urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
        return PublicPage(answer.read().decode())


def released(database_url: str) -> Released:
    """The account as it stood an hour ago, from the facts themselves. There must have been a cycle by then."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute(_RELEASED).fetchone()
    assert row is not None
    return Released(*row)


def disagreements(
    page: PublicPage, status: Mapping[str, Any], before: Released, after: Released
) -> Iterator[str]:
    """One sentence for each thing in which page and status differ.

    `before` and `after` were read around the two: figures are released while one looks.
    """
    for word in (status["mode"], status["profile"], status["world"]):
        if word not in page.mode_line:
            yield f"the page says {page.mode_line!r}, the status {word!r}"
    if page.cities != status["last_cycle"]["cities"]:
        yield f"the page shows {page.cities} cities, the cycle read {status['last_cycle']['cities']}"
    if page.troubled is status["healthy"]:
        yield f"the page is troubled: {page.troubled}, the status healthy: {status['healthy']}"
    if not before.fills_ever <= status["fills"] <= after.fills_ever:
        yield f"the status counts {status['fills']} fills, the database {before.fills_ever}"
    if page.amount("Fills") not in (before.fills, after.fills):
        yield f"the page counts {page.amount('Fills')} fills, {before.fills} are an hour old"
    if not any(_same(page.amount("Equity"), known.equity) for known in (before, after)):
        yield f"the page's equity is {page.amount('Equity')}, an hour ago it was {before.equity}"
    if not any(_same(page.amount("Realized"), known.realized) for known in (before, after)):
        yield f"the page's realized result is {page.amount('Realized')}, an hour ago it was {before.realized}"


def complaints(logs: Path) -> list[str]:
    """Every line of an error in the logs of a profile, with the log's name."""
    return [
        f"{log.name}: {line}"
        for log in sorted(logs.glob("*.log"))
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines()
        if _COMPLAINT.search(line)
    ]


def _same(shown: Decimal | None, exact: Decimal) -> bool:
    """Equal to the cent, whichever way a half is rounded."""
    return shown is not None and abs(shown - exact) <= CENT / 2
