"""The collect node: take a number by keys."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from ctiserver.model.ivr import MASK
from ivr.nodes.asking import Asking
from ivr.nodes.base import Exits, Target, Variable, targets
from ivr.nodes.run import Run

Length = Annotated[int, msgspec.Meta(ge=1, le=40)]


class CollectExits(Exits, frozen=True, kw_only=True):
    next: Target = None
    timeout: Target = None
    invalid: Target = None
    error: Target = None


class Collect(Asking, frozen=True, kw_only=True, tag="collect"):
    """Take `min` to `max` digits into `variable`. The entry is complete at `max` digits, at the `terminator`, or
    `inter_digit` seconds after the last key. Too short says `invalid`, silence says `no_input`, with the question
    again; after `attempts` it leaves by `invalid` or `timeout`, whichever was last. Keys that are neither digits nor
    the terminator are ignored. With `masked` nobody learns the digits: the variable gets one '*' for each.

    {"type": "collect", "variable": "order_no", "speech": [{"prompt": "collect_order"}], "min": 4, "max": 12,
     "terminator": "#", "masked": false, "timeout": 8, "inter_digit": 4,
     "exits": {"next": "thanks", "timeout": "service", "invalid": "service", "error": "service"}}
    """

    variable: Variable
    min: Length = 1
    max: Length
    terminator: Literal["", "#", "*"] = "#"
    masked: bool = False
    exits: CollectExits = CollectExits()

    def __post_init__(self) -> None:
        if self.min > self.max:
            raise ValueError("min is greater than max")

    def targets(self) -> dict[str, Target]:
        return targets(self.exits)

    def hides(self) -> bool:
        return self.masked

    def take(self, run: Run) -> str | None:
        typed = run.session.digits
        entry = ""
        for place, key in enumerate(typed):
            if key == self.terminator:
                return self._complete(run, entry, typed[place + 1 :])
            if key in "0123456789" or key == MASK:
                entry += key
            if len(entry) == self.max:
                return self._full(run, entry, typed[place + 1 :])
        if self.masked and entry:  # typed ahead in the open: hidden from here on
            run.change(digits=MASK * len(entry))
        run.wait_for_digits(self.inter_digit if entry else self.timeout)
        return None

    def timed_out(self, run: Run) -> str | None:
        entry = "".join(key for key in run.session.digits if key in "0123456789" or key == MASK)
        return self._complete(run, entry, "") if entry else self.ask_again(run, self.no_input, "timeout")

    def _full(self, run: Run, entry: str, rest: str) -> str | None:
        if self.terminator and not rest:
            run.swallow(self.terminator)
        elif self.terminator:
            rest = rest.removeprefix(self.terminator)
        return self._complete(run, entry, rest)

    def _complete(self, run: Run, entry: str, rest: str) -> str | None:
        if len(entry) < self.min:
            return self.ask_again(run, self.invalid, "invalid" if entry else "timeout")
        run.change(digits=rest)
        run.set(self.variable, "*" * len(entry) if self.masked else entry)
        return "next"

    def sets(self) -> tuple[str, ...]:
        return (self.variable,)
