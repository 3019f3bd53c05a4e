"""The menu node: choose by key."""

from __future__ import annotations

from typing import Annotated

import msgspec

from ivr.nodes.asking import Asking
from ivr.nodes.base import Exits, Target, targets
from ivr.nodes.run import Run

Key = Annotated[str, msgspec.Meta(pattern=r"^[0-9*#]{1,4}$")]


class Choice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a key leads; `title` is what people call the choice."""

    to: Target
    title: str = ""


class MenuExits(Exits, frozen=True, kw_only=True):
    failed: Target = None
    error: Target = None


class Menu(Asking, frozen=True, kw_only=True, tag="menu"):
    """Ask for one of `choices` (a key, or up to four). A wrong key says `invalid`, silence says `no_input`, each time
    with the question again in the same playback; after `attempts` it leaves by `failed`. The choice is added to the
    caller's path as 'node:key'.

    {"type": "menu", "speech": [{"prompt": "menu_main", "language": "all"}], "invalid": [{"prompt": "menu_invalid"}],
     "no_input": [{"prompt": "menu_no_input"}], "attempts": 3, "timeout": 5,
     "choices": {"1": {"to": "service", "title": "Service"}, "0": {"to": "operator"}},
     "exits": {"failed": "operator", "error": "operator"}}
    """

    choices: dict[Key, Choice]
    exits: MenuExits = MenuExits()

    def targets(self) -> dict[str, Target]:
        return {key: choice.to for key, choice in self.choices.items()} | targets(self.exits)

    def take(self, run: Run) -> str | None:
        typed = run.session.digits
        for length in range(1, len(typed) + 1):
            key = typed[:length]
            if key in self.choices:
                run.change(digits=typed[length:], path=(*run.session.path, f"{run.session.node}:{key}")[-MAX_PATH:])
                return key
            if not any(choice.startswith(key) for choice in self.choices):
                return self.ask_again(run, self.invalid, "failed")
        run.wait_for_digits(self.inter_digit if typed else self.timeout)
        return None

    def timed_out(self, run: Run) -> str | None:
        return self.ask_again(run, self.invalid if run.session.digits else self.no_input, "failed")


MAX_PATH = 50  # choices remembered; a caller who walks in circles keeps the latest
