"""Random days with callbacks: people do anything in any order, the server is killed, nothing may be left or be wrong.

After every turn the floor asks the checker, the auditor and the folded journal (tests.fakes.floor). 600 of these days
were lived through once; a few are enough for every day.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from ctiserver.model import commands as cmd, events as ev, facts, ids
from ctiserver.model.ids import LegId
from ctiserver.model.routing import CallbackConfig
from tests.fakes.floor import Floor
from tests.scenarios.test_callbacks import OTHER, OWN, lead, site

STEPS = 80
AGENTS = ("1001", "1002", "1003")
SOON = CallbackConfig(tries=2, retry_seconds=30, ring_seconds=10, keep_seconds=200)


class Day:
    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.floor = Floor(site())
        self.here: list[str] = []
        self.calls = 0
        self.sign_in("1001")

    def legs(self, kind: str) -> list[LegId]:
        return [leg for leg in self.floor.switch.channels if ids.kind(leg) == kind]

    def maybe_settle(self) -> None:
        if self.dice.random() < 0.8:
            self.floor.settle()

    def sign_in(self, who: str) -> None:
        if who in self.here:
            self.floor.command(cmd.SetReady, who)
        else:
            self.floor.log_in(who)
            self.here.append(who)

    def call(self) -> None:
        self.calls += 1
        number = self.dice.choice([OWN, OTHER, "13700000007", "anonymous"])
        self.floor.switch.call(f"9.{self.calls}", self.dice.choice(["95500", "95501"]), number)
        self.floor.settle()

    def confirm(self) -> None:
        for who in self.here:
            for item in list(self.floor.agent(who).work.values()):
                if item.reservation is not None:
                    self.floor.command(cmd.ConfirmOffer, who, reservation=item.reservation)
        self.maybe_settle()

    def answer(self, kind: str) -> None:
        for leg in self.legs(kind):
            if self.dice.random() < 0.7:
                self.floor.switch.answer(leg)
        self.maybe_settle()

    def end(self, kind: str) -> None:
        for leg in self.legs(kind):
            if self.dice.random() < 0.6:
                self.floor.switch.end(leg, self.dice.choice([0, 16, 17, 19, 21, 44]))
        self.maybe_settle()

    def command(self) -> None:
        who = self.dice.choice(AGENTS)
        kind = self.dice.choice([cmd.HangUpCall, cmd.FinishWrapUp, cmd.SetNotReady])
        if kind is cmd.SetNotReady:
            self.floor.command(kind, who, reason="lunch")
        for item in list(self.floor.agent(who).work.values()):
            if kind is cmd.HangUpCall:
                self.floor.command(kind, who, conversation=item.conversation)
            elif kind is cmd.FinishWrapUp:
                done = {"disposition": self.dice.choice(["solved", ""]), "note": "", "ready": True}
                self.floor.command(kind, who, contact=item.contact, **done)

    def book(self) -> None:
        number = self.dice.choice([OWN, OTHER, "13600000006"])
        lead(self.floor, cmd.BookCallback, queue="service", number=number, dialled="95500")

    def cancel(self) -> None:
        for contact in list(self.floor.world.contacts.values()):
            if contact.booking is not None:
                lead(self.floor, cmd.CancelCallback, contact=contact.id)

    def restart(self) -> None:
        self.floor.restart(lose_facts=self.dice.random() < 0.8)
        for who in self.here:
            if self.floor.agent(who).device is not None:
                self.floor.feed_links(who)
        self.maybe_settle()

    def change(self) -> None:
        self.floor.switch.trunk_up = self.dice.random() < 0.7
        self.floor.feed(facts.SiteLoaded(site=site(callback=self.dice.choice([SOON, None]))))

    def live(self) -> None:
        acts: list[tuple[int, Callable[[], None]]] = [
            (3, self.call),
            (3, self.book),
            (1, self.cancel),
            (3, self.confirm),
            (4, lambda: self.answer("a")),
            (3, lambda: self.answer("c")),
            (2, lambda: self.end("a")),
            (1, lambda: self.end("c")),
            (1, lambda: self.end("")),
            (3, self.command),
            (2, lambda: self.sign_in(self.dice.choice(AGENTS))),
            (1, self.restart),
            (1, self.change),
            (4, lambda: self.floor.advance(self.dice.choice([0.05, 0.3, 2, 11, 21, 31, 61]))),
        ]
        for act in self.dice.choices([act for _, act in acts], [weight for weight, _ in acts], k=STEPS):
            act()

    def over(self) -> None:
        """Everybody hangs up, nobody is called any more."""
        for seconds in (5, 1, 4000, 100):
            self.cancel()
            for leg in list(self.floor.switch.channels):
                self.floor.switch.end(leg)
            self.floor.advance(seconds)


@pytest.mark.parametrize("seed", range(12))
def test_a_day_of_callbacks(seed: int) -> None:
    day = Day(seed)
    day.live()
    day.over()
    floor = day.floor
    assert floor.switch.quiet()
    assert not floor.world.conversations
    assert not floor.world.contacts
    floor.check_journal()
    booked = [event.contact for event in floor.events(ev.CallbackBooked) if isinstance(event, ev.CallbackBooked)]
    ended = [event.contact for event in floor.events(ev.ContactEnded) if isinstance(event, ev.ContactEnded)]
    assert [ended.count(contact) for contact in booked] == [1] * len(booked)
