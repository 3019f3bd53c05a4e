"""The small decisions around starting and restarting, without any Asterisk."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ctiserver.asterisk.runtime_apology import silent_callers
from ctiserver.asterisk.runtime_config import folders
from ctiserver.asterisk.runtime_errors import CannotStart
from ctiserver.asterisk.runtime_find import find, new_enough
from ctiserver.asterisk.runtime_process import Process, ProcessId, identify
from ctiserver.asterisk.runtime_user import ServiceUser, blocked_at
from ctiserver.supervisor import BackOff
from ctiserver.supervisor_launch import sync_code

SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); os.fork() and print('up', flush=True);"
    " time.sleep(60)",
]


def start(command: list[str]) -> Process:
    child = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
    assert child.stdout is not None
    child.stdout.readline()
    child.stdout.close()
    return Process.of_child(child)


def test_three_restarts_in_a_minute_are_at_once_and_then_waits_grow() -> None:
    now = 100.0
    back_off = BackOff(lambda: now)
    assert [back_off.delay() for _ in range(9)] == [0, 0, 0, 1, 2, 4, 8, 15, 15]
    now += 61
    assert back_off.delay() == 0


def channel(name: str, context: str = "hollyhock-in") -> dict[str, Any]:
    return {"id": name, "dialplan": {"context": context}}


def test_all_callers_are_sent_to_the_apology_except_those_who_talk() -> None:
    channels = [
        channel("in-prompt"),
        channel("waiting"),
        channel("talking"),
        channel("left-alone"),
        channel("agent", "hollyhock-agent"),
        channel("sorry-already", "hollyhock-apology"),
    ]
    bridges = [
        {"id": "c1-h", "channels": ["waiting"]},
        {"id": "c2-t", "channels": ["talking", "agent"]},
        {"id": "c3-t", "channels": ["left-alone"]},
    ]
    assert silent_callers(channels, bridges) == ["in-prompt", "waiting", "left-alone"]


async def test_a_process_is_recognised_again_and_a_stranger_with_its_number_is_not() -> None:
    process = start(SLEEPER)
    try:
        adopted = Process.adopt(process.identity)
        assert adopted is not None
        assert adopted.alive()
        stranger = ProcessId(pid=process.pid, started=process.identity.started - 1, boot=process.identity.boot)
        assert Process.adopt(stranger) is None
    finally:
        process.kill()
    await adopted.wait()
    assert Process.adopt(process.identity) is None
    assert identify(process.pid) is None


async def test_ending_is_polite_first_and_leaves_nobody_of_the_group() -> None:
    process = start(STUBBORN)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert len(children) == 1
    await process.stop(0.3)
    assert not process.alive()
    assert process.returncode == -signal.SIGKILL
    for _ in range(100):
        if identify(int(children[0])) is None:
            break
        await asyncio.sleep(0.02)
    assert identify(int(children[0])) is None


async def test_children_of_a_crashed_process_go_with_it() -> None:
    process = start(STUBBORN)
    (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()
    assert identify(int(child)) is not None
    await process.stop()
    for _ in range(100):
        if identify(int(child)) is None:
            break
        await asyncio.sleep(0.02)
    assert identify(int(child)) is None


def test_code_in_a_closed_checkout_is_copied_without_leftovers_and_without_sources_of_pages(tmp_path: Path) -> None:
    source, target = tmp_path / "checkout", tmp_path / "code"
    for name in ("ctiserver/app.py", "ctiserver/old/gone.py", "agent_desktop/web/src/a.ts", "notes.txt"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text("x = 1\n")
    sync_code(source, target)
    assert (target / "ctiserver/app.py").read_text() == "x = 1\n"
    assert (target / "ctiserver/old/gone.py").exists()
    assert not (target / "agent_desktop/web").exists()
    assert not (target / "notes.txt").exists()

    (source / "ctiserver/old/gone.py").unlink()
    (source / "ctiserver/old").rmdir()
    (source / "ctiserver/app.py").write_text("x = 22\n")
    sync_code(source, target)
    assert (target / "ctiserver/app.py").read_text() == "x = 22\n"
    assert not (target / "ctiserver/old").exists()


@pytest.mark.parametrize(
    ("version", "enough"),
    [
        ("22.8.0", True),
        ("22.10.1+dfsg+~cs6.17.60671434-1", True),
        ("23.0.0", True),
        ("22.7.2", False),
        ("20.19.0", False),
        ("GIT-master", False),
    ],
)
def test_asterisk_is_new_enough_from_22_8_on(version: str, enough: bool) -> None:
    assert new_enough(version) is enough


def test_a_program_that_is_no_asterisk_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="does not answer"):
        find({"HOLLYHOCK_ASTERISK": "/bin/true"})
    old = tmp_path / "asterisk"
    old.write_text("#!/bin/sh\necho Asterisk 20.1.0\n")
    old.chmod(0o755)
    with pytest.raises(CannotStart, match=r"22\.8 or later"):
        find({"HOLLYHOCK_ASTERISK": str(old)})


def test_an_asterisk_on_the_path_is_taken_when_it_is_new_enough(tmp_path: Path) -> None:
    program = tmp_path / "asterisk"
    program.write_text("#!/bin/sh\necho Asterisk 22.9.0\n")
    program.chmod(0o755)
    environ = {"PATH": f"{tmp_path}:/bin", "HOLLYHOCK_CACHE": str(tmp_path / "none")}
    found = find(environ)
    assert found is not None
    assert found.command == (str(program),)
    program.write_text("#!/bin/sh\necho Asterisk 18.1.0\n")
    assert find(environ) is None


def test_a_long_data_folder_keeps_the_control_socket_within_its_limit() -> None:
    long = Path("/srv") / ("x" * 120)
    assert len(os.fsencode(folders(long).run / "ctl")) < 108
    assert folders(Path("/srv/hh")).run == Path("/srv/hh/asterisk/run")


def test_a_closed_folder_on_the_way_is_named(tmp_path: Path) -> None:
    outside = Path("/tmp")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    user = ServiceUser(61050, 61050)
    assert blocked_at(outside, user) is None
    assert blocked_at(closed / "inner", None) is None
    assert blocked_at(closed / "inner", user) is not None
