"""Agents: sign-in, availability, the phone, reachability, wrap-up, notes."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ctiserver.model import commands as cmd, effects as fx, events as ev, facts
from ctiserver.model.causes import LegFailure
from ctiserver.model.errors import Rejection
from ctiserver.model.ids import AgentId, ContactId, ConversationId, LeaseId, LegId, ReservationId
from ctiserver.model.work import Agent, AgentState, ContactState
from tests.acd.house import House, queue, site


@pytest.fixture
def house() -> House:
    return House()


def person(house: House, name: str = "1001") -> Agent:
    return house.world.agents[AgentId(name)]


def wrapping_up(house: House) -> ContactId:
    house.ready("1001")
    call = house.call()
    house.talk(call)
    house.hang_up(call)
    return house.contact(call).id


# --- sign-in and availability -------------------------------------------------------------------------


def test_a_day_begins_signed_out_then_not_ready_then_ready(house: House) -> None:
    assert house.state("1001") is AgentState.NULL
    house.take(cmd.SignIn(**house.who("1001")))
    assert house.state("1001") is AgentState.NOT_READY
    house.phone("1001")
    house.take(cmd.SetReady(**house.who("1001")))
    assert house.state("1001") is AgentState.READY
    house.take(cmd.SetNotReady(**house.who("1001"), reason="lunch"))
    assert (house.state("1001"), person(house).reason) == (AgentState.NOT_READY, "lunch")
    house.take(cmd.SignOut(**house.who("1001")))
    assert house.state("1001") is AgentState.NULL


def test_commands_that_are_true_already_change_nothing(house: House) -> None:
    house.ready("1001")
    for command in (cmd.SignIn(**house.who("1001")), cmd.SetReady(**house.who("1001"))):
        assert house.take(command) == ()
    house.take(cmd.SetNotReady(**house.who("1001"), reason="lunch"))
    assert house.take(cmd.SetNotReady(**house.who("1001"), reason="lunch")) == ()
    assert house.take(cmd.SetNotReady(**house.who("1001"), reason="meeting")) != ()


ANY: dict[str, Any] = {"id": "x", "by": "9", "agent": AgentId("9")}
EVERY: list[cmd.Command] = [
    cmd.SignIn(**ANY),
    cmd.SignOut(**ANY),
    cmd.SetReady(**ANY),
    cmd.SetNotReady(**ANY, reason="lunch"),
    cmd.TakeDevice(**ANY, lease=LeaseId("l"), instance="i"),
    cmd.PhoneReady(**ANY, lease=LeaseId("l"), instance="i"),
    cmd.ReleaseDevice(**ANY, lease=LeaseId("l")),
    cmd.ConfirmOffer(**ANY, reservation=ReservationId("r")),
    cmd.WriteNote(**ANY, contact=ContactId("k"), text=""),
    cmd.FinishWrapUp(**ANY, contact=ContactId("k"), disposition="", note="", ready=True),
    cmd.ExtendWrapUp(**ANY, contact=ContactId("k")),
    cmd.UsePhone(**ANY, phone="p1"),
]


@pytest.mark.parametrize("command", EVERY, ids=lambda c: type(c).__name__)
def test_nobody_unknown_can_do_anything(house: House, command: cmd.Command) -> None:
    assert house.rejected(command) is Rejection.UNKNOWN_AGENT


@pytest.mark.parametrize("place", [1, 2, 3, 7, 8, 9, 10])
def test_what_needs_a_sign_in_is_refused_without(house: House, place: int) -> None:
    command = EVERY[place]
    changed = msgspec.structs.replace(command, agent=AgentId("1001"))
    assert house.rejected(changed) is Rejection.NOT_SIGNED_IN


@pytest.mark.parametrize(
    "command",
    [
        cmd.HoldCall(**ANY, conversation=ConversationId("c")),
        cmd.RetrieveCall(**ANY, conversation=ConversationId("c")),
        cmd.HangUpCall(**ANY, conversation=ConversationId("c")),
    ],
)
def test_commands_about_calls_are_not_ours(house: House, command: cmd.Command) -> None:
    assert house.take(command) == ()


def test_a_reason_must_be_known(house: House) -> None:
    house.ready("1001")
    assert house.rejected(cmd.SetNotReady(**house.who("1001"), reason="surfing")) is Rejection.UNKNOWN_REASON


def test_nobody_is_ready_without_a_phone(house: House) -> None:
    house.take(cmd.SignIn(**house.who("1001")))
    assert house.rejected(cmd.SetReady(**house.who("1001"))) is Rejection.NO_PHONE


def test_a_break_asked_for_in_a_talk_begins_after_it(house: House) -> None:
    house.ready("1001")
    call = house.call()
    house.talk(call)
    house.take(cmd.SetNotReady(**house.who("1001"), reason="lunch"))
    assert house.state("1001") is AgentState.BUSY
    house.hang_up(call)
    house.wait(31.0)
    assert (house.state("1001"), person(house).reason) == (AgentState.NOT_READY, "lunch")


def test_nobody_signs_out_of_work_in_hand(house: House) -> None:
    contact = wrapping_up(house)
    assert house.rejected(cmd.SignOut(**house.who("1001"))) is Rejection.WORK_IN_PROGRESS
    house.take(cmd.FinishWrapUp(**house.who("1001"), contact=contact, disposition="solved", note="", ready=False))
    house.take(cmd.SignOut(**house.who("1001")))


# --- the phone ----------------------------------------------------------------------------------------


def test_a_second_page_does_not_get_the_phone_unless_it_takes_it_over(house: House) -> None:
    house.ready("1001")
    take = cmd.TakeDevice(**house.who("1001"), lease=LeaseId("other"), instance="page2")
    assert house.rejected(take) is Rejection.PHONE_ELSEWHERE
    house.effects.clear()
    over = cmd.TakeDevice(**house.who("1001"), lease=LeaseId("other"), instance="page2", take_over=True)
    house.take(over)
    assert house.effects == [
        fx.RemoveDevice(lease=LeaseId("lease-1001"), endpoint="lease-1001"),
        fx.ProvisionDevice(agent=AgentId("1001"), lease=LeaseId("other"), endpoint="other"),
    ]
    old = cmd.PhoneReady(**house.who("1001"), lease=LeaseId("lease-1001"), instance="page1")
    assert house.rejected(old) is Rejection.LEASE_LOST


def test_a_crashed_page_leaves_the_phone_to_the_next_one(house: House) -> None:
    house.ready("1001")
    house.link("1001", 0)
    house.take(facts.DeviceContact(endpoint="lease-1001", present=False, at=house.now))  # its SIP socket is gone
    house.link("1001", 1)  # the new page
    house.take(cmd.TakeDevice(**house.who("1001"), lease=LeaseId("other"), instance="page2"))
    assert house.just() == ["DeviceTaken"]


def test_the_lease_of_somebody_else_is_not_to_be_had(house: House) -> None:
    house.ready("1001")
    take = cmd.TakeDevice(**house.who("1002"), lease=LeaseId("lease-1001"), instance="page2")
    assert house.rejected(take) is Rejection.NOT_ALLOWED


def test_a_reload_keeps_the_endpoint_and_registers_anew(house: House) -> None:
    house.ready("1001")
    house.effects.clear()
    take = cmd.TakeDevice(**house.who("1001"), lease=LeaseId("lease-1001"), instance="page2")
    house.take(take)
    assert house.effects == []
    device = person(house).device
    assert device is not None
    assert (device.endpoint, device.registered, device.contact) == ("lease-1001", False, True)
    assert house.take(take) == ()


def test_a_released_phone_is_removed_and_its_agent_set_not_ready_in_time(house: House) -> None:
    house.ready("1001")
    house.take(cmd.ReleaseDevice(**house.who("1001"), lease=LeaseId("lease-1001")))
    assert isinstance(house.effects[-1], fx.RemoveDevice)
    assert person(house).device is None
    house.wait(15.1)
    assert house.state("1001") is AgentState.NOT_READY
    again = cmd.ReleaseDevice(**house.who("1001"), lease=LeaseId("lease-1001"))
    assert house.rejected(again) is Rejection.LEASE_LOST


def test_a_contact_of_an_unknown_endpoint_changes_nothing(house: House) -> None:
    assert house.take(facts.DeviceContact(endpoint="nobody", present=True, at=house.now)) == ()


def test_what_the_switch_says_about_contacts_at_a_reconnect_is_true(house: House) -> None:
    house.ready("1001", "1002")
    house.take(facts.SwitchSeen(channels=(), bridges=(), contacts=("lease-1002",)))
    assert [(e.agent, e.present) for e in house.seen(ev.DeviceContactChanged)[-1:]] == [("1001", False)]
    assert house.take(facts.SwitchSeen(channels=(), bridges=(), contacts=("lease-1002",))) == ()


# --- reachability -------------------------------------------------------------------------------------


def test_an_agent_out_of_reach_is_set_not_ready_after_fifteen_seconds(house: House) -> None:
    house.ready("1001")
    house.link("1001", 0)
    house.wait(14.9)
    assert person(house).ready
    house.wait(0.2)
    assert (person(house).ready, person(house).reason, person(house).chosen_by) == (False, "device_lost", "device_lost")


def test_losing_the_phone_too_gives_no_second_grace(house: House) -> None:
    house.ready("1001")
    house.link("1001", 0)
    house.wait(10.0)
    house.take(facts.DeviceContact(endpoint="lease-1001", present=False, at=house.now))
    house.wait(5.1)
    assert house.state("1001") is AgentState.NOT_READY


def test_an_agent_who_is_back_in_time_stays_ready(house: House) -> None:
    house.ready("1001")
    house.take(facts.DeviceContact(endpoint="lease-1001", present=False, at=house.now))
    house.wait(10.0)
    house.take(facts.DeviceContact(endpoint="lease-1001", present=True, at=house.now))
    house.wait(60.0)
    assert house.state("1001") is AgentState.READY


def test_an_agent_out_of_reach_gets_no_offer_until_he_is_back(house: House) -> None:
    house.ready("1001")
    house.link("1001", 0)
    call = house.call()
    assert house.contact(call).state is ContactState.WAITING
    house.link("1001", 1)
    assert house.offered_to(call) == "1001"


def test_a_reload_in_a_talk_does_not_touch_it(house: House) -> None:
    house.ready("1001")
    call = house.call()
    house.talk(call)
    house.link("1001", 0)
    house.take(facts.DeviceContact(endpoint="lease-1001", present=False, at=house.now))
    house.now += 0.3
    house.take(cmd.TakeDevice(**house.who("1001"), lease=LeaseId("lease-1001"), instance="page2"))
    house.link("1001", 1)
    house.take(facts.DeviceContact(endpoint="lease-1001", present=True, at=house.now))
    house.take(cmd.PhoneReady(**house.who("1001"), lease=LeaseId("lease-1001"), instance="page2"))
    house.wait(60.0)
    assert house.state("1001") is AgentState.BUSY
    assert person(house).ready
    assert house.contact(call).state is ContactState.CONNECTED


# --- a leg lost in the talk ----------------------------------------------------------------------------


def test_an_agent_whose_leg_is_back_goes_on_talking(house: House) -> None:
    house.ready("1001")
    call = house.call()
    house.talk(call)
    house.lost(call, "1001")
    house.wait(14.0)
    house.back(call, "1001")
    house.wait(60.0)
    assert house.state("1001") is AgentState.BUSY


def test_a_caller_whose_agent_does_not_come_back_waits_at_the_head_and_is_counted_once(house: House) -> None:
    house.ready("1001")
    call = house.call()
    house.talk(call)
    house.lost(call, "1001")
    house.now += 1.0
    waiting = house.call()
    house.wait(14.1)
    assert house.state("1001") is AgentState.NOT_READY
    assert person(house).reason == "device_lost"
    assert house.contact(call).head
    assert house.contact(call).prefer == "1001"
    house.ready("1002")
    assert house.talk(call) == "1002"
    assert house.contact(waiting).state is ContactState.WAITING
    house.hang_up(call)
    assert [e.contact for e in house.seen(ev.ContactEnded)] == [house.contact(call).id]


def test_the_lost_agent_is_preferred_when_he_is_back(house: House) -> None:
    house.take(cmd.SignIn(**house.who("1002")))
    house.phone("1002")
    house.ready("1001")
    call = house.call()
    house.talk(call)
    house.lost(call, "1001")
    house.wait(15.1)
    house.says(house.available("1002", True), house.available("1001", True))
    assert house.offered_to(call) == "1001"


def test_a_caller_who_leaves_while_his_agent_is_lost_was_answered(house: House) -> None:
    house.ready("1001")
    call = house.call()
    house.talk(call)
    house.lost(call, "1001")
    house.hang_up(call)
    house.lost(call, "1001")
    assert [e.reason.value for e in house.seen(ev.ContactEnded)] == ["answered"]
    assert house.state("1001") is AgentState.WRAP_UP


# --- wrap-up -------------------------------------------------------------------------------------------


def test_wrap_up_is_finished_with_disposition_and_note(house: House) -> None:
    contact = wrapping_up(house)
    finish = cmd.FinishWrapUp(**house.who("1001"), contact=contact, disposition="solved", note="called", ready=True)
    house.take(finish)
    assert house.just() == ["DispositionSet", "NoteWritten", "WrapUpEnded", "AvailabilityChosen"]
    assert house.state("1001") is AgentState.READY
    assert house.rejected(finish) is Rejection.NOT_IN_WRAP_UP


def test_wrap_up_finished_for_a_break_keeps_the_chosen_reason(house: House) -> None:
    contact = wrapping_up(house)
    house.take(cmd.SetNotReady(**house.who("1001"), reason="lunch"))
    house.take(cmd.FinishWrapUp(**house.who("1001"), contact=contact, disposition="solved", note="", ready=False))
    assert person(house).reason == "lunch"


def test_wrap_up_finished_not_ready_without_a_reason_says_so(house: House) -> None:
    contact = wrapping_up(house)
    house.take(cmd.FinishWrapUp(**house.who("1001"), contact=contact, disposition="solved", note="", ready=False))
    assert (house.state("1001"), person(house).reason) == (AgentState.NOT_READY, "wrap_up")


@pytest.mark.parametrize(
    ("disposition", "code"),
    [
        ("", Rejection.DISPOSITION_REQUIRED),
        ("unheard_of", Rejection.UNKNOWN_DISPOSITION),
        ("sold", Rejection.UNKNOWN_DISPOSITION),
    ],
)
def test_a_disposition_must_be_one_of_the_queues(house: House, disposition: str, code: Rejection) -> None:
    contact = wrapping_up(house)
    finish = cmd.FinishWrapUp(**house.who("1001"), contact=contact, disposition=disposition, note="", ready=True)
    assert house.rejected(finish) is code


def test_a_queue_may_do_without_disposition_and_without_wrap_up() -> None:
    house = House(site([queue("service", wrap_up_seconds=0.0, disposition_required=False)]))
    house.ready("1001")
    call = house.call()
    house.talk(call)
    waiting = house.call()
    house.hang_up(call)
    assert house.offered_to(waiting) == "1001", "free at once"


def test_wrap_up_is_extended_by_thirty_seconds_ten_times_at_most(house: House) -> None:
    contact = wrapping_up(house)
    extend = cmd.ExtendWrapUp(**house.who("1001"), contact=contact)
    for _ in range(10):
        house.take(extend)
    assert house.rejected(extend) is Rejection.NOT_ALLOWED
    house.wait(329.0)
    assert house.state("1001") is AgentState.WRAP_UP
    house.wait(1.1)
    assert house.state("1001") is AgentState.READY


def test_notes_are_written_in_the_talk_and_in_wrap_up_by_its_agent_only(house: House) -> None:
    house.ready("1001", "1002")
    call = house.call()
    offer = house.confirm(call)
    contact = house.contact(call).id
    write = cmd.WriteNote(**house.who("1001"), contact=contact, text="first")
    assert house.rejected(write) is Rejection.UNKNOWN_CALL
    house.up(offer)
    house.take(write)
    assert house.take(write) == ()
    assert house.rejected(cmd.WriteNote(**house.who("1002"), contact=contact, text="x")) is Rejection.UNKNOWN_CALL
    long = cmd.WriteNote(**house.who("1001"), contact=contact, text="x" * 4001)
    assert house.rejected(long) is Rejection.NOTE_TOO_LONG
    house.hang_up(call)
    house.take(cmd.WriteNote(**house.who("1001"), contact=contact, text="second"))
    assert person(house).work[contact].note == "second"


def test_one_failed_leg_is_not_a_miss_of_another_agent(house: House) -> None:
    house.ready("1001", "1002")
    call = house.call()
    offer = house.confirm(call)
    house.says(
        ev.AgentLegFailed(
            conversation=call,
            reservation=offer.id,
            agent=AgentId("1002"),
            leg=offer.agents[AgentId("1001")].leg or LegId(""),
            failure=LegFailure.MISSED,
            at=house.now,
        )
    )
    assert house.just() == ["AgentLegFailed"]
