"""The house with groups of agents, callers of whom something is known, and contacts of other media.

Lives here: what the stories about routing share. Everything goes through the engine as it does in the house: nothing is
put into the world by hand.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ctiserver.model import commands as cmd, events as ev, facts, ids
from ctiserver.model.facts import Customer
from ctiserver.model.ids import AgentId, ContactId, ConversationId, LeaseId, QueueId
from ctiserver.model.routing import VOICE, GroupConfig, ServesConfig, StepConfig
from ctiserver.model.site import AgentConfig, QueueConfig, SiteConfig
from ctiserver.model.work import ContactState
from tests.acd.house import House, label, site


def group(name: str, *serves: ServesConfig, **more: Any) -> GroupConfig:
    return GroupConfig(id=name, name=label(name), serves=serves, **more)


def serves(queue: str, priority: int = 1, delay: float = 0.0, **more: Any) -> ServesConfig:
    return ServesConfig(queue=queue, priority=priority, delay_seconds=delay, **more)


def member(name: str, of: str, **more: Any) -> AgentConfig:
    """An agent who serves what his group serves, and nothing else."""
    return AgentConfig(id=name, name=label(name), group=of, **more)


def grouped(queues: list[QueueConfig], staff: list[AgentConfig], *groups: GroupConfig) -> SiteConfig:
    return msgspec.structs.replace(site(queues, staff), groups=groups)


def step(requires: str = "", seconds: float = 0.0, available_below: int = 0) -> StepConfig:
    return StepConfig(requires=requires, for_seconds=seconds, available_below=available_below)


def at_work(name: str, now: float) -> tuple[ev.Event, ...]:
    """Everything that makes an agent free, in one turn."""
    who, lease = AgentId(name), LeaseId(f"lease-{name}")
    device = {"agent": who, "lease": lease, "endpoint": str(lease), "instance": "page1", "at": now}
    return (
        ev.AgentSignedIn(agent=who, at=now),
        ev.DesktopLinkChanged(agent=who, links=1, at=now),
        ev.DeviceTaken(**device, previous=None, contact=True),  # type: ignore[arg-type]
        ev.DeviceReady(**device),  # type: ignore[arg-type]
        ev.AvailabilityChosen(agent=who, ready=True, reason="", by=name, at=now),
    )


class Office(House):
    """`come` is a caller whose flow asks for an agent, `enter` a contact of any medium, queued as its part will do."""

    def reload(self, config: SiteConfig) -> None:
        """The configuration changes while everything runs."""
        self.take(facts.SiteLoaded(site=config))

    def come(
        self,
        queue: str = "service",
        *,
        number: str = "",
        customer: Customer | None = None,
        dialled: str = "95500",
        requires: str = "",
        priority: float = 0.0,
        agent: str = "",
        data: dict[str, str] | None = None,
        path: tuple[str, ...] = (),
        steps: tuple[StepConfig, ...] = (),
    ) -> ConversationId:
        conversation, started = self._started(number, dialled)
        happened: list[ev.Event] = [started]
        if customer is not None:
            happened.append(ev.CustomerIdentified(conversation=conversation, customer=customer))
        asked = ev.QueueAsked(
            conversation=conversation,
            queue=QueueId(queue),
            requires=requires,
            priority=priority,
            agent=AgentId(agent) if agent else None,
            data=data or {},
            path=path,
            steps=steps,
        )
        self.says(*happened, asked)
        return conversation

    def events_of_a_caller(self, queue: str) -> tuple[ev.Event, ...]:
        """Of one who comes straight into the queue: for many in one turn."""
        conversation, started = self._started("", "")
        return started, self._queued(conversation, queue, VOICE, 0.0, ContactId(f"kt-{self.callers:x}"))

    def ask_again(self, conversation: ConversationId, queue: str) -> None:
        """The flow of a caller who has left a queue sends him into another one."""
        asked = ev.QueueAsked(
            conversation=conversation, queue=QueueId(queue), requires="", priority=0.0, agent=None, data={}, path=()
        )
        self.says(asked)

    def enter(self, queue: str = "service", *, medium: str = VOICE, waited: float = 0.0) -> ConversationId:
        """A contact of this medium; `waited`: seconds that it has waited elsewhere."""
        conversation, started = self._started("", "")
        name = ContactId(f"kt-{self.world.seq + 1:x}")
        self.says(started, self._queued(conversation, queue, medium, waited, name))
        return conversation

    def _queued(
        self, conversation: ConversationId, queue: str, medium: str, waited: float, name: ContactId
    ) -> ev.ContactQueued:
        return ev.ContactQueued(
            contact=name,
            conversation=conversation,
            queue=QueueId(queue),
            requires="",
            priority=0.0,
            only_agent=None,
            data={},
            path=(),
            medium=medium,
            queued_at=self.now - waited,
            at=self.now,
        )

    def _started(self, number: str, dialled: str) -> tuple[ConversationId, ev.ConversationStarted]:
        self.callers += 1
        conversation = ConversationId(f"cx-{self.callers:x}")
        return conversation, ev.ConversationStarted(
            conversation=conversation,
            interaction=ids.InteractionId(f"i{conversation}"),
            leg=ids.LegId(f"sip{conversation}"),
            dialled=dialled,
            caller_number=number,
            caller_name="",
            at=self.now,
        )

    # --- looking ------------------------------------------------------------------------------------

    def waits(self, conversation: ConversationId) -> bool:
        return self.contact(conversation).state is ContactState.WAITING

    def offered_now(self) -> dict[str, str]:
        """Who is being offered which conversation at this moment."""
        return {
            agent: held.conversation
            for held in self.world.reservations.values()
            for agent, offered in held.agents.items()
            if not offered.closed and not held.decided
        }

    def serve(self, conversation: ConversationId, seconds: float = 0.0) -> str:
        """The offered caller is answered, talks so long and hangs up; who served him."""
        name = self.talk(conversation)
        self.wait(seconds)
        self.hang_up(conversation)
        return name

    def order(self, count: int) -> list[ConversationId]:
        """Which callers are offered one after the other, each giving up at once."""
        found: list[ConversationId] = []
        for _ in range(count):
            (conversation,) = self.offered_now().values()
            found.append(ConversationId(conversation))
            self.hang_up(found[-1])
        return found

    def take_away_phone(self, name: str) -> None:
        """The switch has no contact of his softphone any more."""
        self.take(facts.DeviceContact(endpoint=f"lease-{name}", present=False, at=self.now))

    def confirm_of(self, name: str) -> None:
        """The agent's desktop shows the offer."""
        who = AgentId(name)
        held = next(item.reservation for item in self.world.agents[who].work.values() if item.reservation is not None)
        self.take(cmd.ConfirmOffer(**self.who(name), reservation=held))
