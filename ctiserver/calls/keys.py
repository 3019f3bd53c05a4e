"""An agent at an outside number accepts by a key: a voicemail that answers there must not take a customer.

Lives here: the question and the key. Who has answered is not there before he has pressed it: until then his leg counts
as one that rings. Not here: what his answer means (`legs`).
"""

from __future__ import annotations

from collections.abc import Mapping

from ctiserver.calls.moves import Plan
from ctiserver.model import effects as fx, events as ev, ids
from ctiserver.model.facts import SeenChannel
from ctiserver.model.ids import LegId
from ctiserver.model.talk import Conversation, Leg, LegState
from ctiserver.model.world import World

KEY = "1"
PROMPT = "press_key"
SAID = 4
"""How often he is asked, in each language of the site: about as long as an offer rings."""


def awaited(leg: Leg) -> bool:
    """Whether this leg, which is up, is not there before a key was pressed and the question has fallen silent."""
    return ids.outside_number(leg.endpoint) is not None and not (leg.key and leg.prompt is None)


def ask(plan: Plan, world: World, conversation: Conversation, leg: Leg, at: float) -> None:
    """Once; the question is repeated within one playback."""
    if not leg.asked:
        _question(plan, world, conversation, leg, at, made=0)


def again(
    plan: Plan, world: World, conversation: Conversation, channels: Mapping[LegId, SeenChannel], at: float
) -> None:
    """After a lost link nobody knows how much of the question he has heard: he hears it anew. A key that he pressed
    meanwhile is lost, and he presses it again."""
    waiting = [leg for leg in conversation.legs.values() if leg.asked and not leg.key and not leg.ending]
    for made, leg in enumerate(leg for leg in waiting if leg.id in channels and not conversation.cleared):
        if leg.prompt is not None:
            plan.effects.append(fx.StopPlayback(conversation=conversation.id, playback=leg.prompt))
        _question(plan, world, conversation, leg, at, made=made)


def _question(plan: Plan, world: World, conversation: Conversation, leg: Leg, at: float, *, made: int) -> None:
    """`made`: how many prompts of the conversation this decision has begun before."""
    files = world.site.prompts.get(PROMPT, {})
    once = tuple(files[language] for language in world.site.languages if language in files)
    playback = ids.playback(conversation.id, conversation.prompts_made + made + 1) if once else None
    plan.events.append(ev.KeyAsked(conversation=conversation.id, leg=leg.id, playback=playback, at=at))
    if playback is not None:
        plan.effects.append(
            fx.PlayMedia(conversation=conversation.id, leg=leg.id, playback=playback, media=once * SAID)
        )


def pressed(plan: Plan, conversation: Conversation, leg: Leg, digit: str, at: float) -> None:
    """The first one counts; what plays is stopped before his leg is moved (a play would hold it)."""
    if not leg.asked or leg.key or leg.ending or leg.state is LegState.CONNECTED or digit != KEY:
        return
    plan.events.append(ev.KeyPressed(conversation=conversation.id, leg=leg.id, at=at))
    if leg.prompt is not None:
        plan.effects.append(fx.StopPlayback(conversation=conversation.id, playback=leg.prompt))


def asked_by(conversation: Conversation, playback: str) -> Leg | None:
    """The leg to which this playback is the question."""
    return next((leg for leg in conversation.legs.values() if leg.prompt is not None and leg.prompt == playback), None)
