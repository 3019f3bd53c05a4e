"""Hostile clients of the three sockets: sequences of odd frames, how they are played, what is checked after each.

Hypothesis makes the sequences from a seed; they are played one after another against the running server. Not here: the
honest people beside them (the tests: test_fuzz_sockets.py, and for long tests/torture/test_hostile_long.py).
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed as seeded, settings, strategies as st

from tests.harness.rawsocket import BINARY, CLOSE, PING, PONG, TEXT, RawSocket, frame
from tests.harness.site import Desk, Site
from tests.harness.waiting import eventually

A_MOMENT = 0.02
CLOSES = {0, 1000, 1001, 1002, 1003, 1005, 1007, 1009, 4401, 4403, 4409, 4429, 4503}
"""How a server may end a hostile socket; 0: it hung up without a word, since a word would not have been understood."""


@dataclass(frozen=True)
class Step:
    """Bytes for the wire, or how the client leaves."""

    what: str
    data: bytes = b""

    def __repr__(self) -> str:
        return f"{self.what}({len(self.data)}: {self.data[:40]!r})"


def _text(what: str, text: str) -> Step:
    return Step(what, frame(text.encode("utf-8", "surrogatepass")))


def _command(name: str, **fields: object) -> str:
    return json.dumps({"type": "command", "id": "fuzz", "name": name, **fields})


GOOD_LIVE = [
    '{"type":"resync"}', _command("SignIn"), _command("SetNotReady", reason="lunch"),
    _command("SetNotReady", reason="break"), _command("HangUpCall", conversation="c0-1"),
    _command("WriteNote", contact="k0-1", text="x"), _command("PhoneReady", lease="d0", instance="x"),
]  # fmt: skip


def good_sip(endpoint: str) -> list[str]:
    """Requests that the proxy lets through, and responses: Asterisk refuses each of them."""
    head = "Via: SIP/2.0/WS x.invalid;branch=z9hG4bKfuzz\r\nCall-ID: fuzz\r\nMax-Forwards: 70"
    head += "\r\nContact: <sip:x@x.invalid>"
    mine, him = f"<sip:{endpoint}@hollyhock.invalid>", "<sip:95500@hollyhock.invalid>"
    register = f"{head}\r\nFrom: {mine};tag=1\r\nTo: {mine}\r\nCSeq: 1 REGISTER"
    made = [f"REGISTER sip:hollyhock.invalid SIP/2.0\r\n{register}\r\n\r\n"]
    for method in ("INVITE", "BYE", "INFO", "UPDATE", "CANCEL", "ACK", "OPTIONS", "PRACK"):
        lines = f"{head}\r\nFrom: {mine};tag=1\r\nTo: {him};tag=2\r\nCSeq: 2 {method}"
        made.append(f"{method} sip:95500@hollyhock.invalid SIP/2.0\r\n{lines}\r\n\r\n")
    made.append(f"SIP/2.0 200 OK\r\n{head}\r\nFrom: {him};tag=1\r\nTo: {mine};tag=2\r\nCSeq: 3 INVITE\r\n\r\n")
    return [*made, "\r\n\r\n", "\r\n"]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def _mutated(text: str, places: Sequence[tuple[int, int]]) -> Step:
    data = bytearray(text.encode())
    for place, value in places:
        data[place % len(data)] = value
    return Step("mutated", frame(bytes(data)))


def _cut(text: str, size: int) -> Step:
    return _text("cut", text[: size % len(text)])


def steps(good: list[str]) -> st.SearchStrategy[list[Step]]:
    """Sequences of one client's frames; the last step says how it leaves."""
    fine = st.sampled_from(good).map(lambda text: _text("good", text))
    fields = st.dictionaries(
        st.sampled_from(["type", "id", "name", "reason", "conversation", "contact", "lease"]),
        _JSON | st.sampled_from(["command", "resync", "SetNotReady", "SignIn", "fuzz"]),
    )
    places = st.lists(st.tuples(st.integers(0, 9999), st.integers(0, 255)), min_size=1, max_size=6)
    odd = st.one_of(
        fine,
        fields.map(lambda value: _text("fields", json.dumps(value))),
        _JSON.map(lambda value: _text("json", json.dumps(value))),
        st.builds(_mutated, st.sampled_from(good), places),
        st.builds(_cut, st.sampled_from(good), st.integers(0, 999)),
        st.text(max_size=200).map(lambda text: _text("text", text)),
        st.binary(max_size=200).map(lambda data: Step("no utf-8", frame(b"\xff" + data))),
        st.binary(max_size=200).map(lambda data: Step("binary", frame(data, BINARY))),
        st.sampled_from([1020, 4000, 16_383, 16_384, 16_385, 70_000, 300_000]).map(
            lambda size: Step("long", frame(b"x" * size))
        ),
        st.integers(10, 8000).map(lambda depth: Step("deep", frame(b"[" * depth))),
        st.binary(max_size=125).map(lambda data: Step("ping", frame(data, PING))),
        st.binary(max_size=125).map(lambda data: Step("pong", frame(data, PONG))),
        st.sampled_from(good).map(
            lambda text: Step("in two", frame(text.encode()[:9], fin=False) + frame(text.encode()[9:], 0))
        ),
        st.sampled_from(good).map(lambda text: Step("flood", frame(text.encode()) * 300)),
        st.just(Step("rest without a start", frame(b"x", 0))),
        st.just(Step("unmasked", frame(b"{}", TEXT, masked=False))),
        st.just(Step("reserved bit", frame(b"{}", TEXT, rsv=4))),
        st.sampled_from([3, 7, 11, 15]).map(lambda opcode: Step("opcode", frame(b"x", opcode))),
        st.just(Step("long ping", frame(b"x" * 200, PING))),
        st.sampled_from([b"", b"\x03", b"\x03\xe8", b"\x00\x00", b"\xff\xffx", b"\x03\xe8\xff"]).map(
            lambda data: Step("close", frame(data, CLOSE))
        ),
        st.binary(min_size=1, max_size=60).map(lambda data: Step("no frame", data)),
        st.just(Step("a frame of 2^63 bytes", b"\x81\xff" + b"\xff" * 8)),
    )
    leaving = st.sampled_from([Step("close politely", frame(b"\x03\xe8", CLOSE)), Step("half-close"), Step("hang up")])
    return st.tuples(st.lists(odd, min_size=1, max_size=10), leaving).map(lambda parts: [*parts[0], parts[1]])


def sequences(good: list[str], *, seed: int, count: int) -> list[list[Step]]:
    """The same ones for the same seed."""
    made: list[list[Step]] = []

    @seeded(seed)
    @settings(
        max_examples=count, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(steps(good))
    def collect(sequence: list[Step]) -> None:
        made.append(sequence)

    collect()
    return made


async def play(port: int, path: str, headers: dict[str, str], sequence: list[Step], *, reads: bool = True) -> RawSocket:
    """Say all of it; fails when the server ends the socket with a code that is not among CLOSES."""
    async with RawSocket(port, path, headers, reads=reads) as socket:
        for step in sequence:
            if step.what == "half-close":
                socket.half_close()
            elif step.what != "hang up":
                socket.send(step.data)
        await asyncio.sleep(A_MOMENT)
        assert socket.close_code is None or socket.close_code in CLOSES, f"{socket.close_code} after {sequence}"
    return socket


def coherent(texts: list[bytes]) -> dict[str, Any]:
    """The documents that a live link's messages add up to; fails when there is a gap."""
    docs: dict[str, Any] = {}
    seq = -1
    for text in texts:
        message = json.loads(text)
        if message["type"] == "snapshot":
            docs, seq = message["docs"], message["seq"]
        elif message["type"] == "delta":
            assert message["prev"] == seq, f"a gap: {message['prev']} after {seq}"
            seq = message["seq"]
            docs.update(message["set"])
            for key in message["del"]:
                del docs[key]
        else:
            assert message["type"] in ("answer", "beat"), message
    return docs


async def as_fresh(desk: Desk) -> None:
    """His old snapshot and the deltas since are what a fresh one says (figures of queues come a moment later)."""

    async def same() -> bool:
        docs = await fresh(desk)
        docs["me"]["links"] = desk.docs["me"]["links"]  # the fresh link itself came and went
        assert desk.docs == docs
        return True

    await eventually(same, 10, "deltas like a fresh snapshot", poll=0.1)


async def fresh(desk: Desk) -> dict[str, Any]:
    """The documents of a link of his that is opened for this alone."""
    async with desk._http.ws_connect(f"{desk.site.url}/api/v1/live", headers={"Origin": desk.site.url}) as socket:
        docs: dict[str, Any] = (await socket.receive_json(timeout=10))["docs"]
        return docs


def megabytes(pid: int) -> float:
    """Resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / 1e6


def open_files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def warnings(site: Site) -> list[str]:
    """Lines of the server's log above information, but for what a busy test machine or the attack itself explains."""
    meant = ("slow_turn", "slow event callback", "login_throttled")
    lines = site.log.read_text("utf-8", "replace").splitlines()
    return [line for line in lines if "[warning" in line and not any(word in line for word in meant)]


def headers_of(desk: Desk) -> dict[str, str]:
    """What the handshake of a socket with his login carries."""
    cookies = "; ".join(f"{cookie.key}={cookie.value}" for cookie in desk._http.cookie_jar)
    return {"Origin": desk.site.url, "Cookie": cookies}


async def at_once(desk: Desk) -> None:
    """An honest command beside the attack."""
    began = time.monotonic()
    reason = "lunch" if desk.docs["me"]["reason"] == "break" else "break"
    await desk.expect("SetNotReady", reason=reason)
    assert time.monotonic() - began < 1.0
