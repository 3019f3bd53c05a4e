"""One record as lines for people, or as one JSON object.

    4711  2026-11-22 16:40:05.123  CallerArrived  channel=1763.9 dialled=95500 caller_number=•••
          event   ConversationStarted  leg=1763.9
          effect  AnswerLeg  leg=1763.9

Here: the form alone. What is equal everywhere in a record is said once (its time, its conversation), what is empty is
left out. Times are UTC.
"""

from __future__ import annotations

import datetime
import json
from typing import Any

from rich.text import Text

from ctiserver.personal import MASK

_INDENT = " " * 10
_LONG = 160


def as_json(plain: dict[str, Any]) -> str:
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":"))


def stamp(at: float) -> str:
    """`2026-11-22 16:40:05.123`, UTC."""
    return datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def as_text(plain: dict[str, Any]) -> Text:
    """What `personal.plain` made, as coloured text of one line and one more for each event and effect."""
    things = [plain["input"], *plain["events"], *plain["effects"]]
    conversations = {thing["conversation"] for thing in things if thing.get("conversation")}
    common = conversations.pop() if len(conversations) == 1 else None
    text = Text()
    text.append(f"{plain['seq']:>8}  ", "bold")
    text.append(f"{stamp(plain['at'])}  ", "dim")
    text.append(plain["input"].get("type", "?"), "bold cyan")
    if common:
        text.append(f"  {common}", "yellow")
    text.append(_fields(plain["input"], plain["at"], common))
    if plain["rejected"]:
        text.append(f"  refused: {plain['rejected']}", "bold red")
    for word, style, part in (("event ", "green", plain["events"]), ("effect", "magenta", plain["effects"])):
        for thing in part:
            text.append(f"\n{_INDENT}{word}  ", "dim")
            text.append(thing.get("type", "?"), style)
            text.append(_fields(thing, plain["at"], common))
    return text


def _fields(thing: dict[str, Any], at: float, conversation: str | None) -> str:
    shown = [
        f"{name}={_value(name, value)}"
        for name, value in thing.items()
        if name != "type"
        and not _empty(value)
        # Asterisk's own time of a fact is a few milliseconds earlier: worth a word only when it is more.
        and not (name == "at" and abs(value - at) < 0.1)
        and not (name == "conversation" and value == conversation)
    ]
    return f"  {' '.join(shown)}" if shown else ""


def _empty(value: Any) -> bool:
    return value is None or value is False or value == "" or value == [] or value == {}


def _value(name: str, value: Any) -> str:
    if name in ("at", "deadline", "until", "confirm_by", "created_at", "started_at") and isinstance(value, float):
        return stamp(value).partition(" ")[2] if value else "-"
    if name in ("trace", "candidates") and isinstance(value, list):
        return str(len(value))
    if name == "media" and isinstance(value, list):  # long paths; the prompt's name says it
        value = [str(item).rpartition("/")[2] for item in value]
    if isinstance(value, dict):
        if all(item == MASK for item in value.values()):
            return MASK
        inside = " ".join(f"{key}={_value(key, item)}" for key, item in value.items() if not _empty(item))
        return f"{{{inside}}}"
    if isinstance(value, list):
        return f"[{' '.join(_value('', item) for item in value)}]"
    if isinstance(value, str):
        text = value if len(value) <= _LONG else value[:_LONG] + "…"
        return json.dumps(text, ensure_ascii=False) if any(c.isspace() or not c.isprintable() for c in text) else text
    return json.dumps(value)
