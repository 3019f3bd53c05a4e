"""What a queue's rules say, as data: selection, relaxation, groups, capacity, rules on data, hours, diversion, comfort.

Part of the site's configuration (`ctiserver.model.site`); reading and checking is `acd.config`'s job, meaning lives in
`acd.core`. Times are seconds unless the name says otherwise; requirements are text (`ctiserver.model.requirement`).
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """A name in both languages."""

    zh: str
    en: str


class Algorithm(StrEnum):
    """How the agent is chosen among those admitted (one file each in `acd.core.rank`)."""

    LONGEST_IDLE = "longest_idle"
    LEAST_OCCUPIED = "least_occupied"
    BEST_LONGEST_IDLE = "best_longest_idle"
    BEST_LEAST_OCCUPIED = "best_least_occupied"
    PERCENT = "percent"
    ROUND_ROBIN = "round_robin"
    FEWEST_CALLS = "fewest_calls"
    RING_ALL = "ring_all"


VOICE = "voice"
CALLBACK = "callback"
OUTBOUND = "outbound"
INTERNAL = "internal"
MADE = (OUTBOUND, INTERNAL)
"""Media of calls that agents make: they never wait, and no book of a queue counts them."""


class StepConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One relaxation step: who is admitted while it lasts, beside what the queue and the flow always require.

    It ends after `for_seconds` (0 = never by time), or as soon as fewer than `available_below` of the agents whom it
    admits could take work (0 = not by load), or the predicted wait is over `wait_over_seconds` (0 = not by load).
    After the last step that ends, any agent of the queue who meets the queue's and the flow's own requirement may
    have the contact (Amazon Connect's rule, oracle RC-8).
    """

    requires: str = ""
    for_seconds: float = 0.0
    available_below: int = 0
    wait_over_seconds: float = 0.0


class RuleConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A rule on what is known of a contact when it enters the queue. All rules whose `when` holds apply, in order.

    `when`: name -> wanted value; the names are `number` (dialled), `medium`, `class` (any of the customer's classes),
    `path` (one of the caller's choices, e.g. 'menu:2') and, as `data.NAME`, what the flow has put into the data.
    `prefer`: '' | 'last_agent' | 'account_manager' | an agent's id, who alone may have the contact for
    `prefer_seconds` if he is signed in. `priority` (seconds of head start) adds up; of `algorithm` and `prefer` the
    first that says something holds (`prefer`: of those whose agent is signed in).
    """

    id: str
    when: dict[str, str] = {}
    priority: float = 0.0
    requires: str = ""
    algorithm: Algorithm | None = None
    prefer: str = ""
    prefer_seconds: float = 30.0


class ServesConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What one queue is to a group of agents.

    `priority` 1 is served first, whatever waits in queues of a larger number; a contact is invisible to the group until
    it has waited `delay_seconds`; agents of a smaller `tier` are rung before those of a larger one. `share`: percent of
    the queue's work that each agent of the group should have (`Algorithm.PERCENT`).
    """

    queue: str
    priority: int = 1
    delay_seconds: float = 0.0
    tier: int = 1
    share: float = 0.0


class CapacityConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How many items of a medium at once; `alone`: while he has one, no other medium is offered."""

    max: int = 1
    alone: bool = True


class GroupConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Agents who serve the same queues in the same way, led by the same leads."""

    id: str
    name: Label
    serves: tuple[ServesConfig, ...] = ()
    capacity: dict[str, CapacityConfig] = {}
    """medium -> how many; a medium that is not named: one, alone"""
    leads: tuple[str, ...] = ()
    """the users who lead it (`ctiserver.model.teams`)"""


class HolidayConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A day on which other hours hold; no `hours` = closed. `day` is YYYY-MM-DD in the calendar's zone."""

    day: str
    hours: tuple[str, ...] = ()
    name: str = ""


class CalendarConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Opening hours. `week`: mon..sun -> spans 'HH:MM-HH:MM' of local time ('24:00' ends a day; an end
    before the beginning is the next day's); a day that is not named is closed. `zone`: an IANA zone. `holidays` are
    given day by day, in order; `country` (ISO code, e.g. 'CN') adds its public holidays, which `acd.config` writes out
    as days when the file is read."""

    id: str
    zone: str
    week: dict[str, tuple[str, ...]]
    holidays: tuple[HolidayConfig, ...] = ()
    country: str = ""


class OverflowConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Where contacts go instead. `after_seconds` > 0: when it has waited so long; `waiting_over` > 0: on entering, when
    more than so many wait already; `predicted_over_seconds` > 0: on entering, when the predicted wait is longer.
    The contact keeps its time of arrival and its data; the requirement and the steps are the other queue's."""

    to: str
    after_seconds: float = 0.0
    waiting_over: int = 0
    predicted_over_seconds: float = 0.0


class ComfortConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What a waiting caller is told: first after `first_seconds`, then every `every_seconds` (0 = once). `prompt` is a
    prompt's id ('' = none); `position` and `wait` add his place and, while the forecast is honest, the waiting time."""

    prompt: str = ""
    first_seconds: float = 20.0
    every_seconds: float = 60.0
    position: bool = False
    wait: bool = False


class CallbackConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Virtual hold: `tries` calls to the customer, `retry_seconds` apart, each ringing `ring_seconds`; a booked
    callback ends unserved after `keep_seconds`. `max_open`: booked and not yet done, at once."""

    tries: int = 3
    retry_seconds: float = 300.0
    ring_seconds: float = 30.0
    keep_seconds: float = 86_400.0
    max_open: int = 100


class OutboundConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How customers are called, and which numbers may be.

    `trunk`: host:port of the carrier's SIP ('' = nobody can be called, so no callback is taken). A caller's own number
    may be called; one that he types, or that a lead enters, only if it begins with one of `prefixes`; none that begins
    with one of `never`, the caller's own neither (whoever wants us to dial a premium number can show it as his own).
    Agents may dial what begins with one of `prefixes` (and with none of `never`), each `per_hour` times in any 60
    minutes; it rings for `ring_seconds`. `queue`: whose dispositions and wrap-up such a call has ('' = the agent's
    first queue). `shown`: our number that the called sees ('' = the first of the site's).
    """

    trunk: str = ""
    prefixes: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    queue: str = ""
    shown: str = ""
    per_hour: int = 60
    ring_seconds: float = 45.0
