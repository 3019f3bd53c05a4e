"""Phones made at run time: one SIP endpoint a device lease, one a demo caller, one a desk phone of the site, through
ARI's dynamic configuration.

They live in Asterisk's memory only and are made again at each connect. Passwords are derived, never stored here
(see `password_of`). Options and their reasons: FACTS, "WebRTC in the browser", and beside them.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Callable, Iterable

from ctiserver.asterisk.ari_calls import AriCalls
from ctiserver.model.ids import desk_endpoint, desk_phone
from ctiserver.model.site import PhoneConfig

_BROWSER = {
    "transport": "browser-ws",
    "webrtc": "yes",
    "dtls_auto_generate_cert": "yes",
    "disallow": "all",
    "allow": "alaw,ulaw,opus",
    "direct_media": "no",
    "dtmf_mode": "auto",
    "rtp_timeout": "8",  # without it a reloaded page leaves its leg up for ever
    "rtp_timeout_hold": "60",
    "allow_transfer": "no",
    "allow_subscribe": "no",
    "force_rport": "yes",
    "rewrite_contact": "yes",  # whatever a page writes as its contact: we ring the socket it came by
    "set_var": "FORWARD_CONTEXT=hollyhock-forward",
    "deny": "0.0.0.0/0.0.0.0",
    "permit": "127.0.0.1/255.255.255.255",  # SIP comes only through our own proxy
}
_DESK = {
    "disallow": "all",
    "allow": "alaw,ulaw",  # what the trunk speaks: nothing is transcoded
    "direct_media": "no",
    "dtmf_mode": "auto",
    "allow_transfer": "no",
    "allow_subscribe": "no",
    "timers": "yes",  # no rtp_timeout: a phone on hold or mute may send nothing; one that died is found by its timer
    "timers_sess_expires": "120",
    "force_rport": "yes",
    "rewrite_contact": "yes",
    "rtp_symmetric": "yes",
    "set_var": "FORWARD_CONTEXT=hollyhock-forward",
}
"""No transport is named: a phone is called by the one that its contact says, UDP or TCP."""
_REGISTERING = {
    "max_contacts": "1",
    "remove_existing": "yes",
    "support_path": "no",
    "minimum_expiration": "30",
    "default_expiration": "120",
    "maximum_expiration": "120",  # an Asterisk that was started again knows no phone: each is back in two minutes
    "qualify_frequency": "30",  # a phone that was pulled out of the wall is not rung for an hour
    "qualify_timeout": "3.0",
}
AGENT_CONTEXT = "hollyhock-forward"
"""What an agent's phone dials by itself goes nowhere: calls are commands of the desktop."""
CALLER_CONTEXT = "hollyhock-in"


def password_of(signing_key: str, endpoint: str) -> str:
    """The secret of an endpoint: random per lease, because the lease is; a desk phone's stays, because the key is kept.
    32 characters, which is what most desk phones take."""
    return hmac.new(signing_key.encode(), b"device " + endpoint.encode(), hashlib.sha256).hexdigest()[:32]


class Devices:
    """Makes and removes endpoints. `password(endpoint)` derives the secret of an endpoint."""

    def __init__(self, calls: AriCalls, password: Callable[[str], str]) -> None:
        self._calls = calls
        self._password = password

    async def provision_agent(self, endpoint: str) -> None:
        """An agent's browser phone: registers, one contact only. Safe to repeat. Raises AriError."""
        await self._auth(endpoint)
        await self._calls.put_dynamic(
            "res_pjsip",
            "aor",
            endpoint,
            {"max_contacts": "1", "remove_existing": "yes", "support_path": "no", "maximum_expiration": "600"},
        )
        await self._endpoint(endpoint, {"context": AGENT_CONTEXT, "auth": endpoint, "aors": endpoint})

    async def provision_caller(self, endpoint: str, number: str, name: str) -> None:
        """A demo customer's browser: calls in with a fixed caller number, cannot be called."""
        await self._auth(endpoint)
        callerid = f'"{name}" <{number}>'
        await self._endpoint(
            endpoint,
            {
                "context": CALLER_CONTEXT,
                "auth": endpoint,
                "callerid": callerid,
                "trust_id_inbound": "no",
                "rtp_timeout": "15",
            },
        )

    async def set_phones(self, phones: Iterable[PhoneConfig]) -> None:
        """The desk phones are these: makes what is missing, changes what is different, removes the others.

        What is there already is left alone: its registration lives on. Raises AriError."""
        wanted = {desk_endpoint(phone.id): phone for phone in phones}
        there = [e.resource for e in await self._calls.get_endpoints() if desk_phone(e.resource) is not None]
        await asyncio.gather(
            *(self.remove(endpoint) for endpoint in there if endpoint not in wanted),
            *(self._desk(endpoint, phone.contact, endpoint in there) for endpoint, phone in wanted.items()),
        )

    async def _desk(self, endpoint: str, contact: str, there: bool) -> None:
        """Also one at a fixed contact has a password: what it sends by itself is refused without one."""
        found = await self._calls.find_dynamic("res_pjsip", "aor", endpoint) if there else None
        kept = {one.attribute: one.value for one in found or ()}
        registers = kept.get("max_contacts") == _REGISTERING["max_contacts"]  # its present contact is shown as well
        if not kept or (kept.get("contact") != contact if contact else not registers):
            if kept:  # a second PUT would add to the contacts
                await self._calls.delete_dynamic("res_pjsip", "aor", endpoint)
            fields = {"contact": contact} if contact else _REGISTERING
            await self._calls.put_dynamic("res_pjsip", "aor", endpoint, fields)
        if not there:
            await self._auth(endpoint)
            fields = {"context": AGENT_CONTEXT, "auth": endpoint, "aors": endpoint}
            await self._calls.put_dynamic("res_pjsip", "endpoint", endpoint, {**_DESK, **fields})

    async def remove(self, endpoint: str) -> None:
        """End an endpoint and its registration; a call that it carries goes on."""
        for kind in ("endpoint", "aor", "auth"):
            await self._calls.delete_dynamic("res_pjsip", kind, endpoint)

    async def _endpoint(self, endpoint: str, fields: dict[str, str]) -> None:
        """Made once: an endpoint that is put a second time answers 401 to every password from then on (measured on
        22.10.1). `auth` and `aor` can be put any number of times."""
        if await self._calls.find_dynamic("res_pjsip", "endpoint", endpoint) is None:
            await self._calls.put_dynamic("res_pjsip", "endpoint", endpoint, {**_BROWSER, **fields})

    async def _auth(self, endpoint: str) -> None:
        await self._calls.put_dynamic(
            "res_pjsip",
            "auth",
            endpoint,
            {"auth_type": "userpass", "username": endpoint, "password": self._password(endpoint)},
        )
