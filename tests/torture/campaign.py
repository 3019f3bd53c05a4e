"""Kills: the server is killed with SIGKILL again and again while people are on the telephone, and judged each time.

Moments come from the seed: somewhere in a prompt, while a phone rings (and is answered before the server is back, or
not), within an answer, within a hold or retrieve, and while somebody leaves the queue unseen. Same seed, same plan.
Here: the rounds and the orderly end. Not here: who takes part (cast.py), what is demanded (judge.py).
"""

from __future__ import annotations

import asyncio
import random
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

from ctiserver.model import events as ev
from ctiserver.model.causes import EndReason
from tests.harness import tones
from tests.harness.rtp import RtpEndpoint
from tests.harness.sipp import SippCaller
from tests.harness.site import Site, site
from tests.harness.waiting import eventually
from tests.live import kills
from tests.live.house import CALM, conversation_of, hears_music, of
from tests.torture import judge
from tests.torture.cast import HOLDS, RINGS, SIZES, Cast, prepare
from tests.torture.judge import Moved, Round
from tests.torture.report import Verdict
from tests.torture.together import ASKED, ASKS, SENDS

PROMPT = "in a prompt"
ANSWERED = "ringing, answered meanwhile"
LEFT = "ringing, left ringing"
ANSWERING = "within an answer"
HOLDING = "within hold or retrieve"
LEAVES = "one leaves the queue meanwhile"
TRANSFERRING = "within a transfer"
SWAPPING = "within a swap"
KINDS = (PROMPT, ANSWERED, LEFT, ANSWERING, HOLDING, LEAVES)
OF_THREE = (TRANSFERRING, SWAPPING)
"""With the full cast only."""
WITH_RING = (ANSWERED, LEFT, ANSWERING)
QUEUED_EVERY = 4
"""In every so many rounds the caller in the prompt goes on into a queue afterwards."""


def plan(dice: random.Random, count: int, among: tuple[str, ...] = KINDS) -> list[str]:
    """Every kind as often as every other, in an order of the seed's."""
    kinds = [among[number % len(among)] for number in range(count)]
    dice.shuffle(kinds)
    return kinds


async def run(
    cast_name: str, seed: int, count: int, *, rtp: tuple[int, int] = (28000, 28799),
    told: Callable[[Round], None] = lambda _one: None, keep: Path | None = None,
) -> Verdict:  # fmt: skip
    """A whole campaign on a site of its own. `told` hears of each round; one that cannot go on is a fault too.

    After a fault the journal and the logs are copied into the folder `keep`."""
    verdict = Verdict(cast=cast_name, seed=seed)
    began = time.monotonic()
    size = SIZES[cast_name]
    try:
        async with AsyncExitStack() as stack:
            running = await stack.enter_async_context(
                site(rtp=rtp, prepare=lambda home: prepare(home, size), PYTHONDONTWRITEBYTECODE="")
            )
            stack.enter_context(kills.telling(running))
            if keep is not None:
                stack.callback(_keep, running, verdict, keep)
            campaign = Campaign(running, Cast(running, stack, size), random.Random(seed), verdict)
            await campaign.cast.come()
            among = (*KINDS, *OF_THREE) if size.together else KINDS
            for number, kind in enumerate(plan(campaign.dice, count, among)):
                told(await campaign.round(number, kind))
            await campaign.finish()
    except AssertionError as error:
        verdict.faults.append("it could not go on: " + "\n".join([str(error), *getattr(error, "__notes__", ())]))
    verdict.seconds = time.monotonic() - began
    return verdict


def _keep(running: Site, verdict: Verdict, folder: Path) -> None:
    """What can explain a fault, before the site's folder goes."""
    if verdict.good and len(verdict.rounds) == sum(1 for one in verdict.rounds if one.ready):
        return
    shutil.copytree(running.home / "journal", folder / "journal", dirs_exist_ok=True)
    shutil.copytree(running.home / "asterisk" / "log", folder / "asterisk", dirs_exist_ok=True)
    shutil.copy(running.log, folder)


class Campaign:
    def __init__(self, running: Site, cast: Cast, dice: random.Random, verdict: Verdict) -> None:
        self.site, self.cast, self.dice, self.verdict = running, cast, dice, verdict

    # --- one kill -----------------------------------------------------------------------------------------------

    async def round(self, number: int, kind: str) -> Round:
        cast, dice, running = self.cast, self.dice, self.site
        delay, within, late = dice.uniform(0.02, 1.5), dice.uniform(0.0, 0.04), dice.uniform(0.0, 0.25)
        one = Round(number=number, kind=kind, moment=round(delay, 3))
        self.verdict.rounds.append(one)
        leaver: SippCaller | None = None
        sent: SippCaller | None = None
        rung = ""
        moved = Moved()
        if kind in WITH_RING or cast.size is SIZES["full"]:
            await cast.ring()
            rung = cast.ringer.desk.work()["contact"]
            moved.agents.add(RINGS)
            moved.contacts.add(rung)
            moved.numbers.add(cast.callers[-1]._caller)
        if kind == HOLDING:
            moved.agents.add(HOLDS)
            moved.contacts.add(cast.holder.desk.work()["contact"])
        elif kind == LEAVES:
            leaver = await cast.call("leaves", CALM, 600)
            await leaver.answered()
            left = await self._contact_of(leaver)
            moved.contacts.add(left)
            moved.numbers.add(leaver._caller)
        elif kind == TRANSFERRING and cast.together is not None:
            sent = await cast.together.talk(SENDS, f"sent on {number}", 710.0)
            moved.agents.add(SENDS)
            moved.contacts.add(cast.together.agents[SENDS].desk.work()["contact"])
            moved.numbers.add(sent._caller)
        elif kind == SWAPPING and cast.together is not None:
            moved.agents |= {ASKS, ASKED}
            moved.contacts.add(cast.together.agents[ASKS].desk.work()["contact"])
        await asyncio.sleep(1.2)  # figures of queues are shown once a second
        before = self._documents(kind)
        prompts = await cast.prompts(number)
        moved.numbers |= {caller._caller for caller in prompts}
        await asyncio.sleep(delay)  # real time: the kill falls somewhere into arrivals and welcomes
        if kind == ANSWERING:
            cast.ringer.phone.answer(cast.ringer.call)
            await asyncio.sleep(within)
        elif kind == HOLDING:
            await cast.holder.desk.send("RetrieveCall", conversation=cast.holder.desk.work()["conversation"])
            await asyncio.sleep(within)
        elif kind in OF_THREE and cast.together is not None:
            who, what = (SENDS, "TransferCall") if kind == TRANSFERRING else (ASKS, "SwapCall")
            fields = {"to_agent": HOLDS} if kind == TRANSFERRING else {}
            call = cast.together.conversation(who)
            await cast.agents[who].desk.send(what, conversation=call, **fields)
            await asyncio.sleep(within)
        killed = running.kill()
        if kind == ANSWERED:
            asyncio.get_running_loop().call_later(late, cast.ringer.phone.answer, cast.ringer.call)
        elif leaver is not None:
            leaver.send_hang_up()
        judge.readiness(one, await kills.restarted(running), running.pid)
        await asyncio.sleep(0.3)
        spoken = {cast.talkers[user].name for user in (*cast.pages, *cast.sounddesks)}
        judge.sound(one, self._ears(kind), spoken, cast.lateness, killed)
        # Seconds of work late in a campaign: phones that do not answer meanwhile are gone for Asterisk after 3 s.
        await asyncio.to_thread(lambda: judge.world(one, running.records(), moved))
        await cast.come_back()
        judge.desktops(one, before, self._documents(kind), moved.agents)
        await self._all_are_there(one)
        await self._what_moved(one, kind, rung)
        if leaver is not None:
            with one.judging("who left"):
                ended = [e for e in running.events(ev.ContactEnded) if e.contact == left]
                assert [e.reason for e in ended] == [EndReason.ABANDONED]
        if sent is not None and cast.together is not None:
            with one.judging("who was sent on"):
                await cast.together.end_of_the_sent(sent)
        await self._prompts_end(one, prompts, number)
        await self._clean()
        return one

    def _documents(self, kind: str) -> dict[str, dict[str, object]]:
        """By agent. Of the queues the one where they wait, unless somebody leaves it meanwhile: the others move."""
        shown = {user: kills.documents(desk) for user, desk in self.cast.desks().items()}
        for user, documents in shown.items():
            shown[user] = {
                key: doc
                for key, doc in documents.items()
                if not key.startswith("queue/") or (key == "queue/calm" and kind != LEAVES)
            }
        return shown

    def _ears(self, kind: str) -> dict[str, RtpEndpoint]:
        cast = self.cast
        ears = {caller.name: caller.rtp for caller in (*cast.talkers.values(), *cast.waiting)}
        ears |= {f"agent {user}": cast.agents[user].phone.rtp for user in cast.size.desk_users}
        return ears | (cast.together.ears(swapping=kind == SWAPPING) if cast.together is not None else {})

    async def _contact_of(self, caller: SippCaller) -> str:
        def queued() -> str:
            found = [e for e in self.site.events(ev.ConversationStarted) if e.caller_number == caller._caller]
            events = of(self.site, found[-1].conversation, ev.ContactQueued) if found else []
            return str(events[-1].contact) if events else ""

        return await eventually(queued, 3, "the contact in the queue", poll=0.05)

    async def _all_are_there(self, one: Round) -> None:
        """Those who had nothing to do with it: talks both ways, music, the wrap-up."""
        cast = self.cast
        for user, caller in cast.talkers.items():
            with one.judging(f"talk of {user}"):
                await caller.hears(cast.tones[user], within=1)
                if user in cast.agents:
                    await cast.agents[user].phone.rtp.hears(caller.rtp.tone, within=1)
                elif user in cast.sounddesks:
                    await cast.sounddesks[user].phone.call.hears(caller.rtp.tone, within=1)
        for caller in cast.waiting:
            with one.judging(f"music of {caller.name}"):
                await hears_music(caller.rtp, within=1)
        with one.judging("wrap-up"):
            assert cast.writer.work()["kind"] == "wrap_up"

    async def _what_moved(self, one: Round, kind: str, rung: str) -> None:
        cast = self.cast
        if cast.together is not None:
            with one.judging("consult, conference and leads"):
                if kind == SWAPPING:
                    await cast.together.consulting_again()
                await cast.together.all_are_there()
        with one.judging("hold"):
            if kind == HOLDING:  # either may be the truth; what is shown is what is heard
                await cast.is_held(cast.holder.desk.work()["held"])
                await cast.hold(True)
            else:
                await cast.is_held(True)
        if rung:
            with one.judging("the ring"):
                try:
                    await cast.answer_ring()
                except AssertionError as error:
                    endpoint = await self.site.ari(f"endpoints/PJSIP/desk-p{RINGS}")
                    raise AssertionError(f"{error}; Asterisk says {endpoint}") from error
            await asyncio.to_thread(lambda: judge.offered_again(one, self.site.records(), rung, RINGS))

    async def _prompts_end(self, one: Round, prompts: list[SippCaller], number: int) -> None:
        for caller in prompts:
            with one.judging(f"welcome of {caller.name}"):
                await caller.answered()
                await hears_music(caller.rtp, within=3)
        if number % QUEUED_EVERY == QUEUED_EVERY - 1:
            with one.judging("digit after a kill"):
                queued = len(self.site.events(ev.ContactQueued))
                await prompts[0].press("1")
                await self.site.happens(ev.ContactQueued, count=queued + 1, within=10)
        for caller in prompts:
            with one.judging(f"end of {caller.name}"):
                await caller.hang_up()

    async def _clean(self) -> None:
        """After a fault: the next round begins as every round does."""
        cast = self.cast
        if cast.ringing is not None:
            await cast.ringing.hang_up()
            await cast.ringer.desk.state("ready", within=5)
            cast.ringing = None

    # --- the end ------------------------------------------------------------------------------------------------

    @contextmanager
    def _judging(self, what: str) -> Iterator[None]:
        try:
            yield
        except AssertionError as error:
            self.verdict.faults.append(f"{what}: {error}"[:600])

    async def finish(self) -> None:
        """Calls end as calls do, those who waited after they were answered in their order; then all books are read."""
        cast, running = self.cast, self.site
        with self._judging("the end of the talks"):
            for number, (user, caller) in enumerate(cast.talkers.items()):
                if number % 2:
                    await caller.hang_up()
                elif user in cast.pages:
                    await cast.pages[user].get_by_test_id("hangup").click()
                else:
                    desk = cast.desks()[user]
                    await desk.expect("HangUpCall", conversation=desk.work()["conversation"])
                await caller.ended(3)
            for page in cast.pages.values():
                await page.locator('[data-testid="callbar"][data-kind="wrap_up"]').wait_for()
        if cast.together is not None:
            with self._judging("the end of consult and conference"):
                await cast.together.part()
        with self._judging("the end of the hold"):
            await cast.hold(False)
            await cast.held.hang_up()
        with self._judging("the queue in its order"):
            assert cast.writer.phone is not None
            for caller in cast.waiting:
                await cast.writer.finish()
                await cast.writer.works("offer")
                call = await cast.writer.phone.next_call()
                cast.writer.phone.answer(call)
                work = await cast.writer.works("busy")
                assert work["caller"]["number"] == caller._caller
                await caller.hang_up()
            await cast.writer.works("wrap_up")
        with self._judging("what Asterisk holds"):
            await running.quiet(within=3)
        await self._books()

    async def _books(self) -> None:
        running = self.site
        started = running.events(ev.ConversationStarted)
        conversations = [e.conversation for e in started]
        with self._judging("conversations"):
            numbers = [e.caller_number for e in started]
            assert len(numbers) == len(set(numbers)), "a caller is in the books twice"
            # Whoever calls while no server is there hears the apology, and may go before one is.
            strangers = [c.name for c in self.cast.callers if c._caller not in numbers and "prompt" not in c.name]
            assert not strangers, strangers
        with self._judging("contacts"):
            ended = [e.contact for e in running.events(ev.ContactEnded)]
            assert sorted(ended) == sorted(e.contact for e in running.events(ev.ContactQueued)), "not once each"
        with self._judging("recordings"):
            await self._recordings(conversations)
        with self._judging("the projection"):
            self.verdict.rows = await kills.check_projection(running)
        with self._judging("SQL"):
            kills.check_database(running, conversations)
        with self._judging("the end of the server"):
            assert await running.stop() == 0
        with self._judging("deciding again"):
            self.verdict.turns = kills.check_replay(running)
        with self._judging("fold of the journal"):
            kills.check_fold(running)
        with self._judging("the log"):
            assert running.complaints() == [], running.complaints()

    async def _recordings(self, conversations: list[str]) -> None:
        """One whole record a call, as long as the call to 0.1 s."""
        files = self.site.home / "recordings"
        await eventually(
            lambda: sorted(p.stem for p in files.glob("*.wav")) == sorted(conversations), 12, "all recordings", poll=0.2
        )
        known = {e.caller_number for e in self.site.events(ev.ConversationStarted)}
        for caller in [caller for caller in self.cast.callers if caller._caller in known]:
            record = tones.read_wav(files / f"{conversation_of(self.site, caller._caller)}.wav")
            difference = record.seconds - (caller.trace.ended_wall - caller.trace.answered_wall)
            at = caller.answered_at or 0.0
            stood_still = (self.cast.lateness.worst(at - 1, at + 1) + self.cast.lateness.starved(at - 1, at + 1)) / 1000
            with self._judging(f"record of {caller.name}"):
                assert abs(difference) < 0.1 + stood_still, f"{difference * 1000:.0f} ms off"
