"""`hollyhock doctor` about the journal, the database, the site and certificates, healthy and hurt."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from pathlib import Path

import msgspec
import pytest

from ctiserver.doctor import house as checks
from ctiserver.doctor.report import Finding, State
from ctiserver.journal import Journal
from ctiserver.model import facts
from ctiserver.model.turns import Record
from tests.contract.conftest import Postgres, postgres as postgres
from tests.doctor import house
from tests.doctor.house import bad, environ, examine, only
from tests.drivers.journals import flip, segment, starts


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return house.used(tmp_path_factory.mktemp("model"))


@pytest.fixture
def home(model: Path, tmp_path: Path) -> Path:
    """A house of the test's own, to be hurt."""
    return Path(shutil.copytree(model, tmp_path / "home"))


def told(home: Path, *names: str, **more: str) -> Finding:
    found = only(examine(environ(home, **more), *names))
    assert found.do, "a finding says what to do"
    return found


# --- the journal


def test_a_healthy_house_has_healthy_books(home: Path) -> None:
    found = examine(environ(home), "journal", "database")
    assert bad(found) == []
    assert [finding.name for finding in found.findings] == ["journal", "snapshot", "database", "call records"]


def test_damage_at_the_journal_s_end_is_a_fault_a_torn_tail_is_not(home: Path) -> None:
    path = segment(home / "journal")
    whole = path.read_bytes()
    os.truncate(path, len(whole) - 3)
    found = examine(environ(home), "journal")
    assert bad(found) == []
    assert "unfinished record" in found.findings[0].what
    path.write_bytes(whole)
    flip(path, starts(path)[5] + 40)
    damaged = told(home, "journal")
    assert damaged.what == f"{path.name} is damaged at byte {starts(path)[5]}"
    assert "do not restart" in damaged.do and "hollyhock journal verify" in damaged.do


def test_a_record_from_the_future_is_a_fault(home: Path) -> None:
    last = examine(environ(home), "journal").findings[0]
    assert last.state is State.OK
    writer = Journal(home / "journal")
    record = Record(seq=writer.last_seq + 1, at=time.time() + 3600, seed=1, input=facts.Tick(), events=(), effects=())
    writer.append(record)
    writer.close()
    future = told(home, "journal")
    assert future.state is State.FAULT
    assert "3600 s in the future" in future.what or "3599 s in the future" in future.what
    assert "clock" in future.do


def test_a_snapshot_cut_short_foreign_files_and_a_closed_folder_are_told(home: Path) -> None:
    folder = home / "journal"
    snapshot = next(folder.glob("snapshot-*.bin"))
    data = snapshot.read_bytes()
    snapshot.write_bytes(data[: len(data) // 2])
    cut = told(home, "journal")
    assert snapshot.name in cut.what
    assert "all records" in cut.what
    snapshot.write_bytes(data)
    (folder / "journal-copy.log").touch()
    assert told(home, "journal").state is State.WARNING


# --- the database


def test_a_database_of_a_newer_version_is_not_touched(home: Path) -> None:
    with sqlite3.connect(home / "hollyhock.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '0815'")
    newer = told(home, "database")
    assert newer.state is State.FAULT
    assert "migration 0815" in newer.what and "newer" in newer.what


def test_a_database_that_is_gone_locked_no_database_or_elsewhere_is_told(home: Path, tmp_path: Path) -> None:
    file = home / "hollyhock.db"
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("PRAGMA locking_mode = EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    holder.execute("CREATE TABLE x (y)")
    try:
        assert "locked" in told(home, "database").what
    finally:
        holder.rollback()
        holder.close()
    kept = file.read_bytes()
    file.write_bytes(b"this is no database " * 1000)
    assert "not a database" in told(home, "database").what
    file.unlink()
    gone = told(home, "database")
    assert "is gone although a server has run here" in gone.what
    assert not file.exists(), "asking makes no database"
    file.write_bytes(kept)
    url = f"postgresql+asyncpg://u:geheim@127.0.0.1:{house.free_port()}/x"
    away = told(home, "database", HOLLYHOCK_DATABASE_URL=url)
    assert "geheim" not in away.what
    assert "u:***@127.0.0.1" in away.what


def test_call_records_of_another_or_an_older_journal_are_told(home: Path) -> None:
    epoch = (home / "journal" / "epoch").read_text()
    for values, words in ((("zzzz", 5), "of another journal"), ((epoch, 999_999), "an older journal was restored")):
        with sqlite3.connect(home / "hollyhock.db") as database:
            database.execute("DELETE FROM projection_cursor")
            database.execute("INSERT INTO projection_cursor (name, epoch, seq) VALUES ('calls', ?, ?)", values)
        found = told(home, "database")
        assert found.name == "call records"
        assert words in found.what


def test_postgresql_is_examined_as_well(home: Path, postgres: Postgres) -> None:
    url = postgres.url().replace("postgresql://", "postgresql+asyncpg://")
    found = examine(environ(home, HOLLYHOCK_DATABASE_URL=url), "database")
    assert bad(found) == []
    assert "empty" in found.findings[0].what or "can be written" in found.findings[0].what
    wrong = told(home, "database", HOLLYHOCK_DATABASE_URL=url.replace("/postgres", "/nowhere"))
    assert "nowhere" in wrong.what and "does not exist" in wrong.what


def test_what_the_server_found_since_yesterday_is_told(home: Path) -> None:
    folder = home / "faults"
    folder.mkdir()
    (folder / "20200101T000000-lost_leg-x.jsonl").touch()
    os.utime(folder / "20200101T000000-lost_leg-x.jsonl", (0, 0))
    assert bad(examine(environ(home), "faults")) == []
    (folder / "20261122T000000-lost_leg-y.jsonl").touch()
    assert "1 found by the server" in told(home, "faults").what


# --- the site


def test_every_fault_of_the_site_file_is_told(home: Path) -> None:
    path = home / "site" / "site.toml"
    good = path.read_text("utf-8")
    path.write_text(good.replace("offer_seconds = ", "offer_seconds = 9000", 1) + '\n[[queues]]\nid = "x y"\n', "utf-8")
    found = bad(examine(environ(home), "site"))
    assert len(found) >= 2
    assert all(finding.state is State.FAULT and "site.toml: " in finding.what for finding in found)
    path.write_text("this is no TOML", "utf-8")
    assert "not valid TOML" in only(examine(environ(home), "site")).what


def test_prompts_and_flows_that_lead_nowhere_are_told(home: Path) -> None:
    path = home / "site" / "flows" / "main.json"
    path.write_text(path.read_text("utf-8").replace('"prompt": "welcome"', '"prompt": "no_such_prompt"', 1), "utf-8")
    found = [finding for finding in bad(examine(environ(home), "site")) if finding.state is State.FAULT]
    assert any(finding.name == "prompts" and "no_such_prompt" in finding.what for finding in found), found
    path.write_text("{", "utf-8")
    assert "main" in only(examine(environ(home), "site")).what


# --- certificates


def secured(home: Path, certificate: Path, key: Path, host: str = "127.0.0.1") -> dict[str, str]:
    settings = environ(home) | {"HOLLYHOCK_TLS_CERT": str(certificate), "HOLLYHOCK_TLS_KEY": str(key)}
    return settings | {"HOLLYHOCK_HTTP": settings["HOLLYHOCK_HTTP"].replace("127.0.0.1", host)}


def words(settings: dict[str, str]) -> list[tuple[State, str]]:
    """Of the certificate check; that ours are signed by themselves is said each time."""
    found = examine(settings, "certificate").findings
    return [(finding.state, finding.what) for finding in found if "signed by itself" not in finding.what]


def test_certificates_are_judged_by_key_date_and_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    good = house.certificate(tmp_path / "good", "127.0.0.1", "cti.example.com")
    assert [state for state, _ in words(secured(home, *good))] == [State.OK]

    other = house.certificate(tmp_path / "other", "*.example.com")
    assert words(secured(home, good[0], other[1]))[0][1].startswith("the key does not fit the certificate")
    assert "is for *.example.com, the server's name is 127.0.0.1" in words(secured(home, *other))[-1][1]
    assert [state for state, _ in words(secured(home, *other, host="cti.example.com"))] == [State.OK]
    assert words(secured(home, *other, host="0.0.0.0"))[-1] == (State.OK, "is for *.example.com")
    nameless = house.certificate(tmp_path / "nameless")
    assert "names no host" in words(secured(home, *nameless))[-1][1]

    expired = house.certificate(tmp_path / "expired", "127.0.0.1", begin="20200101000000Z", end="20210101000000Z")
    assert words(secured(home, *expired))[0] == (
        State.FAULT, "has expired on 2021-01-01: browsers refuse the pages",
    )  # fmt: skip
    future = house.certificate(tmp_path / "future", "127.0.0.1", begin="20980101000000Z", end="20990101000000Z")
    assert "not valid yet" in words(secured(home, *future))[0][1]
    soon = house.certificate(tmp_path / "soon", "127.0.0.1", days=13)
    assert words(secured(home, *soon))[0][0] is State.WARNING

    good[1].chmod(0o644)
    assert "others may read the key" in words(secured(home, *good))[0][1]
    good[0].write_text("rubbish")
    assert "no PEM file" in words(secured(home, *good))[0][1]
    monkeypatch.delattr(checks.ssl._ssl, "_test_decode_cert")  # type: ignore[attr-defined]
    assert "not known with this Python" in words(secured(home, *other))[0][1]


def test_the_report_as_json_can_be_read_back(home: Path) -> None:
    from ctiserver.doctor import report

    fields = msgspec.json.decode(report.as_json(examine(environ(home), "journal")))
    assert fields["worst"] == "ok"
    assert {tuple(check) for check in fields["checks"]} == {("name", "state", "what", "do")}
