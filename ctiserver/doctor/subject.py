"""What is examined: one data folder, its settings, and what runs for it now.

Here: finding that out, once, for all checks. Not here: any judgement.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path

import msgspec

from ctiserver.asterisk.address import AriAddress
from ctiserver.asterisk.runtime import InstanceFile, instance_path, read_instance
from ctiserver.asterisk.runtime_process import Process, ProcessId
from ctiserver.doctor import probe
from ctiserver.settings import BadSetting, Settings, load_settings, names_in

PATIENCE = 3.0
"""Seconds for one answer of another program."""


class Ready(msgspec.Struct, frozen=True):
    """What /readyz says."""

    ready: bool
    missing: tuple[str, ...]
    degraded: tuple[str, ...]


class Subject:
    """`faults`: the settings that cannot be used; `usable`: the environment without them; `settings`: its meaning."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = dict(environ)
        self.faults: list[str] = []
        self.usable = dict(environ)
        self.settings = self._settings()
        self.home: Path = self.settings.home
        self.instance: InstanceFile | None = None
        self.closed: str = ""
        try:
            self.instance = read_instance(self.home)
            self.server = self._server()
        except OSError as error:  # another user's files
            self.server = None
            self.closed = f"{error.filename}: {error.strerror}"
        self.asterisk = Process.adopt(self.instance.process) if self.instance is not None else None
        self._lock = threading.Lock()
        self._answers: dict[str, probe.Answer] = {}

    def _settings(self) -> Settings:
        """Every faulty variable is noted and left out, until the rest can be used."""
        while True:
            try:
                return load_settings(self.usable)
            except BadSetting as error:
                self.faults.append(str(error))
                named = [name for name in names_in(str(error)) if self.usable.get(name)]
                if not named:
                    raise
                for name in named:
                    del self.usable[name]

    def _server(self) -> Process | None:
        try:
            identity = msgspec.json.decode((self.home / "server.json").read_bytes(), type=ProcessId)
        except (FileNotFoundError, msgspec.DecodeError):
            return None
        return Process.adopt(identity)

    @property
    def ari(self) -> AriAddress | None:
        """The ARI to ask: the configured one, or that of the running Asterisk of this folder."""
        if self.settings.telephony.asterisk is not None:
            return self.settings.telephony.asterisk
        return self.instance.ari if self.instance is not None and self.asterisk is not None else None

    @property
    def elsewhere(self) -> bool:
        """Asterisk is not ours to start."""
        return self.settings.telephony.asterisk is not None

    def ask(self, path: str) -> probe.Answer:
        """Our own server's page; asked once for all checks."""
        http = self.settings.http
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(http.host, http.host)
        scheme = "https" if http.certificate else "http"
        return self._once(f"{scheme}://{f'[{host}]' if ':' in host else host}:{http.port}{path}")

    def ask_ari(self, path: str) -> probe.Answer:
        """Of the ARI that there is; the caller has looked that there is one."""
        assert self.ari is not None
        return self._once(f"{self.ari.url}/ari/{path}", self.ari.user, self.ari.password)

    def _once(self, url: str, user: str = "", password: str = "") -> probe.Answer:
        with self._lock:
            if url in self._answers:
                return self._answers[url]
        answer = probe.get(url, user=user, password=password, patience=PATIENCE)
        with self._lock:
            return self._answers.setdefault(url, answer)

    def ready(self) -> Ready | None:
        """None when no server of ours answers there."""
        try:
            return msgspec.json.decode(self.ask("/readyz").body, type=Ready)
        except msgspec.DecodeError:
            return None

    def is_ours(self, pid: int) -> bool:
        """Whether a process works for this data folder."""
        if any(process is not None and process.pid == pid for process in (self.server, self.asterisk)):
            return True
        known = probe.environment(pid) or {}
        return known.get("HOLLYHOCK_HOME") == str(self.home)

    @property
    def used(self) -> bool:
        """Whether a server has ever run here."""
        return os.path.isdir(self.home / "journal")

    @property
    def instance_file(self) -> Path:
        return instance_path(self.home)
