"""The site that is measured: the demo site with as many agents as wanted, in a folder of its own that goes afterwards.

Here: the site file, the people in its database, starting and ending it all. Not here: anything that only a benchmark
may do to the server: it runs as it is shipped, in a process of its own.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from ctiserver import site as sites
from ctiserver.asterisk.runtime import running
from ctiserver.model.ids import AgentId
from ctiserver.model.principal import Role
from ctiserver.model.site import Label
from ctiserver.ports_http import User
from ctiserver.store import demo
from ctiserver.store.database import Database
from ctiserver.store.passwords import Passwords
from ctiserver.store.users import SqlUsers
from tests.harness.site import PASSWORD, Site

RTP = (26000, 29999)
"""Ports for Asterisk; below the range that Linux hands out by itself."""
NUMBER = "95500"
DIGIT = "1"
"""The demo flow's way to the queue `service`."""


def agent_names(count: int) -> list[str]:
    """1001, 1002 ...; the first six are the demo site's own people."""
    return [str(1001 + index) for index in range(count)]


def site_text(agents: int) -> str:
    """The demo site's file with these agents, who all serve the queue `service` alike."""
    text = sites.DEMO_SITE.read_text("utf-8")
    before, _, rest = text.partition("[[agents]]")
    after = rest[rest.index("[[reasons]]") :]
    rows = "".join(
        f'[[agents]]\nid = "{name}"\nname = {{ zh = "坐席{name}", en = "Agent {name}" }}\n'
        'skills = { Mandarin = 80, billing = 80, fault = 80, sales = 80 }\nqueues = ["service"]\nmax_misses = 0\n\n'
        for name in agent_names(agents)
    )
    return before + rows + after


async def people(database_url: str, agents: int) -> None:
    """The demo people and customers, and the further agents, all with the password of the tests."""
    database, passwords = Database(database_url), Passwords()
    try:
        password = await asyncio.to_thread(passwords.hash_now, PASSWORD)
        await database.migrate()
        await demo.seed(database, password, time.time())
        users = SqlUsers(database)
        for name in agent_names(agents):
            if await users.get(name) is None:
                label = Label(zh=f"坐席{name}", en=f"Agent {name}")
                await users.add(User(id=name, role=Role.AGENT, password_hash=password, name=label, agent=AgentId(name)))
    finally:
        passwords.close()
        await database.close()


def _folder(agents: int) -> Path:
    """A data folder that Asterisk's unprivileged user can reach, with the site file in it."""
    home = Path(tempfile.mkdtemp(prefix="hollyhock-bench-"))
    home.chmod(0o755)
    sites.seed(home / "site")
    (home / "site" / "site.toml").write_text(site_text(agents), "utf-8")
    return home


@asynccontextmanager
async def house(agents: int) -> AsyncIterator[Site]:
    """Asterisk and server, started; both end with the block and the folder goes."""
    home = await asyncio.to_thread(_folder, agents)
    try:
        await people(f"sqlite+aiosqlite:///{home / 'hollyhock.db'}", agents)
        async with running(home, rtp=RTP) as asterisk, Site(home, asterisk, RTP, {}) as site:
            yield site
    finally:
        await asyncio.to_thread(shutil.rmtree, home, True)
