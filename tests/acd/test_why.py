"""Why: what an offer's record keeps, and the whole answer for a contact. The record is told from counters, the answer
by looking at every agent: two ways that must agree."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest

from acd.core.engine import Acd
from acd.core.explain import explain
from ctiserver import replay
from ctiserver.model import commands as cmd, events as ev
from ctiserver.model.causes import LegFailure
from ctiserver.model.errors import CommandRejected
from ctiserver.model.explanation import AgentAnswer, Explanation
from ctiserver.model.ids import AgentId, QueueId
from ctiserver.model.routing import Algorithm, GroupConfig, RuleConfig, ServesConfig, StepConfig
from ctiserver.model.site import SiteConfig
from ctiserver.model.turns import Record
from ctiserver.model.world import World, WorldState
from tests.acd.fake_calls import FakeCalls
from tests.acd.house import House, agent, label, queue, site


class Asked(House):
    """A house that asks for every offer: would the whole answer have said the same?"""

    compared = 0

    def take(self, item: Any) -> tuple[ev.Event, ...]:
        before, at, seq = replay.copied(self.world), self.now, self.world.seq
        try:
            events = super().take(item)
        except CommandRejected:
            return ()
        for made in [event for event in events if isinstance(event, ev.OfferMade)]:
            world = World(msgspec.msgpack.decode(msgspec.msgpack.encode(before), type=WorldState))
            record = Record(seq=seq + 1, at=at, seed=1, input=item, events=events, effects=())
            answer = replay.offer_explained(world, (FakeCalls(), Acd(world)), record, "t", made.reservation)
            assert answer is not None
            agrees(made, answer)
            self.compared += 1
        return events


def agrees(made: ev.OfferMade, answer: Explanation) -> None:
    why = made.why
    best = [one for one in answer.agents if one.place]
    assert [(one.agent, one.keys) for one in best[:10]] == [(one.agent, one.keys) for one in why.candidates]
    counted = dict(why.excluded)
    assert counted.pop("ranked_lower", 0) == len(best) - len(why.candidates)
    assert counted == answer.excluded
    assert (why.requires, why.names, why.rules) == (answer.requires, answer.names, answer.rules)
    assert why.step + 1 == (answer.step.number if answer.step is not None else 1)
    assert len(why.candidates) + sum(why.excluded.values()) == len(answer.agents)


def group(name: str, how: dict[str, dict[str, Any]]) -> GroupConfig:
    serves = tuple(ServesConfig(queue=served, **more) for served, more in how.items())
    return GroupConfig(id=name, name=label(name), serves=serves)


def with_groups(base: SiteConfig, *groups: GroupConfig) -> SiteConfig:
    return msgspec.structs.replace(base, groups=groups)


def answer(house: House, conversation: str) -> Explanation:
    found = explain(house.world, house.contact(conversation).id)
    assert found is not None
    return found


def of(found: Explanation, name: str) -> AgentAnswer:
    return next(one for one in found.agents if one.agent == name)


def last(house: House) -> ev.Why:
    return house.seen(ev.OfferMade)[-1].why


# --- the record -------------------------------------------------------------------------------------------


def test_each_reason_why_not_is_counted_once() -> None:
    """One agent for each reason, and one who gets the call."""
    staff = [
        *(agent(name, group="first", skills={"billing": 60}) for name in ("best", "talks", "rings", "wraps")),
        *(agent(name, group="first", skills={"billing": 60}) for name in ("lunch", "dead", "away", "no")),
        agent("weak", group="first", skills={"billing": 40}),
        agent("late", group="second", skills={"billing": 60}),
        agent("other", "elsewhere", skills={"billing": 60}),
    ]
    staff = [msgspec.structs.replace(one, queues=()) if one.group else one for one in staff]
    base = site([queue("service", requires="billing >= 50", wrap_up_seconds=600.0), queue("elsewhere")], staff)
    house = Asked(
        with_groups(
            base, group("first", how={"service": {}}), group("second", how={"service": {"delay_seconds": 30.0}})
        )
    )
    house.ready("wraps")
    done = house.call()
    house.talk(done)
    house.hang_up(done)
    house.ready("talks")
    house.talk(house.call())
    house.ready("rings")
    house.call()
    house.ready("no")
    refused = house.call()
    house.failed(house.confirm(refused), LegFailure.REJECTED)
    for name in ("lunch", "dead"):
        house.take(cmd.SignIn(**house.who(name)))
        house.phone(name)
    house.take(cmd.SetNotReady(**house.who("lunch"), reason="lunch"))
    house.link("dead", 0)
    house.take(cmd.SetReady(**house.who("dead")))
    house.ready("weak", "late", "other")
    assert house.contact(refused).reservation is None, "nobody may have it yet"
    house.take(cmd.SignIn(**house.who("best")))
    house.phone("best")
    house.take(cmd.SetReady(**house.who("best")))
    why = last(house)
    assert why.chosen == ("best",)
    assert why.excluded == {
        **{"queue": 1, "busy": 1, "reserved": 1, "wrap_up": 1, "not_ready": 1, "unreachable": 1, "signed_out": 1},
        **{"delay": 1, "skill": 1, "avoided": 1},
    }
    assert house.compared


def test_an_agent_with_a_delay_and_without_the_skill_is_counted_by_the_delay_first() -> None:
    staff = [agent("a", group="now"), agent("b", group="later"), agent("c", group="later")]
    staff = [msgspec.structs.replace(one, queues=(), skills={"x": 1 if one.id == "a" else 0}) for one in staff]
    house = Asked(
        with_groups(
            site([queue("service", requires="x")], staff),
            group("now", how={"service": {}}),
            group("later", how={"service": {"delay_seconds": 10.0}}),
        )
    )
    house.ready("b", "c", "a")
    house.call()
    assert last(house).excluded == {"delay": 2}
    second = house.call()
    house.wait(11.0)
    house.hang_up(house.seen(ev.OfferMade)[0].conversation)
    house.wait(3.0)
    assert house.offered_to(second) == "a"
    assert last(house).excluded == {"skill": 2}, "the delay is over, the skill is still missing"


def test_of_thirty_free_agents_twenty_rank_lower() -> None:
    house = Asked(site(staff=[agent(f"a{n:02}") for n in range(30)]), fold=False)
    house.ready(*(f"a{n:02}" for n in range(30)))
    house.call()
    assert last(house).excluded == {"ranked_lower": 20}
    assert last(house).tie_break == "idle_since"


def test_what_decided_between_the_first_two_is_named() -> None:
    """The tier, the algorithm's key, the id, or nobody else."""
    staff = [msgspec.structs.replace(agent(name, group=name), queues=()) for name in ("g1", "g2")]
    groups = [group(name, how={"service": {"tier": n}}) for n, name in enumerate(("g1", "g2"), 1)]
    tiers = Asked(with_groups(site(staff=staff), *groups))
    tiers.ready("g2", "g1")
    assert tiers.offered_to(tiers.call()) == "g1"
    assert last(tiers).tie_break == "tier"
    tiers.call()
    assert last(tiers).tie_break == ""

    equal = Asked()
    equal.says(*(ev.AgentSignedIn(agent=AgentId(name), at=equal.now) for name in ("1002", "1001")))
    for name in ("1002", "1001"):
        equal.phone(name)
        equal.take(cmd.SetReady(**equal.who(name)))
    equal.call()
    assert last(equal).tie_break == "agent id"


def test_the_record_names_rules_preference_priority_and_due_time() -> None:
    rule = RuleConfig(id="vip", when={"number": "95500"}, priority=60.0, prefer="1002", prefer_seconds=20.0)
    staff = [msgspec.structs.replace(agent(name, group="g"), queues=()) for name in ("1001", "1002")]
    base = site([queue("service", rules=(rule,), priority=5.0, objective_seconds=20.0)], staff)
    house = Asked(with_groups(base, group("g", how={"service": {"priority": 3}})))
    house.ready("1001", "1002")
    called = house.now
    house.call()
    why = last(house)
    assert (why.rules, why.prefer, why.priority) == (("vip",), "1002", 0), "0: it is his own"
    assert why.due == called + 20.0 - 5.0 - 60.0
    assert why.excluded == {"other_agent": 1}
    house.call()  # 1002 is being offered the first: nobody waits for him alone
    house.wait(21.0)
    assert (last(house).chosen, last(house).priority) == (("1001",), 3)


def test_the_record_stays_small() -> None:
    """It is written for every offer: ten candidates in well under a kilobyte."""
    house = House(site(staff=[agent(f"10{n:02}") for n in range(30)]), fold=False)
    house.ready(*(f"10{n:02}" for n in range(30)))
    house.call()
    assert len(msgspec.msgpack.encode(last(house))) < 700


@pytest.mark.parametrize("seed", range(6))
def test_record_and_whole_answer_agree_on_any_day(seed: int) -> None:
    """Random days: groups with delays and priorities, steps by time and load, preferences, breaks, lost links."""
    chance = random.Random(seed)
    skills = ("billing", "english", "french")
    staff = [
        msgspec.structs.replace(
            agent(f"10{n:02}", group=chance.choice(("g1", "g2", "g3"))),
            queues=(),
            skills={skill: chance.randrange(0, 101, 20) for skill in skills},
        )
        for n in range(14)
    ]
    steps = (
        StepConfig(requires="billing >= 60", for_seconds=15.0),
        StepConfig(requires="billing >= 20", available_below=2),
    )
    rule = RuleConfig(id="mine", when={"number": "95500"}, prefer="1003", prefer_seconds=12.0)
    queues = [
        queue("service", steps=steps, algorithm=chance.choice(list(Algorithm)), max_wait_seconds=200.0),
        queue("order", requires="english >= 40 or french >= 40", priority=20.0, algorithm=Algorithm.LEAST_OCCUPIED),
        queue("own", rules=(rule,), objective_seconds=30.0, offer_seconds=8.0),
    ]
    groups = [
        group("g1", how={"service": {}, "order": {"tier": 2}, "own": {}}),
        group("g2", how={"service": {"delay_seconds": 10.0}, "order": {"priority": 2}}),
        group("g3", how={"own": {"delay_seconds": 5.0, "share": 40.0}, "service": {"tier": 3, "priority": 2}}),
    ]
    house = Asked(with_groups(site(queues, staff), *groups), fold=False)
    house.ready(*(one.id for one in staff[:9]))
    calls = []
    for _ in range(160):
        who = chance.choice(staff).id
        live = [c for c in calls if not house.world.conversations[c].cleared]
        match chance.randrange(9):
            case 0 | 1 | 2:
                wanted = chance.choice(("service", "order", "own"))
                calls.append(house.call(wanted, priority=chance.choice((0.0, 30.0))))
            case 3:
                house.wait(chance.choice((1.0, 6.0, 20.0)))
            case 4 if live:
                house.hang_up(chance.choice(live))
            case 5:
                house.take(cmd.SetNotReady(**house.who(who), reason="lunch"))
            case 6:
                house.ready(who)
            case 7:
                house.link(who, chance.randrange(2))
            case _:
                for offer in [one for one in house.world.reservations.values() if not one.decided][:2]:
                    for name in list(offer.agents):
                        house.take(cmd.ConfirmOffer(**house.who(name), reservation=offer.id))
                    first = next(iter(offer.agents))
                    if chance.random() < 0.7:
                        house.up(offer, first)
                    else:
                        house.failed(offer, chance.choice((LegFailure.REJECTED, LegFailure.UNREACHABLE)), first)
    assert house.compared >= 12
    for contact in list(house.world.contacts):
        found = explain(house.world, contact)
        assert found is not None
        assert found.verdict != "served_next" or not house.world.switch_up
        assert found.excluded.get("unknown", 0) == 0
        assert msgspec.json.decode(msgspec.json.encode(found), type=Explanation) == found


# --- the whole answer -------------------------------------------------------------------------------------


def test_a_waiting_contact_says_who_would_serve_it_if_he_were_ready() -> None:
    staff = [
        agent("1001", skills={"billing": 60}),
        agent("1002", skills={"billing": 20}),
        agent("1003", skills={"billing": 60}),
    ]
    house = House(site([queue("service", requires="billing >= 50 and french >= 60 or billing >= 55")], staff))
    house.ready("1001", "1002", "1003")
    house.take(cmd.SetNotReady(**house.who("1003"), reason="lunch"))
    house.talk(house.call())
    found = answer(house, house.call())
    assert found.verdict == "all_busy"
    assert found.excluded == {"busy": 1, "not_ready": 1, "skill": 1}
    assert found.nearest == ("1001", "1003", "1002")
    (lunch,) = of(found, "1003").obstacles
    assert (lunch.reason, lunch.about) == ("not_ready", "lunch")
    assert of(found, "1003").skills == {"billing": 60, "french": 0}
    (skill,) = of(found, "1002").obstacles
    assert skill.missing == ("billing >= 50 and french >= 60 or billing >= 55",)


def test_a_requirement_that_nobody_meets_is_shown_part_by_part() -> None:
    house = House(site([queue("service", requires="billing >= 50")], [agent("1001", skills={"billing": 60})]))
    house.ready("1001")
    found = answer(house, house.call(requires="french >= 60"))
    assert found.verdict == "nobody_fits"
    assert [(part.requires, part.agents, part.free) for part in found.parts] == [
        ("billing >= 50", 1, 1),
        ("french >= 60", 0, 0),
    ]
    assert of(found, "1001").obstacles[0].missing == ("french >= 60",)


def test_steps_delays_and_wrap_ups_say_how_long_they_last() -> None:
    staff = [
        msgspec.structs.replace(agent("old", group="now", skills={"x": 80}), queues=()),
        msgspec.structs.replace(agent("young", group="now", skills={"x": 30}), queues=()),
        msgspec.structs.replace(agent("helper", group="later", skills={"x": 90}), queues=()),
    ]
    steps = (StepConfig(requires="x >= 50", for_seconds=40.0), StepConfig(requires="x >= 20", for_seconds=60.0))
    house = House(
        with_groups(
            site([queue("service", steps=steps, wrap_up_seconds=100.0)], staff),
            group("now", how={"service": {}}),
            group("later", how={"service": {"delay_seconds": 30.0}}),
        )
    )
    house.ready("old")
    first = house.call()
    house.talk(first)
    house.hang_up(first)
    house.ready("young", "helper")
    began = house.now
    waits = house.call()
    house.wait(10.0)
    house.says()  # a turn, so that the world's time is now
    found = answer(house, waits)
    assert found.step is not None
    assert (found.step.number, found.step.of, found.step.ends_at) == (1, 2, began + 40.0)
    assert (found.step.next_requires, found.step.next_agents, found.step.next_free) == ("x >= 20", ("young",), 1)
    assert found.opening is not None
    assert (found.opening.at, found.opening.agents) == (began + 30.0, ("helper",))
    (delay,) = of(found, "helper").obstacles
    assert (delay.reason, delay.left) == ("delay", pytest.approx(20.0))
    (wrap,) = of(found, "old").obstacles
    assert wrap.reason == "wrap_up"
    assert 80.0 < wrap.left < 100.0
    assert found.nearest[:2] == ("old", "helper")
    house.wait(20.1)
    assert house.offered_to(waits) == "helper"


def test_who_goes_first_and_why() -> None:
    """One agent serves three queues; each of those before the last caller is before him for another reason."""
    staff = [msgspec.structs.replace(agent("1001", group="g", max_misses=9), queues=())]
    queues = [queue("service"), queue("urgent", priority=100.0), queue("gold"), queue("soon", objective_seconds=-50.0)]
    how = {"service": {"priority": 2}, "urgent": {"priority": 2}, "soon": {"priority": 2}, "gold": {"priority": 1}}
    house = House(with_groups(site(queues, staff), group("g", how=how)))
    house.ready("1001")
    house.talk(house.call())
    longer = house.call()
    house.now += 10.0
    gold, urgent, soon = house.call("gold"), house.call("urgent"), house.call("soon")
    mine = house.call()
    house.now += 1.0
    house.call()
    found = answer(house, mine)
    ids = {house.contact(conversation).id: conversation for conversation in (gold, urgent, soon, longer)}
    assert [(ids[one.contact], one.by, one.seconds) for one in found.ahead] == [
        (gold, "queue_priority", 0.0),
        (urgent, "head_start", 100.0),
        (soon, "objective", 50.0),
        (longer, "waits_longer", 10.0),
    ]
    assert (found.place, found.queue_length, found.ahead_count) == (2, 3, 4)


def test_one_who_is_waited_for_alone_is_named() -> None:
    rule = RuleConfig(id="mine", when={"number": "95500"}, prefer="1002", prefer_seconds=30.0)
    house = House(site([queue("service", rules=(rule,))], [agent("1001"), agent("1002")]))
    house.ready("1001", "1002")
    house.take(cmd.SetNotReady(**house.who("1002"), reason="lunch"))
    found = answer(house, house.call())
    assert (found.verdict, found.prefer, found.rules) == ("waits_for_agent", "1002", ("mine",))
    assert [each.reason for each in of(found, "1001").obstacles] == ["other_agent"]
    assert found.nearest == ("1002",)


@pytest.mark.parametrize("verdict", ["switch_down", "caller_away", "offered", "nobody_signed_in", "not_ready"])
def test_the_verdict_names_what_stands_in_the_way(verdict: str) -> None:
    house = House(site(staff=[agent("1001")]))
    if verdict in ("not_ready", "offered"):
        house.ready("1001")
    if verdict == "not_ready":
        house.take(cmd.SetNotReady(**house.who("1001"), reason="lunch"))
    call = house.call()
    if verdict == "switch_down":
        house.world.switch_up = False
    if verdict == "caller_away":
        house.says(ev.CallerAway(conversation=call, at=house.now))
    assert answer(house, call).verdict == verdict


def test_asking_changes_nothing() -> None:
    house = House(site([queue("service", requires="x")]))
    house.ready("1001", "1002")
    call = house.call()
    before = msgspec.msgpack.encode(house.world.state())
    kept = house.acd.index.snapshot()
    explain(house.world, house.contact(call).id, house.acd.index)
    assert msgspec.msgpack.encode(house.world.state()) == before
    assert house.acd.index.snapshot() == kept
    assert explain(house.world, "nobody") is None  # type: ignore[arg-type]
    assert QueueId("service") in house.world.queue_configs
