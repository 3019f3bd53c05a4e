"""An agent without a browser who really talks: `Desk` with a baresip softphone. The phone itself is in baresip.py."""

from __future__ import annotations

from typing import Any, cast

from tests.harness.baresip import Baresip
from tests.harness.site import Desk, Site
from tests.harness.wsphone import WsPhone


class SoundDesk(Desk):
    """`async with SoundDesk(site, "1001", stack, tone=880) as desk:`; `desk.phone.call` is the talk, with its sound."""

    def __init__(self, site: Site, user: str, stack: Baresip, *, tone: float) -> None:
        super().__init__(site, user)
        self._stack, self._tone = stack, tone

    async def _open_phone(self, url: str, user: str, password: str, cookies: dict[str, str]) -> WsPhone:
        headers = {"Origin": self.site.url}
        made: Any = await self._stack.softphone(
            url, user=user, password=password, headers=headers, cookies=cookies, tone=self._tone
        )
        return cast(WsPhone, made)
