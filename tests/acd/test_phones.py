"""Desk phones: who may use which, what it does to whoever had it, and when an agent with one can be reached."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from ctiserver.model import commands as cmd, effects as fx, events as ev, facts
from ctiserver.model.errors import Rejection
from ctiserver.model.ids import AgentId, LeaseId, desk_endpoint
from ctiserver.model.work import AgentState, Device, DeviceKind
from tests.acd.house import House, agent, phone, site

WALL = "sip:wall@192.0.2.1:5060"


@pytest.fixture
def house() -> House:
    staff = [agent("1001"), agent("1002"), agent("1003", phone="p1")]
    return House(site(staff=staff, phones=[phone("p1"), phone("p2"), phone("wall", WALL)]))


def use(house: House, name: str, wanted: str, *, over: bool = False) -> cmd.UsePhone:
    return cmd.UsePhone(**house.who(name), phone=wanted, take_over=over)


def device(house: House, name: str) -> Device | None:
    return house.world.agents[AgentId(name)].device


def holds(house: House, name: str) -> str:
    held = device(house, name)
    return held.endpoint if held is not None else ""


def contact(house: House, name: str, there: bool = True) -> None:
    house.take(facts.DeviceContact(endpoint=desk_endpoint(name), present=there, at=house.now))


def ready(house: House, name: str, wanted: str) -> None:
    """Signed in and ready with a desk phone that is there."""
    house.link(name, 1)
    house.take(cmd.SignIn(**house.who(name)))
    contact(house, wanted)
    house.take(use(house, name, wanted, over=True))
    house.take(cmd.SetReady(**house.who(name)))
    house.now += 1.0


# --- who may use it -----------------------------------------------------------------------------------


def signed_out(house: House) -> None:
    house.take(use(house, "1001", "p2"))


def idle(house: House) -> None:
    ready(house, "1001", "p2")


def offered(house: House) -> None:
    ready(house, "1001", "p2")
    house.call()


def talking(house: House) -> None:
    ready(house, "1001", "p2")
    house.talk(house.call())


def wrapping_up(house: House) -> None:
    ready(house, "1001", "p2")
    call = house.call()
    house.talk(call)
    house.hang_up(call)


TABLE: list[tuple[Callable[[House], None], Rejection | None, Rejection | None]] = [
    (lambda _house: None, None, None),
    (signed_out, None, None),
    (idle, Rejection.PHONE_ELSEWHERE, None),
    (offered, Rejection.PHONE_IN_CALL, Rejection.PHONE_IN_CALL),
    (talking, Rejection.PHONE_IN_CALL, Rejection.PHONE_IN_CALL),
    (wrapping_up, Rejection.PHONE_ELSEWHERE, None),
]
"""What 1001 does with the phone; what 1002 hears who wants it; the same with `take_over`."""


@pytest.mark.parametrize("over", [False, True], ids=["asked", "taken over"])
@pytest.mark.parametrize("row", TABLE, ids=["free", "holder signed out", "idle", "offered", "talking", "wrap-up"])
def test_who_gets_a_phone_that_another_agent_has(
    house: House, row: tuple[Callable[[House], None], Rejection | None, Rejection | None], over: bool
) -> None:
    row[0](house)
    refused = row[2] if over else row[1]
    if refused is not None:
        assert house.rejected(use(house, "1002", "p2", over=over)) is refused
        assert (holds(house, "1001"), holds(house, "1002")) == ("desk-p2", "")
    else:
        house.take(use(house, "1002", "p2", over=over))
        assert (holds(house, "1001"), holds(house, "1002")) == ("", "desk-p2")


def test_what_is_no_phone_is_refused_and_what_is_his_changes_nothing(house: House) -> None:
    assert house.rejected(use(house, "1001", "p9")) is Rejection.UNKNOWN_PHONE
    house.take(use(house, "1001", "p2"))
    assert house.take(use(house, "1001", "p2")) == ()
    page = cmd.TakeDevice(**house.who("1001"), lease=LeaseId("desk-p2"), instance="page1", take_over=True)
    assert house.rejected(page) is Rejection.NOT_ALLOWED
    ready_said = cmd.PhoneReady(**house.who("1001"), lease=LeaseId("desk-p2"), instance="page1")
    assert house.rejected(ready_said) is Rejection.LEASE_LOST


# --- between browser and desk -------------------------------------------------------------------------


def test_a_desk_phone_takes_over_from_the_page_and_the_page_from_it(house: House) -> None:
    """The page's endpoint is removed; the desk phone's stays, and is asked for as any other holder's."""
    house.ready("1001")
    contact(house, "p2")
    house.effects.clear()
    house.take(use(house, "1001", "p2"))
    assert house.effects == [fx.RemoveDevice(lease=LeaseId("lease-1001"), endpoint="lease-1001")]
    assert device(house, "1001") == Device(
        lease=LeaseId("desk-p2"),
        endpoint="desk-p2",
        instance="",
        registered=True,
        contact=True,
        since=house.now,
        kind=DeviceKind.DESK,
    )
    page = cmd.TakeDevice(**house.who("1001"), lease=LeaseId("new"), instance="page2")
    assert house.rejected(page) is Rejection.PHONE_ELSEWHERE
    house.effects.clear()
    house.take(msgspec.structs.replace(page, take_over=True))
    assert [type(effect) for effect in house.effects] == [fx.ProvisionDevice]
    assert holds(house, "1001") == "new"


def test_a_desk_phone_that_is_not_there_gives_way_to_the_page(house: House) -> None:
    house.take(use(house, "1001", "p2"))
    house.take(cmd.TakeDevice(**house.who("1001"), lease=LeaseId("new"), instance="page1"))
    assert holds(house, "1001") == "new"


def test_an_offer_to_the_device_that_was_is_made_again(house: House) -> None:
    house.ready("1001")
    contact(house, "p2")
    call = house.call()
    offer = house.confirm(call)
    house.take(use(house, "1001", "p2"))
    assert house.offer_is_withdrawing(offer)
    house.cleared(offer, "1001")
    house.wait(2.5)
    assert house.offer(call).id != offer.id
    assert house.offered_to(call) == "1001"


@pytest.mark.parametrize("how", [cmd.SignOut, cmd.ReleaseDevice])
def test_a_desk_phone_given_back_keeps_its_endpoint(house: House, how: type[cmd.Command]) -> None:
    house.take(cmd.SignIn(**house.who("1001")))
    house.take(use(house, "1001", "p2"))
    house.effects.clear()
    fields = {"lease": LeaseId("desk-p2")} if how is cmd.ReleaseDevice else {}
    house.take(how(**house.who("1001"), **fields))
    assert holds(house, "1001") == ""
    assert house.effects == []


# --- sign-in ------------------------------------------------------------------------------------------


def test_his_own_phone_is_his_with_the_sign_in(house: House) -> None:
    contact(house, "p1")
    house.link("1003", 1)
    house.take(cmd.SignIn(**house.who("1003")))
    house.take(cmd.SetReady(**house.who("1003")))
    assert house.offered_to(house.call()) == "1003"


@pytest.mark.parametrize("signed_in", [True, False])
def test_his_own_phone_stays_with_whoever_works_with_it(house: House, signed_in: bool) -> None:
    if signed_in:
        house.take(cmd.SignIn(**house.who("1001")))
    house.take(use(house, "1001", "p1"))
    house.take(cmd.SignIn(**house.who("1003")))
    assert holds(house, "1003") == ("" if signed_in else "desk-p1")


def test_a_device_that_he_has_already_is_kept_at_the_sign_in(house: House) -> None:
    house.phone("1003")
    house.take(cmd.SignIn(**house.who("1003")))
    assert holds(house, "1003") == "lease-1003"


# --- reachable ----------------------------------------------------------------------------------------


def test_a_phone_is_known_to_be_there_before_anybody_uses_it(house: House) -> None:
    contact(house, "p2")
    contact(house, "p2")  # twice is once
    house.link("1001", 1)
    house.take(cmd.SignIn(**house.who("1001")))
    house.take(use(house, "1001", "p2"))
    house.take(cmd.SetReady(**house.who("1001")))
    assert house.offered_to(house.call()) == "1001"


def test_a_phone_that_comes_back_gets_the_caller_who_waits(house: House) -> None:
    ready(house, "1001", "p2")
    contact(house, "p2", there=False)
    call = house.call()
    assert house.contact(call).reservation is None
    contact(house, "p2")
    assert house.offered_to(call) == "1001"
    house.confirm(call)
    contact(house, "p2", there=False)
    assert house.seen(ev.OfferUnreachable)
    house.wait(15.1)
    assert house.state("1001") is AgentState.NOT_READY


def test_a_fixed_contact_is_always_there(house: House) -> None:
    ready(house, "1001", "wall")
    contact(house, "wall", there=False)
    house.take(facts.SwitchSeen(channels=(), bridges=(), contacts=()))
    assert house.offered_to(house.call()) == "1001"


def test_the_switch_tells_all_at_a_connect(house: House) -> None:
    contact(house, "p1")
    ready(house, "1001", "p2")
    house.take(facts.SwitchSeen(channels=(), bridges=(), contacts=("desk-p1", "desk-wall", "desk-unknown")))
    assert list(house.world.desk_phones) == ["p1"]
    assert house.contact(house.call()).reservation is None


def test_a_phone_that_nobody_knows_changes_nothing(house: House) -> None:
    before = house.world.state()
    contact(house, "p9")
    assert house.just() == []
    assert house.world.state().desk_phones == before.desk_phones


# --- the site changes ---------------------------------------------------------------------------------


def test_a_phone_that_left_the_site_is_nobodys_and_the_switch_is_told(house: House) -> None:
    ready(house, "1001", "p2")
    ready(house, "1002", "wall")
    call = house.call()
    assert house.offered_to(call) == "1001"
    house.confirm(call)
    house.effects.clear()
    fewer = (phone("p1"), phone("wall"))  # and the one on the wall registers now
    house.take(facts.SiteLoaded(site=msgspec.structs.replace(house.world.site, phones=fewer)))
    assert house.effects == [fx.SetPhones(phones=fewer)]
    assert (holds(house, "1001"), holds(house, "1002")) == ("", "desk-wall")
    assert list(house.world.desk_phones) == []
    assert device(house, "1002").contact is False  # type: ignore[union-attr]
    assert house.seen(ev.OfferUnreachable)
