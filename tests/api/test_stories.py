"""The caller page: captions say what was said once in each language; steps of the flow and offers are told in words."""

from __future__ import annotations

import pytest

from ctiserver.api.stories import story
from ctiserver.model import events
from ctiserver.model.ids import (
    AgentId,
    ContactId,
    ConversationId,
    PlaybackId,
    QueueId,
    ReservationId,
    agent_leg,
    lead_leg,
)
from ctiserver.model.ivr import IvrSession
from ctiserver.model.site import AgentConfig, FlowConfig, Label, SiteConfig

CAPTIONS = {
    "menu": {"zh": "请按键", "en": "Press"},
    **{f"d{n}": {"zh": zh, "en": en} for n, zh, en in ((4, "四", "four"), (7, "七", "seven"), (1, "一", "one"))},
}


@pytest.mark.parametrize(
    ("prompts", "english"),
    [
        (("zh/d4", "zh/d7", "zh/d1", "zh/d1"), "four seven one one"),
        (("zh/menu", "en/menu"), "Press"),
        (("zh/d1", "zh/d1", "en/d1", "en/d1"), "one one"),
    ],
)
def test_a_caption_says_what_was_said(prompts: tuple[str, ...], english: str) -> None:
    event = events.PromptStarted(
        conversation=ConversationId("c1-1"),
        request=1,
        playback=PlaybackId("c1-1.p1"),
        prompts=prompts,
        interruptible=True,
    )
    told = story(event, 1.0, SiteConfig(), CAPTIONS)
    assert told is not None
    assert told.text.en == english


FLOW = """{"nodes": {
  "menu": {"type": "menu", "title": {"zh": "主菜单", "en": "Main menu"}, "choices": {}},
  "say_service": {"type": "play", "title": "Connecting to service"},
  "plain": {"type": "play"}
}}"""


def in_node(node: str, revision: int = 3) -> events.IvrChanged:
    session = IvrSession(flow="main", revision=revision, node=node, language="zh")
    return events.IvrChanged(conversation=ConversationId("c1-1"), session=session)


@pytest.mark.parametrize(
    ("event", "zh", "english"),
    [
        (in_node("menu"), "主菜单", "Main menu"),
        (in_node("say_service"), "Connecting to service", "Connecting to service"),
        (in_node("plain"), "plain", "plain"),
        (in_node("menu", revision=2), "menu", "menu"),
    ],
    ids=["named in both languages", "in one", "not at all", "of a revision that is gone"],
)
def test_a_step_of_the_flow_is_told_by_its_name(event: events.IvrChanged, zh: str, english: str) -> None:
    site = SiteConfig(flows=(FlowConfig(id="main", revision=3, document=FLOW),))
    told = story(event, 1.0, site, {})
    assert told is not None
    assert (told.kind, told.text) == ("node", Label(zh=zh, en=english))


def test_the_end_of_the_flow_is_no_step() -> None:
    assert story(in_node(""), 1.0, SiteConfig(), {}) is None


def test_an_offer_says_whom_and_why_in_words() -> None:
    site = SiteConfig(agents=(AgentConfig(id="1001", name=Label(zh="王芳", en="Wang Fang")),))
    why = events.Why(rule="longest_idle", chosen=(), candidates=(), excluded={}, tie_break="id")
    offer = events.OfferMade(
        reservation=ReservationId("r1"),
        contact=ContactId("k1"),
        conversation=ConversationId("c1-1"),
        queue=QueueId("service"),
        agents=(AgentId("1001"),),
        confirm_by=1.0,
        deadline=2.0,
        why=why,
        at=1.0,
    )
    told = story(offer, 1.0, site, {})
    assert told is not None
    assert told.text == Label(
        zh="派给客服 王芳：空闲最久者优先，候选 0 人", en="Offered to Wang Fang: longest idle, of 0 who could have it"
    )


def test_the_ring_of_a_lead_who_listens_is_not_told() -> None:
    """The caller would see that somebody joins in secret."""
    of = ConversationId("c1-1")
    rings = [events.Delivered(conversation=of, leg=leg, at=1.0) for leg in (agent_leg(of, 2), lead_leg(of, 3))]
    agents, leads = (story(each, 1.0, SiteConfig(), {}) for each in rings)
    assert agents is not None
    assert leads is None
