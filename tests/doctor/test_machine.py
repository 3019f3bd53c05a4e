"""`hollyhock doctor` about settings, data folder, disk, ports, clock, and that it always comes to an end."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from ctiserver.asterisk.runtime_user import SPARE_ID
from ctiserver.doctor import machine, probe, report, run
from ctiserver.doctor.report import Report, State
from ctiserver.doctor.subject import Subject
from ctiserver.settings import NAMES
from tests.doctor import house
from tests.doctor.house import bad, environ, examine, only

ROOT = Path(__file__).parents[2]


def command(settings: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ctiserver.cli", "doctor", *arguments],
        cwd=ROOT, env=settings, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip


def test_before_the_first_start_nothing_is_wrong(tmp_path: Path) -> None:
    done = command(environ(tmp_path / "new"), "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [check["name"] for check in told["checks"] if check["state"] == "fault"] == []
    assert {name for name, _check in run.CHECKS} <= {check["name"] for check in told["checks"]}
    assert told["seconds"] < 10
    assert not (tmp_path / "new").exists(), "it changes nothing"


def test_an_ordinary_user_may_ask_too(tmp_path: Path) -> None:
    """As root the test becomes one; what belongs to somebody else is told as such and is no crash."""
    foreign = house.used(tmp_path / "foreign")
    foreign.chmod(0o700)
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        for home, faulty in ((Path(folder) / "own", False), (foreign, os.geteuid() == 0)):
            settings = environ(home)
            examine(settings)  # loads everything: another user may not enter this interpreter's folder
            told = _as_stranger(settings)
            faults = [finding for finding in told.findings if finding.state is State.FAULT]
            assert bool(faults) is faulty, faults
            assert not any("itself failed" in finding.what for finding in told.findings), told.findings
    if os.geteuid() == 0:
        folder_check = next(finding for finding in told.findings if finding.name == "data folder")
        assert f"uid {SPARE_ID} (you)" in folder_check.what


def _as_stranger(settings: dict[str, str]) -> Report:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(SPARE_ID)
                os.setuid(SPARE_ID)
            with os.fdopen(writing, "wb") as pipe:
                pipe.write(msgspec.json.encode(examine(settings)))
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        data = pipe.read()
    os.waitpid(child, 0)
    return msgspec.json.decode(data, type=Report)


def test_the_list_of_settings_is_the_readme_s() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert set(NAMES) == set(re.findall(r"HOLLYHOCK_[A-Z]+(?:_[A-Z]+)*", text))


def test_every_faulty_setting_is_told_at_once_and_unknown_ones_are_named(tmp_path: Path) -> None:
    settings = environ(tmp_path) | {
        "HOLLYHOCK_HTTP": "8080",
        "HOLLYHOCK_RTP": "10-20",
        "HOLLYHOCK_TLS_CERT": "/nowhere",
        "HOLLYHOCK_HTPP": "127.0.0.1:1",
        "HOLLYHOCK_ASTERISK": "http//us:geheim@pbx",
        "HOLLYHOCK_DATABASE_URL": "mysql://u:geheim@db/x",
    }
    told = examine(settings, "settings")
    faulty = [finding for finding in told.findings if finding.state is State.FAULT]
    for name in ("HTTP", "RTP", "TLS_CERT", "ASTERISK", "DATABASE_URL"):
        assert sum(finding.what.startswith(f"HOLLYHOCK_{name}") for finding in faulty) == 1, name
    assert len(faulty) == 5
    unknown = next(finding for finding in told.findings if "HOLLYHOCK_HTPP" in finding.what)
    assert unknown.state is State.WARNING
    assert "meant HOLLYHOCK_HTTP?" in unknown.do
    done = command(settings)
    assert done.returncode == 1
    assert "geheim" not in done.stdout + done.stderr
    assert "FAULT    settings" in done.stdout


def test_a_home_that_is_a_file_or_cannot_be_made_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert "is no folder" in only(examine(environ(tmp_path / "file"), "data folder")).what


def test_private_files_that_others_can_read_are_told(tmp_path: Path) -> None:
    (tmp_path / "secrets.toml").write_text("x")
    (tmp_path / "secrets.toml").chmod(0o644)
    tmp_path.chmod(0o755)
    readable = [finding for finding in bad(examine(environ(tmp_path), "data folder")) if "mode 644" in finding.what]
    assert len(readable) == 1
    assert "chmod 600" in readable[0].do


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """100 MB: a real one where the test may mount it, else a figure."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=100m", "tmpfs", place]
    mounted = subprocess.run(mount, capture_output=True, check=False)
    if mounted.returncode:
        monkeypatch.setattr(probe, "free_bytes", lambda _folder: 100_000_000)
    yield place
    if not mounted.returncode:
        subprocess.run(["umount", place], check=True)


def test_a_full_disk_is_a_fault_and_a_small_one_a_warning(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = only(examine(environ(small_disk), "disk"))
    assert full.state is State.FAULT
    assert "MB free" in full.what
    assert "apology" in full.do
    monkeypatch.setattr(probe, "free_bytes", lambda _folder: 1_900_000_000)
    assert only(examine(environ(small_disk), "disk")).state is State.WARNING
    monkeypatch.setattr(probe, "free_bytes", lambda _folder: 2_100_000_000)
    assert bad(examine(environ(small_disk), "disk")) == []


def test_taken_ports_are_told_with_who_has_them(tmp_path: Path) -> None:
    settings = environ(tmp_path)
    http, sip = (int(settings[name].rpartition(":")[2]) for name in ("HOLLYHOCK_HTTP", "HOLLYHOCK_SIP"))
    me = probe.process_name(os.getpid())
    with house.taken(http, socket.SOCK_STREAM):
        assert only(examine(settings, "HTTP port")).what == f"TCP 127.0.0.1:{http} is taken by {me}"
        assert "HOLLYHOCK_HTTP" in only(examine(settings, "HTTP port")).do
    with house.taken(sip, socket.SOCK_DGRAM):
        assert only(examine(settings, "SIP port")).what == f"UDP 127.0.0.1:{sip} is taken by {me}"
    with house.taken(sip, socket.SOCK_STREAM):
        assert only(examine(settings, "SIP port")).what == f"TCP 127.0.0.1:{sip} is taken by {me}"
    with house.taken(64_007, socket.SOCK_DGRAM):
        rtp = only(examine(settings, "RTP ports"))
        assert rtp.state is State.WARNING
        assert f"port 64007 by {me}" in rtp.what
    assert bad(examine(settings, "HTTP port", "SIP port", "RTP ports")) == []


def test_an_address_that_is_not_this_machine_s_is_told(tmp_path: Path) -> None:
    told = only(examine(environ(tmp_path, HOLLYHOCK_SIP="192.0.2.7:5060"), "SIP port"))
    assert "cannot be used" in told.what
    assert "no such address" in told.do


def test_the_clock_s_answers_become_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for answer, word, state in (
        (True, "synchronised", State.OK),
        (False, "nobody sets it", State.WARNING),
        (None, "not known", State.OK),
    ):
        monkeypatch.setattr(probe, "clock_synchronised", lambda answer=answer: answer)
        (finding,) = examine(environ(tmp_path), "clock").findings
        assert word in finding.what
        assert finding.state is state
    drift = iter([1000.0, 1001.0, 1001.0])
    monkeypatch.setattr(machine.time, "time", lambda: next(drift))
    monkeypatch.setattr(machine.time, "sleep", lambda _seconds: None)
    subject = Subject(environ(tmp_path))
    assert "moved by" in next(iter(machine.clock(subject))).what


def test_low_limits_and_little_memory_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "open_files", lambda _pid=None: 1024)
    monkeypatch.setattr(probe, "free_memory", lambda: 100_000_000)
    told = examine(environ(tmp_path), "open files", "memory")
    assert [(f.name, f.state) for f in told.findings] == [("memory", State.FAULT), ("open files", State.WARNING)]
    assert "LimitNOFILE" in told.findings[1].do


def test_it_ends_in_time_when_everything_hangs(tmp_path: Path) -> None:
    """Web port, Asterisk and database accept and say nothing; the Asterisk program never says its version."""
    home = house.used(tmp_path / "home")
    slow = house.program(tmp_path / "asterisk", "sleep 60")
    with house.silent() as port, ThreadPoolExecutor() as pool:
        ways = [
            environ(home)
            | {
                "HOLLYHOCK_HTTP": f"127.0.0.1:{port}",
                "HOLLYHOCK_ASTERISK": asterisk,
                "HOLLYHOCK_DATABASE_URL": f"postgresql+asyncpg://u:geheim@127.0.0.1:{port}/x",
            }
            for asterisk in (f"http://u:geheim@127.0.0.1:{port}", str(slow))
        ]
        for done in pool.map(lambda way: command(way, "--json"), ways):  # it has to end within 30 s as a process
            assert done.returncode == 1
            assert "geheim" not in done.stdout + done.stderr
            told = json.loads(done.stdout)
            assert told["seconds"] < 10, "by its own clock: an interpreter may start late"
            faults = [check["name"] for check in told["checks"] if check["state"] == "fault"]
            assert "database" in faults
            assert "Asterisk" in faults or "ARI" in faults


def test_a_data_folder_on_a_dead_disk_does_not_hold_it_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forever = threading.Event()
    monkeypatch.setattr(run, "Subject", lambda _environ: forever.wait())
    told = run.examine(environ(tmp_path), deadline=0.4)
    forever.set()
    assert [(f.name, f.state) for f in told.findings] == [("data folder", State.FAULT)]


def test_a_check_that_never_ends_is_given_up_and_the_others_are_told(tmp_path: Path) -> None:
    forever = threading.Event()

    def hangs(_subject: Subject) -> Iterator[report.Finding]:
        yield report.ok("stuck", "one thing was found before")
        forever.wait()

    def breaks(_subject: Subject) -> Iterator[report.Finding]:
        yield report.ok("broken", "first")
        raise ZeroDivisionError("by zero")

    told = run.examine(environ(tmp_path), checks=[("stuck", hangs), ("broken", breaks)], deadline=0.3)
    forever.set()
    assert [(f.name, f.state) for f in told.findings] == [
        ("stuck", State.OK),
        ("stuck", State.FAULT),
        ("broken", State.OK),
        ("broken", State.FAULT),
    ]
    assert told.given_up == ("stuck",)


def test_the_table_puts_faults_last_and_folds_on_a_terminal(tmp_path: Path) -> None:
    from rich.console import Console

    findings = (
        report.fault("disk", "full " * 40, "free space"),
        report.ok("clock", "runs"),
        report.warning("memory", "little", "more"),
    )
    told = Report(version="1", home="/h", seconds=0.1, findings=findings)
    console = Console(width=80, force_terminal=True, color_system="standard", record=True, file=open(os.devnull, "w"))
    report.show(told, console)
    text = console.export_text(clear=False)
    assert [line.split()[0] for line in text.splitlines() if line and not line.startswith(" ")] == [
        "ok", "warning", "FAULT", "hollyhock",
    ]  # fmt: skip
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "-> free space" in text
    console.file.close()
