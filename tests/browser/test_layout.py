"""What the page looks like at every width: nothing sticks out, nothing is too small, everyone can read it."""

from pathlib import Path
from typing import Final

import pytest

from milkbot.core.cities import load_cities
from tests.browser.conftest import OpenTab
from tests.browser.tab import Tab

AXE: Final = Path(__file__).with_name("axe.min.js")
COLUMNS: Final = {320: 1, 390: 1, 768: 2, 1440: 5}
AXIS_PX, LEAST_PX = 12, 14

OFFENDERS: Final = """(width) => [...document.body.querySelectorAll("*")]
    .filter((element) => {
        const box = element.getBoundingClientRect();
        return element.checkVisibility() && box.width > 1 && (box.right > width + 0.5 || box.left < -0.5) && !element.closest(".visually-hidden");
    })
    .map((element) => element.outerHTML.slice(0, 120))"""
SMALL_TEXT: Final = """([least, axis]) => [...document.body.querySelectorAll("*")]
    .filter((element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
    .filter((element) => {
        const size = parseFloat(getComputedStyle(element).fontSize);
        return size < (element.classList.contains("axis") ? axis : least);
    })
    .map((element) => element.outerHTML.slice(0, 120))"""
TILES: Final = """() => [...document.querySelectorAll(".tile")].map((tile) => {
    const { left, top, width, height } = tile.getBoundingClientRect();
    return [Math.round(left), Math.round(top), Math.round(width), Math.round(height)];
})"""
SCALES: Final = """() => [...document.querySelectorAll(".plot, .ladder")]
    .map((chart) => chart.getBoundingClientRect().width / chart.parentElement.clientWidth)"""
SEEN_BY_AXE: Final = """async () => (await axe.run(document, { resultTypes: ["violations"] })).violations
    .map(({ id, impact, nodes }) => [impact, id, nodes.map((node) => node.html.slice(0, 160))])"""


def _assert_fits(tab: Tab, width: int) -> None:
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    assert tab.evaluate(OFFENDERS, width) == []
    assert all(share > 0.85 for share in tab.evaluate(SCALES))


def _assert_even_columns(tab: Tab, columns: int) -> None:
    tiles: list[list[int]] = tab.evaluate(TILES)
    assert len(tiles) == len(load_cities()) == 10
    assert len({left for left, *_ in tiles}) == columns
    assert len({top for _, top, *_ in tiles}) == 10 // columns
    assert max(wide for *_, wide, _ in tiles) - min(wide for *_, wide, _ in tiles) <= 1


@pytest.mark.story("6.2", 1)
@pytest.mark.story("6.2", 4)
@pytest.mark.story("6.2", 5)
@pytest.mark.story("6.8", 1)
@pytest.mark.story("6.8", 2)
@pytest.mark.story("6.8", 3)
@pytest.mark.story("6.8", 4)
@pytest.mark.story("6.8", 5)
@pytest.mark.parametrize("width", COLUMNS)
def test_page_at_every_width_fits_is_readable_and_complains_of_nothing(
    ten_cities: str, open_tab: OpenTab, width: int
) -> None:
    tab = open_tab(width=width)
    tab.goto(ten_cities)
    tab.poll()

    _assert_fits(tab, width)
    _assert_even_columns(tab, COLUMNS[width])
    assert tab.evaluate(SMALL_TEXT, [LEAST_PX, AXIS_PX]) == []
    assert tab.errors == []


def test_page_has_no_fault_of_accessibility(ten_cities: str, open_tab: OpenTab) -> None:
    for width in (390, 1440):
        tab = open_tab(width=width)
        tab.visit(ten_cities)
        tab.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
        # Run through the debugger: the page's own policy would refuse a script that is not its own.
        tab.evaluate(AXE.read_text(encoding="utf-8"))

        assert tab.evaluate(SEEN_BY_AXE) == []


def test_page_without_javascript_shows_every_part_of_it(ten_cities: str, open_tab: OpenTab) -> None:
    tab = open_tab(width=390, scripts=False)
    tab.visit(ten_cities)
    text = tab.text()

    for city in load_cities():
        assert city in text
    for words in ("Trading loop", "Result so far", "$10,0", "Buy YES", "Nobody is quoting", "A person must"):
        assert words in text
    assert "No connection" not in text
    assert tab.errors == []


def test_page_of_an_empty_database_says_what_it_waits_for(site: str, open_tab: OpenTab) -> None:
    tab = open_tab(width=390)
    tab.goto(f"{site}/")
    tab.poll()
    text = tab.text()

    for words in ("No city has reported yet.", "No account value is old enough", "No trade is old enough"):
        assert words in text
    assert tab.evaluate("document.documentElement.scrollWidth") == 390
    assert tab.errors == []
