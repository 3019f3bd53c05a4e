"""The device lease over HTTP: who gets SIP credentials, who is refused."""

from __future__ import annotations

from tests.api.house import House


async def test_an_agent_gets_credentials_of_a_lease_of_his_own(house: House) -> None:
    csrf = await house.log_in()
    device = await house.take_device(csrf)
    lease = device["lease"]
    assert device == {
        "lease": lease,
        "username": f"e-{lease}",
        "password": f"secret of {lease}",
        "domain": "127.0.0.1",
        "ws_path": f"/sip?lease={lease}",
    }


async def test_a_reloaded_page_keeps_its_lease(house: House) -> None:
    csrf = await house.log_in()
    first = await house.take_device(csrf)
    again = await house.take_device(csrf, instance="page-2", lease=first["lease"])
    assert again["lease"] == first["lease"]


async def test_a_second_tab_is_refused_until_it_takes_over(house: House) -> None:
    csrf = await house.log_in()
    first = await house.take_device(csrf)
    refused = await house.client.post("/api/v1/device", json={"instance": "page-2"}, headers=csrf)
    assert (refused.status, (await refused.json())["code"]) == (409, "phone_elsewhere")
    second = await house.take_device(csrf, instance="page-2", take_over=True)
    assert second["lease"] != first["lease"]


async def test_a_lease_of_somebody_else_is_not_continued(house: House) -> None:
    mine = await house.take_device(await house.log_in("1001"))
    theirs = await house.take_device(await house.log_in("1002"), lease=mine["lease"])
    assert theirs["lease"] != mine["lease"]
    assert house.desk.held[mine["lease"]].agent == "1001"


async def test_a_lease_that_was_lost_is_not_revived(house: House) -> None:
    csrf = await house.log_in()
    first = await house.take_device(csrf)
    second = await house.take_device(csrf, take_over=True)
    third = await house.take_device(csrf, lease=first["lease"], take_over=True)
    assert third["lease"] not in (first["lease"], second["lease"])


async def test_who_is_no_agent_has_no_phone(house: House) -> None:
    for user in ("2001", "admin"):
        csrf = await house.log_in(user)
        refused = await house.client.post("/api/v1/device", json={"instance": "p"}, headers=csrf)
        assert (refused.status, (await refused.json())["code"]) == (403, "not_allowed")
