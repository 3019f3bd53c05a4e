"""The state machine of `machine` run: as Hypothesis goes, and as long busy days with the likely things likely.

After every turn the house checks DESIGN section 8 (`acd.core.check`, `acd.core.conduct`) and that folding the events
gives the same world. At the end every deadline is run and nothing may be stuck; the sums per queue must be right, and
the recorded inputs decided again must give the recorded events.
"""

from __future__ import annotations

import copy
import random
from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from acd.core.engine import Acd
from ctiserver.model.causes import EndReason, LegFailure
from ctiserver.model.routing import Algorithm
from ctiserver.model.turns import Decision, Item
from ctiserver.model.world import Ctx, World
from tests.acd.fake_calls import FakeCalls
from tests.acd.house import encoded
from tests.acd.machine import CALLERS, QUEUES, SITES, STAFF, CallCenter

STEPS = 20_000
RULES_A_RUN = 80


class Here(CallCenter):
    """Its own counters."""

    steps = 0
    events: Counter[str] = Counter()


@pytest.mark.timeout(600)
def test_twenty_thousand_steps_and_no_property_ever_breaks() -> None:
    """Always the same ones; `make torture` takes a million others."""
    run = settings(
        max_examples=STEPS // RULES_A_RUN * 12 // 10,
        stateful_step_count=RULES_A_RUN,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    run_state_machine_as_test(Here, settings=run)
    assert Here.steps >= STEPS
    said = ("AgentLegUp", "AgentLegFailed", "CallerAway", "ContactOpened", "ContactStepped", "PreferenceEnded")
    ended = ("OfferMissed", "OfferRejected", "OfferUnreachable", "OfferWithdrawn", "ContactConnected", "WrapUpExtended")
    made = ("CallMade", "CustomerUnreached")
    reasons = (EndReason.ANSWERED, EndReason.ABANDONED, EndReason.TIMED_OUT, EndReason.CLOSED)
    wanted = (*said, *ended, *made, *(reason.value for reason in reasons), *(kind.value for kind in Algorithm))
    assert [name for name in wanted if Here.events[name] < 3] == [], "what never happens is not tested"


@pytest.mark.parametrize("seed", range(2))
def test_a_long_busy_day_with_every_kind_of_trouble(seed: int) -> None:
    """Deeper than Hypothesis goes: one house, thousands of turns, the likely things likely."""
    chance = random.Random(seed)
    day = CallCenter()
    day.open(list(STAFF), 0)
    what = {"call": 12, "answer": 14, "wait": 12, "wrap": 12, "come": 14, "end_talk": 10, "failed": 8}
    what |= {"hang_up": 2, "up": 2, "lost": 1, "link": 2, "contact": 2, "choose": 2, "trouble": 1}
    what |= {"late": 1, "sleep": 1, "confirm": 2, "chat": 2, "again": 1, "apology": 1}
    for _ in range(1500):
        name, place, coin = chance.choice(STAFF), chance.randrange(8), chance.random() < 0.5
        match chance.choices(list(what), list(what.values()))[0]:
            case "call":
                english = chance.choice([0, 0, 50, 95])
                only = chance.choice([None, None, None, None, "1001"])
                kind, caller = chance.choice(["", "", "", "vip", "key"]), chance.choice(CALLERS)
                head_start = chance.choice([0.0, 0.0, 100.0])
                day.call(chance.choice(QUEUES), english, only, head_start, kind, caller, chance.random() < 0.2)
            case "chat":
                day.chat(chance.choice(QUEUES), coin)
            case "again":
                day.ask_again(place, chance.choice(QUEUES))
            case "apology":
                day.apology(place, coin)
            case "answer":
                day.answer(chance.random() < 0.5, place)
            case "wait":
                day.wait(chance.choice([0.05, 0.2, 1.0, 1.0, 2.5, 6.0, 16.0]))
            case "wrap":
                day.wrap_up(name, chance.random() < 0.8, chance.random() < 0.2)
            case "come":
                day.come_to_work(name)
            case "hang_up":
                day.hang_up(place)
            case "end_talk":
                day.end_talk(place)
            case "up":
                day.leg_up(place)
            case "failed":
                day.leg_failed(place % 3, chance.choice(list(LegFailure)), coin)
            case "lost":
                day.leg_lost_or_back(place, coin)
            case "link":
                day.link(name, chance.randrange(3))
            case "contact":
                day.phone_contact(name, coin)
            case "choose":
                day.choose(name, chance.choice(["ready", "lunch", "out", "in"]))
            case "trouble":
                kind = chance.choice(["restart", "seen", "site", "take", "release", "switch", "repair"])
                day.trouble(kind, name, chance.random() < 0.2, coin, chance.randrange(SITES))
            case "late":
                day.late_without_tick()
            case "sleep":
                day.sleep_through_deadlines(chance.choice([1.0, 30.0]))
            case _:
                day.confirm(name)
    day.teardown()
    seen = Counter(type(event).__name__ for event in day.house.log)
    wanted = ("ContactConnected", "OfferMissed", "OfferRejected", "OfferUnreachable", "OfferWithdrawn")
    assert {kind: seen[kind] for kind in wanted if not seen[kind]} == {}


class WatchedAcd(Acd):
    """Looks after `decide`: it may only read."""

    def decide(self, world: World, item: Item, ctx: Ctx) -> Decision:
        before, index = encoded(world), copy.deepcopy(self.index.snapshot())
        try:
            return super().decide(world, item, ctx)
        finally:
            assert encoded(world) == before
            assert self.index.snapshot() == index


def test_deciding_changes_nothing() -> None:
    chance = random.Random(5)
    day = CallCenter()
    day.open(list(STAFF), 0)
    day.house.acd = WatchedAcd(day.house.world)
    day.house.cores = (FakeCalls(), day.house.acd)
    for _ in range(60):
        day.call(chance.choice(QUEUES), chance.choice([0, 50]), None, 0.0, "", chance.choice(CALLERS), own_steps=False)
        day.answer(chance.random() < 0.6, 0)
        day.leg_failed(chance.randrange(3), chance.choice(list(LegFailure)), chance.random() < 0.5)
        day.wait(chance.choice([0.2, 2.5, 21.0]))
        day.end_talk(0)
        day.come_to_work(chance.choice(STAFF))
    day.teardown()


def test_a_change_of_the_site_offers_nobody_whom_it_turns_away() -> None:
    """Found once in a million steps: two chats were ended by a change of the site, and offered in the same decision."""
    day = CallCenter()
    day.open(present=["1001", "1002", "1003", "1004", "1005", "1006"], number=0)
    day.trouble(what="restart", name="1001", other=False, over=True, number=0)
    day.call(caller="201", english=0, kind="", name="order", only=None, own_steps=False, priority=0.0)
    day.chat(name="service", missed=True)
    day.come_to_work(name="1002")
    day.chat(name="service", missed=True)
    day.trouble(what="site", name="1001", other=False, over=False, number=3)
    day.teardown()
