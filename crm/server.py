"""The CRM's side of a call: who is calling, and one customer's card for a page.

Lives here: the look-up that answers the FindCustomer effect, its deadline and small memory, and read-only routes.
Must not live here: SQL (ctiserver.store) and rules (crm.rules). Nothing on the call path waits for it (DESIGN 1).
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Callable

import msgspec
import structlog
from aiohttp import web

from crm.rules.phones import phone_key
from ctiserver.model.facts import Customer
from ctiserver.model.principal import Permission
from ctiserver.ports_http import Customers, DatabaseUnavailable, Route

log = structlog.get_logger(__name__)

_FRESH_SECONDS = 60.0
_DEADLINE_SECONDS = 2.0
_REMEMBERED = 2000
_ID = re.compile(r"^[A-Za-z0-9_\-]{1,64}$")


class CustomerDesk:
    """Finds customers. `now` is any rising clock in seconds.

    What was found is kept for a minute, and longer while the database is away: an old card is better than none.
    """

    def __init__(self, customers: Customers, now: Callable[[], float]) -> None:
        self._customers = customers
        self._now = now
        self._known: OrderedDict[str, tuple[float, Customer | None]] = OrderedDict()

    async def find(self, number: str) -> Customer | None:
        """Who has this number; None if nobody is known, or nobody can be asked in 2 s. Never raises."""
        key = phone_key(number)
        if not key:
            return None
        at, known = self._known.get(key, (0.0, None))
        if key in self._known and self._now() - at < _FRESH_SECONDS:
            return known
        try:
            async with asyncio.timeout(_DEADLINE_SECONDS):
                found = await self._customers.by_number(number)
        except (DatabaseUnavailable, TimeoutError):
            log.warning("customer_not_looked_up")
            return known
        self._known[key] = (self._now(), found)
        self._known.move_to_end(key)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return found

    async def card(self, request: web.Request) -> web.StreamResponse:
        """GET /api/v1/customers/{customer}: one customer with his phones and history."""
        customer = request.match_info["customer"]
        found = await self._customers.by_id(customer) if _ID.match(customer) else None
        if found is None:
            raise web.HTTPNotFound
        return web.Response(body=msgspec.json.encode(found), content_type="application/json")

    def routes(self) -> tuple[Route, ...]:
        return (
            Route(
                method="GET",
                path="/api/v1/customers/{customer}",
                handler=self.card,
                summary="One customer with his phones and history",
                access=Permission.CUSTOMERS,
                answer=Customer,
                statuses=(401, 403, 404, 503),
            ),
        )
