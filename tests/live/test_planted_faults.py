"""Faults planted behind the server's back: each is found and repaired within one beat, told with its records, and over.

Everything is planted at once, each fault on a call or agent of its own, after the calls stand; then each story looks
at its own. The lonely queue keeps its callers waiting; agents 1001 and 1004 talk, 1002 and 1003 are at their desks and
not ready.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import msgspec
import pytest
import pytest_asyncio

from ctiserver.auditor import BEAT, CONFIRM
from ctiserver.load import LIMIT
from ctiserver.model import events as ev, ids
from ctiserver.model.causes import NO_USER_RESPONSE
from ctiserver.model.faults import FaultKind
from ctiserver.model.ids import ConversationId
from ctiserver.model.work import ContactState
from ctiserver.silence import SILENT
from tests.harness import tones
from tests.harness.deskphone import DeskPhone
from tests.harness.g711 import RATE
from tests.harness.rtp import RtpEndpoint
from tests.harness.sip import SipAgent, connect_media
from tests.harness.sipcall import SipCall
from tests.harness.site import Desk, Site, site
from tests.harness.waiting import PATIENCE, eventually
from tests.live.desk_people import PHONE, prepare as with_phones
from tests.live.house import (
    BRISK,
    CALM,
    LONELY,
    Line,
    calling,
    conversation_of,
    hears_music,
    numbers_in_log,
    of,
    prepare,
    silence_in,
)
from tests.live.kills import come_back, folded
from tests.live.meddling import console, deaf, meddle, name_of
from tests.live.test_recording import recorded, spoken

pytestmark = pytest.mark.asyncio(loop_scope="module")

PREFIX = "139888"
WITHIN = BEAT + CONFIRM + 1.0
"""One beat, the second reading, and a second for what the repair asks of the switch."""
PROBE = 32.0
"""Seconds after which Asterisk gives up a peer that answers no session refresh."""


class Scene:
    """The calls, who has them, and when the faults were planted."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.lines: dict[str, Line] = {}
        self.desks: dict[str, Desk] = {}
        self.talks: dict[str, SipCall] = {}
        self.planted = 0.0
        self.vanished = 0.0
        self.cut = 0.0
        self.snoop = ""
        self.ears: dict[str, str] = {}

    def conversation(self, who: str) -> ConversationId:
        return conversation_of(self.site, self.lines[who].number)

    async def found(self, kind: FaultKind, target: str, within: float = WITHIN) -> ev.FaultFound:
        """The fault of this kind and target, within one beat of the planting by the server's clock."""

        def look() -> list[ev.FaultFound]:
            return [e for e in self.site.events(ev.FaultFound) if (e.kind, e.target) == (kind, target)]

        planted = time.time() - (time.monotonic() - self.planted)
        try:
            event = (await eventually(look, within + PATIENCE, f"{kind.value} of {target}", poll=0.1))[0]
        except AssertionError as error:
            there = [f"{e.kind} {e.target}: {e.repair}" for e in self.site.events(ev.FaultFound)]
            raise AssertionError(f"{error}; found {there}") from None
        assert event.at - planted <= within
        await eventually(lambda: self.told(kind, target), 10, f"{kind.value} of {target} in the log", poll=0.1)
        return event

    def told(self, kind: FaultKind, target: str) -> bool:
        """A line in the log, and a file whose records name the thing or its conversation."""
        said = re.search(rf"audit_fault .*kind={kind.value} .*target={re.escape(target)} ", self.site.log.read_text())
        files = list((self.site.home / "faults").glob(f"*-{kind.value}-{target}.jsonl"))
        if not said or not files:
            return False
        lines = [msgspec.json.decode(line) for line in files[0].read_bytes().splitlines()]
        return lines[0]["target"] == target


async def talk(
    scene: Scene, stack: AsyncExitStack, agent: str, number: str, phone: DeskPhone | None = None
) -> None:
    """A caller and an agent in a talk; his phone is the page's if not this one."""
    desk = scene.desks[agent]
    await desk.ready()
    line = await stack.enter_async_context(calling(scene.site, BRISK, number))
    at = phone or desk.phone
    assert at is not None
    call = await at.next_call()
    at.answer(call)
    await desk.works("busy")
    scene.lines[agent], scene.talks[agent] = line, call


async def vanish(scene: Scene, stack: AsyncExitStack, number: str) -> None:
    """A caller whose phone dies without a word while he waits."""
    agent = await stack.enter_async_context(SipAgent(target=scene.site.sip, user=number))
    rtp = await stack.enter_async_context(RtpEndpoint(tone=440.0))
    call = agent.invite(LONELY, rtp)
    await call.answered()
    connect_media(call, rtp)
    scene.lines["vanished"] = Line(agent, call, rtp, number)
    await hears_music(rtp)
    agent.core.polite = False
    rtp.mute_rtp()
    scene.vanished = time.monotonic()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house() -> AsyncIterator[Site]:
    """With desk phones: 1004's talk must last longer than a browser's leg without sound (8 s)."""
    async with site(rtp=(28600, 28799), prepare=with_phones) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(house: Site) -> AsyncIterator[Scene]:
    made = Scene(house)
    async with AsyncExitStack() as stack:
        for agent in ("1001", "1002", "1003", "1004"):
            made.desks[agent] = await stack.enter_async_context(Desk(house, agent))
        await vanish(made, stack, f"{PREFIX}00000")
        for n, who in enumerate(("muted", "bridgeless", "overheard", "unrecorded")):
            made.lines[who] = await stack.enter_async_context(calling(house, LONELY, f"{PREFIX}1000{n}"))
            await hears_music(made.lines[who].rtp)
        made.lines["muted"].rtp.mute_rtp()
        await talk(made, stack, "1001", f"{PREFIX}20001")
        phone = await stack.enter_async_context(DeskPhone(house, "p2", tone=PHONE))
        await made.desks["1004"].expect("UsePhone", phone=phone.name)
        await made.desks["1004"].sees(lambda docs: docs["me"]["phone"]["kind"] == "desk", "the phone on the desk")
        await talk(made, stack, "1004", f"{PREFIX}20004", phone)
        await plant(made)
        yield made


async def plant(scene: Scene) -> None:
    here = scene.site
    leg = ids.agent_leg(scene.conversation("1001"), 1)
    talk_bridge = ids.talk_bridge(scene.conversation("1004"))
    overheard, unrecorded = scene.conversation("overheard"), scene.conversation("unrecorded")
    customer = of(here, overheard, ev.ConversationStarted)[0].leg
    scene.snoop = f"{overheard}.ri99"
    spoken_to = scene.conversation("1004")
    scene.ears = {
        "lead": ids.lead_leg(spoken_to, 99),
        "whisper": ids.whisper_snoop(spoken_to, 99),
        "consult": ids.consultee_leg(ConversationId("c0-1"), 2),
    }
    name = await name_of(here, leg)
    async with deaf(here):
        said = await console(here, f"channel request hangup {name}")
        assert "equested" in said, said
        await meddle(here, "POST", f"channels/{customer}/snoop/{scene.snoop}", app="hollyhock", spy="in")
        await meddle(
            here, "POST", "channels/externalMedia", app="hollyhock", channelId="stranger", format="ulaw",
            external_host="127.0.0.1:9",
        )  # fmt: skip
        for who in ("lead", "consult"):
            await meddle(
                here, "POST", "channels/externalMedia", app="hollyhock", channelId=scene.ears[who], format="ulaw",
                external_host="127.0.0.1:9",
            )  # fmt: skip
        agents = ids.agent_leg(spoken_to, 1)
        path = f"channels/{agents}/snoop/{scene.ears['whisper']}"
        await meddle(here, "POST", path, app="hollyhock", spy="both", whisper="out")
        await meddle(
            here, "POST", "channels", endpoint="Local/s@hollyhock-apology", app="hollyhock", channelId="local"
        )
        # At once: as long as it is in no bridge it looks like a caller.
        await eventually(lambda: in_stasis(here, "local"), 10, "the Local channel")
        await meddle(here, "POST", f"bridges/{talk_bridge}/addChannel", channel="local")
        await meddle(here, "POST", f"bridges/{talk_bridge}/addChannel", channel=scene.ears["lead"])
    await meddle(here, "DELETE", f"bridges/{ids.holding_bridge(scene.conversation('bridgeless'))}")
    await meddle(here, "DELETE", f"channels/{ids.snoop_in(unrecorded)}")
    scene.cut = time.monotonic()
    leases = {agent: scene.desks[agent].lease for agent in ("1002", "1003")}
    await meddle(here, "DELETE", f"asterisk/config/dynamic/res_pjsip/endpoint/{leases['1002']}")
    await meddle(here, "DELETE", f"asterisk/config/dynamic/res_pjsip/aor/{leases['1003']}")
    scene.planted = time.monotonic()


async def in_stasis(site: Site, channel: str) -> bool:
    found = [c for c in await site.ari("channels") if c["id"] == channel]
    return bool(found) and found[0]["dialplan"]["app_name"] == "Stasis"


async def channels(site: Site) -> list[str]:
    return (await site.holds())["channels"]


async def test_an_agents_leg_killed_from_the_command_line_is_brought_back(scene: Scene) -> None:
    desk, conversation = scene.desks["1001"], scene.conversation("1001")
    await scene.found(FaultKind.LEG_MISSING, ids.agent_leg(conversation, 1))
    assert desk.phone is not None
    again = await desk.phone.next_call()
    assert again.invite.get("call-info").endswith("answer-after=0")
    desk.phone.answer(again)
    await eventually(lambda: of(scene.site, conversation, ev.AgentLegBack), 10, "the agent back in the talk")

    async def together() -> bool:
        there = await scene.site.ari(f"bridges/{ids.talk_bridge(conversation)}")
        return len(there["channels"]) == 2

    await eventually(together, 10, "both in the talk")


async def test_a_stranger_in_a_talk_is_put_out(scene: Scene) -> None:
    await scene.found(FaultKind.CHANNEL_STRAY, "local")
    bridge = ids.talk_bridge(scene.conversation("1004"))

    async def alone() -> bool:
        there = await scene.site.ari(f"bridges/{bridge}")
        return len(there["channels"]) == 2 and "local" not in await channels(scene.site)

    await eventually(alone, 10, "the talk alone")


async def test_an_unknown_channel_is_ended(scene: Scene) -> None:
    await scene.found(FaultKind.CHANNEL_STRAY, "stranger")

    async def gone() -> bool:
        return "stranger" not in await channels(scene.site)

    await eventually(gone, 10, "no stranger")


async def test_a_caller_whose_bridge_was_deleted_has_music_again(scene: Scene) -> None:
    line = scene.lines["bridgeless"]
    await scene.found(FaultKind.BRIDGE_MISSING, ids.holding_bridge(scene.conversation("bridgeless")))
    await hears_music(line.rtp)
    assert silence_in(line.rtp, scene.planted, time.monotonic()) <= WITHIN


async def test_a_forgotten_snoop_is_ended(scene: Scene) -> None:
    await scene.found(FaultKind.RECORDING_STRAY, scene.snoop)

    async def gone() -> bool:
        return scene.snoop not in await channels(scene.site)

    await eventually(gone, 10, "no snoop")
    live = await scene.site.recording_live(*ids.tracks(scene.conversation("overheard")))
    assert len(live) == 2, "the record goes on"


async def test_a_leads_leg_a_whisper_and_a_consult_leg_that_nobody_knows_are_ended(scene: Scene) -> None:
    """A lead's leg in a talk that he does not listen to, a snoop that whispers for nobody, a consult without a call."""
    for ear in scene.ears.values():
        await scene.found(FaultKind.CHANNEL_STRAY, ear)

    async def gone() -> bool:
        there = await channels(scene.site)
        return not any(ear in there for ear in scene.ears.values())

    await eventually(gone, 10, "nobody else listens")


async def test_a_deleted_endpoint_is_made_again(scene: Scene) -> None:
    desk = scene.desks["1002"]
    assert desk.lease is not None
    await scene.found(FaultKind.ENDPOINT_MISSING, desk.lease)
    assert desk.phone is not None
    await desk.phone.registered()
    await eventually(lambda: online(scene.site, desk), 10, "the phone in the switch")


async def test_a_stale_lease_is_no_phone_until_it_registers_again(scene: Scene) -> None:
    desk = scene.desks["1003"]
    assert desk.lease is not None
    await scene.found(FaultKind.LEASE_STALE, desk.lease)
    await desk.sees(lambda docs: not docs["me"]["phone"]["contact"], "no contact")
    assert desk.phone is not None
    await asyncio.wait_for(desk.phone.closed.wait(), 10)
    await desk.phone.connect()
    await desk.phone.registered()
    await desk.sees(lambda docs: docs["me"]["phone"]["contact"], "the phone's contact")
    await eventually(lambda: online(scene.site, desk), 10, "the phone in the switch")


async def online(site: Site, desk: Desk) -> bool:
    found = [e for e in await site.ari("endpoints/PJSIP") if e["resource"] == desk.lease]
    return bool(found) and found[0]["state"] == "online"


async def test_a_lost_track_is_opened_anew(scene: Scene) -> None:
    conversation = scene.conversation("unrecorded")
    await eventually(
        lambda: len(of(scene.site, conversation, ev.RecordingStarted)) == 2, WITHIN + PATIENCE, "a second track"
    )
    names = of(scene.site, conversation, ev.RecordingStarted)[1].names
    assert names[0] == ids.snoop_out(conversation) and ids.kind(names[1]) == "ri"

    async def both() -> bool:
        return len(await scene.site.recording_live(*names)) == 2

    await eventually(both, 10, "both tracks recorded")
    line = scene.lines["unrecorded"]
    await asyncio.sleep(0.5)
    await line.agent.core.outcome(line.call.bye())
    said, heard = await recorded(scene.site, conversation)
    begin, end = of(scene.site, conversation, ev.Established, ev.CallCleared)  # Asterisk's own times
    length = end.at - begin.at
    assert abs(len(said) / RATE - length) <= 0.15
    gap = ids.track_offset(names[1]) / 1000 - (scene.cut - (line.call.answered_at or 0.0))
    assert abs(length - gap - spoken(said, 440)) <= 0.6, "only what was said in the gap is lost"
    assert tones.level(heard) > -40


def stick(site: Site) -> str:
    """A killed server gets a snapshot in which its one reservation has lost leg and deadline: nothing will end it."""
    world = folded(site.records())
    state = world.state()
    (held,) = state.reservations.values()
    for offered in held.agents.values():
        offered.withdrawing = True
        del state.conversations[held.conversation].legs[offered.leg or ids.LegId("")]
    contact = state.contacts[held.contact]
    contact.state, contact.reservation, contact.head = ContactState.WAITING, None, True
    for kind in ("confirm", "offer", "withdraw"):
        state.deadlines.pop(f"acd.{kind}:{held.id}", None)
    (site.home / "journal" / f"snapshot-{world.seq:016d}.bin").write_bytes(msgspec.msgpack.encode(state))
    return held.id


async def test_a_stuck_reservation_is_withdrawn_and_an_overload_turns_new_callers_away(scene: Scene) -> None:
    """On a site of its own, while the vanished caller's time runs."""
    assert scene.planted
    async with site(rtp=(24800, 24999), prepare=prepare) as other, Desk(other, "1001") as desk:
        await desk.ready()
        async with calling(other, CALM, f"{PREFIX}30000"):
            assert desk.phone is not None
            await desk.phone.next_call()
            other.kill()
            stuck = stick(other)
            other.spawn()
            await other.ready()
            began = time.monotonic()
            await come_back(desk)
            assert desk.docs["me"]["state"] == "reserved"
            await other.happens(ev.FaultFound, within=WITHIN + PATIENCE)
            assert [(e.kind, e.target) for e in other.events(ev.FaultFound)] == [(FaultKind.RESERVATION_STUCK, stuck)]
            call = await desk.phone.next_call()
            desk.phone.answer(call)
            await desk.works("busy")
            print(f"stuck reservation: talking {time.monotonic() - began:.1f} s after the start")
        await overloaded(other)
        assert [line for line in other.complaints() if not re.search("audit_fault |overloaded |slow_turn ", line)] == []


async def overloaded(site: Site) -> None:
    """The server gets the processor for a fifth of the time only: new callers hear the apology until that is over."""

    async def flag() -> str:
        return str((await site.ari("asterisk/variable?variable=HOLLYHOCK_BUSY"))["value"])

    began = time.monotonic()
    while await flag() == "0":
        assert time.monotonic() - began < 60, "never busy"  # three of its windows, in a fifth of the time or less
        os.kill(site.pid, signal.SIGSTOP)
        await asyncio.sleep(LIMIT + 0.15)
        os.kill(site.pid, signal.SIGCONT)
        await asyncio.sleep(0.1)
    busy = time.monotonic()
    async with SipAgent(target=site.sip, user=f"{PREFIX}40000") as agent, RtpEndpoint() as rtp:
        call = agent.invite(CALM, rtp)
        await call.answered()  # by the dialplan's apology
        started = site.events(ev.ConversationStarted)
        assert not [event for event in started if event.caller_number == f"{PREFIX}40000"]
        await eventually(lambda: _is(flag, "0"), 60, "new calls are taken again", poll=0.1)
        print(f"overload: busy after {busy - began:.1f} s, over {time.monotonic() - busy:.1f} s later")
        await agent.core.outcome(call.bye())


async def _is(flag: Callable[[], Awaitable[str]], value: str) -> bool:
    return await flag() == value


async def test_a_caller_who_vanished_is_gone_and_one_who_is_only_silent_stays(scene: Scene) -> None:
    """Silent for two readings, asked, no answer: Asterisk ends him. His neighbour answers the same question."""
    muted = scene.lines["muted"]
    leg = of(scene.site, scene.conversation("vanished"), ev.ConversationStarted)[0].leg
    scene.planted = scene.vanished
    await scene.found(FaultKind.CALLER_SILENT, leg, within=SILENT + 3 * BEAT + PROBE + 2)
    print(f"vanished: ended after {time.monotonic() - scene.vanished:.1f} s")
    cleared = of(scene.site, scene.conversation("vanished"), ev.CallCleared)
    assert [event.cause for event in cleared] == [NO_USER_RESPONSE]
    assert [event.reason for event in of(scene.site, scene.conversation("vanished"), ev.ContactEnded)] == ["abandoned"]
    asked = [entry for entry in muted.call.log("in") if entry.message.method == "INVITE"]
    assert len(asked) == 1, "he was asked once"
    assert muted.call.ended_at is None
    assert not of(scene.site, scene.conversation("muted"), ev.CallCleared)
    await hears_music(muted.rtp)


async def test_nothing_is_open_any_more(scene: Scene) -> None:
    figures: dict[str, str] = {}

    async def well() -> bool:
        async with scene.site.http.get(f"{scene.site.url}/metrics") as answer:
            text = await answer.text()
        figures.update(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
        return figures["hollyhock_audit_open_faults"] == "0.0"

    await eventually(well, WITHIN + PATIENCE, "no open fault", poll=0.1)
    async with scene.site.http.get(f"{scene.site.url}/readyz") as answer:
        assert (await answer.json())["degraded"] == []
    told = {key: count for key, count in figures.items() if key.startswith("hollyhock_audit_faults_total")}
    found = Counter(event.kind for event in scene.site.events(ev.FaultFound))
    assert {key.partition('"')[2].partition('"')[0]: float(count) for key, count in told.items() if count != "0.0"} == {
        kind.value: float(count) for kind, count in found.items()
    }, "each was found once, and is over"
    assert PREFIX not in text_of(figures)


def text_of(figures: dict[str, str]) -> str:
    return " ".join(f"{key} {count}" for key, count in figures.items())


async def test_the_log_names_nobody(house: Site) -> None:
    assert numbers_in_log(house, PREFIX) == []
    assert not [line for line in house.complaints() if "audit_fault " not in line]
    assert not any(PREFIX.encode() in path.read_bytes() for path in (house.home / "faults").glob("*"))
