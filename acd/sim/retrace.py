"""A recorded stretch played again under other rules: the same arrivals, people and service times; who gets whom anew.

Lives here: what was recorded (`Past`), and what its callers, phones and agents do while the production core decides in
virtual time (`drive`). Not here: reading a journal, comparing, words. What it assumes is said in ASSUMED, which is
printed with every result. Times are epoch seconds, lengths seconds.
"""

from __future__ import annotations

from math import inf

import msgspec

from acd.core.routing import CONFIRM_WITHIN
from acd.sim.drive import Drive
from ctiserver.model import events as ev
from ctiserver.model.causes import ClearedBy, EndReason, LegFailure
from ctiserver.model.facts import Customer
from ctiserver.model.ids import AgentId, ConversationId, InteractionId, LeaseId, LegId, ReservationId
from ctiserver.model.site import QueueConfig, SiteConfig
from ctiserver.model.talk import Conversation
from ctiserver.model.work import OfferedAgent, WorkKind

ASSUMED = (
    "callers arrive as recorded, and ask for the same queue with the same data",
    "a contact's service time (talk and wrap-up) stays the same, whoever serves it",
    "callers who gave up wait as long as they did; the patience of those who were answered is not known: infinite",
    "agents sign in, take breaks and can be reached as recorded; a contact is picked up as fast as it was",
    "an agent who let an offer of a contact pass does so again; others answer",
    "who was never answered would talk and be wrapped up as long as the median of the answered",
    "a call that leaves its queue by an exit is over; callbacks and what was under way at the beginning are left out",
    "what is under way at the end goes on with the agents of that moment",
)
LONG = 30 * 86_400.0
AFTER = 86_400.0
"""Seconds for which it goes on after the last record, so that calls end."""
NOWHERE = LegId("")


class Let(msgspec.Struct, frozen=True, kw_only=True):
    """An agent let an offer of this visit pass: `failure`, so many seconds after it was made."""

    agent: AgentId
    failure: LegFailure
    after: float


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """One caller who asked for an agent once. `patience`: from his asking on; `pickup`: from offer to answer;
    `answered_by`: who did: of several who are rung at once it is he again."""

    asked: ev.QueueAsked
    at: float
    dialled: str
    caller: str
    customer: Customer | None
    patience: float = inf
    pickup: float = 0.0
    talk: float = 0.0
    wrap_up: float = 0.0
    answered_by: AgentId | None = None
    lets: tuple[Let, ...] = ()


class Staff(msgspec.Struct, frozen=True, kw_only=True):
    """From `at` on an agent is so."""

    at: float
    agent: AgentId
    signed_in: bool
    ready: bool
    reason: str
    reachable: bool


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """A recorded stretch. `sites`: the configuration at its beginning, and its changes."""

    begin: float
    end: float
    sites: tuple[tuple[float, SiteConfig], ...]
    visits: tuple[Visit, ...]
    staff: tuple[Staff, ...]
    switched: tuple[ev.QueueSwitched, ...]


class Outcome(msgspec.Struct, kw_only=True):
    """How a visit went. `queue`: the last it was in; `wait`: until it was answered or ended; `end` '': still there."""

    queue: str
    wait: float = 0.0
    agent: str = ""
    end: str = ""


def retrace(past: Past, changed: SiteConfig | None = None) -> list[Outcome]:
    """The outcomes of `past.visits`, in order, under the recorded configurations, or under `changed` all along."""
    return _Again(past, changed).run()


class _Again:
    def __init__(self, past: Past, changed: SiteConfig | None) -> None:
        self._past = past
        self._outcomes = [Outcome(queue=visit.asked.queue) for visit in past.visits]
        self._lets = [list(visit.lets) for visit in past.visits]
        self._leaving: dict[AgentId, Staff] = {}
        self._live: dict[ConversationId, int] = {}
        self._drive = Drive(
            {
                ev.ContactQueued: self._queued,
                ev.OfferMade: self._offered,
                ev.OfferJoined: self._joined,
                ev.RingCancelled: self._cancelled,
                ev.ContactConnected: self._connected,
                ev.ContactEnded: self._ended,
                ev.QueueRefused: self._refused,
                ev.HangUpAsked: self._hang_up,
                ev.WrapUpStarted: self._wrap,
                **dict.fromkeys(
                    (ev.WrapUpEnded, ev.OfferMissed, ev.OfferRejected, ev.OfferUnreachable, ev.OfferWithdrawn,
                     ev.AgentLegFailed),
                    self._freed,
                ),
            },
            begin=past.begin,
        )  # fmt: skip
        for at, site in past.sites if changed is None else ((past.begin, changed),):
            self._drive.at(at, self._says, ev.SiteChanged(site=_lasting(site)))
        for event in past.switched:
            self._drive.at(event.at, self._says, event)
        for staff in past.staff:
            self._drive.at(staff.at, self._staff, staff)
        for number, visit in enumerate(past.visits):
            self._drive.at(visit.at, self._arrive, number)

    def run(self) -> list[Outcome]:
        self._drive.run(self._past.end + AFTER)
        for number in self._live.values():
            if not self._outcomes[number].agent:
                self._outcomes[number].wait = self._drive.now - self._past.visits[number].at
        return self._outcomes

    def _says(self, event: ev.Event) -> None:
        self._drive.says(event)

    # --- callers ------------------------------------------------------------------------------------

    def _arrive(self, number: int) -> None:
        visit, now = self._past.visits[number], self._drive.now
        name = ConversationId(f"c{number}")
        self._live[name] = number
        self._drive.world.conversations[name] = Conversation(
            id=name,
            interaction=InteractionId(name),
            customer_leg=NOWHERE,
            dialled=visit.dialled,
            caller_number=visit.caller,
            caller_name="",
            arrived_at=now,
            legs={},
            customer=visit.customer,
        )
        if visit.patience < inf:
            self._drive.at(now + visit.patience, self._gives_up, name)
        self._drive.says(msgspec.structs.replace(visit.asked, conversation=name))

    def _gives_up(self, name: ConversationId) -> None:
        if name in self._live and not self._outcomes[self._live[name]].agent:
            self._clear(name)

    def _clear(self, name: ConversationId) -> None:
        if self._live.pop(name, None) is not None:
            self._drive.says(ev.CallCleared(conversation=name, by=ClearedBy.CUSTOMER, cause=16, at=self._drive.now))
            del self._drive.world.conversations[name]

    def _queued(self, event: ev.ContactQueued) -> None:
        self._outcomes[_number(event.conversation)].queue = event.queue

    def _connected(self, event: ev.ContactConnected) -> None:
        number = _number(event.conversation)
        outcome, visit = self._outcomes[number], self._past.visits[number]
        outcome.agent = event.agent
        outcome.wait = self._drive.now - visit.at
        self._drive.at(self._drive.now + visit.talk, self._clear, event.conversation)

    def _ended(self, event: ev.ContactEnded) -> None:
        number = _number(event.conversation)
        outcome = self._outcomes[number]
        outcome.end = event.reason.value if event.reason is not EndReason.OVERFLOWED else ""
        if not outcome.agent:
            outcome.wait = self._drive.now - self._past.visits[number].at

    def _refused(self, event: ev.QueueRefused) -> None:
        """It leaves by an exit of its queue."""
        if event.conversation in self._live:
            self._outcomes[self._live[event.conversation]].end = event.reason.value
            self._drive.at(self._drive.now, self._clear, event.conversation)

    def _hang_up(self, event: ev.HangUpAsked) -> None:
        self._drive.at(self._drive.now, self._clear, event.conversation)

    # --- agents -------------------------------------------------------------------------------------

    def _staff(self, staff: Staff) -> None:
        """He becomes what was recorded. With work in hand nobody signs out: then he goes when it is done."""
        name, drive = staff.agent, self._drive
        agent = drive.world.agents.get(name)
        if agent is None:
            return  # the changed configuration has no such agent
        self._leaving.pop(name, None)
        said: list[ev.Event] = []
        signed_in, ready = staff.signed_in, staff.ready
        if agent.signed_in and not signed_in and agent.work:
            self._leaving[name] = staff
            signed_in, ready = True, False
        if signed_in and not agent.signed_in:
            said.append(ev.AgentSignedIn(agent=name, at=drive.now))
        reachable = staff.reachable or name in self._leaving
        if reachable and agent.device is None:
            lease = LeaseId(f"d{name}")
            said += [
                ev.DeviceTaken(
                    agent=name, lease=lease, endpoint=lease, instance="", previous=None, contact=True, at=drive.now
                ),
                ev.DeviceReady(agent=name, lease=lease, endpoint=lease, instance="", at=drive.now),
            ]
        if reachable is not (agent.links > 0):
            said.append(ev.DesktopLinkChanged(agent=name, links=int(reachable), at=drive.now))
        reason = "" if ready else staff.reason
        if signed_in and (ready, reason) != (agent.ready, agent.reason):
            said.append(ev.AvailabilityChosen(agent=name, ready=ready, reason=reason, by="recorded", at=drive.now))
        if agent.signed_in and not signed_in:
            said.append(ev.AgentSignedOut(agent=name, at=drive.now))
        if said:
            drive.says(*said)

    def _freed(self, event: ev.WrapUpEnded | ev.OfferMissed | ev.AgentLegFailed) -> None:
        if event.agent in self._leaving and not self._drive.world.agents[event.agent].work:
            self._drive.at(self._drive.now, self._staff, self._leaving[event.agent])

    def _offered(self, event: ev.OfferMade) -> None:
        """His page shows it at once; then he answers, or lets it pass as he did."""
        number = _number(event.conversation)
        visit, lets = self._past.visits[number], self._lets[number]
        first = visit.answered_by if visit.answered_by in event.agents else None
        for name in event.agents:
            confirmed = ev.OfferConfirmed(reservation=event.reservation, agent=name, at=self._drive.now)
            self._drive.at(self._drive.now, self._ring, confirmed, event)
            let = next((one for one in lets if one.agent == name), None)
            if let is None and first not in (None, name):
                continue
            if let is None:
                self._drive.at(self._drive.now + visit.pickup, self._answer, event, name)
            else:
                lets.remove(let)
                if let.failure is not LegFailure.MISSED:  # one that is missed ends with its deadline
                    self._drive.at(self._drive.now + let.after, self._fails, event, name, let.failure)

    def _joined(self, event: ev.OfferJoined) -> None:
        """He is rung for an offer that is under way (ring all); the core rings him CONFIRM_WITHIN later."""
        held = self._drive.world.reservations[event.reservation]
        visit = self._past.visits[_number(event.conversation)]
        if visit.answered_by == event.agent or visit.answered_by not in held.agents:
            at = max(self._drive.now + 2 * CONFIRM_WITHIN, held.made_at + visit.pickup)
            self._drive.at(at, self._answer, event, event.agent)

    def _offer(self, reservation: ReservationId, name: AgentId) -> OfferedAgent | None:
        held = self._drive.world.reservations.get(reservation)
        offered = held.agents.get(name) if held is not None else None
        return offered if offered is not None and not offered.withdrawing and not offered.closed else None

    def _ring(self, confirmed: ev.OfferConfirmed, made: ev.OfferMade) -> None:
        offered = self._offer(confirmed.reservation, confirmed.agent)
        if offered is not None and not offered.ringing:
            deadline = self._drive.now + made.deadline - made.confirm_by
            ring = ev.RingAsked(
                reservation=made.reservation,
                contact=made.contact,
                conversation=made.conversation,
                agent=confirmed.agent,
                deadline=deadline,
            )
            self._drive.says(confirmed, ring)

    def _answer(self, made: ev.OfferMade | ev.OfferJoined, name: AgentId) -> None:
        if self._offer(made.reservation, name) is not None:
            self._drive.says(
                ev.AgentLegUp(
                    conversation=made.conversation,
                    reservation=made.reservation,
                    agent=name,
                    leg=NOWHERE,
                    at=self._drive.now,
                )
            )

    def _fails(self, made: ev.OfferMade | ev.RingCancelled, name: AgentId, failure: LegFailure) -> None:
        if isinstance(made, ev.RingCancelled) or self._offer(made.reservation, name) is not None:
            self._drive.says(
                ev.AgentLegFailed(
                    conversation=made.conversation,
                    reservation=made.reservation,
                    agent=name,
                    leg=NOWHERE,
                    failure=failure,
                    at=self._drive.now,
                )
            )

    def _cancelled(self, event: ev.RingCancelled) -> None:
        self._drive.at(self._drive.now, self._fails, event, event.agent, LegFailure.TOO_LATE)

    def _wrap(self, event: ev.WrapUpStarted) -> None:
        wrap_up = self._past.visits[_number(event.conversation)].wrap_up
        self._drive.at(self._drive.now + wrap_up, self._wrapped_up, event)

    def _wrapped_up(self, event: ev.WrapUpStarted) -> None:
        item = self._drive.world.agents[event.agent].work.get(event.contact)
        if item is not None and item.kind is WorkKind.WRAP_UP:
            over = ev.WrapUpEnded(agent=event.agent, contact=event.contact, how="done", at=self._drive.now)
            self._drive.says(over)


def _number(conversation: ConversationId) -> int:
    return int(conversation[1:])


def _lasting(site: SiteConfig) -> SiteConfig:
    """Wrap-ups end when the recorded ones did, not by the queue's or the agent's limit."""

    def queue(config: QueueConfig) -> QueueConfig:
        return msgspec.structs.replace(config, wrap_up_seconds=LONG)

    agents = tuple(msgspec.structs.replace(agent, wrap_up_seconds=None) for agent in site.agents)
    return msgspec.structs.replace(site, queues=tuple(map(queue, site.queues)), agents=agents)
