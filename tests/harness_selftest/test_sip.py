"""SIP agents of the harness against each other: refusals, crossings, odd bytes. Exact moments: test_exact.py."""

import asyncio
import time

import pytest

from tests.harness import sdp, sipmessage
from tests.harness.rtp import RtpEndpoint
from tests.harness.sip import SipAgent, connect_media
from tests.harness.waiting import eventually, exactly_at, never

NOWHERE = ("127.0.0.1", 0)


async def test_two_agents_talk_and_the_called_one_hangs_up() -> None:
    async with SipAgent(target=NOWHERE, user="two") as two, RtpEndpoint(tone=880, codec="alaw") as their_rtp:
        async with SipAgent(target=("127.0.0.1", two.port), user="one") as one, RtpEndpoint(tone=440) as our_rtp:
            ours = one.invite("two", our_rtp, "alaw", "ulaw", caller="13800138000")
            theirs = await two.next_call()
            assert sipmessage.address(theirs.invite.get("from")) == "sip:13800138000@127.0.0.1"
            theirs.ring()
            await ours.ringing()
            theirs.answer(two.sdp(their_rtp))
            await ours.answered()
            await theirs.acked()
            connect_media(ours, our_rtp)
            connect_media(theirs, their_rtp)
            await our_rtp.hears(880)
            await their_rtp.hears(440)
            info = ours.info_digit("5")
            assert (await one.core.outcome(info)).status == 200
            theirs.bye()
            await ours.ended()
            assert (ours.ended_by, theirs.ended_by) == ("them", "us")


@pytest.mark.parametrize("status", [404, 480, 486, 603])
async def test_a_refusal_is_acknowledged(status: int) -> None:
    async with SipAgent(target=NOWHERE) as two, SipAgent(target=("127.0.0.1", two.port)) as one:
        async with RtpEndpoint() as rtp:
            ours = one.invite("two", rtp)
            theirs = await two.next_call()
            theirs.reject(status)
            assert (await ours.final()).status == status
            await theirs.acked()
            with pytest.raises(AssertionError, match=f"refused: {status}"):
                await ours.answered()


async def test_a_call_is_cancelled() -> None:
    async with SipAgent(target=NOWHERE) as two, SipAgent(target=("127.0.0.1", two.port)) as one:
        async with RtpEndpoint() as rtp:
            ours = one.invite("two", rtp)
            theirs = await two.next_call()
            theirs.ring()
            await ours.ringing()
            ours.cancel()
            assert (await ours.final()).status == 487
            await theirs.ended()
            await theirs.acked()
            assert theirs.ended_by == "cancelled"


async def test_lost_requests_are_sent_again() -> None:
    async with SipAgent(target=NOWHERE) as two, SipAgent(target=("127.0.0.1", two.port)) as one:
        two.core.polite = False
        one.core.send(request := one.core.build("OPTIONS", "sip:two@127.0.0.1"))
        await eventually(lambda: len(two.core.log) >= 2, 10, "the OPTIONS comes twice")
        two.core.send(sipmessage.response_to(two.core.log[0].message, 200, tag="x"))
        assert (await one.core.outcome(request)).status == 200


async def test_raw_datagrams_and_garbage_are_survived() -> None:
    async with SipAgent(target=NOWHERE) as two, SipAgent(target=("127.0.0.1", two.port)) as one:
        one.raw(b"\x00\xff nonsense\r\n\r\n")
        one.raw(b"\r\n\r\n")
        await eventually(lambda: two.core.garbage == 1, 10, "the garbage is counted")
        one.raw(
            b"OPTIONS sip:x SIP/2.0\r\nv: SIP/2.0/UDP h;branch=z9\r\ni: 1\r\nCSeq: 1 OPTIONS\r\nt:\r\n <sip:x>\r\n\r\n"
        )
        await eventually(lambda: any(e.message.status == 200 for e in one.core.log), 10, "an answer")


async def test_nobody_answers_and_the_failure_tells_the_story() -> None:
    async with SipAgent(target=NOWHERE) as two, SipAgent(target=("127.0.0.1", two.port)) as one:
        async with RtpEndpoint() as rtp:
            call = one.invite("two", rtp)
            with pytest.raises(AssertionError, match=r"final answer to INVITE; seen: out INVITE.*in 100 Trying"):
                await call.answered(timeout=0.3)


def test_bytes_survive_a_round_trip_and_chinese_goes_out_as_utf_8() -> None:
    raw = b'INVITE sip:x SIP/2.0\r\nFrom: "\xff\x01" <sip:a@b>;tag=7\r\nContent-Length: 2\r\n\r\nhi'
    message = sipmessage.parse(raw)
    assert message.encode() == raw
    assert sipmessage.param(message.get("from"), "tag") == "7"
    message.set("Subject", "客户")
    assert "客户".encode() in message.encode()
    with pytest.raises(ValueError, match="no SIP message"):
        sipmessage.parse(b"GET / HTTP/1.1\r\n\r\n")


def test_digest_is_the_one_of_rfc_2617() -> None:
    """RFC 2069's form of the example in RFC 2617, section 3.5 (no qop, so nothing is random)."""
    header = sipmessage.digest_answer(
        'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc"',
        method="GET",
        uri="/dir/index.html",
        user="Mufasa",
        password="Circle Of Life",
    )
    assert 'response="670fd8c2df070c60b045671b8b24ff02"' in header
    assert 'opaque="5ccc"' in header
    with pytest.raises(ValueError, match="not supported"):
        sipmessage.digest_answer("Digest algorithm=FOO", method="A", uri="b", user="c", password="d")


def test_sdp_is_read_back() -> None:
    media = sdp.parse(sdp.audio(host="127.0.0.1", port=4000, codecs=("alaw", "ulaw")))
    assert media
    assert (media.remote, media.payloads, media.event_payload, media.codec) == (
        ("127.0.0.1", 4000),
        (8, 0, 101),
        101,
        "alaw",
    )
    assert sdp.parse(b"v=0\r\n") is None


async def test_eventually_and_never_say_what_was_wrong() -> None:
    with pytest.raises(AssertionError, match=r"not within 0.1 s: the moon \(last value: 0\)"):
        await eventually(lambda: 0, 0.1, "the moon")
    with pytest.raises(AssertionError, match="it happened after all: the moon"):
        await never(lambda: 1, 0.1, "the moon")

    async def hangs() -> bool:
        await asyncio.sleep(60)
        return True

    with pytest.raises(AssertionError, match=r"the check itself did not return"):
        await eventually(hangs, 0.1, "the moon")
    assert await exactly_at(time.monotonic() - 1) > 0.9
