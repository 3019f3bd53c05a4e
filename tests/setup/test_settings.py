"""Settings: defaults, what is refused and in which words, and the secrets of a data folder."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import pytest

from ctiserver.asterisk.address import AriAddress
from ctiserver.settings import BadSetting, load_secrets, load_settings, prepare_home
from ctiserver.supervisor_launch import launch


def test_an_empty_environment_gives_a_local_instance_on_sqlite() -> None:
    settings = load_settings({"HOLLYHOCK_HTTP": "", "HOLLYHOCK_SIP": ""})
    assert settings.http.url == "http://127.0.0.1:8080"
    assert settings.telephony.sip == ("127.0.0.1", 5060)
    assert settings.telephony.rtp == (20000, 20999)
    assert settings.database_url == f"sqlite+aiosqlite:///{settings.home}/hollyhock.db"
    assert settings.home.is_absolute()


def test_the_server_works_in_the_folder_of_its_supervisor(monkeypatch: pytest.MonkeyPatch) -> None:
    """With no folder chosen the default is another one for root than for the user that the server runs as."""
    with tempfile.TemporaryDirectory(prefix="hollyhock-") as folder:  # pytest's own is closed to that user
        Path(folder).chmod(0o755)
        settings = load_settings({"HOLLYHOCK_HOME": folder})
        how = launch(settings, {"PATH": os.environ["PATH"]}, ["server"])
        monkeypatch.setattr(os, "geteuid", lambda: 61050)
        assert load_settings(how.environ).home == settings.home


def test_every_setting_is_taken_from_the_environment(tmp_path: Path) -> None:
    settings = load_settings(
        {
            "HOLLYHOCK_HOME": str(tmp_path),
            "HOLLYHOCK_HTTP": "[::1]:9000",
            "HOLLYHOCK_SIP": "10.0.0.5:5070",
            "HOLLYHOCK_RTP": "30000-30099",
            "HOLLYHOCK_DEMO_PASSWORD": "correct horse",
            "HOLLYHOCK_DATABASE_URL": "postgresql+asyncpg://hh@db/hh",
            "HOLLYHOCK_ASTERISK": "http://us%40er:pass@pbx:8088/ari",
            "HOLLYHOCK_TRUNK_NETWORKS": "203.0.113.7, 10.0.0.0/8",
        }
    )
    assert settings.home == tmp_path
    assert settings.http.url == "http://[::1]:9000"
    assert settings.telephony.sip == ("10.0.0.5", 5070)
    assert settings.telephony.rtp == (30000, 30099)
    assert settings.telephony.asterisk == AriAddress(url="http://pbx:8088", user="us@er", password="pass")
    assert settings.telephony.trunk_networks == "203.0.113.7,10.0.0.0/8"
    assert "correct horse" not in repr(settings)
    assert "pass" not in repr(settings.telephony.asterisk)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("HOLLYHOCK_HTTP", "8080", "not HOST:PORT"),
        ("HOLLYHOCK_HTTP", "127.0.0.1:99999", "not HOST:PORT"),
        ("HOLLYHOCK_HTTP", "127.0.0.1:٨٠", "not HOST:PORT"),
        ("HOLLYHOCK_HTTP", "0.0.0.0:8080", "no microphone"),
        ("HOLLYHOCK_SIP", "pbx.example:5060", "IP address"),
        ("HOLLYHOCK_SIP", "127.0.0.1", "not HOST:PORT"),
        ("HOLLYHOCK_RTP", "20000", "FIRST-LAST"),
        ("HOLLYHOCK_RTP", "30000-20000", "smaller one first"),
        ("HOLLYHOCK_RTP", "80-200", "1024"),
        ("HOLLYHOCK_RTP", "20000-20005", "at least"),
        ("HOLLYHOCK_DEMO_PASSWORD", "short", "8 to 200"),
        ("HOLLYHOCK_DEMO_PASSWORD", "bell\abell\abell", "printable"),
        ("HOLLYHOCK_DATABASE_URL", "mysql://x", "postgresql+asyncpg://"),
        ("HOLLYHOCK_ASTERISK", "http://pbx:8088", "user and password"),
        ("HOLLYHOCK_ASTERISK", "/no/such/asterisk", "nor a program"),
        ("HOLLYHOCK_TLS_CERT", "/tmp/cert.pem", "go together"),
        ("HOLLYHOCK_TRUNK_NETWORKS", "everybody", "not an address"),
        ("HOLLYHOCK_HOME", "/tmp/a\nb", "line break"),
    ],
)
def test_a_wrong_value_is_refused_in_one_line_that_names_the_variable(name: str, value: str, words: str) -> None:
    with pytest.raises(BadSetting) as refused:
        load_settings({name: value})
    message = str(refused.value)
    assert words in message
    assert name in message
    assert "\n" not in message


def test_off_loopback_needs_a_certificate_and_a_key_that_can_be_read(tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    environ = {
        "HOLLYHOCK_HTTP": "0.0.0.0:8443",
        "HOLLYHOCK_TLS_CERT": str(certificate),
        "HOLLYHOCK_TLS_KEY": str(key),
    }
    with pytest.raises(BadSetting, match="not a readable file"):
        load_settings(environ)
    certificate.touch()
    key.touch()
    assert load_settings(environ).http.url == "https://0.0.0.0:8443"


def test_secrets_are_made_once_and_nobody_else_may_read_them(tmp_path: Path) -> None:
    settings = load_settings({"HOLLYHOCK_HOME": str(tmp_path)})
    first = load_secrets(settings)
    assert load_secrets(settings) == first
    assert len(first.demo_password) >= 12
    assert first.demo_password not in repr(first)
    for path in (tmp_path / "secrets.toml", settings.demo_password_file):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_chosen_demo_password_replaces_the_kept_one_and_stays(tmp_path: Path) -> None:
    home = {"HOLLYHOCK_HOME": str(tmp_path)}
    load_secrets(load_settings(home))
    chosen = load_secrets(load_settings(home | {"HOLLYHOCK_DEMO_PASSWORD": "correct horse"}))
    assert chosen.demo_password == "correct horse"
    assert load_secrets(load_settings(home)).demo_password == "correct horse"


def test_damaged_secrets_are_reported_and_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "secrets.toml").write_text("signing_key = 3\n")
    with pytest.raises(BadSetting, match="damaged"):
        load_secrets(load_settings({"HOLLYHOCK_HOME": str(tmp_path)}))
    assert (tmp_path / "secrets.toml").read_text() == "signing_key = 3\n"


def test_a_data_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadSetting, match="cannot be written"):
        prepare_home(tmp_path / "file")
