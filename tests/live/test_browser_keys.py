"""A call without a mouse, in a real browser: keys, focus, names for screen readers, nothing that scrolls, in both
languages, dark and light; then a call that answers by itself, and a notification of one on a page that is not in front.

axe-core judges the page by WCAG 2.1 A and AA and by its own best practices.
"""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

from playwright.async_api import Page, Response

from tests.harness.browser import Browser, page_hears
from tests.harness.site import PASSWORD, Site, site
from tests.harness.waiting import eventually
from tests.live import house
from tests.live.browser_people import AGENT_HZ, CALLER_HZ, FOCUSED, PRESS, SETTLED, look, start_work, tab_to
from tests.live.house import CALM, calling

ROOT = Path(__file__).parents[2]
AXE = ROOT / "agent_desktop" / "web" / "node_modules" / "axe-core" / "axe.min.js"
ASSETS = ROOT / "agent_desktop" / "static" / "assets"
FIRST_LOAD = 450_000
"""Bytes, gzip: what the desktop fetches until its phone is ready."""
BY_ITSELF = "1002"

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
CONTRAST = ["color-contrast"]
"""The one rule that asks for the colours: in the other colours of a language that is judged by all of them."""
JUDGED = """(rules) => axe.run(document, {runOnly: rules}).then(
  (found) => found.violations.flatMap((rule) => rule.nodes.map((node) => `${rule.id}: ${node.html.slice(0, 200)}`)))"""
SCROLLS = """() => {
  const over = (element) => {
    const { overflowX, overflowY } = getComputedStyle(element);
    const down = element.scrollHeight > element.clientHeight + 1 && /auto|scroll/.test(overflowY);
    const across = element.scrollWidth > element.clientWidth + 1 && /auto|scroll/.test(overflowX);
    return (down || across) && !element.matches(".call-rows, .queue-rows, .transfer-list");
  };
  const page = document.documentElement;
  const found = [...document.querySelectorAll("body *")].filter(over).map((element) => element.className);
  if (page.scrollHeight > innerHeight || page.scrollWidth > innerWidth) found.push("the page");
  return found;
}"""
NOTICES = """
  window.told = [];
  window.Notification = class {
    static permission = "granted";
    constructor(title, options) { window.told.push(`${title} | ${options.body}`); }
    close() { window.told.push("gone"); }
  };
  document.hasFocus = () => false;
"""


def prepare(home: Path) -> None:
    """The house, where 1002's phone answers by itself."""
    house.prepare(home)
    path = home / "site" / "site.toml"
    text = path.read_text("utf-8")
    path.write_text(text.replace(f'id = "{BY_ITSELF}"\n', f'id = "{BY_ITSELF}"\nauto_answer = true\n', 1), "utf-8")


async def judge(page: Page, state: str) -> None:
    """In both languages, each dark and light, switched live and back: nothing to complain about, nothing scrolls, and
    the focus stays."""
    before = await page.evaluate(FOCUSED)
    for switch, rules in (("theme", RULES), ("language", CONTRAST), ("theme", RULES), ("language", CONTRAST)):
        await page.evaluate(SETTLED)
        assert await page.evaluate(SCROLLS) == [], state
        assert await page.evaluate(JUDGED, rules) == [], state
        await page.evaluate(PRESS, switch)
    assert await page.evaluate(FOCUSED) == before, f"{state}: the focus has moved"


async def shows(page: Page, name: str, **data: str) -> None:
    await page.locator(f'[data-testid="{name}"]' + "".join(f'[data-{k}="{v}"]' for k, v in data.items())).wait_for()


def loads(page: Page) -> set[str]:
    """Names of the files that the page has fetched."""
    fetched: set[str] = set()

    def note(response: Response) -> None:
        if "/assets/" in response.url:
            fetched.add(response.url.rpartition("/")[2])

    page.on("response", note)
    return fetched


async def begin(page: Page, office: Site) -> None:
    """Log in, start work, try the devices, be ready: by keys."""
    await page.goto(office.url)
    await page.get_by_test_id("login-user").wait_for()
    await judge(page, "login")
    await page.keyboard.type("1001")
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await page.get_by_test_id("start-work").wait_for()
    await judge(page, "signed out")
    await tab_to(page, "start-work")
    await page.keyboard.press("Enter")
    await shows(page, "phone-status", status="ready")
    await shows(page, "check-mic", done="true")
    await judge(page, "device check")
    for name in ("play-ring", "echo"):
        await tab_to(page, name)
        await page.keyboard.press("Enter")
        await shows(page, f"check-{name.removeprefix('play-')}", done="true")
    await page.keyboard.press("Shift+Tab")
    await tab_to(page, "check-done")
    await page.keyboard.press("Enter")
    await page.get_by_test_id("device-check").wait_for(state="detached")
    await page.keyboard.press("F8")
    await shows(page, "state-select", state="ready")
    await judge(page, "ready")


async def talk(page: Page, office: Site) -> None:
    """A call from the ring to the end of the wrap-up: by keys, half of them while a note is being written."""
    async with calling(office, CALM, "13900000001", tone=CALLER_HZ) as line:
        await page.get_by_test_id("answer").wait_for()
        await tab_to(page, "note")
        await page.keyboard.type("bill")
        await judge(page, "offer")
        await page.keyboard.press("F2")
        await shows(page, "call-phase", phase="talking")
        await page_hears(page, CALLER_HZ, within=5)
        await page.get_by_test_id("quality").wait_for()
        await judge(page, "talk")
        await page.keyboard.press("F7")
        await page.locator('[data-testid="mute"][aria-pressed="true"]').wait_for()
        await page.keyboard.press("F7")
        await page.keyboard.press("F9")
        await judge(page, "keypad")
        await page.keyboard.type("42")
        await eventually(lambda: [digit.key for digit in line.rtp.digits] == ["4", "2"], 5, "the digits at the caller")
        await page.keyboard.press("Escape")
        await page.keyboard.press("F3")
        await page.get_by_test_id("transfer-queue/calm").wait_for()
        await judge(page, "transfer")
        await page.keyboard.press("Escape")
        await page.keyboard.press("F6")
        await shows(page, "call-phase", phase="held")
        await judge(page, "held")
        await page.keyboard.press("F6")
        await shows(page, "call-phase", phase="talking")
        await page.keyboard.type("ed twice")
    await page.get_by_test_id("done-ready").wait_for()
    await page.keyboard.type(", solved")
    note = page.get_by_test_id("note")
    assert await note.input_value() == "billed twice, solved", "every letter went into the note"
    await judge(page, "wrap-up")
    await page.keyboard.press("Control+Enter")
    await shows(page, "state-select", state="ready")
    await shows(page, "call-row")
    await page.get_by_test_id("figure-handled").get_by_text("1", exact=True).wait_for()


async def answered_by_itself(page: Page, office: Site) -> None:
    async with calling(office, CALM, "13900000001", tone=CALLER_HZ):
        await shows(page, "call-phase", phase="talking")
        await page_hears(page, CALLER_HZ, within=5)
    told: list[Any] = await page.evaluate("window.told")
    assert told == ["来电：张伟 | calm · 点这里回到工作台", "gone"]


async def test_a_call_by_keys_and_one_that_answers_by_itself() -> None:
    async with (
        site(rtp=(30000, 30199), prepare=prepare) as office,
        Browser(tone_hz=AGENT_HZ, folder=office.home / "screenshots") as browser,
    ):
        page = await browser.page()
        await page.set_viewport_size({"width": 1280, "height": 720})
        await page.add_init_script(path=AXE)
        fetched = loads(page)
        try:
            await begin(page, office)
            size = sum(len(gzip.compress((ASSETS / name).read_bytes())) for name in sorted(fetched))
            print(f"first load: {size / 1000:.0f} kB gzip in {len(fetched)} files")
            assert 100_000 < size <= FIRST_LOAD
            await talk(page, office)
            await page.keyboard.press("F8")
            await shows(page, "state-select", state="not_ready")
            other = await browser.page()
            await other.add_init_script(NOTICES)
            await start_work(other, office, BY_ITSELF)
            await answered_by_itself(other, office)
        except BaseException as error:
            error.add_note(await look(browser, page))
            raise
