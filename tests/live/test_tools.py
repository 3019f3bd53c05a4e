"""`hollyhock doctor` and `hollyhock journal` on a real server with a real call, while it runs and after its death."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from tests.harness.site import Desk, Site
from tests.live.house import CALM, calling

pytestmark = pytest.mark.asyncio(loop_scope="module")
ROOT = Path(__file__).parents[2]
CALLER = "13800000001"
NOTE = "a note that is nobody's business"


async def hollyhock(site: Site, *arguments: str) -> tuple[int, str]:
    """One of our commands with the server's settings: exit code and all that it said."""
    settings = os.environ | {
        "HOLLYHOCK_HOME": str(site.home),
        "HOLLYHOCK_HTTP": site.url.removeprefix("http://"),
        "HOLLYHOCK_SIP": f"{site.sip[0]}:{site.sip[1]}",
        "HOLLYHOCK_RTP": f"{site.asterisk.rtp[0]}-{site.asterisk.rtp[1]}",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ctiserver.cli", *arguments,
        cwd=ROOT, env=settings, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode is not None
    return process.returncode, said.decode()


async def doctor(site: Site) -> dict[str, list[tuple[str, str]]]:
    """(state, what) by check."""
    code, said = await hollyhock(site, "doctor", "--json")
    found: dict[str, list[tuple[str, str]]] = {}
    for check in json.loads(said)["checks"]:
        found.setdefault(check["name"], []).append((check["state"], check["what"]))
    assert code == (1 if any(state == "fault" for told in found.values() for state, _ in told) else 0)
    return found


def faults(found: dict[str, list[tuple[str, str]]]) -> dict[str, str]:
    return {name: what for name, told in found.items() for state, what in told if state == "fault"}


async def test_the_tools_tell_the_truth_in_a_call_after_it_and_when_the_server_is_dead(house: Site) -> None:
    async with Desk(house, "1002") as desk:
        await desk.ready()
        async with calling(house, CALM, CALLER):
            await desk.works("offer")
            assert desk.phone is not None
            desk.phone.answer(await desk.phone.next_call())
            busy = await desk.works("busy")

            well = await doctor(house)
            assert faults(well) == {}
            assert well["server"] == [("ok", f"ready at {house.url}")]
            for port in ("HTTP port", "SIP port"):
                assert well[port][0][1].endswith("is ours")
            assert "one server is connected" in well["ARI"][0][1]
            assert "loaded and running" in well["modules"][0][1]
            assert well["prompts"][0][0] == well["database"][0][0] == well["journal"][0][0] == "ok"

            code, said = await hollyhock(house, "journal", "verify")
            assert code == 0, said
            assert "verdict  good" in said
        await desk.works("wrap_up")
        await desk.finish(note=NOTE)

    code, said = await hollyhock(house, "journal", "show", "--conversation", busy["conversation"])
    assert code == 0
    for word in ("CallerArrived", "OfferMade", "Talking", "CallCleared", "WrapUpEnded", "AnswerLeg"):
        assert word in said, word
    assert CALLER not in said and NOTE not in said
    _, whole = await hollyhock(house, "journal", "show", "--conversation", busy["conversation"], "--personal")
    assert CALLER in whole and NOTE in whole

    house.kill()
    dead = await doctor(house)
    assert faults(dead) == {}
    assert dead["server"][0][0] == "warning"
    assert "no server is connected" in dead["ARI"][0][1]
    assert dead["HTTP port"][0][1].endswith("is free")
    code, said = await hollyhock(house, "journal", "verify", "--json")
    verdict = json.loads(said)
    assert code == 0, said
    assert verdict["decided"] == verdict["folded"] == verdict["records"] == verdict["last"]
    house.spawn()
    await house.ready()
