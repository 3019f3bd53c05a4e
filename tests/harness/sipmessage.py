"""SIP messages as data: parse, build, digest answers.

Here: `SipMessage`, header helpers, HTTP-digest arithmetic of REGISTER and INVITE. Not here: sockets, timers, dialogs.
Grammar: RFC 3261 (compact header names, folded lines); digest: RFC 2617 and RFC 8760 (MD5, SHA-256). The parser
is forgiving, since tests also look at odd messages; it raises ValueError only for what is no SIP message at all.
"""

import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field

COMPACT = {
    "v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length", "c": "content-type",
    "s": "subject", "k": "supported", "e": "content-encoding", "o": "event", "r": "refer-to",
}  # fmt: skip

REASONS = {
    100: "Trying", 180: "Ringing", 183: "Session Progress", 200: "OK", 202: "Accepted", 302: "Moved Temporarily",
    400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 408: "Request Timeout",
    480: "Temporarily Unavailable", 481: "Call/Transaction Does Not Exist", 486: "Busy Here",
    487: "Request Terminated", 488: "Not Acceptable Here", 500: "Server Internal Error", 503: "Service Unavailable",
    603: "Decline",
}  # fmt: skip


def _canonical(name: str) -> str:
    name = name.strip().lower()
    return COMPACT.get(name, name)


@dataclass
class SipMessage:
    """A request (`method` and `uri` set) or a response (`status` set). Header order and repeats are kept.

    Text is latin-1, so that every byte on the wire survives a round trip.
    """

    method: str = ""
    uri: str = ""
    status: int = 0
    reason: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    @property
    def is_request(self) -> bool:
        return self.status == 0

    def get(self, name: str, default: str = "") -> str:
        """First value of a header, by its long name in any case; compact forms count."""
        return next((value for key, value in self.headers if _canonical(key) == name.lower()), default)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if _canonical(key) == name.lower()]

    def set(self, name: str, value: str) -> None:
        """Replaces every header of this name by one."""
        self.headers = [(k, v) for k, v in self.headers if _canonical(k) != name.lower()] + [(name, value)]

    @property
    def call_id(self) -> str:
        return self.get("call-id")

    @property
    def cseq(self) -> int:
        number = self.get("cseq").split(" ")[0]
        return int(number) if number.isdigit() else 0

    @property
    def cseq_method(self) -> str:
        return self.get("cseq").rpartition(" ")[2].upper()

    @property
    def branch(self) -> str:
        return param(self.get("via"), "branch")

    def __str__(self) -> str:
        return f"{self.method} {self.uri}" if self.is_request else f"{self.status} {self.reason} ({self.cseq_method})"

    def encode(self) -> bytes:
        """The bytes on the wire; Content-Length is added unless the headers already name one."""
        first = f"{self.method} {self.uri} SIP/2.0" if self.is_request else f"SIP/2.0 {self.status} {self.reason}"
        lines = [first, *(f"{name}: {value}" for name, value in self.headers)]
        if not self.get("content-length"):
            lines.append(f"Content-Length: {len(self.body)}")
        return b"\r\n".join(_octets(line) for line in lines) + b"\r\n\r\n" + self.body


def _octets(line: str) -> bytes:
    """What was parsed goes back as the same bytes; text with Chinese in it goes out as UTF-8."""
    try:
        return line.encode("latin-1")
    except UnicodeEncodeError:
        return line.encode()


def parse(data: bytes) -> SipMessage:
    """Raises ValueError when the first line is neither a SIP request nor a SIP status line."""
    head, _, body = data.partition(b"\r\n\r\n")
    lines = re.sub(r"\r\n[ \t]+", " ", head.decode("latin-1")).split("\r\n")
    message = SipMessage(body=body)
    if status := re.fullmatch(r"SIP/2\.0 (\d{3}) ?(.*)", lines[0]):
        message.status, message.reason = int(status[1]), status[2]
    elif request := re.fullmatch(r"(\S+) (.+) SIP/2\.0", lines[0]):
        message.method, message.uri = request[1], request[2]
    else:
        raise ValueError(f"no SIP message: {lines[0][:60]!r}")
    for line in lines[1:]:
        name, _, value = line.partition(":")
        message.headers.append((name.strip(), value.strip()))
    return message


def param(header: str, name: str) -> str:
    """A parameter behind the address: param('<sip:a@b>;tag=x', 'tag') == 'x'; '' when absent."""
    tail = header.rpartition(">")[2] if ">" in header else header
    found = re.search(rf";\s*{name}\s*=\s*\"?([^;,\s\"]+)", tail, re.IGNORECASE)
    return found[1] if found else ""


def address(header: str) -> str:
    """The bare URI of a From, To or Contact header."""
    found = re.search(r"<([^>]*)>", header)
    return found[1] if found else header.split(";")[0].strip()


def display_name(header: str) -> str:
    return header.partition("<")[0].strip().strip('"')


def new_branch() -> str:
    return "z9hG4bK" + secrets.token_hex(8)


def new_tag() -> str:
    return secrets.token_hex(5)


def response_to(request: SipMessage, status: int, *, tag: str = "", reason: str = "") -> SipMessage:
    """Copies Via, From, To, Call-ID, CSeq and Record-Route (RFC 3261 8.2.6.2); adds `tag` to To if it has none."""
    answer = SipMessage(status=status, reason=reason or REASONS.get(status, "Unknown"))
    for name in ("Via", "Record-Route", "From", "To", "Call-ID", "CSeq"):
        for value in request.all(name):
            if name == "To" and tag and not param(value, "tag"):
                value += f";tag={tag}"
            answer.headers.append((name, value))
    return answer


def digest_answer(challenge: str, *, method: str, uri: str, user: str, password: str, body: bytes = b"") -> str:
    """The Authorization header for a WWW-Authenticate or Proxy-Authenticate challenge.

    Supports MD5 and SHA-256, qop=auth or none. Raises ValueError for another algorithm.
    """
    fields = dict(re.findall(r"(\w+)\s*=\s*\"?([^\",]*)\"?", challenge.partition(" ")[2]))
    algorithm = fields.get("algorithm", "MD5")
    if algorithm.upper() not in ("MD5", "SHA-256"):
        raise ValueError(f"digest algorithm {algorithm} is not supported")

    def hashed(*parts: str) -> str:
        maker = hashlib.md5 if algorithm.upper() == "MD5" else hashlib.sha256
        return maker(":".join(parts).encode()).hexdigest()

    realm, nonce = fields.get("realm", ""), fields.get("nonce", "")
    secret, action = hashed(user, realm, password), hashed(method, uri)
    answer = [f'username="{user}"', f'realm="{realm}"', f'nonce="{nonce}"', f'uri="{uri}"', f"algorithm={algorithm}"]
    if "auth" in fields.get("qop", "").split(","):
        cnonce = secrets.token_hex(8)
        response = hashed(secret, nonce, "00000001", cnonce, "auth", action)
        answer += ["qop=auth", "nc=00000001", f'cnonce="{cnonce}"']
    else:
        response = hashed(secret, nonce, action)
    if "opaque" in fields:
        answer.append(f'opaque="{fields["opaque"]}"')
    return "Digest " + ", ".join([*answer, f'response="{response}"'])


def challenge_of(response: SipMessage) -> tuple[str, str]:
    """For 401 and 407: the name of the header to answer with, and the challenge; ('', '') for others."""
    kinds: Iterable[tuple[int, str, str]] = (
        (401, "www-authenticate", "Authorization"),
        (407, "proxy-authenticate", "Proxy-Authorization"),
    )
    for status, asked, answered in kinds:
        if response.status == status and response.get(asked):
            return answered, response.get(asked)
    return "", ""
