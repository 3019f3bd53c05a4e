"""A real page in a real Chromium, clicked and typed in while events arrive: how long until it paints.

Here: the script of each page, what its observer wrote down, what its live link brought. Not here: what is made of it
(desktops_result.py), whose states change (floor_people.py). The site's content policy forbids what Playwright's
`wait_for_function` does, so waits are on elements.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import msgspec
from playwright.async_api import Page, WebSocket

from benchmarks.desktops_result import Entry

OBSERVER = """
window.__entries = [];
new PerformanceObserver((list) => {
  for (const e of list.getEntries()) {
    const named = e.target?.closest?.("[data-testid]");
    window.__entries.push({
      id: e.interactionId, type: e.name, duration: e.duration, start: e.startTime, began: e.processingStart,
      ended: e.processingEnd, target: named?.dataset.testid ?? e.target?.tagName?.toLowerCase() ?? "",
    });
  }
}).observe({ type: "event", durationThreshold: 16, buffered: true });
"""
_COUNT = "() => performance.interactionCount"
_TAKE = "() => window.__entries.splice(0)"
LIVE = ("/api/v1/live", "/api/v1/floor/live")
PAUSE = 0.12
"""Seconds between two interactions."""
PAINTED = 0.5
"""Seconds until the last one is painted and told of."""

Act = Callable[[], Awaitable[object]]


class Feed:
    """What a page's live link has brought: messages, and documents in deltas."""

    def __init__(self, page: Page) -> None:
        self.messages = self.documents = 0
        page.on("websocket", self._opened)

    def _opened(self, socket: WebSocket) -> None:
        if socket.url.endswith(LIVE):
            socket.on("framereceived", self._heard)

    def _heard(self, frame: str | bytes) -> None:
        message = msgspec.json.decode(frame)
        self.messages += 1
        if message["type"] == "delta":
            self.documents += len(message["set"]) + len(message["del"])


def desktop(page: Page) -> list[Act]:
    """One round on an agent's desktop: directory, searching, history, state."""
    search = page.get_by_test_id("list-search")
    return [
        page.get_by_test_id("tab-colleagues").click,
        search.click,
        *_types(page, "14"),
        *_types(page, "", backspaces=2),
        page.get_by_test_id("tab-calls").click,
        search.click,
        *_types(page, "9", backspaces=1),
        page.get_by_test_id("tab-missed_calls").click,
        page.get_by_test_id("state-select").click,
        lambda: page.keyboard.press("Escape"),
        lambda: page.keyboard.press("F8"),
        lambda: page.keyboard.press("F8"),
    ]


def floor(page: Page) -> list[Act]:
    """One round on a lead's floor: sorting, filters, an agent's drawer, a message, the log."""
    return [
        page.get_by_test_id("sort-status").click,
        page.get_by_test_id("sort-since").click,
        page.get_by_test_id("sort-agent").click,
        page.get_by_test_id("open-1002").click,
        lambda: page.keyboard.press("Escape"),
        page.get_by_test_id("message-all").click,
        page.get_by_test_id("message-text").click,
        *_types(page, "back at 3"),
        lambda: page.keyboard.press("Escape"),
        page.get_by_test_id("filter-state").click,
        lambda: page.keyboard.press("ArrowDown"),
        lambda: page.keyboard.press("Enter"),
        page.get_by_test_id("filter-state").click,
        lambda: page.keyboard.press("ArrowUp"),
        lambda: page.keyboard.press("Enter"),
        page.get_by_test_id("audit").click,
        lambda: page.keyboard.press("Escape"),
    ]


def _types(page: Page, text: str, *, backspaces: int = 0) -> list[Act]:
    keys = [*text, *["Backspace"] * backspaces]
    return [lambda key=key: page.keyboard.press(key) for key in keys]  # type: ignore[misc]


_COVERED = """() => {
  const table = document.querySelector(".floor-agents");
  table.scrollTop = table.scrollHeight / 2;
  return new Promise((done) => setTimeout(() => {
    const view = table.getBoundingClientRect();
    const rows = [...table.querySelectorAll("tr[data-testid]")].map((row) => row.getBoundingClientRect());
    const seen = rows.filter((row) => row.bottom > view.top && row.top < view.bottom);
    const covered = rows.some((row) => row.top <= view.top) && rows.some((row) => row.bottom >= view.bottom);
    table.scrollTop = 0;
    done([seen.length, rows.length, covered]);
  }, 500));
}"""


async def table_in_view(page: Page) -> tuple[int, int, bool]:
    """The floor's table, scrolled to its middle: rows in view, rows in the page, and whether there is no hole."""
    seen, there, covered = await page.evaluate(_COVERED)
    return seen, there, covered


async def used(page: Page, acts: list[Act], wanted: int) -> tuple[list[Entry], int, float]:
    """Rounds until there are so many interactions; whole rounds. Their entries, how many they were, seconds."""
    await page.evaluate(_TAKE)
    before = int(await page.evaluate(_COUNT))
    began = time.monotonic()
    count = 0
    while count < wanted:
        for act in acts:
            await act()
            await asyncio.sleep(PAUSE)
        after = int(await page.evaluate(_COUNT))
        if after - before == count:
            break  # nothing is an interaction: say so, do not go on for ever
        count = after - before
    seconds = time.monotonic() - began
    await asyncio.sleep(PAINTED)
    entries = msgspec.convert(await page.evaluate(_TAKE), list[Entry])
    return entries, count, seconds
