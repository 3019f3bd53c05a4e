"""The IVR core: runs flows from wait to wait. Decides and applies; never acts (DESIGN sections 1 and 4).

Lives here: which items move a session, the run from node to node, limits, start, end and recovery. Must not live
here: what a node means (ivr.nodes), playing and bridges (ctiserver.calls), clocks, I/O. A session is pinned to the
flow revision it began with, so the site must keep a revision while a caller is in it.
"""

from __future__ import annotations

import msgspec

from ctiserver.model.causes import EndReason
from ctiserver.model.events import (
    CallbackBooked,
    CallbackRefused,
    CallCleared,
    CallerReturned,
    ComfortDue,
    CustomerIdentified,
    DeadlinePassed,
    DigitReceived,
    Established,
    Event,
    HangUpAsked,
    IvrChanged,
    IvrEnded,
    LeaveAsked,
    OfferMade,
    PromptEnded,
    QueueRefused,
    Transferred,
)
from ctiserver.model.facts import SwitchSeen
from ctiserver.model.faults import Fault, FaultKind
from ctiserver.model.ids import ConversationId
from ctiserver.model.ivr import IvrSession, IvrStep
from ctiserver.model.site import SiteConfig
from ctiserver.model.talk import Conversation, LegState, Place
from ctiserver.model.turns import NOTHING, Decision, Item
from ctiserver.model.world import Ctx, World
from ivr import comfort
from ivr.flow.document import EMERGENCY, Flow
from ivr.flow.speech import Speech
from ivr.nodes.base import Target
from ivr.nodes.run import Run
from ivr.nodes.set import LANGUAGE
from ivr.nodes.table import AnyNode
from ivr.session import call_variables, customer_variables, flow_of, language_of, secret_ahead

MAX_STEPS_A_RUN = 200  # nodes entered without a wait: more is a loop
MAX_STEPS = 2000  # nodes entered in one session
MAX_TRACE = 100  # latest steps kept

DIGITS = tuple("0123456789")

DEADLINE = "ivr."
"""Our keys in the book of deadlines: this and the conversation's id."""


class Ivr:
    """The IVR core; it has no state of its own."""

    def decide(self, world: World, item: Item, ctx: Ctx) -> Decision:
        match item:
            case Established():
                events = self._established(world, item, ctx.now)
            case PromptEnded():
                events = self._prompt_ended(world, item, ctx.now)
            case DigitReceived():
                events = self._digit(world, item, ctx.now)
            case DeadlinePassed() if item.key.startswith(DEADLINE):
                events = self._deadline(world, item, ctx.now)
            case QueueRefused():
                events = self._refused(world, item, ctx.now)
            case ComfortDue():
                events = self._comfort(world, item, ctx.now)
            case OfferMade():
                events = self._offered(world, item)
            case CallbackBooked() | CallbackRefused():
                events = self._call_back(world, item, ctx.now)
            case Transferred() if item.flow:
                events = self._transferred(world, item, ctx.now)
            case CallCleared():
                events = self._cleared(world, item)
            case CustomerIdentified():
                events = self._identified(world, item)
            case SwitchSeen():
                events = self._switch_seen(world, item, ctx.now)
            case CallerReturned():
                events = self._again(world, item.conversation, ctx.now)
            case _:
                return NOTHING
        return Decision(events=tuple(events)) if events else NOTHING

    def apply(self, world: World, event: Event) -> None:
        match event:
            case IvrChanged(session=IvrSession() as session):
                world.ivr[event.conversation] = session
                if session.deadline is None:
                    world.deadlines.drop(DEADLINE + event.conversation)
                else:
                    world.deadlines.set(DEADLINE + event.conversation, session.deadline)
            case IvrChanged() | IvrEnded():
                world.ivr.pop(event.conversation, None)
                world.deadlines.drop(DEADLINE + event.conversation)
            case DeadlinePassed() if event.key.startswith(DEADLINE):
                world.deadlines.drop(event.key)
            case _:
                pass

    def masks(self, world: World, conversation: ConversationId, key: str = "0") -> bool:
        """Whether this key of this caller must be masked before it is written anywhere: a masked entry is awaited, or
        comes next without a word from the caller, so that what he types now is typed ahead for it. In a queue or a talk
        nobody asks for digits but those by which he may leave: the others are his own affair. Only digits are secret:
        # and * must arrive as they are, for one of them may end the entry."""
        if key not in DIGITS:
            return False
        session = world.ivr.get(conversation)
        found = world.conversations.get(conversation)
        if session is not None and session.waiting == "queue" and found is not None:
            return key not in self._leave_keys(world, found)
        if session is None or session.waiting not in ("prompt", "digits"):
            return False
        flow = flow_of(world.site, session)
        return flow is not None and secret_ahead(flow, session.node)

    # --- items --------------------------------------------------------------------------------

    def _established(self, world: World, item: Established, now: float) -> list[Event]:
        conversation = world.conversations.get(item.conversation)
        if (
            conversation is None
            or conversation.customer_leg != item.leg
            or conversation.place not in (Place.NEW, Place.IVR)
            or conversation.cleared
            or item.conversation in world.ivr
        ):
            return []
        return start(world.site, conversation, now)

    def _prompt_ended(self, world: World, item: PromptEnded, now: float) -> list[Event]:
        session = world.ivr.get(item.conversation)
        if session is None or session.request != item.request:
            return []
        if comfort.announcing(session):
            return [IvrChanged(conversation=item.conversation, session=comfort.announced(session))]
        if session.waiting != "prompt":
            return []
        return _Resumed(world, item.conversation, session, now).prompt_ended(ok=item.ok)

    def _digit(self, world: World, item: DigitReceived, now: float) -> list[Event]:
        session = world.ivr.get(item.conversation)
        conversation = world.conversations.get(item.conversation)
        if session is None or conversation is None or conversation.customer_leg != item.leg:
            return []
        if session.waiting == "queue":
            leaves = item.digit in self._leave_keys(world, conversation) and not item.masked
            return [LeaveAsked(conversation=item.conversation, key=item.digit)] if leaves else []
        if session.waiting not in ("prompt", "digits") or session.ending:
            return []
        return _Resumed(world, item.conversation, session, now).digit(item.digit, masked=item.masked)

    def _deadline(self, world: World, item: DeadlinePassed, now: float) -> list[Event]:
        conversation = ConversationId(item.key.removeprefix(DEADLINE))
        session = world.ivr.get(conversation)
        if session is None or session.deadline is None or session.deadline > now:
            return []
        if session.waiting == "queue":
            return comfort.silenced(conversation, session)
        resumed = _Resumed(world, conversation, session, now)
        if session.waiting == "prompt":
            resumed.run.stop_prompt()
            return resumed.prompt_ended(ok=False)
        return resumed.timed_out() if session.waiting == "digits" else []

    def _refused(self, world: World, item: QueueRefused, now: float) -> list[Event]:
        session = world.ivr.get(item.conversation)
        if session is None:
            return self._nowhere(world, item, now)
        if session.waiting != "queue":
            return []
        # Whoever moves the caller out of the music stops what plays in it.
        return _Resumed(world, item.conversation, comfort.announced(session), now).refused(item.reason, item.key)

    def _nowhere(self, world: World, item: QueueRefused, now: float) -> list[Event]:
        """A customer who was called back, then sent to a queue that gives him back: no flow has him. He hears why."""
        conversation = world.conversations.get(item.conversation)
        leg = conversation.legs.get(conversation.customer_leg) if conversation is not None else None
        if conversation is None or conversation.cleared or leg is None or leg.state is not LegState.CONNECTED:
            return []
        return start(world.site, conversation, now, flow="") if conversation.handed else []

    def _comfort(self, world: World, item: ComfortDue, now: float) -> list[Event]:
        """Unless he is still listening to the last one."""
        session, conversation = world.ivr.get(item.conversation), world.conversations.get(item.conversation)
        if session is None or session.waiting != "queue" or comfort.announcing(session):
            return []
        if conversation is None or conversation.cleared or conversation.place is not Place.WAITING:
            return []
        return _Resumed(world, item.conversation, session, now).announce(comfort.speech(item))

    def _offered(self, world: World, item: OfferMade) -> list[Event]:
        """Somebody is found for him: an announcement of how long it takes would be wrong by now."""
        session = world.ivr.get(item.conversation)
        return comfort.silenced(item.conversation, session) if session is not None else []

    def _leave_keys(self, world: World, conversation: Conversation) -> dict[str, Target]:
        """The keys by which this caller may leave his queue now."""
        session = world.ivr.get(conversation.id)
        if session is None or session.waiting != "queue" or conversation.place is not Place.WAITING:
            return {}
        return comfort.leave_keys(flow_of(world.site, session), session)

    def _call_back(self, world: World, item: CallbackBooked | CallbackRefused, now: float) -> list[Event]:
        name = item.asked_in if isinstance(item, CallbackBooked) else item.conversation
        session = world.ivr.get(name) if name is not None else None
        if name is None or session is None or session.waiting != "callback":
            return []
        return _Resumed(world, name, session, now).answered(item.why if isinstance(item, CallbackRefused) else "")

    def _cleared(self, world: World, item: CallCleared) -> list[Event]:
        session = world.ivr.get(item.conversation)
        if session is None:
            return []
        return _ended(item.conversation, "queued" if session.waiting == "queue" else "caller_gone")

    def _transferred(self, world: World, item: Transferred, now: float) -> list[Event]:
        """An agent has sent the customer into a flow: whatever he was in before is over."""
        conversation = world.conversations.get(item.conversation)
        if conversation is None or conversation.cleared:
            return []
        old = world.ivr.get(item.conversation)
        over = _ended(item.conversation, "transferred") if old is not None else []
        asked = old.request if old is not None else 0
        return [*over, *start(world.site, conversation, now, flow=item.flow, asked=asked)]

    def _identified(self, world: World, item: CustomerIdentified) -> list[Event]:
        session = world.ivr.get(item.conversation)
        if session is None:
            return []
        flow = flow_of(world.site, session)
        chosen = LANGUAGE in session.variables  # by the flow itself: that stays
        changed = msgspec.structs.replace(
            session,
            variables=session.variables | customer_variables(item.customer),
            language=session.language if chosen else language_of(flow or EMERGENCY, item.customer),
        )
        return [IvrChanged(conversation=item.conversation, session=changed)]

    def _switch_seen(self, world: World, item: SwitchSeen, now: float) -> list[Event]:
        """Whoever was in a prompt, or was to press a key, hears the prompt again: nobody knows what he missed."""
        present = [channel.id for channel in item.channels if channel.in_app]
        events: list[Event] = []
        for name in world.ivr:
            conversation = world.conversations.get(name)
            if conversation is not None and conversation.customer_leg in present:
                events.extend(self._again(world, name, now))
        return events

    def _again(self, world: World, name: ConversationId, now: float) -> list[Event]:
        session, conversation = world.ivr.get(name), world.conversations.get(name)
        if session is None or conversation is None or conversation.cleared:
            return []
        if session.waiting == "queue":  # he hears the next one; whether this one still plays nobody knows
            return comfort.silenced(name, session)
        return _Resumed(world, name, session, now).again() if session.waiting in ("prompt", "digits") else []


# --- runs ---------------------------------------------------------------------------------------


def start(
    site: SiteConfig, conversation: Conversation, now: float, *, flow: str | None = None, asked: int = 0
) -> list[Event]:
    """A new session of the flow, or of the dialled number's, run to its first wait. Without a usable flow: the
    apology. `asked`: prompts that the caller's last session asked for, so that no number is used twice."""
    name = flow
    if name is None:
        name = next((number.flow for number in site.numbers if number.number == conversation.dialled), "")
    revisions = [flow.revision for flow in site.flows if flow.id == name]
    session = IvrSession(
        flow=name,
        revision=max(revisions, default=0),
        node="",
        language="",
        variables=call_variables(conversation) | customer_variables(conversation.customer),
        started_at=now,
        request=max(asked, conversation.prompts_made),
    )
    document = flow_of(site, session) or EMERGENCY
    session = msgspec.structs.replace(session, language=language_of(document, conversation.customer))
    run = Run(conversation.id, session, document.languages, site, now)
    return _Flowing(run, document).go_to(document.start, failed=False)


class _Flowing:
    """A run through a flow."""

    def __init__(self, run: Run, flow: Flow) -> None:
        self.run = run
        self.flow = flow
        self.entered = 0

    def leave(self, node: AnyNode, by: str | None) -> list[Event]:
        """Leave the node by this exit; None = it waits, or it has ended the flow."""
        if by is None:
            return self.events()
        self._close_step(by)
        return self.go_to(node.targets().get(by), failed=by == "error")

    def go_to(self, target: str | None, *, failed: bool) -> list[Event]:
        """Enter the node and those after it, up to the next wait."""
        while target is not None:
            node = self.flow.nodes.get(target)
            if node is None:
                self.run.note(f"no node {target}")
                return self.finish(failed=True)
            if self.entered >= MAX_STEPS_A_RUN or self.run.session.steps >= MAX_STEPS:
                self.run.note("too many steps")
                return self.finish(failed=True)
            self.entered += 1
            self._enter(target)
            by = node.enter(self.run)
            if by is None:
                return self.events()
            self._close_step(by)
            failed, target = by == "error", node.targets().get(by)
        return self.finish(failed=failed)

    def _close_step(self, by: str) -> None:
        trace = self.run.session.trace
        self.run.change(trace=(*trace[:-1], *(msgspec.structs.replace(step, exit=by) for step in trace[-1:])))

    def _enter(self, name: str) -> None:
        session = self.run.session
        step = IvrStep(node=name, exit="", at=self.run.now)
        self.run.change(
            node=name,
            waiting="",
            deadline=None,
            attempt=0,
            steps=session.steps + 1,
            trace=(*session.trace, step)[-MAX_TRACE:],
        )

    def finish(self, *, failed: bool) -> list[Event]:
        """The flow's end: its last prompt, then hang up."""
        speech = (self.flow.problem or self.flow.goodbye) if failed else self.flow.goodbye
        self.run.change(
            node="", waiting="", deadline=None, ending="error" if failed else "hung_up", digits="", swallow=""
        )
        if speech:
            self.run.play(speech, interruptible=False)
        return self.events()

    def events(self) -> list[Event]:
        """What the run decided. A session that waits for nothing is over."""
        run, session = self.run, self.run.session
        changed = IvrChanged(conversation=run.conversation, session=session)
        if session.waiting:
            return [*run.stops, changed, *run.asks]
        hang_up = HangUpAsked(conversation=run.conversation, cause=run.cause)
        return [*run.stops, changed, hang_up, *_ended(run.conversation, session.ending)]


class _Resumed:
    """A session that goes on after a wait."""

    def __init__(self, world: World, conversation: ConversationId, session: IvrSession, now: float) -> None:
        flow = flow_of(world.site, session)
        self.run = Run(conversation, session, (flow or EMERGENCY).languages, world.site, now)
        self.flowing = _Flowing(self.run, flow or EMERGENCY)
        self.node = None if session.ending else self.flowing.flow.nodes.get(session.node)

    def prompt_ended(self, *, ok: bool) -> list[Event]:
        if self.run.session.ending:  # the last prompt has been said
            self.run.change(waiting="", deadline=None)
            return self.flowing.events()
        if self.node is None:
            return self._lost()
        return self.flowing.leave(self.node, self.node.prompt_ended(self.run, ok=ok))

    def digit(self, digit: str, *, masked: bool) -> list[Event]:
        if self.node is None:
            return self._lost()
        hidden = masked or (digit in DIGITS and secret_ahead(self.flowing.flow, self.run.session.node))
        counts = self.run.typed(digit, masked=hidden)
        session = self.run.session
        if not counts or (session.waiting == "prompt" and not session.interruptible):
            return self.flowing.events()
        if session.waiting == "prompt":
            self.run.stop_prompt()
        return self.flowing.leave(self.node, self.node.digit(self.run))

    def timed_out(self) -> list[Event]:
        return self._lost() if self.node is None else self.flowing.leave(self.node, self.node.timed_out(self.run))

    def refused(self, reason: EndReason, key: str) -> list[Event]:
        if self.node is None:
            return self._lost()
        by = self.node.left_by(self.run, key) if key else self.node.refused(self.run, reason)
        return self.flowing.leave(self.node, by)

    def announce(self, speech: Speech) -> list[Event]:
        self.run.announce(speech)
        return self.flowing.events()

    def answered(self, refused: str) -> list[Event]:
        """A callback is booked, or refused by this word."""
        if self.node is None:
            return self._lost()
        by = self.node.not_booked(self.run, refused) if refused else self.node.booked(self.run)
        return self.flowing.leave(self.node, by)

    def again(self) -> list[Event]:
        """Enter the wait again: repeat the prompt, keep the digits."""
        was_playing = self.run.session.waiting == "prompt"
        if was_playing:
            self.run.stop_prompt()
        repeated = self.run.play_again()
        return self.prompt_ended(ok=False) if was_playing and not repeated else self.flowing.events()

    def _lost(self) -> list[Event]:
        """The site no longer has this revision (or it lost the node): say sorry rather than nothing."""
        self.run.note("the flow is gone")
        if self.run.session.waiting == "prompt":
            self.run.stop_prompt()
        return self.flowing.finish(failed=True)


def _ended(conversation: ConversationId, reason: str) -> list[Event]:
    return [IvrChanged(conversation=conversation, session=None), IvrEnded(conversation=conversation, reason=reason)]


# --- the auditor -----------------------------------------------------------------------------------


def faults(world: World) -> list[Fault]:
    """Callers in a flow whose wait would never end: its deadline is not in the book."""
    return [
        Fault(
            kind=FaultKind.DEADLINE_MISSING,
            target=DEADLINE + name,
            conversation=name,
            detail=f"deadline {DEADLINE}{name} is missing",
            due=session.deadline,
        )
        for name, session in world.ivr.items()
        if session.deadline is not None and world.deadlines.get(DEADLINE + name) is None
    ]
