"""Canvas of the report's plots: SVG in the page's own colours and type, the same bytes for the same values.

Colours are written as the page's custom properties (static/tokens.css), so that a printed report has dark lines on white.
Text stays text. A unit of the drawing is a pixel at its natural width.
"""

import io
import re
from collections.abc import Callable
from datetime import date, timedelta
from math import ceil, floor
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

PANEL: Final = "#101318"
RAISED: Final = "#1a1f27"
QUIET: Final = "#262d37"
PRIMARY: Final = "#e9ecf0"
SECONDARY: Final = "#b4bdc8"
TERTIARY: Final = "#8e99a6"
MARKET_COLOUR: Final = "#f2a93b"
OUR_COLOUR: Final = "#4fd3e6"
GAIN: Final = "#86b8ff"
LOSS: Final = "#ff9a78"

TOKENS: Final = {
    PANEL: "--surface-panel",
    RAISED: "--surface-raised",
    QUIET: "--line-quiet",
    PRIMARY: "--text-primary",
    SECONDARY: "--text-secondary",
    TERTIARY: "--text-tertiary",
    MARKET_COLOUR: "--voice-market",
    OUR_COLOUR: "--voice-milkbot",
    GAIN: "--money-gain",
    LOSS: "--money-loss",
}
NARROW: Final = 380
WIDE: Final = 900
_PER_INCH: Final = 72
_EPOCH: Final = date(1970, 1, 1)
_STYLE: Final[dict[str, Any]] = {
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans Mono",
    "font.size": 12,
    "text.color": TERTIARY,
    "axes.facecolor": "none",
    "axes.edgecolor": QUIET,
    "axes.labelcolor": TERTIARY,
    "axes.labelsize": 12,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": QUIET,
    "grid.linewidth": 1,
    "xtick.color": TERTIARY,
    "ytick.color": TERTIARY,
    "xtick.labelsize": 12,
    "ytick.labelsize": 12,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "lines.linewidth": 2,
    "lines.solid_joinstyle": "round",
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "path.simplify_threshold": 0.5,
}


def draw(
    name: str,
    paint: Callable[[Figure], None],
    *,
    width: int = NARROW,
    height: int = 260,
) -> str:
    """An `<svg>` element of what `paint` puts on the figure, for use inside a page.

    `name` keeps the identifiers of one drawing apart from those of the others on the page.
    """
    style: Any = {**_STYLE, "svg.hashsalt": name}
    with mpl.rc_context(style):
        figure = Figure(figsize=(width / _PER_INCH, height / _PER_INCH), layout="constrained")
        figure.get_layout_engine().set(w_pad=2 / _PER_INCH, h_pad=2 / _PER_INCH)  # type: ignore[union-attr,call-arg]
        FigureCanvasSVG(figure)
        paint(figure)
        written = io.StringIO()
        figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None})
    return _for_page(written.getvalue(), width, height)


def plain_axes(axes: Axes, *, grid: str = "y") -> None:
    """Grid lines across one direction only (`x` or `y`); none along the other."""
    axes.grid(visible=False, axis="x" if grid == "y" else "y")


def date_ticks(axes: Axes, first: float, last: float, most: int) -> None:
    """At most `most` marks at midnights, evenly apart, for an axis of days since 1970; `first` and `last` are data."""
    midnights = range(ceil(first), floor(last) + 1) or [floor(first)]
    shown = midnights[:: ceil(len(midnights) / most)]
    axes.set_xticks(list(shown), [f"{_EPOCH + timedelta(days=day):%-d %b}" for day in shown])


def _for_page(svg: str, width: int, height: int) -> str:
    """The element alone: without prologue, metadata, style sheet, and identifiers to which nothing points."""
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", body, flags=re.DOTALL)
    pointed_at = set(re.findall(r'(?:url\(#|href="#)([^)"]+)', body))
    body = re.sub(
        r' id="([^"]*)"', lambda found: found.group(0) if found.group(1) in pointed_at else "", body
    )
    for colour, token in TOKENS.items():
        body = body.replace(colour, f"var({token})")
    start = f'<svg viewBox="0 0 {width} {height}" aria-hidden="true" focusable="false">'
    return re.sub(r"<svg[^>]*>", start, body, count=1).strip()
