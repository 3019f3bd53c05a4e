"""The site's tables of rules: groups, calendars, steps, rules on data, overflow; a fault in any depth has its line."""

from __future__ import annotations

import pytest

from acd.config import BadConfig, load_site
from ctiserver.model.site import SiteConfig
from tests.acd.test_config import FLOWS, GOOD

RICH = (
    GOOD.replace(
        'requires = { billing = 20 }\noffer_seconds = 15\n',
        """requires = { billing = 20 }
offer_seconds = 15
calendar = "office"
when_closed = "night"
at_close = "leave"
overflow = [{ to = "night", after_seconds = 60 }]

[[queues.steps]]
requires = { billing = 80 }
for_seconds = 30

[[queues.steps]]
requires = "billing >= 50"
available_below = 2

[[queues.rules]]
id = "vip"
when = { class = "vip", "data.kind" = "bill" }
priority = 60
prefer = "1001"

[queues.comfort]
prompt = "wait"
first_seconds = 10

[[queues]]
id = "night"
name = { zh = "夜班", en = "Night" }
when_full = "service"

[[groups]]
id = "day"
name = { zh = "白班", en = "Day" }
serves = [{ queue = "service", priority = 1 }, { queue = "night", priority = 2, delay_seconds = 20, tier = 2 }]
capacity = { voice = { max = 1, alone = true } }

[[calendars]]
id = "office"
zone = "Asia/Shanghai"
country = "CN"
holidays = [{ day = "2026-10-01", hours = ["10:00-12:00"] }, { day = "2026-01-15", name = "stocktaking" }]

[calendars.week]
mon = ["09:00-12:00", "13:00-17:30"]
fri = ["22:00-06:00"]
""",
    ).replace(
        'queues = ["service"]\n\n[[reasons]]',
        'group = "day"\nshares = { night = 40 }\nwrap_up_seconds = 5\n\n[[reasons]]',
    )
)


def rich(**more: int) -> SiteConfig:
    return load_site(RICH, flows=FLOWS, prompts={"wait": {"zh": "sound:/zh/wait"}}, **more)


def test_every_table_and_rule_is_read() -> None:
    site = rich()
    service, night = site.queues
    assert [(step.requires, step.for_seconds) for step in service.steps] == [
        ("billing >= 80", 30.0),
        ("billing >= 50", 0.0),
    ]
    assert service.rules[0].when == {"class": "vip", "data.kind": "bill"}
    assert (service.overflow[0].to, service.comfort is not None, night.when_full) == ("night", True, "service")
    assert site.groups[0].serves[1].delay_seconds == 20.0
    agent = site.agents[0]
    assert (agent.group, agent.shares, agent.wrap_up_seconds) == ("day", {"night": 40.0}, 5.0)


def test_a_countrys_holidays_are_written_out_and_the_files_own_days_come_first() -> None:
    calendar = rich(year=2026).calendars[0]
    days = {day.day: day for day in calendar.holidays}
    assert list(days) == sorted(days), "in order of days"
    assert days["2026-10-01"].hours == ("10:00-12:00",)
    assert days["2026-02-17"].hours == (), "Spring Festival"
    assert days["2026-01-04"].hours == ("09:00-12:00", "13:00-17:30"), "a Sunday on which China works"
    assert days["2026-01-15"].name == "stocktaking"
    years = sorted({day.day[:4] for day in rich(year=2030).calendars[0].holidays})
    assert years == ["2026", "2030", "2031", "2032", "2033", "2034"]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("for_seconds = 30", "for_seconds = -1", "queues[0].steps[0].for_seconds: -1 is not between 0 and 86400"),
        ("for_seconds = 30", "four = 30", "queues[0].steps[0].four: unknown key (known: requires, for_seconds"),
        ("billing = 80", "billing = 800", "queues[0].steps[0].requires: level 800 of billing"),
        ('"billing >= 50"', '"billing >= 50 and"', "queues[0].steps[1].requires: expected a skill"),
        ('"billing >= 50"', '"bilingual"', "queues[0].steps[1].requires: bilingual is not a skill of any agent"),
        ("available_below = 2", 'available_below = "2"', "queues[0].steps[1].available_below: expected `int`"),
        ("priority = 60", "priority = inf", "queues[0].rules[0].priority: inf is not between 0 and 86400"),
        ("class =", "clas =", "queues[0].rules[0].when: 'clas' is not one of number, medium"),
        ('class = "vip"', 'number = "1"', "queues[0].rules[0].when: 1 is not a number of the site"),
        ('prefer = "1001"', 'prefer = "1009"', "queues[0].rules[0].prefer: 1009 is not a agent, last_agent or"),
        ('prompt = "wait"', 'prompt = "weight"', "queues[0].comfort.prompt: weight is not a prompt"),
        ('at_close = "leave"', 'at_close = "go"', "queues[0].at_close: 'go' is not one of serve, leave"),
        ('when_closed = "night"', 'when_closed = "day"', "queues[0].when_closed: day is not a queue"),
        ('when_closed = "night"', 'when_closed = "service"', "queues[0].when_closed: service is this queue"),
        ('to = "night", after_seconds = 60', 'to = "dusk", after_seconds = 60', "queues[0].overflow[0].to: dusk"),
        ('"night", after_seconds = 60', '"night"', "queues[0].overflow[0]: says when by none of after_seconds"),
        ('calendar = "office"', 'calendar = "ofice"', "queues[0].calendar: ofice is not a calendar"),
        ('queue = "night", p', 'queue = "noon", p', "groups[0].serves[1].queue: noon is not a queue"),
        ('queue = "night", p', 'queue = "service", p', "groups[0].serves[1].queue: service is there twice"),
        ("tier = 2", "tier = 0", "groups[0].serves[1].tier: 0 is not between 1 and 100"),
        ("max = 1", "max = 101", "groups[0].capacity.voice.max: 101 is not between 0 and 100"),
        ('zone = "Asia/Shanghai"', 'zone = "Asia/Peking"', "calendars[0].zone: 'Asia/Peking' is not a time zone"),
        ('zone = "Asia/Shanghai"', 'zone = "../../etc"', "calendars[0].zone: '../../etc' is not a time zone"),
        ('zone = "Asia/Shanghai"', 'zone = ""', "calendars[0].zone: '' is not a time zone"),
        ('country = "CN"', 'country = "China"', "calendars[0].country: 'China' is not a country like CN"),
        ("mon =", "monday =", "calendars[0].week.monday: monday is not one of mon, tue"),
        ("22:00-06:00", "22-06", "calendars[0].week.fri: '22-06' is not like 09:00-17:30"),
        ("10:00-12:00", "10:00-10:00", "calendars[0].holidays[0].hours: '10:00-10:00' has no length"),
        ("2026-10-01", "2026-02-29", "calendars[0].holidays[0].day: '2026-02-29' is not a day"),
        ("2026-01-15", "2026-10-01", "calendars[0].holidays[1].day: 2026-10-01 is there twice"),
        ('group = "day"', 'group = "late"', "agents[0].group: late is not a group"),
        ("night = 40", "night = 400", "agents[0].shares: share 400 of night is not between 0 and 100"),
        ("night = 40", "noon = 40", "agents[0].shares: noon is not a queue"),
        ("wrap_up_seconds = 5", "wrap_up_seconds = 5000", "agents[0].wrap_up_seconds: 5000 is not between"),
    ],
)
def test_a_fault_deep_in_a_rule_is_named_with_its_line_and_path(old: str, new: str, fault: str) -> None:
    assert old in RICH
    with pytest.raises(BadConfig) as caught:
        load_site(RICH.replace(old, new, 1), flows=FLOWS, prompts={"wait": {}})
    line = RICH[: RICH.index(old)].count("\n") + 1
    assert any(one.startswith(f"line {line}: {fault}") for one in caught.value.faults), caught.value.faults


def test_faults_of_several_rules_are_told_together() -> None:
    bad = RICH.replace("tier = 2", "tier = 0").replace("for_seconds = 30", "for_seconds = -1").replace("CN", "XX")
    with pytest.raises(BadConfig) as caught:
        load_site(bad, flows=FLOWS, prompts={})
    assert len(caught.value.faults) == 3
