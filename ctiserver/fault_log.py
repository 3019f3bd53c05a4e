"""How faults are told: one line in the log each, and a file with the journal's records that led to it.

Lives here: the lines and HOME/faults. Personal data is masked (`personal`). Reading the journal takes a while, so it is
done in a thread. Nothing here decides anything.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import structlog

from ctiserver import journal
from ctiserver.model.faults import MAX_REPAIRS, Fault
from ctiserver.model.turns import Record
from ctiserver.personal import plain

log = structlog.get_logger(__name__)

RECORDS = 20
"""The last records that name a fault's target or its conversation."""
FILES = 200
"""Fault files that are kept; the oldest go first."""


class FaultLog:
    """Tells faults. `folder` is made when the first one comes."""

    def __init__(self, folder: Path, journal_folder: Path) -> None:
        self._folder = folder
        self._journal = journal_folder
        self._tasks: set[asyncio.Task[None]] = set()

    def tell(self, faults: Sequence[Fault]) -> None:
        """Returns at once. A fault that stays is told again at each beat, its records only while it is news."""
        for fault in faults:
            if fault.attempt > MAX_REPAIRS + 1:
                log.error("audit_fault_stays", kind=fault.kind.value, target=fault.target, beats=fault.attempt)
        news = [fault for fault in faults if fault.attempt <= MAX_REPAIRS + 1]
        if news:
            task = asyncio.create_task(self._tell(news), name="fault log")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _tell(self, faults: list[Fault]) -> None:
        names = dict.fromkeys(name for fault in faults for name in (fault.target, fault.conversation) if name)
        try:
            records = await asyncio.to_thread(journal.naming, self._journal, tuple(names), RECORDS)
        except (OSError, journal.JournalDamaged) as error:
            log.warning("fault_records_not_read", reason=str(error))
            records = {}
        for fault in faults:
            own = {r.seq: r for name in (fault.target, fault.conversation) for r in records.get(name or "", [])}
            last = [own[seq] for seq in sorted(own)][-RECORDS:]
            log.error(
                "audit_fault",
                kind=fault.kind.value,
                target=fault.target,
                detail=fault.detail,
                attempt=fault.attempt,
                repair=repair_of(fault, last),
                records=[record.seq for record in last],
            )
            try:
                await asyncio.to_thread(self._write, fault, last)
            except OSError as error:
                log.warning("fault_file_not_written", reason=str(error))

    def _write(self, fault: Fault, records: list[Record]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        at = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
        target = re.sub(r"[^0-9A-Za-z._-]", "_", fault.target)[:80]
        path = self._folder / f"{at}-{fault.kind.value}-{target}.jsonl"
        lines = [fault, *(plain(record, personal=False) for record in records)]
        path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
        for old in sorted(self._folder.glob("*.jsonl"))[:-FILES]:
            old.unlink(missing_ok=True)


def repair_of(fault: Fault, records: list[Record]) -> str:
    """What the cores did about it: their own word."""
    for record in reversed(records):
        for event in record.events:
            if getattr(event, "target", "") == fault.target and getattr(event, "kind", "") is fault.kind:
                return str(getattr(event, "repair", ""))
    return ""
