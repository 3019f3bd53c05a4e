"""The auditor's beat: what counts as confirmed, what it does without a link, how often it tries."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from ctiserver import auditor as driver
from ctiserver.auditor import Auditor
from ctiserver.fault_log import FaultLog
from ctiserver.journal import Journal
from ctiserver.model import events as ev, facts, ids
from ctiserver.model.causes import NO_USER_RESPONSE
from ctiserver.model.errors import SwitchError
from ctiserver.model.facts import SwitchReading
from ctiserver.model.faults import MAX_REPAIRS, Fault, FaultKind
from ctiserver.model.ids import LegId
from ctiserver.model.talk import Role
from ctiserver.model.turns import Input
from ctiserver.silence import PAGE_SILENT, PROBE_AGAIN, SILENT, Silence
from tests.fakes.floor import Floor
from tests.scenarios.conftest import make_site
from tests.scenarios.stories import into_queue, talking


class Reader:
    """The fake switch as the auditor reads it; `between` happens after the first reading of a beat."""

    def __init__(self, floor: Floor) -> None:
        self.floor = floor
        self.readings = 0
        self.between: Callable[[], object] = lambda: None
        self.wait = 0.0
        self.away = False
        self.packets: dict[LegId, int] = {}
        self.refreshed: list[LegId] = []

    async def read(self) -> SwitchReading:
        await asyncio.sleep(self.wait)
        if self.away:
            raise SwitchError("link lost")
        reading = self.floor.switch.reading()
        self.readings += 1
        if self.readings == 1:
            self.between()
        return reading

    async def received(self, leg: LegId) -> int | None:
        return self.packets.get(leg, 0)

    async def refresh(self, leg: LegId) -> None:
        self.refreshed.append(leg)


class House:
    """A floor with an auditor beside it."""

    def __init__(self) -> None:
        self.floor = Floor(make_site())
        self.floor.calm = False
        self.reader = Reader(self.floor)
        self.busy: list[str] = []
        self.fed: list[Input] = []
        self.told: list[list[Fault]] = []
        self.now = 1000.0
        self.repairs = True
        self.silence = Silence(self.floor.world, self.reader, lambda: self.now)
        self.auditor = Auditor(
            self.floor.world,
            lambda: self.floor.acd.index,
            self.reader,
            now=lambda: self.floor.now,
            feed=self.feed,
            idle=lambda lane: lane not in self.busy,
            told=self.told.append,
            silence=self.silence,
            confirm=0.001,
        )

    def feed(self, item: Input) -> None:
        self.fed.append(item)
        if self.repairs:
            self.floor.feed(item)

    async def look(self) -> None:
        self.reader.readings = 0
        await self.auditor.look()
        self.floor.settle()


@pytest.fixture
def house() -> House:
    return House()


async def test_a_quiet_beat_is_one_reading(house: House) -> None:
    talking(house.floor)
    await house.look()
    assert (house.reader.readings, house.auditor.beats, house.fed, house.told) == (1, 1, [], [])


async def test_what_is_only_under_way_is_no_fault(house: House) -> None:
    """The caller has hung up and nobody has told us yet: the first reading shows a leg too many, the second none."""
    caller = into_queue(house.floor)
    house.floor.switch.end(caller)
    house.reader.between = house.floor.settle
    await house.look()
    assert house.reader.readings == 2
    assert house.fed == []
    assert not house.auditor.open


async def test_without_the_second_reading_it_would_be_one(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Auditor, "_about", lambda _self, _fault: b"")
    caller = into_queue(house.floor)
    house.floor.switch.end(caller)
    reading = house.floor.switch.reading()
    monkeypatch.setattr(house.floor.switch, "reading", lambda: reading)
    house.reader.between = house.floor.settle
    await house.auditor.look()
    assert [fault.kind for fault in house.auditor.open] != []


async def test_nothing_is_confirmed_while_an_effect_of_the_call_waits(house: House) -> None:
    into_queue(house.floor)
    house.floor.switch.bridges.clear()
    house.busy = [house.floor.conversation().id]
    await house.look()
    assert house.fed == []
    house.busy = []
    await house.look()
    assert [event.kind for event in house.floor.events(ev.FaultFound)] == [FaultKind.BRIDGE_MISSING]  # type: ignore[attr-defined]
    assert house.floor.switch.bridge_of(house.floor.conversation().customer_leg) == "h"
    await house.look()
    assert not house.auditor.open


async def test_a_beat_without_a_link_or_a_slow_one_is_skipped(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.reader.away = True
    await house.look()
    house.reader.away = False
    monkeypatch.setattr(driver, "DEADLINE", 0.01)
    house.reader.wait = 1.0
    await house.look()
    house.floor.feed(facts.SwitchLost(reason="test"))
    await house.look()
    assert (house.auditor.beats, house.auditor.skipped) == (0, 3)


async def test_a_fault_that_stays_is_told_at_each_beat_and_repaired_only_so_often(house: House) -> None:
    into_queue(house.floor)
    house.floor.switch.bridges.clear()
    house.repairs = False  # nothing helps
    for _ in range(MAX_REPAIRS + 3):
        await house.look()
    assert [[fault.attempt for fault in faults] for faults in house.told] == [[n + 1] for n in range(MAX_REPAIRS + 3)]
    assert len(house.fed) == MAX_REPAIRS + 1, "the last one says that nothing is done any more"
    assert house.auditor.found[FaultKind.BRIDGE_MISSING] == 1
    assert len(house.auditor.open) == 1
    for item in house.fed:
        house.floor.feed(item)
    repairs = [event.repair for event in house.floor.events(ev.FaultFound)]  # type: ignore[attr-defined]
    assert repairs == ["compared with the switch"] * MAX_REPAIRS + [""]


async def test_a_caller_nobody_heard_of_is_taken_in(house: House) -> None:
    house.floor.switch.call("7.1", "95500")
    house.floor.switch.forget_facts()
    await house.look()
    assert house.floor.conversation().customer_leg == "7.1"
    assert house.floor.conversation().answered_at
    await house.look()
    assert not house.auditor.open


async def test_who_is_silent_is_asked_once_and_never_while_he_hears_a_prompt(house: House) -> None:
    caller = into_queue(house.floor)
    conversation = house.floor.conversation()
    for packets in (100, 200):  # he speaks
        house.reader.packets[caller] = packets
        await house.silence.look()
        house.now += SILENT
    conversation.playing = ids.playback(conversation.id, 9)
    await house.silence.look()
    assert house.reader.refreshed == []
    conversation.playing = None
    house.now += SILENT
    await house.silence.look()
    assert house.reader.refreshed == [caller], "no packet for 10 s"
    house.now += SILENT
    await house.silence.look()
    assert house.reader.refreshed == [caller]
    house.now += PROBE_AGAIN
    await house.silence.look()
    assert house.reader.refreshed == [caller, caller]


async def test_a_page_that_asterisk_leaves_silent_is_ended_as_lost_and_rung_again(house: House) -> None:
    """Its rtp_timeout ought to end it after 8 s: once it did not, and the caller heard nothing for good."""
    talking(house.floor)
    conversation = house.floor.conversation()
    (leg,) = [leg.id for leg in conversation.legs.values() if leg.role is Role.AGENT]
    house.reader.packets = {leg: 50, conversation.customer_leg: 50}
    await house.look()
    house.now += PAGE_SILENT - 1
    house.reader.packets[conversation.customer_leg] = 51
    await house.look()
    assert house.told == []
    house.now += 1
    house.reader.packets[conversation.customer_leg] = 52
    await house.look()
    assert [fault.kind for faults in house.told for fault in faults] == [FaultKind.PAGE_SILENT]
    happened = [type(event) for record in house.floor.records for event in record.events]
    assert leg not in conversation.legs, "it was ended"
    assert ev.Queued in happened and happened.index(ev.AgentLegLost) < happened.index(ev.AgentLegBack), "music, then he"
    assert house.reader.refreshed == []


async def test_one_who_never_answered_is_a_fault_and_one_who_hung_up_is_none(house: House) -> None:
    caller = into_queue(house.floor)
    house.reader.packets[caller] = 5
    for _ in range(3):
        await house.silence.look()
        house.now += SILENT
    assert house.reader.refreshed == [caller]
    probed = dict(house.silence._legs)
    house.auditor.leg_ended(caller, 16)
    assert house.fed == []
    house.silence._legs = probed
    house.auditor.leg_ended(caller, NO_USER_RESPONSE)
    assert [fault.kind for faults in house.told for fault in faults] == [FaultKind.CALLER_SILENT]


async def test_a_fault_is_told_with_the_records_that_name_it_and_without_personal_data(
    house: House, tmp_path: Path
) -> None:
    into_queue(house.floor)
    conversation = house.floor.conversation().id
    journal = Journal(tmp_path / "journal")
    for record in house.floor.records:
        journal.append(record)
    faults = FaultLog(tmp_path / "faults", tmp_path / "journal")
    faults.tell([Fault(kind=FaultKind.BRIDGE_MISSING, target=f"{conversation}-h", conversation=conversation)])
    await faults.close()
    journal.close()
    (file,) = (tmp_path / "faults").iterdir()
    assert "13800138000" not in file.read_text()
    fault, *records = [msgspec.json.decode(line) for line in file.read_bytes().splitlines()]
    assert fault["target"] == f"{conversation}-h"
    named = [r.seq for r in house.floor.records if conversation in str(msgspec.to_builtins(r))]
    assert [record["seq"] for record in records] == named[-20:]
