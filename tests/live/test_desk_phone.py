"""A desk phone as an agent's device, on a real Asterisk: registered or at a fixed contact, in all that it may do."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from ctiserver.model import events as ev
from ctiserver.model.causes import MonitorEnd
from ctiserver.model.ids import desk_endpoint
from tests.harness.deskphone import DeskPhone, password
from tests.harness.rtp import RtpEndpoint
from tests.harness.sip import SipAgent
from tests.harness.site import Desk, Site, site
from tests.harness.waiting import eventually
from tests.live.desk_people import FIXED_PORT, PHONE, UNRECORDED, both_hear, only_music, prepare, rings, sitting
from tests.live.house import (
    BRISK,
    CALM,
    calling,
    conversation_of,
    hears_music,
    lead,
    listed,
    numbers_in_log,
    of,
    recorded,
    spoken,
)
from tests.live.lead_people import LEAD_HZ, UNHEARD, Ear

pytestmark = pytest.mark.asyncio(loop_scope="module")

NUMBER = "13955500000"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office() -> AsyncIterator[Site]:
    async with site(rtp=(28200, 28399), prepare=prepare) as running:
        yield running


@pytest.mark.parametrize(("user", "name"), [("1001", "wall"), ("1002", "p2")])
async def test_a_call_from_the_ring_to_the_wrap_up(office: Site, user: str, name: str) -> None:
    """At a fixed contact, and registered: the pop comes before the ring, both are heard, both are on the record."""
    async with sitting(office, user, name) as (desk, phone):
        await desk.ready()
        async with calling(office, CALM, NUMBER) as line:
            call = await rings(desk, phone)
            reservation = desk.work()["reservation"]
            ring = next(e for e in phone.agent.core.log if e.message.method == "INVITE")
            assert desk.painted[reservation] < ring.wall, "the pop is there before the ring"
            assert not call.invite.get("call-info"), "nobody but the agent answers his phone"
            phone.answer(call)
            await desk.works("busy")
            await both_hear(line, phone)
            await asyncio.sleep(0.5)  # something to record
            conversation = conversation_of(office, NUMBER)
            await line.agent.core.outcome(line.call.bye())
        await call.ended()
        await desk.finish()
        row = await listed(office, conversation)
        assert (row["agent"], row["end_reason"]) == (user, "answered")
        said, heard = await recorded(office, conversation)
        assert spoken(said, 440) > 0.5
        assert spoken(heard, PHONE) > 0.4
        await office.quiet()


async def test_a_lead_listens_on_his_desk_phone(office: Site) -> None:
    """It rings on his click, asked to answer by itself; he hears both, nobody hears him; putting it down is enough."""
    async with sitting(office, "1002", "p2") as (desk, phone), DeskPhone(office, "p1", tone=LEAD_HZ) as his:
        await desk.ready()
        async with calling(office, CALM, NUMBER) as line:
            call = await rings(desk, phone)
            phone.answer(call)
            await desk.works("busy")
            conversation = conversation_of(office, NUMBER)
            async with as_lead(office) as asks:
                await asks("seat/phone/desk", phone="p1")
                await asks(f"talks/{conversation}/monitor")
                listening = await his.next_call(10)
                assert listening.invite.get("call-info").endswith("answer-after=0")
                listening.ring()
                his.answer(listening)
                async with Ear(line.rtp.last) as at_caller, Ear(phone.rtp.last) as at_agent:
                    await his.rtp.hears(PHONE, within=10)
                    await his.rtp.hears(440, within=10)
                    await asyncio.sleep(1.0)  # something to listen to
                assert max(at_caller.worst, at_agent.worst) < UNHEARD
                await his.agent.core.outcome(listening.bye())
                await eventually(lambda: of(office, conversation, ev.MonitorStopped), 10, "the end of his listening")
                assert [event.why for event in of(office, conversation, ev.MonitorStopped)] == [MonitorEnd.LEFT]
                await both_hear(line, phone)
                await asks("seat/phone/release", lease=desk_endpoint("p1"))
            await line.agent.core.outcome(line.call.bye())
        await his.register(expires=0)  # the next story finds it as it was
        await desk.finish()
        await office.quiet()


@asynccontextmanager
async def as_lead(office: Site) -> AsyncIterator[Callable[..., Awaitable[None]]]:
    async with lead(office) as http:

        async def asks(path: str, **body: str) -> None:
            async with http.post(f"/api/v1/{path}", json=body) as answer:
                assert answer.status == 200, await answer.text()

        yield asks


OUTCOME: dict[str, type[ev.Event]] = {
    "486": ev.OfferRejected,
    "480": ev.OfferUnreachable,
    "603": ev.OfferRejected,
    "404": ev.OfferUnreachable,
    "302": ev.OfferRejected,
    "503": ev.OfferUnreachable,
    "missed": ev.OfferMissed,
}
"""In an order in which the phone is not unreachable three times in a row."""


async def test_a_ring_that_comes_to_nothing(office: Site) -> None:
    """Refused by the phone in every way that counts; a call that it would send elsewhere is refused too."""
    async with sitting(office, "1001", "p2") as (desk, phone):
        await desk.ready()
        for way, outcome in OUTCOME.items():
            async with calling(office, BRISK, NUMBER) as line:
                call = await rings(desk, phone)
                reservation = desk.work()["reservation"]
                if way == "missed":
                    await call.ended()
                    assert call.ended_by == "cancelled"
                else:
                    call.reject(int(way))

                def over(kind: type[ev.Event] = outcome, held: str = reservation) -> bool:
                    return any(event.reservation == held for event in office.events(kind))

                await eventually(over, 10, f"{way}: {outcome.__name__}")
                await line.agent.core.outcome(line.call.bye())
            await desk.state("ready")
        assert desk.docs["me"]["misses"] == 1
        await office.quiet()


async def test_a_phone_that_is_not_there_gets_no_offer_until_it_is(office: Site) -> None:
    async with sitting(office, "1001", "p2") as (desk, phone):
        await desk.ready()
        await phone.register(expires=0)
        await desk.sees(lambda docs: not docs["me"]["phone"]["contact"], "the contact to be gone")
        async with calling(office, BRISK, NUMBER) as line:
            await hears_music(line.rtp)
            assert not [key for key in desk.docs if key.startswith("work/")]
            await phone.register()
            call = await rings(desk, phone)
            phone.answer(call)
            await desk.works("busy")
            await both_hear(line, phone)
            await phone.register()  # its next registration: nothing happens to it
            await both_hear(line, phone)
        await desk.state("ready")
        await office.quiet()


async def test_hold_on_the_phone_is_hold_on_the_page(office: Site) -> None:
    async with sitting(office, "1001", "wall") as (desk, phone):
        await desk.ready()
        async with calling(office, BRISK, NUMBER) as line:
            call = await rings(desk, phone)
            phone.answer(call)
            conversation = (await desk.works("busy"))["conversation"]
            await both_hear(line, phone)
            for direction in ("sendonly", "inactive"):
                answer = await phone.agent.core.outcome(phone.hold(call, direction))
                assert answer.status == 200
                await desk.sees(lambda docs: desk.work()["held"], "held")
                await only_music(line)
                assert (await desk.command("RetrieveCall", conversation=conversation))["code"] == "held_on_phone"
                assert (await desk.command("HoldCall", conversation=conversation))["code"] == "not_talking"
                answer = await phone.agent.core.outcome(phone.resume(call))
                assert answer.status == 200
                await desk.sees(lambda docs: not desk.work()["held"], "talking")
                await both_hear(line, phone)
            await desk.expect("HoldCall", conversation=conversation)
            await only_music(line)
            await phone.agent.core.outcome(phone.hold(call))
            await phone.agent.core.outcome(phone.resume(call))  # who resumes wants to talk, whoever held
            await desk.sees(lambda docs: not desk.work()["held"], "talking")
            await both_hear(line, phone)
        await call.ended()
        await desk.state("ready")
        await office.quiet()


async def test_a_talk_whose_leg_is_lost_is_rung_again(office: Site) -> None:
    """Nobody lifts it by itself for sure: it rings, and asks phones that can to answer at once."""
    async with sitting(office, "1001", "p2") as (desk, phone):
        await desk.ready()
        async with calling(office, BRISK, NUMBER) as line:
            call = await rings(desk, phone)
            phone.answer(call)
            work = await desk.works("busy")
            await both_hear(line, phone)
            leg = next(name for name in (await office.holds())["channels"] if ".a" in name)
            await lose(office, leg)
            again = await phone.next_call()
            await call.ended()
            assert "answer-after=0" in again.invite.get("call-info")
            again.ring()
            await only_music(line)
            assert desk.work()["lost"]
            phone.answer(again)
            await desk.sees(lambda docs: not desk.work()["lost"], "the talk to go on")
            await both_hear(line, phone)
            assert desk.work()["conversation"] == work["conversation"]
            again.bye()
            await line.call.ended()
        await desk.state("ready")
        await office.quiet()


async def lose(office: Site, leg: str) -> None:
    """The leg ends as one whose far end does not answer any more."""
    address = office.asterisk.ari
    headers = {"Authorization": aiohttp.encode_basic_auth(address.user, address.password)}
    async with office.http.delete(f"{address.url}/ari/channels/{leg}?reason_code=38", headers=headers) as answer:
        assert answer.status == 204


async def test_hot_desking(office: Site) -> None:
    async with sitting(office, "1001", "p2") as (first, phone), Desk(office, "1002", phone=False) as second:
        await second.expect("SignIn")
        assert (await second.command("UsePhone", phone="nowhere"))["code"] == "unknown_phone"
        assert (await second.command("UsePhone", phone="p2"))["code"] == "phone_elsewhere"
        await first.ready()
        async with calling(office, BRISK, NUMBER):
            call = await rings(first, phone)
            phone.answer(call)
            await first.works("busy")
            refused = await second.command("UsePhone", phone="p2", take_over=True)
            assert refused["code"] == "phone_in_call"
            call.bye()
            await first.state("ready")
        await second.expect("UsePhone", phone="p2", take_over=True)
        await first.sees(lambda docs: docs["me"]["phone"] is None, "the phone to be gone")
        await second.ready()
        async with calling(office, BRISK, NUMBER) as line:
            call = await rings(second, phone)
            phone.answer(call)
            await both_hear(line, phone)
        await second.state("ready")
        await second.expect("SignOut")
        await first.expect("UsePhone", phone="p2")
        await office.quiet()


def hollyhock_phones(office: Site) -> list[str]:
    command = [sys.executable, "-m", "ctiserver.cli", "phones"]
    done = subprocess.run(command, env=office.environ(), capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


async def choices(desk: Desk) -> dict[str, dict[str, Any]]:
    """The desk phones as this agent's page lists them."""
    async with await desk.get("/api/v1/phones") as answer:
        assert answer.status == 200
        return {phone["id"]: phone for phone in (await answer.json())["phones"] if not phone["id"].startswith("x")}


async def test_what_the_page_and_the_operator_see_of_the_phones(office: Site) -> None:
    async with Desk(office, "1003", phone=False) as other:
        before = await choices(other)
        assert list(before)[0] == "p1", "his own is the first"
        assert before["wall"]["there"]
        await eventually(lambda: _gone(other, "p1"), 10, "the end of the registration that others left")
        async with sitting(office, "1001", "p2") as (desk, phone):
            seen = (await choices(other))["p2"]
            assert (seen["there"], seen["user"]["en"], seen["in_call"]) == (True, "Wang Fang", False)
            assert (await choices(desk))["p2"]["user"] is None, "he has it himself"
            await desk.ready()
            async with calling(office, BRISK, NUMBER):
                phone.answer(await rings(desk, phone))
                await desk.works("busy")
                assert (await choices(other))["p2"]["in_call"]
            lines = await asyncio.to_thread(hollyhock_phones, office)
            (one,) = [line for line in lines if line.startswith("p1 ")]
            (two,) = [line for line in lines if line.startswith("p2 ")]
            (wall,) = [line for line in lines if line.startswith("wall ")]
            assert one.endswith("not registered")
            server = f"{office.sip[0]}:{office.sip[1]}"
            assert two.split()[-4:] == ["desk-p2", password(office, "p2"), server, "registered"]
            assert wall.endswith(f"at wall@127.0.0.1:{FIXED_PORT}")
    await office.quiet()


async def _gone(desk: Desk, phone: str) -> bool:
    return not (await choices(desk))[phone]["there"]


async def test_what_a_phone_may_not_do(office: Site) -> None:
    before = len(office.events(ev.ConversationStarted, ev.CallRefused))
    async with DeskPhone(office, "p2") as phone:
        out = phone.agent.invite("95500", phone.rtp)
        assert (await out.final()).status == 403  # calls are commands of the page
    async with RtpEndpoint() as rtp:
        async with SipAgent(target=office.sip, user="desk-p2", password="guessed") as thief:
            assert (await thief.core.register()).status == 401
            assert (await thief.invite("95500", rtp).final()).status == 401
        async with SipAgent(target=office.sip, user="desk-wall") as wall:  # at a fixed contact, without a password
            assert (await wall.core.register()).status == 401
            assert (await wall.invite("95500", rtp).final()).status == 401
    assert len(office.events(ev.ConversationStarted, ev.CallRefused)) == before
    async with sitting(office, "1001", "p2") as (desk, phone):
        await desk.ready()
        async with calling(office, BRISK, NUMBER) as line:
            call = await rings(desk, phone)
            phone.answer(call)
            await both_hear(line, phone)
            refer = call.request("REFER", extra=(("Refer-To", "<sip:95500@127.0.0.1>"),))
            assert (await phone.agent.core.outcome(refer)).status >= 400
            await both_hear(line, phone)
        await desk.state("ready")
    await office.quiet()


async def test_a_number_whose_calls_are_not_recorded(office: Site) -> None:
    async with sitting(office, "1001", "wall") as (desk, phone):
        await desk.ready()
        async with calling(office, UNRECORDED, NUMBER) as line:
            phone.answer(await rings(desk, phone))
            work = await desk.works("busy")
            await both_hear(line, phone)
            assert not work["recording"]
            assert len((await office.holds())["channels"]) == 2, "no snoop"
            conversation = conversation_of(office, NUMBER)
        await desk.finish()
        await office.quiet()
        assert (await listed(office, conversation))["recording"] is False
    assert not of(office, conversation, ev.RecordingStarted)
    assert not (office.home / "recordings" / f"{conversation}.wav").exists()


async def test_the_log_is_quiet_and_names_nobody(office: Site) -> None:
    assert office.complaints() == []
    assert numbers_in_log(office, NUMBER) == []
    assert password(office, "p2") not in office.log.read_text("utf-8")
