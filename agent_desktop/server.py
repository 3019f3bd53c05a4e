"""The live link of desktops: a snapshot at sequence N, then deltas; commands in, answers out (DESIGN 5.8).

Lives here: what each desktop holds, who is touched by a turn. Not here: what a document says (`view`), what a command
does (the cores), the socket itself (`ctiserver.live_link`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

import msgspec
from aiohttp import web

from agent_desktop import view
from agent_desktop.directory import Directory, directory
from agent_desktop.docs import PhoneChoice, WorkDoc
from ctiserver import live_link
from ctiserver.live_link import Link
from ctiserver.model import commands as cmd, events as ev
from ctiserver.model.errors import CommandRejected, Rejection
from ctiserver.model.facts import LinkChanged
from ctiserver.model.ids import AgentId, ConversationId
from ctiserver.model.principal import Permission, Principal
from ctiserver.model.site import SiteConfig
from ctiserver.model.turns import Record
from ctiserver.model.world import World
from ctiserver.ports_http import PRINCIPAL, Route

BEAT = 1.0
"""Seconds between freshness beats; a changed queue figure comes in place of the beat (our choice: calm numbers)."""
GROUPS = 10
"""Desks take their beats in as many groups, one after another, so that hundreds of them never stop a turn."""
SETTLE = 0.05
"""Seconds that changes of a shown conversation are gathered (a leg that moves is several turns); what concerns the
agent himself goes out at once."""
MAX_FRAME = 16 * 1024
FRAMES_A_SECOND = 50.0
"""What one socket may say; a snapshot asked for costs the dispatcher 50 us, and calls wait for it."""

_COMMANDS: dict[str, type[cmd.Command]] = {
    kind.__name__: kind
    for kind in (
        cmd.SignIn,
        cmd.SignOut,
        cmd.SetReady,
        cmd.SetNotReady,
        cmd.PhoneReady,
        cmd.UsePhone,
        cmd.UseNumber,
        cmd.ReleaseDevice,
        cmd.ConfirmOffer,
        cmd.HoldCall,
        cmd.RetrieveCall,
        cmd.HangUpCall,
        cmd.MakeCall,
        cmd.PickUpCall,
        cmd.TransferCall,
        cmd.ConsultCall,
        cmd.SwapCall,
        cmd.CancelConsult,
        cmd.CompleteConsult,
        cmd.ConferenceCall,
        cmd.LeaveConference,
        cmd.DropParty,
        cmd.WriteNote,
        cmd.FinishWrapUp,
        cmd.ExtendWrapUp,
        cmd.ReadNotice,
    )
}
_json = msgspec.json.Encoder()


class PhonesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    phones: tuple[PhoneChoice, ...]


class _Desk(Link):
    """One open desktop: what it holds, as encoded documents by key, and the state of which sequence that is."""

    def __init__(self, request: web.Request) -> None:
        super().__init__(request, max_frame=MAX_FRAME, frames=FRAMES_A_SECOND)
        self.agent = AgentId(self.principal.agent or "")
        self.group = 0
        self.held: dict[str, bytes] = {}
        self.shows: set[ConversationId] = set()
        self.seq = -1
        self.spoken = True
        """Something was said since the last beat."""


class Desktops:
    """All live sockets. Call `on_turn` after every turn; `submit` and `feed` are the dispatcher's."""

    def __init__(
        self,
        world: World,
        *,
        submit: Callable[[cmd.Command], None],
        feed: Callable[[LinkChanged], None],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._world = world
        self._submit = submit
        self._feed = feed
        self._now = now
        self._desks: dict[AgentId, list[_Desk]] = {}
        self._showing: dict[ConversationId, list[_Desk]] = {}
        """Who shows a conversation: a turn looks at those it touches, not at everybody."""
        self._groups: tuple[dict[_Desk, None], ...] = tuple({} for _ in range(GROUPS))
        self._figures: dict[str, bytes] = {}
        """The queues' documents as last encoded: one encoding, whoever shows it."""
        self._site: tuple[SiteConfig, bytes] | None = None
        self._dirty_queues: set[str] = set()
        self._unsettled: dict[_Desk, None] = {}
        self._settling: asyncio.TimerHandle | None = None
        self._beat: asyncio.TimerHandle | None = None
        self._turn = 0
        self.sent = 0

    # ---- turns

    @property
    def connected(self) -> int:
        """Live links of pages."""
        return sum(map(len, self._desks.values()))

    def on_turn(self, record: Record) -> None:
        """Send what this turn changed to those who hold it."""
        if not self._desks:
            return
        agents: dict[AgentId, None] = {}
        conversations: dict[ConversationId, None] = {}
        for event in record.events:
            if isinstance(event, ev.SiteChanged):
                agents.update(dict.fromkeys(self._desks))
            named = view.agents_in(event)
            for agent in named:
                if agent in self._desks:
                    agents[agent] = None
            conversation = getattr(event, "conversation", None)
            if conversation is not None:
                conversations[conversation] = None
            self._queues_of(event, named)
        for agent in agents:
            for desk in self._desks[agent]:
                self._unsettled.pop(desk, None)
                self._update(desk)
        for conversation in conversations:
            for desk in self._showing.get(conversation, ()):
                if desk.agent not in agents:
                    self._unsettled[desk] = None
        if self._unsettled and self._settling is None:
            self._settling = asyncio.get_running_loop().call_later(SETTLE, self._settle)

    def _settle(self) -> None:
        self._settling = None
        unsettled, self._unsettled = self._unsettled, {}
        for desk in unsettled:
            self._update(desk)

    def _queues_of(self, event: ev.Event, named: Iterable[AgentId]) -> None:
        if isinstance(event, ev.ContactQueued | ev.ContactEnded | ev.OfferMade):
            self._dirty_queues.add(event.queue)
        for agent in named:
            self._dirty_queues.update(self._world.serves.get(agent, ()))

    # ---- beats and figures

    def _tick(self) -> None:
        """One group of desks: the queue figures that changed, or the beat if nothing else was said."""
        self._beat = asyncio.get_running_loop().call_later(BEAT / GROUPS, self._tick) if self._desks else None
        self._turn = (self._turn + 1) % GROUPS
        dirty, self._dirty_queues = sorted(self._dirty_queues), set()
        for queue in dirty:
            self._figure(f"queue/{queue}")
        for desk in self._groups[self._turn]:
            changed = {
                key: figure
                for key, held in desk.held.items()
                if (figure := self._figures.get(key)) is not None and figure is not held and figure != held
            }
            if changed:
                self._send_delta(desk, changed, [])
            elif not desk.spoken:
                self._send(desk, live_link.beat(desk.seq, self._now()))
            desk.spoken = False

    def _figure(self, key: str) -> bytes | None:
        doc = view.render(self._world, AgentId(""), key)
        if doc is None:
            self._figures.pop(key, None)
            return None
        figure = self._figures[key] = _json.encode(doc)
        return figure

    def _update(self, desk: _Desk) -> None:
        fresh = self._render(desk, queues=False)
        kept = {key: data for key, data in desk.held.items() if key.startswith("queue/")}
        gone = [key for key in desk.held if key not in fresh and key not in kept]
        self._send_delta(desk, {k: d for k, d in fresh.items() if desk.held.get(k) != d}, gone)

    def _render(self, desk: _Desk, *, queues: bool) -> dict[str, bytes]:
        fresh: dict[str, bytes] = {}
        shows: set[ConversationId] = set()
        for key in view.keys_of(self._world, desk.agent):
            if key.startswith("queue/"):
                figure = self._figure(key) if queues else None
                if figure is not None:
                    fresh[key] = figure
                continue
            if key == "site":
                fresh[key] = self._site_doc()
                continue
            doc = view.render(self._world, desk.agent, key)
            if doc is None:
                continue
            if isinstance(doc, WorkDoc):
                shows.add(ConversationId(doc.conversation))
            fresh[key] = _json.encode(doc)
        self._show(desk, shows)
        return fresh

    def _site_doc(self) -> bytes:
        """Encoded once for everybody, until the site changes."""
        if self._site is None or self._site[0] is not self._world.site:
            self._site = (self._world.site, _json.encode(view.site(self._world)))
        return self._site[1]

    def _show(self, desk: _Desk, shows: set[ConversationId]) -> None:
        for conversation in sorted(desk.shows - shows):
            desks = self._showing[conversation]
            desks.remove(desk)
            if not desks:
                del self._showing[conversation]
        for conversation in sorted(shows - desk.shows):
            self._showing.setdefault(conversation, []).append(desk)
        desk.shows = shows

    def _send_delta(self, desk: _Desk, changed: dict[str, bytes], gone: list[str]) -> None:
        if not changed and not gone:
            return
        desk.held.update(changed)
        for key in gone:
            del desk.held[key]
        told = live_link.delta(self._world.seq, desk.seq, self._now(), changed, gone)
        desk.seq = self._world.seq
        self._send(desk, told)

    def _snapshot(self, desk: _Desk) -> None:
        desk.held = self._render(desk, queues=True)
        desk.seq = self._world.seq
        self._send(desk, live_link.snapshot(desk.seq, self._now(), desk.held))

    def _send(self, desk: _Desk, data: bytes) -> None:
        self.sent += 1
        desk.spoken = True
        desk.send(data)

    # ---- sockets

    def routes(self) -> tuple[Route, ...]:
        return (
            Route(
                method="GET",
                path="/api/v1/live",
                handler=self.handle,
                summary="Live link of a desktop: snapshot, deltas, commands (WebSocket)",
                websocket=True,
                statuses=(401, 403, 429),
            ),
            Route(
                method="GET",
                path="/api/v1/phones",
                handler=self.phones,
                summary="The desk phones that I may use",
                access=Permission.TAKE_CALLS,
                answer=PhonesAnswer,
                statuses=(401, 403),
            ),
            Route(
                method="GET",
                path="/api/v1/directory",
                handler=self.directory,
                summary="Whom a customer can be sent to: agents with presence, queues, flows",
                access=Permission.TAKE_CALLS,
                answer=Directory,
                statuses=(401, 403),
            ),
        )

    async def phones(self, request: web.Request) -> web.StreamResponse:
        """Asked for when the choice is opened; a desktop's own phone is in its documents."""
        agent = AgentId(request[PRINCIPAL].agent or "")
        answer = PhonesAnswer(phones=view.phones(self._world, agent))
        return web.Response(body=_json.encode(answer), content_type="application/json")

    async def directory(self, request: web.Request) -> web.StreamResponse:
        """Asked for when a transfer is opened."""
        answer = directory(self._world, AgentId(request[PRINCIPAL].agent or ""))
        return web.Response(body=_json.encode(answer), content_type="application/json")

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """`WS /api/v1/live`. The caller has checked session and Origin."""
        desk = _Desk(request)
        await desk.open(self._desks.get(desk.agent, ()))
        self._enter(desk)
        await desk.serve(lambda text: self._take(desk, text), lambda: self._leave(desk))
        return desk.socket

    def _enter(self, desk: _Desk) -> None:
        desk.group = min(range(GROUPS), key=lambda n: len(self._groups[n]))
        self._desks.setdefault(desk.agent, []).append(desk)
        self._groups[desk.group][desk] = None
        if self._beat is None:
            self._tick()
        self._snapshot(desk)
        self._count(desk.agent)

    def _leave(self, desk: _Desk) -> None:
        self._show(desk, set())
        self._unsettled.pop(desk, None)
        del self._groups[desk.group][desk]
        self._desks[desk.agent].remove(desk)
        if not self._desks[desk.agent]:
            del self._desks[desk.agent]
        self._count(desk.agent)

    def _count(self, agent: AgentId) -> None:
        if agent:
            self._feed(LinkChanged(agent=agent, links=len(self._desks.get(agent, ()))))

    def _take(self, desk: _Desk, text: str) -> None:
        command_id = ""
        try:
            message = msgspec.json.decode(text, type=dict[str, object])
            if message.get("type") == "resync":
                self._snapshot(desk)
                return
            command_id = str(message.get("id", ""))[:64]
            self._submit(_command(message, command_id, desk.principal))
            self._send(desk, _json.encode({"type": "answer", "id": command_id, "ok": True}))
        except CommandRejected as rejected:
            answer = {
                "type": "answer",
                "id": command_id,
                "ok": False,
                "code": rejected.code.value,
                "detail": rejected.detail,
            }
            self._send(desk, _json.encode(answer))
        except (msgspec.MsgspecError, RecursionError):  # JSON too deep for the decoder is a RecursionError
            refused = {"type": "answer", "id": command_id, "ok": False, "code": "bad_command", "detail": "no JSON"}
            self._send(desk, _json.encode(refused))

    async def close(self) -> None:
        for timer in (self._beat, self._settling):
            if timer is not None:
                timer.cancel()
        await live_link.close_all(desk for desks in self._desks.values() for desk in desks)


def _command(message: dict[str, object], command_id: str, principal: Principal) -> cmd.Command:
    """The typed command; who gives it is taken from the login, never from the message."""
    kind = _COMMANDS.get(str(message.get("name")))
    if message.get("type") != "command" or kind is None or not command_id:
        raise CommandRejected(Rejection.BAD_COMMAND, "unknown command")
    if principal.agent is None:
        raise CommandRejected(Rejection.NOT_ALLOWED)
    fields = {name: value for name, value in message.items() if name in kind.__struct_fields__}
    fields.update(id=command_id, by=principal.user, agent=principal.agent)
    try:
        return msgspec.convert(fields | {"type": kind.__name__}, type=kind)
    except msgspec.ValidationError as error:
        raise CommandRejected(Rejection.BAD_COMMAND, str(error)) from None
