"""Forecast: how long a caller will wait, as an interval that held for four of five, and silence where it did not.

Lives here: what is learned from a queue's own line, and the prediction. Not here: where a contact stands in the line
(`index.position`), who tells the caller (`comfort`). Every event costs the same, however long the line is.

While somebody waits, the line moves each time that an agent takes one of them. The mean time between two such moves
(the latest MEMORY count most; a line that has just stood still for longer than that counts too) times the place is the
prediction; moves come about as by chance, so the time to the k-th is spread like a Gamma of shape k, whose quantiles
are taken by the formula of Wilson and Hilferty. What that leaves out (callers who give up, agents who come and go,
skills, lumpy service) is learned: each finished wait that fell below its interval moves the lower end down, each one
that did not moves it up by a ninth of that, and so for the upper end: in the long run a tenth of the waits falls on
either side (adaptive conformal inference, Gibbs and Candes 2021).

Honesty is counted, not assumed: `interval` says nothing unless, of the last 200 finished waits for which there was a
prediction at entry, 75-85 % fell into it. A caller who gave up after the predicted end counts as a miss, one who gave
up earlier counts as nothing: nobody knows how long he would have waited. Who got an agent at once did not wait.
"""

from __future__ import annotations

from math import sqrt

from ctiserver.model.ids import QueueId
from ctiserver.model.work import Contact, Expected, Forecast
from ctiserver.model.world import World

MEMORY = 40
"""Moves over which the mean gap is taken (our choice: an error of about a sixth, and a new rate is learned in an hour
of a small queue)."""
ENOUGH = 5
"""Moves before anything is predicted."""
WINDOW = 200
HONEST = (0.75, 0.85)
"""The share of the last WINDOW finished waits that must have fallen into their intervals, for `interval` to speak."""
TAIL = 0.1
"""Share of the waits that shall fall below the interval, and above it."""
NORMAL = 1.2816
"""The 90 % point of the normal distribution."""
STEP = 0.2
"""How far one miss moves its end of the interval, in standard deviations (our choice: simulated queues of 3 to 100
agents kept the last 200 waits within HONEST most often with it)."""
WIDEST = 8.0
"""Standard deviations: neither end moves further out than this from where theory puts it."""


def interval(world: World, queue: QueueId, position: int) -> tuple[float, float] | None:
    """Seconds between which four of five wait who stand at this place of the line (1 = next); None: it cannot be said
    honestly now."""
    found = world.forecasts.get(queue)
    return _between(found, position, world.now) if found is not None and honest(found) else None


def predicted(world: World, queue: QueueId, position: int) -> float | None:
    """The wait in seconds that is most to be expected at this place, for rules (not for callers); None: too little has
    happened in this queue to say."""
    found = world.forecasts.get(queue)
    return found.ring + _gap(found, world.now) * position if found is not None and found.starts >= ENOUGH else None


def honest(found: Forecast) -> bool:
    return len(found.held) >= WINDOW and HONEST[0] <= sum(found.held) / len(found.held) <= HONEST[1]


def _gap(found: Forecast, now: float) -> float:
    """Seconds between two moves of the line. One that is longer in coming than usual counts as one that comes now."""
    still = now - max(found.moved_at, found.line_since) if found.line_since else 0.0
    return (found.starts * found.gap + still) / (found.starts + 1) if still > found.gap else found.gap


def _between(found: Forecast, place: int, now: float) -> tuple[float, float] | None:
    if found.starts < ENOUGH:
        return None
    gap, part = _gap(found, now), 1.0 / (9 * place)
    low = max(0.0, 1.0 - part + (found.low - NORMAL) * sqrt(part)) ** 3
    high = max(0.0, 1.0 - part + (found.high + NORMAL) * sqrt(part)) ** 3
    return found.ring + gap * place * low, found.ring + gap * place * high


# --- apply: what a queue's line does ----------------------------------------------------------------------


def _of(world: World, queue: QueueId) -> Forecast:
    found = world.forecasts.get(queue)
    if found is None:
        found = world.forecasts[queue] = Forecast()
    return found


def line(world: World, queue: QueueId, waiting: int, at: float) -> None:
    """So many wait in the queue now."""
    found = _of(world, queue)
    if not waiting:
        found.line_since = 0.0
    elif not found.line_since:
        found.line_since = at


def entered(world: World, contact: Contact, place: int) -> None:
    between = _between(_of(world, contact.queue), place, contact.entered_at)
    if between is not None:
        contact.expected = Expected(place=place, low=between[0], high=between[1])


def offered(world: World, contact: Contact, at: float) -> None:
    """It left the line for an agent. Called before `line`."""
    if at <= contact.entered_at:
        contact.expected = None  # it did not have to wait
        return
    found = _of(world, contact.queue)
    contact.turns += max(0.0, at - max(found.moved_at, found.line_since or contact.entered_at))
    found.moved_at = at


def back(world: World, contact: Contact, at: float) -> None:
    """Its offer came to nothing: the line has not moved after all, and stands since then."""
    found = _of(world, contact.queue)
    if not found.line_since:
        found.line_since = found.moved_at or at


def connected(world: World, contact: Contact, offered_at: float, at: float) -> None:
    found = _of(world, contact.queue)
    if contact.connected_at or contact.entered_at >= offered_at:
        return  # taken back into a talk that was lost, or never in the line
    weight = min(found.starts, MEMORY - 1)
    found.ring = (found.ring * weight + (at - offered_at)) / (weight + 1)
    found.gap = (found.gap * weight + contact.turns) / (weight + 1)
    found.starts = weight + 1
    if contact.expected is not None:
        _finished(found, contact.expected, at - contact.entered_at, served=True)
        contact.expected = None


def ended(world: World, contact: Contact, at: float) -> None:
    """It left without an agent (or after the talk, when there is nothing more to learn)."""
    if contact.expected is not None and not contact.connected_at:
        _finished(_of(world, contact.queue), contact.expected, at - contact.entered_at, served=False)


def _finished(found: Forecast, expected: Expected, wait: float, *, served: bool) -> None:
    below, above = served and wait < expected.low, wait > expected.high
    if not served and not above:
        return
    found.low = min(NORMAL, max(-WIDEST, found.low + STEP * (TAIL - below)))
    found.high = max(-NORMAL, min(WIDEST, found.high + STEP * (above - TAIL)))
    found.held = [*found.held[1 - WINDOW :], not below and not above]
