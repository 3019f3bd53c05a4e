"""Groups of agents: what each queue is to them - priority, delay, tier - and how much they may have in hand."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator

import msgspec
import pytest

from ctiserver.model import events as ev
from ctiserver.model.causes import LegFailure
from ctiserver.model.routing import CapacityConfig, GroupConfig
from ctiserver.model.site import SiteConfig
from tests.acd.house import agent, queue
from tests.acd.office import Office, at_work, group, grouped, member, serves

A, B, C = queue("a"), queue("b"), queue("c")


# --- priority -----------------------------------------------------------------------------------------------


def test_a_queue_of_higher_priority_is_served_first_whatever_waits_in_the_other() -> None:
    office = Office(grouped([A, B], [member("1", "g")], group("g", serves("a", 1), serves("b", 2))))
    old = office.come("b", priority=500.0)
    office.wait(600.0)
    first, second = office.come("a"), office.come("a")
    office.ready("1")
    assert office.order(3) == [first, second, old]


def test_the_same_queue_may_be_first_for_one_group_and_second_for_another() -> None:
    office = Office(
        grouped(
            [A, B],
            [member("1", "as"), member("2", "bs")],
            group("as", serves("a", 1), serves("b", 2)),
            group("bs", serves("a", 2), serves("b", 1)),
        )
    )
    b1, a1, b2, a2 = (office.come(name) for name in ("b", "a", "b", "a"))
    office.ready("1", "2")
    assert office.offered_now() == {"1": a1, "2": b1}
    office.hang_up(a1)
    office.hang_up(b1)
    assert office.offered_now() == {"1": a2, "2": b2}


def opposite() -> SiteConfig:
    """The first agent of each queue would rather serve the other one."""
    return grouped(
        [A, B],
        [member("1", "as"), member("2", "bs")],
        group("as", serves("a", 1, tier=2), serves("b", 2, tier=1)),
        group("bs", serves("a", 2, tier=1), serves("b", 1, tier=2)),
    )


def test_groups_that_rank_queues_in_opposite_ways_do_not_wait_for_each_other() -> None:
    """While the switch is away nobody is served; as it is back, each caller would let the other one go first."""
    office = Office(opposite())
    office.ready("1", "2")
    office.says(ev.SwitchLinkChanged(up=False))
    calls = [office.come(name) for name in ("a", "b")]
    office.says(ev.SwitchLinkChanged(up=True))
    assert sorted(office.offered_now().values()) == sorted(calls)


@pytest.fixture
def shallow() -> Iterator[None]:
    """As many frames as are left to a turn in a deep program."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + 250)
    yield
    sys.setrecursionlimit(before)


@pytest.mark.usefixtures("shallow")
def test_however_many_let_each_other_go_first_it_is_decided() -> None:
    """Caller n's first agent is n + 1, who would rather serve caller n + 1, and so on."""
    count = 400
    queues = [queue(f"q{n:03}") for n in range(count)]
    staff = [member(f"a{n:03}", f"g{n:03}") for n in range(count)]

    def groups(n: int) -> GroupConfig:
        before = [serves(f"q{n - 1:03}", 2, tier=1)] if n else []
        return group(f"g{n:03}", serves(f"q{n:03}", 1, tier=2), *before)

    office = Office(grouped(queues, staff), fold=False)
    office.says(*(event for one in staff for event in at_work(one.id, office.now)))
    office.says(*(event for n in range(count) for event in office.events_of_a_caller(f"q{n:03}")))
    office.reload(grouped(queues, staff, *(groups(n) for n in range(count))))
    assert len(office.offered_now()) == count


# --- delay --------------------------------------------------------------------------------------------------

HELP = grouped(
    [A, B],
    [member("1", "own"), member("2", "help"), member("3", "later")],
    group("own", serves("a")),
    group("help", serves("a", 2, delay=20.0), serves("b")),
    group("later", serves("a", 2, delay=80.0)),
)


def test_groups_see_a_contact_one_after_the_other() -> None:
    office = Office(HELP)
    office.ready("3", "2")
    first, second = office.come("a"), office.come("a")
    office.wait(19.9)
    assert office.offered_now() == {}
    office.wait(0.2)
    assert office.offered_now() == {"2": first}
    office.talk(first)
    office.wait(59.8)
    assert office.waits(second)
    office.wait(0.2)
    assert office.offered_now() == {"3": second}


def test_a_contact_inside_its_delay_is_invisible_and_holds_nobody_up() -> None:
    """Of two that wait the older one, of higher priority, is not visible yet: the other one is served."""
    config = grouped([A, B], [member("1", "g")], group("g", serves("a", 1, delay=30.0), serves("b", 2)))
    office = Office(config)
    hidden, seen = office.come("a"), office.come("b")
    office.wait(10.0)
    office.ready("1")
    assert office.offered_now() == {"1": seen}
    office.hang_up(seen)
    office.wait(30.0)
    assert office.offered_now() == {"1": hidden}


def test_the_delay_counts_from_the_entry_and_goes_on_while_it_rings() -> None:
    office = Office(HELP)
    office.ready("1", "2")
    call = office.come("a")
    offer = office.confirm(call)
    office.wait(19.95)
    office.failed(offer, LegFailure.REJECTED)
    assert office.waits(call), "the one who rejected it is avoided, the other does not see it yet"
    office.wait(0.1)
    assert office.offered_now() == {"2": call}


def test_a_delay_made_shorter_while_a_caller_waits_holds_from_now_on() -> None:
    office = Office(HELP)
    office.ready("2")
    call = office.come("a")
    office.wait(12.0)
    office.reload(
        msgspec.structs.replace(
            HELP,
            groups=(
                HELP.groups[0],
                group("help", serves("a", 2, delay=15.0), serves("b")),
                HELP.groups[2],
            ),
        )
    )
    office.wait(2.9)
    assert office.waits(call)
    office.wait(0.2)
    assert office.offered_now() == {"2": call}


def test_a_delay_taken_away_or_waited_already_admits_at_once() -> None:
    for seconds in (0.0, 5.0):
        office = Office(HELP)
        office.ready("2")
        call = office.come("a")
        office.wait(12.0)
        help_group = group("help", serves("a", 2, delay=seconds))
        office.reload(msgspec.structs.replace(HELP, groups=(help_group,), agents=(member("2", "help"),)))
        office.wait(0.0)
        assert office.offered_now() == {"2": call}


def test_a_lost_talk_is_seen_by_all_who_saw_it_before() -> None:
    office = Office(HELP)
    office.ready("2")
    call = office.come("a")
    office.wait(21.0)
    office.talk(call)
    office.lost(call, "2")
    office.wait(15.1)
    office.ready("3")
    office.wait(40.0)
    assert office.waits(call)
    office.wait(10.0)
    assert office.offered_now() == {"3": call}, "80 s after it entered"


def test_a_delay_leaves_no_clock_behind() -> None:
    office = Office(HELP)
    office.ready("1")
    call = office.come("a")
    office.talk(call)
    assert [key for key in office.world.deadlines.keys() if key.startswith("acd.open")] == []


# --- tiers --------------------------------------------------------------------------------------------------

TIERS = grouped(
    [A],
    [member("1", "front"), member("2", "back"), member("3", "front"), agent("4", "a")],
    group("front", serves("a", tier=1)),
    group("back", serves("a", tier=2)),
)


def test_a_smaller_tier_is_rung_first_however_long_the_other_idles() -> None:
    office = Office(TIERS)
    office.ready("2", "4", "3", "1")
    calls = [office.come("a") for _ in range(4)]
    assert [office.offered_to(call) for call in calls] == ["4", "3", "1", "2"], "who serves directly is of tier 1"
    keys = office.seen(ev.OfferMade)[0].why
    assert keys.names[:2] == ("turn", "tier")
    assert [one.keys[1] for one in keys.candidates] == [1.0, 1.0, 1.0, 2.0]


def test_who_let_it_pass_comes_after_the_next_tier() -> None:
    office = Office(TIERS)
    office.ready("1", "2")
    call = office.come("a")
    office.wait(20.3)
    assert office.offered_to(call) == "2"
    office.wait(2.1)
    assert [one.agent for one in office.seen(ev.OfferMissed)] == ["1"]


# --- capacity -----------------------------------------------------------------------------------------------

MANY = {
    "voice": CapacityConfig(max=1, alone=True),
    "chat": CapacityConfig(max=3, alone=True),
    "task": CapacityConfig(max=2, alone=False),
}


def desk() -> Office:
    office = Office(grouped([A], [member("1", "g")], group("g", serves("a"), capacity=MANY)))
    office.ready("1")
    return office


def test_a_medium_has_as_many_places_as_its_capacity_says() -> None:
    office = desk()
    chats = [office.enter("a", medium="chat") for _ in range(4)]
    assert [office.waits(chat) for chat in chats] == [False, False, False, True]
    office.talk(chats[0])
    office.hang_up(chats[0])
    assert office.waits(chats[3]), "its wrap-up takes the place too"
    office.wait(31.0)
    assert not office.waits(chats[3])


def test_a_medium_that_wants_to_be_alone_keeps_the_others_away() -> None:
    office = desk()
    chat = office.enter("a", medium="chat")
    task, call = office.enter("a", medium="task"), office.come("a")
    assert office.waits(task)
    assert office.waits(call)
    office.hang_up(chat)
    assert not office.waits(task), "the older one first; it lets others be beside it"
    assert not office.waits(call)


def test_one_phone_one_call_whatever_the_capacity_says() -> None:
    """A callback rings his phone too: with a call in hand there is none, although both have a place."""
    generous = {"voice": CapacityConfig(max=2, alone=False), "callback": CapacityConfig(max=2, alone=False)}
    office = Office(grouped([A], [member("1", "g")], group("g", serves("a"), capacity=generous)))
    office.ready("1")
    call, back, second = office.come("a"), office.enter("a", medium="callback"), office.come("a")
    assert [office.waits(one) for one in (call, back, second)] == [False, True, True]
    office.hang_up(call)
    assert [office.waits(one) for one in (back, second)] == [False, True]


def test_who_is_not_named_in_a_capacity_has_one_thing_at_a_time() -> None:
    office = Office(grouped([A], [member("1", "g")], group("g", serves("a"))))
    office.ready("1")
    chat, other, call = office.enter("a", medium="chat"), office.enter("a", medium="chat"), office.come("a")
    assert [office.waits(one) for one in (chat, other, call)] == [False, True, True]


def test_a_chat_needs_no_phone() -> None:
    """His page is linked again, his softphone is not back yet: chats come, calls do not."""
    office = desk()
    office.link("1", 0)
    office.take_away_phone("1")
    chat, call = office.enter("a", medium="chat"), office.come("a")
    assert office.waits(chat)
    office.link("1", 1)
    assert not office.waits(chat)
    assert office.waits(call)


def test_several_offers_of_one_agent_are_all_withdrawn_when_his_page_goes() -> None:
    office = desk()
    chats = [office.enter("a", medium="chat") for _ in range(2)]
    office.link("1", 0)
    assert all(office.waits(chat) for chat in chats)
