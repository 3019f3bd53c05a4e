"""SIPp as a caller, against our own SIP agent: the harness must be right before it judges anything else."""

import time

from tests.harness.rtp import RtpEndpoint
from tests.harness.sip import SipAgent, connect_media
from tests.harness.sipp import SippCaller

ANYWHERE = ("127.0.0.1", 0)


async def test_a_caller_talks_presses_keys_and_hangs_up() -> None:
    async with SipAgent(target=ANYWHERE, user="95500") as server, RtpEndpoint(tone=880) as their_rtp:
        async with SippCaller(("127.0.0.1", server.port), "95500", tone=440) as caller:
            call = await server.next_call()
            assert call.invite.uri.startswith("sip:95500@")
            call.ring()
            await caller.ringing()
            connect_media(call, their_rtp)
            call.answer(server.sdp(their_rtp, "ulaw"))
            answered_wall = time.time()
            assert abs(await caller.answered() - answered_wall) < 0.05
            await caller.hears(880, within=2)
            await their_rtp.hears(440, within=2)
            await caller.press("1#")
            assert their_rtp.keys == "1#"
            assert [d.ends for d in their_rtp.digits] == [3, 3]
            assert all(abs(d.duration_ms - 100) < 1 for d in their_rtp.digits)
            await caller.hang_up()
            assert call.ended_by == "them"
            assert caller.trace.ended_by == "caller"
            assert caller.exit_code in (0, None)
            assert abs(caller.trace.time_of("BYE", way="out") - time.time()) < 0.5
