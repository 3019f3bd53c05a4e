"""Bad input by SIP: odd headers, hostile names and numbers, rubbish, requests nobody may make, a stolen dialog.

A caller waits in a queue all the while. He must hear his music to the end and be served.
"""

from __future__ import annotations

import asyncio
import random
import time
import unicodedata
from collections import Counter
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ctiserver.model import events as ev
from tests.harness.g711 import Codec
from tests.harness.rtp import RtpEndpoint
from tests.harness.sip import SipAgent, connect_media
from tests.harness.sipcall import SipCall
from tests.harness.sipmessage import SipMessage
from tests.harness.sipp import ODD_HEADERS, SippCaller
from tests.harness.site import Desk, Site
from tests.harness.waiting import eventually
from tests.live.house import (
    BRISK,
    CALM,
    LONELY,
    MENU,
    Line,
    as_before,
    calling,
    conversation_of,
    end_strays,
    hears_music,
    listed,
    polite_call,
    served_at_last,
    silence_in,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

PREFIX = "139888000"
WAITS = f"{PREFIX}99"
SEED = 20261122


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def waiting(house: Site) -> AsyncIterator[Line]:
    """He waits through all of it, in a queue that nobody serves until the last test."""
    async with calling(house, LONELY, WAITS) as line:
        await hears_music(line.rtp)
        yield line


def named(agent: SipAgent, rtp: RtpEndpoint, name: str, *, dialled: str = BRISK) -> SipCall:
    """An INVITE with this display name, latin-1 for raw bytes."""
    uri = f"sip:{dialled}@{agent.target[0]}:{agent.target[1]}"
    invite = agent.core.build("INVITE", uri, body=agent.sdp(rtp))
    invite.set("From", f"{name} {invite.get('from')}")
    return agent.core.invite(uri, b"", message=invite)


def as_bytes(text: str) -> str:
    """UTF-8 that goes over the wire as it is."""
    return text.encode().decode("latin-1")


NAMES = {
    "long": '"' + "a" * 3000 + '"',
    "long chinese": '"' + as_bytes("张" * 700) + '"',
    "latin-1 bytes": '"\xff\xfe\x80\xc3(\xa0\xa1"',
    "controls": '"bell\x07 escape\x1b[31m tab\tdel\x7f"',
    "turned around": '"' + as_bytes("\u202eevil\u200b\u2066\ufeff") + '"',
    "quotes": '"a\\"b\\\\c, <sip:x@y>;tag=1"',
    "emoji": '"' + as_bytes("👩‍👩‍👧‍👦" * 60) + '"',
    "markup": '"<script>alert(1)</script>"',
    "dialplan": '"${SHELL(id)} $[1+1] %s%n"',
    "no quotes": "plain name of three",
    "empty": '""',
}


@pytest.mark.parametrize("kind", NAMES)
async def test_a_callers_name(house: Site, kind: str) -> None:
    """It reaches the desktop cut to 64 printable characters, whatever the bytes were."""
    number = f"{PREFIX}{list(NAMES).index(kind):02d}"
    async with Desk(house, "1001") as desk:
        await desk.ready()
        async with SipAgent(target=house.sip, user=number) as agent, RtpEndpoint() as rtp:
            call = named(agent, rtp, NAMES[kind])
            final = await call.final()
            assert final.status in (200, 400), final
            if final.status == 200:
                connect_media(call, rtp)
                work = await desk.works("offer")
                name = work["caller"]["name"]
                print(f"{kind}: {name!r}")
                assert len(name) <= 64
                assert not [c for c in name if unicodedata.category(c)[0] == "C"], "not printable"
                assert work["caller"]["number"] == number
                assert desk.phone is not None
                ringing = await desk.phone.next_call()
                desk.phone.answer(ringing)
                await desk.works("busy")
                await agent.core.outcome(call.bye())
                await ringing.ended()
                row = await listed(house, conversation_of(house, number))
                assert len(row["caller_name"]) <= 64
        await desk.state("ready")


async def test_odd_headers(house: Site) -> None:
    async with SippCaller(house.sip, MENU, caller=f"{PREFIX}50", extra_headers=ODD_HEADERS) as caller:
        await caller.answered()
        await hears_music(caller.rtp)
        await caller.hang_up()


DIALLED = {
    "unknown": "110",
    "another context's start": "s",
    "hang-up extension": "h",
    "invalid extension": "i",
    "time-out extension": "t",
    "a name": "hollyhock-apology",
    "an agent": "1001",
    "nothing but signs": "*#",
    "very long": "9" * 400,
    "arguments": f"{MENU},evil,args",
    "escaped NUL": f"{MENU}%00",
    "escaped line end": f"{MENU}%0d%0aX-Evil:%201",
    "variables": "%24%7BSHELL(id)%7D",
    "parameters": f"{MENU};phone-context=x",
    "chinese": "%E5%BC%A0",
}


@pytest.mark.parametrize("kind", DIALLED)
async def test_a_dialled_number(house: Site, kind: str) -> None:
    """Answered when it is ours, else a refusal that a caller's switch understands; never 5xx."""
    before = len(house.events(ev.ConversationStarted))
    async with SipAgent(target=house.sip, user=f"{PREFIX}51") as agent, RtpEndpoint() as rtp:
        call = agent.invite(DIALLED[kind], rtp)
        final = await call.final()
        if final.status == 200:
            await agent.core.outcome(call.bye())
        print(f"{kind}: {final.status}")
        assert final.status == 200 or 400 <= final.status < 500
        started = house.events(ev.ConversationStarted)[before:]
        assert {e.dialled for e in started} <= {MENU}, started


def rubbish(port: int) -> list[bytes]:
    """Datagrams that are no SIP, or nearly. Answers go to `port`."""
    chance = random.Random(SEED)
    good = (
        b"INVITE sip:95500@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:%d;branch=z9hG4bKx\r\n"
        b"From: <sip:a@b>;tag=1\r\nTo: <sip:95500@127.0.0.1>\r\nCall-ID: rubbish\r\n"
        b"CSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContact: <sip:a@127.0.0.1:%d>\r\n"
    ) % (port, port)
    made = [
        b"", b"\0", b"\r\n\r\n", b"GET / HTTP/1.0\r\n\r\n", b"\xff" * 1500, b"SIP/2.0 200 OK\r\n\r\n", b"INVITE",
        b"SIP/2.0 999999999999 X\r\nVia: x\r\n\r\n", b"INVITE sip: SIP/2.0\r\n\r\n", b"A" * 60_000,
        good + b"Content-Length: -1\r\n\r\n",
        good + b"Content-Length: 99999999999999999999\r\n\r\nv=0\r\n",
        good + b"CSeq: 99999999999999999999 INVITE\r\nContent-Length: 0\r\n\r\n",
        good + b"Via: SIP/2.0/UDP a\r\n" * 900 + b"\r\n",
        good + b"X: " + b"y" * 50_000 + b"\r\n\r\n",
        good + b"Content-Type: application/sdp\r\nContent-Length: 20\r\n\r\nv=0\r\nm=audio 0 0 0 0\r\n",
        good + b"Content-Type: multipart/mixed;boundary=x\r\nContent-Length: 9\r\n\r\n--x\r\n--x--",
        good.replace(b"<sip:a@b>", b"<sip:" + b"a" * 9000 + b"@b>") + b"Content-Length: 0\r\n\r\n",
        good.replace(b"SIP/2.0/UDP 127", b"SIP/2.0/UDP [::1]:99999999 127") + b"\r\n",
        good.replace(b"sip:95500@127.0.0.1", b"tel:+1-201;ext=;;;") + b"Content-Length: 0\r\n\r\n",
    ]  # fmt: skip
    made += [chance.randbytes(chance.randrange(1, 1400)) for _ in range(100)]
    for number in range(120):  # a good message with a few bytes changed
        broken = bytearray(good.replace(b"rubbish", b"rubbish%d" % number) + b"Content-Length: 0\r\n\r\n")
        for _ in range(chance.randrange(1, 8)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        made.append(bytes(broken))
    return made


async def test_rubbish_to_the_sip_port(house: Site) -> None:
    """Nothing hangs or dies; what was still a call can be ended; the next honest caller is answered."""
    before = await house.holds()
    async with SipAgent(target=house.sip, user="rubbish") as agent:
        agent.core.polite = False
        for data in rubbish(agent.port):
            agent.raw(data)
            await asyncio.sleep(0.002)
        reader, writer = await asyncio.open_connection(*house.sip)  # the same port by TCP
        try:
            for data in rubbish(agent.port):
                writer.write(data + b"\r\n\r\n")
            await asyncio.wait_for(writer.drain(), 10)
        except (ConnectionError, TimeoutError):
            pass  # it may well hang up on us
        finally:
            writer.close()
            del reader
        await polite_call(house, f"{PREFIX}98")
        answers = [entry.message for entry in agent.core.log if entry.way == "in" and entry.message.status >= 200]
        print(f"answers to rubbish: {dict(Counter(answer.status for answer in answers))}")
        assert not [answer for answer in answers if answer.status in (500, 502, 503, 504)]
        end_strays(agent)

        async def settled() -> bool:
            now = await house.holds()
            assert now == before, now
            return True

        # One that we could not end either gets no ACK, and Asterisk gives it up after 32 s (RFC 3261, 64 x T1).
        await eventually(settled, 40, "the calls among the rubbish to be over", poll=0.2)


async def test_requests_that_nobody_may_make(house: Site) -> None:
    """A declared answer each: a registration as an agent, messages, subscriptions, a transfer out of nowhere."""
    async with Desk(house, "1001") as desk, SipAgent(target=house.sip, user="1001", password="x") as agent:
        uri = f"sip:{house.sip[0]}:{house.sip[1]}"
        seen: dict[str, int] = {}
        for method in "REGISTER SUBSCRIBE MESSAGE PUBLISH REFER NOTIFY INFO BYE UPDATE FOO".split():
            for to in ("1001", desk.lease or ""):
                request = agent.core.build(method, uri, to=f"sip:{to}@{house.sip[0]}")
                for header, value in (
                    ("Event", "presence"), ("Expires", "60"), ("Refer-To", f"<sip:110@{house.sip[0]}>"),
                ):  # fmt: skip
                    request.set(header, value)
                agent.core.send(request)
                seen[method] = (await agent.core.outcome(request)).status
        cancel = agent.core.build("CANCEL", uri)
        agent.core.send(cancel)
        seen["CANCEL"] = (await agent.core.outcome(cancel)).status
        print(seen)
        assert all(400 <= status < 500 or status in (501, 603) for status in seen.values()), seen
        assert desk.docs["me"]["phone"]["contact"], "the agent's own registration is untouched"


async def stolen(house: Site, line: Line, header: str) -> SipMessage:
    """Somebody who knows the ids of a caller's dialog asks to take its place, past the dialplan. He must not stay."""
    uri = f"sip:{BRISK}@{house.sip[0]}:{house.sip[1]}"
    async with SipAgent(target=house.sip, user=f"{PREFIX}52") as thief, RtpEndpoint() as rtp:
        invite = thief.core.build("INVITE", uri, body=thief.sdp(rtp))
        invite.set("Require", header.lower())
        invite.set(header, f"{line.call.call_id};to-tag={line.call.remote_tag};from-tag={line.call.tag}")
        theft = thief.core.invite(uri, b"", message=invite)
        final = await theft.final()
        await theft.ended()
        return final


@pytest.mark.parametrize("header", ["Replaces", "Join"])
async def test_who_asks_for_the_place_of_a_caller_does_not_stay(house: Site, header: str) -> None:
    before = await house.holds()
    async with calling(house, LONELY, f"{PREFIX}54") as line:
        await hears_music(line.rtp)
        final = await stolen(house, line, header)
        print(f"{header}: {final.status}")
        assert line.call.ended_at is None
    await as_before(house, before, conversation_of(house, f"{PREFIX}54"), time.monotonic())


async def test_a_caller_keeps_his_place_when_somebody_asks_for_it(house: Site) -> None:
    async with calling(house, LONELY, f"{PREFIX}55") as line:
        await hears_music(line.rtp)
        began = time.monotonic()
        await stolen(house, line, "Replaces")
        await asyncio.sleep(0.7)
        assert silence_in(line.rtp, began, time.monotonic()) <= 0.5, "music all the way"


def _acknowledging(request: SipMessage, final: SipMessage) -> list[tuple[str, str]]:
    kept = [(name, request.get(name)) for name in ("Via", "Max-Forwards", "From", "Call-ID")]
    return [*kept, ("To", final.get("to")), ("CSeq", f"{request.cseq} ACK")]


async def test_requests_inside_a_call(house: Site) -> None:
    """Transfers are refused; a caller's own hold, a change of codec and odd offers cost him nothing."""
    async with calling(house, CALM, f"{PREFIX}53") as line:
        await hears_music(line.rtp)
        core, call = line.agent.core, line.call

        async def asked(method: str, body: bytes = b"", kind: str = "", **headers: str) -> int:
            extra = tuple((name.replace("_", "-"), value) for name, value in headers.items())
            request = call.request(method, body=body, content_type=kind, extra=extra)
            final = await core.outcome(request)
            if method == "INVITE" and final.status >= 300:  # a refusal is acknowledged in its own transaction
                core.send(SipMessage("ACK", request.uri, headers=_acknowledging(request, final)))
            return final.status

        async def another(codec: Codec, old: Codec) -> int:
            """He offers and speaks another codec beside his own, until Asterisk speaks it too. Taken away while
            Asterisk still speaks it, the old one may cost the call (asterisk/asterisk#2059, mended in 22.11)."""
            status = await asked("INVITE", line.agent.sdp(line.rtp, codec, old), "application/sdp")
            line.rtp.codec = codec
            await eventually(lambda: line.rtp.codecs(time.monotonic() - 0.2) == {codec}, 10, f"{codec} from Asterisk")
            return status

        refer = await asked("REFER", Refer_To=f"<sip:110@{house.sip[0]}>")
        assert 400 <= refer < 500 or refer == 603, refer
        again = await asked("REFER", Refer_To="rubbish", Refer_Sub="false")
        assert 400 <= again < 500 or again == 603, again
        sdp = "application/sdp"
        good = line.agent.sdp(line.rtp)
        answers = {
            "own hold": await asked("INVITE", line.agent.sdp(line.rtp, direction="sendonly"), sdp),
            "address 0": await asked("INVITE", good.replace(b"c=IN IP4 127.0.0.1", b"c=IN IP4 0.0.0.0"), sdp),
            "back": await asked("INVITE", good, sdp),
            "no offer": await asked("INVITE"),
            "g729 only": await asked("INVITE", b"v=0\r\no=- 1 9 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n"
                                     b"t=0 0\r\nm=audio 9 RTP/AVP 18\r\n", sdp),
            "rubbish": await asked("INVITE", b"no sdp at all", sdp),
            "another type": await asked("INVITE", b"\0\1\2", "application/octet-stream"),
            "alaw as well": await another("alaw", "ulaw"),
            "alaw instead": await asked("INVITE", line.agent.sdp(line.rtp, "alaw"), sdp),
            "odd info": await asked("INFO", b"Signal=ZZZ\r\nDuration=-5\r\n", "application/dtmf-relay"),
            "empty info": await asked("INFO"),
            "options": await asked("OPTIONS"),
            "ulaw as well": await another("ulaw", "alaw"),
            "back again": await asked("INVITE", good, sdp),
        }  # fmt: skip
        print(answers)
        call.request("INFO", body=b"\xff" * 500, content_type="application/x-rubbish")  # Asterisk answers it never
        # 500 is what Asterisk itself says to a digit that is none; the call does not suffer
        assert not [name for name, status in answers.items() if status >= 500 and name != "odd info"]
        await hears_music(line.rtp)
        assert call.ended_at is None


async def test_the_caller_who_waited_through_all_this_is_served(house: Site, waiting: Line) -> None:
    await served_at_last(house, waiting)


async def test_the_log_is_quiet_and_names_nobody(house: Site) -> None:
    assert house.complaints() == []
    log = house.log.read_text("utf-8", "replace")
    assert PREFIX not in log
    assert "alert(1)" not in log
