"""A real Chromium whose microphone speaks a tone, and whose ears can be asked what they hear.

Here: `Browser` (process, pages, screenshots, console errors) and `page_audio`, `page_stats`, `page_hears`. Not here:
anything about our desktop's buttons. The listening script is browser_audio.js.
Flags were measured against Debian's Chromium with WebRTC; at most 16 microphones a browser process, and about 8 calling
pages on two cores. The microphone file is one per process; `context(tone_hz=...)` gives its pages another voice.
"""

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import tempfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Self

from playwright.async_api import (
    Browser as PlaywrightBrowser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Page,
    Playwright,
    async_playwright,
)

from tests.harness import tones
from tests.harness.waiting import PATIENCE, eventually

_LISTENER = Path(__file__).with_name("browser_audio.js")
_FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream", "--allow-loopback-in-peer-connection",
    "--autoplay-policy=no-user-gesture-required", "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows", "--disable-dev-shm-usage",
)  # fmt: skip
_MIC_RATE = 48_000
_MIC_SECONDS = 10


@dataclass(frozen=True)
class Heard:
    """What one remote audio track sounds like right now (the last 0.17 s). Levels in dBFS of a sine.

    `hz`, `dbfs`: the strongest frequency; `level`: everything; `at`: the level at each asked frequency.
    """

    track: str
    muted: bool
    hz: float
    dbfs: float
    level: float
    at: dict[float, float]


@dataclass(frozen=True)
class Stats:
    """RTP audio packets of all open peer connections of a page, and the connections' states."""

    received: int
    lost: int
    sent: int
    connections: int
    states: tuple[str, ...]


@dataclass(frozen=True)
class Trouble:
    """Something a page complained about: kind is 'uncaught', 'console' or 'crash'."""

    kind: str
    text: str


class Browser:
    """`async with Browser(tone_hz=660) as browser: page = await browser.page("http://127.0.0.1:8080/")`

    Leaving the block fails when a page had an uncaught exception (or, with `strict_console=True`, a console error),
    unless the block fails anyway. `allow` lists texts that are expected in complaints. The process and its profile are
    gone afterwards, whatever happened. `folder` receives the screenshots.
    """

    def __init__(
        self,
        *,
        tone_hz: float = 660.0,
        executable: str = "",
        locale: str = "zh-CN",
        folder: Path | None = None,
        strict_console: bool = False,
        allow: tuple[str, ...] = (),
        extra_flags: tuple[str, ...] = (),
    ) -> None:
        self.tone_hz, self.locale, self.folder = tone_hz, locale, folder
        self.troubles: list[Trouble] = []
        self.allow = list(allow)
        self._strict_console = strict_console
        self._executable = executable
        self._extra = extra_flags
        self._mark = f"harness-{secrets.token_hex(8)}"
        self._temp: Path | None = None
        self._playwright: Playwright | None = None
        self._browser: PlaywrightBrowser | None = None
        self._contexts: list[BrowserContext] = []

    async def __aenter__(self) -> Self:
        executable = self._executable or shutil.which("chromium") or shutil.which("chromium-browser")
        assert executable, "chromium is not installed"
        self._temp = Path(tempfile.mkdtemp(prefix="harness-browser-"))
        sound = tones.write_wav(
            self._temp / "microphone.wav", tones.tone(self.tone_hz, _MIC_SECONDS, rate=_MIC_RATE), rate=_MIC_RATE
        )
        try:
            self._playwright = await async_playwright().start()
            self._browser = await self._playwright.chromium.launch(
                executable_path=executable,
                args=[*_FLAGS, *self._extra, f"--use-file-for-fake-audio-capture={sound}", f"--{self._mark}"],
                handle_sigint=False,
                handle_sigterm=False,
                handle_sighup=False,
            )
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()
        if error is None:
            self.check()

    async def _close(self) -> None:
        self.thaw()
        try:
            async with asyncio.timeout(10):
                if self._browser:
                    await self._browser.close()
                if self._playwright:
                    await self._playwright.stop()
        except (TimeoutError, Error):
            """The browser is stuck or gone already; killing it below is the answer to both."""
        finally:
            self.crash()
            if self._temp:
                shutil.rmtree(self._temp, ignore_errors=True)

    async def context(self, *, tone_hz: float | None = None) -> BrowserContext:
        """A fresh profile: own cookies, own storage, own login. Microphone allowed, listening script installed.

        With `tone_hz` its pages speak this tone by Web Audio instead of the process's microphone file.
        """
        assert self._browser is not None, "use Browser inside `async with`"
        context = await self._browser.new_context(
            locale=self.locale, permissions=["microphone"], viewport={"width": 1280, "height": 800}
        )
        if tone_hz is not None:
            await context.add_init_script(script=f"window.__harnessTone = {tone_hz:g};")
        await context.add_init_script(path=_LISTENER)
        context.on("page", self._watch)
        self._contexts.append(context)
        return context

    async def page(self, url: str = "", *, context: BrowserContext | None = None) -> Page:
        """A page, in its own profile unless a context is given. A reload keeps the listening script."""
        page = await (context or await self.context()).new_page()
        page.set_default_timeout(10_000)
        if url:
            await page.goto(url)
        return page

    def _watch(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.troubles.append(Trouble("uncaught", str(error.stack or error))))
        page.on("crash", lambda _: self.troubles.append(Trouble("crash", page.url)))
        page.on("console", self._console)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.troubles.append(Trouble("console", f"{message.text} ({message.location.get('url', '')})"))

    def complaints(self) -> list[Trouble]:
        """Uncaught exceptions, crashes, and console errors if strict; expected ones left out."""
        kinds = ("uncaught", "crash", "console") if self._strict_console else ("uncaught", "crash")
        return [t for t in self.troubles if t.kind in kinds and not any(text in t.text for text in self.allow)]

    def check(self) -> None:
        """Fails when a page complained."""
        found = self.complaints()
        assert not found, "the browser complained:\n" + "\n".join(f"  {t.kind}: {t.text}" for t in found)

    def processes(self) -> list[int]:
        """The pids of this browser, empty when it is gone."""
        return _processes_with(self._mark)

    def crash(self) -> None:
        """SIGKILL to the whole browser: what an agent's power cut looks like."""
        self._signal(signal.SIGKILL)

    def freeze(self) -> None:
        """SIGSTOP to the whole browser: no packet, no WebSocket, no answer, as a lost network or a sleeping laptop."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Goes on after `freeze`."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    async def screenshot(self, page: Page, name: str) -> Path:
        """A PNG of the whole page in `folder`."""
        assert self.folder is not None, "Browser(folder=...) says where screenshots go"
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{name}.png"
        await page.screenshot(path=path, full_page=True)
        return path


async def page_audio(page: Page, *frequencies: float) -> list[Heard]:
    """What each live remote track sounds like now; empty while the page receives no audio."""
    found = await page.evaluate("hz => window.__harness.read(hz)", list(frequencies))
    return [
        Heard(f["track"], f["muted"], f["hz"], f["dbfs"], f["level"], {float(k): v for k, v in f["at"].items()})
        for f in found
    ]


async def page_stats(page: Page) -> Stats:
    """Sums over the peer connections that are not closed."""
    found = await page.evaluate("() => window.__harness.stats()")
    return Stats(found["received"], found["lost"], found["sent"], found["connections"], tuple(found["states"]))


async def page_hears(page: Page, hz: float, *, within: float = PATIENCE, dbfs: float = -35.0) -> Heard:
    """Waits until some remote track carries this tone, at least this loud."""

    async def check() -> list[Heard]:
        tracks = await page_audio(page, hz)
        loud = [heard for heard in tracks if heard.at[float(hz)] >= dbfs]
        assert loud, f"tracks: {[(round(h.hz), round(h.dbfs)) for h in tracks]}"
        return loud

    return (await eventually(check, within, f"the page hears {hz:g} Hz", poll=0.05))[0]


async def page_silent_for(page: Page, *, since_ms: float, dbfs: float = tones.SILENT_DBFS) -> float:
    """Longest silence in **ms** since this Date.now() moment, in steps of 50 ms, up to now."""
    timeline: list[tuple[float, float]] = await page.evaluate("() => window.__harness.timeline()")
    now: float = await page.evaluate("() => Date.now()")
    loud = [at for at, level in timeline if at >= since_ms and level >= dbfs]
    marks = [since_ms, *loud, now]
    return max(b - a for a, b in pairwise(marks))


def _processes_with(mark: str) -> list[int]:
    """Pids whose command line carries our mark, and all that descend from them: those we started ourselves."""
    parents: dict[int, int] = {}
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            if mark.encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except (OSError, ValueError, IndexError):
            continue
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid and child not in found]
    return found
