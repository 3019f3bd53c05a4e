"""A fake Asterisk in virtual time: channels, bridges, playbacks, recordings, as far as effects and facts go.

It behaves as the real one was measured to (FACTS, tests/asterisk): a second answer changes nothing, hang-up of an
unknown channel is 404, an originate to an endpoint without contact is refused with 500, a leg that ends leaves its
bridge. Facts are handed out by `pending`, in order of their time. It never stands in for Asterisk in a claim.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable

from ctiserver.model import effects as fx, facts, ids
from ctiserver.model.ids import BridgeId, LegId, PlaybackId
from ctiserver.model.site import PhoneConfig

Ring = Callable[[str, LegId], None]


class Refused(Exception):
    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class FakeSwitch:
    """`prompt_seconds` is how long every playback lasts; `contacts` are the endpoints that can be rung."""

    def __init__(self, *, prompt_seconds: float = 2.0, delay: float = 0.002) -> None:
        self.now = 1_000.0
        self.delay = delay
        self.prompt_seconds = prompt_seconds
        self.channels: dict[LegId, str] = {}  # id -> state
        self.inbound: dict[LegId, facts.CallerArrived] = {}
        self.bridges: dict[BridgeId, list[LegId]] = {}
        self.holding: set[BridgeId] = set()
        self.playing: dict[PlaybackId, LegId] = {}
        self.snoops: dict[str, LegId] = {}
        self.muted: set[LegId] = set()
        self.contacts: set[str] = set()
        self.deaf = False  # phones ring and answer nothing, not even a take-back
        self.away: set[LegId] = set()  # in the dialplan's apology
        self.endpoint_of: dict[LegId, str] = {}
        self.auto_answered: list[LegId] = []
        self.devices: set[str] = set()
        self.phones: dict[str, PhoneConfig] = {}  # the site's desk phones
        self.performed: list[fx.Effect] = []
        self.played: list[tuple[str, ...]] = []
        self.dialled: dict[LegId, str] = {}  # customers' legs that we called -> number
        self.ring_tones: set[LegId] = set()
        self.trunk_up = True
        self.on_ring: Ring = lambda _endpoint, _leg: None
        self._queue: list[tuple[float, int, facts.Fact]] = []
        self._count = 0

    # ---- facts

    def later(self, fact: facts.Fact, delay: float | None = None) -> None:
        self._count += 1
        at = self.now + (self.delay if delay is None else delay)
        heapq.heappush(self._queue, (at, self._count, fact))

    def next_at(self) -> float | None:
        return self._queue[0][0] if self._queue else None

    def take(self) -> facts.Fact:
        fact = heapq.heappop(self._queue)[2]
        if isinstance(fact, facts.PlaybackDone):
            self.playing.pop(fact.playback, None)
        return fact

    # ---- people

    def call(self, channel: str, dialled: str, number: str = "13800138000", name: str = "") -> LegId:
        leg = LegId(channel)
        self.channels[leg] = "Ring"
        arrived = facts.CallerArrived(
            channel=leg, dialled=dialled, caller_number=number, caller_name=name, at=self.now
        )
        self.inbound[leg] = arrived
        self.later(arrived)
        return leg

    def answer(self, leg: LegId) -> None:
        """The agent picks up; too late if the channel is gone."""
        if self.channels.get(leg) in ("Down", "Ringing"):
            self.channels[leg] = "Up"
            self.later(facts.LegUp(leg=leg, at=self.now))

    def end(self, leg: LegId, cause: int = 16) -> None:
        """A channel ends, whoever wanted it."""
        if leg not in self.channels:
            return
        del self.channels[leg]
        self.ring_tones.discard(leg)
        for bridge, members in self.bridges.items():
            if leg in members:
                members.remove(leg)
                self.later(facts.LegMoved(leg=leg, bridge=None, at=self.now))
            del bridge
        for playback in [p for p, target in self.playing.items() if target == leg]:
            self._playback_over(playback, ok=False)
        for name in [n for n, target in self.snoops.items() if target == leg]:
            self._snoop_over(name)
        self.later(facts.LegEnding(leg=leg, cause=cause, at=self.now))
        self.later(facts.LegEnded(leg=leg, cause=cause, at=self.now))

    def _snoop_over(self, name: str) -> None:
        del self.snoops[name]
        for members in self.bridges.values():
            if name in members:
                members.remove(LegId(name))
        if ids.kind(name) in ids.SIDES:
            self.later(facts.RecordingDone(name=name, seconds=1.0, ok=True, at=self.now))

    def apologise(self, leg: LegId) -> None:
        """The supervisor sent the caller to the dialplan: he leaves his bridge and our application."""
        self.away.add(leg)
        self.channels[leg] = "Up"
        for members in self.bridges.values():
            if leg in members:
                members.remove(leg)

    def back(self, leg: LegId) -> None:
        """The dialplan's next try found the server."""
        self.away.discard(leg)
        self.later(self.inbound[leg])

    def press(self, leg: LegId, digit: str) -> None:
        self.later(facts.DigitPressed(leg=leg, digit=digit, at=self.now))

    def register(self, endpoint: str) -> None:
        self.contacts.add(endpoint)
        self.later(facts.DeviceContact(endpoint=endpoint, present=True, at=self.now))

    def unregister(self, endpoint: str) -> None:
        self.contacts.discard(endpoint)
        self.later(facts.DeviceContact(endpoint=endpoint, present=False, at=self.now))

    def hold(self, leg: LegId, *, on: bool = True) -> None:
        """The phone itself puts its side on hold, or resumes."""
        if self.channels.get(leg) == "Up":
            self.later(facts.LegHold(leg=leg, on=on, at=self.now))

    def seen(self) -> facts.SwitchSeen:
        """What `GET channels` and `GET bridges` would say."""
        return facts.SwitchSeen(
            channels=(*map(self._seen_channel, self.channels), *map(self._seen_snoop, self.snoops)),
            bridges=tuple(facts.SeenBridge(id=bridge, legs=tuple(legs)) for bridge, legs in self.bridges.items()),
            contacts=tuple(sorted(self.contacts)),
        )

    def _seen_snoop(self, name: str) -> facts.SeenChannel:
        return facts.SeenChannel(
            id=LegId(name), state="Up", created_at=self.now, dialled="", caller_number="", inbound=False, in_app=True
        )

    def _seen_channel(self, leg: LegId) -> facts.SeenChannel:
        arrived = self.inbound.get(leg)
        return facts.SeenChannel(
            id=leg,
            state=self.channels[leg],
            created_at=arrived.at if arrived is not None else self.now,
            dialled=arrived.dialled if arrived is not None else "",
            caller_number=arrived.caller_number if arrived is not None else "",
            inbound=arrived is not None and leg not in self.away,
            in_app=leg not in self.away,
        )

    def forget_facts(self) -> None:
        """Nobody listened: what was on its way is lost (FACTS: no event is kept)."""
        self._queue.clear()

    # ---- effects

    def perform(self, effect: fx.Effect) -> None:
        """Raises Refused."""
        self.performed.append(effect)
        match effect:
            case fx.AnswerLeg():
                self._in_app(effect.leg)
                if self.channels[effect.leg] != "Up":
                    self.channels[effect.leg] = "Up"
                    self.later(facts.LegUp(leg=effect.leg, at=self.now))
            case fx.HangUpLeg() if effect.leg in self.snoops:
                self._snoop_over(effect.leg)
            case fx.HangUpLeg() | fx.RefuseCaller():
                self._channel(effect.leg)
                self.end(effect.leg, effect.cause)
            case fx.RingEndpoint():
                self._ring(effect)
            case fx.CallCustomer():
                if not self.trunk_up:
                    raise Refused(500, "no route")
                self.channels[effect.leg] = "Ringing"
                self.dialled[effect.leg] = effect.number
                self.later(facts.LegRinging(leg=effect.leg, at=self.now))
            case fx.RingTone():
                self._channel(effect.leg)
                (self.ring_tones.add if effect.on else self.ring_tones.discard)(effect.leg)
            case fx.OpenBridge():
                if effect.bridge in self.bridges:
                    raise Refused(409, "exists")
                self.bridges[effect.bridge] = []
                if effect.holding:
                    self.holding.add(effect.bridge)
            case fx.CloseBridge():
                if self.bridges.pop(effect.bridge, None) is None:
                    raise Refused(404, "no bridge")
                self.holding.discard(effect.bridge)
            case fx.JoinBridge():
                self._join(effect)
            case fx.OpenWhisper():
                self._channel(effect.leg)
                if effect.bridge not in self.bridges:
                    raise Refused(404, "no bridge")
                self.snoops[effect.snoop] = effect.leg
                self.bridges[effect.bridge].append(effect.snoop)
            case fx.LeaveBridge():
                self._leave(effect)
            case fx.PlayMedia():
                self._in_app(effect.leg)
                self.playing[effect.playback] = effect.leg
                self.played.append(effect.media)
                done = facts.PlaybackDone(playback=effect.playback, ok=True, at=self.now + self.prompt_seconds)
                self.later(done, self.prompt_seconds)
            case fx.StopPlayback():
                if effect.playback not in self.playing:
                    raise Refused(404, "no playback")
                self._playback_over(effect.playback, ok=True)
            case fx.StartRecording():
                pass
            case fx.OpenTracks():
                self._channel(effect.leg)
                for name in effect.names:
                    self.snoops[name] = effect.leg
            case fx.LookAt():
                self.later(self._look(effect))
            case fx.ProvisionDevice():
                self.devices.add(effect.endpoint)
            case fx.RemoveDevice():
                self.devices.discard(effect.endpoint)
            case fx.SetPhones():
                self.phones = {phone.id: phone for phone in effect.phones}
            case fx.FindCustomer():
                pass

    def _look(self, effect: fx.LookAt) -> facts.ConversationSeen:
        seen = self.seen()
        return facts.ConversationSeen(
            conversation=effect.conversation,
            legs=effect.legs,
            channels=seen.channels,
            bridges=tuple(b for b in seen.bridges if ids.owner(b.id) == effect.conversation),
        )

    def _channel(self, leg: LegId) -> None:
        if leg not in self.channels:
            raise Refused(404, "no channel")

    def _in_app(self, leg: LegId) -> None:
        self._channel(leg)
        if leg in self.away:
            raise Refused(409, "channel not in Stasis application")

    def _ring(self, effect: fx.RingEndpoint) -> None:
        phone = self.phones.get(ids.desk_phone(effect.endpoint) or "")
        if effect.endpoint not in self.contacts and (phone is None or not phone.contact):
            raise Refused(500, "no contact")
        self.channels[effect.leg] = "Ringing"
        self.endpoint_of[effect.leg] = effect.endpoint
        self.later(facts.LegRinging(leg=effect.leg, at=self.now))
        if effect.auto_answer and not self.deaf and phone is None:  # a desk phone may ring, whatever it is asked
            self.auto_answered.append(effect.leg)
            self.answer(effect.leg)
        else:
            self.on_ring(effect.endpoint, effect.leg)

    def _join(self, effect: fx.JoinBridge) -> None:
        self._in_app(effect.leg)
        if effect.bridge not in self.bridges:
            raise Refused(404, "no bridge")
        for members in self.bridges.values():
            if effect.leg in members:
                members.remove(effect.leg)
        self.bridges[effect.bridge].append(effect.leg)
        self.muted.discard(effect.leg)
        if effect.mute:
            self.muted.add(effect.leg)
        self.later(facts.LegMoved(leg=effect.leg, bridge=effect.bridge, at=self.now))

    def _leave(self, effect: fx.LeaveBridge) -> None:
        self._in_app(effect.leg)
        if effect.bridge not in self.bridges:
            raise Refused(404, "no bridge")
        if effect.leg in self.bridges[effect.bridge]:
            self.bridges[effect.bridge].remove(effect.leg)
            self.later(facts.LegMoved(leg=effect.leg, bridge=None, at=self.now))

    def _playback_over(self, playback: PlaybackId, *, ok: bool) -> None:
        del self.playing[playback]
        self._queue = [entry for entry in self._queue if not _is_end_of(entry[2], playback)]
        heapq.heapify(self._queue)
        self.later(facts.PlaybackDone(playback=playback, ok=ok, at=self.now))

    # ---- what tests ask

    def bridge_of(self, leg: LegId) -> str:
        """'h' (music), 't' (talk) or '' for a leg."""
        return next((ids.kind(bridge) for bridge, legs in self.bridges.items() if leg in legs), "")

    def busy(self) -> bool:
        """Whether something is still to be told or done, playbacks apart."""
        return any(not isinstance(entry[2], facts.PlaybackDone) for entry in self._queue)

    def reading(self) -> facts.SwitchReading:
        """What the auditor would read."""
        seen = self.seen()
        names = [*sorted(self.devices), *(ids.desk_endpoint(phone) for phone in self.phones)]
        endpoints = tuple(facts.SeenEndpoint(id=name, contact=name in self.contacts) for name in names)
        return facts.SwitchReading(channels=seen.channels, bridges=seen.bridges, endpoints=endpoints)

    def quiet(self) -> bool:
        """Nothing is left: no channel, bridge, snoop, playback."""
        return not (self.channels or self.bridges or self.snoops or self.playing)


def _is_end_of(fact: facts.Fact, playback: PlaybackId) -> bool:
    return isinstance(fact, facts.PlaybackDone) and fact.playback == playback
