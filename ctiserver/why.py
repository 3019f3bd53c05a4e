"""Why: the answer for one contact or one offer, live or long past, from a data folder's journal.

Lives here: which records tell it, and asking the core about the world of that moment. Not here: the answer's meaning
(`acd.core.explain`), words and tables (`journal_tool`), HTTP. It reads only, beside a running server too; a past offer
takes as long as folding the journal from the snapshot before it (from the first record when that is gone), so it is
never asked in the dispatcher's thread.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from acd.core.explain import explain
from acd.core.index import Index
from ctiserver import journal, replay
from ctiserver.model import events as ev, ids
from ctiserver.model.explanation import Explanation
from ctiserver.model.ids import AgentId, ContactId, ReservationId
from ctiserver.model.turns import Record
from ctiserver.model.work_events import Why
from ctiserver.model.world import World


class Unknown(Exception):
    """There is no such contact or offer in this journal."""


class Happened(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that happened to a contact: the event's name, when, with whom. `about`: an end reason, or why a step
    ended."""

    at: float
    event: str
    agents: tuple[AgentId, ...] = ()
    reservation: ReservationId | None = None
    about: str = ""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """`subject`: 'contact' or 'offer'. `told`: every agent, at the moment of the offer, or now for a contact that is
    not over; None: `untold` says why not (one line, '' when the contact is over). `record`: what the offer's record
    keeps (of a contact: its last offer's). `history`: what happened to the contact."""

    subject: str
    contact: ContactId
    queue: str
    history: tuple[Happened, ...]
    reservation: ReservationId | None = None
    record: Why | None = None
    told: Explanation | None = None
    untold: str = ""


def live(world: World, contact: ContactId, index: Index | None = None) -> Answer | None:
    """A contact of this world, without its history; None: it is not there."""
    told = explain(world, contact, index)
    return Answer(subject="contact", contact=contact, queue=told.queue, history=(), told=told) if told else None


def ask(folder: Path, name: str) -> Answer:
    """`name`: a contact's or a reservation's id. Raises Unknown, JournalDamaged, OSError."""
    if not ids.made_in(name):
        raise Unknown(f"{name!r} is no id of a contact (k...) or of an offer (r...)")
    return of_offer(folder, ReservationId(name)) if name.startswith("r") else of_contact(folder, ContactId(name))


def of_contact(folder: Path, contact: ContactId) -> Answer:
    """A contact as the journal's last record leaves it."""
    records = list(journal.mentioning(folder, contact, ids.made_in(contact)))
    queued = next((event for event in _events(records, contact) if isinstance(event, ev.ContactQueued)), None)
    if queued is None:
        raise Unknown(f"there is no contact {contact} in this journal")
    history, offers = _history(records, contact), _offers(records, contact)
    told, untold = None, ""
    if not any(one.event == "ContactEnded" for one in history):
        try:
            world, cores = replay.world_after(folder)
            told = explain(world, contact, cores[2].index)
        except replay.CannotTell as error:
            untold = str(error)
    return Answer(
        subject="contact",
        contact=contact,
        queue=queued.queue,
        history=history,
        reservation=offers[-1].reservation if offers else None,
        record=offers[-1].why if offers else None,
        told=told,
        untold=untold,
    )


def of_offer(folder: Path, reservation: ReservationId) -> Answer:
    """An offer in the moment in which it was decided."""
    seq = ids.made_in(reservation)
    record = next(journal.read(folder, after=seq - 1), None)
    events = record.events if record is not None and record.seq == seq else ()
    made = next((e for e in events if isinstance(e, ev.OfferMade) and e.reservation == reservation), None)
    if record is None or made is None:
        raise Unknown(f"there is no offer {reservation} in this journal")
    told, untold = None, ""
    try:
        world, cores = replay.world_after(folder, seq - 1)
        epoch = (folder / "epoch").read_text().strip()
        told = replay.offer_explained(world, cores, record, epoch, reservation)
        if told is None:
            untold = "this version of Hollyhock decides otherwise than the one that wrote the journal"
    except replay.CannotTell as error:
        untold = str(error)
    records = journal.mentioning(folder, made.contact, ids.made_in(made.contact))
    return Answer(
        subject="offer",
        contact=made.contact,
        queue=made.queue,
        history=_history(list(records), made.contact),
        reservation=reservation,
        record=made.why,
        told=told,
        untold=untold,
    )


def _events(records: list[Record], contact: ContactId) -> list[ev.Event]:
    """The events about this contact; the id of one contact may begin that of another."""
    return [event for record in records for event in record.events if getattr(event, "contact", None) == contact]


def _offers(records: list[Record], contact: ContactId) -> list[ev.OfferMade]:
    return [event for event in _events(records, contact) if isinstance(event, ev.OfferMade)]


def _history(records: list[Record], contact: ContactId) -> tuple[Happened, ...]:
    found = []
    for record in records:
        for event in record.events:
            if getattr(event, "contact", None) != contact:
                continue
            agent = getattr(event, "agent", None)
            agents = tuple(getattr(event, "agents", ())) or ((agent,) if agent else ())
            about = getattr(event, "reason", "") or getattr(event, "why", "")
            found.append(
                Happened(
                    at=getattr(event, "at", record.at),
                    event=type(event).__name__,
                    agents=agents,
                    reservation=getattr(event, "reservation", None),
                    about=about if isinstance(about, str) else "",
                )
            )
    return tuple(found)
