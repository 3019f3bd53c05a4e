"""The people of a simulation: callers who arrive, lose patience, talk; agents who come, answer, wrap up and go.

Lives here: what the conversation core, the phones and the people would do, on the ACD core in virtual time (`drive`).
Not here: any decision on who gets whom; that is the production core's. Not played: announcements, callbacks and menus
(a call that leaves its queue by an exit is over), and agents who decline.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf

import msgspec

from acd.sim.drive import Drive
from acd.sim.scenario import Call, Scenario
from ctiserver.model import commands as cmd, events as ev
from ctiserver.model.causes import ClearedBy, EndReason, LegFailure
from ctiserver.model.errors import InvariantBroken
from ctiserver.model.facts import Customer
from ctiserver.model.ids import (
    AgentId,
    ContactId,
    ConversationId,
    InteractionId,
    LeaseId,
    LegId,
    QueueId,
    ReservationId,
)
from ctiserver.model.site import Label, QueueConfig, ReasonConfig, SiteConfig
from ctiserver.model.talk import Conversation
from ctiserver.model.work import ContactState, OfferedAgent, WorkKind

SHIFT_OVER = "shift_over"
BACK_AFTER = 60.0
"""Seconds after which an agent who was set not ready for missed offers is ready again (our choice)."""
LONG = 7 * 86_400.0
NOWHERE = LegId("")


class Outcome(msgspec.Struct, kw_only=True):
    """How a call went. `at`: seconds of the day; `queue`: the last it was in; `wait`: from its arrival to the answer or
    its end; `end` None and `answered` False: still waiting."""

    at: float
    kind: str
    queue: str
    wait: float = 0.0
    talk: float = 0.0
    answered: bool = False
    agent: str = ""
    end: EndReason | None = None


class Level:
    """A number that goes up and down: its integral over time, by interval. Times in seconds of the day."""

    def __init__(self, begin: float, end: float, interval: float) -> None:
        self._begin, self._end, self._interval = begin, end, interval
        self._since, self._value = begin, 0
        self.areas = [0.0] * max(1, -int((begin - end) // interval))

    def add(self, at: float, delta: int) -> None:
        value, since = self._value, self._since
        at = min(at, self._end)
        while since < at:
            place = min(int((since - self._begin) / self._interval), len(self.areas) - 1)
            border = self._begin + (place + 1) * self._interval
            until = at if place == len(self.areas) - 1 else min(at, border)
            self.areas[place] += value * (until - since)
            since = until
        self._since, self._value = at, value + delta


class Day(msgspec.Struct, kw_only=True):
    """What a simulation gives. `busy` and `staffed`: agent-seconds by interval. `entered`: contacts by queue, `ended`:
    the same by reason; `here`: those that are still there. `steps`: inputs to the core."""

    outcomes: list[Outcome]
    busy: list[float]
    staffed: list[float]
    entered: dict[str, int]
    ended: dict[str, dict[EndReason, int]]
    here: dict[str, int]
    steps: int


class _Live(msgspec.Struct):
    call: Call
    outcome: Outcome


class Centre:
    """One day. `progress`: called with the time of the day at the end of each interval."""

    def __init__(
        self, scenario: Scenario, calls: Sequence[Call], progress: Callable[[float], None] | None = None
    ) -> None:
        self._scenario, self._calls, self._progress = scenario, calls, progress
        self._zero = scenario.midnight
        self._live: dict[ConversationId, _Live] = {}
        self._outcomes: list[Outcome] = []
        self._entered: dict[str, int] = {}
        self._ended: dict[str, dict[EndReason, int]] = {}
        self._busy = Level(scenario.begin, scenario.end, scenario.interval)
        self._staffed = Level(scenario.begin, scenario.end, scenario.interval)
        self._working: dict[AgentId, None] = {}
        self._leaving: dict[AgentId, None] = {}
        self._due: dict[AgentId, int] = {}  # shifts he is in
        self.drive = Drive(
            {
                ev.ContactQueued: self._queued,
                ev.CallerTurnedAway: self._turned_away,
                ev.OfferMade: self._offered,
                ev.OfferJoined: self._joined,
                ev.RingAsked: self._ring,
                ev.RingCancelled: self._cancelled,
                ev.ContactConnected: self._connected,
                ev.ContactEnded: self._contact_ended,
                ev.QueueRefused: self._refused,
                ev.HangUpAsked: self._hang_up,
                ev.WrapUpStarted: self._wrap,
                ev.AvailabilityChosen: self._availability,
                **dict.fromkeys(
                    (
                        ev.WrapUpEnded,
                        ev.OfferMissed,
                        ev.OfferRejected,
                        ev.OfferUnreachable,
                        ev.OfferWithdrawn,
                        ev.AgentLegFailed,
                    ),
                    self._freed,
                ),
            },
            begin=self._zero + scenario.begin,
        )
        self.drive.says(ev.SiteChanged(site=_site(scenario)))
        for shift in scenario.shifts:
            begin, end = max(shift.begin, scenario.begin), min(shift.end, scenario.end)
            if begin < end:
                self.drive.at(self._zero + begin, self._sign_on, AgentId(shift.agent))
                if end < scenario.end:
                    self.drive.at(self._zero + end, self._sign_off, AgentId(shift.agent))
        if progress is not None:
            self.drive.at(self._zero + scenario.begin + scenario.interval, self._beat)
        self._next_call(0)

    def run(self) -> Day:
        """The whole day. Raises InvariantBroken when a call was lost or counted twice."""
        self.drive.run(self._zero + self._scenario.end)
        now = self._time()
        self._busy.add(now, 0)
        self._staffed.add(now, 0)
        here: dict[str, int] = {}
        for contact in self.drive.world.contacts.values():
            if contact.state is not ContactState.ENDED:
                here[contact.queue] = here.get(contact.queue, 0) + 1
        day = Day(
            outcomes=self._outcomes,
            busy=self._busy.areas,
            staffed=self._staffed.areas,
            entered=self._entered,
            ended=self._ended,
            here=here,
            steps=self.drive.steps,
        )
        conserved(day, len(self._calls))
        return day

    def _time(self) -> float:
        return self.drive.now - self._zero

    def _beat(self) -> None:
        if self._progress is not None:
            self._progress(self._time())
            self.drive.at(self.drive.now + self._scenario.interval, self._beat)

    # --- callers ------------------------------------------------------------------------------------

    def _next_call(self, number: int) -> None:
        if number < len(self._calls):
            self.drive.at(self._zero + self._calls[number].at, self._arrive, number)

    def _arrive(self, number: int) -> None:
        call, now = self._calls[number], self.drive.now
        self._next_call(number + 1)
        kind, name = call.kind, ConversationId(f"c{number}")
        known = None
        if call.customer or kind.classes:
            known = Customer(id=call.customer, code="", name="", classes=kind.classes)
        self.drive.world.conversations[name] = Conversation(
            id=name,
            interaction=InteractionId(name),
            customer_leg=NOWHERE,
            dialled=kind.number,
            caller_number="",
            caller_name="",
            arrived_at=now,
            legs={},
            customer=known,
        )
        outcome = Outcome(at=call.at, kind=kind.id, queue=kind.queue)
        self._outcomes.append(outcome)
        self._live[name] = _Live(call, outcome)
        if call.patience < inf:
            self.drive.at(now + call.patience, self._out_of_patience, name)
        self.drive.says(
            ev.QueueAsked(
                conversation=name,
                queue=QueueId(kind.queue),
                requires=kind.requires,
                priority=kind.priority,
                agent=None,
                data=kind.data,
                path=(),
            )
        )

    def _out_of_patience(self, name: ConversationId) -> None:
        live = self._live.get(name)
        if live is not None and not live.outcome.answered:
            self._clear(name)

    def _clear(self, name: ConversationId) -> None:
        """The caller is gone."""
        if self._live.pop(name, None) is not None:
            self.drive.says(ev.CallCleared(conversation=name, by=ClearedBy.CUSTOMER, cause=16, at=self.drive.now))
            del self.drive.world.conversations[name]

    def _queued(self, event: ev.ContactQueued) -> None:
        self._entered[event.queue] = self._entered.get(event.queue, 0) + 1
        live = self._live.get(event.conversation)
        if live is not None:
            live.outcome.queue = event.queue
            live.outcome.end = None  # after an overflow

    def _turned_away(self, event: ev.CallerTurnedAway) -> None:
        """He was there, and the queue did not take him: the core counts it so."""
        self._entered[event.queue] = self._entered.get(event.queue, 0) + 1
        by = self._ended.setdefault(event.queue, {})
        by[event.reason] = by.get(event.reason, 0) + 1

    def _connected(self, event: ev.ContactConnected) -> None:
        live = self._live[event.conversation]
        live.outcome.answered = True
        live.outcome.agent = event.agent
        live.outcome.wait = self._time() - live.call.at
        self.drive.at(self.drive.now + live.call.talk, self._clear, event.conversation)

    def _contact_ended(self, event: ev.ContactEnded) -> None:
        by = self._ended.setdefault(event.queue, {})
        by[event.reason] = by.get(event.reason, 0) + 1
        number = _number(event.conversation)
        outcome = self._outcomes[number]
        outcome.end = event.reason
        if outcome.answered:
            outcome.talk = self._calls[number].talk
        else:
            outcome.wait = self._time() - outcome.at

    def _refused(self, event: ev.QueueRefused) -> None:
        """It leaves by an exit of its queue: here it is over."""
        live = self._live.pop(event.conversation, None)
        if live is not None:
            live.outcome.wait = self._time() - live.call.at
            live.outcome.end = event.reason
            self.drive.world.conversations[event.conversation].cleared = True
            self.drive.at(self.drive.now, self._forget, event.conversation)

    def _hang_up(self, event: ev.HangUpAsked) -> None:
        self.drive.at(self.drive.now, self._clear, event.conversation)

    def _forget(self, name: ConversationId) -> None:
        self.drive.world.conversations.pop(name, None)

    # --- agents -------------------------------------------------------------------------------------

    def _sign_on(self, name: AgentId) -> None:
        self._due[name] = self._due.get(name, 0) + 1
        drive, agent = self.drive, self.drive.world.agents[name]
        self._leaving.pop(name, None)
        if not agent.signed_in:
            lease = LeaseId(f"d{name}")
            taken = ev.DeviceTaken(
                agent=name, lease=lease, endpoint=lease, instance="", previous=None, contact=True, at=drive.now
            )
            drive.take(cmd.SignIn(id="", by=name, agent=name))
            drive.says(
                ev.DesktopLinkChanged(agent=name, links=1, at=drive.now),
                taken,
                ev.DeviceReady(agent=name, lease=lease, endpoint=lease, instance="", at=drive.now),
            )
            self._staffed.add(self._time(), 1)
        if not agent.ready:
            drive.take(cmd.SetReady(id="", by=name, agent=name))

    def _sign_off(self, name: AgentId) -> None:
        self._due[name] -= 1
        if self._due[name]:
            return  # the next shift has begun
        self._leaving[name] = None
        if self.drive.world.agents[name].ready:
            self.drive.take(cmd.SetNotReady(id="", by=name, agent=name, reason=SHIFT_OVER))
        self._go(name)

    def _go(self, name: AgentId) -> None:
        if name in self._leaving and not self.drive.world.agents[name].work:
            del self._leaving[name]
            self.drive.take(cmd.SignOut(id="", by=name, agent=name))
            self._staffed.add(self._time(), -1)

    def _offered(self, event: ev.OfferMade) -> None:
        for name in event.agents:
            self._at_work(name, event.reservation)

    def _joined(self, event: ev.OfferJoined) -> None:
        self._at_work(event.agent, event.reservation)

    def _at_work(self, name: AgentId, reservation: ReservationId) -> None:
        if name not in self._working:
            self._working[name] = None
            self._busy.add(self._time(), 1)
        self.drive.at(self.drive.now, self._painted, reservation, name)

    def _painted(self, reservation: ReservationId, name: AgentId) -> None:
        """His page shows the offer: now it may ring."""
        offered = self._offer(reservation, name)
        if offered is not None and not offered.confirmed and not offered.withdrawing and not offered.closed:
            self.drive.take(cmd.ConfirmOffer(id="", by=name, agent=name, reservation=reservation))

    def _offer(self, reservation: ReservationId, name: AgentId) -> OfferedAgent | None:
        held = self.drive.world.reservations.get(reservation)
        return held.agents.get(name) if held is not None else None

    def _freed(self, event: ev.WrapUpEnded | ev.OfferMissed | ev.AgentLegFailed) -> None:
        name = event.agent
        if name in self._working and not self.drive.world.agents[name].work:
            del self._working[name]
            self._busy.add(self._time(), -1)
            if name in self._leaving:
                self.drive.at(self.drive.now, self._go, name)

    def _ring(self, event: ev.RingAsked) -> None:
        live = self._live[event.conversation]
        self.drive.at(self.drive.now + live.call.answer, self._answer, event)

    def _answer(self, event: ev.RingAsked) -> None:
        offered = self._offer(event.reservation, event.agent)
        if offered is not None and offered.ringing and not offered.withdrawing:
            self.drive.says(
                ev.AgentLegUp(
                    conversation=event.conversation,
                    reservation=event.reservation,
                    agent=event.agent,
                    leg=NOWHERE,
                    at=self.drive.now,
                )
            )

    def _cancelled(self, event: ev.RingCancelled) -> None:
        self.drive.at(self.drive.now, self._stopped_ringing, event)

    def _stopped_ringing(self, event: ev.RingCancelled) -> None:
        self.drive.says(
            ev.AgentLegFailed(
                conversation=event.conversation,
                reservation=event.reservation,
                agent=event.agent,
                leg=NOWHERE,
                failure=LegFailure.TOO_LATE,
                at=self.drive.now,
            )
        )

    def _wrap(self, event: ev.WrapUpStarted) -> None:
        wrap = self._calls[_number(event.conversation)].wrap
        if wrap is not None:
            self.drive.at(self.drive.now + wrap, self._wrapped_up, event.agent, event.contact)

    def _wrapped_up(self, name: AgentId, contact: ContactId) -> None:
        agent = self.drive.world.agents[name]
        item = agent.work.get(contact)
        if item is not None and item.kind is WorkKind.WRAP_UP:
            done = cmd.FinishWrapUp(
                id="", by=name, agent=name, contact=contact, disposition="", note="", ready=agent.ready
            )
            self.drive.take(done)

    def _availability(self, event: ev.AvailabilityChosen) -> None:
        if event.by == "misses" and event.agent not in self._leaving:
            self.drive.at(self.drive.now + BACK_AFTER, self._back, event.agent)

    def _back(self, name: AgentId) -> None:
        agent = self.drive.world.agents[name]
        if agent.signed_in and not agent.ready and name not in self._leaving:
            self.drive.take(cmd.SetReady(id="", by=name, agent=name))


def conserved(day: Day, calls: int) -> None:
    """Exact: every call is one outcome, and per queue entered = each end + still here. Raises InvariantBroken."""
    if len(day.outcomes) != calls:
        raise InvariantBroken(f"{calls} calls, {len(day.outcomes)} arrived")
    for queue in sorted({**day.entered, **day.ended, **day.here}):
        entered, ended, here = day.entered.get(queue, 0), day.ended.get(queue, {}), day.here.get(queue, 0)
        if entered != sum(ended.values()) + here:
            raise InvariantBroken(f"queue {queue}: {entered} entered, {ended} ended, {here} still here")
    still = sum(1 for outcome in day.outcomes if outcome.end is None)
    if still != sum(day.here.values()):
        raise InvariantBroken(f"{still} calls without an end, {day.here} still here")


def _number(conversation: ConversationId) -> int:
    """Which call it is."""
    return int(conversation[1:])


def _site(scenario: Scenario) -> SiteConfig:
    """The configuration as it is simulated: nobody files dispositions; where a kind of call brings its own wrap-up, the
    queue's does not end it."""
    own = [kind.queue for kind in scenario.kinds if kind.wrap is not None]
    site = scenario.site
    reason = ReasonConfig(id=SHIFT_OVER, name=Label(zh="下班", en="Shift over"))

    def queue(config: QueueConfig) -> QueueConfig:
        wrap = LONG if config.id in own else config.wrap_up_seconds
        return msgspec.structs.replace(config, disposition_required=False, wrap_up_seconds=wrap)

    agents = site.agents
    if own:
        agents = tuple(msgspec.structs.replace(agent, wrap_up_seconds=None, phone="") for agent in agents)
    return msgspec.structs.replace(
        site, queues=tuple(queue(config) for config in site.queues), agents=agents, reasons=(*site.reasons, reason)
    )
