"""The site's configuration as its editors see it: the port that the admin API uses, and the values that cross it.

Lives here: Protocol and plain values. Not here: TOML, files (`ctiserver.site_desk` implements the port), HTTP.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Protocol

import msgspec
from msgspec import Meta

from ctiserver.model.routing import HolidayConfig

_Name = Annotated[str, Meta(max_length=64)]


class SiteEdit(msgspec.Struct, frozen=True, kw_only=True):
    """One row's change: `set` gives keys new values, null takes a key out, what is not named stays as it is.

    `create`: there must be no row of this id yet; `remove`: the row goes, `set` is empty.
    """

    table: _Name
    id: _Name
    set: dict[str, Any] = {}
    create: bool = False
    remove: bool = False


class SiteFault(msgspec.Struct, frozen=True, kw_only=True):
    """Why the site cannot be so. `table`, `id` and `key` say where, as far as it has one place; `path` goes on from the
    row, e.g. `steps[0].requires`, of which `steps` is the key."""

    table: str = ""
    id: str = ""
    key: str = ""
    path: str = ""
    message: str


class SiteView(msgspec.Struct, frozen=True, kw_only=True):
    """The file as it is now. `in_force` false: it was changed by hand and not loaded (or cannot be: `faults`).

    `tables`: rows as written; `defaults`: by table (and `table.key` within its rows) what a key that is not written
    means; `names`: for each table the key that names a row; `skills`: all that somebody has; `holidays`: by calendar
    the days in force, public holidays of its country written out.
    """

    revision: str
    in_force: bool
    tables: dict[str, list[dict[str, Any]]]
    defaults: dict[str, dict[str, Any]]
    names: dict[str, str]
    skills: tuple[str, ...]
    flows: tuple[str, ...]
    prompts: tuple[str, ...]
    holidays: dict[str, tuple[HolidayConfig, ...]]
    faults: tuple[SiteFault, ...]


class SiteChange(msgspec.Struct, frozen=True, kw_only=True):
    """A change that was made (or, when only checked, could be): what it does in words, `warnings`: what of a flow
    it leaves without a destination."""

    revision: str
    changed: tuple[str, ...]
    warnings: tuple[str, ...] = ()


class SiteVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A text that was in force. `by` '': found in the file, nobody who is known. `at`: epoch seconds."""

    number: int
    revision: str
    at: float
    by: str
    changed: tuple[str, ...]
    in_force: bool = False


class Fitting(msgspec.Struct, frozen=True, kw_only=True):
    """Who meets a requirement: of the site's agents, of those signed in, of those who could take a call now.

    `problem`: why the text is no requirement; `unknown`: skills that nobody has.
    """

    requires: str = ""
    problem: str = ""
    unknown: tuple[str, ...] = ()
    fits: int = 0
    signed_in: int = 0
    free: int = 0
    agents: int = 0


class SiteRefused(Exception):
    """The site stays as it is. `faults`: every reason."""

    def __init__(self, faults: Sequence[SiteFault]) -> None:
        super().__init__("; ".join(fault.message for fault in faults))
        self.faults = tuple(faults)


class SiteStale(Exception):
    """Somebody else has changed the site since the revision that was given: by whom, when, what."""

    def __init__(self, version: SiteVersion, changed: Sequence[str]) -> None:
        super().__init__(version.revision)
        self.version = version
        self.changed = tuple(changed)


class SiteNotWritten(Exception):
    """The disk did not take it; the site stays as it is."""


class Sites(Protocol):
    """The one editor of the site. Every change is in force when the call returns; SiteRefused, SiteStale and
    SiteNotWritten leave everything as it was."""

    async def view(self) -> SiteView: ...

    async def change(self, by: str, revision: str, edits: Sequence[SiteEdit], *, check: bool) -> SiteChange:
        """`check`: only say what it would do."""

    async def restore(self, by: str, revision: str, number: int) -> SiteChange:
        """Make an earlier version the one in force."""

    async def reload(self, by: str) -> SiteChange:
        """Load what was changed in the file by hand."""

    async def versions(self) -> Sequence[SiteVersion]:
        """Those kept, newest first."""

    def fitting(self, requires: str, queue: str) -> Fitting:
        """`queue` '': of all agents, else of those who serve it."""


