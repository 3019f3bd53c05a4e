"""SIPp as a caller, against our own SIP agent: the harness must be right before it judges anything else."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from tests.harness.g711 import Codec
from tests.harness.rtp import RtpEndpoint
from tests.harness.sip import SipAgent, connect_media
from tests.harness.sipcore import SipCall
from tests.harness.sipmessage import display_name
from tests.harness.sipp import ODD_HEADERS, SippCaller
from tests.harness.sipptrace import Trace
from tests.harness.waiting import PATIENCE, eventually


@dataclass
class CalledParty:
    """Someone who answers at `target` and speaks 880 Hz."""

    agent: SipAgent
    rtp: RtpEndpoint

    @property
    def target(self) -> tuple[str, int]:
        return "127.0.0.1", self.agent.port

    async def takes_call(self, codec: Codec = "ulaw") -> SipCall:
        call = await self.agent.next_call()
        self.rtp.codec = codec
        connect_media(call, self.rtp)
        call.answer(self.agent.sdp(self.rtp, codec))
        return call


@pytest_asyncio.fixture
async def called() -> AsyncIterator[CalledParty]:
    async with SipAgent(target=("127.0.0.1", 0), user="95500") as agent, RtpEndpoint(tone=880) as rtp:
        yield CalledParty(agent, rtp)


async def test_a_caller_talks_presses_keys_and_hangs_up(called: CalledParty) -> None:
    async with SippCaller(called.target, "95500", tone=440) as caller:
        call = await called.agent.next_call()
        assert call.invite.uri.startswith("sip:95500@")
        call.ring()
        await caller.ringing()
        connect_media(call, called.rtp)
        call.answer(called.agent.sdp(called.rtp, "ulaw"))
        await caller.answered()
        await caller.hears(880)
        await called.rtp.hears(440)
        await caller.press("1#")
        await eventually(lambda: called.rtp.keys == "1#" and called.rtp.digits[-1].ends == 3, PATIENCE, "the digits")
        assert [d.ends for d in called.rtp.digits] == [3, 3]
        assert [d.duration_ms for d in called.rtp.digits] == [100, 100]
        await caller.hang_up()
        assert call.ended_by == "them"
        assert caller.trace.ended_by == "caller"
        assert caller.exit_code in (0, None)


async def test_the_called_party_hangs_up(called: CalledParty) -> None:
    async with SippCaller(called.target, "95500") as caller:
        call = await called.takes_call()
        await caller.answered()
        bye = call.bye()
        assert (await called.agent.core.outcome(bye)).status == 200
        await caller.ended()
        assert caller.trace.ended_by == "called"


async def test_a_caller_gives_up_before_the_answer(called: CalledParty) -> None:
    async with SippCaller(called.target, "95500") as caller:
        call = await called.agent.next_call()
        call.ring()
        await caller.ringing()
        await caller.hang_up()
        assert call.ended_by == "cancelled"
        assert await caller.final() == 487
        assert caller.trace.has("CANCEL", way="out")
        assert not caller.trace.has("BYE")


async def test_cancel_and_answer_cross_and_the_caller_still_ends_the_call(called: CalledParty) -> None:
    async with SippCaller(called.target, "95500") as caller:
        call = await called.agent.next_call()
        called.agent.core.polite = False
        call.ring()
        await caller.ringing()
        caller.send_hang_up()
        await asyncio.sleep(0.1)
        called.agent.core.polite = True
        call.answer(called.agent.sdp(called.rtp, "ulaw"))
        await call.acked()
        await call.ended()
        assert call.ended_by == "them"


@pytest.mark.parametrize("status", [403, 404, 480, 486, 503, 603])
async def test_a_refused_call_is_acknowledged_and_over(called: CalledParty, status: int) -> None:
    async with SippCaller(called.target, "95500") as caller:
        call = await called.agent.next_call()
        call.reject(status)
        assert await caller.final() == status
        await call.acked()
        await caller.ended()
        with pytest.raises(AssertionError, match="refused"):
            await caller.answered()


async def test_digits_by_sip_info_each_have_their_own_transaction(called: CalledParty) -> None:
    async with SippCaller(called.target, "95500", digits=False) as caller:
        call = await called.takes_call()
        await caller.answered()
        await caller.press("12#", by="info")
        infos = [e.message for e in call.log("in") if e.message.method == "INFO"]
        assert [m.body.decode().split()[0] for m in infos] == ["Signal=1", "Signal=2", "Signal=#"]
        assert {m.get("content-type") for m in infos} == {"application/dtmf-relay"}
        assert len({m.branch for m in infos}) == 3
        assert b"telephone-event" not in call.invite.body
        await caller.hang_up()
        numbers = [e.message.cseq for e in call.log("in") if e.message.method not in ("", "ACK")]
        assert numbers == sorted(set(numbers))


async def test_a_reinvite_and_an_options_from_the_other_side_do_not_upset_the_caller(called: CalledParty) -> None:
    async with SippCaller(called.target, "95500") as caller:
        call = await called.takes_call()
        await caller.answered()
        body = called.agent.sdp(called.rtp, "ulaw")
        again = call.request("INVITE", body=body, content_type="application/sdp")
        assert (await called.agent.core.outcome(again)).status == 200
        assert (await called.agent.core.outcome(call.request("OPTIONS"))).status == 200
        await called.rtp.hears(440)
        await caller.hang_up()


@pytest.mark.parametrize("codec", ["alaw", "ulaw"])
async def test_one_codec_only(called: CalledParty, codec: Codec) -> None:
    async with SippCaller(called.target, "95500", codec=codec, tone=600) as caller:
        await called.takes_call(codec)
        await caller.answered()
        await called.rtp.hears(600)
        await caller.hears(880)
        assert called.rtp.codecs() == caller.rtp.codecs() == {codec}


async def test_a_caller_without_any_rtp_still_hears(called: CalledParty) -> None:
    async with SippCaller(called.target, "95500", rtp=False) as caller:
        await called.takes_call()
        await caller.answered()
        await caller.hears(880)
        assert called.rtp.received == 0


@pytest.mark.parametrize(
    "name",
    [b"\xff\xfe\x01\x80\xe5\xae", "王小明".encode(), b"x" * 3000, b"%s%n\\ ;<>'"],
    ids=["binary", "zh", "huge", "odd"],
)
async def test_odd_names_arrive_byte_for_byte(called: CalledParty, name: bytes) -> None:
    async with SippCaller(called.target, "95500", caller_name=name, extra_headers=ODD_HEADERS) as caller:
        call = await called.takes_call()
        await caller.answered()
        assert name in call.invite.get("from").encode("latin-1")
        assert call.invite.all("X-Twice") == ["one", "two"]
        assert call.invite.get("subject").startswith("=?utf-8")
        assert display_name(call.invite.get("from"))
        await caller.hang_up()


async def test_many_callers_at_once_do_not_mix(called: CalledParty) -> None:
    async with (
        SippCaller(called.target, "95500", name="one", caller="1001") as one,
        SippCaller(called.target, "95500", name="two", caller="1002") as two,
    ):
        calls = {call.call_id: call for call in (await called.takes_call(), await called.takes_call())}
        await one.answered()
        await two.answered()
        await one.hang_up()
        assert calls[one.call_id].ended_by == "them"
        assert calls[two.call_id].ended_at is None


async def test_no_process_stays_when_a_test_fails(called: CalledParty) -> None:
    caller = SippCaller(called.target, "95500")

    async def broken_test() -> None:
        async with caller:
            await called.takes_call()
            await caller.answered()
            raise RuntimeError("the test broke")

    with pytest.raises(RuntimeError, match="the test broke"):
        await broken_test()
    assert not caller.running


def test_a_trace_without_the_message_says_what_was_there(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="no message at all"):
        Trace(tmp_path / "none.log").time_of("BYE")
