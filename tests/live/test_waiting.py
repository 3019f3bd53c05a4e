"""A caller who waits, on the real Asterisk: music, announcement, music; a key, an agent or a kill in the middle of it.

The prompts of this site are tones that the hold music has not, so each can be told from the other by frequency.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from ctiserver.model import events as ev, ids
from ctiserver.model.causes import EndReason
from tests.harness import tones
from tests.harness.g711 import RATE
from tests.harness.holes import longest_hole
from tests.harness.rtp import RtpEndpoint
from tests.harness.site import Desk, Site, site
from tests.harness.waiting import eventually
from tests.live import house as houses
from tests.live.cancels import bye_to_cancel
from tests.live.house import Line, calling, conversation_of, first_ring, hears_music, of, story

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATIENT = "95504"
PROMPT_HZ, NEXT_HZ, LEFT_HZ = 620.0, 1180.0, 1330.0
"""The queue's prompt, 'you are next', the prompt of the node to which key 1 leads."""
PROMPT_SECONDS, NEXT_SECONDS = 1.6, 0.6
FIRST, EVERY = 1.5, 4.0
SLACK = 0.3
"""Seconds that an announcement may come late on a busy machine; it is measured from the first music on."""
AT_ONCE = 0.3
"""Seconds within which an announcement is over; 0.2 of them are the window that must be free of it."""

QUEUE = f"""
[[queues]]
id = "patient"
name = {{ zh = "patient", en = "patient" }}
offer_seconds = 20.0
wrap_up_seconds = 0.0
disposition_required = false
comfort = {{ prompt = "queue_menu", first_seconds = {FIRST}, every_seconds = {EVERY}, position = true }}

[[numbers]]
number = "{PATIENT}"
flow = "patient"
name = {{ zh = "patient", en = "patient" }}
"""
FLOW = {
    "format": 1,
    "id": "patient",
    "title": {"zh": "patient", "en": "patient"},
    "languages": ["zh", "en"],
    "start": "queue",
    "nodes": {
        "queue": {"type": "queue", "queue": "patient", "keys": {"1": "left"}, "exits": {"error": "left"}},
        "left": {"type": "hangup", "title": "Left by key", "speech": [{"prompt": "connecting"}]},
    },
}


def prepare(home: Path) -> None:
    """The house of the live tests and a queue that tells its callers things; everybody serves it."""
    houses.prepare(home)
    path = home / "site" / "site.toml"
    text = path.read_text("utf-8").replace('"brisk", "calm"', '"brisk", "calm", "patient"')
    path.write_text(text + QUEUE, "utf-8")
    (home / "site" / "flows" / "patient.json").write_text(json.dumps(FLOW), "utf-8")


def sing(running: Site) -> None:
    """The prompts as tones, in Asterisk's copy of them."""
    for name, hz, seconds in (
        ("queue_menu", PROMPT_HZ, PROMPT_SECONDS),
        ("queue_next", NEXT_HZ, NEXT_SECONDS),
        ("connecting", LEFT_HZ, 1.0),
    ):
        path = running.asterisk.sounds / "prompts" / "zh" / f"{name}.wav"
        path.unlink()
        tones.write_wav(path, tones.tone(hz, seconds)).chmod(0o644)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house() -> AsyncIterator[Site]:
    async with site(rtp=(28800, 28999), prepare=prepare) as running:
        sing(running)
        yield running


def timeline(rtp: RtpEndpoint, since: float) -> str:
    """What came, a letter for each 100 ms: A(nnouncement), N(ext), L(eft), M(usic), '.' = nothing."""
    sound, size = rtp.heard(since), RATE // 10
    said = ""
    for at in range(0, len(sound) - size + 1, size):
        part = sound[at : at + size]
        known = ((PROMPT_HZ, "A"), (NEXT_HZ, "N"), (LEFT_HZ, "L"))
        tone = [letter for hz, letter in known if tones.has_tone(part, hz, dbfs=-16)]
        said += tone[0] if tone else "M" if tones.level(part) > -45 else "."
    return said


async def in_announcement(line: Line, within: float = FIRST + 2.0) -> float:
    """The moment at which he is in the middle of one."""
    return await line.rtp.hears(PROMPT_HZ, within=within, dbfs=-16)


async def over(line: Line, since: float) -> float:
    """The announcement ends; seconds from `since` until 200 ms are free of it."""

    def check() -> bool:
        return not tones.has_tone(line.rtp.last(0.2), PROMPT_HZ, dbfs=-30)

    await eventually(check, PROMPT_SECONDS, "the announcement to end", poll=0.01)
    return time.monotonic() - since


async def test_music_then_the_announcement_then_music_again_and_once_more(house: Site) -> None:
    async with calling(house, PATIENT, "13988800001") as line:
        await hears_music(line.rtp)
        begin = line.rtp.between()[0].at
        await eventually(lambda: timeline(line.rtp, begin).count("MA") == 2, 8, "two announcements", poll=0.1)
        conversation = conversation_of(house, line.number)
        packets = line.rtp.between(begin)
        said = timeline(line.rtp, begin)
    assert said.lstrip("M.").startswith("A" * 14), said
    first, second = said.index("A") / 10, said.rindex("MA") / 10 + 0.1
    assert abs(first - FIRST) < SLACK, said
    assert abs(second - first - EVERY) < SLACK, said
    between = said[said.index("A") : said.rindex("MA") + 1]
    assert between.count("A") in range(15, 18), between
    assert between.count("N") in range(5, 8), between
    assert between.strip("ANM.") == "", between
    assert longest_hole(packets) < 0.06
    told = of(house, conversation, ev.ComfortDue)
    assert [(each.prompt, each.position) for each in told[:2]] == [("queue_menu", 1)] * 2
    print(f"announced after {first:.1f} s and again {second - first:.1f} s later: {said}")
    await house.quiet()


async def test_leave_by_key_in_the_middle_of_an_announcement(house: Site) -> None:
    async with calling(house, PATIENT, "13988800002") as line:
        await in_announcement(line)
        conversation = conversation_of(house, line.number)
        await line.rtp.press("7")  # means nothing here
        pressed = time.monotonic()
        await line.rtp.press("1", pause=0.0)
        up = time.monotonic()  # a key counts when it is let go
        await line.rtp.hears(LEFT_HZ, within=1.0, dbfs=-16)
        took = time.monotonic() - up
        bridge = await house.ari(f"bridges/{ids.holding_bridge(conversation)}")
        assert bridge["channels"] == [], "he is out of the music"
        await line.call.ended(4)
        said = timeline(line.rtp, pressed)
    print(f"the next prompt fills 200 ms {took * 1000:.0f} ms after the key: {said}")
    assert took < 0.2 + AT_ONCE
    assert "M" not in said.strip("M").partition("L")[0], f"no music between announcement and prompt: {said}"
    assert [e.reason for e in of(house, conversation, ev.ContactEnded)] == [EndReason.LEFT_BY_KEY]
    digits = of(house, conversation, ev.DigitReceived)
    assert [(each.digit, each.masked) for each in digits] == [("*", True), ("1", False)]
    await house.quiet(within=2)


async def test_an_agent_in_the_middle_of_an_announcement_ends_it_at_once(house: Site) -> None:
    async with Desk(house, "1001") as desk:
        async with calling(house, PATIENT, "13988800003") as line:
            await in_announcement(line)
            await desk.expect("SetReady")
            took = await over(line, time.monotonic())
            assert took < AT_ONCE + 0.2, f"{took:.2f} s"
            await hears_music(line.rtp, within=1.0, seconds=0.3)
            _, call = await first_ring(desk)
            assert desk.phone is not None
            desk.phone.answer(call)
            await desk.works("busy")
            await line.rtp.hears_silence(within=1.0)  # in the talk, and this phone says nothing
            await asyncio.sleep(0.1)
            await line.agent.core.outcome(line.call.bye())
        await desk.state("ready")
        print(f"the announcement is over {took * 1000:.0f} ms after the agent is ready")
    await house.quiet()


async def test_kill_9_in_the_middle_of_an_announcement_costs_the_caller_nothing(house: Site) -> None:
    async with calling(house, PATIENT, "13988800004") as line:
        await in_announcement(line)
        conversation = conversation_of(house, line.number)
        killed = house.kill()
        house.spawn()
        await house.ready()
        await hears_music(line.rtp, within=4.0)
        await in_announcement(line, within=EVERY + 2.0)
        await line.rtp.press("1")
        await line.rtp.hears(LEFT_HZ, within=1.0, dbfs=-16)
        await line.call.ended(4)
        packets = line.rtp.between(killed - 0.5, killed + 1.0)
    assert longest_hole(packets) < 0.06
    ended = of(house, conversation, ev.ContactEnded)
    assert [each.reason for each in ended] == [EndReason.LEFT_BY_KEY], story(house, conversation)
    await house.quiet(within=2)


async def test_the_agents_phone_is_told_at_once_that_the_caller_has_gone(house: Site) -> None:
    async with Desk(house, "1002") as desk:
        made = await bye_to_cancel(house, desk, 20)
    print(made)
    assert made.own[-1] < 200.0
    await house.quiet()


async def test_the_log_is_quiet_and_names_nobody(house: Site) -> None:
    assert house.complaints() == []
    assert houses.numbers_in_log(house, "139888") == []
