"""What every node type is: data with exits, and what it does when something happens while a session is in it.

A method returns the name of the exit by which the session leaves, or None: it waits (or the flow has ended).
Nodes are data of a published flow: frozen, checked when decoded. No clock, no I/O, no state of their own.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from ctiserver.model.causes import EndReason
from ctiserver.model.site import Label
from ivr.flow.speech import Speech
from ivr.nodes.run import Run

NodeId = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Variable = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Seconds = Annotated[float, msgspec.Meta(ge=0.5, le=60.0)]
Attempts = Annotated[int, msgspec.Meta(ge=1, le=10)]

Target = NodeId | None
"""Where an exit leads; None = the end of the flow (its goodbye, then hang up)."""


class Exits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The named exits of one node type."""


class Node(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", forbid_unknown_fields=True):
    """The base of all node types; `title` is what people call this node, in one language or in both."""

    title: str | Label = ""

    def targets(self) -> dict[str, Target]:
        """Exit name -> node id."""
        raise NotImplementedError

    def enter(self, run: Run) -> str | None:
        raise NotImplementedError

    def prompt_ended(self, run: Run, *, ok: bool) -> str | None:
        """The playback that it asked for is over; `ok` false: it could not be played."""
        raise NotImplementedError

    def digit(self, run: Run) -> str | None:
        """A key was pressed and is kept; a prompt that it may stop has been stopped."""
        raise NotImplementedError

    def timed_out(self, run: Run) -> str | None:
        """No key came in time."""
        raise NotImplementedError

    def refused(self, run: Run, reason: EndReason) -> str | None:
        """No agent took the caller."""
        raise NotImplementedError

    def left_by(self, run: Run, key: str) -> str | None:
        """The waiting caller left the queue by this key."""
        raise NotImplementedError

    def booked(self, run: Run) -> str | None:
        """The callback is booked."""
        raise NotImplementedError

    def not_booked(self, run: Run, why: str) -> str | None:
        """No callback was booked."""
        raise NotImplementedError

    def always_waits(self) -> bool:
        """Whether no run can pass through it without waiting for the caller or the switch."""
        return False

    def speeches(self) -> tuple[tuple[str, Speech], ...]:
        """Field name and what is said there, for the static checks."""
        return ()

    def reads(self) -> tuple[str, ...]:
        """The templates (`${...}`) and variables it reads, as templates, for the static checks."""
        return ()

    def sets(self) -> tuple[str, ...]:
        """The variables it sets."""
        return ()


def targets(exits: Exits) -> dict[str, Target]:
    """The exits of an Exits struct by name, in the order of its fields."""
    return {name: getattr(exits, name) for name in exits.__struct_fields__}
