"""The desk where the site is changed while it works: `site.toml` stays the truth, a change is checked as a whole.

Lives here: the order of things (check, write, tell the dispatcher), stale edits, who would fit. Not here: what a site
may be (`acd.config`), the text (`ctiserver.site_text`), files and versions (`ctiserver.site_files`), HTTP. Files are
written and checked in a thread; one change at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, get_args, get_origin

import msgspec
import structlog

from acd.core import agent as agents
from ctiserver import site as sites, site_text
from ctiserver.model import facts
from ctiserver.model.ids import AgentId
from ctiserver.model.requirement import BadRequirement, canonical, met, named, parse
from ctiserver.model.site import SiteConfig
from ctiserver.model.world import World
from ctiserver.ports_site import (
    Fitting,
    SiteChange,
    SiteEdit,
    SiteFault,
    SiteNotWritten,
    SiteRefused,
    SiteStale,
    SiteVersion,
    SiteView,
)
from ctiserver.site_files import SiteFiles
from ivr.flow.document import FlowError
from ivr.speech.prompts import PromptStore

log = structlog.get_logger(__name__)

MAX_FAULTS = 100
_FAULT = re.compile(r"(?:line \d+: )?([a-z]+)(?:\[(\d+)\])?(?:\.([A-Za-z_]+)([^ :]*))?: (.*)", re.DOTALL)


def row_kinds() -> dict[str, type[msgspec.Struct]]:
    """The tables of a site's text and what a row of each is made of."""
    found: dict[str, type[msgspec.Struct]] = {}
    for field in msgspec.structs.fields(SiteConfig):
        if get_origin(field.type) is tuple and field.name != "flows":
            kind = get_args(field.type)[0]
            if issubclass(kind, msgspec.Struct):
                found[field.name] = kind
    return found


def defaults() -> dict[str, dict[str, Any]]:
    """By table, and by `table.key` of what is within its rows: what a key that is not written means."""
    found: dict[str, dict[str, Any]] = {}
    for table, kind in row_kinds().items():
        _defaults(found, table, kind)
    return found


def _defaults(found: dict[str, dict[str, Any]], name: str, kind: type[msgspec.Struct]) -> None:
    values = found.setdefault(name, {})
    for field in msgspec.structs.fields(kind):
        if field.default is not msgspec.NODEFAULT:
            values[field.name] = msgspec.to_builtins(field.default)
        elif field.default_factory is not msgspec.NODEFAULT:
            values[field.name] = msgspec.to_builtins(field.default_factory())
        for part in get_args(field.type):
            if isinstance(part, type) and issubclass(part, msgspec.Struct):
                _defaults(found, f"{name}.{field.name}", part)


class SiteDesk:
    """ctiserver.ports_site.Sites over a folder. `feed` gives the dispatcher what was loaded; `now`: epoch seconds."""

    def __init__(
        self,
        folder: Path,
        prompts: PromptStore,
        sounds: Path,
        world: World,
        feed: Callable[[facts.SiteLoaded], None],
        now: Callable[[], float],
    ) -> None:
        self._folder = folder
        self._path = folder / "site.toml"
        self._prompts = prompts
        self._sounds = sounds
        self._world = world
        self._feed = feed
        self._now = now
        self._files = SiteFiles(folder, now)
        self._lock = asyncio.Lock()
        self._loaded = ""
        """The revision in force."""

    def start(self) -> None:
        """Load the folder's site (made from the demo site if there is none), at the server's start. Raises BadSite."""
        fresh = sites.load(self._folder, self._prompts, self._sounds)
        written = sites.text(self._path)
        self._loaded = site_text.revision(written)
        changed: tuple[str, ...] = ()
        try:
            changed = self._files.reconciled(written)
        except OSError as error:  # calls matter more than the list of versions
            log.error("site_version_not_kept", error=error.strerror)
        if fresh != self._world.site:
            self._feed(facts.SiteLoaded(site=fresh, revision=self._loaded, changed=changed))

    # ---- ctiserver.ports_site.Sites

    async def view(self) -> SiteView:
        return await asyncio.to_thread(self._view)

    async def change(self, by: str, revision: str, edits: Sequence[SiteEdit], *, check: bool) -> SiteChange:
        def text_of(written: str) -> str:
            known = row_kinds()
            unknown = [edit.table for edit in edits if edit.table not in known]
            if unknown:
                message = f"unknown table (known: {', '.join(known)})"
                raise SiteRefused([SiteFault(table=table, message=message) for table in unknown])
            try:
                return site_text.edited(written, edits)
            except site_text.BadEdit as error:
                raise SiteRefused(error.faults) from None
            except ValueError as error:
                raise SiteRefused([SiteFault(message=f"the file is not valid TOML: {error}")]) from None

        return await self._write(by, revision, text_of, check=check)

    async def restore(self, by: str, revision: str, number: int) -> SiteChange:
        def text_of(_written: str) -> str:
            try:
                return self._files.kept(number)
            except OSError:
                raise SiteRefused([SiteFault(message="this version is not kept any more")]) from None

        return await self._write(by, revision, text_of, check=False)

    async def reload(self, by: str) -> SiteChange:
        async with self._lock:
            change, fresh = await asyncio.to_thread(self._reloaded, by)
            self._done(by, change, fresh, ())
            return change

    async def reload_asked(self) -> None:
        """As `reload`, for who cannot hear the answer (a signal)."""
        try:
            await self.reload("")
        except SiteRefused as error:
            log.error("site_not_loaded", faults=[_line(fault) for fault in error.faults[:10]])
        except SiteNotWritten as error:
            log.error("site_not_loaded", faults=[str(error)])

    async def versions(self) -> Sequence[SiteVersion]:
        found = await asyncio.to_thread(self._files.versions)
        now = next((one.number for one in reversed(found) if one.revision == self._loaded), 0)
        return [msgspec.structs.replace(one, in_force=one.number == now) for one in reversed(found)]

    def fitting(self, requires: str, queue: str) -> Fitting:
        world = self._world
        try:
            asked = canonical(requires)
        except BadRequirement as error:
            return Fitting(problem=str(error), agents=len(world.agent_configs))
        tree = parse(asked)
        serving = [
            config
            for name, config in world.agent_configs.items()
            if not queue or queue in world.serves.get(name, ())
        ]
        skills = dict.fromkeys(skill for config in world.agent_configs.values() for skill in config.skills)
        fits = [world.agents[AgentId(config.id)] for config in serving if met(config.skills, tree)]
        return Fitting(
            requires=asked,
            unknown=tuple(skill for skill in named(tree) if skill not in skills),
            agents=len(serving),
            fits=len(fits),
            signed_in=sum(1 for agent in fits if agent.signed_in),
            free=sum(1 for agent in fits if agents.eligible(agent, capacity=world.capacities.get(agent.id))),
        )

    # ---- one change

    async def _write(
        self, by: str, revision: str, text_of: Callable[[str], str], *, check: bool
    ) -> SiteChange:
        async with self._lock:
            change, fresh, by_hand = await asyncio.to_thread(self._written, by, revision, text_of, check)
            if not check:
                self._done(by, change, fresh, by_hand)
            return change

    def _done(self, by: str, change: SiteChange, fresh: SiteConfig, by_hand: tuple[str, ...]) -> None:
        """The file is written: from this turn on it is in force."""
        self._loaded = change.revision
        if fresh != self._world.site:
            changed = (*by_hand, *change.changed)
            self._feed(facts.SiteLoaded(site=fresh, by=by, revision=change.revision, changed=changed))
        log.info("site_changed", by=by, revision=change.revision, lines=len(change.changed))

    def _written(
        self, by: str, revision: str, text_of: Callable[[str], str], check: bool
    ) -> tuple[SiteChange, SiteConfig, tuple[str, ...]]:
        """In a thread: the file is the new text when this returns, or it is as it was and something is raised. Last in
        the answer: what had been changed by hand before."""
        old = self._text()
        if revision != site_text.revision(old):
            self._stale(revision, old)
        new = text_of(old)
        fresh, weak = self._checked(new)
        weak_before = _weak(self._world.site)
        change = SiteChange(
            revision=site_text.revision(new),
            changed=site_text.differences(old, new),
            warnings=tuple(line for line in weak if line not in weak_before),
        )
        by_hand: tuple[str, ...] = ()
        if not check and new != old:
            try:
                by_hand = self._files.reconciled(old)
                self._files.put(new, by, change.changed)
            except OSError as error:
                raise SiteNotWritten(error.strerror or str(error)) from None
        return change, fresh, by_hand

    def _reloaded(self, by: str) -> tuple[SiteChange, SiteConfig]:
        written = self._text()
        fresh, weak = self._checked(written)
        try:
            changed = self._files.reconciled(written, by)
        except OSError as error:
            raise SiteNotWritten(error.strerror or str(error)) from None
        return SiteChange(revision=site_text.revision(written), changed=changed, warnings=weak), fresh

    def _stale(self, revision: str, old: str) -> None:
        """Raises SiteStale with what was changed since the text of this revision, as far as it is kept."""
        versions, now = self._files.versions(), site_text.revision(old)
        base = next((one for one in reversed(versions) if one.revision == revision), None)
        changed: tuple[str, ...] = ()
        if base is not None:
            with contextlib.suppress(OSError):
                changed = site_text.differences(self._files.kept(base.number), old)
        by_hand = SiteVersion(number=0, revision=now, at=self._now(), by="", changed=())
        last = next((one for one in reversed(versions) if one.revision == now), by_hand)
        raise SiteStale(last, changed)

    # ---- reading and checking (in a thread)

    def _text(self) -> str:
        try:
            return sites.text(self._path)
        except sites.BadSite as error:
            raise SiteRefused([SiteFault(message=fault) for fault in error.faults]) from None

    def _checked(self, written: str) -> tuple[SiteConfig, tuple[str, ...]]:
        """The site that the text describes, and what is weak in its flows. Raises SiteRefused."""
        try:
            fresh, _ = sites.check(written, self._path, self._folder / "flows", self._prompts, self._sounds)
        except sites.BadSite as error:
            raise SiteRefused(_faults(error, written)) from None
        return fresh, _weak(fresh)

    def _view(self) -> SiteView:
        written = self._text()
        faults: tuple[SiteFault, ...] = ()
        found: site_text.Tables = {}
        try:
            found = site_text.tables(written)
            if site_text.revision(written) != self._loaded:
                self._checked(written)
        except ValueError as error:
            faults = (SiteFault(message=f"the file is not valid TOML: {error}"),)
        except SiteRefused as error:
            faults = error.faults
        kinds = row_kinds()
        skills = dict.fromkeys(
            skill
            for row in found.get("agents", ())
            if isinstance(row.get("skills"), dict)
            for skill in row["skills"]
        )
        return SiteView(
            revision=site_text.revision(written),
            in_force=site_text.revision(written) == self._loaded,
            tables={table: found.get(table, []) for table in kinds},
            defaults=defaults(),
            names={table: site_text.id_key(table) for table in kinds},
            skills=tuple(sorted(skills)),
            flows=tuple(sorted(flow.stem for flow in (self._folder / "flows").glob("*.json"))),
            prompts=tuple(self._prompts.ids()),
            holidays={calendar.id: calendar.holidays for calendar in self._world.site.calendars},
            faults=faults,
        )


def _weak(site: SiteConfig) -> tuple[str, ...]:
    """What is wrong in the flows on this site, one line each."""
    try:
        issues = sites.issues(site)
    except FlowError:  # a flow of an older version in the journal
        return ()
    return tuple(
        f"flow {flow}, {issue.node or 'as a whole'}: {issue.code} {issue.field} {issue.detail}".rstrip()
        for flow, issue in issues
        if issue.severity == "error"
    )


def _line(fault: SiteFault) -> str:
    return f"{'/'.join(part for part in (fault.table, fault.id, fault.key) if part) or 'site'}: {fault.message}"


def _faults(error: sites.BadSite, written: str) -> list[SiteFault]:
    """Every fault with its place: `queues[1].offer_seconds` is a row and a key."""
    try:
        rows = site_text.tables(written)
    except ValueError:
        rows = {}
    faults: list[SiteFault] = []
    for text in error.faults[:MAX_FAULTS]:
        found = _FAULT.fullmatch(text)
        if found is None or found[1] not in row_kinds():
            faults.append(SiteFault(message=text))
            continue
        table, place, key, deeper, message = found.groups(default="")
        row = rows.get(table, [])[int(place) : int(place) + 1] if place else []
        name = str(row[0].get(site_text.id_key(table), "")) if row else ""
        faults.append(SiteFault(table=table, id=name, key=key, path=key + deeper, message=message))
    return faults
