"""Callers and desk phones that vanished without a word: no sound comes from them, and they answer no SIP request.

Lives here: whose RTP is counted and who is probed, when. A silent party is not gone (a muted phone, a codec without
comfort noise), so he is only asked: a session refresh in his dialog. A living phone answers it and nothing changes; for
one that vanished Asterisk gives up after 32 s and ends the leg with cause 18, which is then told as a fault (ADR 12).
A browser's leg is not asked: its endpoint has an rtp_timeout, so Asterisk itself ends it. Once, on a loaded machine,
it did not, and the caller heard nothing for good: such a leg is a fault, and is ended as lost, which gives the caller
music and the page a new leg. Numbers are our own choice, but for ADR 12's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import msgspec
import structlog

from ctiserver.model.causes import NO_USER_RESPONSE
from ctiserver.model.errors import SwitchError
from ctiserver.model.faults import Fault, FaultKind
from ctiserver.model.ids import ConversationId, LegId, desk_phone, outside_number
from ctiserver.model.talk import Conversation, Leg, LegState, Role
from ctiserver.model.world import World
from ctiserver.ports import SwitchReader

log = structlog.get_logger(__name__)

SILENT = 10.0
"""Seconds without a packet after which a party is asked whether it is there."""
PAGE_SILENT = 20.0
"""Seconds without a packet from a browser after which its rtp_timeout (8 s) has failed."""
PROBE_AGAIN = 300.0
"""Seconds after which one that has answered, or may have, is asked again."""
AT_ONCE = 100
"""Parties whose packets are counted in one beat, those first who were not for longest: 0.05 ms of our CPU each
(measured)."""


class Heard(msgspec.Struct):
    """The packets that have come from one leg: how many, since when not more, when it was asked."""

    conversation: ConversationId
    packets: int = -1
    since: float = 0.0
    looked: float = 0.0
    probed: float = 0.0


class Silence:
    """Looks at each beat of the auditor. `monotonic` is a clock that never jumps."""

    def __init__(self, world: World, reader: SwitchReader, monotonic: Callable[[], float]) -> None:
        self._world = world
        self._reader = reader
        self._monotonic = monotonic
        self._legs: dict[LegId, Heard] = {}
        self.probes = 0

    async def look(self) -> list[Fault]:
        """Count the packets of those who were not looked at for longest; ask who is silent. The faults are pages that
        are silent and still connected. Raises SwitchError."""
        now = self._monotonic()
        present = {leg.id: (conversation, leg) for conversation, leg in self._parties()}
        self._legs = {
            leg: self._legs.get(leg)
            or Heard(conversation=conversation.id)
            for leg, (conversation, _) in present.items()
        }
        faults: list[Fault] = []
        turn = sorted(self._legs, key=lambda leg: self._legs[leg].looked)
        turn = turn[:AT_ONCE]
        counts = await asyncio.gather(*(self._reader.received(leg) for leg in turn))
        for leg, packets in zip(turn, counts, strict=True):
            heard = self._legs.get(leg)
            if heard is None:
                continue  # it has ended meanwhile
            heard.looked = now
            if packets is None or packets != heard.packets:
                heard.packets, heard.since = -1 if packets is None else packets, now
            elif _page(present[leg][1]):
                if now - heard.since >= PAGE_SILENT:
                    faults.append(_silent_page(leg, heard))
            elif now - heard.since >= SILENT and now - heard.probed >= PROBE_AGAIN:
                await self._probe(leg, heard, present[leg][0], now)
        return faults

    async def _probe(self, leg: LegId, heard: Heard, conversation: Conversation, now: float) -> None:
        """Never while he is played to: setting a variable would wait for the end of that (FACTS)."""
        if conversation.playing is not None and leg == conversation.customer_leg:
            return
        heard.probed = now
        self.probes += 1
        log.info("silent_party_asked", leg=leg, conversation=conversation.id)
        try:
            await self._reader.refresh(leg)
        except SwitchError as error:
            log.info("silent_party_not_asked", leg=leg, reason=error.reason)

    def ended(self, leg: LegId, cause: int) -> Fault | None:
        """A leg has ended: the fault, if it had been asked and never answered."""
        heard = self._legs.pop(leg, None)
        if heard is None or not heard.probed or cause != NO_USER_RESPONSE:
            return None
        detail = f"{leg} vanished without a word and answered no session refresh"
        return Fault(kind=FaultKind.CALLER_SILENT, target=leg, conversation=heard.conversation, detail=detail)

    def _parties(self) -> Iterator[tuple[Conversation, Leg]]:
        for conversation in self._world.conversations.values():
            for leg in conversation.legs.values():
                if leg.state is not LegState.CONNECTED or leg.away or leg.ending or leg.on_hold:
                    continue
                yield conversation, leg


def _page(leg: Leg) -> bool:
    return leg.role is not Role.CUSTOMER and desk_phone(leg.endpoint) is None and outside_number(leg.endpoint) is None


def _silent_page(leg: LegId, heard: Heard) -> Fault:
    detail = f"no sound comes from the page of {leg}, and Asterisk does not end it"
    return Fault(kind=FaultKind.PAGE_SILENT, target=leg, conversation=heard.conversation, detail=detail)
