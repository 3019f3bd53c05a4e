"""What a check of a journal found. Here: the values alone; `verify` fills them, `commands` shows them."""

from __future__ import annotations

import msgspec


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """`fault` false: good to know, nothing to do or nothing lost. `offset` and `seq` where they can be told."""

    fault: bool
    file: str
    what: str
    lost: str = ""
    do: str = ""
    offset: int | None = None
    seq: int | None = None


class Verdict(msgspec.Struct, kw_only=True):
    """What was found, and how much was looked at. Times are epoch seconds."""

    folder: str
    segments: int = 0
    records: int = 0
    first: int = 0
    last: int = 0
    began: float = 0.0
    ended: float = 0.0
    folded: int = 0
    """records applied to a known state"""
    decided: int = 0
    """records that were decided again"""
    snapshots: tuple[int, ...] = ()
    """that equal the fold of the records before them"""
    start: str = ""
    """what a server would do that is started on these files"""
    findings: list[Finding] = []

    @property
    def good(self) -> bool:
        return not any(finding.fault for finding in self.findings)
