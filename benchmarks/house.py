"""The site that is measured: the demo site with as many agents, phones and desktops as wanted, in a folder that goes.

Here: the site file, its flows, the people and their logins in its database, starting and ending it all. Not here:
anything that only a benchmark may do to the server: it runs as it is shipped, in a process of its own. People are
logged in by the server's own functions before it starts, because 500 password checks take minutes.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from benchmarks import yardstick
from ctiserver import site as sites
from ctiserver.api.logins import LoginBook
from ctiserver.asterisk.runtime import running
from ctiserver.model.ids import AgentId
from ctiserver.model.principal import Role
from ctiserver.model.site import Label
from ctiserver.ports_http import User
from ctiserver.store import demo
from ctiserver.store.database import Database
from ctiserver.store.passwords import Passwords
from ctiserver.store.users import SqlLogins, SqlUsers
from tests.harness.site import PASSWORD, Site

RTP = (26000, 31999)
"""Ports for Asterisk; below the range that Linux hands out by itself."""
DIGIT = "1"
"""The demo flow's way to the queue `service`, and the one key of the flow `keys`."""
_LEADS_FROM = 9001
_UNRECORDED = "5"
"""Numbers that end so are not recorded."""
MENU, STRAIGHT, KEYS, WAITS = "9550", "9551", "9552", "9553"
"""Dialled with a last digit that says whether the call is recorded: the demo's menu; the queue without a word; a menu
that only ever leads to the next one; a queue that nobody serves."""
_ROW = """
[[numbers]]
number = "{number}"
flow = "{flow}"
name = {{ zh = "{number}", en = "{number}" }}
record = {record}
"""


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """A desktop's cookie."""

    user: str
    token: str


class House(msgspec.Struct, frozen=True, kw_only=True):
    """The running site, and who is there. `phones`: where all agents' phones ring; `again`: further logins of the last
    idle agent."""

    site: Site
    agents: tuple[Login, ...]
    idle: tuple[Login, ...]
    phones: tuple[str, int]
    leads: tuple[Login, ...] = ()
    again: tuple[Login, ...] = ()


def number(kind: str, *, record: bool) -> str:
    return kind + ("0" if record else _UNRECORDED)


def names(count: int, first: int = 1001) -> list[str]:
    """1001, 1002 ...; the first six are the demo site's own people."""
    return [str(first + index) for index in range(count)]


def site_text(agents: list[str], idle: list[str], phones: tuple[str, int]) -> str:
    """The demo site's file with these people, who all serve the queue `service` alike; agents have a desk phone."""
    text = sites.DEMO_SITE.read_text("utf-8")
    before, _, rest = text.partition("[[agents]]")
    after = rest[rest.index("[[reasons]]") :]
    rows = ""
    for name in (*agents, *idle):
        rows += f'[[agents]]\nid = "{name}"\nname = {{ zh = "坐席{name}", en = "Agent {name}" }}\n'
        rows += "skills = { Mandarin = 80, billing = 80, fault = 80, sales = 80 }\n"
        rows += 'queues = ["service"]\nmax_misses = 0\n'
        rows += f'phone = "p{name}"\n\n' if name in agents else "\n"
    numbers = "".join(
        _ROW.format(number=number(kind, record=record), flow=flow, record=str(record).lower())
        for kind, flow in ((MENU, "main"), (STRAIGHT, "straight"), (KEYS, "keys"), (WAITS, "waits"))
        for record in (True, False)
        if (kind, record) != (MENU, True)  # the demo site's own
    )
    devices = "".join(
        f'\n[[phones]]\nid = "p{name}"\nname = {{ zh = "话机{name}", en = "Phone {name}" }}\n'
        f'contact = "sip:{name}@{phones[0]}:{phones[1]}"\n'
        for name in agents
    )
    return before + rows + after + numbers + devices


def flows() -> Mapping[str, dict[str, Any]]:
    """The flows that the demo site has not."""
    exits = dict.fromkeys(("no_agents", "full", "closed", "timed_out", "error"), "bye")
    bye = {"type": "hangup", "title": "Nobody can answer", "speech": [{"prompt": "goodbye"}]}
    straight, waits = (
        {"queue": {"type": "queue", "title": queue, "queue": queue, "exits": exits}, "bye": bye}
        for queue in ("service", "complaint")
    )
    speech = {"menu": [{"prompt": "menu_main"}], "order": [{"prompt": "collect_order"}]}
    following = {"menu": "order", "order": "menu"}
    keys = {
        name: {
            "type": "menu",
            "title": name,
            "speech": said,
            "attempts": 3,
            "timeout": 20,
            "barge_in": True,
            "choices": {DIGIT: {"to": following[name], "title": "On"}},
            "exits": {"failed": "bye", "error": "bye"},
        }
        for name, said in speech.items()
    }
    return {
        "straight": _flow("straight", "queue", straight),
        "waits": _flow("waits", "queue", waits),
        "keys": _flow("keys", "menu", {**keys, "bye": bye}),
    }


def _flow(name: str, start: str, nodes: dict[str, Any]) -> dict[str, Any]:
    title = {"zh": name, "en": name}
    return {"format": 1, "id": name, "title": title, "languages": ["zh", "en"], "start": start, "nodes": nodes}


async def people(database_url: str, names: list[str], leads: Sequence[str] = ()) -> list[Login]:
    """The demo people and customers, and these agents and leads, all with the password of the tests and logged in, as
    often as they are named."""
    database, passwords = Database(database_url), Passwords()
    try:
        password = await asyncio.to_thread(passwords.hash_now, PASSWORD)
        await database.migrate()
        await demo.seed(database, password, time.time())
        users, logins, found = SqlUsers(database), LoginBook(SqlLogins(database), time.time), []
        for name in (*names, *leads):
            user = await users.get(name)
            if user is None:
                role, agent = (Role.LEAD, None) if name in leads else (Role.AGENT, AgentId(name))
                label = Label(zh=name, en=name) if name in leads else Label(zh=f"坐席{name}", en=f"Agent {name}")
                user = User(id=name, role=role, password_hash=password, name=label, agent=agent)
                await users.add(user)
            token, _ = await logins.create(user)
            found.append(Login(user=name, token=token))
        return found
    finally:
        passwords.close()
        await database.close()


def _folder(agents: list[str], idle: list[str], phones: tuple[str, int]) -> Path:
    """A data folder that Asterisk's unprivileged user can reach, with the site's files in it."""
    home = Path(tempfile.mkdtemp(prefix="hollyhock-bench-"))
    home.chmod(0o755)
    sites.seed(home / "site")
    (home / "site" / "site.toml").write_text(site_text(agents, idle, phones), "utf-8")
    for name, flow in flows().items():
        (home / "site" / "flows" / f"{name}.json").write_text(json.dumps(flow), "utf-8")
    return home


def free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def house(
    agents: int, idle: int, *, leads: int = 0, again: int = 0, additions: Mapping[str, str] | None = None
) -> AsyncIterator[House]:
    """Asterisk (with the yardstick, and `additions` to its files) and server, started; both end with the block."""
    working, watching = names(agents), names(idle, 1001 + agents)
    leading, more = names(leads, _LEADS_FROM), watching[-1:] * again
    phones = ("127.0.0.1", free_udp_port())
    files = dict(additions or {})
    for name, text in yardstick.additions(working, phones).items():
        files[name] = text + files.get(name, "")
    home = await asyncio.to_thread(_folder, working, watching, phones)
    try:
        named = working + watching + more
        found = iter(await people(f"sqlite+aiosqlite:///{home / 'hollyhock.db'}", named, leading))
        async with running(home, rtp=RTP, additions=files) as asterisk, Site(home, asterisk, RTP, {}) as site:
            yield House(
                site=site,
                agents=tuple(islice(found, agents)),
                idle=tuple(islice(found, idle)),
                again=tuple(islice(found, len(more))),
                leads=tuple(found),
                phones=phones,
            )
    finally:
        await asyncio.to_thread(shutil.rmtree, home, True)
