"""What SIPp wrote down: its message file, parsed while it grows.

Here: `Trace` and its questions (when was what sent or received). Not here: running SIPp (sipp.py).
SIPp stamps each message with the local wall clock to the microsecond; `wall` is that moment in epoch seconds, so it
compares directly with call records.
"""

import datetime
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.harness.sipmessage import SipMessage, parse

Way = Literal["in", "out"]

_HEAD = re.compile(
    rb"-{20,} (\d{4}-\d\d-\d\d[ T\t]\d\d:\d\d:\d\d\.\d+)[^\n]*\n"
    rb"\w+ message (sent|received) [(\[](\d+)[)\]]? ?bytes\)? ?:?\n\n"
)
_CONTROL = ("HANGUP", "DIGIT")


@dataclass(frozen=True)
class TraceEntry:
    """One SIP message of the call: epoch seconds, direction as the caller sees it, the message."""

    wall: float
    way: Way
    message: SipMessage

    @property
    def kind(self) -> str:
        """The method of a request, the three digits of an answer."""
        return self.message.method or str(self.message.status)


class Trace:
    """The messages of one caller so far; the harness's own control datagrams are left out."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.entries: list[TraceEntry] = []
        self._offset = 0

    def refresh(self) -> None:
        """Reads what SIPp has added since the last time."""
        try:
            if self.file.stat().st_size <= self._offset:
                return
            with self.file.open("rb") as file:
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            return
        fresh: list[TraceEntry] = []
        used = 0
        while head := _HEAD.search(data, used):
            end = head.end() + int(head[3])
            if end > len(data):
                break
            used = end
            try:
                message = parse(data[head.end() : end])
            except ValueError:
                continue
            if message.method not in _CONTROL:
                moment = datetime.datetime.fromisoformat(head[1].decode().replace("\t", "T"))
                fresh.append(TraceEntry(moment.timestamp(), "in" if head[2] == b"received" else "out", message))
        self._offset += used
        self.entries += fresh

    def all(self, kind: str, *, cseq: str = "", way: Way | None = None) -> list[TraceEntry]:
        """Entries with this method or status, e.g. all("200", cseq="INVITE"), all("BYE", way="in")."""
        return [
            e for e in self.entries if e.kind == kind and cseq in ("", e.message.cseq_method) and way in (None, e.way)
        ]

    def has(self, kind: str, *, cseq: str = "", way: Way | None = None) -> bool:
        return bool(self.all(kind, cseq=cseq, way=way))

    def time_of(self, kind: str, *, cseq: str = "", way: Way | None = None) -> float:
        """Epoch seconds of the first such message. AssertionError with the story of the call when there is none."""
        found = self.all(kind, cseq=cseq, way=way)
        assert found, f"no {way or ''} {kind} {cseq} in this call: {self.story()}"
        return found[0].wall

    @property
    def answered_wall(self) -> float:
        return self.time_of("200", cseq="INVITE", way="in")

    @property
    def ended_wall(self) -> float:
        """When the first BYE went or came."""
        return self.time_of("BYE")

    @property
    def ended_by(self) -> Literal["caller", "called", ""]:
        """Whose BYE was first; '' without BYE."""
        byes = self.all("BYE")
        if not byes:
            return ""
        return "called" if byes[0].way == "in" else "caller"

    @property
    def over(self) -> bool:
        """The call has ended and both sides know: a BYE was answered, or a refusal was acknowledged."""
        if any(e.kind in ("200", "481") and e.message.cseq_method == "BYE" for e in self.entries):
            return True
        last = self.final()
        return last is not None and last.message.status >= 300 and self.has("ACK", way="out")

    def final(self) -> TraceEntry | None:
        """The first final answer to INVITE."""
        answers = (e for e in self.entries if e.way == "in" and e.message.status >= 200)
        return next((e for e in answers if e.message.cseq_method == "INVITE"), None)

    def story(self) -> str:
        return ", ".join(f"{e.way} {e.message}" for e in self.entries) or "no message at all"
