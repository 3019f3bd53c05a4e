"""What the caller page tells about a call: one event -> one short text in both languages. Pure.

Only for the demo: it shows a caller how the system works. Masked digits stay masked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache

import msgspec

from ctiserver.model import events
from ctiserver.model.causes import ClearedBy
from ctiserver.model.ids import kind as kind_of_id
from ctiserver.model.ivr import IvrSession
from ctiserver.model.site import AgentConfig, Label, QueueConfig, SiteConfig


class Story(msgspec.Struct, frozen=True, kw_only=True, tag="story"):
    """One line of the story. `at` is epoch seconds."""

    at: float
    kind: str
    text: Label


Captions = Mapping[str, Mapping[str, str]]

_BY = {
    ClearedBy.CUSTOMER: Label(zh="您已挂机", en="You hung up"),
    ClearedBy.AGENT: Label(zh="客服人员已挂机", en="The agent hung up"),
    ClearedBy.LEAD: Label(zh="通话已由班长结束", en="A team lead ended the call"),
    ClearedBy.SYSTEM: Label(zh="通话已由系统结束", en="The system ended the call"),
}

_RULES = {
    "longest_idle": Label(zh="空闲最久者优先", en="longest idle"),
    "least_occupied": Label(zh="占用率最低者优先", en="least occupied"),
    "best_longest_idle": Label(zh="技能最高者优先，其次空闲最久", en="best level, then longest idle"),
    "best_least_occupied": Label(zh="技能最高者优先，其次占用率最低", en="best level, then least occupied"),
    "percent": Label(zh="按比例分配", en="percent allocation"),
    "round_robin": Label(zh="轮流", en="round robin"),
    "fewest_calls": Label(zh="接听最少者优先", en="fewest calls"),
    "ring_all": Label(zh="同时振铃", en="ring all"),
}


def story(event: events.Event, at: float, site: SiteConfig, captions: Captions) -> Story | None:
    """The story of an event at `at`; None if it tells the caller nothing."""
    told = _told(event, site, captions)
    return Story(at=at, kind=told[0], text=told[1]) if told is not None else None


def _told(event: events.Event, site: SiteConfig, captions: Captions) -> tuple[str, Label] | None:
    match event:
        case events.Established(leg=leg) if kind_of_id(leg) in ("", "c"):
            return "answered", Label(zh="系统已应答", en="The system answered")
        case events.IvrChanged(session=session) if session is not None and session.node:
            return "node", _step(site, session)
        case events.PromptStarted(prompts=prompts):
            return "prompt", _captions(prompts, captions)
        case events.DigitReceived(digit=digit, masked=masked):
            shown = "*" if masked else digit
            return "digit", Label(zh=f"您按了 {shown}", en=f"You pressed {shown}")
        case events.ContactQueued(queue=queue):
            name = _name(site.queues, queue)
            return "queue", Label(zh=f"正在排队：{name.zh}", en=f"Waiting in the queue {name.en}")
        case events.ContactRequeued():
            return "queue", Label(zh="回到队首，继续等待", en="Back at the head of the queue")
        case events.OfferMade(agents=agents, why=why):
            name = _name(site.agents, agents[0] if agents else "")
            among = len(why.candidates)
            rule = _RULES.get(why.rule, Label(zh=why.rule, en=why.rule))
            return "offer", Label(
                zh=f"派给客服 {name.zh}：{rule.zh}，候选 {among} 人",
                en=f"Offered to {name.en}: {rule.en}, of {among} who could have it",
            )
        case events.OfferMissed() | events.OfferRejected() | events.OfferUnreachable():
            return "offer", Label(zh="该客服未接听", en="This agent did not answer")
        case events.Delivered(leg=leg) if kind_of_id(leg) == "a":  # not a team lead's: who listens is not told
            return "ring", Label(zh="客服电话正在振铃", en="The agent's phone rings")
        case events.Talking():
            return "talk", Label(zh="通话中", en="Talking")
        case events.Held():
            return "hold", Label(zh="客服让您稍候，正在播放音乐", en="On hold, with music")
        case events.Retrieved():
            return "talk", Label(zh="恢复通话", en="The agent is back")
        case events.Transferred():
            return "hold", Label(zh="客服正在为您转接", en="The agent passes you on")
        case events.AgentLegLost():
            return "hold", Label(zh="客服的连接中断，请稍候", en="The agent's line was lost; please hold")
        case events.CallCleared(by=by):
            return "end", _BY[by]
        case _:
            return None


class _Node(msgspec.Struct, frozen=True):
    title: str | Label = ""


class _Flow(msgspec.Struct, frozen=True):
    nodes: dict[str, _Node]


@lru_cache(maxsize=32)
def _titles(document: str) -> Mapping[str, _Node]:
    return msgspec.json.decode(document, type=_Flow).nodes


def _step(site: SiteConfig, session: IvrSession) -> Label:
    """What people call the node in which the caller is; its id if nobody has named it."""
    for flow in site.flows:
        if (flow.id, flow.revision) == (session.flow, session.revision):
            node = _titles(flow.document).get(session.node)
            title = node.title if node is not None else ""
            if isinstance(title, Label):
                return title
            return Label(zh=title or session.node, en=title or session.node)
    return Label(zh=session.node, en=session.node)


def _captions(prompts: tuple[str, ...], captions: Captions) -> Label:
    """`prompts` are 'lang/id'; what was not spoken in a language is shown in it all the same, what was in both once.

    What one language says twice is two words: the digits of 4711.
    """
    said = Counter[str]()
    once: dict[tuple[str, int], None] = {}
    for prompt in prompts:
        said[prompt] += 1
        once[prompt.rpartition("/")[2], said[prompt]] = None
    ids = [each for each, _ in once]
    texts = {
        language: " ".join(captions.get(each, {}).get(language, each) for each in ids) for language in ("zh", "en")
    }
    return Label(zh=texts["zh"], en=texts["en"])


def _name(things: Sequence[QueueConfig] | Sequence[AgentConfig], wanted: str) -> Label:
    for thing in things:
        if thing.id == wanted:
            return thing.name
    return Label(zh=wanted, en=wanted)
