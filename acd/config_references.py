"""What refers to what in a site: names that are used must exist, and names that name must be different.

Lives here: references between the rows of all tables. Not here: the rows by themselves (`config_rows`). A queue may
send callers to one that sends callers to it (each when it is full, say): nobody goes in a circle, which is the affair
of `acd.core.queue_rules`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from acd.config_rows import Fault
from ctiserver.model.requirement import Requirement, named, parse
from ctiserver.model.site import QueueConfig, SiteConfig

PREFERRED = ("", "last_agent", "account_manager")


def check(site: SiteConfig, tell: Fault) -> None:
    _References(site, tell).all()


class _References:
    def __init__(self, site: SiteConfig, tell: Fault) -> None:
        self._site = site
        self._tell = tell
        self._queues = dict.fromkeys(queue.id for queue in site.queues)
        self._agents = dict.fromkeys(agent.id for agent in site.agents)
        self._skills = dict.fromkeys(skill for agent in site.agents for skill in agent.skills)

    def all(self) -> None:
        site = self._site
        self._twice("numbers", "number", [number.number for number in site.numbers])
        for table in ("queues", "groups", "calendars", "agents", "phones", "reasons", "dispositions"):
            self._twice(table, "id", [row.id for row in getattr(site, table)])
        flows = dict.fromkeys(flow.id for flow in site.flows)
        for place, number in enumerate(site.numbers):
            self._known(f"numbers[{place}].flow", [number.flow], flows, "flow")
        for place, queue in enumerate(site.queues):
            self._queue(f"queues[{place}]", queue)
        for place, group in enumerate(site.groups):
            path = f"groups[{place}].serves"
            self._twice(path, "queue", [one.queue for one in group.serves])
            for n, one in enumerate(group.serves):
                self._known(f"{path}[{n}].queue", [one.queue], self._queues, "queue")
        for place, calendar in enumerate(site.calendars):
            self._twice(f"calendars[{place}].holidays", "day", [day.day for day in calendar.holidays])
        self._twice("phones", "contact", [phone.contact for phone in site.phones], but="")
        phones, groups = dict.fromkeys(phone.id for phone in site.phones), {group.id: group for group in site.groups}
        for place, agent in enumerate(site.agents):
            path = f"agents[{place}]"
            self._known(f"{path}.phone", [agent.phone] if agent.phone else [], phones, "phone")
            self._known(f"{path}.queues", agent.queues, self._queues, "queue")
            self._known(f"{path}.group", [agent.group] if agent.group else [], groups, "group")
            served = [one.queue for one in groups[agent.group].serves] if agent.group in groups else []
            shares = [name for name in agent.shares if name not in self._queues]
            self._known(f"{path}.shares", shares, self._queues, "queue")
            for name in agent.shares:
                if name in self._queues and name not in (*agent.queues, *served):
                    self._tell(f"has a share of {name}, which he does not serve", f"{path}.shares")
        out = site.outbound
        self._known("outbound.queue", [out.queue] if out.queue else [], self._queues, "queue")
        for place, tile in enumerate(site.floor.tiles):
            self._known(f"floor.tiles[{place}].queue", [tile.queue] if tile.queue else [], self._queues, "queue")
        for place, disposition in enumerate(site.dispositions):
            self._known(f"dispositions[{place}].queues", disposition.queues, self._queues, "queue")

    def _queue(self, path: str, queue: QueueConfig) -> None:
        site = self._site
        self._skilled(f"{path}.requires", queue.requires)
        for n, step in enumerate(queue.steps):
            self._skilled(f"{path}.steps[{n}].requires", step.requires)
        self._twice(f"{path}.rules", "id", [rule.id for rule in queue.rules])
        numbers = dict.fromkeys(number.number for number in site.numbers)
        for n, rule in enumerate(queue.rules):
            self._skilled(f"{path}.rules[{n}].requires", rule.requires)
            number = [rule.when["number"]] if "number" in rule.when else []
            self._known(f"{path}.rules[{n}].when", number, numbers, "number of the site")
            agent = [rule.prefer] if rule.prefer not in PREFERRED else []
            self._known(f"{path}.rules[{n}].prefer", agent, self._agents, "agent, last_agent or account_manager")
        calendars = dict.fromkeys(calendar.id for calendar in site.calendars)
        self._known(f"{path}.calendar", [queue.calendar] if queue.calendar else [], calendars, "calendar")
        for key in ("when_closed", "when_full", "when_no_agent"):
            self._other(f"{path}.{key}", queue, getattr(queue, key))
        for n, overflow in enumerate(queue.overflow):
            self._other(f"{path}.overflow[{n}].to", queue, overflow.to)
        if queue.comfort is not None and site.prompts:
            prompt = [queue.comfort.prompt] if queue.comfort.prompt else []
            self._known(f"{path}.comfort.prompt", prompt, site.prompts, "prompt")

    def _other(self, path: str, queue: QueueConfig, to: str) -> None:
        if to == queue.id:
            self._tell(f"{to} is this queue itself", path)
        elif to:
            self._known(path, [to], self._queues, "queue")

    def _skilled(self, path: str, requires: Requirement) -> None:
        """A skill that nobody has is a slip of the pen; a level that nobody reaches may be meant."""
        self._known(path, named(parse(requires)), self._skills, "skill of any agent")

    def _twice(self, table: str, key: str, names: Sequence[str], but: str | None = None) -> None:
        seen: dict[str, None] = {}
        for place, name in enumerate(names):
            if name in seen and name != but:
                self._tell(f"{name} is there twice", f"{table}[{place}].{key}")
            seen[name] = None

    def _known(self, path: str, names: Sequence[str], known: Collection[str], what: str) -> None:
        for name in names:
            if name not in known:
                self._tell(f"{name} is not a {what}", path)
