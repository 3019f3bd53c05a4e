"""`hollyhock phones`: the desk phones of the site, what to enter in each of them, and which are registered.

Lives here: the list for the operator. Not here: endpoints (ctiserver.asterisk.devices makes them). It reads the site's
file, the signing key, and asks Asterisk itself; the server need not run. Passwords go to the terminal, never to a log.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from ctiserver import site
from ctiserver.asterisk import ari_http
from ctiserver.asterisk.address import AriAddress
from ctiserver.asterisk.ari_errors import AriError
from ctiserver.asterisk.devices import password_of
from ctiserver.asterisk.wire import Endpoint, decode_as
from ctiserver.model.ids import desk_endpoint
from ctiserver.model.site import PhoneConfig
from ctiserver.settings import Settings, load_secrets
from ivr.speech.prompts import PromptStore

COLUMNS = ("phone", "name", "user name", "password", "server", "state")
_ANSWER_BYTES = 16 * 1024 * 1024
_DEADLINE = 3.0


def phones_of(settings: Settings) -> tuple[PhoneConfig, ...]:
    """The phones of the data folder's site. Raises BadSite."""
    return site.load(settings.home / "site", PromptStore(site.PROMPTS), settings.sounds / "prompts").phones


async def online(ari: AriAddress) -> tuple[str, ...] | None:
    """Endpoints that can be rung now; None if Asterisk does not tell."""
    http = ari_http.AriHttp(ari, answer_bytes=_ANSWER_BYTES)
    uri = ari_http.make_uri(("endpoints", "PJSIP"))
    try:
        answer = await http.request("GET", uri, None, what="GET endpoints", deadline=_DEADLINE)
        endpoints = decode_as(answer.body, list[Endpoint]) if answer.status == 200 else None
    except (AriError, msgspec.DecodeError):
        return None
    finally:
        await http.close()
    return tuple(e.resource for e in endpoints if e.state == "online") if endpoints is not None else None


def rows(settings: Settings, phones: Iterable[PhoneConfig], there: tuple[str, ...] | None) -> list[tuple[str, ...]]:
    """One row a phone, in the order of the site. One at a fixed contact has a password too, for what it sends."""
    key = load_secrets(settings).signing_key
    host, port = settings.telephony.sip
    server = f"{'(this machine)' if host in ('0.0.0.0', '::') else host}:{port}"
    found: list[tuple[str, ...]] = []
    for phone in phones:
        endpoint = desk_endpoint(phone.id)
        if phone.contact:
            state = f"at {phone.contact.removeprefix('sip:')}"
        else:
            state = "unknown" if there is None else "registered" if endpoint in there else "not registered"
        found.append((phone.id, phone.name.en, endpoint, password_of(key, endpoint), server, state))
    return found


def table(found: Iterable[tuple[str, ...]]) -> str:
    lines = [COLUMNS, *found]
    widths = [max(len(line[place]) for line in lines) for place in range(len(COLUMNS))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
