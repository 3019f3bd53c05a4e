"""Pages that are gone in the middle of a talk: noticed at once, not when Asterisk's rtp_timeout (8 s) ends their leg.

Lives here: when a leg's packets are counted twice. A page that is reloaded, closed or killed loses its live link and
its SIP socket at that moment; a cut of one of them alone costs nothing, the sound goes on. So at the loss of either the
packets of the agent's leg are counted, and again 0.3 s later (15 packets): none came, the leg is lost, and the caller
has music within a second. A leg that never sent anything is not judged: its ICE may still be looking for a way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

import structlog

from ctiserver.model import events as ev, facts
from ctiserver.model.errors import SwitchError
from ctiserver.model.ids import AgentId, LegId
from ctiserver.model.talk import LegState
from ctiserver.model.world import World
from ctiserver.ports import SwitchReader

log = structlog.get_logger(__name__)

APART = 0.3
"""Seconds between the two counts."""
AT_ONCE = 200
"""Legs that are counted at the same time at most; of others rtp_timeout tells."""


class LostPages:
    """`start` runs a coroutine beside everything else; `feed` takes the fact."""

    def __init__(
        self,
        world: World,
        reader: SwitchReader,
        feed: Callable[[facts.LegSilent], None],
        now: Callable[[], float],
        start: Callable[[Coroutine[object, object, None], str], None],
    ) -> None:
        self._world = world
        self._reader = reader
        self._feed = feed
        self._now = now
        self._start = start
        self._links: dict[AgentId, int] = {}
        self._looking: set[LegId] = set()

    def hear(self, event: ev.Event) -> None:
        """Call for every event, after it was applied."""
        match event:
            case ev.DesktopLinkChanged():
                before = self._links.get(event.agent, event.links + 1)
                self._links[event.agent] = event.links
                if event.links < before:
                    self._suspect(event.agent)
            case ev.DeviceContactChanged(present=False):
                self._suspect(event.agent)
            case _:
                pass

    def _suspect(self, name: AgentId) -> None:
        agent = self._world.agents.get(name)
        for item in agent.work.values() if agent is not None else ():
            conversation = self._world.conversations.get(item.conversation)
            for leg in conversation.legs.values() if conversation is not None else ():
                page = leg.agent == name and leg.instance != ""  # no desk phone, no outside number
                if page and leg.state is LegState.CONNECTED and not leg.ending:
                    if leg.id not in self._looking and len(self._looking) < AT_ONCE:
                        self._looking.add(leg.id)
                        self._start(self._look(leg.id), "lost page")

    async def _look(self, leg: LegId) -> None:
        try:
            before = await self._reader.received(leg)
            await asyncio.sleep(APART)
            after = await self._reader.received(leg)
        except SwitchError as error:
            log.info("lost_page_not_looked_at", leg=leg, reason=error.reason)
            return
        finally:
            self._looking.discard(leg)
        if before and before == after:
            log.info("page_lost", leg=leg)
            self._feed(facts.LegSilent(leg=leg, at=self._now()))
