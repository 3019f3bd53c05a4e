"""The situations in which inputs reach the ACD, and whom and what those inputs are about.

A small house with one agent, one caller and one of everything that has a clock.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ctiserver.model import commands as cmd, events as ev, ids
from ctiserver.model.causes import Unreached
from ctiserver.model.routing import (
    Algorithm,
    CallbackConfig,
    ComfortConfig,
    GroupConfig,
    OutboundConfig,
    OverflowConfig,
    ServesConfig,
    StepConfig,
)
from ctiserver.model.site import SiteConfig
from tests.acd.house import House, agent, label, phone, queue, site

CALL = ids.ConversationId("cx-1")
NUMBER = "13900000001"
WHO, OTHER = ids.AgentId("1001"), ids.AgentId("1002")
UNKNOWN = ids.ReservationId("runknown-1")



def config(kind: Algorithm = Algorithm.LONGEST_IDLE) -> SiteConfig:
    """The queue has a step of 60 s, a group that sees its contacts after 90 s, overflow after 300 s, comfort every
    40 s, callbacks; 20 s to answer, 30 s wrap-up, at most 3,600 s wait."""
    service = queue(
        "service",
        algorithm=kind,
        steps=(StepConfig(for_seconds=60.0, wait_over_seconds=3000.0), StepConfig()),
        overflow=(OverflowConfig(to="second", after_seconds=300.0),),
        comfort=ComfortConfig(prompt="wait", first_seconds=40.0, every_seconds=40.0),
        callback=CallbackConfig(retry_seconds=100.0, keep_seconds=5000.0),
    )
    late = GroupConfig(id="late", name=label("late"), serves=(ServesConfig(queue="service", delay_seconds=90.0),))
    staff = [agent("1001"), agent("1002"), agent("1003", "second", group="late")]
    made = site([service, queue("second")], staff, [phone("p1", contact="sip:p1@192.0.2.1")], (late,))
    return msgspec.structs.replace(made, outbound=OutboundConfig(trunk="192.0.2.2:5060", prefixes=("1",)))


# --- situations -------------------------------------------------------------------------------------------------------


def null(house: House) -> None:
    """Nobody is here yet."""


def not_ready(house: House) -> None:
    house.ready("1001")
    house.take(cmd.SetNotReady(**house.who("1001"), reason="lunch"))


def ready(house: House) -> None:
    house.ready("1001")


def waiting(house: House) -> None:
    not_ready(house)
    house.call(number=NUMBER)


def away(house: House) -> None:
    """The caller is in the dialplan's apology."""
    waiting(house)
    house.says(ev.CallerAway(conversation=CALL, at=house.now))


def offered(house: House) -> None:
    house.ready("1001")
    house.call(number=NUMBER)


def ringing(house: House) -> None:
    offered(house)
    house.confirm(CALL)


def withdrawing(house: House) -> None:
    """Missed; the end of his leg is not seen yet, the contact waits."""
    ringing(house)
    house.wait(20.0)


def talking(house: House) -> None:
    ringing(house)
    house.up(house.offer(CALL))


def lost(house: House) -> None:
    """His leg has vanished in the talk."""
    talking(house)
    house.lost(CALL, "1001")
    house.wait(5.0)


def wrap_up(house: House) -> None:
    talking(house)
    house.hang_up(CALL)


def scheduled(house: House) -> None:
    """A callback whose customer did not answer; the agent wraps up."""
    waiting(house)
    house.says(ev.CallbackAsked(conversation=CALL, queue=ids.QueueId("service"), number=""))
    house.take(cmd.SetReady(**house.who("1001")))
    talk = contact(house).conversation
    house.talk(talk)
    house.says(unreached(house, Unreached.NO_ANSWER))


def both_offered(house: House) -> None:
    house.ready("1001", "1002")
    house.call(number=NUMBER)


def both_ring(house: House) -> None:
    both_offered(house)
    house.confirm(CALL)


def one_withdrawing(house: House) -> None:
    """His page is gone, the other's phone still rings."""
    both_ring(house)
    house.link("1001", 0)


def decided(house: House) -> None:
    """He has it; the end of the other's leg is not seen yet."""
    both_ring(house)
    house.up(house.offer(CALL), "1001")


# --- whom and what an input is about ----------------------------------------------------------------------------------


def contact(house: House) -> Any:
    """The story's contact, also when it is over; None before it began."""
    queued = house.seen(ev.ContactQueued)
    return queued[-1] if queued else None


def contact_id(house: House) -> ids.ContactId:
    found = contact(house)
    return found.contact if found is not None else ids.ContactId("kunknown-1")


def call_id(house: House) -> ids.ConversationId:
    found = contact(house)
    return found.conversation if found is not None else CALL


def reservation_id(house: House) -> ids.ReservationId:
    made = house.seen(ev.OfferMade)
    return made[-1].reservation if made else UNKNOWN


def leg(house: House, name: ids.AgentId = WHO) -> ids.LegId:
    """His ring; one that nobody knows when there was none."""
    found = [ring.leg for ring in house.rings if ring.agent == name]
    return found[-1] if found else ids.agent_leg(CALL, 9)


def lease(house: House) -> ids.LeaseId:
    device = house.world.agents[WHO].device
    return device.lease if device is not None else ids.LeaseId("lease-1001")


def unreached(house: House, why: Unreached) -> ev.CustomerUnreached:
    return ev.CustomerUnreached(
        conversation=call_id(house), contact=contact_id(house), agent=WHO, why=why, at=house.now
    )
