"""Facts: what the switch, the clock, the desktops' links and slow helpers report. Inputs of a turn.

A fact sets state, so hearing it twice is hearing it once; one that names an unknown or finished thing
changes nothing (DESIGN sections 1 and 5.3). Times are epoch seconds, UTC; `at` is Asterisk's own time.
Numbers and names are cut to 64 printable characters before they become a fact (ctiserver.asterisk.translate).
"""

from __future__ import annotations

import msgspec

from ctiserver.model.faults import Fault
from ctiserver.model.ids import AgentId, BridgeId, ConversationId, LegId, PlaybackId
from ctiserver.model.site import SiteConfig


class _Fact(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    pass


class SiteLoaded(_Fact, frozen=True, kw_only=True):
    """The configuration was read (at start, or after a change). `by`: who changed it ('' = found so in the file),
    `revision`: which text it is, `changed`: what is different from the text before, one line each."""

    site: SiteConfig
    by: str = ""
    revision: str = ""
    changed: tuple[str, ...] = ()


class CallerArrived(_Fact, frozen=True, kw_only=True):
    """An inbound channel entered our application. `up`: it is answered already, by the dialplan's apology. `replaces`:
    the leg whose place in a bridge the switch has given it (an INVITE with Replaces)."""

    channel: LegId
    dialled: str
    caller_number: str
    caller_name: str
    at: float
    up: bool = False
    replaces: LegId | None = None


class LegRinging(_Fact, frozen=True, kw_only=True):
    leg: LegId
    at: float


class LegUp(_Fact, frozen=True, kw_only=True):
    """The leg is answered and ours to move."""

    leg: LegId
    at: float


class LegEnding(_Fact, frozen=True, kw_only=True):
    """Hang-up was requested; `cause` is the Q.850 code. The end itself follows."""

    leg: LegId
    cause: int
    at: float


class LegAway(_Fact, frozen=True, kw_only=True):
    """A caller's channel has left our application for the dialplan's apology; it is not gone."""

    leg: LegId
    at: float


class LegEnded(_Fact, frozen=True, kw_only=True):
    """The leg is gone; `cause` is Q.850, 0 = not known."""

    leg: LegId
    cause: int
    at: float


class LegMoved(_Fact, frozen=True, kw_only=True):
    """The leg entered `bridge`, or left its bridge (None)."""

    leg: LegId
    bridge: BridgeId | None
    at: float


class LegHold(_Fact, frozen=True, kw_only=True):
    """The phone itself signalled hold (on) or resume."""

    leg: LegId
    on: bool
    at: float


class LegSilent(_Fact, frozen=True, kw_only=True):
    """The page behind this leg is gone: its link or socket was lost, and no sound comes any more."""

    leg: LegId
    at: float


class DigitPressed(_Fact, frozen=True, kw_only=True):
    """One DTMF digit; '*' stands for a masked one from here on if `masked`."""

    leg: LegId
    digit: str
    masked: bool = False
    at: float


class PlaybackDone(_Fact, frozen=True, kw_only=True):
    """A playback ended; `ok` is false when its media could not be played."""

    playback: PlaybackId
    ok: bool
    at: float


class RecordingDone(_Fact, frozen=True, kw_only=True):
    """A live recording ended. `name` is its stored name, `seconds` its length as Asterisk says."""

    name: str
    seconds: float
    ok: bool
    at: float


class DeviceContact(_Fact, frozen=True, kw_only=True):
    """The SIP contact of an endpoint appeared or went."""

    endpoint: str
    present: bool
    at: float


class SeenChannel(msgspec.Struct, frozen=True, kw_only=True):
    """A channel as `GET channels` shows it."""

    id: LegId
    state: str
    created_at: float
    dialled: str = ""
    caller_number: str = ""
    caller_name: str = ""
    inbound: bool = False
    in_app: bool = True
    """false: it is in the dialplan (the apology), we cannot play to it or move it"""


class SeenBridge(msgspec.Struct, frozen=True, kw_only=True):
    id: BridgeId
    legs: tuple[LegId, ...]


class SwitchSeen(_Fact, frozen=True, kw_only=True):
    """Everything of ours that the switch holds, read at (re)connect before held-back events are released."""

    channels: tuple[SeenChannel, ...]
    bridges: tuple[SeenBridge, ...]
    contacts: tuple[str, ...]
    """endpoints that have a SIP contact now"""


class ConversationSeen(_Fact, frozen=True, kw_only=True):
    """What the switch holds of one conversation now (the answer to `LookAt`); it can tell of `legs` alone."""

    conversation: ConversationId
    legs: tuple[LegId, ...] = ()
    channels: tuple[SeenChannel, ...]
    bridges: tuple[SeenBridge, ...]


class SeenEndpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A SIP endpoint of the switch, and whether it has a contact."""

    id: str
    contact: bool


class SwitchReading(msgspec.Struct, frozen=True, kw_only=True):
    """What the switch holds at one moment, as the auditor reads it; no fact, it is only compared."""

    channels: tuple[SeenChannel, ...]
    bridges: tuple[SeenBridge, ...]
    endpoints: tuple[SeenEndpoint, ...]


class FaultsFound(_Fact, frozen=True, kw_only=True):
    """The auditor found these, twice each, with nothing under way that would explain them."""

    faults: tuple[Fault, ...]


class SwitchLost(_Fact, frozen=True, kw_only=True):
    reason: str


class EffectFailed(_Fact, frozen=True, kw_only=True):
    """An effect was refused or timed out. `effect` is its type's name, `target` the id it acted on."""

    conversation: ConversationId | None
    effect: str
    target: str
    reason: str
    status: int


class CustomerFound(_Fact, frozen=True, kw_only=True):
    """Who is calling, as the CRM knows it; None = nobody known."""

    conversation: ConversationId
    customer: Customer | None


class Customer(msgspec.Struct, frozen=True, kw_only=True):
    """What the pop shows of a customer; read-only on the call path."""

    id: str
    code: str
    name: str
    classes: tuple[str, ...] = ()
    language: str = "zh"
    manager: str = ""
    phones: tuple[str, ...] = ()
    history: tuple[CustomerNote, ...] = ()


class CustomerNote(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the customer's history."""

    at: float
    kind: str
    text: str


class LinkChanged(_Fact, frozen=True, kw_only=True):
    """A user's desktop link came up or went; `links` is how many are up now."""

    agent: AgentId
    links: int


class Tick(_Fact, frozen=True, kw_only=True):
    """The earliest deadline may have passed."""


class ClockJumped(_Fact, frozen=True, kw_only=True):
    """The wall clock moved by `seconds` against the monotonic one (over 1 s)."""

    seconds: float


class ServerStarted(_Fact, frozen=True, kw_only=True):
    """The server came up (again); links and contacts are unknown until seen."""

    version: str


Fact = (
    SiteLoaded
    | CallerArrived
    | LegRinging
    | LegUp
    | LegEnding
    | LegAway
    | LegEnded
    | LegMoved
    | LegHold
    | LegSilent
    | DigitPressed
    | PlaybackDone
    | RecordingDone
    | DeviceContact
    | SwitchSeen
    | ConversationSeen
    | FaultsFound
    | SwitchLost
    | EffectFailed
    | CustomerFound
    | LinkChanged
    | Tick
    | ClockJumped
    | ServerStarted
)
