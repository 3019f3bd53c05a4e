"""Errors of the HTTP edge and THE one place where errors become answers.

Every error body is `{"code": ..., "message": ...}`: the code is for programs, the message says what to do. Nothing
of the request (numbers, names, passwords) is put into a log line or an answer.
"""

from __future__ import annotations

import traceback

import msgspec
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from ctiserver.model.errors import CommandRejected, Rejection, SwitchError
from ctiserver.ports_http import DatabaseUnavailable
from ctiserver.store.passwords import TooBusy

log = structlog.get_logger(__name__)


class ErrorBody(msgspec.Struct, frozen=True):
    code: str
    message: str


class ApiError(Exception):
    """An answer other than success. `retry_after` is in seconds."""

    def __init__(self, status: int, code: str, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = retry_after


class BadRequest(ApiError):
    def __init__(self, message: str, code: str = "bad_request") -> None:
        super().__init__(400, code, message)


class NotLoggedIn(ApiError):
    def __init__(self) -> None:
        super().__init__(401, "not_logged_in", "Log in first.")


class Forbidden(ApiError):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(403, code, message)


class NotFound(ApiError):
    def __init__(self, code: str = "not_found", message: str = "There is nothing at this address.") -> None:
        super().__init__(404, code, message)


class Conflict(ApiError):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(409, code, message)


class Unavailable(ApiError):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(503, code, message, retry_after=2.0)


_BUSY = frozenset({Rejection.OVERLOADED, Rejection.JOURNAL_FULL})
_HTTP_CODES = {
    400: ("bad_request", "This address cannot be asked like that."),
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not take that method."),
    429: ("too_many", "Too many of these at once. Close some pages, then try again."),
    413: ("body_too_large", "The request body is too large."),
}


@web.middleware
async def errors_to_answers(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ApiError as error:
        return answer(error)
    except CommandRejected as error:
        status = 503 if error.code in _BUSY else 409
        return answer(ApiError(status, error.code.value, error.detail or "This is not possible now."))
    except DatabaseUnavailable:
        return answer(Unavailable("database_unavailable", "Calls go on. Try this again in a moment."))
    except (TooBusy, TimeoutError):
        return answer(Unavailable("busy", "The server is busy. Try this again in a moment."))
    except SwitchError:
        return answer(Unavailable("switch_unavailable", "The telephone switch is away. Try this again in a moment."))
    except ConnectionError:
        # Most often the client has gone, and nobody reads this; raised on, aiohttp would log it as a mistake of ours.
        return answer(Unavailable("connection_lost", "A connection broke on the way. Try this again in a moment."))
    except web.HTTPException as error:
        if error.status < 400:
            raise
        code, message = _HTTP_CODES.get(error.status, ("refused", error.reason))
        response = answer(ApiError(error.status, code, message))
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
        return response
    except Exception as error:  # the edge: a mistake of ours must not leak, and must be seen
        resource = request.match_info.route.resource
        log.error(
            "request_failed",
            method=request.method,
            route=resource.canonical if resource is not None else "",
            error=type(error).__name__,
            where=[f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-4:]],
        )
        return answer(ApiError(500, "internal_error", "This is our mistake; it has been logged."))


def answer(error: ApiError) -> web.Response:
    response = json_answer(ErrorBody(error.code, error.message), status=error.status)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(max(1, round(error.retry_after)))
    return response


def json_answer(value: object, *, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")
