"""Sends callers to the dialplan's apology while the server is away.

Here: which callers, and the one request each. Not here: when (the supervisor decides), and no other call control: this
is the only thing anybody but the server ever does to a call. It goes over plain HTTP, which works while the application
is dead; a channel in Stasis whose application died stays there in silence for ever otherwise.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import aiohttp
import msgspec

from ctiserver.asterisk.address import AriAddress
from ctiserver.model import ids

ARRIVALS = "hollyhock-in"  # the context of calls from outside, also while they are in Stasis
APOLOGY = "hollyhock-apology"
_PATIENCE = 3.0


def silent_callers(channels: list[Any], bridges: list[Any]) -> list[str]:
    """Ids of the callers who are not talking, in the order of `channels`.

    Talking means: in a talk bridge (id ends in `-t`) with somebody else. All others go, those with hold music too:
    nobody is left who would ever end their waiting. Not customers whom we have called: from the dialplan they would
    come back as callers.
    """
    talking = {
        member
        for bridge in bridges
        if str(bridge["id"]).endswith("-t") and len(bridge["channels"]) > 1
        for member in bridge["channels"]
    }
    return [
        channel["id"]
        for channel in channels
        if channel["dialplan"]["context"] == ARRIVALS
        and channel["id"] not in talking
        and ids.owner(channel["id"]) is None
    ]


async def apologise(ari: AriAddress) -> list[str]:
    """One sweep over all channels; returns the ids of those that Asterisk agreed to send.

    A channel in the middle of a prompt goes when the prompt has ended, and is returned again until then.
    Raises aiohttp.ClientError or TimeoutError.
    """
    headers = {"Authorization": aiohttp.encode_basic_auth(ari.user, ari.password)}
    limit = aiohttp.ClientTimeout(total=_PATIENCE)
    async with aiohttp.ClientSession(timeout=limit, headers=headers, raise_for_status=True) as session:
        lists = []
        for what in ("channels", "bridges"):
            async with session.get(f"{ari.url}/ari/{what}") as answer:
                lists.append(msgspec.json.decode(await answer.read()))
        sent = []
        for channel in silent_callers(*lists):
            where = {"context": APOLOGY, "extension": "s", "priority": "1"}
            url = f"{ari.url}/ari/channels/{quote(channel, safe='')}/continue"
            async with session.post(url, params=where, raise_for_status=False) as answer:
                if answer.status == 204:  # 404, 409: hung up or left Stasis meanwhile
                    sent.append(channel)
        return sent
