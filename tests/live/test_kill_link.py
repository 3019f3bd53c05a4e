"""A server killed while its successor connects: Asterisk may drop the application, and the link makes it anew."""

from __future__ import annotations

import asyncio
import random
import time

import aiohttp
import pytest

from ctiserver.asterisk.ari import AriLink
from ctiserver.asterisk.runtime import running
from ctiserver.asterisk.wire import Event, StasisStart
from tests.harness.sipp import SippCaller
from tests.harness.waiting import eventually

ROUNDS = 60
UNSERVED = 3.0
"""Seconds: a lost application is noticed by the next question (one a second), and made anew at once."""


async def test_an_application_that_asterisk_drops_with_the_old_socket_is_made_anew(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A socket that ends without a word may take the application of the next one with it, which stays open."""
    dice = random.Random(7)
    heard: list[Event] = []
    unserved: list[float] = []
    drops = 0
    async with running(rtp=(29600, 29699)) as asterisk:
        ari = asterisk.ari
        headers = {"Authorization": aiohttp.encode_basic_auth(ari.user, ari.password)}
        async with aiohttp.ClientSession(headers=headers) as http:

            async def there() -> bool:
                async with http.get(f"{ari.url}/ari/applications/hollyhock") as answer:
                    return answer.status == 200

            for number in range(ROUNDS):
                old = await http.ws_connect(f"{ari.url}/ari/events?app=hollyhock")
                link = AriLink(ari, "hollyhock", on_event=heard.append, random=lambda: 0.0)
                await link.start()
                await asyncio.sleep(dice.uniform(0.0, 0.006))
                connection = old._response.connection
                assert connection is not None
                assert connection.transport is not None
                connection.transport.abort()
                aborted = time.monotonic()
                try:
                    steady = 0  # the drop comes a moment after the connection: it counts when the thing has lasted
                    while steady < 8:
                        steady = steady + 1 if link.ready and await there() else 0
                        gone = f"round {number}: ready {link.ready}, application there {await there()}, {link.figures}"
                        assert time.monotonic() - aborted < UNSERVED + 1, gone
                        await asyncio.sleep(0.01)
                    unserved.append(time.monotonic() - aborted - 0.08)
                    drops += link.figures.connects - 1
                    if number == ROUNDS - 1:
                        async with SippCaller(asterisk.sip, "95500") as caller:
                            await eventually(
                                lambda: any(isinstance(e, StasisStart) for e in heard), 3, "the caller's arrival"
                            )
                            caller.send_hang_up()
                finally:
                    await link.close()
                    await old.close()
    with capsys.disabled():
        print(
            f"\n{ROUNDS} kills during the connect: application dropped {drops} times; served again after "
            f"{sorted(unserved)[ROUNDS // 2]:.2f} s (median), {max(unserved):.2f} s (worst)"
        )
    assert max(unserved) < UNSERVED
