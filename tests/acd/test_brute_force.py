"""Every offer of random days, against a plain search over all agents and all waiting contacts.

The search here shares nothing with the index, its pools and the matching pass; only an algorithm's key is the kernel's
(its meaning is tested in test_rank). Conduct asks about the order inside one queue; here it is the order of all queues.
"""

from __future__ import annotations

import random

import msgspec
import pytest

from acd.core.contact import rank_key
from acd.core.rank.base import Seat
from acd.core.rank.table import TABLE
from ctiserver.model import commands as cmd, events as ev, facts
from ctiserver.model.causes import LegFailure
from ctiserver.model.errors import CommandRejected
from ctiserver.model.ids import AgentId, ConversationId
from ctiserver.model.requirement import met, parse, wanted
from ctiserver.model.routing import Algorithm, CapacityConfig, RuleConfig, ServesConfig
from ctiserver.model.site import AgentConfig, SiteConfig
from ctiserver.model.turns import NOTHING, Decision, Item
from ctiserver.model.work import Agent, Contact, ContactState
from ctiserver.model.world import Ctx, World
from tests.acd.house import agent, queue
from tests.acd.office import Office, group, grouped, member, serves, step

STAFF = tuple(f"100{n}" for n in range(1, 8))
CALLERS = ("1", "2", "3", "")


def how_served(site: SiteConfig, config: AgentConfig, queue_id: str) -> ServesConfig | None:
    for one in site.groups:
        if one.id == config.group:
            for how in one.serves:
                if how.queue == queue_id:
                    return how
    return ServesConfig(queue=queue_id) if queue_id in config.queues else None


def is_free(site: SiteConfig, config: AgentConfig, live: Agent, medium: str) -> bool:
    if not live.signed_in or not live.ready or live.links < 1:
        return False
    if medium == "voice":
        device = live.device
        if device is None or not device.registered or not device.contact:
            return False
    places = next((one.capacity for one in site.groups if one.id == config.group), {})
    same = 0
    for item in live.work.values():
        if item.medium == medium:
            same += 1
        elif places.get(item.medium, CapacityConfig()).alone:
            return False
    return same < (1 if medium == "voice" else places.get(medium, CapacityConfig()).max)


def asked(site: SiteConfig, contact: Contact) -> str:
    """What it requires of everybody who may have it now, as text that need not be canonical."""
    config = next(one for one in site.queues if one.id == contact.queue)
    steps = contact.steps or config.steps
    parts = [config.requires, contact.requires]
    if contact.only_agent is not None:
        return ""
    if not contact.prefer_until and contact.step < len(steps):
        parts.append(steps[contact.step].requires)
    return " and ".join(f"({part})" for part in parts if part)


def may(world: World, config: AgentConfig, contact: Contact) -> bool:
    """Whether he could be offered it at this moment."""
    live = world.agents[AgentId(config.id)]
    if contact.avoid.get(live.id) or contact.id in live.work:
        return False
    if not is_free(world.site, config, live, contact.medium):
        return False
    if contact.only_agent is not None:
        return contact.only_agent == config.id
    how = how_served(world.site, config, contact.queue)
    if how is None or not met(config.skills, parse(asked(world.site, contact))):
        return False
    if contact.prefer_until:
        return contact.prefer == config.id
    return how.delay_seconds <= contact.opened


def agent_rank(world: World, config: AgentConfig, contact: Contact) -> tuple[object, ...]:
    of = next(one for one in world.site.queues if one.id == contact.queue)
    how = how_served(world.site, config, contact.queue)
    level = sum(config.skills.get(skill, 0) for skill in wanted(parse(asked(world.site, contact))))
    share = config.shares.get(contact.queue, how.share if how is not None else 0.0)
    seat = Seat(queue=contact.queue, tier=how.tier if how is not None else 1, level=level, share=share)
    turn = 2 if config.id in contact.avoid else 0 if contact.prefer == config.id else 1
    key = TABLE[contact.algorithm or of.algorithm].key(world.agents[AgentId(config.id)], seat)
    return (turn, seat.tier, key, config.id)


def contact_rank(world: World, config: AgentConfig, contact: Contact) -> tuple[object, ...]:
    how = how_served(world.site, config, contact.queue)
    his = contact.only_agent is not None or bool(contact.prefer_until)
    of = next(one for one in world.site.queues if one.id == contact.queue)
    return (0 if his else how.priority if how is not None else 1, rank_key(contact, of))


class Judge:
    """Hears every event before it is applied."""

    def __init__(self) -> None:
        self.offers = 0
        self.several = 0
        self.wrong: list[str] = []

    def decide(self, world: World, item: Item, ctx: Ctx) -> Decision:
        return NOTHING

    def apply(self, world: World, event: ev.Event) -> None:
        if isinstance(event, ev.OfferMade):
            self.judge(world, event)

    def judge(self, world: World, event: ev.OfferMade) -> None:
        self.offers += 1
        site, contact = world.site, world.contacts[event.contact]
        able = [config for config in site.agents if may(world, config, contact)]
        of = next(one for one in site.queues if one.id == contact.queue)
        most = of.ring_at_most if (contact.algorithm or of.algorithm) is Algorithm.RING_ALL else 1
        ranked = sorted(able, key=lambda config: agent_rank(world, config, contact))
        expected = tuple(config.id for config in ranked[:most])
        if event.agents != expected:
            self.wrong.append(f"{contact.id} is offered to {event.agents} and not to {expected}")
            return
        waiting = [one for one in world.contacts.values() if one.state is ContactState.WAITING and not one.away]
        free = [one for one in site.agents if any(may(world, one, each) for each in waiting)]
        if len(free) > 1 and len(waiting) > 1:
            self.several += 1  # who goes first is then a matter of several agents; groups may see it in opposite ways
            return
        mine = contact_rank(world, ranked[0], contact)
        his = [one for one in waiting if may(world, ranked[0], one)]
        before = [one.id for one in his if contact_rank(world, ranked[0], one) < mine]
        if before:
            self.wrong.append(f"{contact.id} is offered to {ranked[0].id} before {before}")


def random_site(chance: random.Random) -> SiteConfig:
    """Three queues of any algorithm, two groups who see them in any way, and agents of all kinds."""
    rules = (
        RuleConfig(id="last", when={"path": "again"}, prefer="last_agent", prefer_seconds=chance.choice([0.0, 8.0])),
        RuleConfig(id="named", when={"path": "named"}, prefer=chance.choice(STAFF), prefer_seconds=6.0),
    )
    second = step("a >= 20 or b", 9.0, available_below=chance.choice([0, 2]))
    steps = (step("a >= 60", 5.0), second, step("not c", 20.0))
    queues = [
        queue(
            name,
            algorithm=chance.choice(list(Algorithm)),
            ring_at_most=chance.choice([1, 2, 5]),
            priority=chance.choice([0.0, 15.0]),
            objective_seconds=chance.choice([0.0, 10.0]),
            requires=chance.choice(["", "", "a or b"]),
            steps=chance.choice([(), steps]),
            rules=rules,
            wrap_up_seconds=chance.choice([0.0, 5.0]),
            offer_seconds=chance.choice([4.0, 8.0]),
        )
        for name in ("x", "y", "z")
    ]

    def how(name: str) -> ServesConfig:
        delay, tier = chance.choice([0.0, 0.0, 7.0]), chance.choice([1, 1, 2])
        return serves(name, chance.choice([1, 1, 2]), delay=delay, tier=tier, share=chance.choice([0.0, 30.0]))

    places = {"chat": CapacityConfig(max=2, alone=chance.random() < 0.5)}
    groups = [group(name, *(how(one) for one in "xyz"), capacity=places) for name in ("g", "h")]

    def levels() -> dict[str, int]:
        return {name: chance.choice([0, 30, 70, 100]) for name in "abc" if chance.random() < 0.7}

    staff = [
        member(name, chance.choice("gh"), skills=levels(), max_misses=0)
        if chance.random() < 0.8
        else agent(name, *chance.sample("xyz", 2), skills=levels(), max_misses=0)
        for name in (*STAFF, "1009")  # who never comes
    ]
    return grouped(queues, staff, *groups)


def live_a_little(office: Office, chance: random.Random) -> None:
    """One thing happens."""
    name = chance.choice(STAFF)
    there = office.world.reservations.values()
    offers = [held for held in there if office.world.contacts[held.contact].reservation == held.id and not held.decided]
    match chance.choices(
        ["come", "chat", "answer", "fail", "leave", "ready", "break", "link", "change", "gap"],
        [9, 2, 7, 3, 6, 9, 2, 4, 0.3, 1],
    )[0]:
        case "come":
            office.come(
                chance.choice("xyz"),
                number=chance.choice(CALLERS),
                requires=chance.choice(["", "", "b >= 30", "not c"]),
                priority=chance.choice([0.0, 0.0, 12.0]),
                agent=chance.choice(["", "", "", "", name]),
                path=chance.choice([(), ("again",), ("named",)]),
            )
        case "chat":
            office.enter(chance.choice("xyz"), medium="chat")
        case "answer" if offers:
            office.talk(ConversationId(chance.choice(offers).conversation))
        case "fail" if offers:
            offer = office.confirm(chance.choice(offers).conversation)
            office.failed(offer, chance.choice(list(LegFailure)), chance.choice(list(offer.agents)))
        case "leave" if office.world.contacts:
            live = [one for one in office.world.contacts.values() if one.state is not ContactState.ENDED]
            if live:
                office.hang_up(chance.choice(live).conversation)
        case "ready":
            office.link(name, 1)
            office.take(cmd.SetReady(**office.who(name)))
        case "break":
            office.take(cmd.SetNotReady(**office.who(name), reason="lunch"))
        case "link":
            office.link(name, chance.choice([0, 1, 1, 1]))
        case "change":
            turned = tuple(msgspec.structs.replace(one, skills={"a": 70}) for one in reversed(office.world.site.agents))
            office.take(facts.SiteLoaded(site=msgspec.structs.replace(office.world.site, agents=turned)))
        case "gap":
            office.says(ev.SwitchLinkChanged(up=False))
            for _ in range(3):
                office.come(chance.choice("xyz"))
            office.says(ev.SwitchLinkChanged(up=True))
        case _:
            pass
    office.wait(chance.choice([0.0, 0.05, 1.0, 3.0, 6.0]))


@pytest.mark.parametrize("seed", range(8))
def test_every_offer_is_the_best_of_all_and_no_restart_shows(seed: int) -> None:
    chance = random.Random(seed)
    office = Office(random_site(chance), fold=False)
    judge = Judge()
    office.cores = (judge, *office.cores)
    office.ready(*STAFF)
    for _ in range(200):
        try:
            live_a_little(office, chance)
        except CommandRejected:
            pass
        assert judge.wrong == [], judge.wrong
        if chance.random() < 0.05:  # the index is derived anew, in another order
            office.restart()
            office.cores = (judge, *office.cores)
    print(f"{judge.offers} offers, {judge.several} of them with several free agents and callers")
    assert judge.offers >= 30
    assert judge.several < judge.offers // 2
    again = office.decided_again()
    assert msgspec.msgpack.encode(again) == msgspec.msgpack.encode(office.log), "a restart shows in the journal"
