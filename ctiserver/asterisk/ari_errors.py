"""What can go wrong between us and Asterisk's REST interface. Only error types live here.

`sent` says whether Asterisk may have seen the request. False is certain: nothing happened. True means
unknown: GET the thing and decide again, never send the same request once more (DESIGN 5.2).
"""

from __future__ import annotations


class AriError(Exception):
    """The root: a request to Asterisk had no good answer."""

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class AriRefused(AriError):
    """Asterisk answered with a status of 400 or more. `what` is the request, without its parameters."""

    def __init__(self, status: int, message: str, what: str = "") -> None:
        super().__init__(f"{what}: {status} {message}" if what else f"{status} {message}", sent=True)
        self.status = status
        self.message = message


class AriTimeout(AriError):
    """No answer within the request's deadline."""


class AriLost(AriError):
    """There is no connection, or it broke while the request was on its way."""


class AriBusy(AriError):
    """Too many requests wait already; this one was not sent."""


class AriTooBig(AriError):
    """The request is longer than Asterisk takes over the WebSocket; by HTTP it takes even less. Not sent."""


class AriReplaced(AriError):
    """Another client owns our application now: we may not ask for anything any more."""


class AriUnreadable(AriError):
    """Asterisk said yes, but its answer is not what the interface promises."""
