"""Each guard of the engine taken away, one at a time: the state machine must find it, in so many steps and always the
same ones. A guard whose loss nobody notices is no guard, or the machine does not look.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from acd.core import agent, contact, desk, index, outcomes, queue_rules, reservation, routing
from ctiserver.model.errors import InvariantBroken
from ctiserver.model.work import ContactState
from tests.acd.machine import CallCenter

RUNS, RULES_A_RUN = 400, 60
SEED = 1
OTHER_SEEDS = {"nobody leaves with work in hand": 2}
"""Where the first seed needs more steps than these."""

Guard = tuple[Any, str, Callable[..., Any]]

GUARDS: dict[str, Guard] = {
    "only a live agent whose phone rings can win": (outcomes, "may_win", lambda held, offered: True),
    "who is withdrawn stays until his leg's end": (reservation, "stays", lambda offered: False),
    "a live one's leg ends with a reason": (reservation, "ends_with_leg", lambda offered: not offered.closed),
    "a contact goes back when nobody is left to answer": (outcomes, "others_may_answer", lambda held, gone: False),
    "a reservation closes with its last leg": (outcomes, "close_if_done", lambda held: ()),
    "who is out of reach loses his offer": (outcomes, "out_of_reach", lambda *given, **more: ()),
    "a caller in the apology is not offered": (
        routing,
        "_may_be_offered",
        lambda found: found.state is ContactState.WAITING,
    ),
    "who rejected it is left alone for a while": (
        routing,
        "not_now",
        lambda found, who: found.id in who.work,
    ),
    "a contact is not offered to one in whose hands it is": (
        routing,
        "not_now",
        lambda found, who: bool(found.avoid.get(who.id)),
    ),
    "who is due first is served first": (contact, "due", lambda found, queue: 0.0),
    "who is chosen in a pass is taken": (routing.Pass, "_take", lambda self, chosen: None),
    "one phone, one call": (agent, "has_room", lambda who, medium, capacity=None: True),
    "pools see an agent's change": (index.Seen, "ranks_as", lambda self, old: True),
    "a group waits for its delay": (index, "sees", lambda how, opened: True),
    "one contact of a caller at a time": (queue_rules.Rules, "_has_contact", lambda self, name: False),
    "nobody is queued who has hung up": (queue_rules, "on_the_line", lambda conversation: True),
    "the clocks of waiting end with it": (contact, "drop_waiting_deadlines", lambda world, found: None),
    "nobody leaves with work in hand": (desk, "must_stay", lambda who: False),
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("guard", GUARDS)
def test_the_machine_finds_that_it_is_gone(guard: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Machine(CallCenter):
        steps = 0
        events: Counter[str] = Counter()

    owner, name, instead = GUARDS[guard]
    assert callable(getattr(owner, name))
    monkeypatch.setattr(owner, name, instead)
    run = settings(
        max_examples=RUNS,
        stateful_step_count=RULES_A_RUN,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
        report_multiple_bugs=False,
    )
    with pytest.raises((AssertionError, InvariantBroken)) as found:
        run_state_machine_as_test(seed(OTHER_SEEDS.get(guard, SEED))(Machine), settings=run)
    print(f"{Machine.steps} steps: {str(found.value).splitlines()[0]}")
