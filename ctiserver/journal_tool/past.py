"""A stretch of a journal as `acd.sim.retrace` plays it again: arrivals, patience, service times, agents' availability.

Here: reading it out of the records, and the recorded outcomes beside. Not here: playing it, comparing (`retracing`).
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from pathlib import Path
from statistics import median

import msgspec

from acd.core.agent import reachable
from acd.sim.retrace import Let, Outcome, Past, Staff, Visit
from ctiserver import turn
from ctiserver.journal_tool.replaying import stretch
from ctiserver.model import events as ev
from ctiserver.model.causes import EndReason, LegFailure
from ctiserver.model.facts import Customer
from ctiserver.model.ids import AgentId, ContactId, ConversationId, ReservationId
from ctiserver.model.site import SiteConfig
from ctiserver.model.turns import Record
from ctiserver.model.world import World
from ctiserver.replay import world_after

GAVE_UP = (EndReason.ABANDONED, EndReason.LEFT_BY_KEY, EndReason.CALLBACK_BOOKED, EndReason.WITHDRAWN)
"""Ends by the caller's own will, or by a lead's hand: he waits no longer whatever the rules are."""
UNKNOWN = (3.0, 180.0, 0.0)
"""Seconds of pick-up, talk and wrap-up where nobody was ever answered (our choice)."""
_LET = {
    ev.OfferMissed: LegFailure.MISSED,
    ev.OfferRejected: LegFailure.REJECTED,
    ev.OfferUnreachable: LegFailure.UNREACHABLE,
}


class _Draft(msgspec.Struct, kw_only=True):
    """A visit while its records are read."""

    asked: ev.QueueAsked
    at: float
    dialled: str
    caller: str
    customer: Customer | None
    outcome: Outcome
    patience: float = inf
    pickup: float | None = None
    connected_at: float = 0.0
    talk: float | None = None
    wrapping_since: float = 0.0
    wrap_up: float | None = None
    offered: dict[ReservationId, float] = {}
    lets: list[Let] = []


class _Reader:
    def __init__(self, world: World) -> None:
        self.world = world
        self.drafts: list[_Draft] = []
        self.staff: list[Staff] = []
        self.sites: list[tuple[float, SiteConfig]] = []
        self.switched: list[ev.QueueSwitched] = []
        self._live: dict[ConversationId, _Draft] = {}
        self._of: dict[ContactId, _Draft] = {}
        self._last: dict[AgentId, Staff] = {}

    def begin(self, at: float) -> None:
        self.sites.append((at, self.world.site))
        self._look(list(self.world.agents), at)

    def take(self, record: Record) -> None:
        """The record is folded into the world already."""
        touched: dict[AgentId, None] = {}
        for event in record.events:
            match event:
                case ev.SiteChanged():
                    self.sites.append((record.at, event.site))
                    touched.update(dict.fromkeys(self.world.agents))
                case ev.QueueSwitched():
                    self.switched.append(event)
                case ev.QueueAsked():
                    self._asked(event, record.at)
                case ev.QueueRefused():
                    self._refused(event, record.at)
                case _:
                    self._contact(event, record.at)
            agent = getattr(event, "agent", None)
            if agent:
                touched[agent] = None
        self._look(list(touched), record.at)

    def _look(self, agents: list[AgentId], at: float) -> None:
        for name in agents:
            agent = self.world.agents.get(name)
            if agent is None:
                continue
            there = reachable(agent)
            now = (agent.signed_in, agent.ready, agent.reason, there)
            before = self._last.get(name)
            if before is None or now != (before.signed_in, before.ready, before.reason, before.reachable):
                staff = Staff(at=at, agent=name, signed_in=now[0], ready=now[1], reason=now[2], reachable=there)
                self._last[name] = staff
                self.staff.append(staff)

    def _asked(self, event: ev.QueueAsked, at: float) -> None:
        conversation = self.world.conversations.get(event.conversation)
        draft = _Draft(
            asked=event,
            at=at,
            dialled=conversation.dialled if conversation is not None else "",
            caller=conversation.caller_number if conversation is not None else "",
            customer=conversation.customer if conversation is not None else None,
            outcome=Outcome(queue=event.queue),
        )
        self._live[event.conversation] = draft
        self.drafts.append(draft)

    def _refused(self, event: ev.QueueRefused, at: float) -> None:
        draft = self._live.pop(event.conversation, None)
        if draft is not None and not draft.outcome.end:
            draft.outcome.end = event.reason.value
            draft.outcome.wait = at - draft.at

    def _contact(self, event: ev.Event, at: float) -> None:
        if isinstance(event, ev.ContactQueued) and event.conversation in self._live:
            self._of[event.contact] = self._live[event.conversation]
        draft = self._of.get(getattr(event, "contact", None) or ContactId(""))
        if draft is None:
            return
        match event:
            case ev.ContactQueued():
                draft.outcome.queue = event.queue
            case ev.OfferMade():
                draft.offered[event.reservation] = at
            case ev.OfferMissed() | ev.OfferRejected() | ev.OfferUnreachable():
                after = at - draft.offered.get(event.reservation, at)
                draft.lets.append(Let(agent=event.agent, failure=_LET[type(event)], after=after))
            case ev.ContactConnected() if not draft.connected_at:
                draft.connected_at = at
                draft.pickup = at - draft.offered.get(event.reservation, at)
                draft.outcome.agent, draft.outcome.wait = event.agent, at - draft.at
            case ev.WrapUpStarted():
                draft.wrapping_since = at
            case ev.WrapUpEnded():
                draft.wrap_up = at - draft.wrapping_since
            case ev.ContactEnded() if event.reason is not EndReason.OVERFLOWED:
                self._ended(draft, event, at)
            case _:
                pass

    def _ended(self, draft: _Draft, event: ev.ContactEnded, at: float) -> None:
        draft.outcome.end = event.reason.value
        if draft.connected_at:
            draft.talk = at - draft.connected_at
            return
        draft.outcome.wait = at - draft.at
        if event.reason in GAVE_UP:
            draft.patience = at - draft.at

    def past(self, begin: float, end: float) -> tuple[Past, list[Outcome]]:
        for draft in self.drafts:
            if not draft.outcome.end:
                draft.talk = end - draft.connected_at if draft.connected_at else None
                draft.outcome.wait = draft.outcome.wait if draft.connected_at else end - draft.at
        usual = [
            median(known) if (known := [value for value in values if value is not None]) else unknown
            for values, unknown in zip(
                (
                    [draft.pickup for draft in self.drafts],
                    [draft.talk for draft in self.drafts],
                    [draft.wrap_up for draft in self.drafts],
                ),
                UNKNOWN,
                strict=True,
            )
        ]
        visits = tuple(_visit(draft, *usual) for draft in self.drafts)
        past = Past(
            begin=begin,
            end=end,
            sites=tuple(self.sites),
            visits=visits,
            staff=tuple(self.staff),
            switched=tuple(self.switched),
        )
        return past, [draft.outcome for draft in self.drafts]


def _visit(draft: _Draft, pickup: float, talk: float, wrap_up: float) -> Visit:
    return Visit(
        asked=draft.asked,
        at=draft.at,
        dialled=draft.dialled,
        caller=draft.caller,
        customer=draft.customer,
        patience=draft.patience,
        pickup=draft.pickup if draft.pickup is not None else pickup,
        talk=draft.talk if draft.talk is not None else talk,
        wrap_up=draft.wrap_up if draft.wrap_up is not None else wrap_up,
        answered_by=AgentId(draft.outcome.agent) if draft.outcome.agent else None,
        lets=tuple(draft.lets),
    )


def collect(
    folder: Path, first: int, last: int | None, progress: Callable[[int, int], None] = lambda _done, _all: None
) -> tuple[Past, list[Outcome]]:
    """What these records tell, and how each visit ended then. Raises JournalDamaged, CannotTell, OSError."""
    world, cores = world_after(folder, first - 1) if first > 1 else world_after(folder, 0)
    reader = _Reader(world)
    begin = end = 0.0
    for record, _, part in stretch(folder, first, last):
        if not begin:
            begin = record.at
            reader.begin(begin)
        end = record.at
        turn.fold(world, cores, record)
        reader.take(record)
        if record.seq % 200 == 0:
            progress(int(part * 1_000_000), 1_000_000)
    return reader.past(begin, end)
