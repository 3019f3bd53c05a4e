"""A caller in the queue: he is told things, hears music between, and may leave by a key."""

from __future__ import annotations

import json
from typing import TypeVar

import msgspec
import pytest

from ctiserver.model import effects as fx, facts
from ctiserver.model.causes import EndReason
from ctiserver.model.ids import LegId
from ctiserver.model.routing import ComfortConfig
from ctiserver.model.site import FlowConfig, SiteConfig
from ctiserver.model.talk import Place
from ctiserver.model.work import AgentState, agent_state
from tests.fakes.floor import Floor
from tests.scenarios.conftest import make_site
from tests.scenarios.stories import ends

FLOW: dict[str, object] = {
    "format": 1,
    "id": "main",
    "title": {"zh": "test", "en": "test"},
    "languages": ["zh"],
    "start": "service",
    "nodes": {
        "service": {"type": "queue", "queue": "service", "keys": {"1": "number", "*": "service2"}, "exits": {}},
        "service2": {"type": "queue", "queue": "service", "exits": {}},
        "number": {
            "type": "collect",
            "speech": [{"prompt": "menu"}],
            "variable": "number",
            "max": 2,
            "exits": {"next": "service2", "timeout": None, "invalid": None},
        },
    },
}
PATIENCE = "sound:patience"
E = TypeVar("E")


def waiting_site() -> SiteConfig:
    plain = make_site()
    comfort = ComfortConfig(prompt="patience", first_seconds=10.0, every_seconds=30.0, position=True)
    queue = msgspec.structs.replace(plain.queues[0], comfort=comfort)
    words = {name: {"zh": f"sound:{name}"} for name in ("menu", "patience", "queue_next", "queue_position", "d2")}
    return msgspec.structs.replace(
        plain,
        queues=(queue,),
        flows=(FlowConfig(id="main", revision=1, document=json.dumps(FLOW)),),
        prompts={**words, "queue_position_end": {"zh": "sound:end"}},
    )


@pytest.fixture
def floor() -> Floor:
    return Floor(waiting_site(), prompt_seconds=4.0)


def queued(floor: Floor, channel: str = "1.1") -> LegId:
    caller = floor.switch.call(channel, "95500")
    floor.settle()
    assert floor.switch.bridge_of(caller) == "h"
    return caller


def announced(floor: Floor) -> LegId:
    """A caller in the middle of his first announcement."""
    caller = queued(floor)
    floor.advance(11.0)
    assert floor.switch.playing
    return caller


def over(floor: Floor) -> None:
    """Everybody goes and wraps up; then nothing is left, and the journal tells the same day again."""
    for leg in list(floor.switch.inbound):
        floor.switch.end(leg)
    floor.advance(45)
    assert floor.switch.quiet()
    assert not floor.world.conversations
    floor.check_journal()


def done(floor: Floor, kind: type[E]) -> list[E]:
    return [effect for effect in floor.switch.performed if isinstance(effect, kind)]


def test_music_then_his_place_then_music_again(floor: Floor) -> None:
    first, second = queued(floor), queued(floor, "1.2")
    floor.advance(15)
    assert floor.switch.played == [
        (PATIENCE, "sound:queue_next"),
        (PATIENCE, "sound:queue_position", "sound:d2", "sound:end"),
    ]
    assert not floor.switch.playing, "both have been told"
    assert (floor.switch.bridge_of(first), floor.switch.bridge_of(second)) == ("h", "h")
    floor.advance(30)
    assert len(floor.switch.played) == 4
    over(floor)
    assert ends(floor) == [EndReason.ABANDONED] * 2


def test_an_offer_ends_the_announcement_at_once(floor: Floor) -> None:
    announced(floor)
    floor.log_in("1001")
    floor.advance(0.01)
    assert not floor.switch.playing
    assert len(done(floor, fx.StopPlayback)) == 1
    floor.confirm("1001")
    floor.settle()
    floor.switch.answer(floor.ringing_leg("1001"))
    floor.settle()
    assert floor.conversation().place is Place.TALKING
    floor.advance(100)
    assert len(floor.switch.played) == 1, "in a talk nothing is announced"
    over(floor)
    assert ends(floor) == [EndReason.ANSWERED]


def test_an_answer_finds_no_announcement_in_its_way(floor: Floor) -> None:
    """The announcement's end was never told (it is lost on its way): the move does not wait for it."""
    floor.lost = lambda item: type(item).__name__ == "PlaybackDone"
    announced(floor)
    floor.log_in("1001")
    floor.confirm("1001")
    floor.settle()
    floor.switch.answer(floor.ringing_leg("1001"))
    floor.settle()
    moves = [move for move in done(floor, fx.JoinBridge) if not move.holding]
    assert [move.quiet is not None for move in moves] == [False, True], "the agent's leg, then the caller's, once quiet"
    assert floor.conversation().place is Place.TALKING
    over(floor)


def test_a_caller_who_hangs_up_in_an_announcement_leaves_nothing(floor: Floor) -> None:
    caller = announced(floor)
    floor.switch.end(caller)
    over(floor)
    assert ends(floor) == [EndReason.ABANDONED]


def test_a_kill_in_an_announcement_leaves_nothing_and_the_next_one_comes(floor: Floor) -> None:
    caller = announced(floor)
    floor.restart()
    assert floor.audit() == []
    floor.advance(29)
    assert len(floor.switch.played) == 2
    assert floor.switch.bridge_of(caller) == "h"
    assert done(floor, fx.StopPlayback), "what the dead server had begun is ended"
    over(floor)


def test_an_announcement_that_ended_while_the_server_was_dead_is_no_secret_for_ever(floor: Floor) -> None:
    """Else nobody would ask any more whether this caller is still there: who is told something cannot be asked."""
    announced(floor)
    floor.switch.playing.clear()
    floor.restart()
    floor.settle()
    assert floor.conversation().playing is None
    over(floor)


@pytest.mark.parametrize("when", [5.0, 11.0], ids=["in the music", "in the announcement"])
def test_a_key_takes_him_out_of_the_music_into_his_flow(floor: Floor, when: float) -> None:
    caller = queued(floor)
    floor.advance(when)
    floor.switch.press(caller, "1")
    floor.settle()
    assert ends(floor) == [EndReason.LEFT_BY_KEY]
    assert floor.switch.bridge_of(caller) == ""
    assert floor.conversation().place is Place.IVR
    assert [floor.switch.played[-1], len(floor.switch.playing)] == [("sound:menu",), 1]
    floor.switch.press(caller, "4")
    floor.switch.press(caller, "2")
    floor.settle()
    assert floor.switch.bridge_of(caller) == "h", "he waits again, in the same music"
    assert len(floor.switch.bridges) == 1
    over(floor)
    assert ends(floor) == [EndReason.LEFT_BY_KEY, EndReason.ABANDONED]


def test_a_key_from_one_queue_straight_into_another(floor: Floor) -> None:
    caller = announced(floor)
    floor.switch.press(caller, "*")
    floor.settle()
    assert floor.switch.bridge_of(caller) == "h"
    assert not floor.switch.playing
    assert ends(floor) == [EndReason.LEFT_BY_KEY]
    over(floor)


def test_a_key_that_means_nothing_here_changes_nothing(floor: Floor) -> None:
    caller = queued(floor)
    floor.switch.press(caller, "7")
    floor.settle()
    assert floor.switch.bridge_of(caller) == "h"
    assert ends(floor) == []
    over(floor)


def ringing(floor: Floor) -> tuple[LegId, LegId]:
    caller = queued(floor)
    floor.log_in("1001")
    floor.confirm("1001")
    floor.settle()
    return caller, floor.ringing_leg("1001")


def test_he_leaves_a_moment_before_the_agent_answers(floor: Floor) -> None:
    caller, leg = ringing(floor)
    floor.switch.press(caller, "1")
    floor.switch.answer(leg)
    floor.settle()
    assert ends(floor) == [EndReason.LEFT_BY_KEY]
    assert leg not in floor.switch.channels
    assert agent_state(floor.agent("1001")) is AgentState.READY
    assert floor.conversation().place is Place.IVR
    over(floor)


def test_the_agent_answers_a_moment_before_he_would_leave(floor: Floor) -> None:
    caller, leg = ringing(floor)
    floor.switch.answer(leg)
    floor.switch.press(caller, "1")
    floor.settle()
    assert ends(floor) == []
    assert floor.conversation().place is Place.TALKING
    assert (floor.switch.bridge_of(caller), floor.switch.bridge_of(leg)) == ("t", "t")
    over(floor)
    assert ends(floor) == [EndReason.ANSWERED]


def test_a_kill_between_the_key_and_his_way_out_of_the_music_is_put_right(floor: Floor) -> None:
    """The key was journalled, the move was never made: the comparison finds him in the music and takes him out."""
    caller = queued(floor)
    floor.switch.press(caller, "1")
    perform = floor.switch.perform
    floor.switch.perform = lambda effect: None  # type: ignore[method-assign]
    floor.calm = False
    floor.settle()
    floor.switch.perform = perform  # type: ignore[method-assign]
    assert floor.switch.bridge_of(caller) == "h"
    faults = [fault.detail for fault in floor.audit()]
    assert faults == [f"{caller} still sits in {floor.conversation().id}-h"]
    floor.restart()
    floor.settle()
    assert floor.switch.bridge_of(caller) == ""
    assert floor.audit() == []
    assert len(floor.switch.playing) == 1, "and he is asked again"
    over(floor)


def test_the_longest_wait_takes_him_out_of_the_music_too() -> None:
    plain = waiting_site()
    queue = msgspec.structs.replace(plain.queues[0], max_wait_seconds=60.0)
    flow = json.loads(json.dumps(FLOW))
    flow["nodes"]["service"]["exits"] = {"timed_out": "number"}
    text = json.dumps(flow)
    site = msgspec.structs.replace(plain, queues=(queue,), flows=(FlowConfig(id="main", revision=1, document=text),))
    floor = Floor(site)
    caller = queued(floor)
    floor.advance(61)
    assert floor.switch.bridge_of(caller) == ""
    assert floor.conversation().place is Place.IVR
    assert floor.switch.played[-1] == ("sound:menu",)
    over(floor)
    assert ends(floor) == [EndReason.TIMED_OUT]


def test_the_link_is_lost_and_back_in_an_announcement(floor: Floor) -> None:
    caller = announced(floor)
    floor.feed(facts.SwitchLost(reason="test"))
    floor.advance(1)
    floor.feed(floor.switch.seen())
    floor.settle()
    assert not floor.switch.playing, "nobody knows what he heard of it: it is ended, the next comes in its time"
    floor.advance(29)
    assert floor.switch.bridge_of(caller) == "h"
    assert len(floor.switch.played) == 2
    over(floor)
