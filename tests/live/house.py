"""What the live tests share: a site with short queues beside the demo site, callers on our own SIP agent, questions.

Numbers: 95500 is the demo's menu; 95501 goes straight to queue `brisk` (offers of 3 s, no wrap-up), 95502 to `calm`
(offers of 20 s, wrap-up of 30 s), 95503 to `lonely`. All agents serve brisk and calm, 1006 alone serves lonely; none is
set not ready for misses.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np

from ctiserver import site as sites
from ctiserver.model import events as ev, ids
from ctiserver.model.causes import EndReason
from ctiserver.model.ids import ConversationId
from tests.harness import tones
from tests.harness.g711 import RATE, Pcm
from tests.harness.holes import longest_hole
from tests.harness.rtp import RtpEndpoint
from tests.harness.sip import SipAgent, connect_media
from tests.harness.sipcall import SipCall
from tests.harness.sipmessage import SipMessage, address, new_branch
from tests.harness.site import PASSWORD, Desk, Site
from tests.harness.waiting import PATIENCE, eventually

MENU, BRISK, CALM, LONELY = "95500", "95501", "95502", "95503"
ALONE = "1006"
"""Who serves the lonely queue."""

_QUEUES = """
[[queues]]
id = "{id}"
name = {{ zh = "{id}", en = "{id}" }}
offer_seconds = {offer}
wrap_up_seconds = {wrap_up}
disposition_required = false

[[numbers]]
number = "{number}"
flow = "{id}"
name = {{ zh = "{id}", en = "{id}" }}
"""


def prepare(home: Path) -> None:
    """The demo site and two numbers that need no menu."""
    folder = home / "site"
    sites.seed(folder)
    text = (folder / "site.toml").read_text("utf-8")
    text = re.sub(r"(skills = \{.*\}\nqueues = \[)(.*)\]", r'\1\2, "brisk", "calm"]\nmax_misses = 0', text)
    text = re.sub(rf'(id = "{ALONE}"\n(?:.*\n)*?.*"calm")', r'\1, "lonely"', text)
    text += _QUEUES.format(id="brisk", offer=3.0, wrap_up=0.0, number=BRISK)
    text += _QUEUES.format(id="calm", offer=20.0, wrap_up=30.0, number=CALM)
    text += _QUEUES.format(id="lonely", offer=20.0, wrap_up=0.0, number=LONELY)
    (folder / "site.toml").write_text(text, "utf-8")
    exits = dict.fromkeys(("no_agents", "full", "closed", "timed_out", "error"), "bye")
    for name in ("brisk", "calm", "lonely"):
        flow = {
            "format": 1,
            "id": name,
            "title": {"zh": name, "en": name},
            "languages": ["zh", "en"],
            "start": "queue",
            "nodes": {
                "queue": {"type": "queue", "title": name, "queue": name, "exits": exits},
                "bye": {"type": "hangup", "title": "Nobody can answer", "speech": [{"prompt": "goodbye"}]},
            },
        }
        (folder / "flows" / f"{name}.json").write_text(json.dumps(flow), "utf-8")


class Line:
    """One caller without SIPp, for exact moments: `call`, `rtp`, and the number he calls from."""

    def __init__(self, agent: SipAgent, call: SipCall, rtp: RtpEndpoint, number: str) -> None:
        self.agent, self.call, self.rtp, self.number = agent, call, rtp, number


@asynccontextmanager
async def calling(site: Site, dialled: str, number: str, *, tone: float = 440.0) -> AsyncIterator[Line]:
    """A caller who is through to the server; hangs up at the end of the block if he has not before."""
    async with SipAgent(target=site.sip, user=number) as agent, RtpEndpoint(tone=tone) as rtp:
        call = agent.invite(dialled, rtp)
        await call.answered()
        connect_media(call, rtp)
        try:
            yield Line(agent, call, rtp, number)
        finally:
            if call.ended_at is None:
                await agent.core.outcome(call.bye())


def conversation_of(site: Site, number: str) -> ConversationId:
    """The newest conversation of this caller."""
    found: ConversationId = next(
        event.conversation for event in reversed(site.events(ev.ConversationStarted)) if event.caller_number == number
    )
    return found


def of(site: Site, conversation: ConversationId, *kinds: type[ev.Event]) -> list[Any]:
    """The journal's events of these kinds that are the conversation's."""
    return [event for event in site.events(*kinds) if event.conversation == conversation]


@asynccontextmanager
async def lead(site: Site, user: str = "2001") -> AsyncIterator[aiohttp.ClientSession]:
    """The team lead's HTTP session: he sees the calls of all."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(site.url, cookie_jar=jar, headers={"Origin": site.url}) as http:
        async with http.post("/api/v1/login", json={"user": user, "password": PASSWORD}) as answer:
            assert answer.status == 200, await answer.text()
            http.headers["X-CSRF-Token"] = (await answer.json())["csrf"]
        yield http


async def call_list(http: aiohttp.ClientSession) -> list[dict[str, Any]]:
    """The call list, newest first."""
    async with http.get("/api/v1/calls?limit=500") as answer:
        assert answer.status == 200, await answer.text()
        calls: list[dict[str, Any]] = (await answer.json())["calls"]
        return calls


async def listed(site: Site, conversation: ConversationId) -> dict[str, Any]:
    """The one row of this conversation in the lead's call list, when it has ended there too."""
    async with lead(site) as http:

        async def ended() -> list[dict[str, Any]]:
            rows = [row for row in await call_list(http) if row["conversation"] == conversation]
            return rows if rows and all(row["ended_at"] for row in rows) else []

        rows = await eventually(ended, PATIENCE, f"{conversation} in the call list", poll=0.1)
    assert len(rows) == 1, rows
    row: dict[str, Any] = rows[0]
    return row


async def recorded(site: Site, conversation: str) -> tuple[Pcm, Pcm]:
    """Both tracks when the file is there: what the caller said, what he heard."""
    path = site.home / "recordings" / f"{conversation}.wav"
    await eventually(path.exists, PATIENCE, "the recording")
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 2, 2)
        both = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, 2)
    return both[:, 0].astype(np.int16), both[:, 1].astype(np.int16)


def spoken(track: Pcm, hz: float) -> float:
    """Seconds of the track that hold the tone."""
    return sum(tones.presence(track, hz, window=0.02)) * 0.02


async def as_before(
    site: Site, before: dict[str, list[str]], conversation: ConversationId, since: float, within: float = 1.0
) -> float:
    """Channels, bridges and the conversation's recordings are what they were before it. Returns after how long."""

    async def same() -> bool:
        now = await site.holds()
        live = await site.recording_live(*ids.tracks(conversation))
        assert now == before, f"{now} instead of {before}"
        assert not live, f"still recording: {live}"
        return True

    await eventually(same, max(0.05, within - (time.monotonic() - since)), "Asterisk as before the call")
    return time.monotonic() - since


def music(rtp: RtpEndpoint, seconds: float = 0.5, *, not_hz: tuple[float, ...] = ()) -> bool:
    """Whether something audible came in the last seconds, and it is none of these tones alone."""
    sound = rtp.last(seconds)
    if len(sound) < 0.8 * seconds * 8000 or tones.level(sound) < -45:
        return False
    top = tones.dominant(sound)
    return top is not None and all(abs(top.hz - hz) > 5 for hz in not_hz)


async def hears_music(rtp: RtpEndpoint, *, within: float = PATIENCE, seconds: float = 0.5) -> None:
    await eventually(lambda: music(rtp, seconds), within, "music")


def numbers_in_log(site: Site, *numbers: str) -> list[str]:
    """Lines of the server's log that hold one of these callers' numbers."""
    lines = site.log.read_text("utf-8", "replace").splitlines()
    return [line for line in lines if any(number in line for number in numbers)]


def story(site: Site, conversation: ConversationId) -> str:
    """The journal of one conversation, one record a line: for the message of a failing test."""
    lines: list[str] = []
    for record in site.records():
        things = [*record.events, *record.effects, record.input]
        if any(conversation in repr(thing) for thing in things):
            events = [type(event).__name__ for event in record.events]
            effects = [type(effect).__name__ for effect in record.effects]
            lines.append(f"{record.at:.4f} {record.input} -> {events} {effects}")
    return "\n".join(lines)


async def first_ring(*desks: Desk, within: float = PATIENCE) -> tuple[Desk, SipCall]:
    """Whose phone gets an INVITE first, and that call."""
    waits = {asyncio.create_task(_next_call(desk, within)): desk for desk in desks}
    try:
        done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        task = done.pop()
        return waits[task], task.result()
    finally:
        for task in waits:
            task.cancel()
        await asyncio.gather(*waits, return_exceptions=True)


async def _next_call(desk: Desk, within: float) -> SipCall:
    assert desk.phone is not None
    return await desk.phone.next_call(within)


def silence_in(rtp: RtpEndpoint, start: float, end: float, *, window: float = 0.25) -> float:
    """The longest time in seconds from `start` to `end` (monotonic) in which nothing audible came.

    By the time of arrival, window by window: Asterisk may send frames that it thinks were lost, silent ones, all at
    once; they make the sound longer than the time.
    """
    longest = quiet = 0
    for number in range(int((end - start) / window)):
        begin = start + number * window
        quiet = 0 if tones.level(rtp.heard(begin, begin + window)) > -45 else quiet + 1
        longest = max(longest, quiet)
    return max(longest * window, rtp.longest_gap(start, end) / 1000)


async def served_at_last(site: Site, waiting: Line) -> None:
    """He who waited in the lonely queue through all that was done heard music without a hole, and is served."""
    answered = waiting.call.answered_at or 0.0
    assert waiting.call.ended_at is None
    gap = longest_hole(waiting.rtp.between(answered + 0.5))
    print(f"he waited {time.monotonic() - answered:.0f} s with music; longest hole {gap:.2f} s")
    assert gap <= 1.0
    assert music(waiting.rtp, 1.0), "it still plays"
    async with Desk(site, ALONE) as desk:
        await desk.expect("SetReady")
        _, call = await first_ring(desk)
        assert desk.phone is not None
        desk.phone.answer(call)
        await desk.works("busy")
        await waiting.agent.core.outcome(waiting.call.bye())
        await desk.state("ready")
    ends = of(site, conversation_of(site, waiting.number), ev.ContactEnded)
    assert [end.reason for end in ends] == [EndReason.ANSWERED]
    await site.quiet()


async def polite_call(site: Site, number: str) -> None:
    """An honest caller is served as ever."""
    async with calling(site, MENU, number) as line:
        await hears_music(line.rtp)


def end_strays(agent: SipAgent) -> int:
    """ACK and BYE for every INVITE that was answered 200 although it was no call of the harness; how many they were."""
    answers = [entry.message for entry in agent.core.log if entry.way == "in" and entry.message.status == 200]
    calls = {(each.call_id, each.get("to")): each for each in answers if each.cseq_method == "INVITE"}
    for answer in calls.values():
        for number, method in ((answer.cseq, "ACK"), (answer.cseq + 1, "BYE")):
            end = SipMessage(method, address(answer.get("contact")))
            end.headers = [(name, answer.get(name)) for name in ("From", "To", "Call-ID")]
            end.headers += [("CSeq", f"{number} {method}"), ("Max-Forwards", "70")]
            end.set("Via", f"SIP/2.0/UDP {agent.host}:{agent.port};branch={new_branch()};rport")
            agent.raw(end.encode())
    return len(calls)
