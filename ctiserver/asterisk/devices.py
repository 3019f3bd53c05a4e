"""Phones made at run time: one SIP endpoint a device lease, and one a demo caller, through ARI's dynamic configuration.

They live in Asterisk's memory only and are made again at each connect. Passwords are derived, never stored here
(see `password`). Options and their reasons: FACTS, "WebRTC in the browser".
"""

from __future__ import annotations

from collections.abc import Callable

from ctiserver.asterisk.ari_calls import AriCalls

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
AGENT_CONTEXT = "hollyhock-forward"
"""What an agent's phone dials by itself goes nowhere: calls are commands of the desktop."""
CALLER_CONTEXT = "hollyhock-in"


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
