"""The HTTP side with real SQLite behind it and small stand-ins for what other parts do.

`House` starts the real application on a real port. Stand-ins: the desk of leases (ACD's part of TakeDevice), a
registrar that echoes SIP (Asterisk's WebSocket), the clock. Passwords use cheap argon2 settings.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import argon2
import msgspec
from aiohttp import ClientWebSocketResponse, WSMsgType, web
from aiohttp.test_utils import TestClient, TestServer

from acd.core.queue_now import QueueNow
from crm.server import CustomerDesk
from ctiserver import replay, site as sites, turn
from ctiserver.api.app import API, Api, make_app
from ctiserver.api.parts import ApiParts, DemoParts, HeldDevice
from ctiserver.api.rights import Rights
from ctiserver.model import facts
from ctiserver.model.commands import Command, TakeDevice
from ctiserver.model.errors import CommandRejected, Rejection
from ctiserver.model.ids import AgentId
from ctiserver.model.site import Label, NumberConfig, SiteConfig
from ctiserver.model.turns import Record
from ctiserver.ports_http import Route
from ctiserver.ports_why import Whys
from ctiserver.site_desk import SiteDesk
from ctiserver.store import demo
from ctiserver.store.calls import SqlCalls
from ctiserver.store.customers import SqlCustomers
from ctiserver.store.database import Database, sqlite_url
from ctiserver.store.days import SqlDays
from ctiserver.store.lead_log import SqlLeadLog, SqlMonitorLog
from ctiserver.store.lost import SqlLostCallers
from ctiserver.store.passwords import Passwords
from ctiserver.store.users import SqlLogins, SqlUsers
from ctiserver.talks_desk import TalksDesk
from ivr.speech.prompts import PromptStore

PASSWORD = "蜀葵 hollyhock"
START = 1_780_000_000.0
CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
SITE = SiteConfig(
    demo=True, numbers=(NumberConfig(number="95500", flow="main", name=Label(zh="客服热线", en="Service line")),)
)


class Clock:
    """Time that moves when a test says so."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


class CountingPasswords(Passwords):
    """Counts argon2 checks, to show that an unknown user costs as many as a known one."""

    def __init__(self) -> None:
        super().__init__(hasher=CHEAP)
        self.checks = 0

    def _check(self, password_hash: str, password: str) -> bool:
        self.checks += 1
        return super()._check(password_hash, password)


class Desk:
    """What ACD does with leases: one holder an agent, take-over only when asked."""

    def __init__(self) -> None:
        self.held: dict[str, HeldDevice] = {}
        self.commands: list[Command] = []

    async def submit(self, command: Command) -> None:
        self.commands.append(command)
        if not isinstance(command, TakeDevice):
            return
        others = [lease for lease, held in self.held.items() if held.agent == command.agent and lease != command.lease]
        if others and not command.take_over:
            raise CommandRejected(Rejection.PHONE_ELSEWHERE, "another page is the phone")
        for lease in others:
            del self.held[lease]
        self.held[command.lease] = HeldDevice(agent=command.agent, endpoint=f"e-{command.lease}")


class Registrar:
    """Asterisk's side of the SIP WebSocket: remembers what came, answers each frame with `SIP/2.0 200 <n>`."""

    def __init__(self) -> None:
        self.received: list[str] = []
        self.sockets: list[web.WebSocketResponse] = []
        self.server: TestServer | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/ws", self._serve)
        self.server = TestServer(app)
        await self.server.start_server()

    def url(self) -> str:
        return "ws://127.0.0.1:9/ws" if self.server is None else str(self.server.make_url("/ws"))

    async def stop(self) -> None:
        if self.server is not None:
            for socket in list(self.sockets):
                await socket.close()
            await self.server.close()
            self.server = None

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=("sip",))
        await socket.prepare(request)
        assert socket.ws_protocol == "sip"
        self.sockets.append(socket)
        async for message in socket:
            self.received.append(message.data)
            await socket.send_str(f"SIP/2.0 200 {len(self.received)}\r\n\r\n")
        self.sockets.remove(socket)
        return socket


class Callers:
    """The switch's part of the caller page: which endpoints exist."""

    def __init__(self) -> None:
        self.endpoints: dict[str, tuple[str, str]] = {}

    async def provision(self, endpoint: str, number: str, name: str) -> None:
        self.endpoints[endpoint] = (number, name)

    async def remove(self, endpoint: str) -> None:
        del self.endpoints[endpoint]


class House:
    """One server on one data folder; `reopen` starts a second one on the same data, as a restart does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()
        self.desk = Desk()
        self.registrar = Registrar()
        self.callers = Callers()
        self.database = Database(sqlite_url(folder / "hollyhock.db"), wait_seconds=0.2)
        self.passwords = CountingPasswords()
        self.gone: list[tuple[str, str]] = []
        self.logged_out: list[str] = []
        self.health = {"dispatcher": True, "journal": True, "switch": True}
        self.linger = 0.2
        self.records: list[Record] = []
        self.sites = self.reopen_sites()
        self.whys: Whys | None = None
        self.routes: tuple[Route, ...] = ()
        self.queues: tuple[QueueNow, ...] = ()
        self._clients: list[TestClient[Any, Any]] = []
        self.client: TestClient[Any, Any]
        self.api: Api

    async def open(self, *, demo_site: bool = True) -> House:
        await self.database.migrate()
        await demo.seed(self.database, CHEAP.hash(PASSWORD), self.clock.now)
        (self.folder / "recordings").mkdir(exist_ok=True)
        static = self.folder / "static"
        (static / "assets").mkdir(parents=True, exist_ok=True)
        (static / "index.html").write_text("<title>Hollyhock</title>")
        (static / "assets" / "app-1a2b3c.js").write_text("//")
        await self.registrar.start()
        await self.reopen(demo_site=demo_site)
        return self

    async def reopen(self, *, demo_site: bool = True) -> None:
        server = TestServer(make_app(self.parts(demo_site=demo_site)))
        client: TestClient[Any, Any] = TestClient(server)
        await client.start_server()
        if self._clients:
            for cookie in self.client.session.cookie_jar:
                client.session.cookie_jar.update_cookies({cookie.key: cookie.value}, client.make_url("/"))
        self._clients.append(client)
        self.client = client
        assert server.app is not None
        self.api = server.app[API]

    async def close(self) -> None:
        for client in self._clients:
            await client.close()
        await self.registrar.stop()
        await self.database.close()
        self.passwords.close()

    def reopen_sites(self) -> SiteDesk:
        """The real desk over a copy of the demo site, and the real cores, as after a start of the server: the world is
        what the records say, then the file is read."""
        self.world, self.cores = replay.house(None)
        for record in self.records:
            turn.fold(self.world, self.cores, record)
        desk = SiteDesk(
            self.folder / "site",
            PromptStore(sites.PROMPTS),
            self.folder / "sounds",
            self.world,
            self._feed,
            self.clock,
        )
        desk.start()
        return desk

    def _feed(self, loaded: facts.SiteLoaded) -> None:
        done = turn.run(self.world, self.cores, loaded, epoch="t", at=self.clock(), seed=self.world.seq + 1)
        self.records.append(done.record)

    async def _metrics(self) -> bytes:
        return b"hollyhock_audit_open_faults 0.0\n"

    def parts(self, *, demo_site: bool) -> ApiParts:
        return ApiParts(
            users=SqlUsers(self.database),
            logins=SqlLogins(self.database),
            passwords=self.passwords,
            calls=SqlCalls(self.database),
            days=SqlDays(self.database),
            lost=SqlLostCallers(self.database),
            customers=SqlCustomers(self.database),
            submit=self.desk.submit,
            device=self.desk.held.get,
            device_password=lambda lease: f"secret of {lease}",
            sip_backend=self.registrar.url,
            sip_domain="127.0.0.1",
            recordings=self.folder / "recordings",
            static=self.folder / "static",
            now=self.clock,
            ready={name: (lambda name=name: self.health[name]) for name in self.health},  # type: ignore[misc]
            socket_gone=lambda lease, agent: self.gone.append((lease, agent)),
            logged_out=self._logged_out,
            metrics=self._metrics,
            demo=DemoParts(
                provision_caller=self.callers.provision,
                remove_caller=self.callers.remove,
                site=lambda: SITE,
                captions={"welcome": {"zh": "您好", "en": "Welcome"}},
                linger_seconds=self.linger,
            )
            if demo_site
            else None,
            sites=self.sites,
            queues=lambda: self.queues,
            whys=self.whys,
            rights=Rights(lambda: self.world),
            agent_names=lambda: tuple(self.world.agent_configs),
            audit=SqlLeadLog(self.database),
            talks=TalksDesk(self.world),
            monitor_log=SqlMonitorLog(self.database),
            extra_routes=(*CustomerDesk(SqlCustomers(self.database), self.clock).routes(), *self.routes),
        )

    async def _logged_out(self, agent: AgentId) -> None:
        self.logged_out.append(agent)

    @property
    def origin(self) -> str:
        return str(self.client.make_url("/")).rstrip("/")

    async def log_in(self, user: str = "1001") -> dict[str, str]:
        """Log in with the client's cookie jar; the answer is the headers that unsafe requests need."""
        response = await self.client.post("/api/v1/login", json={"user": user, "password": PASSWORD})
        assert response.status == 200, await response.text()
        return {"X-CSRF-Token": (await response.json())["csrf"], "Origin": self.origin}

    async def take_device(self, csrf: dict[str, str], **more: Any) -> dict[str, Any]:
        body = {"instance": "page-1", "take_over": False} | more
        response = await self.client.post("/api/v1/device", json=body, headers=csrf)
        assert response.status == 200, await response.text()
        answer: dict[str, Any] = await response.json()
        return answer

    async def sip(self, path: str) -> ClientWebSocketResponse:
        return await self.client.ws_connect(path, protocols=("sip",), headers={"Origin": self.origin})


def request_text(method: str, uri: str, sender: str, to: str, *, size: int = 0) -> str:
    """A SIP request of the softphone, padded to `size` characters."""
    head = f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/WSS x.invalid\r\n"
    head += f"From: <{sender}>;tag=1\r\nTo: {to}\r\nCSeq: 1 {method}\r\n\r\n"
    return head + "a" * max(0, size - len(head))


def register_text(endpoint: str, *, size: int = 0) -> str:
    address = f"sip:{endpoint}@127.0.0.1"
    return request_text("REGISTER", "sip:127.0.0.1", address, f"<{address}>", size=size)


async def closing(socket: ClientWebSocketResponse) -> int | None:
    """Read to the end of a socket; the answer is its close code."""
    async with asyncio.timeout(5):
        while (await socket.receive()).type not in (WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.CLOSING):
            pass
    return socket.close_code


def decoded(raw: bytes) -> dict[str, Any]:
    value: dict[str, Any] = msgspec.json.decode(raw)
    return value
