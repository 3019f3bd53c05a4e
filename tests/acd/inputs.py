"""Everything that can reach the ACD: what the state tables are about.

Lives here: for each type of input (command, fact, event of another core, deadline) one or several inputs about the
agent, contact and reservation of `situations`. Not here: what must come of it (tables/*.toml, test_tables).
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ctiserver.model import commands as cmd, events as ev, facts, ids
from ctiserver.model.causes import ClearedBy, LegFailure, Unreached
from ctiserver.model.errors import CommandRejected
from ctiserver.model.faults import Fault, FaultKind
from tests.acd.house import House
from tests.acd.situations import (
    CALL,
    NUMBER,
    OTHER,
    UNKNOWN,
    WHO,
    call_id,
    contact_id,
    lease,
    leg,
    reservation_id,
    unreached,
)

Do = Callable[[House], None]


def ask(make: Callable[[House], cmd.Command]) -> Do:
    """A refusal stays in `house.refused`."""

    def do(house: House) -> None:
        try:
            house.take(make(house))
        except CommandRejected as reason:
            assert house.turn_events == ()
            house.refused = reason.code.value

    return do


def tell(make: Callable[[House], facts.Fact]) -> Do:
    def do(house: House) -> None:
        house.take(make(house))

    return do


def say(make: Callable[[House], ev.Event]) -> Do:
    def do(house: House) -> None:
        house.says(make(house))

    return do


def due(kind: str) -> Do:
    """The deadline fires at its time, or, when there is none, long after: it is stale then."""

    def do(house: House) -> None:
        about = {
            "acd.lost": str(WHO),
            "acd.gone": str(WHO),
            "acd.wrap": f"{WHO}:{contact_id(house)}",
            "acd.consult": f"{WHO}:{contact_id(house)}",
            "acd.avoid": f"{contact_id(house)}:{WHO}",
            "acd.confirm": reservation_id(house),
            "acd.offer": reservation_id(house),
            "acd.withdraw": f"{reservation_id(house)}:{WHO}",
            "acd.hours": "service",
        }
        key = f"{kind}:{about.get(kind, contact_id(house))}"
        house.now = max(house.now, house.world.deadlines.get(key) or house.now)
        house.says(ev.DeadlinePassed(key=key, at=house.now))

    return do


def failed(why: LegFailure, name: ids.AgentId = WHO) -> Do:
    return say(
        lambda h: ev.AgentLegFailed(
            conversation=call_id(h), reservation=reservation_id(h), agent=name, leg=leg(h, name), failure=why, at=h.now
        )
    )


def up(name: ids.AgentId, reservation: ids.ReservationId | None = None) -> Do:
    return say(
        lambda h: ev.AgentLegUp(
            conversation=call_id(h),
            reservation=reservation or reservation_id(h),
            agent=name,
            leg=leg(h, name),
            at=h.now,
        )
    )


def called_outside(house: House) -> ev.OutsideCalled:
    return ev.OutsideCalled(
        conversation=call_id(house),
        agent=WHO,
        leg=ids.LegId(f"{call_id(house)}.c9"),
        number=NUMBER,
        queue=ids.QueueId("service"),
        data={},
        path=(),
        deadline=house.now + 30.0,
        at=house.now,
    )


def unreached_outside(house: House) -> ev.OutsideUnreached:
    """Of another conversation: one that was sent outside has no contact any more."""
    return ev.OutsideUnreached(
        conversation=ids.ConversationId("cother-1"),
        number=NUMBER,
        queue=ids.QueueId("service"),
        data={},
        path=(),
        why=Unreached.BUSY,
        at=house.now,
    )


def fault(kind: FaultKind, target: Callable[[House], str]) -> Do:
    found = lambda h: facts.FaultsFound(faults=(Fault(kind=kind, target=target(h), agent=WHO),))  # noqa: E731
    return tell(found)


def without_him(house: House) -> facts.SiteLoaded:
    kept = tuple(one for one in house.world.site.agents if one.id != WHO)
    return facts.SiteLoaded(site=msgspec.structs.replace(house.world.site, agents=kept))


def without_queue(house: House) -> facts.SiteLoaded:
    kept = tuple(one for one in house.world.site.queues if one.id != "service")
    return facts.SiteLoaded(site=msgspec.structs.replace(house.world.site, queues=kept))


def ring_again(house: House) -> None:
    """The calls say once more that they ring him."""
    if house.rings:
        house.says(next(ring for ring in reversed(house.rings) if ring.agent == WHO))


def finish(disposition: str, *, ready: bool) -> Do:
    return ask(
        lambda h: cmd.FinishWrapUp(
            **h.who("1001"), contact=contact_id(h), disposition=disposition, note="", ready=ready
        )
    )


def take_device(page: str, lease_: str = "", *, over: bool = False) -> Do:
    return ask(
        lambda h: cmd.TakeDevice(
            **h.who("1001"), lease=ids.LeaseId(lease_) if lease_ else lease(h), instance=page, take_over=over
        )
    )


def confirm(reservation: ids.ReservationId | None = None) -> Do:
    return ask(lambda h: cmd.ConfirmOffer(**h.who("1001"), reservation=reservation or reservation_id(h)))


def forced(state: cmd.Forced, reason: str = "") -> Do:
    return ask(lambda h: cmd.ForceState(id="x", by="2001", agent=WHO, state=state, reason=reason))


def seen(present: bool) -> Do:
    return tell(lambda h: facts.SwitchSeen(channels=(), bridges=(), contacts=(lease(h),) if present else ()))


def _device_contact(present: bool) -> Do:
    return tell(lambda h: facts.DeviceContact(endpoint=lease(h), present=present, at=h.now))


def again(house: House) -> facts.SiteLoaded:
    return facts.SiteLoaded(site=house.world.site)


def colleague_picks_up(house: House) -> None:
    """He signs in for it, if he is not here yet."""
    if not house.world.agents[OTHER].signed_in:
        house.ready("1002")
    ask(lambda h: cmd.PickUpCall(**h.who("1002"), contact=contact_id(h)))(house)


INPUTS: dict[str, tuple[type | str, Do]] = {
    "SignIn": (cmd.SignIn, ask(lambda h: cmd.SignIn(**h.who("1001")))),
    "SignOut": (cmd.SignOut, ask(lambda h: cmd.SignOut(**h.who("1001")))),
    "SetReady": (cmd.SetReady, ask(lambda h: cmd.SetReady(**h.who("1001")))),
    "SetNotReady": (cmd.SetNotReady, ask(lambda h: cmd.SetNotReady(**h.who("1001"), reason="meeting"))),
    "SetNotReady, unknown reason": (cmd.SetNotReady, ask(lambda h: cmd.SetNotReady(**h.who("1001"), reason="x"))),
    "TakeDevice, same page": (cmd.TakeDevice, take_device("page1")),
    "TakeDevice, page reloaded": (cmd.TakeDevice, take_device("page2")),
    "TakeDevice, another browser": (cmd.TakeDevice, take_device("page3", "lease-new")),
    "TakeDevice, taken over": (cmd.TakeDevice, take_device("page3", "lease-new", over=True)),
    "PhoneReady": (cmd.PhoneReady, ask(lambda h: cmd.PhoneReady(**h.who("1001"), lease=lease(h), instance="page1"))),
    "PhoneReady, old page": (
        cmd.PhoneReady,
        ask(lambda h: cmd.PhoneReady(**h.who("1001"), lease=ids.LeaseId("lease-old"), instance="page0")),
    ),
    "UsePhone": (cmd.UsePhone, ask(lambda h: cmd.UsePhone(**h.who("1001"), phone="p1"))),
    "UsePhone, no such": (cmd.UsePhone, ask(lambda h: cmd.UsePhone(**h.who("1001"), phone="p9"))),
    "UseNumber": (cmd.UseNumber, ask(lambda h: cmd.UseNumber(**h.who("1001"), number=NUMBER))),
    "UseNumber, not allowed": (cmd.UseNumber, ask(lambda h: cmd.UseNumber(**h.who("1001"), number="0208888000"))),
    "ReleaseDevice": (cmd.ReleaseDevice, ask(lambda h: cmd.ReleaseDevice(**h.who("1001"), lease=lease(h)))),
    "ReleaseDevice, old page": (
        cmd.ReleaseDevice,
        ask(lambda h: cmd.ReleaseDevice(**h.who("1001"), lease=ids.LeaseId("lease-old"))),
    ),
    "ConfirmOffer": (cmd.ConfirmOffer, confirm()),
    "ConfirmOffer, unknown": (cmd.ConfirmOffer, confirm(UNKNOWN)),
    "HoldCall": (cmd.HoldCall, ask(lambda h: cmd.HoldCall(**h.who("1001"), conversation=call_id(h)))),
    "RetrieveCall": (cmd.RetrieveCall, ask(lambda h: cmd.RetrieveCall(**h.who("1001"), conversation=call_id(h)))),
    "HangUpCall": (cmd.HangUpCall, ask(lambda h: cmd.HangUpCall(**h.who("1001"), conversation=call_id(h)))),
    "MakeCall": (cmd.MakeCall, ask(lambda h: cmd.MakeCall(**h.who("1001"), number=NUMBER))),
    "MakeCall, number not allowed": (cmd.MakeCall, ask(lambda h: cmd.MakeCall(**h.who("1001"), number="0208888000"))),
    "TransferCall": (
        cmd.TransferCall,
        ask(lambda h: cmd.TransferCall(**h.who("1001"), conversation=call_id(h), queue="service")),
    ),
    "WriteNote": (cmd.WriteNote, ask(lambda h: cmd.WriteNote(**h.who("1001"), contact=contact_id(h), text="n"))),
    "FinishWrapUp, ready": (cmd.FinishWrapUp, finish("solved", ready=True)),
    "FinishWrapUp, break": (cmd.FinishWrapUp, finish("solved", ready=False)),
    "FinishWrapUp, no disposition": (cmd.FinishWrapUp, finish("", ready=True)),
    "ExtendWrapUp": (cmd.ExtendWrapUp, ask(lambda h: cmd.ExtendWrapUp(**h.who("1001"), contact=contact_id(h)))),
    "CloseQueue": (cmd.CloseQueue, ask(lambda h: cmd.CloseQueue(**h.who("9000"), queue=ids.QueueId("service")))),
    "OpenQueue": (cmd.OpenQueue, ask(lambda h: cmd.OpenQueue(**h.who("9000"), queue=ids.QueueId("service")))),
    "BookCallback": (
        cmd.BookCallback,
        ask(lambda h: cmd.BookCallback(**h.who("9000"), queue=ids.QueueId("second"), number=NUMBER)),
    ),
    "CancelCallback": (cmd.CancelCallback, ask(lambda h: cmd.CancelCallback(**h.who("9000"), contact=contact_id(h)))),
    "DismissLost": (cmd.DismissLost, ask(lambda h: cmd.DismissLost(**h.who("9000"), contact=contact_id(h)))),
    "ForceState, ready": (cmd.ForceState, forced(cmd.Forced.READY)),
    "ForceState, not ready": (cmd.ForceState, forced(cmd.Forced.NOT_READY, "meeting")),
    "ForceState, signed out": (cmd.ForceState, forced(cmd.Forced.SIGNED_OUT)),
    "PullContact": (
        cmd.PullContact,
        ask(lambda h: cmd.PullContact(id="x", by="2001", agent=WHO, contact=contact_id(h))),
    ),
    "PickUpCall": (cmd.PickUpCall, ask(lambda h: cmd.PickUpCall(**h.who("1001"), contact=contact_id(h)))),
    "PickUpCall, a colleague": (cmd.PickUpCall, colleague_picks_up),
    "PrioritiseContact": (
        cmd.PrioritiseContact,
        ask(lambda h: cmd.PrioritiseContact(id="x", by="2001", contact=contact_id(h), seconds=600.0)),
    ),
    "SendMessage": (cmd.SendMessage, ask(lambda h: cmd.SendMessage(id="x", by="2001", agents=(WHO,), text="lunch"))),
    "ReadNotice, unknown": (cmd.ReadNotice, ask(lambda h: cmd.ReadNotice(**h.who("1001"), notice="n9"))),
    # --- facts
    "LinkChanged, none": (facts.LinkChanged, tell(lambda h: facts.LinkChanged(agent=WHO, links=0))),
    "LinkChanged, two": (facts.LinkChanged, tell(lambda h: facts.LinkChanged(agent=WHO, links=2))),
    "DeviceContact, gone": (facts.DeviceContact, _device_contact(False)),
    "DeviceContact, there": (facts.DeviceContact, _device_contact(True)),
    "SwitchSeen, his contact": (facts.SwitchSeen, seen(True)),
    "SwitchSeen, without it": (facts.SwitchSeen, seen(False)),
    "ServerStarted": (facts.ServerStarted, tell(lambda h: facts.ServerStarted(version="2"))),
    "SiteLoaded, the same": (facts.SiteLoaded, tell(again)),
    "SiteLoaded, without him": (facts.SiteLoaded, tell(without_him)),
    "SiteLoaded, without the queue": (facts.SiteLoaded, tell(without_queue)),
    "FaultsFound, agent": (facts.FaultsFound, fault(FaultKind.AGENT_STATE, lambda h: WHO)),
    "FaultsFound, reservation": (facts.FaultsFound, fault(FaultKind.RESERVATION_STUCK, reservation_id)),
    "FaultsFound, index": (facts.FaultsFound, fault(FaultKind.INDEX_BROKEN, lambda h: "pools")),
    # --- events of calls and flows
    "AgentLegUp": (ev.AgentLegUp, up(WHO)),
    "AgentLegUp, the other": (ev.AgentLegUp, up(OTHER)),
    "AgentLegUp, unknown": (ev.AgentLegUp, up(WHO, UNKNOWN)),
    "AgentLegFailed, missed": (ev.AgentLegFailed, failed(LegFailure.MISSED)),
    "AgentLegFailed, rejected": (ev.AgentLegFailed, failed(LegFailure.REJECTED)),
    "AgentLegFailed, unreachable": (ev.AgentLegFailed, failed(LegFailure.UNREACHABLE)),
    "AgentLegFailed, too late": (ev.AgentLegFailed, failed(LegFailure.TOO_LATE)),
    "AgentLegFailed, the other": (ev.AgentLegFailed, failed(LegFailure.REJECTED, OTHER)),
    "AgentLegLost": (
        ev.AgentLegLost,
        say(lambda h: ev.AgentLegLost(conversation=call_id(h), agent=WHO, leg=leg(h), at=h.now)),
    ),
    "AgentLegBack": (
        ev.AgentLegBack,
        say(lambda h: ev.AgentLegBack(conversation=call_id(h), agent=WHO, leg=leg(h), at=h.now)),
    ),
    "ConnectionCleared": (
        ev.ConnectionCleared,
        say(lambda h: ev.ConnectionCleared(conversation=call_id(h), leg=leg(h), agent=WHO, cause=0, at=h.now)),
    ),
    "CallCleared": (
        ev.CallCleared,
        say(lambda h: ev.CallCleared(conversation=call_id(h), by=ClearedBy.CUSTOMER, cause=16, at=h.now)),
    ),
    "CallTakenOver": (
        ev.CallTakenOver,
        say(
            lambda h: ev.CallTakenOver(
                conversation=call_id(h),
                contact=contact_id(h),
                agent=ids.AgentId("1001"),
                queue=ids.QueueId("service"),
                note="",
                leg=ids.lead_leg(call_id(h), 9),
                lead=ids.seat("2001"),
                by="2001",
                at=h.now,
            )
        ),
    ),
    "ConversationForgotten": (
        ev.ConversationForgotten,
        say(lambda h: ev.ConversationForgotten(conversation=call_id(h))),
    ),
    "CallerAway": (ev.CallerAway, say(lambda h: ev.CallerAway(conversation=call_id(h), at=h.now))),
    "CallerReturned": (ev.CallerReturned, say(lambda h: ev.CallerReturned(conversation=call_id(h), at=h.now))),
    "CustomerUnreached, no answer": (ev.CustomerUnreached, say(lambda h: unreached(h, Unreached.NO_ANSWER))),
    "CustomerUnreached, line lost": (ev.CustomerUnreached, say(lambda h: unreached(h, Unreached.LOST))),
    "OutsideCalled": (ev.OutsideCalled, say(called_outside)),
    "OutsideUnreached": (ev.OutsideUnreached, say(unreached_outside)),
    "QueueAsked": (ev.QueueAsked, say(lambda h: h.asks(call_id(h), "service"))),
    "LeaveAsked": (ev.LeaveAsked, say(lambda h: ev.LeaveAsked(conversation=call_id(h), key="1"))),
    "CallbackAsked": (
        ev.CallbackAsked,
        say(lambda h: ev.CallbackAsked(conversation=CALL, queue=ids.QueueId("service"), number="")),
    ),
    "SwitchLinkChanged, down": (ev.SwitchLinkChanged, say(lambda h: ev.SwitchLinkChanged(up=False))),
    "SwitchLinkChanged, up": (ev.SwitchLinkChanged, say(lambda h: ev.SwitchLinkChanged(up=True))),
    "Originated, again": (ev.Originated, lambda h: ring_again(h)),
    # --- deadlines
    **{
        f"deadline {kind}": (f"acd.{kind}", due(f"acd.{kind}"))
        for kind in (
            "confirm",
            "offer",
            "withdraw",
            "wrap",
            "takeback",
            "lost",
            "avoid",
            "maxwait",
            "step",
            "load",
            "open",
            "prefer",
            "over",
            "comfort",
            "retry",
            "gone",
            "hours",
            "consult",
        )
    },
}
"""Name -> its type (deadlines: the key's first part) and how it happens."""


OF_NO_CONCERN = (
    # commands of the conversation core alone
    *("MonitorCall", "ChangeMonitor", "StopMonitor", "TakeOverCall", "DisconnectCall"),
    # facts that the conversation core alone translates
    *("CallerArrived", "LegRinging", "LegUp", "LegEnding", "LegAway", "LegEnded", "LegMoved", "LegHold"),
    *("LegSilent", "DigitPressed", "PlaybackDone", "RecordingDone", "ConversationSeen", "SwitchLost", "EffectFailed"),
    *("CustomerFound", "ClockJumped"),
    # what happens to legs, bridges, prompts and records; the ACD hears AgentLeg... of what concerns it
    *("ConversationStarted", "CustomerIdentified", "Delivered", "Established", "Queued", "Talking", "Held"),
    *("Retrieved", "Transferred", "PhoneHeld", "BridgeOpened", "BridgeClosed", "LegPlaced", "LegSeenUp", "LookLater"),
    *("KeyAsked", "KeyPressed", "KeyPromptEnded"),
    *("PromptStarted", "PromptEnded", "DigitReceived", "RecordingStarted", "RecordingEnded", "HangUpBegun"),
    *("HangUpSeen", "LookBegun", "CallRefused", "CustomerCalled"),
    # what a flow asks of the calls, and its end
    *("IvrChanged", "PromptAsked", "PromptStopAsked", "HangUpAsked", "IvrEnded"),
)
"""Types of inputs that say nothing to agents, contacts and reservations."""
OTHERWISE = (
    *("Tick", "DeadlinePassed", "SiteChanged"),
    # a consult is legs and agents together: tests/calls/tables/commands.toml
    *("ConsultCall", "SwapCall", "CancelConsult", "CompleteConsult", "ConferenceCall", "LeaveConference", "DropParty"),
    *("ConsultQueued", "ConsultAsked", "ConsultRing", "ConsultUp", "Swapped", "Conferenced", "PartyLeft"),
    "PassedOutside",
)
"""In the tables as what they are about (deadlines by their keys, a changed site as SiteLoaded), or in another."""
