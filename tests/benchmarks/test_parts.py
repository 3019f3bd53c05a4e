"""What a benchmark counts and draws, without running one: a wrong figure is worse than none."""

from __future__ import annotations

import asyncio
import re
import struct
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import msgspec
import pytest

from acd.config import load_site
from benchmarks import desks, figures, house, links, machine, metrics, observer, plan, profiler, sipp, yardstick
from benchmarks.figures import Times
from benchmarks.plan import Condition, Kind
from benchmarks.sipp import Moment
from ctiserver import plot, site as sites
from ctiserver.model import effects as fx, events as ev, facts
from ctiserver.model.ids import ContactId, ConversationId, InteractionId, LegId, PlaybackId, QueueId
from ctiserver.model.turns import Input, Record
from ivr.flow.document import decode
from ivr.flow.inspect import inspect


def test_percentiles_are_values_that_were_seen() -> None:
    found = figures.spread(n / 1000 for n in range(1, 201))
    assert (found.count, found.p50, found.p99, found.worst) == (200, 101.0, 199.0, 200.0)
    assert figures.spread([]).count == 0


def test_growth_compares_the_middles_of_the_first_and_the_last_stretch() -> None:
    steady = [100.0, 100.0, 130.0, 100.0, 100.0] * 5
    assert figures.growth(steady).share == 0.0, "one peak in each stretch is no growth"
    leaking = [100.0 + n for n in range(25)]
    found = figures.growth(leaking)
    assert (found.first, found.last, found.share) == (102.0, 122.0, 0.1961)


def test_windows_that_disagree_say_so() -> None:
    assert figures.off_by([10.0]) == 0.0
    assert figures.off_by([9.0, 11.0]) == 0.1


def test_every_condition_meets_both_sides_in_turn_and_a_full_run_ends_within_25_minutes() -> None:
    full = plan.full()
    conditions = dict.fromkeys(window.condition for window in full.windows)
    assert len(conditions) == 3 * 2 * 2
    for condition in conditions:
        kinds = [window.kind for window in full.windows if window.condition == condition]
        assert kinds.count(Kind.STRAIGHT) == kinds.count(Kind.YARDSTICK) >= 1
        assert kinds[-3:] == [Kind.STRAIGHT, Kind.YARDSTICK, Kind.WHOLE]
    from benchmarks import run

    assert full.takes(run.AROUND, run.BEFORE) < 25 * 60
    assert plan.short().takes(run.AROUND, run.BEFORE) < 6 * 60


# --- what SIPp is told, and what it tells ---------------------------------------------------------------------------


@pytest.mark.parametrize("rtp", [False, True])
def test_the_scenarios_are_filled_in_and_well_formed(rtp: bool) -> None:
    keys = sipp.Keys(presses=3, pause=(0.5, 1.5), hangs_up=True)
    callers = sipp.callers(("127.0.0.1", 5060), number="95500", rate=2.5, calls=10, rtp=rtp, keys=keys)
    phones = sipp.phones(("127.0.0.1", 5070), rtp=rtp, answer_after=0.3, talk=2.0)
    for one in (callers, phones):
        ElementTree.fromstring(one.scenario)
        assert not re.search("@[a-z_]+@", one.scenario), "a word was not filled in"
        assert ("rtp_stream" in one.scenario) == rtp
    assert callers.scenario.count("Signal=1") == 3
    assert callers.arguments[callers.arguments.index("-r") :][:4] == ("-r", "25", "-rp", "10000")


def test_moments_are_read_and_a_half_written_line_is_left_for_later() -> None:
    text = (
        "dial 2026-11-22\t16:47:23.291289\t1795366043.291289 1\n"
        "ring 2026-11-22\t16:47:23.622881\t1795366043.622881 2  ab12c1.a1\n"
        "over 2026-11-22\t16:47:2"
    )
    assert sipp.read_moments(text) == [
        Moment("dial", 1795366043.291289, 1),
        Moment("ring", 1795366043.622881, 2, "ab12c1.a1"),
    ]


def test_callers_and_phones_are_paired_in_their_order() -> None:
    callers = [Moment("dial", 1.0, 1), Moment("dial", 2.0, 2), Moment("over", 9.0, 1)]
    phones = [Moment("ring", 1.25, 1), Moment("answer", 1.5, 1), Moment("ring", 2.5, 2)]
    assert figures.dialled(callers, phones, 0.0, 10.0).dial_to_ring == (0.25, 0.5)
    assert figures.dialled(callers, phones, 1.5, 10.0).dial_to_ring == (0.5,), "only who dialled in the window"
    assert figures.ended(callers, 0.0, 10.0) == 1


def _record(seq: int, at: float, item: Input, *things: ev.Event | fx.Effect) -> Record:
    effects = tuple(thing for thing in things if isinstance(thing, fx.Effect))
    return Record(
        seq=seq, at=at, seed=0, input=item, events=tuple(t for t in things if t not in effects), effects=effects
    )


def test_times_lie_between_the_moments_that_their_names_say() -> None:
    conversation, leg = ConversationId("c1"), LegId("1700000000.1")
    arrived = facts.CallerArrived(channel=leg, dialled="95500", caller_number="1", caller_name="", at=99.99)
    started = ev.ConversationStarted(
        conversation=conversation,
        interaction=InteractionId("i1"),
        leg=leg,
        dialled="95500",
        caller_number="1",
        caller_name="",
        at=99.99,
    )
    digit = facts.DigitPressed(leg=leg, digit="1", at=101.0)
    play = fx.PlayMedia(conversation=conversation, leg=leg, playback=PlaybackId("p"), media=("sound:x",))
    queued = ev.ContactQueued(
        conversation=conversation,
        contact=ContactId("k1"),
        queue=QueueId("service"),
        requires="",
        queued_at=102.0,
        priority=0.0,
        only_agent=None,
        data={},
        path=(),
        at=102.0,
    )
    records = [
        _record(1, 100.0, arrived, started),
        _record(2, 101.5, digit, play),
        _record(3, 102.0, facts.Tick(), queued),
    ]
    phones = [Moment("ring", 102.25, 1, "c1.a1"), Moment("answer", 102.5, 1, "c1.a1")]
    found = figures.served(records, {}, phones, 90.0, 110.0, {"p": 101.75})
    assert found.digit_to_sound == (0.75,)
    assert found.digit_to_prompt == (0.5,)
    assert found.queued_to_ring == (0.25,)
    assert found.event_to_turn == pytest.approx((0.01, 0.5))
    assert found.answer_to_talk == (), "they never talked"
    assert figures.count(records).unserved == 1
    assert figures.together([found, found]).queued_to_ring == (0.25, 0.25)
    assert figures.together([]) == Times()


# --- the site, the links, the machine -------------------------------------------------------------------------------


PROMPTS = ("menu_main", "collect_order", "goodbye", "technical_problem", "queue_menu")


def test_the_site_of_a_benchmark_is_one_that_the_server_takes() -> None:
    agents, idle = house.names(3), house.names(2, 1004)
    text = house.site_text(agents, idle, ("127.0.0.1", 5070))
    flows = {name: msgspec.json.encode(flow).decode() for name, flow in house.flows().items()}
    main = (sites.DEMO_FLOWS / "main.json").read_text("utf-8")
    prompts = {name: {"zh": "sound:x", "en": "sound:x"} for name in PROMPTS}
    site = load_site(text, flows=flows | {"main": main}, prompts=prompts)
    assert [agent.phone for agent in site.agents] == ["p1001", "p1002", "p1003", "", ""]
    assert site.phones[0].contact == "sip:1001@127.0.0.1:5070"
    recorded = {number.number: number.record for number in site.numbers}
    for kind in (house.MENU, house.STRAIGHT, house.KEYS):
        assert recorded[house.number(kind, record=True)]
        assert not recorded[house.number(kind, record=False)]
    for flow in flows.values():
        assert [issue for issue in inspect(decode(flow), site) if issue.severity == "error"] == []


def test_the_yardstick_has_one_member_a_user_and_numbers_of_its_own() -> None:
    files = yardstick.additions(["1001", "1002"], ("127.0.0.1", 5070))
    assert files["queues.conf"].count("member => ") == 2
    assert "strategy = leastrecent\nautofill = yes\nringinuse = no" in files["queues.conf"]
    assert "contact = sip:1002@127.0.0.1:5070" in files["pjsip.conf"]
    ours = {house.number(kind, record=record) for kind in (house.MENU, house.STRAIGHT) for record in (True, False)}
    assert not ours & {yardstick.NUMBER, yardstick.RECORDED}


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 70_000])
def test_a_frame_is_taken_when_it_is_whole_and_not_before(size: int) -> None:
    body = b"x" * size
    if size < 126:
        length = bytes((size,))
    else:
        length = b"\x7e" + struct.pack(">H", size) if size < 65_536 else b"\x7f" + struct.pack(">Q", size)
    whole = b"\x81" + length + body
    for cut in (1, 3, len(whole) - 1):
        assert cut >= len(whole) or links.take(bytearray(whole[:cut])) is None
    buffer = bytearray(whole + b"\x89\x00")
    assert links.take(buffer) == (1, body)
    assert links.take(buffer) == (9, b"")
    assert not buffer


def test_what_a_client_sends_is_masked_with_zeros() -> None:
    assert links.frame(1, b"hello") == b"\x81\x85\0\0\0\0hello"
    assert links.frame(1, b"x" * 300)[:8] == b"\x81\xfe\x01\x2c\0\0\0\0"


class _Said(desks.Agent):
    """An agent whose commands are kept instead of sent."""

    def __init__(self, seen: desks.Seen) -> None:
        super().__init__(house.Login(user="1001", token="t"), seen)
        self.said: list[dict[str, object]] = []

    def send(self, text: bytes) -> None:
        self.said.append(msgspec.json.decode(text))


async def test_an_agent_confirms_each_offer_once_and_files_each_wrap_up_once() -> None:
    seen = desks.Seen()
    agent = _Said(seen)
    work = {"contact": "k1", "conversation": "c1", "reservation": "r1", "kind": "offer"}
    for kind in ("offer", "offer", "busy", "wrap_up", "wrap_up"):
        doc = {**work, "kind": kind}
        agent.heard(b'{"type":"delta","seq":2,"prev":1,"set":{"work/k1":' + msgspec.json.encode(doc) + b"}}", 5.0)
    assert [message["name"] for message in agent.said] == ["ConfirmOffer", "FinishWrapUp"]
    assert seen.shown == {"r1": 5.0}
    assert list(seen.wrapped_up) == ["c1"]
    agent.heard(b'{"type":"answer","id":"1","ok":false,"code":"unknown_offer"}', 6.0)
    assert seen.complaints == ["desktop 1001: unknown_offer "]
    agent.heard(b'{"type":"delta","seq":3,"prev":2,"set":{"me":{"state":"ready"}}}', 7.0)
    assert agent.state == "ready"
    await asyncio.wait_for(agent.ready.wait(), 1)


def test_the_metrics_page_is_read_with_its_labels() -> None:
    page = metrics.parse(
        "# HELP hollyhock_audit_faults_total Faults\n# TYPE hollyhock_audit_faults_total counter\n"
        'hollyhock_audit_faults_total{kind="lost_leg"} 2.0\nhollyhock_audit_faults_total{kind="stray"} 1.0\n'
        "hollyhock_dispatcher_lag_seconds 1.5e-03\n"
    )
    assert page[metrics.LAG] == 0.0015
    assert metrics.total(page, metrics.FAULTS) == 3.0
    assert metrics.total(page, metrics.OPEN) == 0.0


def test_asterisks_stamps_are_read() -> None:
    assert observer.stamp("2026-11-22T17:40:01.123+0000") == 1795369201.123
    assert observer.stamp("2026-11-22T18:40:01.123+0100") == 1795369201.123


def test_a_process_is_measured_from_outside_with_all_its_threads() -> None:
    own = machine.cpu_seconds(1)
    assert own >= 0.0
    assert machine.cpu_seconds(2**22 + 1) == 0.0, "no such process"


# --- profile and plot -----------------------------------------------------------------------------------------------


def test_a_sample_belongs_to_the_innermost_part_of_ours() -> None:
    root = Path(profiler.__file__).resolve().parents[1]
    loop = "Handle._run (/usr/lib/python3.11/asyncio/events.py:78)"
    raw = (
        f"{loop};Desktops.on_turn ({root}/agent_desktop/server.py:9);dumps (/x/site-packages/msgspec/json.py:1) 3\n"
        f"{loop};Dispatcher._turn ({root}/ctiserver/dispatch.py:1);Calls.decide ({root}/ctiserver/calls/core.py:4) 6\n"
        f"{loop} 1\n"
        "_worker (/usr/lib/python3.11/concurrent/futures/thread.py:6) 90\n"
    )
    found = profiler.read(raw)
    assert found.samples == 10
    assert found.by_area == {
        "cores: decide and apply": 0.6,
        "desktops: live link": 0.3,
        "event loop itself": 0.1,
    }
    assert str(root) not in msgspec.json.encode(found).decode(), "no path of this machine is published"


def test_a_plot_is_well_formed_and_has_every_point() -> None:
    lines = (
        plot.Line(name="ours", points=((5.0, 12.0), (10.0, 11.0), (20.0, 10.5))),
        plot.Line(name="theirs < ours", points=((5.0, 8.0), (20.0, 7.0)), dashed=True),
    )
    text = plot.figure("CPU", "calls a second", "ms", [plot.Panel(title=str(n), lines=lines) for n in range(3)])
    tree = ElementTree.fromstring(text)
    assert len(tree.findall(".//{http://www.w3.org/2000/svg}circle")) == 3 * 5
    assert str(Condition(rate=5.0, rtp=True, record=False)) == "5 calls/s, RTP, not recorded"
