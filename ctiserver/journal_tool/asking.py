"""`hollyhock why | replay`: options, output, exit codes.

Exit codes of `why`: 0 answered, 1 there is no such contact or offer, 2 there is nothing to look at; of `replay`: 0 the
same, 1 decided otherwise, 2 nothing could be decided again.

Nothing here writes to the data folder. The heavy imports are in the commands, as in `commands`.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from ctiserver.journal_tool.commands import AsJson, Folder, journal_folder, progress_bar, reading, refuse, tell


def why(
    name: Annotated[
        str, typer.Argument(metavar="CONTACT|RESERVATION", help="A contact's id (k...) or an offer's (r...).")
    ],
    folder: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Say why a contact waits or waited, or why an offer went to this agent: every agent, in or out."""
    import msgspec

    from ctiserver import journal
    from ctiserver.why import Unknown, ask

    where = journal_folder(folder)
    with reading(stopped=2):
        if not where.is_dir():
            refuse(f"{where}: no journal here")
        try:
            answer = ask(where, name)
        except Unknown as error:
            tell(error)
            raise typer.Exit(1) from None
        except (journal.JournalDamaged, msgspec.MsgspecError) as error:
            refuse(error)
        if as_json:
            print(msgspec.json.encode(answer).decode())
            return
        from ctiserver.journal_tool.answers import lines

        for line in lines(answer):
            print(line)


def replay(
    folder: Folder = None,
    first: Annotated[
        str, typer.Option("--from", help="First record: its number, or a time as `journal show --since` takes it.")
    ] = "1",
    last: Annotated[str, typer.Option("--to", help="Last record: its number, or a time.")] = "",
    changed: Annotated[
        Path | None, typer.Option("--with", help="A site.toml: play the same arrivals under these rules instead.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Decide a journal's records again: they must give what was recorded, bit for bit. Exit code 1: they do not.

    With `--with changed.toml`: which contacts would have gone elsewhere, and how long callers would have waited.
    """
    if changed is not None:
        _with(folder, first, last, changed, as_json)
        return
    import msgspec

    from ctiserver.journal import JournalDamaged
    from ctiserver.journal_tool.lines import stamp
    from ctiserver.journal_tool.replaying import replay as again
    from ctiserver.replay import CannotTell

    where = journal_folder(folder)
    with reading(stopped=2):
        if not where.is_dir():
            refuse(f"{where}: no journal here")
        try:
            with progress_bar("deciding again") as progress:
                found = again(where, _number(where, first), _last(where, last), progress)
        except (JournalDamaged, CannotTell, msgspec.MsgspecError) as error:
            refuse(error)
    if as_json:
        print(msgspec.json.encode(found).decode())
    else:
        for one in found.shown:
            print(f"record {one.seq}, {stamp(one.at)}, {one.input}: {one.where}")
        numbers = f"{found.first} - {found.last}, {stamp(found.began)} to {stamp(found.ended)} UTC"
        print(f"records   {numbers}" if found.records else "records   none")
        print(f"replayed  {found.records} decided again in {found.seconds:.1f} s")
        same = "the same, bit for bit" if found.records else "nothing there to decide"
        print(f"verdict   {f'{found.different} decided otherwise' if found.different else same}")
    raise typer.Exit(2 if not found.records else 1 if found.different else 0)


def _with(folder: Path | None, first: str, last: str, changed: Path, as_json: bool) -> None:
    import msgspec

    from acd.config import BadConfig, load_site
    from ctiserver.journal import JournalDamaged
    from ctiserver.journal_tool.past import collect
    from ctiserver.journal_tool.retracing import compare, lines
    from ctiserver.replay import CannotTell

    where = journal_folder(folder)
    with reading(stopped=2):
        if not where.is_dir():
            refuse(f"{where}: no journal here")
        text = changed.read_text("utf-8-sig")
        try:
            with progress_bar("reading") as progress:
                past, recorded = collect(where, _number(where, first), _last(where, last), progress)
            if not past.visits:
                refuse("nobody asked for an agent in these records")
            then = past.sites[-1][1]
            flows = {flow.id: flow.document for flow in then.flows}
            site = load_site(text, flows=flows, prompts=then.prompts)
        except BadConfig as error:
            refuse(f"{changed}: " + "; ".join(error.faults))
        except (JournalDamaged, CannotTell, msgspec.MsgspecError) as error:
            refuse(error)
        found = compare(past, recorded, site)
    if as_json:
        print(msgspec.json.encode(found).decode())
        return
    for line in lines(found):
        print(line)


def _number(where: Path, text: str) -> int:
    """A record's number, said as such or as a moment."""
    from ctiserver.journal_tool.replaying import number_at
    from ctiserver.journal_tool.select import moment

    if text.isdigit():
        return max(1, int(text))
    try:
        return number_at(where, moment(text, time.time()))
    except ValueError as error:
        refuse(error)


def _last(where: Path, text: str) -> int | None:
    if not text:
        return None
    return int(text) if text.isdigit() else _number(where, text) - 1
