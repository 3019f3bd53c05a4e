"""The site's configuration: what is good is read, what is not is named with its line and key, all at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from acd.config import BadConfig, load_site

FLOWS = {"main": '{"format": 1, "id": "main", "revision": 7}'}

GOOD = """\
languages = ["zh", "en"]

[[numbers]]
number = "95500"
flow = "main"
name = { zh = "热线", en = "Line" }

[[queues]]
id = "service"
name = { zh = "业务", en = "Service" }
requires = { billing = 20 }
offer_seconds = 15

[[agents]]
id = "1001"
name = { zh = "王芳", en = "Wang Fang" }
skills = { billing = 90 }
queues = ["service"]

[[reasons]]
id = "lunch"
name = { zh = "午餐", en = "Lunch" }

[[dispositions]]
id = "solved"
name = { zh = "已解决", en = "Solved" }
queues = ["service"]
"""


def faults(text: str, flows: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(BadConfig) as caught:
        load_site(text, flows=FLOWS if flows is None else flows, prompts={})
    return caught.value.faults


def test_a_good_site_is_read_with_its_flows_and_prompts() -> None:
    site = load_site(GOOD, flows=FLOWS, prompts={"welcome": {"zh": "sound:/zh/welcome"}})
    assert (site.queues[0].offer_seconds, site.queues[0].wrap_up_seconds) == (15.0, 30.0)
    assert (site.flows[0].id, site.flows[0].revision) == ("main", 7)
    assert site.prompts["welcome"]["zh"] == "sound:/zh/welcome"
    assert site.agents[0].name.zh == "王芳"


def test_the_demo_site_is_good() -> None:
    text = (Path(__file__).parents[2] / "ctiserver" / "demo" / "site.toml").read_text("utf-8")
    assert len(load_site(text, flows=FLOWS, prompts={}).agents) == 6


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("offer_seconds = 15", "offer_seconds = 900", "line 12: queues[0].offer_seconds: 900 is not between 3 and 120"),
        ("offer_seconds = 15", "offer_second = 15", "line 12: queues[0].offer_second: unknown key (known: id, name"),
        ("offer_seconds = 15", 'offer_seconds = "15"', "line 12: queues[0].offer_seconds: expected `float`, got `str`"),
        ("billing = 90", "billing = 101", "line 17: agents[0].skills: level 101 of billing is not between 0 and 100"),
        ("billing = 20", "biling = 20", "line 11: queues[0].requires: biling is not a skill of any agent"),
        ('flow = "main"', 'flow = "mian"', "line 5: numbers[0].flow: mian is not a flow"),
        ('id = "lunch"', 'id = "lunch break"', "line 21: reasons[0].id: 'lunch break' is not a good id"),
        ('id = "lunch"\n', "", "line 20: reasons[0]: object missing required field `id`"),
        ('name = { zh = "午餐", en = "Lunch" }', 'name = { zh = "午餐" }', "line 22: reasons[0].name: object missing"),
        ('number = "95500"', "number = 95500", "line 4: numbers[0].number: expected `str`, got `int`"),
        ("[[queues]]", "[queues]", "line 8: queues: must be written as [[queues]]"),
        ("[[reasons]]", "[[reason]]", "line 20: reason: unknown key (known: languages, demo, numbers"),
        ('languages = ["zh", "en"]', 'languages = "zh"', "line 1: languages: must be a list"),
    ],
)
def test_a_fault_is_named_with_its_line_and_key(old: str, new: str, fault: str) -> None:
    assert old in GOOD
    found = faults(GOOD.replace(old, new, 1))
    assert any(one.startswith(fault) for one in found), found


def test_a_second_row_is_told_from_the_first() -> None:
    twice = GOOD + '\n[[reasons]]\nid = "lunch"\nname = { zh = "a", en = "b" }\n'
    assert faults(twice) == ["line 30: reasons[1].id: lunch is there twice"]


def test_all_faults_are_told_at_once() -> None:
    bad = GOOD.replace('queues = ["service"]', 'queues = ["sales"]').replace('"main"', '"other"')
    assert faults(bad) == [
        "line 5: numbers[0].flow: other is not a flow",
        "line 18: agents[0].queues: sales is not a queue",
        "line 27: dispositions[0].queues: sales is not a queue",
    ]


def test_text_that_is_no_toml_says_where() -> None:
    (fault,) = faults("[[queues]\n")
    assert "line 1" in fault


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ("{", "flow main: not valid JSON"),
        ("[]", "flow main: must be an object with a whole number as revision"),
        ('{"revision": "2"}', "flow main: must be an object"),
    ],
)
def test_a_flow_must_be_json_with_a_revision(document: str, fault: str) -> None:
    assert faults(GOOD, {"main": document})[0].startswith(fault)


# --- desk phones ----------------------------------------------------------------------------------------

PHONE = """
[[phones]]
id = "{id}"
name = {{ zh = "话机", en = "Phone" }}
contact = "{contact}"
"""


@pytest.mark.parametrize(
    "contact",
    [
        "",
        "sip:101@192.0.2.7",
        "sip:desk.7@192.0.2.7:5062",
        "sip:101@phone-7.office.example:5060",
        "sip:101@[2001:db8::7]:5060",
        "sip:101@192.0.2.7:5060;transport=tcp",
    ],
)
def test_a_phone_registers_or_is_always_at_one_address(contact: str) -> None:
    site = load_site(GOOD + PHONE.format(id="p7", contact=contact), flows=FLOWS, prompts={})
    assert (site.phones[0].id, site.phones[0].contact) == ("p7", contact)


@pytest.mark.parametrize(
    "contact",
    [
        "192.0.2.7",
        "sips:101@192.0.2.7",
        "sip:192.0.2.7",
        "sip:101@",
        "sip:101@192.0.2.7:0",
        "sip:101@192.0.2.7:65536",
        "sip:101@[zz]:5060",
        "sip:101@a..b",
        "sip:101@192.0.2.7;maddr=192.0.2.9",
        "sip:101@192.0.2.7;transport=tls",
        "sip:101@192.0.2.7?Route=x",
        "sip:101@192.0.2.7>",
        "<sip:101@192.0.2.7>",
        "sip:101@192.0.2.7,sip:102@192.0.2.8",
        "sip:10 1@192.0.2.7",
        "sip:101@192.0.2.7\\r\\nX-Evil: 1",
        "sip:101@192.0.2.7\\n",
        "sip:\\u0000@192.0.2.7",
        "sip:用户@192.0.2.7",
    ],
)
def test_an_address_that_could_say_more_is_refused(contact: str) -> None:
    (fault,) = faults(GOOD + PHONE.format(id="p7", contact=contact))
    assert "phones[0].contact" in fault
    assert "is not like sip:user@host:port" in fault


@pytest.mark.parametrize("name", ["", "P7", "7 7", "p7;x", "p" * 33, "话机", "-p"])
def test_a_phones_id_is_a_part_of_a_sip_user(name: str) -> None:
    (fault,) = faults(GOOD + PHONE.format(id=name, contact=""))
    assert "is not a good id" in fault


def test_phones_are_different_and_an_agents_own_is_one_of_them() -> None:
    text = GOOD.replace('id = "1001"\n', 'id = "1001"\nphone = "p9"\n')
    text += PHONE.format(id="p7", contact="sip:101@192.0.2.7") + PHONE.format(id="p7", contact="sip:101@192.0.2.7")
    twice, same, unknown = faults(text)
    assert "p7 is there twice" in twice
    assert "sip:101@192.0.2.7 is there twice" in same
    assert "agents[0].phone: p9 is not a phone" in unknown


def test_a_number_may_go_unrecorded() -> None:
    site = load_site(GOOD.replace('flow = "main"\n', 'flow = "main"\nrecord = false\n'), flows=FLOWS, prompts={})
    assert not site.numbers[0].record


# --- calls to customers ---------------------------------------------------------------------------------

OUTBOUND = """
[outbound]
trunk = "192.0.2.1:5060"
prefixes = ["1", "+86"]
never = ["0900"]
"""


def test_where_and_whom_we_may_call() -> None:
    site = load_site(GOOD + OUTBOUND, flows=FLOWS, prompts={})
    assert site.outbound.trunk == "192.0.2.1:5060"
    assert (site.outbound.prefixes, site.outbound.never) == (("1", "+86"), ("0900",))
    assert load_site(GOOD, flows=FLOWS, prompts={}).outbound.trunk == "", "nobody is called unless somebody says so"


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("192.0.2.1:5060", "192.0.2.1>;x=y", "line 30: outbound.trunk: '192.0.2.1>;x=y' is not like host:port"),
        ("192.0.2.1:5060", "a b", "line 30: outbound.trunk: 'a b' is not like host:port"),
        ('"0900"', '"09x"', "line 32: outbound.never: '09x' is not the beginning of a number"),
        (
            "never",
            "nevver",
            "line 32: outbound.nevver: unknown key (known: trunk, prefixes, never, queue, shown, per_hour",
        ),
        ("never", 'queue = "nowhere"\nnever', "line 32: outbound.queue: nowhere is not a queue"),
        ("never", 'shown = "our"\nnever', "line 32: outbound.shown: 'our' is not a number"),
        ("never", "per_hour = -1\nnever", "line 32: outbound.per_hour: -1 is not between 0 and 1000"),
        ('["0900"]', '"0900"', "line 32: outbound.never: expected `array`, got `str`"),
        ("[outbound]", "[[outbound]]", "line 29: outbound: must be written as [outbound]"),
    ],
)
def test_a_bad_way_out_is_refused(old: str, new: str, fault: str) -> None:
    found = faults(GOOD + OUTBOUND.replace(old, new, 1))
    assert any(one.startswith(fault) for one in found), found
