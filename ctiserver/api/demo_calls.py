"""The caller page's calls: at most ten browsers that play a customer's phone. Demo sites only.

A call gets a SIP endpoint of its own, may dial one configured number, and tells its story to its page. It keeps its
place until it ends, or 30 s after its socket closed or it was made without being dialled. Which conversation is
which call is known by caller, number and the order in which the INVITEs went through the SIP proxy.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import AsyncIterator, Callable
from urllib.parse import urlencode

import msgspec
import structlog
from aiohttp import web

from crm.rules.phones import phone_key
from ctiserver.api.errors import Conflict, Unavailable
from ctiserver.api.parts import DemoParts
from ctiserver.api.sip_proxy import Line, SipProxy
from ctiserver.api.stories import Story, story
from ctiserver.model import events
from ctiserver.model.errors import SwitchError
from ctiserver.model.turns import Record

log = structlog.get_logger(__name__)

DEMO_COOKIE = "hh_demo"
_STORIES = 300
_LISTENERS = 4
_GOODBYE_SECONDS = 3.0
"""how long an ended call's endpoint stays, for the last SIP messages"""


class _Call(msgspec.Struct, kw_only=True):
    id: str
    owner: str  # SHA-256 of the page's cookie
    caller: str
    number: str
    dialled: int = 0  # order of its INVITE, 0 = not yet
    conversation: str = ""
    node: str = ""
    ended: bool = False
    stories: list[Story] = []
    listeners: list[asyncio.Queue[Story | None]] = []
    timer: asyncio.TimerHandle | None = None


class DemoCalls:
    """All calls of the caller page. `record` is fed with every journal record, in order; `secret` is a keyed hash."""

    def __init__(self, parts: DemoParts, proxy: SipProxy, secret: Callable[[str], str]) -> None:
        self._parts = parts
        self._secret = secret
        self._proxy = proxy
        self._calls: dict[str, _Call] = {}
        self._of_conversation: dict[str, _Call] = {}
        self._of_contact: dict[str, str] = {}
        self._dialled = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def active(self) -> int:
        return sum(not call.ended for call in self._calls.values())

    async def start(self, token: str, caller: str, name: str, number: str) -> str:
        """A new call's id, its endpoint provisioned. Raises Conflict (full) and Unavailable (no switch)."""
        if self.active >= self._parts.limit:
            raise Conflict("demo_full", "All demo lines are busy. Try again in a minute.")
        call = _Call(id="x" + secrets.token_hex(8), owner=_hash(token), caller=caller, number=number)
        self._calls[call.id] = call
        try:
            await self._parts.provision_caller(call.id, caller, name)
        except SwitchError as error:
            self._calls.pop(call.id, None)
            raise Unavailable("switch_unavailable", "The telephone switch is away. Try again in a moment.") from error
        except BaseException:
            self._calls.pop(call.id, None)
            raise
        self._later(call, self._parts.linger_seconds, self._free)
        return call.id

    def ws_path(self, call: str) -> str:
        """Where the page's softphone connects. The signature lets a restarted server know its own call again."""
        found = self._calls[call]
        signature = self._sign(call, found.number, found.owner)
        return "/sip?" + urlencode({"lease": call, "number": found.number, "signature": signature})

    def adopt(self, call: str, number: str, signature: str, token: str) -> None:
        """After a restart: take back a call that a page still has. Whatever is not signed by us changes nothing."""
        owner = _hash(token)
        if call in self._calls or not hmac.compare_digest(
            signature.encode(), self._sign(call, number, owner).encode()
        ):
            return
        if self.active < self._parts.limit:
            self._calls[call] = _Call(id=call, owner=owner, caller="", number=number)
            self._later(self._calls[call], self._parts.linger_seconds, self._free)

    def _sign(self, call: str, number: str, owner: str) -> str:
        return self._secret(f"demo call {call} {number} {owner}")

    def line(self, call: str, token: str) -> Line | None:
        """What the call's SIP socket may do; None if it is not this page's or has ended."""
        found = self._calls.get(call)
        if found is None or found.ended or not hmac.compare_digest(found.owner, _hash(token)):
            return None

        def invited() -> None:
            if found.dialled == 0:
                self._dialled += 1
                found.dialled = self._dialled

        def opened() -> tuple[int, str] | None:
            _stop_timer(found)
            return None

        return Line(lease=call, endpoint=call, may_call=(found.number,), invited=invited, ended=opened)

    def socket_closed(self, call: str) -> None:
        found = self._calls.get(call)
        if found is not None and not found.ended:
            self._later(found, self._parts.linger_seconds, self._free)

    def record(self, record: Record) -> None:
        """Follow the journal: which conversation is whose, and what there is to tell."""
        for event in record.events:
            if isinstance(event, events.ConversationStarted):
                self._match(event)
            call = self._call_of(event)
            if call is None or (isinstance(event, events.IvrChanged) and _same_node(event, call)):
                continue
            told = story(event, record.at, self._parts.site(), self._parts.captions)
            if told is not None:
                _tell(call, told)
            if isinstance(event, events.CallCleared):
                self._end(call)

    def listen(self, call: str, token: str) -> AsyncIterator[Story] | None:
        """The call's story from its beginning to its end; None if it is not this page's."""
        found = self._calls.get(call)
        if found is None or not hmac.compare_digest(found.owner, _hash(token)) or len(found.listeners) >= _LISTENERS:
            return None
        return _listen(found)

    async def close(self) -> None:
        for call in list(self._calls.values()):
            _stop_timer(call)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _match(self, event: events.ConversationStarted) -> None:
        waiting = [
            call
            for call in self._calls.values()
            if call.dialled and not call.conversation and not call.ended
            if call.number == event.dialled and phone_key(call.caller) == phone_key(event.caller_number)
        ]
        if waiting:
            call = min(waiting, key=lambda each: each.dialled)
            call.conversation = event.conversation
            self._of_conversation[event.conversation] = call

    def _call_of(self, event: events.Event) -> _Call | None:
        """By the conversation, or by the contact in events that name only that."""
        contact: str = getattr(event, "contact", "")
        call = self._of_conversation.get(getattr(event, "conversation", "") or self._of_contact.get(contact, ""))
        if call is not None and isinstance(event, events.ContactQueued):
            self._of_contact[contact] = event.conversation
        if isinstance(event, events.ContactEnded):
            self._of_contact.pop(contact, None)
        return call

    def _end(self, call: _Call) -> None:
        call.ended = True
        self._of_conversation.pop(call.conversation, None)
        for listener in call.listeners:
            listener.put_nowait(None)
        self._later(call, _GOODBYE_SECONDS, self._free)

    def _later(self, call: _Call, seconds: float, then: Callable[[_Call], None]) -> None:
        _stop_timer(call)
        call.timer = asyncio.get_running_loop().call_later(seconds, then, call)

    def _free(self, call: _Call) -> None:
        call.ended = True
        self._calls.pop(call.id, None)
        self._of_conversation.pop(call.conversation, None)
        for listener in call.listeners:
            listener.put_nowait(None)
        self._proxy.end_lease(call.id, 1000, "the call is over")
        task = asyncio.get_running_loop().create_task(self._remove(call.id), name="demo-remove")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _remove(self, endpoint: str) -> None:
        try:
            await self._parts.remove_caller(endpoint)
        except SwitchError as error:
            log.warning("demo_endpoint_left", reason=error.reason)


DEMO = web.AppKey("demo_calls", DemoCalls)


async def _listen(call: _Call) -> AsyncIterator[Story]:
    queue: asyncio.Queue[Story | None] = asyncio.Queue()
    for told in call.stories:
        queue.put_nowait(told)
    if call.ended:
        queue.put_nowait(None)
    call.listeners.append(queue)
    try:
        while (told_next := await queue.get()) is not None:
            yield told_next
    finally:
        call.listeners.remove(queue)


def _tell(call: _Call, told: Story) -> None:
    if len(call.stories) >= _STORIES:
        return  # bounds every listener's queue too
    call.stories.append(told)
    for listener in call.listeners:
        listener.put_nowait(told)


def _same_node(event: events.IvrChanged, call: _Call) -> bool:
    node = event.session.node if event.session is not None else ""
    same = node == call.node
    call.node = node
    return same


def _stop_timer(call: _Call) -> None:
    if call.timer is not None:
        call.timer.cancel()
        call.timer = None


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
