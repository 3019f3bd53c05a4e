"""A made-up day of journal records for the projection, and what it must come to. Seeded, so every run is the same."""

from __future__ import annotations

import random
from collections import Counter

from ctiserver.model import events
from ctiserver.model.causes import ClearedBy, EndReason
from ctiserver.model.facts import Customer, Tick
from ctiserver.model.ids import AgentId, ContactId, ConversationId, InteractionId, LegId, QueueId, ReservationId
from ctiserver.model.routing import INTERNAL, OUTBOUND
from ctiserver.model.turns import Record

START = 1_780_000_000.0
QUEUES = (QueueId("service"), QueueId("complaint"), QueueId("order"))
WHY = events.Why(rule="longest_idle", chosen=(), candidates=(), excluded={}, tie_break="id")


class Day:
    """Records of `calls` calls, interleaved; `expected` counts contacts by (queue, end reason or 'here')."""

    def __init__(self, seed: int, calls: int) -> None:
        self._random = random.Random(seed)
        self.expected: Counter[tuple[str, str]] = Counter()
        self.offers = 0
        stories = [self._dialled(n) if n % 5 == 4 else self._call(n) for n in range(calls)]
        self.records: list[Record] = []
        while any(stories):
            story = self._random.choice([each for each in stories if each])
            self.records.append(record(len(self.records) + 1, *story.pop(0)))

    def _call(self, n: int) -> list[tuple[events.Event, ...]]:
        conversation, contact = ConversationId(f"c1-{n:x}"), ContactId(f"k1-{n:x}")
        at, queue = START + 10 * n, self._random.choice(QUEUES)
        turns: list[tuple[events.Event, ...]] = [
            (started(conversation, n, at),),
            (
                events.Established(conversation=conversation, leg=LegId(f"1700.{n}"), at=at + 0.1),
                events.RecordingStarted(conversation=conversation, names=(f"{n}-in", f"{n}-out"), at=at + 0.1),
                events.CustomerIdentified(
                    conversation=conversation, customer=Customer(id="cu-0001", code="1", name="x")
                ),
            ),
            (queued(contact, conversation, queue, at + 1),),
        ]
        for _ in range(self._random.randrange(3)):
            self.offers += 1
            turns.append((offered(contact, conversation, queue, at + 2),))
        reason = self._random.choice([None, *EndReason])
        self.expected[queue, reason.value if reason else "here"] += 1
        if reason is EndReason.ANSWERED:
            turns.append((connected(contact, conversation, at + 5),))
        if reason is not None:
            turns.append(
                (
                    ended(contact, conversation, queue, reason, at + 20),
                    events.CallCleared(conversation=conversation, by=ClearedBy.CUSTOMER, cause=16, at=at + 20),
                    events.RecordingEnded(conversation=conversation, name=f"{n}-in", seconds=19.9, ok=True),
                )
            )
        return turns


    def _dialled(self, n: int) -> list[tuple[events.Event, ...]]:
        """A call that an agent makes: to a number, or to a colleague, which has no queue."""
        conversation, contact = ConversationId(f"c1-{n:x}"), ContactId(f"k1-{n:x}")
        at, queue = START + 10 * n, self._random.choice(QUEUES)
        internal = self._random.random() < 0.3
        queue = QueueId("") if internal else queue
        reason = self._random.choice([None, EndReason.ANSWERED, EndReason.FAILED])
        self.expected[queue, reason.value if reason else "here"] += 1
        turns: list[tuple[events.Event, ...]] = [(made(contact, conversation, queue, at, internal=internal),)]
        leg = LegId(f"{conversation}.c2")
        turns.append(
            (events.CustomerCalled(conversation=conversation, contact=contact, leg=leg, deadline=at + 30, at=at + 1),)
        )
        if reason is EndReason.ANSWERED:
            turns.append((events.Established(conversation=conversation, leg=leg, at=at + 4),))
        if reason is not None:
            over = events.CallCleared(conversation=conversation, by=ClearedBy.CUSTOMER, cause=16, at=at + 9)
            turns.append((ended(contact, conversation, queue, reason, at + 9), over))
        return turns


def made(contact: str, conversation: str, queue: str, at: float, *, internal: bool = False) -> events.CallMade:
    return events.CallMade(
        contact=ContactId(contact),
        conversation=ConversationId(conversation),
        interaction=InteractionId(f"i{conversation}"),
        agent=AgentId("1001"),
        medium=INTERNAL if internal else OUTBOUND,
        queue=QueueId(queue),
        number="1002" if internal else "02012345678",
        to_agent=AgentId("1002") if internal else None,
        shown="95500",
        at=at,
    )


def record(seq: int, *of: events.Event) -> Record:
    return Record(seq=seq, at=START + seq, seed=0, input=Tick(), events=of, effects=())


def started(conversation: str, n: int, at: float, name: str = "张伟") -> events.ConversationStarted:
    return events.ConversationStarted(
        conversation=ConversationId(conversation),
        interaction=InteractionId(f"i1-{n:x}"),
        leg=LegId(f"1700.{n}"),
        dialled="95500",
        caller_number="13900000001",
        caller_name=name,
        at=at,
    )


def queued(contact: str, conversation: str, queue: str, at: float) -> events.ContactQueued:
    return events.ContactQueued(
        contact=ContactId(contact),
        conversation=ConversationId(conversation),
        queue=QueueId(queue),
        requires="billing >= 20",
        queued_at=at,
        priority=0.0,
        only_agent=None,
        data={"order": "4711"},
        path=("main", "menu:2"),
        at=at,
    )


def offered(contact: str, conversation: str, queue: str, at: float) -> events.OfferMade:
    return events.OfferMade(
        reservation=ReservationId("r"),
        contact=ContactId(contact),
        conversation=ConversationId(conversation),
        queue=QueueId(queue),
        agents=(AgentId("1001"),),
        confirm_by=at,
        deadline=at + 20,
        why=WHY,
        at=at,
    )


def connected(contact: str, conversation: str, at: float) -> events.ContactConnected:
    return events.ContactConnected(
        contact=ContactId(contact),
        conversation=ConversationId(conversation),
        reservation=ReservationId("r"),
        agent=AgentId("1001"),
        at=at,
    )


def ended(contact: str, conversation: str, queue: str, reason: EndReason, at: float) -> events.ContactEnded:
    return events.ContactEnded(
        contact=ContactId(contact),
        conversation=ConversationId(conversation),
        queue=QueueId(queue),
        reason=reason,
        at=at,
    )
