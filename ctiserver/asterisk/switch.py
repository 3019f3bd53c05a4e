"""The switch: carries out effects on a real Asterisk through ARI, and feeds back what it reports.

Implements ports.Performer. No decisions: an effect is one or a few requests in order, each sent once; a refusal or
a time-out becomes SwitchError. The waits here are those that Asterisk's own threads force upon us (FACTS: a
channel that plays must not be moved; a snoop can be recorded when it has entered the application).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar, assert_never

import structlog

from ctiserver.asterisk import translate, wire
from ctiserver.asterisk.address import AriAddress
from ctiserver.asterisk.ari import AriLink
from ctiserver.asterisk.ari_calls import TALK, AriCalls
from ctiserver.asterisk.ari_errors import AriError, AriLost, AriRefused, AriReplaced
from ctiserver.asterisk.devices import Devices
from ctiserver.model import effects as fx, facts, ids
from ctiserver.model.errors import LINK_LOST, SwitchError
from ctiserver.model.facts import Fact
from ctiserver.model.ids import LegId, PlaybackId, desk_endpoint
from ctiserver.model.site import PhoneConfig

log = structlog.get_logger(__name__)

T = TypeVar("T")
PHONES_APP = "hollyhock-phones"
"""A second application of the same socket: it hears of the contacts of desk phones and of nothing else. An endpoint
that the first one subscribes to would tell its channels' events, digits too, twice (measured on 22.10.1)."""
TRUNK = "trunk"
"""The endpoint of the carrier, as asterisk-config names it."""
SUBSCRIBE_AT_ONCE = 100
"""Phones in one request: Asterisk takes 127 values of a list at most (measured)."""
QUIET_DEADLINE = 0.5
"""Seconds to wait for the end of a stopped playback before the channel is moved all the same, by HTTP (DESIGN 5.2)."""
SNOOP_DEADLINE = 2.0
NOT_FOUND = 404
NOT_IN_BRIDGE = 422
"""Asterisk's answer when a channel that is to leave a bridge is not in it."""
UNUSED_EVENTS = ("ChannelVarset", "Dial", "PlaybackStarted", "RecordingStarted", "BridgeDestroyed")
"""Nothing here reads them, and they are 33 of the 83 frames of a call from the menu to the talk (measured on 22.10.1:
25 are variables that Asterisk sets by itself)."""


class Switch:
    """One Asterisk. `feed` takes facts; `provisioned` names the pages' endpoints that must exist after each connect,
    `phones` the site's desk phones."""

    def __init__(
        self,
        address: AriAddress | Callable[[], AriAddress],
        feed: Callable[[Fact], None],
        *,
        password: Callable[[str], str],
        provisioned: Callable[[], Iterable[str]],
        phones: Callable[[], Iterable[PhoneConfig]] = tuple,
        on_replaced: Callable[[], None],
    ) -> None:
        self._feed = feed
        self._provisioned = provisioned
        self._phones = phones
        self.link = AriLink(
            address,
            translate.APP,
            also=(PHONES_APP,),
            on_event=self._event,
            on_connected=self._connected,
            on_lost=self._lost,
            on_replaced=on_replaced,
        )
        self.calls = AriCalls(self.link)
        self.devices = Devices(self.calls, password)
        self._playing: dict[str, asyncio.Event] = {}
        self._snoops: dict[str, asyncio.Event] = {}
        self._hung_up: set[str] = set()

    async def start(self) -> None:
        await self.link.start()

    async def close(self) -> None:
        await self.link.close()

    # ---- what Asterisk says

    def _event(self, event: wire.Event) -> None:
        match event:
            case wire.PlaybackFinished():
                self._release(self._playing, event.playback.id)
            case wire.StasisStart():
                self._release(self._snoops, event.channel.id)
                if event.replace_channel is not None:  # no hang-up is asked for before that one's end
                    self._hung_up.add(event.replace_channel.id)
            case wire.ChannelHangupRequest():
                self._hung_up.add(event.channel.id)
            case _:
                pass
        fact = translate.fact_of(event)
        if isinstance(event, wire.StasisEnd):
            fact = self._left(fact)
        elif isinstance(event, wire.ChannelDestroyed):
            self._hung_up.discard(event.channel.id)
        if fact is not None:
            self._feed(fact)

    def _left(self, fact: Fact | None) -> Fact | None:
        """A caller who leaves our application without a hang-up goes to the apology: the supervisor sent him there, and
        in a prompt he goes at its end, when the server may be back. Every hang-up is asked for before (measured on
        22.10.1), except when Asterisk itself drops a call whose codec changes: so the caller is looked for soon."""
        if not isinstance(fact, facts.LegEnded):
            return fact
        if fact.leg in self._hung_up:
            self._hung_up.discard(fact.leg)
            return fact
        return facts.LegAway(leg=fact.leg, at=fact.at)

    def _release(self, waiting: dict[str, asyncio.Event], name: str) -> None:
        done = waiting.pop(name, None)
        if done is not None:
            done.set()

    async def _connected(self) -> None:
        """Before any held-back event: make the phones again (they live in memory), then tell what is there."""
        await self.calls.disallow_events(UNUSED_EVENTS)
        await self.calls.allow_events(("ContactStatusChange",), PHONES_APP)
        for endpoint in self._provisioned():
            await self.devices.provision_agent(endpoint)
        await self._set_phones(self._phones())
        channels = await self.calls.get_channels()
        bridges = await self.calls.get_bridges()
        endpoints = await self.calls.get_endpoints()
        self._feed(
            facts.SwitchSeen(
                channels=tuple(translate.seen_channel(channel) for channel in channels),
                bridges=tuple(translate.seen_bridge(bridge) for bridge in bridges),
                contacts=tuple(sorted(e.resource for e in endpoints if e.state == "online")),
            )
        )

    def _lost(self, reason: str) -> None:
        for waiting in (self._playing, self._snoops):
            for name in list(waiting):
                self._release(waiting, name)
        self._hung_up.clear()
        self._feed(facts.SwitchLost(reason=reason))

    def ping(self) -> Awaitable[object] | None:
        """Something that Asterisk answers at once; None without a link. The answer comes behind all events that are
        not yet handled here. Raises SwitchError."""
        return self.ask(self.calls.ping()) if self.link.ready else None

    # ---- what the auditor asks (ports.SwitchReader)

    async def read(self) -> facts.SwitchReading:
        """What there is now: three requests. With 400 channels, 200 bridges and 500 endpoints it takes 28 ms, 5 of our
        CPU and 11 of Asterisk's (measured). Raises SwitchError."""
        channels = await self.ask(self.calls.get_channels())
        bridges = await self.ask(self.calls.get_bridges())
        endpoints = await self.ask(self.calls.get_endpoints())
        return facts.SwitchReading(
            channels=tuple(translate.seen_channel(channel) for channel in channels),
            bridges=tuple(translate.seen_bridge(bridge) for bridge in bridges),
            endpoints=tuple(facts.SeenEndpoint(id=e.resource, contact=e.state == "online") for e in endpoints),
        )

    async def received(self, leg: LegId) -> int | None:
        """RTP packets that came on this leg so far; None if it is gone or has no RTP. Raises SwitchError."""
        statistics = await self.ask(self.calls.rtp_statistics(leg))
        return statistics.rxcount if statistics is not None else None

    async def refresh(self, leg: LegId) -> None:
        """Ask the peer of a leg that plays nothing whether it is still there: a session refresh in its dialog.

        A living one answers and nothing changes; for a vanished one Asterisk ends the leg (ADR 12). Raises SwitchError.
        """
        await self.ask(self.calls.set_variable(leg, "PJSIP_SEND_SESSION_REFRESH()", "invite", blocking=True))

    # ---- what it is to do

    async def perform(self, effect: fx.Effect) -> None:
        """One effect. Raises SwitchError."""
        await self.ask(self._perform(effect))

    async def ask(self, request: Awaitable[T]) -> T:
        """Await a request, with ARI's errors as SwitchError."""
        try:
            return await request
        except (AriLost, AriReplaced) as error:
            raise SwitchError(LINK_LOST, retryable=True) from error
        except AriRefused as error:
            raise SwitchError(error.message, status=error.status) from error
        except AriError as error:
            raise SwitchError(type(error).__name__) from error

    async def _perform(self, effect: fx.Effect) -> None:
        calls = self.calls
        match effect:
            case fx.AnswerLeg():
                await calls.answer(effect.leg)
            case fx.HangUpLeg() | fx.RefuseCaller():
                await calls.hangup(effect.leg, effect.cause)
            case fx.RingEndpoint():
                await self._ring(effect)
            case fx.CallCustomer():
                await self._call_customer(effect)
            case fx.RingTone():
                await (calls.ring if effect.on else calls.stop_ringing)(effect.leg)
            case fx.OpenBridge():
                await calls.create_bridge(effect.bridge, "holding" if effect.holding else TALK)
            case fx.CloseBridge():
                await calls.destroy_bridge(effect.bridge)
            case fx.JoinBridge():
                await self._join(effect)
            case fx.OpenWhisper():
                await self._open_whisper(effect)
            case fx.LeaveBridge():
                await self._leave(effect)
            case fx.PlayMedia():
                self._playing[effect.playback] = asyncio.Event()
                try:
                    await calls.play(effect.leg, effect.playback, effect.media)
                except AriRefused:
                    self._release(self._playing, effect.playback)
                    raise
            case fx.StopPlayback():
                if not await calls.stop_playback(effect.playback):
                    raise SwitchError("no such playback", status=NOT_FOUND)
            case fx.OpenTracks():
                await self._open_tracks(effect)
            case fx.StartRecording():
                await asyncio.gather(*(calls.record(name, name) for name in effect.names))
            case fx.LookAt():
                await self._look(effect)
            case fx.ProvisionDevice():
                await self.devices.provision_agent(effect.endpoint)
            case fx.RemoveDevice():
                await self.devices.remove(effect.endpoint)
            case fx.SetPhones():
                await self._set_phones(effect.phones)
            case fx.FindCustomer():
                raise SwitchError("the switch knows no customers")
            case _:
                assert_never(effect)

    async def _set_phones(self, phones: Iterable[PhoneConfig]) -> None:
        """Only those that register are listened to: Asterisk puts together each event of a listened-to phone's calls a
        second time before it drops it (a third more of its CPU a call, measured)."""
        known = tuple(phones)
        await self.devices.set_phones(known)
        sources = [f"endpoint:PJSIP/{desk_endpoint(phone.id)}" for phone in known if not phone.contact]
        for first in range(0, len(sources), SUBSCRIBE_AT_ONCE):
            await self.calls.subscribe(sources[first : first + SUBSCRIBE_AT_ONCE], PHONES_APP)

    async def _ring(self, effect: fx.RingEndpoint) -> None:
        variables: dict[str, str] = {"PJSIP_HEADER(add,X-Hollyhock-Leg)": effect.leg}
        if effect.auto_answer:
            variables["PJSIP_HEADER(add,Call-Info)"] = "<sip:hollyhock>;answer-after=0"
        name = effect.caller_name.replace('"', "'").replace("\\", "").replace("<", "(").replace(">", ")")
        number = "".join(c for c in effect.caller_number if c.isalnum() or c in "+*#._-")
        await self.calls.originate(
            f"PJSIP/{effect.endpoint}",
            effect.leg,
            caller_id=f'"{name}" <{number or "anonymous"}>',
            timeout_s=max(1, round(effect.timeout_seconds)),
            variables=variables,
        )

    async def _call_customer(self, effect: fx.CallCustomer) -> None:
        """Through the trunk's endpoint, to the carrier's address. The number is digits, so that it is nothing but a SIP
        user name."""
        number = "".join(c for c in effect.number if c.isdigit() or c == "+")
        shown = "".join(c for c in effect.shown if c.isalnum() or c in "+*#")
        await self.calls.originate(
            f"PJSIP/{TRUNK}/sip:{number}@{effect.trunk}",
            effect.leg,
            caller_id=f'"{shown}" <{shown}>' if shown else "",
            timeout_s=max(1, round(effect.timeout_seconds)),
        )

    async def _join(self, effect: fx.JoinBridge) -> None:
        quiet = await self._quiet(effect.quiet)
        await self.calls.add_to_bridge(
            effect.bridge,
            effect.leg,
            role="holding_participant" if effect.holding else None,
            mute=effect.mute,
            absorb_dtmf=effect.mute,
            blocking=not quiet,
        )

    async def _leave(self, effect: fx.LeaveBridge) -> None:
        """Out of the bridge; who is not in it need not be taken out."""
        quiet = await self._quiet(effect.quiet)
        try:
            await self.calls.remove_from_bridge(effect.bridge, effect.leg, blocking=not quiet)
        except AriRefused as refused:
            if refused.status != NOT_IN_BRIDGE:
                raise

    async def _quiet(self, playback: PlaybackId | None) -> bool:
        """Await the end of a stopped playback. False: the channel may play on, so a move must not hold others up."""
        if playback is None:
            return True
        playing = self._playing.get(playback)
        if playing is None:  # an earlier process began it (or it is over): its end cannot be awaited
            return False
        try:
            async with asyncio.timeout(QUIET_DEADLINE):
                await playing.wait()
        except TimeoutError:
            log.warning("playback_did_not_stop", playback=playback)
            return False
        return True

    async def _open_tracks(self, effect: fx.OpenTracks) -> None:
        """Snoops with a clock of their own: the tracks are as long as the call, whatever is sent (FACTS)."""
        entered = [self._snoops.setdefault(name, asyncio.Event()) for name in effect.names]
        requests: list[Awaitable[object]] = []
        if effect.names == ids.tracks(effect.conversation):  # before the answer: nothing plays
            requests.append(self.calls.set_variable(effect.leg, "HOLLYHOCK_CONV", effect.conversation))
        for name in effect.names:
            requests.append(self.calls.snoop(effect.leg, name, spy="in" if ids.kind(name) == ids.SIDES[0] else "out"))
        await asyncio.gather(*requests)
        async with asyncio.timeout(SNOOP_DEADLINE):
            for waiting in entered:
                await waiting.wait()

    async def _open_whisper(self, effect: fx.OpenWhisper) -> None:
        """The snoop, and when it has entered the application into the bridge with it."""
        entered = self._snoops.setdefault(effect.snoop, asyncio.Event())
        await self.calls.snoop(effect.leg, effect.snoop, spy="both", whisper="out")
        async with asyncio.timeout(SNOOP_DEADLINE):
            await entered.wait()
        await self.calls.add_to_bridge(effect.bridge, effect.snoop)

    async def _look(self, effect: fx.LookAt) -> None:
        """All channels and bridges are two cheap requests; those of one conversation are picked here."""
        channels = await self.calls.get_channels()
        bridges = await self.calls.get_bridges()
        self._feed(
            facts.ConversationSeen(
                conversation=effect.conversation,
                legs=effect.legs,
                channels=tuple(translate.seen_channel(channel) for channel in channels),
                bridges=tuple(
                    translate.seen_bridge(bridge) for bridge in bridges if ids.owner(bridge.id) == effect.conversation
                ),
            )
        )
