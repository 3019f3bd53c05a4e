"""Administrators change the site while it works: in force at once, kept in the file, or refused with every reason."""

from __future__ import annotations

import asyncio
import resource
from typing import Any

import pytest

from ctiserver.model import events as ev
from ctiserver.model.ids import AgentId, QueueId
from ctiserver.site_desk import SiteDesk
from tests.api.house import House


class Admin:
    """One administrator's page: the revision that it shows, and what it asks for."""

    def __init__(self, house: House, headers: dict[str, str]) -> None:
        self.house, self.headers, self.revision = house, headers, ""

    async def look(self) -> dict[str, Any]:
        async with self.house.client.get("/api/v1/admin/site") as answer:
            assert answer.status == 200, await answer.text()
            view: dict[str, Any] = await answer.json()
            self.revision = view["revision"]
            return view

    async def ask(self, method: str, path: str, body: Any) -> tuple[int, dict[str, Any]]:
        async with self.house.client.request(
            method, f"/api/v1/admin/{path}", json=body, headers=self.headers
        ) as answer:
            return answer.status, await answer.json()

    async def edit(self, *edits: dict[str, Any], check: bool = False) -> tuple[int, dict[str, Any]]:
        return await self.ask("PATCH", "site", {"revision": self.revision, "edits": list(edits), "check": check})

    async def done(self, *edits: dict[str, Any]) -> dict[str, Any]:
        status, answer = await self.edit(*edits)
        assert status == 200, answer
        self.revision = answer["revision"]
        return answer


@pytest.fixture
async def admin(house: House) -> Admin:
    made = Admin(house, await house.log_in("admin"))
    await made.look()
    return made


def skills(agent: str, **levels: int) -> dict[str, Any]:
    return {"table": "agents", "id": agent, "set": {"skills": levels}}


def text(house: House) -> str:
    return (house.folder / "site" / "site.toml").read_text("utf-8")


def changes(house: House) -> list[ev.SiteChanged]:
    return [event for record in house.records for event in record.events if isinstance(event, ev.SiteChanged)]


async def test_a_skill_that_is_raised_is_in_force_with_the_answer(house: House, admin: Admin) -> None:
    answer = await admin.done(skills("1003", billing=95, fault=90))
    assert house.world.agent_configs[AgentId("1003")].skills == {"billing": 95, "fault": 90}
    assert answer["changed"] == ["agents/1003: skills.Mandarin 100 -> -, skills.billing 60 -> 95"]
    assert "skills = { billing = 95, fault = 90 }" in text(house)
    assert "# The demo site: one number" in text(house), "the operator's comments stay"


async def test_the_journal_says_who_changed_what(house: House, admin: Admin) -> None:
    answer = await admin.done({"table": "queues", "id": "order", "set": {"priority": 60}})
    said = changes(house)[-1]
    assert (said.by, said.revision, said.changed) == ("admin", answer["revision"], ("queues/order: priority - -> 60",))


async def test_a_bad_change_is_refused_with_every_fault_and_its_place(house: House, admin: Admin) -> None:
    before, turns = text(house), len(house.records)
    status, answer = await admin.edit(
        {"table": "queues", "id": "order", "set": {"offer_seconds": 900}},
        {"table": "queues", "id": "service", "set": {"requires": "billing >="}},
        skills("1001", billing=300),
        {"table": "queues", "id": "complaint", "set": {"steps": [{"for_seconds": 5}, {"requires": "a b"}]}},
    )
    assert (status, answer["code"]) == (422, "bad_site")
    assert [(fault["table"], fault["id"], fault["path"]) for fault in answer["faults"]] == [
        ("queues", "service", "requires"),
        ("queues", "complaint", "steps[1].requires"),
        ("queues", "order", "offer_seconds"),
        ("agents", "1001", "skills"),
    ]
    assert (answer["faults"][1]["key"], answer["faults"][1]["message"]) == ("steps", "did not expect 'b'")
    assert answer["faults"][2]["message"] == "900 is not between 3 and 120"
    assert (text(house), len(house.records)) == (before, turns)
    assert not list((house.folder / "site" / "history").glob("*.pending"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"table": "colours", "id": "x", "set": {}}, "unknown table"),
        ({"table": "languages", "id": "zh", "create": True}, "unknown table"),
        ({"table": "queues", "id": "nobody", "set": {}}, "there is no such row"),
        ({"table": "queues", "id": "order", "create": True}, "there is one of this name already"),
        ({"table": "queues", "id": "order", "set": {"colour": "red"}}, "unknown key"),
        ({"table": "queues", "id": "order", "set": {"name": None}}, "object missing required field `name`"),
        ({"table": "queues", "id": "order", "remove": True}, "order is not a queue"),
    ],
)
async def test_what_makes_no_site_is_refused(house: House, admin: Admin, change: Any, message: str) -> None:
    status, answer = await admin.edit(change)
    assert status == 422 and message in answer["faults"][0]["message"], answer
    assert len(changes(house)) == 1, "only the start"


async def test_a_check_says_what_would_be_and_does_nothing(house: House, admin: Admin) -> None:
    before = text(house)
    status, answer = await admin.edit({"table": "queues", "id": "order", "set": {"priority": 60}}, check=True)
    assert (status, answer["changed"]) == (200, ["queues/order: priority - -> 60"])
    assert text(house) == before and len(changes(house)) == 1


async def test_a_group_with_its_queues_and_its_agents_is_made_in_one_change(house: House, admin: Admin) -> None:
    serves = [{"queue": "order", "priority": 2, "delay_seconds": 15, "tier": 2}]
    group = {"name": {"zh": "夜班", "en": "Night"}, "serves": serves}
    await admin.done(
        {"table": "groups", "id": "night", "create": True, "set": group},
        {"table": "agents", "id": "1003", "set": {"group": "night", "queues": None}},
        {"table": "queues", "id": "order", "set": {"steps": [{"requires": "sales >= 80", "for_seconds": 20}]}},
    )
    served = house.world.serves[AgentId("1003")]
    assert list(served) == ["order"]
    how = served[QueueId("order")]
    assert (how.priority, how.delay_seconds, how.tier) == (2, 15.0, 2)
    assert house.world.queue_configs[QueueId("order")].steps[0].requires == "sales >= 80"


async def test_public_holidays_are_in_force_and_shown_but_not_written_into_the_file(house: House, admin: Admin) -> None:
    hours = {"zone": "Asia/Shanghai", "week": {"mon": ["09:00-18:00"]}, "country": "CN"}
    await admin.done({"table": "calendars", "id": "office", "create": True, "set": hours})
    view = await admin.look()
    assert any(day["day"].endswith("-10-01") for day in view["holidays"]["office"])
    assert "10-01" not in text(house)


async def test_a_queue_that_a_flow_leads_to_is_removed_with_a_warning(house: House, admin: Admin) -> None:
    rows = (await admin.look())["tables"]
    edits: list[dict[str, Any]] = [{"table": "queues", "id": "order", "remove": True}]
    for table in ("agents", "dispositions"):
        edits += [
            {"table": table, "id": row["id"], "set": {"queues": [name for name in row["queues"] if name != "order"]}}
            for row in rows[table]
            if "order" in row.get("queues", ())
        ]
    edits += [
        {"table": "groups", "id": row["id"], "set": {"serves": [s for s in row["serves"] if s["queue"] != "order"]}}
        for row in rows["groups"]
    ]
    answer = await admin.done(*edits)
    assert any("order" in line for line in answer["warnings"]), answer
    assert QueueId("order") not in house.world.queue_configs


async def test_of_two_who_change_at_the_same_time_one_hears_what_the_other_did(house: House, admin: Admin) -> None:
    answers = await asyncio.gather(
        *(admin.edit({"table": "queues", "id": "order", "set": {"priority": n}}) for n in (10, 20, 30))
    )
    assert sorted(status for status, _ in answers) == [200, 409, 409]
    won = next(answer for status, answer in answers if status == 200)
    for status, answer in answers:
        if status == 409:
            assert (answer["code"], answer["by"], answer["changed"]) == ("stale_site", "admin", won["changed"])
    assert len(changes(house)) == 2


async def test_an_earlier_version_is_brought_back(house: House, admin: Admin) -> None:
    first = text(house)
    await admin.done(skills("1003", billing=95))
    await admin.done({"table": "queues", "id": "order", "set": {"priority": 60}})
    async with house.client.get("/api/v1/admin/site/versions") as answer:
        versions = (await answer.json())["versions"]
    assert [(one["number"], one["by"], one["in_force"]) for one in versions] == [
        (3, "admin", True),
        (2, "admin", False),
        (1, "", False),
    ]
    status, done = await admin.ask("POST", "site/restore", {"revision": admin.revision, "version": 1})
    assert status == 200 and len(done["changed"]) == 2
    assert text(house) == first
    assert house.world.agent_configs[AgentId("1003")].skills["billing"] == 60
    admin.revision = done["revision"]
    status, answer = await admin.ask("POST", "site/restore", {"revision": admin.revision, "version": 99})
    assert (status, answer["faults"][0]["message"]) == (422, "this version is not kept any more")


async def test_the_last_fifty_versions_are_kept(house: House, admin: Admin) -> None:
    history = house.folder / "site" / "history"
    for n in range(2, 54):
        (history / f"{n:06}.toml").write_bytes((history / "000001.toml").read_bytes())
    await admin.done({"table": "queues", "id": "order", "set": {"priority": 60}})
    versions = await house.sites.versions()
    assert (len(versions), versions[0].number, versions[-1].number) == (50, 54, 5)


async def test_a_change_by_hand_counts_when_it_is_loaded(house: House, admin: Admin) -> None:
    path = house.folder / "site" / "site.toml"
    path.write_text(text(house).replace("priority = 30.0", "priority = 77.0"), "utf-8")
    view = await admin.look()
    assert (view["in_force"], view["faults"]) == (False, [])
    assert house.world.queue_configs[QueueId("complaint")].priority == 30
    status, answer = await admin.ask("POST", "site/reload", {})
    assert (status, answer["changed"]) == (200, ["queues/complaint: priority 30.0 -> 77.0"])
    assert house.world.queue_configs[QueueId("complaint")].priority == 77
    assert (await admin.look())["in_force"]
    assert (await house.sites.versions())[0].by == "admin"


async def test_a_mistake_by_hand_is_told_and_changes_nothing(house: House, admin: Admin) -> None:
    path, good = house.folder / "site" / "site.toml", text(house)
    path.write_text(good.replace("offer_seconds = 20.0", "offer_seconds = 900.0", 1), "utf-8")
    view = await admin.look()
    assert [fault["key"] for fault in view["faults"]] == ["offer_seconds"]
    status, _ = await admin.ask("POST", "site/reload", {})
    assert status == 422
    status, _ = await admin.edit({"table": "queues", "id": "order", "set": {"priority": 60}})
    assert status == 422, "nothing is built upon it"
    path.write_text("this is no TOML", "utf-8")
    view = await admin.look()
    assert "not valid TOML" in view["faults"][0]["message"]
    path.unlink()
    async with house.client.get("/api/v1/admin/site") as answer:
        assert answer.status == 422
    assert len(changes(house)) == 1
    path.write_text(good, "utf-8")
    await admin.look()
    await admin.done({"table": "queues", "id": "order", "set": {"priority": 60}})


async def test_a_restart_keeps_the_change(house: House, admin: Admin) -> None:
    await admin.done(skills("1003", billing=95))
    house.reopen_sites()
    assert len(changes(house)) == 2, "the journal knows it, and the file says the same"
    house.records.clear()
    again: SiteDesk = house.reopen_sites()
    assert house.world.agent_configs[AgentId("1003")].skills == {"billing": 95}
    assert [one.number for one in await again.versions()] == [2, 1]


async def test_a_full_disk_refuses_the_change_and_nothing_is_torn(house: House, admin: Admin) -> None:
    before = text(house)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))  # a larger file is not taken, in the middle of the write
    try:
        status, answer = await admin.edit({"table": "queues", "id": "order", "set": {"priority": 60}})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (status, answer["code"]) == (503, "site_not_written"), answer
    assert text(house) == before and len(changes(house)) == 1
    assert [path.name for path in sorted((house.folder / "site").rglob("*.*")) if "flows" not in path.parts] == [
        "000001.toml",
        "site.toml",
    ]
    await admin.done({"table": "queues", "id": "order", "set": {"priority": 60}})


@pytest.mark.parametrize("where", ["before the file", "after the file"])
async def test_a_power_cut_in_the_middle_of_a_change(house: House, admin: Admin, where: str) -> None:
    """The version is there but has no name yet: what the file says decides."""
    before = text(house)
    await admin.done({"table": "queues", "id": "order", "set": {"priority": 60}})
    history = house.folder / "site" / "history"
    (history / "000002.toml").rename(history / "000002.pending")
    (house.folder / "site" / "site.toml.new").write_text(before[:100], "utf-8")
    if where == "before the file":
        (house.folder / "site" / "site.toml").write_text(before, "utf-8")
    again = house.reopen_sites()
    priority = house.world.queue_configs[QueueId("order")].priority
    numbers = [one.number for one in await again.versions()]
    assert (priority, numbers) == ((0, [1]) if where == "before the file" else (60, [2, 1]))
    await admin.look()
    await admin.done({"table": "queues", "id": "order", "set": {"priority": 61}})


async def test_who_would_fit_a_requirement(house: House, admin: Admin) -> None:
    async def fitting(requires: str, queue: str = "") -> dict[str, Any]:
        query = {"requires": requires, "queue": queue}
        async with house.client.get("/api/v1/admin/requirement", params=query) as answer:
            assert answer.status == 200
            found: dict[str, Any] = await answer.json()
            return found

    found = await fitting("English>=60 and ( billing>=40 )")
    assert (found["requires"], found["fits"], found["agents"], found["free"]) == (
        "English >= 60 and billing >= 40",
        3,
        6,
        0,
    )
    house.world.agents[AgentId("1001")].signed_in = True
    assert (await fitting("English >= 60", "complaint"))["signed_in"] == 1
    assert (await fitting("klingon"))["unknown"] == ["klingon"]
    assert (await fitting("English >="))["problem"] == "expected a level, found the end"


@pytest.mark.parametrize("user", ["1001", "2001"])
async def test_only_an_administrator_may_see_or_change_it(house: House, user: str) -> None:
    csrf = await house.log_in(user)
    for method, path in (
        ("GET", "site"),
        ("GET", "site/versions"),
        ("GET", "requirement"),
        ("PATCH", "site"),
        ("POST", "site/restore"),
        ("POST", "site/reload"),
    ):
        async with house.client.request(method, f"/api/v1/admin/{path}", headers=csrf, json={}) as answer:
            assert (answer.status, (await answer.json())["code"]) == (403, "not_allowed")
