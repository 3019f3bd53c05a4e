"""Captions of the caller page: what was said in both languages once, a digit that was said twice twice."""

from __future__ import annotations

import pytest

from ctiserver.api.stories import story
from ctiserver.model import events
from ctiserver.model.ids import ConversationId, PlaybackId
from ctiserver.model.site import SiteConfig

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
