"""Random consults and conferences, with colleagues, queues and outside numbers, on phones of every kind: commands,
answers, keys, lost legs, page reloads, kills of the server, in any order.

The floor asks the auditor after every turn; here: the customer is never alone in a talk, in the end nothing is left.
"""

from __future__ import annotations

import random

import pytest

from ctiserver.calls.keys import KEY
from ctiserver.model import commands as cmd
from ctiserver.model.ids import OUTSIDE_PARTY
from tests.calls import situations
from tests.calls.situations import AGENT, CALLER, COLLEAGUE, KINDS, THIRD, Call

PEOPLE = (AGENT, COLLEAGUE, THIRD)
STEPS = 40
BEGINNINGS = (
    *("consult_ringing", "consulting", "swapped", "conference", "conference_consulting", "conference_swapped"),
    *("consult_waiting", "consulting_outside", "conference_outside"),
)
COMMANDS: tuple[type[cmd.Command], ...] = (
    *(cmd.HoldCall, cmd.RetrieveCall, cmd.SwapCall, cmd.CancelConsult, cmd.CompleteConsult, cmd.ConferenceCall),
    *(cmd.LeaveConference, cmd.DropParty, cmd.ConsultCall, cmd.ConsultCall, cmd.ConsultCall),
)
RARE: tuple[type[cmd.Command], ...] = (cmd.HangUpCall, cmd.TransferCall)


@pytest.mark.parametrize("seed", range(60))
def test_whatever_happens_nobody_is_left_in_silence_and_nothing_is_left_over(seed: int) -> None:
    dice = random.Random(seed)
    call = Call(dice.choice(KINDS))
    situations.SITUATIONS[dice.choice(BEGINNINGS)](call)
    for step in range(STEPS):
        happens(call, dice, step)
        call.floor.advance(dice.choice([0, 0.001, 0.003, 0.1, 0.1, 1, 1, 5]))
        not_alone(call)
    call.floor.switch.end(CALLER)
    call.floor.advance(120)
    assert call.floor.switch.quiet()
    assert not call.floor.world.conversations
    assert not call.floor.world.contacts
    assert not call.floor.world.reservations
    assert not any(call.floor.agent(agent).work for agent in PEOPLE)
    call.floor.check_journal()


def not_alone(call: Call) -> None:
    """Once all is told that is under way."""
    switch = call.floor.switch
    for bridge, legs in switch.bridges.items():
        alone = legs == [CALLER] and bridge not in switch.holding
        assert not alone or switch.busy(), "the customer is alone in the talk"


def happens(call: Call, dice: random.Random, step: int) -> None:
    floor, switch = call.floor, call.floor.switch
    legs = [leg for leg in switch.channels if leg in switch.endpoint_of or leg in switch.dialled]
    ringing = [leg for leg in legs if switch.channels[leg] == "Ringing"]
    agent = dice.choice(PEOPLE)
    device = floor.agent(agent).device
    match dice.randrange(14):
        case 0 | 1 | 2 | 3 | 4 | 5:
            command(call, dice, agent)
        case 6 | 7 | 8 if ringing:
            leg = dice.choice(ringing)
            switch.answer(leg)
            if dice.random() < 0.8:
                floor.advance(0.1)
                switch.press(leg, KEY)
        case 9 if legs:
            switch.end(dice.choice(legs), dice.choice([16, 44, 44, 21, 18]))
        case 10 if call.kind == "browser":
            floor.reload(agent, f"page{step + 2}")
        case 11 if dice.random() < 0.4:
            floor.restart(lose_facts=dice.random() < 0.7)
            for one in PEOPLE:
                floor.feed_links(one)
        case 12 if legs:
            switch.hold(dice.choice(legs), on=dice.random() < 0.5)
        case 13 if device is not None:
            switch.unregister(device.endpoint)
        case _:
            pass


def command(call: Call, dice: random.Random, agent: str) -> None:
    """Mostly by the one whose talk it is."""
    conversation = next(iter(call.floor.world.conversations.values()), None)
    if conversation is None:
        return
    if conversation.agent is not None and dice.random() < 0.85:
        agent = conversation.agent
    kind = dice.choice(RARE if dice.random() < 0.06 else COMMANDS)
    fields: dict[str, object] = {}
    if kind is cmd.ConsultCall:
        whom = {"to_agent": dice.choice(PEOPLE), "queue": "service", "number": situations.OUTSIDER}
        name = dice.choice(["to_agent", "to_agent", "queue", "number"])
        fields[name] = whom[name]
    elif kind is cmd.DropParty:
        fields["party"] = dice.choice([*PEOPLE, OUTSIDE_PARTY])
    elif kind is cmd.TransferCall:
        fields["queue"] = "service"
    call.floor.command(kind, agent, conversation=conversation.id, **fields)
