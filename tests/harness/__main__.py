"""Tone-sending, tone-analysing phones by hand: `python -m tests.harness call|answer --help`.

`call 95500 --server 127.0.0.1:5060 --tone 440 --press 2:1` dials, speaks, presses, and says what it heard; `answer`
waits for calls at a fixed contact (`--listen`) or registered (`--server`, `--user`, `--password`) and does the same.
Here: arguments and the report. Exit code 1: the call was refused or never came, or `--expect` was not heard.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from typing import Any

import numpy as np

from tests.harness import tones
from tests.harness.g711 import RATE
from tests.harness.rtp import RtpEndpoint
from tests.harness.sip import SipAgent, connect_media
from tests.harness.sipcall import SipCall

STEP = 0.25
"""Seconds of sound that one line of the report tells of."""
SAME_HZ = 6.0


def report(rtp: RtpEndpoint, begin: float, end: float) -> dict[str, Any]:
    """What came in this time: the strongest tones one after another, gaps, digits. Levels in dBFS of a sine."""
    sound = rtp.heard(begin, end)
    heard: list[dict[str, float | None]] = []
    size = int(STEP * RATE)
    for number in range(len(sound) // size):
        part = sound[number * size : (number + 1) * size]
        top = tones.dominant(part)
        hz = None if top is None or tones.level(part) < tones.SILENT_DBFS else top.hz
        last = heard[-1]["hz"] if heard else -1.0
        if heard and (hz is last is None or (hz is not None and last is not None and abs(hz - last) < SAME_HZ)):
            heard[-1]["seconds"] = (heard[-1]["seconds"] or 0.0) + STEP
            continue
        dbfs = round(top.dbfs, 1) if top is not None and hz is not None else None
        heard.append({"from": number * STEP, "seconds": STEP, "hz": hz and round(hz, 1), "dbfs": dbfs})
    return {
        "seconds": round(end - begin, 2),
        "packets_received": len(rtp.between(begin, end)),
        "packets_sent": rtp.sent,
        "longest_gap_ms": round(rtp.longest_gap(begin, end), 1),
        "own_lateness_ms": round(rtp.worst_lateness * 1000, 1),
        "level_dbfs": round(float(tones.level(sound)), 1) if len(sound) else None,
        "silence_seconds": round(sum(gap.length for gap in tones.gaps(sound, at_least=0.1)), 2) if len(sound) else None,
        "digits": rtp.keys,
        "heard": heard,
    }


def text(found: dict[str, Any]) -> str:
    lines = [f"{name}: {value}" for name, value in found.items() if name != "heard"]
    for part in found.get("heard", []):
        what = "silence" if part["hz"] is None else f"{part['hz']:7.1f} Hz at {part['dbfs']:.1f} dBFS"
        lines.append(f"  {part['from']:6.2f} s  for {part['seconds']:5.2f} s  {what}")
    return "\n".join(lines)


async def _press(rtp: RtpEndpoint, presses: list[tuple[float, str]], began: float) -> None:
    for after, keys in sorted(presses):
        await asyncio.sleep(max(0.0, began + after - time.monotonic()))
        await rtp.press(keys)


async def _talk(call: SipCall, rtp: RtpEndpoint, arguments: argparse.Namespace) -> dict[str, Any]:
    """From the answer to the end of the call or of the time."""
    began = time.monotonic()
    connect_media(call, rtp)
    pressing = asyncio.create_task(_press(rtp, arguments.press, began))
    try:
        await call.ended(arguments.seconds)
    except AssertionError:
        call.bye()
    finally:
        pressing.cancel()
        await asyncio.gather(pressing, return_exceptions=True)
    ended = call.ended_at or time.monotonic()
    found = {"ended_by": call.ended_by, **report(rtp, began, ended)}
    if arguments.expect:
        found["expected"] = {
            str(hz): bool(np.any(tones.presence(rtp.heard(began, ended), hz, window=0.2))) for hz in arguments.expect
        }
    return found


async def dial(arguments: argparse.Namespace) -> dict[str, Any]:
    caller = SipAgent(target=arguments.server, user=arguments.user, password=arguments.password)
    async with caller as agent, RtpEndpoint(tone=arguments.tone) as rtp:
        began = time.monotonic()
        call = agent.invite(arguments.number, rtp)
        final = await call.final(arguments.patience)
        if final.status >= 300:
            return {"refused": final.status}
        return {"answered_after": round(time.monotonic() - began, 3), **await _talk(call, rtp, arguments)}


async def answer(arguments: argparse.Namespace) -> dict[str, Any]:
    host, port = arguments.listen
    target = arguments.server or ("127.0.0.1", 9)
    phone = SipAgent(target=target, user=arguments.user, password=arguments.password, host=host, port=port)
    async with phone as agent, RtpEndpoint(host=host, tone=arguments.tone) as rtp:
        if arguments.server:
            accepted = await agent.core.register()
            if accepted.status != 200:
                return {"refused": accepted.status}
        print(f"waits at {agent.core.identity.contact}", file=sys.stderr, flush=True)
        call = await agent.next_call(arguments.patience)
        call.ring()
        await asyncio.sleep(arguments.after)
        call.answer(agent.sdp(rtp))
        await call.acked()
        found = await _talk(call, rtp, arguments)
        if arguments.server:
            await agent.core.register(expires=0)
        return {"caller": call.invite.get("from"), **found}


def _address(value: str) -> tuple[str, int]:
    host, _, port = value.rpartition(":")
    return host or "127.0.0.1", int(port)


def _digits(value: str) -> tuple[float, str]:
    after, _, keys = value.rpartition(":")
    return float(after), keys


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.harness", description=__doc__)
    commands = parser.add_subparsers(required=True)
    for name, work in (("call", dial), ("answer", answer)):
        command = commands.add_parser(name)
        command.set_defaults(work=work)
        if name == "call":
            command.add_argument("number")
            command.add_argument("--server", type=_address, default=("127.0.0.1", 5060), metavar="HOST:PORT")
        else:
            command.add_argument("--listen", type=_address, default=("127.0.0.1", 0), metavar="HOST:PORT")
            command.add_argument("--server", type=_address, metavar="HOST:PORT", help="register there")
            command.add_argument("--after", type=float, default=1.0, help="seconds of ringing")
        command.add_argument("--user", default="tester", help="caller number, or the account")
        command.add_argument("--password", default="")
        command.add_argument("--tone", type=float, default=440.0, help="Hz, 0 = silence")
        command.add_argument("--press", type=_digits, action="append", default=[], metavar="SECONDS:DIGITS")
        command.add_argument("--seconds", type=float, default=10.0, help="hang up after so long")
        command.add_argument("--patience", type=float, default=30.0, help="seconds until the answer or the call")
        command.add_argument("--expect", type=float, action="append", metavar="HZ", help="fail unless heard")
        command.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    try:
        found = asyncio.run(arguments.work(arguments))
    except AssertionError as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(found, ensure_ascii=False) if arguments.json else text(found))
    return 1 if "refused" in found or not all(found.get("expected", {}).values()) else 0


if __name__ == "__main__":
    sys.exit(main())
