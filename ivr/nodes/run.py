"""One run of a session: from an input to the next wait. What nodes may do, and nothing more.

Lives here: the working copy of the session and the acts a node can ask for. Must not live here: what a node
means (its own file), how a run goes from node to node (ivr.runtime). A Run makes at most one ask: the last
thing before the wait.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ctiserver.model.events import CallbackAsked, Event, PromptAsked, PromptStopAsked, QueueAsked
from ctiserver.model.ids import AgentId, ConversationId, QueueId
from ctiserver.model.ivr import MASK, IvrSession, Value
from ctiserver.model.routing import StepConfig
from ctiserver.model.site import SiteConfig
from ivr.flow.expression import MAX_TEXT, fill
from ivr.flow.speech import Speech, resolve

MAX_TYPED = 64  # keys kept while nobody takes them
PROMPT_GUARD_SECONDS = 180.0  # no prompt is longer; after it a playback that nobody reported counts as failed
SWALLOW_SECONDS = 4.0  # how long after a complete entry its closing key may still come


class Run:
    """The working copy of one session. `session` is replaced, never changed."""

    def __init__(
        self,
        conversation: ConversationId,
        session: IvrSession,
        languages: tuple[str, ...],
        site: SiteConfig,
        now: float,
    ) -> None:
        self.conversation = conversation
        self.session = session
        self.languages = languages
        self.site = site
        self.now = now
        self.stops: list[Event] = []
        self.asks: list[Event] = []
        self.cause = 16  # Q.850 of the hang-up that this run may ask for

    def change(self, **fields: Any) -> None:
        self.session = msgspec.structs.replace(self.session, **fields)

    # --- speaking -----------------------------------------------------------------------------

    def play(self, speech: Speech, *, interruptible: bool) -> bool:
        """Ask for one playback of all of it and wait for its end. False: nothing of it can be played."""
        resolved = resolve(
            speech,
            languages=self.languages,
            own=self.session.language,
            prompts=self.site.prompts,
            variables=self.session.variables,
        )
        if resolved.missing:
            self.note("no prompt " + ", ".join(resolved.missing))
        if not resolved.media:
            return False
        self.change(prompts=resolved.prompts, interruptible=interruptible)
        self._ask(resolved.media)
        return True

    def play_again(self) -> bool:
        """Ask for the session's last prompt under a new request number, from where the site has it now."""
        named = (prompt.partition("/") for prompt in self.session.prompts)
        media = tuple(uri for language, _, name in named if (uri := self.site.prompts.get(name, {}).get(language)))
        if media:
            self._ask(media)
        return bool(media)

    def _ask(self, media: tuple[str, ...]) -> None:
        request = self.session.request + 1
        self.change(waiting="prompt", request=request, deadline=self.now + PROMPT_GUARD_SECONDS)
        self.asks.append(
            PromptAsked(
                conversation=self.conversation,
                request=request,
                media=media,
                prompts=self.session.prompts,
                interruptible=self.session.interruptible,
            )
        )

    def announce(self, speech: Speech) -> None:
        """Say this to a caller who waits for an agent: he goes on waiting, whatever comes of it."""
        before = self.session
        if self.play(speech, interruptible=True):
            self.change(waiting=before.waiting)

    def stop_prompt(self) -> None:
        self.stops.append(PromptStopAsked(conversation=self.conversation, request=self.session.request))

    # --- listening ----------------------------------------------------------------------------

    def wait_for_digits(self, seconds: float) -> None:
        self.change(waiting="digits", deadline=self.now + seconds)

    def typed(self, digit: str, *, masked: bool) -> bool:
        """Keep a key that was pressed. False: it only closed an entry that was complete already."""
        session = self.session
        self.change(swallow="", swallow_until=0.0)
        if session.swallow and digit == session.swallow and self.now <= session.swallow_until:
            return False
        kept = MASK if masked else digit
        if len(session.digits) < MAX_TYPED:
            self.change(digits=session.digits + kept)
        return True

    def forget_masked(self) -> None:
        """Drop what was typed hidden: it was meant for an entry that nobody asks for now."""
        self.change(digits=self.session.digits.replace(MASK, ""))

    def swallow(self, key: str) -> None:
        """The entry is complete without its closing key: should that follow, it means nothing."""
        self.change(swallow=key, swallow_until=self.now + SWALLOW_SECONDS)

    # --- knowing ------------------------------------------------------------------------------

    def set(self, variable: str, value: Value) -> None:
        if isinstance(value, str):
            value = value[:MAX_TEXT]
        self.change(variables={**self.session.variables, variable: value})

    def fill(self, template: str) -> str:
        return fill(template, self.session.variables)

    def fill_all(self, templates: dict[str, str]) -> dict[str, str]:
        """Each template filled; what comes out empty is left out: an empty field tells an agent nothing."""
        filled = {name: self.fill(template) for name, template in templates.items()}
        return {name: text for name, text in filled.items() if text}

    def note(self, text: str) -> None:
        """Say in the trace what went wrong in the node where the session is."""
        trace = self.session.trace
        if trace:
            last = trace[-1]
            noted = f"{last.note}; {text}" if last.note else text
            self.change(trace=(*trace[:-1], msgspec.structs.replace(last, note=noted[:MAX_TEXT])))

    # --- handing over -------------------------------------------------------------------------

    def queue(
        self,
        queue: str,
        *,
        requires: str,
        priority: float,
        agent: str | None,
        data: dict[str, str],
        steps: tuple[StepConfig, ...] = (),
    ) -> None:
        """Ask the ACD for an agent and wait. What was typed before means nothing there."""
        self.change(waiting="queue", deadline=None, digits="", swallow="", swallow_until=0.0)
        self.asks.append(
            QueueAsked(
                conversation=self.conversation,
                queue=QueueId(queue),
                requires=requires,
                priority=priority,
                agent=AgentId(agent) if agent is not None else None,
                data=data,
                path=(self.session.flow, *self.session.path, queue),
                steps=steps,
            )
        )

    def call_back(self, queue: str, *, number: str, requires: str, priority: float, data: dict[str, str]) -> None:
        """Ask the ACD for a callback; its answer follows in the same turn."""
        self.change(waiting="callback", deadline=None)
        self.asks.append(
            CallbackAsked(
                conversation=self.conversation,
                queue=QueueId(queue),
                number=number,
                requires=requires,
                priority=priority,
                data=data,
                path=(self.session.flow, *self.session.path, queue),
            )
        )

    def end(self, cause: int = 16) -> None:
        """The flow is over for this caller: hang up once its last prompt has ended."""
        self.cause = cause
        self.change(node="", waiting="", deadline=None, ending=self.session.ending or "hung_up")
