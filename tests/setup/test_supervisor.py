"""The supervisor over a real Asterisk, with a stand-in as the server."""

from __future__ import annotations

import os
import signal
import socket
import stat

import pytest

from ctiserver.asterisk.runtime import running
from tests.harness.waiting import eventually
from tests.setup.instances import Site, site


async def test_up_ends_in_the_ready_line_and_ctrl_c_leaves_nothing_behind(a_site: Site) -> None:
    await a_site.up()
    await a_site.ready()
    password = (a_site.home / "demo-password").read_text().strip()
    assert f"password of all of them: {password} " in a_site.said
    assert stat.S_IMODE((a_site.home / "demo-password").stat().st_mode) == 0o600
    assert a_site.said.splitlines()[-1] == f"ready http://127.0.0.1:{a_site.http}"
    asterisk = a_site.asterisk()
    assert asterisk is not None
    assert os.getpgid(asterisk.process.pid) == asterisk.process.pid
    if os.geteuid() == 0:
        assert os.stat(f"/proc/{asterisk.process.pid}").st_uid != 0
        closed = "the server runs as root, because only root may enter" in a_site.said  # a Python in root's own home
        assert (os.stat(f"/proc/{a_site.server_pid()}").st_uid == 0) is closed

    assert await a_site.down(signal.SIGINT) == 0
    assert a_site.left_behind() == []
    assert a_site.asterisk() is None
    assert not (a_site.home / "server.json").exists()


async def test_a_server_that_hangs_is_ended_and_started_again(a_site: Site) -> None:
    await a_site.up(STAND_IN_PATIENCE="0.3")
    await a_site.ready()
    old = a_site.server_pid()
    os.kill(old, signal.SIGSTOP)
    await a_site.says("the server is stuck")
    await a_site.server_after(old)


async def test_an_asterisk_that_hangs_is_ended_and_started_again(a_site: Site) -> None:
    await a_site.up(STAND_IN_PATIENCE="0.3")
    await a_site.ready()
    before = a_site.asterisk()
    assert before is not None
    os.kill(before.process.pid, signal.SIGSTOP)
    await a_site.says("Asterisk is stuck")
    await eventually(lambda: a_site.asterisk() != before, 10.0, "another Asterisk runs")


async def test_a_crashed_asterisk_is_back_at_the_same_address(a_site: Site) -> None:
    await a_site.up()
    await a_site.ready()
    before = a_site.asterisk()
    assert before is not None
    os.kill(before.process.pid, signal.SIGKILL)

    def another() -> bool:
        now = a_site.asterisk()
        return now is not None and now.process != before.process

    await eventually(another, 10.0, "another Asterisk runs")
    after = a_site.asterisk()
    assert after is not None
    assert after.ari == before.ari
    assert await a_site.down(signal.SIGTERM) == 0
    assert a_site.left_behind() == []


async def test_after_its_own_death_a_supervisor_takes_over_the_running_asterisk(a_site: Site) -> None:
    supervisor = await a_site.up()
    await a_site.ready()
    asterisk, server = a_site.asterisk(), a_site.server_pid()
    supervisor.kill()
    await a_site.ended()
    assert a_site.server_pid() == server, "the server lives on"

    await a_site.up()
    await a_site.ready()
    assert "took over the running Asterisk" in a_site.said
    assert a_site.asterisk() == asterisk
    assert a_site.server_pid() not in (0, server)
    assert await a_site.down() == 0
    assert a_site.left_behind() == []


async def test_a_second_supervisor_of_the_same_folder_is_refused(a_site: Site) -> None:
    await a_site.up()
    await a_site.ready()
    server = a_site.server_pid()
    other = Site(a_site.home)
    await other.up()
    assert await other.ended() == 2
    assert "in use by another supervisor" in other.said
    assert len(other.said.splitlines()) == 1
    assert a_site.server_pid() == server


@pytest.mark.parametrize("kind", ["http", "sip-udp", "sip-tcp"])
async def test_a_taken_port_is_one_line_and_exit_code_2(a_site: Site, kind: str) -> None:
    port = a_site.http if kind == "http" else a_site.sip[1]
    with socket.socket(type=socket.SOCK_DGRAM if kind == "sip-udp" else socket.SOCK_STREAM) as taken:
        taken.bind(("127.0.0.1", port))
        if kind != "sip-udp":
            taken.listen()
        await a_site.up()
        assert await a_site.ended() == 2
    assert a_site.said.count("\n") == 1
    assert ("HOLLYHOCK_HTTP" if kind == "http" else "HOLLYHOCK_SIP") in a_site.said
    assert "Address already in use" in a_site.said
    assert a_site.left_behind() == []


async def test_a_bad_value_and_an_unwritable_folder_are_one_line_and_exit_code_2(a_site: Site) -> None:
    await a_site.up(HOLLYHOCK_RTP="everything")
    assert await a_site.ended() == 2
    assert a_site.said.count("\n") == 1
    assert "HOLLYHOCK_RTP" in a_site.said

    await a_site.up(HOLLYHOCK_HOME="/proc/hollyhock")
    assert await a_site.ended() == 2
    assert a_site.said.count("\n") == 1
    assert "HOLLYHOCK_HOME=/proc/hollyhock" in a_site.said


async def test_a_server_that_refuses_its_settings_ends_the_start_with_its_reason(a_site: Site) -> None:
    await a_site.up(STAND_IN_REFUSE="hollyhock: the database is from the future")
    assert await a_site.ended() == 2
    assert "the database is from the future" in a_site.said
    assert a_site.left_behind() == []


async def test_an_asterisk_that_runs_elsewhere_is_used_and_left_alone(a_site: Site) -> None:
    async with running(rtp=(32100, 32199)) as elsewhere:
        ari = elsewhere.ari
        host = ari.url.removeprefix("http://")
        await a_site.up(HOLLYHOCK_ASTERISK=f"http://{ari.user}:{ari.password}@{host}")
        await a_site.ready()
        assert a_site.asterisk() is None
        assert await a_site.down() == 0
        assert elsewhere.alive()

        await a_site.up(HOLLYHOCK_ASTERISK=f"http://{ari.user}:wrong@{host}")
        assert await a_site.ended() == 2
        assert "no ARI answers" in a_site.said
        assert "wrong" not in a_site.said


async def test_two_instances_run_side_by_side(a_site: Site) -> None:
    async with site() as other:
        await a_site.up()
        await other.up()
        await a_site.ready()
        await other.ready()
        assert await a_site.down() == 0
        assert other.server_pid()
        assert await other.down() == 0
