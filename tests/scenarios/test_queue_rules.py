"""Queue rules in the whole centre on the fake switch: where a caller who cannot be taken goes on, and what he hears."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import msgspec
import pytest

from acd.core import hours
from ctiserver.model import commands as cmd, events as ev, facts
from ctiserver.model.causes import EndReason
from ctiserver.model.ids import LegId, QueueId
from ctiserver.model.routing import CalendarConfig
from ctiserver.model.site import AgentConfig, FlowConfig, QueueConfig, SiteConfig
from ctiserver.model.talk import Place
from tests.fakes.floor import Floor
from tests.scenarios.conftest import label, make_site

EXITS = ("no_agents", "full", "closed", "timed_out", "error")


def centre(*queues: QueueConfig, calendars: tuple[CalendarConfig, ...] = ()) -> SiteConfig:
    """Every exit of the queue node has a prompt of its own; agent 1001 serves the first queue, 1002 the others."""
    nodes: dict[str, object] = {
        "queue": {"type": "queue", "queue": queues[0].id, "exits": {name: name for name in EXITS}},
        **{name: {"type": "hangup", "title": name, "speech": [{"prompt": name}]} for name in EXITS},
    }
    flow = {"format": 1, "id": "main", "title": {"zh": "t", "en": "t"}, "languages": ["zh"], "start": "queue"}
    document = json.dumps(flow | {"nodes": nodes})
    rest = tuple(queue.id for queue in queues[1:])
    return msgspec.structs.replace(
        make_site(),
        queues=queues,
        calendars=calendars,
        agents=(
            AgentConfig(id="1001", name=label("one"), queues=(queues[0].id,)),
            AgentConfig(id="1002", name=label("two"), queues=rest),
        ),
        flows=(FlowConfig(id="main", revision=1, document=document),),
        prompts={name: {"zh": f"sound:{name}"} for name in EXITS},
    )


def queue(name: str, **more: object) -> QueueConfig:
    return msgspec.convert({"id": name, "name": {"zh": name, "en": name}, **more}, type=QueueConfig)


def calls(floor: Floor, channel: str = "1.1") -> LegId:
    leg = floor.switch.call(channel, "95500")
    floor.settle()
    return leg


def heard(floor: Floor) -> str:
    """The last prompt that was played."""
    return floor.switch.played[-1][0].removeprefix("sound:")


def over(floor: Floor) -> None:
    """The prompt ends and the call with it; nothing is left, and the journal gives the same again."""
    floor.advance(40)
    assert floor.switch.quiet()
    assert not floor.world.conversations
    assert not floor.world.contacts
    floor.check_journal()


def test_a_closed_queue_sends_the_caller_on_by_its_exit() -> None:
    shut = CalendarConfig(id="never", zone="UTC", week={})
    floor = Floor(centre(queue("service", calendar="never"), calendars=(shut,)))
    calls(floor)
    assert heard(floor) == "closed"
    over(floor)


def test_an_empty_house_sends_the_caller_on_and_a_staffed_one_does_not() -> None:
    floor = Floor(centre(queue("service", no_agent_leaves=True)))
    calls(floor)
    assert heard(floor) == "no_agents"
    over(floor)
    floor.log_in("1001", ready=False)
    caller = calls(floor, "1.2")
    assert floor.switch.bridge_of(caller) == "h"
    assert floor.command(cmd.SignOut, "1001") is None
    floor.settle()
    assert heard(floor) == "no_agents", "the last agent has gone"
    over(floor)


def test_a_full_queue_sends_the_caller_to_the_other_queue_and_then_on() -> None:
    floor = Floor(centre(queue("service", max_waiting=0, when_full="spare"), queue("spare", max_waiting=1)))
    first, second = calls(floor, "1.1"), calls(floor, "1.2")
    assert floor.switch.bridge_of(first) == "h"
    assert heard(floor) == "full"
    floor.switch.end(first)
    floor.advance(10)
    assert second not in floor.switch.channels
    over(floor)


def test_a_caller_who_overflows_keeps_his_music_and_is_served_by_the_other_queue() -> None:
    floor = Floor(centre(queue("service", overflow=[{"to": "spare", "after_seconds": 30.0}]), queue("spare")))
    caller = calls(floor)
    floor.log_in("1002")
    floor.advance(29.5)
    assert not floor.events(ev.OfferMade)
    played = len(floor.switch.played)
    floor.advance(0.6)
    assert floor.switch.bridge_of(caller) == "h"
    assert len(floor.switch.played) == played, "he hears nothing but his music"
    floor.advance(0.5)
    leg = floor.ringing_leg("1002")
    floor.switch.answer(leg)
    floor.settle()
    assert floor.conversation().place is Place.TALKING
    floor.switch.end(caller)
    floor.settle()
    done = {"contact": floor.work("1002").contact, "disposition": "solved", "note": "", "ready": True}
    assert floor.command(cmd.FinishWrapUp, "1002", **done) is None
    over(floor)
    ends = [(event.queue, event.reason) for event in floor.events(ev.ContactEnded)]  # type: ignore[attr-defined]
    assert ends == [("service", EndReason.OVERFLOWED), ("spare", EndReason.ANSWERED)]


def test_a_caller_who_overflowed_leaves_the_node_that_he_was_in_when_the_other_queue_gives_him_up() -> None:
    spare = queue("spare", max_wait_seconds=20.0)
    floor = Floor(centre(queue("service", overflow=[{"to": "spare", "after_seconds": 5.0}]), spare))
    calls(floor)
    floor.advance(26)
    assert heard(floor) == "timed_out"
    over(floor)


def test_the_server_dies_before_the_hours_end_and_those_who_waited_leave_when_it_is_back() -> None:
    floor = Floor(centre(queue("service")))
    today = datetime.fromtimestamp(floor.now, UTC)
    minute = 60 * today.hour + today.minute + 2
    spans = (f"00:00-{minute // 60:02}:{minute % 60:02}",)
    soon = CalendarConfig(id="soon", zone="UTC", week=dict.fromkeys(hours.DAYS, spans))
    floor.feed(facts.SiteLoaded(site=centre(queue("service", calendar="soon", at_close="leave"), calendars=(soon,))))
    caller = calls(floor)
    assert floor.switch.bridge_of(caller) == "h"
    floor.switch.now += 300.0  # nobody is there to notice
    floor.restart()
    floor.advance(0.2)
    assert heard(floor) == "closed"
    over(floor)


@pytest.mark.parametrize("ringing", [False, True])
def test_the_switch_closes_a_queue_and_its_callers_hear_so(ringing: bool) -> None:
    floor = Floor(centre(queue("service", at_close="leave")))
    if ringing:
        floor.log_in("1001")
    caller = calls(floor)
    floor.advance(0.5)
    leg = floor.ringing_leg("1001") if ringing else None
    assert floor.command(cmd.CloseQueue, "", queue=QueueId("service"), reason="flood") is None
    floor.settle()
    assert heard(floor) == "closed"
    assert leg is None or leg not in floor.switch.channels, "the agent's phone is silent at once"
    floor.restart()
    floor.advance(20)
    assert caller not in floor.switch.channels
    calls(floor, "1.2")
    assert heard(floor) == "closed", "after a restart too"
    assert floor.command(cmd.OpenQueue, "", queue=QueueId("service")) is None
    floor.advance(20)
    again = calls(floor, "1.3")
    assert floor.switch.bridge_of(again) == "h"
    floor.switch.end(again)
    over(floor)


