"""Plays the calls core, the ACD and the clock for the IVR core: a caller in virtual time.

Every turn goes through JSON (journal and snapshot would do the same), so what cannot be stored is found at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from ctiserver.model import events as e
from ctiserver.model.causes import ClearedBy, EndReason
from ctiserver.model.facts import Customer, Fact, SeenChannel, SwitchSeen
from ctiserver.model.ids import ContactId, ConversationId, Ids, InteractionId, LegId, QueueId, ReservationId
from ctiserver.model.ivr import IvrSession, IvrStep
from ctiserver.model.site import AgentConfig, FlowConfig, Label, NumberConfig, QueueConfig, SiteConfig
from ctiserver.model.talk import Conversation, Leg, LegState, Place, Role
from ctiserver.model.world import Ctx, World, WorldState
from ivr.flow.numbers import vocabulary
from ivr.runtime import Ivr

PROMPTS = [
    "welcome",
    "recorded_notice",
    "menu_main",
    "menu_invalid",
    "menu_no_input",
    "collect_order",
    "order_thanks",
    "connecting",
    "queue_wait",
    "queue_next",
    "queue_position",
    "queue_position_end",
    "queue_time",
    "queue_time_to",
    "queue_time_most",
    "queue_time_soon",
    "minutes",
    "two_of",
    "no_agents",
    "goodbye",
    "technical_problem",
    *vocabulary("en"),
]
CONVERSATION = ConversationId("ct-1")
CONTACT = ContactId("kt-1")
CALLER = LegId("1700000000.1")
START = 1000.0

_event_encoder = msgspec.json.Encoder()
_event_decoder = msgspec.json.Decoder(e.Event)


def label(text: str) -> Label:
    return Label(zh=text, en=text)


def site_with(*documents: tuple[str, str], number: str = "95500", prompts: Iterable[str] = PROMPTS) -> SiteConfig:
    """A site whose number leads to the first of the (flow id, document) pairs."""
    return SiteConfig(
        numbers=(NumberConfig(number=number, flow=documents[0][0], name=label("demo")),),
        queues=tuple(QueueConfig(id=name, name=label(name)) for name in ("service", "complaint", "order")),
        agents=(
            AgentConfig(id="1001", name=label("Li"), skills={"mandarin": 90, "sales": 60}, queues=("service", "order")),
        ),
        flows=tuple(FlowConfig(id=name, revision=7, document=text) for name, text in documents),
        prompts={name: {lang: f"sound:{lang}/{name}" for lang in ("zh", "en")} for name in prompts},
    )


class Caller:
    """One call, from its answer to its end. `heard` is every event but IvrChanged, in order."""

    def __init__(self, site: SiteConfig, *, dialled: str = "95500", customer: Customer | None = None) -> None:
        self.core = Ivr()
        self.now = START
        self.turns = 0
        self.world = World(WorldState(site=site, switch_up=True))
        self.heard: list[e.Event] = []
        self.all_events: list[e.Event] = []
        self.last: IvrSession | None = None
        self.hidden: list[bool] = []
        leg = Leg(id=CALLER, role=Role.CUSTOMER, state=LegState.CONNECTED, created_at=self.now)
        self.conversation = Conversation(
            id=CONVERSATION,
            interaction=InteractionId("it-1"),
            customer_leg=CALLER,
            dialled=dialled,
            caller_number="13800000001",
            caller_name="",
            arrived_at=self.now,
            legs={CALLER: leg},
            place=Place.IVR,
            customer=customer,
        )
        self.world.conversations[CONVERSATION] = self.conversation

    @property
    def session(self) -> IvrSession | None:
        return self.world.ivr.get(CONVERSATION)

    def turn(self, item: e.Event | Fact) -> list[e.Event]:
        """One item through decide and apply, and what follows from it in the calls core."""
        self.turns += 1
        before = self.stored()
        decision = self.core.decide(self.world, item, Ctx(now=self.now, ids=Ids("t", self.turns), seed=0))
        assert self.stored() == before, "decide changed the world"
        if isinstance(item, e.DeadlinePassed):
            self.core.apply(self.world, item)
        made: list[e.Event] = [_event_decoder.decode(_event_encoder.encode(event)) for event in decision.events]
        assert made == list(decision.events), "an event does not survive the journal"
        for event in made:
            self.core.apply(self.world, event)
            if isinstance(event, e.IvrChanged):
                self.last = event.session or self.last
            elif isinstance(event, e.QueueAsked):
                self.conversation.place = Place.WAITING
        self.all_events.extend(made)
        self.heard.extend(event for event in made if not isinstance(event, e.IvrChanged))
        for event in made:
            if isinstance(event, e.PromptStopAsked):  # its end is told later, as on a real switch
                made += self.turn(
                    e.PromptEnded(conversation=CONVERSATION, request=event.request, ok=True, interrupted=True)
                )
        return made

    def stored(self) -> bytes:
        return msgspec.json.encode(self.world.state())

    def restart(self) -> None:
        """The server is killed and comes back from its snapshot."""
        self.world = World(msgspec.json.decode(self.stored(), type=WorldState))
        self.conversation = self.world.conversations[CONVERSATION]
        self.core = Ivr()
        channel = SeenChannel(id=CALLER, state="Up", created_at=START)
        self.turn(SwitchSeen(channels=(channel,), bridges=(), contacts=()))

    def answered(self) -> None:
        self.turn(e.Established(conversation=CONVERSATION, leg=CALLER, at=self.now))

    def prompt_ends(self, *, ok: bool = True, request: int | None = None) -> None:
        number = request if request is not None else self.session.request if self.session else 0
        self.turn(e.PromptEnded(conversation=CONVERSATION, request=number, ok=ok, interrupted=False))

    def press(self, key: str) -> None:
        """As the dispatcher does it: the core is asked first whether the digit must be masked."""
        masked = self.core.masks(self.world, CONVERSATION, key)
        self.hidden.append(masked)
        self.turn(
            e.DigitReceived(
                conversation=CONVERSATION, leg=CALLER, digit="*" if masked else key, masked=masked, at=self.now
            )
        )

    def wait(self, seconds: float) -> None:
        until = self.now + seconds
        while (due := self.world.deadlines.next()) is not None and due <= until:
            self.now = max(self.now, due)
            key = self.world.deadlines.first_due(self.now)
            assert key is not None
            self.turn(e.DeadlinePassed(key=key, at=self.now))
            assert self.world.deadlines.first_due(self.now) != key, "the deadline stays due"
        self.now = until

    def refused(self, reason: EndReason, key: str = "") -> None:
        self.conversation.place = Place.IVR
        self.turn(e.QueueRefused(conversation=CONVERSATION, reason=reason, key=key))

    def told(self, prompt: str, position: int, low: float, high: float) -> None:
        """The ACD says that it is time to tell the waiting caller something."""
        self.turn(
            e.ComfortDue(
                contact=CONTACT,
                conversation=CONVERSATION,
                queue=QueueId("service"),
                prompt=prompt,
                position=position,
                low=low,
                high=high,
                at=self.now,
            )
        )

    def offered(self) -> None:
        self.turn(
            e.OfferMade(
                reservation=ReservationId("r1"),
                contact=CONTACT,
                conversation=CONVERSATION,
                queue=QueueId("service"),
                agents=(),
                confirm_by=self.now,
                deadline=self.now,
                why=e.Why(rule="", chosen=(), candidates=(), excluded={}, tie_break=""),
                at=self.now,
            )
        )

    def answered_by_agent(self) -> None:
        self.conversation.place = Place.TALKING

    def identified(self, customer: Customer | None) -> None:
        self.conversation.customer = customer
        self.turn(e.CustomerIdentified(conversation=CONVERSATION, customer=customer))

    def hangs_up(self) -> None:
        self.conversation.cleared = True
        self.turn(e.CallCleared(conversation=CONVERSATION, by=ClearedBy.CUSTOMER, cause=16, at=self.now))


def told(event: e.Event) -> str:
    """One event as a line of a case."""
    match event:
        case e.PromptAsked():
            assert event.media == tuple(f"sound:{prompt}" for prompt in event.prompts)
            return " ".join(["says", *event.prompts]) + ("" if event.interruptible else " (to its end)")
        case e.PromptStopAsked():
            return "stops"
        case e.QueueAsked():
            words = [f"queues {event.queue}", f"path {'/'.join(event.path)}"]
            words += [f"priority {event.priority:g}"] if event.priority else []
            words += [f"agent {event.agent}"] if event.agent else []
            words += [f"requires {event.requires}"] if event.requires else []
            words += [f"data {name}={value}" for name, value in event.data.items()]
            return ", ".join(words)
        case e.LeaveAsked():
            return f"leaves by {event.key}"
        case e.HangUpAsked():
            return f"hangs up {event.cause}"
        case e.IvrEnded():
            return f"ends {event.reason}"
        case _:
            raise AssertionError(f"the IVR core must not emit {type(event).__name__}")


def steps(trace: tuple[IvrStep, ...]) -> str:
    return " ".join(f"{step.node}:{step.exit}" for step in trace)


FLOWS = Path(__file__).parent / "flows"
DEMO = Path(__file__).parents[2] / "ivr" / "demo" / "main.json"


def flow_text(name: str) -> str:
    return (DEMO if name == "main" else FLOWS / f"{name}.json").read_text(encoding="utf-8")
