"""Waiting on real systems: poll with a deadline, or hit an exact moment.

Here: `eventually`, `never` and `exactly_at`, and how long a test waits for what has no time of its own. Not here:
anything that a virtual clock could do instead.
"""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, overload

T = TypeVar("T")

PATIENCE = 10.0
"""Seconds that a test waits for what must come when *how soon* is not what it asks. Long, because only a failing test
waits so long, and a machine with other work may keep a process from its turn for seconds. A test that asks how soon
belongs into a file that runs with little beside it (PAIRED_TESTS or LONELY_TESTS in the Makefile)."""
STARTING = 60.0
"""The same for a server that starts: 1 to 2 s of a processor that others may want too."""


async def _ask(condition: Callable[[], T | Awaitable[T]]) -> T:
    answer = condition()
    if inspect.isawaitable(answer):
        return await answer
    return answer


@overload
async def eventually(condition: Callable[[], Awaitable[T]], timeout: float, what: str, *, poll: float = 0.02) -> T: ...


@overload
async def eventually(condition: Callable[[], T], timeout: float, what: str, *, poll: float = 0.02) -> T: ...


async def eventually(condition: Callable[[], T | Awaitable[T]], timeout: float, what: str, *, poll: float = 0.02) -> T:
    """Returns the first true value of `condition` (plain or async); asks at least once.

    An AssertionError inside the condition means "not yet". After `timeout` seconds fails with `what`, the last
    value and the last assertion; other exceptions pass through at once. A check that hangs is cut off.
    """
    started = time.monotonic()
    last: object = None
    doubt: AssertionError | None = None
    while True:
        try:
            value = await asyncio.wait_for(_ask(condition), max(timeout - (time.monotonic() - started), 1.0))
            if value:
                return value
            last, doubt = value, None
        except AssertionError as error:
            doubt = error
        except TimeoutError:
            raise AssertionError(f"not within {timeout:g} s: {what} (the check itself did not return)") from None
        if time.monotonic() - started >= timeout:
            seen = f"last check said: {doubt}" if doubt else f"last value: {last!r}"
            raise AssertionError(f"not within {timeout:g} s: {what} ({seen})") from doubt
        await asyncio.sleep(poll)


async def never(
    condition: Callable[[], object | Awaitable[object]], during: float, what: str, *, poll: float = 0.02
) -> None:
    """Fails as soon as `condition` is true within the next `during` seconds."""
    started = time.monotonic()
    while (passed := time.monotonic() - started) < during:
        value = await _ask(condition)
        if value:
            raise AssertionError(f"after {passed:.2f} s it happened after all: {what} (value: {value!r})")
        await asyncio.sleep(poll)


async def exactly_at(moment: float) -> float:
    """Returns at this time.monotonic() moment, and how many seconds late it is (some 10 us).

    An event loop wakes up to 1 ms late, so the last 2 ms are spent spinning; a past moment returns at once.
    """
    ahead = moment - time.monotonic()
    if ahead > 0.002:
        await asyncio.sleep(ahead - 0.002)
    while (late := time.monotonic() - moment) < 0:
        pass
    return late
