"""Whom an item may have made free, and who may wait or be had by more agents since: input or event type -> function.

Lives here: where a matching pass begins. Not here: how it goes on (`routing`).
"""

from __future__ import annotations

from collections.abc import Callable

from acd.core.index import Index
from acd.core.routing import Pass
from ctiserver.model import events as ev
from ctiserver.model.ids import AgentId, ContactId
from ctiserver.model.world import World


def _match_contact(index: Index, world: World, item: ev.ContactQueued, found: Pass) -> None:
    found.contact(item.contact)


def _match_agent(index: Index, world: World, item: ev.WrapUpEnded, found: Pass) -> None:
    found.agent(item.agent)


def _match_left(index: Index, world: World, item: ev.PartyLeft, found: Pass) -> None:
    """The next of the queue that was asked, then whatever is there for him who left."""
    found.request(item.conversation)
    found.agent(item.agent)


def _match_cleared(index: Index, world: World, item: ev.ConnectionCleared, found: Pass) -> None:
    if item.agent is not None:
        found.agent(item.agent)


def _match_offered(index: Index, world: World, item: ev.OfferMade | ev.OfferJoined, found: Pass) -> None:
    """Whoever may have several things at once may get the next."""
    for name in item.agents if isinstance(item, ev.OfferMade) else (item.agent,):
        if name in world.capacities:
            found.agent(name)


def _match_returned(index: Index, world: World, item: ev.CallerReturned, found: Pass) -> None:
    returned = index.live(item.conversation)
    if returned is not None:
        found.contact(returned.id)


def _match_link(index: Index, world: World, item: ev.SwitchLinkChanged, found: Pass) -> None:
    if item.up:
        found.everything()  # while the switch was away nobody could be rung


def _match_due(index: Index, world: World, item: ev.DeadlinePassed, found: Pass) -> None:
    kind, _, rest = item.key.partition(":")
    if kind == "acd.avoid":
        found.contact(ContactId(rest.partition(":")[0]))
    elif kind == "acd.withdraw":
        found.agent(AgentId(rest.partition(":")[2]))


MATCHES: dict[type, Callable[..., None]] = {
    **dict.fromkeys(
        (
            ev.ContactQueued,
            ev.ContactRequeued,
            ev.ContactStepped,
            ev.ContactOpened,
            ev.PreferenceEnded,
            ev.CallbackDue,
            ev.ContactPulled,
            ev.ContactPrioritised,
        ),
        _match_contact,
    ),
    **dict.fromkeys(
        (
            ev.AvailabilityChosen,
            ev.DeviceReady,
            ev.DeviceContactChanged,
            ev.DesktopLinkChanged,
            ev.WrapUpEnded,
            ev.OfferMissed,
            ev.OfferRejected,
            ev.OfferUnreachable,
            ev.OfferWithdrawn,
            ev.AgentLegFailed,
            ev.WorkDropped,
        ),
        _match_agent,
    ),
    ev.PartyLeft: _match_left,
    ev.ConsultQueued: lambda index, world, item, found: found.request(item.conversation),
    ev.ConnectionCleared: _match_cleared,
    ev.OfferMade: _match_offered,
    ev.OfferJoined: _match_offered,
    ev.CallerReturned: _match_returned,
    ev.SwitchLinkChanged: _match_link,
    ev.DeadlinePassed: _match_due,
}


