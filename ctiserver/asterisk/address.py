"""Where an Asterisk's REST interface (ARI) is reached.

Here: one value type, shared by whoever starts an Asterisk and whoever talks to it. Not here: any connection.
The values come from the instance file that `runtime` writes, or from the setting HOLLYHOCK_ASTERISK.
"""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import msgspec


class AriAddress(msgspec.Struct, frozen=True, kw_only=True):
    """`url` has no trailing slash and no `/ari`: append `/ari/...` yourself. User and password: ari.conf."""

    url: str
    user: str
    password: str

    def __repr__(self) -> str:
        """Without the password, so that it cannot slip into a log."""
        return f"AriAddress({self.url!r}, user={self.user!r})"


def parse_ari_url(text: str) -> AriAddress:
    """`http://user:password@host:port` -> AriAddress. Raises ValueError with a one-line reason."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https"):
        raise ValueError("it must start with http:// or https://")
    if not parts.hostname:
        raise ValueError("it names no host")
    if not parts.username or not parts.password:
        raise ValueError("it needs user and password: http://USER:PASSWORD@HOST:PORT")
    if parts.query or parts.fragment:
        raise ValueError("it must end after the path")
    path = parts.path.rstrip("/").removesuffix("/ari")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = parts.port or (443 if parts.scheme == "https" else 8088)
    return AriAddress(
        url=f"{parts.scheme}://{host}:{port}{path}", user=unquote(parts.username), password=unquote(parts.password)
    )
