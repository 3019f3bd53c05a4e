"""What the SIP proxy reads in a SIP message: start line, method, user parts of From, To and Request-URI. Pure.

It is not a SIP parser: Asterisk is. It only has to be sure about the few things that it decides on, so whatever is
ambiguous (two From headers, a folded line, no user) is refused instead of guessed.
"""

from __future__ import annotations

import re

import msgspec

# What our softphone sends. REFER, SUBSCRIBE, MESSAGE and PUBLISH are not: transfers are the server's, and a REFER can
# crash Asterisk 22.10.1 (FACTS).
METHODS = frozenset({"REGISTER", "INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "INFO", "UPDATE", "PRACK"})

_REQUEST = re.compile(r"^([A-Z]{3,16}) (sips?:[^ ]{1,512}) SIP/2\.0$")
_USER = re.compile(r"sips?:([^@:;<> ]+)(?::[^@]*)?@", re.IGNORECASE)
_TAG = re.compile(r";\s*tag\s*=", re.IGNORECASE)
_COMPACT = {"f": "from", "t": "to"}


class Sip(msgspec.Struct, frozen=True):
    """A SIP request, as far as the proxy cares."""

    method: str
    uri_user: str
    from_user: str
    to_user: str
    in_dialog: bool


class BadSip(Exception):
    """Not a SIP message that our softphone would send."""


def read(text: str) -> Sip | None:
    """The request in a frame; None for a response or a keep-alive. Raises BadSip."""
    if not text.strip("\r\n"):
        return None
    head = text.split("\r\n\r\n", 1)[0]
    lines = head.split("\r\n")
    if lines[0].startswith("SIP/2.0 "):
        return None
    start = _REQUEST.match(lines[0])
    if start is None:
        raise BadSip("start line")
    if start.group(1) not in METHODS:
        raise BadSip("method")
    found: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if line[:1] in (" ", "\t") or not colon or "\n" in line or "\r" in line:
            raise BadSip("header line")
        key = name.strip().lower()
        key = _COMPACT.get(key, key)
        if key in ("from", "to"):
            if key in found:
                raise BadSip("repeated header")
            found[key] = value
    if "from" not in found or "to" not in found:
        raise BadSip("missing header")
    return Sip(
        method=start.group(1),
        uri_user=_user(start.group(2)),
        from_user=_user(found["from"]),
        to_user=_user(found["to"]),
        in_dialog=_TAG.search(found["to"].rpartition(">")[2]) is not None,
    )


def allowed(sip: Sip, endpoint: str, may_call: tuple[str, ...]) -> bool:
    """Whether the holder of `endpoint` may send this request.

    In a dialog, From is whatever Asterisk called the phone; Asterisk matches the dialog itself.
    """
    if sip.method == "REGISTER":
        return sip.from_user == endpoint and sip.to_user == endpoint
    if sip.in_dialog:
        return True
    if sip.method == "INVITE":
        return sip.from_user == endpoint and sip.uri_user in may_call and sip.to_user == sip.uri_user
    if sip.method in ("ACK", "CANCEL"):
        return True  # of an INVITE that was let through; without one they do nothing
    return sip.method == "OPTIONS" and sip.from_user == endpoint


def _user(value: str) -> str:
    """The user part of the address; a display name in quotes is no address. '' if there is none."""
    if "<" in value:
        value = re.sub(r'"(?:[^"\\]|\\.)*"', "", value)
        value = value[value.find("<") + 1 :].partition(">")[0]
    found = _USER.match(value.strip())
    return found.group(1) if found else ""


def accepts_registration(text: str) -> bool:
    """Whether this is Asterisk's 200 to a REGISTER that keeps a contact (an un-REGISTER is answered without one)."""
    if not text.startswith("SIP/2.0 200 "):
        return False
    head = text.partition("\r\n\r\n")[0].lower()
    return re.search(r"^cseq:\s*\d+\s+register\s*$", head, re.M) is not None and "\r\ncontact:" in head
