"""`hollyhock replay --with`: a recorded shift played again under its own rules and under others.

The shift is the whole centre in virtual time, so its journal is the real thing; what must come out is worked out here.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from acd.sim.retrace import Outcome, Past, retrace
from ctiserver.cli import commands
from ctiserver.journal_tool.past import collect
from ctiserver.journal_tool.retracing import compare
from ctiserver.model import commands as cmd
from ctiserver.model.ids import LegId
from ctiserver.model.routing import Algorithm, GroupConfig, ServesConfig
from ctiserver.model.site import AgentConfig, FlowConfig, NumberConfig, QueueConfig, SiteConfig
from ctiserver.model.work import WorkKind
from tests.drivers.journals import written
from tests.fakes.floor import Floor
from tests.scenarios.conftest import label, make_site

STEP = 0.1
PICKUP = 1.0


def straight(queue: str) -> FlowConfig:
    nodes = {"q": {"type": "queue", "queue": queue, "exits": {}}}
    flow = {"format": 1, "id": queue, "title": {"zh": queue, "en": queue}, "languages": ["zh"], "start": "q"}
    return FlowConfig(id=queue, revision=1, document=json.dumps({**flow, "nodes": nodes}))


def shop(agents: int = 2, *queues: QueueConfig) -> SiteConfig:
    """Two queues with a number each, and agents who serve both."""
    both = queues or (
        QueueConfig(id="sales", name=label("sales"), disposition_required=False, wrap_up_seconds=300.0),
        QueueConfig(id="help", name=label("help"), disposition_required=False, wrap_up_seconds=300.0),
    )
    names = tuple(queue.id for queue in both)
    return msgspec.structs.replace(
        make_site(),
        numbers=tuple(NumberConfig(number=f"9550{n}", flow=name, name=label(name)) for n, name in enumerate(names)),
        queues=both,
        flows=tuple(straight(name) for name in names),
        agents=tuple(
            AgentConfig(id=f"100{n}", name=label(f"{n}"), skills={"en": 50}, queues=names, max_misses=2)
            for n in range(1, agents + 1)
        ),
    )


class Shift:
    """Plays people on a floor: whoever rings is answered after PICKUP, talks and wraps up as long as his call says."""

    def __init__(self, site: SiteConfig) -> None:
        self.floor = Floor(site)
        self.talks: dict[str, tuple[float, float]] = {}
        self.ends: list[tuple[float, LegId]] = []
        self.wraps: dict[str, float] = {}
        self.answers: dict[str, float] = {}
        self.lets_pass: dict[str, int] = {}
        self.count = 0

    def call(self, number: int = 0, talk: float = 10.0, wrap_up: float = 2.0, patience: float = 0.0) -> None:
        self.count += 1
        leg = self.floor.switch.call(f"{self.count}.{self.count}", f"9550{number}", f"1390000{self.count:04}")
        self.floor.settle()
        self.talks[self.floor.world.conversation_of_leg[leg]] = (talk, wrap_up)
        if patience:
            self.ends.append((self.floor.now + patience, leg))

    def wait(self, seconds: float) -> None:
        until = self.floor.now + seconds - 1e-6
        while self.floor.now < until:
            self.floor.advance(STEP)
            self._people()

    def _people(self) -> None:
        floor = self.floor
        for at, leg in [one for one in self.ends if one[0] <= floor.now]:
            self.ends.remove((at, leg))
            if leg in floor.switch.channels:
                floor.switch.end(leg)
        for name, agent in floor.world.agents.items():
            for item in list(agent.work.values()):
                if item.kind is WorkKind.RESERVED and item.reservation is not None:
                    self._rung(name, item.reservation)
                elif item.kind is WorkKind.BUSY and item.contact not in self.wraps:
                    conversation = floor.world.conversations[item.conversation]
                    talk, wrap_up = self.talks[item.conversation]
                    self.wraps[item.contact] = wrap_up
                    self.ends.append((floor.now + talk, conversation.customer_leg))
                elif item.kind is WorkKind.WRAP_UP and floor.now >= item.since + self.wraps[item.contact]:
                    floor.command(cmd.FinishWrapUp, name, contact=item.contact, note="", disposition="", ready=True)

    def _rung(self, name: str, reservation: str) -> None:
        floor = self.floor
        if reservation not in self.answers:
            self.answers[reservation] = floor.now + PICKUP
            floor.confirm(name)
            if self.lets_pass.get(name, 0) > 0:
                self.lets_pass[name] -= 1
                self.answers[reservation] = float("inf")
        elif floor.now >= self.answers[reservation]:
            floor.switch.answer(floor.ringing_leg(name))
            self.answers[reservation] = float("inf")

    def journal(self, folder: Path) -> Path:
        return written(folder, self.floor.records)


def as_recorded(past: Past, recorded: list[Outcome]) -> None:
    """Played again by its own rules: the same agents and ends; waits to what a page needs to paint an offer."""
    again = retrace(past)
    assert [(one.agent, one.end) for one in again] == [(one.agent, one.end) for one in recorded]
    assert [one.wait for one in again] == pytest.approx([one.wait for one in recorded], abs=0.35)


def two_calls(tmp_path: Path) -> Path:
    """A talks 30 s with 1001 and B 10 s with 1002, 5 s later; wrap-ups of 4 s."""
    shift = Shift(shop())
    shift.floor.log_in("1001")
    shift.wait(1.0)
    shift.floor.log_in("1002")
    shift.wait(1.0)
    shift.call(talk=30.0, wrap_up=4.0)
    shift.wait(5.0)
    shift.call(talk=10.0, wrap_up=4.0)
    shift.wait(60.0)
    return shift.journal(tmp_path)


def test_the_recorded_rules_played_again_give_what_was_recorded(tmp_path: Path) -> None:
    past, recorded = collect(two_calls(tmp_path), 1, None)
    assert [(one.agent, one.end) for one in recorded] == [("1001", "answered"), ("1002", "answered")]
    as_recorded(past, recorded)
    talk, wrap_up = past.visits[0].talk, past.visits[0].wrap_up
    assert (talk, wrap_up) == (pytest.approx(30.0, abs=0.3), pytest.approx(4.0, abs=0.3))


def test_when_one_agent_alone_may_have_both_the_second_waits_for_the_first_and_his_wrap_up(tmp_path: Path) -> None:
    """1002 has a skill that the changed queue asks for: A goes to him, B waits until A is talked and wrapped up."""
    past, _ = collect(two_calls(tmp_path), 1, None)
    site = past.sites[-1][1]
    queues = tuple(msgspec.structs.replace(queue, requires="fluent >= 1") for queue in site.queues)
    staff = (site.agents[0], msgspec.structs.replace(site.agents[1], skills={"fluent": 10}))
    changed = msgspec.structs.replace(site, queues=queues, agents=staff)
    first, second = retrace(past, changed)
    assert (first.agent, second.agent) == ("1002", "1002")
    a, b = past.visits
    assert first.wait == pytest.approx(a.pickup)
    free_again = a.at + a.pickup + a.talk + a.wrap_up
    assert second.wait == pytest.approx(free_again - b.at + b.pickup)


def test_who_gave_up_is_answered_when_the_changed_rules_serve_him_in_time(tmp_path: Path) -> None:
    """One agent; `help` is called first and talks long; the caller to `sales` gives up after 20 s. With 1002 in the
    house's group for sales (he served nothing before), the caller is answered at once."""
    site = shop(2)
    site = msgspec.structs.replace(
        site, agents=(site.agents[0], msgspec.structs.replace(site.agents[1], queues=("help",), skills={"en": 50}))
    )
    shift = Shift(site)
    shift.floor.log_in("1001")
    shift.floor.log_in("1002")
    shift.call(0, talk=60.0)
    shift.wait(2.0)
    shift.call(0, talk=10.0, patience=20.0)
    shift.wait(90.0)
    past, recorded = collect(shift.journal(tmp_path), 1, None)
    assert [one.end for one in recorded] == ["answered", "abandoned"]
    assert past.visits[1].patience == pytest.approx(20.0, abs=0.3)
    as_recorded(past, recorded)
    group = GroupConfig(id="g", name=label("g"), serves=(ServesConfig(queue="sales"), ServesConfig(queue="help")))
    staff = tuple(msgspec.structs.replace(one, group="g", queues=()) for one in site.agents)
    again = retrace(past, msgspec.structs.replace(site, groups=(group,), agents=staff))
    assert (again[1].agent, again[1].end) == ("1002", "answered")
    assert again[1].wait == pytest.approx(past.visits[1].pickup)
    found = compare(past, recorded, msgspec.structs.replace(site, groups=(group,), agents=staff))
    was, old, new = found.queues["sales"]
    assert (was.answered, old.answered, new.answered) == (1, 1, 2)
    assert (was.gave_up, old.gave_up, new.gave_up) == (1, 1, 0)
    assert (old.level, new.level) == (0.5, 1.0)
    assert [(one.old_agent, one.new_agent) for one in found.moved] == [("", "1002")]


def test_a_queue_with_a_higher_priority_goes_first_under_the_changed_rules(tmp_path: Path) -> None:
    shift = Shift(shop(1))
    shift.floor.log_in("1001")
    shift.call(0, talk=20.0)
    shift.wait(1.0)
    shift.call(0, talk=10.0)
    shift.wait(1.0)
    shift.call(1, talk=10.0)
    shift.wait(80.0)
    past, recorded = collect(shift.journal(tmp_path), 1, None)
    as_recorded(past, recorded)
    site = past.sites[-1][1]
    sales, help_ = site.queues
    new = retrace(past, msgspec.structs.replace(site, queues=(sales, msgspec.structs.replace(help_, priority=60.0))))
    assert recorded[1].wait < recorded[2].wait
    assert new[2].wait < new[1].wait
    assert new[0].wait == pytest.approx(recorded[0].wait, abs=0.05)


def test_who_let_a_call_pass_does_so_again_and_breaks_are_kept(tmp_path: Path) -> None:
    shift = Shift(shop(2))
    shift.floor.log_in("1001")
    shift.wait(1.0)
    shift.floor.log_in("1002")
    shift.lets_pass["1001"] = 1
    shift.call(0, talk=5.0)
    shift.wait(60.0)
    shift.floor.command(cmd.SetNotReady, "1002", reason="lunch")
    shift.call(0, talk=5.0)
    shift.wait(30.0)
    past, recorded = collect(shift.journal(tmp_path), 1, None)
    assert [one.agent for one in recorded] == ["1002", "1001"]
    assert recorded[0].wait > 20.0
    assert [(let.agent, let.failure.value) for let in past.visits[0].lets] == [("1001", "missed")]
    as_recorded(past, recorded)


@pytest.mark.parametrize(
    ("seed", "algorithm"),
    [(1, Algorithm.LONGEST_IDLE), (2, Algorithm.LEAST_OCCUPIED), (3, Algorithm.FEWEST_CALLS), (4, Algorithm.RING_ALL)],
)
def test_a_busy_shift_played_again_gives_everybody_the_agent_whom_he_had(
    tmp_path: Path, seed: int, algorithm: Algorithm
) -> None:
    """Five agents with breaks, forty callers of two queues, some impatient, one agent who lets a call pass."""
    chance = random.Random(seed)
    site = shop(5)
    queues = (
        msgspec.structs.replace(site.queues[0], algorithm=algorithm),
        msgspec.structs.replace(site.queues[1], priority=15.0, offer_seconds=10.0),
    )
    shift = Shift(msgspec.structs.replace(site, queues=queues))
    for n in range(1, 6):
        shift.floor.log_in(f"100{n}")
        shift.wait(chance.choice((0.3, 1.7)))
    shift.lets_pass["1003"] = 1
    for _ in range(40):
        patience = chance.choice((0.0, 0.0, 0.0, 25.0))
        shift.call(chance.randrange(2), talk=chance.randrange(8, 40), wrap_up=chance.randrange(1, 9), patience=patience)
        shift.wait(chance.randrange(1, 12))
        if chance.random() < 0.2:
            name = f"100{chance.randrange(1, 6)}"
            ready = shift.floor.agent(name).ready
            shift.floor.command(cmd.SetNotReady, name, reason="lunch") if ready else shift.floor.command(
                cmd.SetReady, name
            )
    for n in range(1, 6):
        shift.floor.command(cmd.SetReady, f"100{n}")
    shift.wait(200.0)
    past, recorded = collect(shift.journal(tmp_path), 1, None)
    again = retrace(past)
    same = sum(one.agent == other.agent for one, other in zip(recorded, again, strict=True))
    assert len(past.visits) == 40
    assert same >= 38, "a tenth of a second may turn two who are free at the same moment round"
    assert [one.end for one in again].count("abandoned") == [one.end for one in recorded].count("abandoned")
    found = compare(past, recorded, past.sites[-1][1])
    assert found.as_recorded == same
    assert not found.moved, "unchanged rules move nobody"


def test_a_stretch_in_the_middle_begins_with_the_agents_as_they_were(tmp_path: Path) -> None:
    shift = Shift(shop(2))
    shift.floor.log_in("1001")
    shift.floor.log_in("1002")
    shift.call(talk=5.0)
    shift.wait(30.0)
    middle = shift.floor.records[-1].seq + 1
    shift.call(talk=5.0)
    shift.wait(30.0)
    past, recorded = collect(shift.journal(tmp_path), middle, None)
    assert len(past.visits) == 1
    assert retrace(past)[0].wait == pytest.approx(recorded[0].wait, abs=0.05)
    assert {one.agent for one in past.staff if one.ready and one.at == past.begin} == {"1001", "1002"}


# --- the command ------------------------------------------------------------------------------------------

CHANGED = """
numbers = []
[[queues]]
id = "sales"
name = { zh = "sales", en = "sales" }
requires = { fluent = 1 }
[[queues]]
id = "help"
name = { zh = "help", en = "help" }
[[agents]]
id = "1001"
name = { zh = "1", en = "1" }
queues = ["sales"]
[[agents]]
id = "1002"
name = { zh = "2", en = "2" }
skills = { fluent = 10 }
queues = ["sales"]
"""


def test_the_command_prints_assumptions_figures_and_who_would_have_gone_elsewhere(tmp_path: Path) -> None:
    folder = two_calls(tmp_path / "journal")
    changed = tmp_path / "changed.toml"
    changed.write_text(CHANGED, "utf-8")
    arguments = ["replay", "--folder", str(folder), "--with", str(changed)]
    answer = CliRunner().invoke(commands, arguments)
    assert answer.exit_code == 0, answer.stderr
    assert "the patience of those who were answered is not known: infinite" in answer.stdout
    assert "give 2 (100.0%) the agent that they had" in answer.stdout
    assert "1001 -> 1002" in answer.stdout
    assert "1390000" not in answer.stdout
    as_json = json.loads(CliRunner().invoke(commands, [*arguments, "--json"]).stdout)
    assert [three["callers"] for three in as_json["queues"]["sales"]] == [2, 2, 2]


@pytest.mark.parametrize(
    ("text", "said"), [("[[queues]]\nid = 3", "queues[0]"), ("nonsense", "not valid TOML"), (None, "No such file")]
)
def test_a_file_that_is_no_site_is_one_line(tmp_path: Path, text: str | None, said: str) -> None:
    folder = two_calls(tmp_path / "journal")
    changed = tmp_path / "changed.toml"
    if text is not None:
        changed.write_text(text, "utf-8")
    answer = CliRunner().invoke(commands, ["replay", "--folder", str(folder), "--with", str(changed)])
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert said in answer.stderr


def test_without_callers_there_is_nothing_to_play(tmp_path: Path) -> None:
    shift = Shift(shop())
    shift.floor.log_in("1001")
    changed = tmp_path / "changed.toml"
    changed.write_text(CHANGED, "utf-8")
    folder = shift.journal(tmp_path / "journal")
    answer = CliRunner().invoke(commands, ["replay", "--folder", str(folder), "--with", str(changed)])
    assert answer.exit_code == 2
    assert "nobody asked for an agent" in answer.stderr
