"""Queue rules: when a queue takes no caller, which queue takes him instead, and what becomes of those who wait.

Lives here: opening hours and the emergency switch, no agent, full, overflow by length, predicted wait and waiting time.
Not here: how a calendar reads (`hours`), how a contact is made (`entry`), what it asks of an agent (`waiting`).

A caller is sent on at most MAX_HOPS times, and never to a queue that he has been in or was sent on from. When a queue
must send him away (closed, nobody there, full) and the way ends at a queue that cannot take him, his flow goes on with
the reason of the queue that he asked for. A queue that could keep him (overflow) sends him only where he is taken.
These rules are about callers: callbacks and contacts for one named agent stay (of those only the length counts).
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from acd.core import contact as contacts, entry, forecast, hours, outcomes
from acd.core.index import Index
from ctiserver.model import events as ev
from ctiserver.model.causes import EndReason
from ctiserver.model.ids import AgentId, ConversationId, QueueId
from ctiserver.model.routing import VOICE
from ctiserver.model.site import QueueConfig
from ctiserver.model.talk import Conversation
from ctiserver.model.work import Contact, ContactState
from ctiserver.model.world import Ctx, World

MAX_HOPS = 5
"""How often a caller is sent on (our choice: a longer way is a mistake in the configuration)."""
LOOK_AHEAD = 7
"""Days: a queue's hours are looked at again at their next change, or after so long."""
LEAVE = "leave"
"""QueueConfig.at_close: those who wait go when the queue closes."""

Events = tuple[ev.Event, ...]
Been = tuple[QueueId, ...]


def hours_key(queue: str) -> str:
    return f"acd.hours:{queue}"


class Way(msgspec.Struct, frozen=True):
    """Where a caller ends up: `queue`, or None when his flow goes on for `reason`; `away`: who sent him on, and why."""

    queue: QueueId | None
    reason: EndReason
    away: tuple[ev.CallerTurnedAway, ...] = ()


class Rules:
    """The rules as of one decision; who is sent to a queue in it counts there, since the world changes only later."""

    def __init__(self, world: World, index: Index, ctx: Ctx) -> None:
        self._world = world
        self._index = index
        self._ctx = ctx
        self._sent: dict[QueueId, int] = {}

    # --- what a queue says ------------------------------------------------------------------------------

    def staffed(self, queue: QueueId) -> bool:
        """Whether anybody who serves the queue is signed in."""
        counts = self._index.counts.get(queue, {})
        return any(count for status, count in counts.items() if status != "signed_out")

    def refuses(self, queue: QueueId) -> EndReason | None:
        """Why the queue takes no caller now; None: it takes them."""
        config = self._world.queue_configs.get(queue)
        if config is None:
            return EndReason.FAILED
        if not is_open(self._world, queue, self._ctx.now):
            return EndReason.CLOSED
        if (config.no_agent_leaves or config.when_no_agent) and not self.staffed(queue):
            return EndReason.OVERFLOWED
        return EndReason.REJECTED if self._waiting(queue) >= config.max_waiting else None

    def _waiting(self, queue: QueueId) -> int:
        return self._index.waiting.get(queue, 0) + self._sent.get(queue, 0)

    # --- entering ---------------------------------------------------------------------------------------

    def asked(self, event: ev.QueueAsked) -> Events:
        """A flow wants an agent for its caller."""
        world = self._world
        conversation = world.conversations.get(event.conversation)
        if conversation is None or not on_the_line(conversation) or self._has_contact(event.conversation):
            return ()
        unknown = event.agent is not None and event.agent not in world.agent_configs
        if unknown or event.queue not in world.queue_configs:
            return (ev.QueueRefused(conversation=event.conversation, reason=EndReason.FAILED),)
        way = self._way(event, ())
        if way.queue is None:
            return (*way.away, ev.QueueRefused(conversation=event.conversation, reason=way.reason))
        if way.queue != event.queue:  # what the flow asked for was for the other queue's agents
            event = msgspec.structs.replace(event, queue=way.queue, requires="", steps=())
        been = tuple(one.queue for one in way.away)
        return (*way.away, entry.queued(world, event, conversation, self._ctx, been=been))

    def _has_contact(self, conversation: ConversationId) -> bool:
        """One at a time."""
        return self._index.live(conversation) is not None

    def _way(self, asked: ev.QueueAsked, been: Been) -> Way:
        """Where a caller who asks for this queue is queued. `been`: where he must not come again."""
        queue = asked.queue
        if asked.agent is not None:  # neither hours nor overflow keep a caller from the one he is sent to
            if self._waiting(queue) < self._world.queue_configs[queue].max_waiting:
                return Way(queue, EndReason.ANSWERED)
            return Way(None, EndReason.REJECTED, (self._away(asked, queue, EndReason.REJECTED, None),))
        away: tuple[ev.CallerTurnedAway, ...] = ()
        while True:
            config = self._world.queue_configs[queue]
            refused = self.refuses(queue)
            if refused is None:
                to = self._overflow(config, (*been, queue))
                if to is None:
                    return Way(queue, EndReason.ANSWERED, away)
            else:
                to = _instead(config, refused)
                if to is not None and (to not in self._world.queue_configs or not _new(to, (*been, queue))):
                    to = None
            away = (*away, self._away(asked, queue, refused or EndReason.OVERFLOWED, to))
            if to is None:
                return Way(None, away[0].reason, away)
            queue, been = to, (*been, queue)

    def _away(self, asked: ev.QueueAsked, queue: QueueId, reason: EndReason, to: QueueId | None) -> ev.CallerTurnedAway:
        return ev.CallerTurnedAway(conversation=asked.conversation, queue=queue, reason=reason, to=to, at=self._ctx.now)

    def _overflow(self, config: QueueConfig, been: Been) -> QueueId | None:
        """Where a caller who enters this queue goes at once, because too many wait or it would take too long."""
        queue = QueueId(config.id)
        waits = self._waiting(queue)
        for rule in config.overflow:
            over = 0 < rule.waiting_over < waits
            if not over and rule.predicted_over_seconds:
                free = not waits and self._index.counts.get(queue, {}).get("eligible", 0)
                wait = None if free else forecast.predicted(self._world, queue, waits + 1)
                over = wait is not None and wait > rule.predicted_over_seconds
            if over and self._takes(QueueId(rule.to), been):
                return QueueId(rule.to)
        return None

    def _takes(self, to: QueueId, been: Been) -> bool:
        return _new(to, been) and self.refuses(to) is None

    # --- those who wait ---------------------------------------------------------------------------------

    def over_due(self, contact: Contact | None) -> Events:
        """It has waited long enough to go to another queue, if one takes it. One that rings an agent now stays."""
        if contact is None or contact.state is not ContactState.WAITING or not is_caller(contact):
            return ()
        config = self._world.queue_configs.get(contact.queue)
        for rule in config.overflow if config is not None else ():
            waited = self._ctx.now - contact.entered_at
            if 0 < rule.after_seconds <= waited and self._takes(QueueId(rule.to), (*contact.been, contact.queue)):
                return self._sent_on(contact, EndReason.OVERFLOWED, QueueId(rule.to))
        return ()

    def closing(self, queue: QueueId) -> Events:
        """The queue may have closed: those who wait leave, if that is its rule."""
        config = self._world.queue_configs.get(queue)
        if config is None or config.at_close != LEAVE or is_open(self._world, queue, self._ctx.now):
            return ()
        return self._all_leave(config, EndReason.CLOSED)

    def deserted(self, agent: AgentId) -> Events:
        """He has signed out: who waits in a queue that nobody serves any more leaves, if that is its rule."""
        events: Events = ()
        for queue in self._world.serves.get(agent, {}):
            config = self._world.queue_configs[queue]
            if (config.no_agent_leaves or config.when_no_agent) and not self.staffed(queue):
                events = (*events, *self._all_leave(config, EndReason.OVERFLOWED))
        return events

    def _all_leave(self, config: QueueConfig, reason: EndReason) -> Events:
        """In the order in which they would have been served. Nobody stays in a closed queue; one that has no agent
        keeps those whom it cannot send on, unless they are to leave."""
        ranked = sorted(
            contacts.rank_key(contact, config)
            for contact in self._world.contacts.values()
            if contact.queue == config.id
            and contact.state in (ContactState.WAITING, ContactState.RESERVED)
            and is_caller(contact)
        )
        to = _instead(config, reason)
        events: list[ev.Event] = []
        for key in ranked:
            contact = self._world.contacts[key[-1]]
            taken = to is not None and self._takes(to, (*contact.been, contact.queue))
            if not taken and reason is EndReason.OVERFLOWED and not config.no_agent_leaves:
                continue
            events.extend(self._sent_on(contact, reason, to if taken else None))
        return tuple(events)

    def _sent_on(self, contact: Contact, reason: EndReason, to: QueueId | None) -> Events:
        """The contact ends here. A new one of the same caller, with his time of arrival, is queued in `to`, or where
        that one's overflow sends him; without `to` his flow goes on."""
        withdrawn = outcomes.withdrawn(self._world, contact, self._ctx.now)
        conversation = self._world.conversations.get(contact.conversation)
        if to is None or conversation is None:
            return (*withdrawn, *contacts.left(contact, reason, self._ctx.now))
        asked = ev.QueueAsked(
            conversation=contact.conversation,
            queue=to,
            requires="",
            priority=0.0,
            agent=None,
            data=contact.data,
            path=contact.path,
        )
        way = self._way(asked, (*contact.been, contact.queue))
        queue = way.queue or to
        self._sent[queue] = self._sent.get(queue, 0) + 1
        been = (*contact.been, contact.queue, *(one.queue for one in way.away))
        asked = msgspec.structs.replace(asked, queue=queue)
        made = entry.queued(self._world, asked, conversation, self._ctx, been=been, moved=contact)
        return (*withdrawn, contacts.end(contact, reason, self._ctx.now), *way.away, made)


def is_open(world: World, queue: QueueId, now: float) -> bool:
    """Whether it takes callers, by its hours and the emergency switch."""
    if queue in world.closed_queues:
        return False
    calendar = world.calendars.get(queue)
    return calendar is None or hours.open_at(calendar, now)


def on_the_line(conversation: Conversation) -> bool:
    """Whether there is still somebody to queue."""
    return not conversation.cleared


def is_caller(contact: Contact) -> bool:
    """Someone who hears music and whose flow goes on after the queue: no callback, nobody's own contact, and not a
    caller who has talked already and lost his agent (his flow is over)."""
    return contact.medium == VOICE and contact.only_agent is None and not contact.connected_at


def _instead(config: QueueConfig, reason: EndReason) -> QueueId | None:
    """The queue that takes those whom this one turns away for this reason."""
    match reason:
        case EndReason.CLOSED:
            return QueueId(config.when_closed) or None
        case EndReason.REJECTED:
            return QueueId(config.when_full) or None
        case _:
            return QueueId(config.when_no_agent) or None


def _new(to: QueueId, been: Been) -> bool:
    return to not in been and len(been) <= MAX_HOPS


# --- the clock of the hours -----------------------------------------------------------------------------


def arm_hours(world: World, queue: QueueId, now: float) -> None:
    """Set the moment at which the queue's hours are looked at next."""
    calendar = world.calendars.get(queue)
    if calendar is None:
        world.deadlines.drop(hours_key(queue))
        return
    change = hours.next_change(calendar, now, LOOK_AHEAD)
    world.deadlines.set(hours_key(queue), change if change is not None else now + 86_400.0 * LOOK_AHEAD)


def site_changed(world: World, before: tuple[QueueId, ...], now: float) -> None:
    """Every queue's hours anew. `before`: the queues that had some until now."""
    for queue in before:
        world.deadlines.drop(hours_key(queue))
    for queue in world.calendars:
        arm_hours(world, queue, now)
    for queue in [name for name in world.closed_queues if name not in world.queue_configs]:
        del world.closed_queues[queue]
    for queue in [name for name in world.forecasts if name not in world.queue_configs]:
        del world.forecasts[queue]


def wanted(world: World) -> Iterator[tuple[str, float]]:
    """The deadlines of queues; what is missing is looked at now."""
    for queue in world.calendars:
        yield hours_key(queue), world.now
