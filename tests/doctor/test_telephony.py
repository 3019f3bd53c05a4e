"""`hollyhock doctor` about Asterisk, with stand-ins in its place; the real one is examined in the live tests."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ctiserver.asterisk.runtime_config import module_names
from ctiserver.doctor import telephony
from ctiserver.doctor.report import State
from tests.doctor import house
from tests.doctor.house import bad, environ, examine, only


@contextmanager
def an_ari(pages: dict[str, Any], *, date: str = "") -> Iterator[str]:
    """A web server that answers as Asterisk's ARI: page -> its JSON, or a status. The value for HOLLYHOCK_ASTERISK."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = pages.get(self.path.removeprefix("/ari/"), 404)
            body = b"{}" if isinstance(answer, int) else json.dumps(answer).encode()
            self.send_response_only(answer if isinstance(answer, int) else 200)
            self.send_header("Date", date or self.date_time_string())
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://us:geheim@127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def pages(version: str = "22.11.0", *, without: str = "", app: bool = False) -> dict[str, Any]:
    modules = [{"name": name, "status": "Running"} for name in module_names() if name != without]
    known: dict[str, Any] = {
        "asterisk/ping": {}, "asterisk/info": {"system": {"version": version}}, "asterisk/modules": modules,
    }  # fmt: skip
    return known | ({"applications/hollyhock": {"name": "hollyhock"}} if app else {})


def test_all_is_well_with_one_that_runs_elsewhere(tmp_path: Path) -> None:
    with an_ari(pages()) as address:
        told = examine(environ(tmp_path, HOLLYHOCK_ASTERISK=address), "Asterisk", "ARI")
    assert bad(told) == []
    assert [finding.name for finding in told.findings] == ["Asterisk", "ARI", "modules", "codecs"]
    assert "no server is connected" in told.findings[1].what


@pytest.mark.parametrize(
    ("version", "state", "words"),
    [
        ("20.15.0", State.FAULT, "22.8 or later"),
        ("22.7.0", State.FAULT, "22.8 or later"),
        ("22.9.1", State.WARNING, "read-only"),
        ("22.10.1+dfsg", State.OK, "#1946"),
        ("22.11.0", State.OK, ""),
    ],
)
def test_versions_are_judged(tmp_path: Path, version: str, state: State, words: str) -> None:
    with an_ari(pages(version)) as address:
        (finding,) = examine(environ(tmp_path, HOLLYHOCK_ASTERISK=address), "Asterisk").findings
    assert finding.state is state
    assert words in finding.what + finding.do
    assert ("#1946" in finding.do) is (version == "22.10.1+dfsg"), "known faults are told where they are"


def test_what_an_asterisk_lacks_is_named(tmp_path: Path) -> None:
    with an_ari(pages(without="codec_opus_open_source.so")) as address:
        told = bad(examine(environ(tmp_path, HOLLYHOCK_ASTERISK=address), "ARI"))
    assert [finding.name for finding in told] == ["modules", "codecs"]
    assert all("codec_opus_open_source.so" in finding.what for finding in told)


def test_wrong_password_wrong_port_and_a_stranger_s_server_are_told_apart(tmp_path: Path) -> None:
    def told(address: str) -> str:
        found = only(examine(environ(tmp_path, HOLLYHOCK_ASTERISK=address), "ARI"))
        assert found.state is State.FAULT
        assert "geheim" not in found.what + found.do
        return found.what

    with an_ari({"asterisk/ping": 401}) as address:
        assert "refuses our user and password" in told(address)
    with an_ari({}) as address:
        assert "status 404" in told(address)
    with an_ari(pages(app=True)) as address:
        assert "not this folder's has taken our application" in told(address)
    assert "refused" in told(f"http://u:geheim@127.0.0.1:{house.free_port()}")


def test_a_clock_that_differs_is_told(tmp_path: Path) -> None:
    with an_ari(pages(), date="Sun, 01 Nov 2026 00:00:00 GMT") as address:
        told = only(examine(environ(tmp_path, HOLLYHOCK_ASTERISK=address), "ARI"))
    assert told.name == "clock"
    assert "NTP" in told.do


def test_programs_that_are_too_old_or_no_asterisk(tmp_path: Path) -> None:
    old = house.program(tmp_path / "old", "echo 'Asterisk 20.5.0'")
    other = house.program(tmp_path / "other", "echo 'GNU bash'")
    for chosen, words in ((old, "is version 20.5.0; 22.8 or later"), (other, "does not answer to `-V`")):
        told = only(examine(environ(tmp_path, HOLLYHOCK_ASTERISK=str(chosen)), "Asterisk"))
        assert told.state is State.FAULT
        assert words in told.what


def test_an_old_one_on_path_is_told_and_another_is_used(tmp_path: Path) -> None:
    house.program(tmp_path / "asterisk", "echo 'Asterisk 16.2.1~dfsg'")
    settings = environ(tmp_path / "home")
    settings.pop("HOLLYHOCK_ASTERISK", None)
    settings["PATH"] = f"{tmp_path}:{settings['PATH']}"
    told = examine(settings, "Asterisk")
    assert "16.2.1~dfsg and is not used" in told.findings[0].what
    assert told.findings[0].state is State.WARNING
    assert any(finding.state is State.OK for finding in told.findings[1:]), "the fetched one"


def test_modules_are_looked_for_on_disk_before_the_first_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "modules"
    folder.mkdir()
    for name in module_names():
        (folder / name).touch()
    (folder / "format_wav.so").unlink()
    monkeypatch.setattr(telephony, "_MODULE_FOLDERS", (str(folder),))
    plain = house.program(tmp_path / "asterisk", "echo 'Asterisk 22.11.0'")
    told = bad(examine(environ(tmp_path / "home", HOLLYHOCK_ASTERISK=str(plain)), "Asterisk"))
    assert [finding.name for finding in told] == ["modules", "codecs"]
    assert "format_wav.so" in told[0].what
    monkeypatch.setattr(telephony, "_MODULE_FOLDERS", ())
    assert "not known" in only(examine(environ(tmp_path / "home", HOLLYHOCK_ASTERISK=str(plain)), "Asterisk")).what
