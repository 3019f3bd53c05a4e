"""The composition root: builds every part of the server, connects them, runs them, stops them in order.

No rules here. Recovery: snapshot, fold of the later records, then the switch is compared at its connect (DESIGN 5.3).
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import signal
import ssl
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from aiohttp import web

from acd.core import queue_now
from agent_desktop.server import Desktops
from crm.server import CustomerDesk
from ctiserver import callbacks, journal as journals, logs, replay, site, turn
from ctiserver.api.app import API, make_app
from ctiserver.api.parts import ApiParts, DemoParts, HeldDevice
from ctiserver.api.rights import Rights
from ctiserver.asterisk.address import AriAddress
from ctiserver.asterisk.ari_errors import AriError
from ctiserver.asterisk.devices import password_of
from ctiserver.asterisk.recorder import Recorder
from ctiserver.asterisk.switch import Switch
from ctiserver.auditor import Auditor
from ctiserver.dispatch import Dispatcher
from ctiserver.effects import Effects
from ctiserver.fault_log import FaultLog
from ctiserver.load import Load
from ctiserver.lost_pages import LostPages
from ctiserver.model import commands as cmd, effects as fx, events as ev, facts
from ctiserver.model.errors import SwitchError
from ctiserver.model.turns import Record
from ctiserver.model.work import DeviceKind
from ctiserver.model.world import World
from ctiserver.ports_http import DatabaseUnavailable
from ctiserver.release import version
from ctiserver.settings import BadSetting, Secrets, Settings, load_secrets
from ctiserver.silence import Silence
from ctiserver.site_desk import SiteDesk
from ctiserver.store import demo
from ctiserver.store.calls import SqlCalls
from ctiserver.store.customers import SqlCustomers
from ctiserver.store.database import Database
from ctiserver.store.days import SqlDays
from ctiserver.store.lead_log import SqlLeadLog, SqlMonitorLog
from ctiserver.store.lost import SqlLostCallers
from ctiserver.store.passwords import Passwords
from ctiserver.store.projection import Projector
from ctiserver.store.users import SqlLogins, SqlUsers
from ctiserver.talks_desk import TalksDesk
from ctiserver.why_desk import WhyDesk
from ivr.runtime import Ivr
from ivr.speech.prompts import PromptStore
from monitor.server import Boards

if TYPE_CHECKING:
    from ctiserver.metrics import Page

log = structlog.get_logger(__name__)

FAILED = 5
"""Exit code: a turn failed inside; a fresh process recovers from the journal."""
REPLACED = 4
"""Exit code: another server owns this Asterisk now; starting again would only fight it."""
BOOKS_WAIT = 0.5
"""Seconds that a call list may wait for the books to hold what has just happened (our choice)."""
DATABASE_RETRY = 1.0
LINK_FIRST = 3.0


class Server:
    """All parts of one server."""

    def __init__(self, settings: Settings, secrets: Secrets, ari: AriAddress) -> None:
        self.settings = settings
        self._secrets = secrets
        self.exit_code = 0
        self.stopping = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self.journal = journals.Journal(settings.home / "journal")
        self.world, self.cores = recover(self.journal)
        # Nobody can log in to a new data folder before its database is made; later starts do not wait for it.
        self._people = self.journal.last_seq > 0
        self.database = Database(settings.database_url)
        self.customers = SqlCustomers(self.database)
        self.crm = CustomerDesk(self.customers, time.monotonic)
        self.passwords = Passwords()
        self.projector = Projector(
            self.database,
            self.journal.epoch,
            self.journal.last_seq,
            lambda seq: journals.read(self.journal.folder, after=seq - 1),
        )
        self.dispatcher = Dispatcher(
            self.world,
            self.cores,
            self.journal,
            self._on_turn,
            mask=masked,
            bridge=self._bridge_journal,
            on_journal=lambda _works: self._busy(),
            on_fatal=self._failed,
        )
        self.effects = Effects(self, self.dispatcher.feed)
        self.switch = Switch(
            ari,
            self.dispatcher.feed,
            password=self.device_password,
            provisioned=lambda: [
                agent.device.endpoint
                for agent in self.world.agents.values()
                if agent.device is not None and agent.device.kind is DeviceKind.BROWSER
            ],
            phones=lambda: self.world.site.phones,
            on_replaced=self._replaced,
        )
        self.faults = FaultLog(settings.home / "faults", self.journal.folder)
        self.auditor = Auditor(
            self.world,
            lambda: self.cores[2].index,
            self.switch,
            now=self.dispatcher.now,
            feed=self.dispatcher.feed,
            idle=self.effects.idle,
            told=self.faults.tell,
            silence=Silence(self.world, self.switch, time.monotonic),
        )
        self.lost_pages = LostPages(self.world, self.switch, self.dispatcher.feed, self.dispatcher.now, self._start)
        self.load = Load(self.switch.ping, self.dispatcher.timer_late, lambda _busy: self._busy())
        self._page: Page | None = None
        self.recordings = settings.home / "recordings"
        self.recorder = Recorder(
            self.switch.calls,
            self.recordings,
            spool=settings.spool / "recording" if settings.telephony.asterisk is None else None,
            live=lambda conversation: conversation in self.world.conversations,
            stored=lambda conversation, seconds: log.info(
                "recording_stored", conversation=conversation, seconds=round(seconds, 2)
            ),
        )
        self.desktops = Desktops(self.world, submit=self.dispatcher.submit, feed=self.dispatcher.feed)
        self.boards = Boards(self.world)
        self.prompts = PromptStore(site.PROMPTS)
        self.sites = SiteDesk(
            settings.home / "site",
            self.prompts,
            settings.sounds / "prompts",
            self.world,
            self.dispatcher.feed,
            time.time,
        )
        self.whys = WhyDesk(
            self.world,
            lambda: self.cores[2].index,
            self.journal.folder,
            self.journal.epoch,
            self.dispatcher.now,
        )
        self.app = make_app(self._parts(ari))
        self.api = self.app[API]

    def _parts(self, ari: AriAddress) -> ApiParts:
        return ApiParts(
            users=SqlUsers(self.database),
            logins=SqlLogins(self.database),
            passwords=self.passwords,
            calls=SqlCalls(self.database),
            days=SqlDays(self.database),
            lost=SqlLostCallers(self.database),
            open_callbacks=lambda: callbacks.open_callbacks(self.world),
            queue_names=lambda: {queue.id: queue.name for queue in self.world.site.queues},
            customers=self.customers,
            submit=self.submit,
            device=self.device,
            device_password=self.device_password,
            sip_backend=lambda: sip_websocket(ari),
            sip_domain="hollyhock.invalid",
            recordings=self.recordings,
            static=Path(__file__).parent.parent / "agent_desktop" / "static",
            now=time.time,
            ready={
                "journal": lambda: not self.dispatcher.journal_broken,
                "switch": lambda: self.switch.link.ready,
                "people": lambda: self._people,
            },
            watched={"database": lambda: self.projector.healthy, "audit": lambda: not self.auditor.open},
            caught_up=lambda: self.projector.reached(self.world.seq, BOOKS_WAIT),
            registered=lambda lease, _agent: self._contact(lease, present=True),
            socket_gone=lambda lease, _agent: self._contact(lease, present=False),
            metrics=self._metrics,
            demo=DemoParts(
                provision_caller=self._provision_caller,
                remove_caller=self._remove_caller,
                site=lambda: self.world.site,
                captions={prompt: self.prompts.texts(prompt) for prompt in self.prompts.ids()},
            ),
            sites=self.sites,
            queues=lambda: queue_now.look(self.world, self.cores[2].index, time.time()),
            whys=self.whys,
            rights=Rights(lambda: self.world),
            agent_names=lambda: tuple(self.world.agent_configs),
            audit=SqlLeadLog(self.database),
            talks=TalksDesk(self.world),
            monitor_log=SqlMonitorLog(self.database),
            extra_routes=(*self.desktops.routes(), *self.boards.routes(), *self.crm.routes()),
            secure_cookies=self.settings.http.certificate is not None,
            version=version(),
        )

    # ---- ports

    async def perform(self, effect: fx.Effect) -> None:
        """Effects go to the switch; a customer is looked up in the CRM, and nothing waits for that."""
        if not isinstance(effect, fx.FindCustomer):
            await self.switch.perform(effect)
            return
        customer = await self.crm.find(effect.number)
        self.dispatcher.feed(facts.CustomerFound(conversation=effect.conversation, customer=customer))

    async def submit(self, command: cmd.Command) -> None:
        self.dispatcher.submit(command)
        if isinstance(command, cmd.TakeDevice):
            await self.effects.settled(command.lease)  # the page registers at once: its endpoint must be there

    def device(self, lease: str) -> HeldDevice | None:
        for agent in self.world.agents.values():
            if agent.device is not None and agent.device.lease == lease:
                return HeldDevice(agent=agent.id, endpoint=agent.device.endpoint)
        return None

    def _contact(self, endpoint: str, *, present: bool) -> None:
        """A browser's SIP contact lives and dies with its socket, which goes through our own port."""
        self.dispatcher.feed(facts.DeviceContact(endpoint=endpoint, present=present, at=time.time()))

    def device_password(self, endpoint: str) -> str:
        return password_of(self._secrets.signing_key, endpoint)

    async def _provision_caller(self, endpoint: str, number: str, name: str) -> None:
        await self.switch.ask(self.switch.devices.provision_caller(endpoint, number, name))

    async def _remove_caller(self, endpoint: str) -> None:
        await self.switch.ask(self.switch.devices.remove(endpoint))

    # ---- turns

    def _on_turn(self, record: Record) -> None:
        """After the journal: effects first, then everybody who watches."""
        self.effects.release(record.effects)
        self.desktops.on_turn(record)
        self.boards.on_turn(record)
        self.api.record(record)
        self.projector.offer(record)
        for event in record.events:
            self.lost_pages.hear(event)
            if isinstance(event, ev.RecordingEnded | ev.CallCleared):
                conversation = self.world.conversations.get(event.conversation)
                gone = conversation is None or (conversation.recorded and conversation.cleared)
                if gone and not (conversation and conversation.recordings):
                    self.recorder.finished(event.conversation)
            elif isinstance(event, ev.ConnectionCleared):
                self.auditor.leg_ended(event.leg, event.cause)
            elif isinstance(event, ev.SwitchLinkChanged) and event.up:
                self._start(self.recorder.sweep(), "recordings sweep")
                self._busy()

    def _bridge_journal(self) -> None:
        """Records are missing in the file: a snapshot stands for them. Raises OSError."""
        self.journal.write_snapshot(self.world.seq, self.journal.encode_snapshot(self.world.state()))

    def _failed(self) -> None:
        self.exit_code = FAILED
        self.stopping.set()

    def _busy(self) -> None:
        """New calls get the dialplan's apology while decisions cannot be journalled, or come too late."""
        self._start(self._tell_busy(), "busy flag")

    async def _tell_busy(self) -> None:
        flag = "1" if self.dispatcher.journal_broken or self.load.busy else "0"
        with contextlib.suppress(SwitchError):
            await self.switch.ask(self.switch.calls.set_global_variable("HOLLYHOCK_BUSY", flag))

    async def _metrics(self) -> bytes:
        """The first page imports Prometheus' library, which takes a tenth of a second: in a thread."""
        if self._page is None:
            make: type[Page] = (await asyncio.to_thread(importlib.import_module, "ctiserver.metrics")).Page
            self._page = make(self)
        return self._page.render()

    def _replaced(self) -> None:
        log.error("replaced", advice="another server owns this Asterisk; this one stops")
        self.exit_code = REPLACED
        self.stopping.set()

    # ---- life

    def _keep(self, work: Callable[[], Coroutine[object, object, None]], name: str) -> None:
        """Work that has to go on for ever: a fault is logged, and a second later it begins anew."""

        async def forever() -> None:
            while True:
                try:
                    await work()
                except Exception:  # whatever it was, a server without its journal's upkeep or its books is worse
                    log.exception("background_work_failed", work=name)
                await asyncio.sleep(1.0)

        self._start(forever(), name)

    def _start(self, work: Coroutine[object, object, None], name: str) -> None:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def run(self) -> int:
        """Until SIGTERM, SIGINT or another owner; returns the exit code."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self.stopping.set)
        loop.add_signal_handler(signal.SIGHUP, lambda: self._start(self.sites.reload_asked(), "site reload"))
        runner = await self._listen()
        try:
            self.dispatcher.feed(facts.ServerStarted(version=version()))
            self.sites.start()
            self.boards.start()
            self.recorder.start()
            await self.switch.start()
            self._keep(self._database_up, "database")
            self._keep(self._keep_journal, "journal")
            self._keep(self.auditor.run, "auditor")
            self._keep(self.load.run, "load")
            gc.freeze()  # what is there now stays: a full collection must not walk it in the middle of a call
            await self.stopping.wait()
        finally:
            await self._stop(runner)
        return self.exit_code

    async def _listen(self) -> web.AppRunner:
        http = self.settings.http
        context = None
        if http.certificate is not None:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(http.certificate, http.key)
        runner = web.AppRunner(self.app, access_log=None, shutdown_timeout=2.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, http.host, http.port, ssl_context=context).start()
        except OSError as error:
            await runner.cleanup()
            raise BadSetting(f"HOLLYHOCK_HTTP={http.host}:{http.port} cannot be used: {error.strerror}") from None
        return runner

    async def _database_up(self) -> None:
        """Calls do not wait for SQL: migrate and seed as soon as the database is there, then project.

        After a restart the link to Asterisk goes first: callers wait for it, the books do not.
        """
        if self._people:
            with contextlib.suppress(AriError):
                await self.switch.link.wait_ready(LINK_FIRST)
        while True:
            try:
                await self.database.migrate()
                if await demo.is_empty(self.database):
                    password = await asyncio.to_thread(self.passwords.hash_now, self._secrets.demo_password)
                    await demo.seed(self.database, password, time.time())
                elif self.settings.demo_password is not None:
                    await demo.renew_password(SqlUsers(self.database), self.passwords, self.settings.demo_password)
                self._people = True
                break
            except DatabaseUnavailable as error:
                log.warning("database_away", reason=str(error))
                await asyncio.sleep(DATABASE_RETRY)
        await self.projector.run()

    async def _keep_journal(self) -> None:
        """fdatasync every second and a snapshot now and then, both off the loop."""
        last = time.monotonic()
        while True:
            await asyncio.sleep(1.0)
            if self.dispatcher.journal_broken:
                self.dispatcher.feed(facts.Tick())  # at night nothing else would try it again
            try:
                await asyncio.to_thread(self.journal.sync)
                if self.journal.snapshot_due(time.monotonic() - last):
                    last = time.monotonic()
                    seq, data = self.world.seq, self.journal.encode_snapshot(self.world.state())
                    await asyncio.to_thread(self.journal.write_snapshot, seq, data)
            except OSError as error:
                log.error("journal_upkeep_failed", error=str(error))

    async def _stop(self, runner: web.AppRunner) -> None:
        await self.desktops.close()
        await self.boards.close()
        await runner.cleanup()
        self.dispatcher.close()
        await self.effects.close()
        await self.recorder.close()
        await self.faults.close()
        await self.switch.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if not self.dispatcher.failed:  # a half-changed world must not be kept
            with contextlib.suppress(OSError):
                self.journal.write_snapshot(self.world.seq, self.journal.encode_snapshot(self.world.state()))
        self.journal.close()
        self.passwords.close()
        await self.database.close()


def recover(journal: journals.Journal) -> tuple[World, replay.Cores]:
    """The world as the journal tells it: the newest snapshot and the fold of the records after it."""
    world, cores = replay.house(journal.load())
    count = 0
    for record in journals.read(journal.folder, after=world.seq):
        turn.fold(world, cores, record)
        count += 1
    if world.seq:
        log.info("recovered", seq=world.seq, folded=count, conversations=len(world.conversations))
    return world, cores


def masked(world: World, digit: facts.DigitPressed) -> bool:
    """Whether the caller is typing something secret now (DESIGN 5.7). The key by which an agent at an outside number
    accepts is none."""
    found = world.leg(digit.leg)
    if found is not None and found[1].asked and not found[1].key:
        return False
    conversation = world.conversation_of_leg.get(digit.leg)
    return conversation is not None and Ivr().masks(world, conversation, digit.digit)


def sip_websocket(ari: AriAddress) -> str:
    """Asterisk serves SIP over WebSocket beside ARI, on the same port."""
    return ari.url.replace("http", "ws", 1) + "/ws"


async def serve(settings: Settings, ari: AriAddress) -> None:
    """Run one server until it is told to stop. Raises BadSetting; exits with REPLACED when another one took over."""
    logs.configure()
    code = await Server(settings, load_secrets(settings), ari).run()
    if code:
        raise SystemExit(code)


