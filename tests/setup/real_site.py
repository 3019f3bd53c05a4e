"""`make up` as people run it: the real supervisor over the real server and a real Asterisk.

Here: `RealSite`, which `Desk` of the live tests accepts as its site, and how long a caller heard nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import aiohttp
import msgspec

from ctiserver import journal
from ctiserver.model import events as ev
from ctiserver.model.turns import Record
from tests.harness import g711, tones
from tests.harness.g711 import CODEC_OF_PAYLOAD
from tests.harness.rtp import RtpEndpoint
from tests.harness.site import PASSWORD, Site as LiveSite
from tests.harness.waiting import PATIENCE, STARTING, eventually
from tests.live import kills
from tests.setup.instances import ROOT, Site


class RealSite(Site):
    """One data folder; `up()` starts the real supervisor over it."""

    def __init__(self, home: Path, rtp: str) -> None:
        super().__init__(home)
        self.url = f"http://127.0.0.1:{self.http}"
        self.environ |= {
            "HOLLYHOCK_RTP": rtp,
            "HOLLYHOCK_DEMO_PASSWORD": PASSWORD,
            "PYTHONDONTWRITEBYTECODE": "",
        }

    async def up(self, **extra: str) -> asyncio.subprocess.Process:
        self.said = ""
        self.supervisor = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ctiserver.supervisor",
            env=self.environ | extra, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        self._reader = asyncio.create_task(self._read(self.supervisor))
        return self.supervisor

    @property
    def live(self) -> LiveSite:
        """As `Desk` and the helpers of the live tests take it: they use `url`, `home`, `tail`, `records`, `events`."""
        return cast(LiveSite, self)

    def tail(self, lines: int = 40) -> str:
        log = self.home / "log" / "server.log"
        return "\n".join([self.said, *log.read_text("utf-8", "replace").splitlines()[-lines:]])

    def complaints(self) -> list[str]:
        return []

    def records(self) -> list[Record]:
        return list(journal.read(self.home / "journal"))

    def events(self, *kinds: type[ev.Event]) -> list[Any]:
        return [event for record in self.records() for event in record.events if isinstance(event, kinds)]

    async def happens(self, kind: type[ev.Event], *, count: int = 1, within: float = PATIENCE) -> list[Any]:
        def enough() -> list[Any]:
            found = self.events(kind)
            return found if len(found) >= count else []

        return await eventually(enough, within, f"{count} x {kind.__name__}", poll=0.05)

    async def ari(self, path: str) -> Any:
        facts = self.asterisk()
        assert facts is not None
        headers = {"Authorization": aiohttp.encode_basic_auth(facts.ari.user, facts.ari.password)}
        async with aiohttp.ClientSession(headers=headers) as http, http.get(f"{facts.ari.url}/ari/{path}") as answer:
            return msgspec.json.decode(await answer.read())

    async def quiet(self, within: float = PATIENCE) -> None:
        async def nothing() -> bool:
            held = [item["id"] for what in ("channels", "bridges") for item in await self.ari(what)]
            assert not held, held
            return True

        await eventually(nothing, within, "Asterisk holds nothing")

    async def status(self) -> int:
        """Of /readyz, 0 when nobody answers."""
        try:
            async with aiohttp.ClientSession() as http, http.get(f"{self.url}/readyz") as answer:
                return answer.status
        except aiohttp.ClientError:
            return 0

    async def back(self, within: float = STARTING) -> float:
        """Wait until the server is ready; the monotonic moment."""

        async def ready() -> bool:
            return await self.status() == 200

        await eventually(ready, within, "the server to be ready", poll=0.05)
        return time.monotonic()

    def break_site(self) -> None:
        """A mistake in site.toml: the running server does not notice, the next one cannot start."""
        path = self.home / "site" / "site.toml"
        path.write_text("this is no TOML\n" + path.read_text("utf-8"), "utf-8")

    def repair_site(self) -> None:
        path = self.home / "site" / "site.toml"
        path.write_text(path.read_text("utf-8").removeprefix("this is no TOML\n"), "utf-8")


@contextlib.asynccontextmanager
async def real_site(rtp: str) -> AsyncIterator[RealSite]:
    """Up and ready; everything of it is gone afterwards. A failure within carries what it said last."""
    home = Path(tempfile.mkdtemp(prefix="hollyhock-site-"))
    home.chmod(0o755)
    kills.patient(home)
    for path in (home / "site", *(home / "site").rglob("*")):
        os.chmod(path, 0o777 if path.is_dir() else 0o666)
    made = RealSite(home, rtp)
    try:
        await made.up()
        await made.ready()
        with kills.telling(made.live):
            yield made
    finally:
        await made.clean()


def longest_silence(rtp: RtpEndpoint, start: float, end: float) -> float:
    """Longest time in **seconds** within this window without audible sound: no packets, or packets below -60 dBFS."""
    loud = [
        packet.at
        for packet in rtp.between(start, end)
        if packet.payload_type in CODEC_OF_PAYLOAD
        and tones.level(g711.decode(packet.payload, CODEC_OF_PAYLOAD[packet.payload_type])) > -60
    ]
    return max(b - a for a, b in pairwise([start, *loud, end]))
