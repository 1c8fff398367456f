"""A real browser for synchronous tests.

Playwright's own synchronous interface keeps an event loop running between its calls, which Django's ORM refuses to work
beside. Here the loop runs only while the browser is being asked something.
"""

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from playwright.async_api import Browser as PlaywrightBrowser
from playwright.async_api import BrowserContext, Page, Playwright, Request, async_playwright

from milkbot.core.constants import DASH_REFRESH_SEC
from publicsite.regions import REGIONS

Answer = TypeVar("Answer")

ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
TIMEOUT_MS: Final = 5_000
LIMIT_S: Final = 20.0
_COUNT_ANSWERS: Final = """
window.answered = 0;
document.addEventListener("htmx:afterRequest", () => { window.answered += 1; });
"""
_SETTLE_S: Final = 0.1
"""htmx finishes a swap with a timer of 20 ms."""


class Browser:
    """Chromium at `path`, and the loop that talks to it. A context manager."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._loop = asyncio.new_event_loop()
        self._playwright: Playwright
        self._browser: PlaywrightBrowser

    def __enter__(self) -> Self:
        self._playwright = self.run(async_playwright().start())
        self._browser = self.run(
            self._playwright.chromium.launch(executable_path=self._path, args=list(ARGUMENTS))
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.run(self._browser.close())
        self.run(self._playwright.stop())
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        """The result of `work`; the loop stands still before and after. TimeoutError when it does not end."""
        return self._loop.run_until_complete(asyncio.wait_for(work, LIMIT_S))

    def open(self, *, width: int, height: int, scripts: bool) -> "Tab":
        """An empty tab of a visitor who was never here before."""
        context = self.run(
            self._browser.new_context(
                viewport={"width": width, "height": height},
                java_script_enabled=scripts,
                reduced_motion="reduce",
            )
        )
        context.set_default_timeout(TIMEOUT_MS)
        return Tab(self, context, self.run(context.new_page()))


@dataclass
class Tab:
    """One page and what happened on it: console errors, and the address of every request."""

    browser: Browser
    context: BrowserContext
    page: Page
    errors: list[str] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda message: self._heard(message.type, message.text))
        self.page.on("pageerror", lambda error: self._heard("error", str(error)))
        self.page.on("request", self._asked)

    def _heard(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.errors.append(f"{kind}: {text}")

    def _asked(self, request: Request) -> None:
        self.requested.append(request.url)

    def run(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        return self.browser.run(work)

    def goto(self, url: str) -> None:
        """Load `url` and what it refers to. From then on the page's clock moves by `poll` alone."""
        self.run(self.page.clock.install())
        self.run(self.page.add_init_script(_COUNT_ANSWERS))
        self.visit(url)
        self.run(self.page.clock.pause_at(time.time() + 1))

    def visit(self, url: str) -> None:
        """Load `url` as it is, also where scripts do not run."""
        self.run(self.page.goto(url, wait_until="load"))

    def text(self, selector: str = "body") -> str:
        """What is to be read there now."""
        return self.run(self.page.inner_text(selector))

    def poll(self, times: int = 1) -> None:
        """Let every region ask again `times` times, and all answers be shown."""
        for _ in range(times):
            before = self.evaluate("window.answered")
            self.pass_time(DASH_REFRESH_SEC)
            self.wait_until(f"window.answered >= {before + len(REGIONS)}")
            self.pass_time(_SETTLE_S)

    def pass_time(self, seconds: float) -> None:
        """Run every timer of the page that is due within `seconds`."""
        self.run(self.page.clock.run_for(round(seconds * 1000)))

    def evaluate(self, expression: str, argument: object = None) -> Any:
        return self.run(self.page.evaluate(expression, argument))

    def wait_until(self, condition: str) -> None:
        """Return when the JavaScript `condition` holds; TimeoutError when it does not soon.

        Asked from outside, because Playwright's own waiting evaluates strings inside the page, which its policy forbids.
        """
        self.run(asyncio.wait_for(self._holds(condition), TIMEOUT_MS / 1000))

    async def _holds(self, condition: str) -> None:
        while not await self.page.evaluate(condition):
            await asyncio.sleep(0.01)

    def close(self) -> None:
        self.run(self.context.close())
