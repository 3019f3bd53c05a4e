"""What a kill -9 may not change, judged after each one: the sound, the world, the desktops. Numbers from the issue.

Faults are collected, not raised: one broken promise does not hide the others. Here: judging and the report's data. Not
here: the rounds (campaign.py), writing reports (report.py).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from ctiserver.model import events as ev, facts
from ctiserver.model.ids import ContactId
from ctiserver.model.turns import Record
from ctiserver.model.world import World
from ctiserver.replay import difference, folded
from tests.harness.rtp import RtpEndpoint
from tests.live import kills

LONGEST_GAP = 60.0
"""Milliseconds without a packet that a talking or waiting caller may notice."""
BACK_WITHIN = 2.0
"""Seconds from the start of the new process until /readyz says 200."""


class Round(msgspec.Struct, kw_only=True):
    """One kill. `gaps`: longest gap and sound lost in ms by caller; lateness of this machine in ms."""

    number: int
    kind: str
    moment: float
    ready: float = 0.0
    without_processor: float = 0.0
    """seconds of `ready` in which the new process had work and no processor (schedstat)"""
    own_late: float = 0.0
    asterisk_late: float = 0.0
    speakers_late: float = 0.0
    """of browsers and softphones, whose agents' callers hear it too"""
    spoken: set[str] = set()
    """those callers"""
    gaps: dict[str, tuple[float, float]] = {}
    faults: list[str] = []

    @contextmanager
    def judging(self, what: str) -> Iterator[None]:
        """A failed assertion within is a fault of this round."""
        try:
            yield
        except AssertionError as error:
            self.faults.append(f"{what}: {str(error) or 'not true'}"[:400])

    def worst_gap(self) -> float:
        """Longest gap less what this machine itself was late, in ms, of those who hear Asterisk or a telephone.

        A browser makes pauses of its own and catches up: what its caller hears is judged by the sound that is lost.
        """
        gaps = [gap for name, (gap, _) in self.gaps.items() if name not in self.spoken]
        return max(0.0, max(gaps, default=0.0) - self.own_late - self.asterisk_late)

    def worst_lost(self) -> float:
        """Sound that never came, in ms, as measured."""
        return max((lost for _, lost in self.gaps.values()), default=0.0)

    def silenced(self) -> float:
        """The same, less what a browser or softphone could not say for want of a processor."""
        return max(
            (lost - (self.speakers_late if name in self.spoken else 0.0) for name, (_, lost) in self.gaps.items()),
            default=0.0,
        )


def readiness(one: Round, ready: float, pid: int) -> None:
    """`ready` seconds after its start the new process said so."""
    one.ready = ready
    one.without_processor = int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    with one.judging("ready"):
        net = ready - one.without_processor
        assert net < BACK_WITHIN, f"only after {ready:.2f} s, {net:.2f} s of them its own"


def sound(
    one: Round, ends: dict[str, RtpEndpoint], spoken: set[str], lateness: kills.Lateness, killed: float
) -> None:
    """From just before the kill until now. `spoken`: who hears a browser or softphone."""
    begin, end = killed - 0.2, time.monotonic()
    one.spoken = spoken
    one.own_late, one.asterisk_late = lateness.worst(begin, end), lateness.starved(begin, end)
    one.speakers_late = lateness.starved(begin, end, "speakers")
    for name, rtp in ends.items():
        with one.judging(f"sound of {name}"):
            one.gaps[name] = (rtp.longest_gap(begin, end), kills.sound_lost(rtp, begin, end))
    with one.judging("sound"):
        assert one.silenced() < LONGEST_GAP, f"{one.silenced():.0f} ms of sound never came"
        assert one.worst_gap() < LONGEST_GAP, f"a gap of {one.worst_gap():.0f} ms beyond this machine's own lateness"


class Moved(msgspec.Struct, kw_only=True):
    """Who did something in this very moment, or was just arriving: their state is judged by what they hear and see."""

    agents: set[str] = set()
    contacts: set[str] = set()
    numbers: set[str] = set()
    """of callers"""


def world(one: Round, records: Sequence[Record], moved: Moved) -> None:
    """The new server's world is the old one's to the last bit of what lasts, but for those who moved: as recovered, and
    after it has looked at the switch. A running offer is one that moved: a restart takes it back, to be made again."""
    last = kills.starts(records)[-1]
    seen = next(n for n, r in enumerate(records) if n > last and isinstance(r.input, facts.SwitchSeen))
    before = _without(folded(records[:last]), moved)
    for what, until in (("as recovered", seen), ("compared with the switch", seen + 1)):
        with one.judging(f"the world {what}"):
            where = difference(before, _without(folded(records[:until]), moved))
            assert not where, f"differs at {where}"


def _without(world: World, moved: Moved) -> dict[str, Any]:
    lasting = kills.lasting(world)
    numbers = {conversation.id: conversation.caller_number for conversation in world.conversations.values()}
    return {
        "contacts": {name: value for name, value in lasting["contacts"].items() if name not in moved.contacts},
        "queue": [name for name in lasting["queue"] if name not in moved.contacts],
        "agents": {name: value for name, value in lasting["agents"].items() if name not in moved.agents},
        "places": {
            name: value
            for name, value in lasting["places"].items()
            if value[1] not in moved.agents and numbers[name] not in moved.numbers
        },
    }


def offered_again(one: Round, records: Sequence[Record], contact: str, agent: str) -> None:
    """An offer that rang when the server died is made again, to the same agent, and the caller keeps his place."""
    last = kills.starts(records)[-1]
    with one.judging("the offer"):
        before, after = folded(records[:last]).contacts[ContactId(contact)], folded(records)
        if (now := after.contacts.get(ContactId(contact))) is not None:
            assert now.queued_at == before.queued_at, "he lost his place"
        made = [
            event.agents
            for record in records[last:]
            for event in record.events
            if isinstance(event, ev.OfferMade) and event.contact == contact
        ]
        talks = any(isinstance(e, ev.ContactConnected) and e.contact == contact for r in records for e in r.events)
        assert talks or made == [(agent,)], f"offers since: {made}"


def desktops(one: Round, before: dict[str, dict[str, Any]], now: dict[str, dict[str, Any]], busy: set[str]) -> None:
    """Every desktop shows what it showed, but for the agents who did something in this very moment."""
    for user, shown in before.items():
        if user not in busy:
            with one.judging(f"desktop of {user}"):
                where = difference(shown, now[user])
                assert not where, f"differs at {where}"
