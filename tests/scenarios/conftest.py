"""The site that the stories play on: one queue, one simple flow, a few agents."""

from __future__ import annotations

import json

import pytest

from ctiserver.model.site import (
    AgentConfig,
    DispositionConfig,
    FlowConfig,
    Label,
    NumberConfig,
    QueueConfig,
    ReasonConfig,
    SiteConfig,
)
from tests.fakes.floor import Floor


def label(text: str) -> Label:
    return Label(zh=text, en=text)


FLOW: dict[str, object] = {
    "format": 1,
    "id": "main",
    "title": {"zh": "test", "en": "test"},
    "languages": ["zh"],
    "start": "menu",
    "nodes": {
        "menu": {
            "type": "menu",
            "speech": [{"prompt": "menu"}],
            "choices": {"1": {"to": "service"}},
            "exits": {"failed": "service", "error": "service"},
        },
        "service": {"type": "queue", "queue": "service", "exits": {}},
    },
}


def make_site(flow: dict[str, object] = FLOW) -> SiteConfig:
    return SiteConfig(
        numbers=(NumberConfig(number="95500", flow="main", name=label("main")),),
        queues=(QueueConfig(id="service", name=label("service"), requires="zh >= 10"),),
        agents=tuple(
            AgentConfig(id=f"100{n}", name=label(f"agent {n}"), skills={"zh": 50}, queues=("service",))
            for n in (1, 2, 3)
        ),
        reasons=(ReasonConfig(id="lunch", name=label("lunch")),),
        dispositions=(DispositionConfig(id="solved", name=label("solved")),),
        flows=(FlowConfig(id="main", revision=1, document=json.dumps(flow)),),
        languages=("zh",),
        prompts={"menu": {"zh": "sound:menu"}},
    )


@pytest.fixture
def floor() -> Floor:
    return Floor(make_site())
