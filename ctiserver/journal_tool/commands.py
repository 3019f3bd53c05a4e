"""`hollyhock journal show | verify | tail`: options, output, exit codes.

Exit codes: 0 all well, 1 `verify` found a fault, 2 there is nothing to look at. Nothing here writes to the data folder.
The heavy imports are in the commands: the server's own start goes through this module.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from rich.text import Text

    from ctiserver.journal_tool.follow import Entry
    from ctiserver.journal_tool.select import Selector, Wanted
    from ctiserver.journal_tool.verdict import Finding, Verdict
    from ctiserver.model.turns import Record

commands = typer.Typer(no_args_is_help=True, help="Read and check the journal of decisions; nothing is changed.")

Folder = Annotated[
    Path | None, typer.Option("--folder", help="Data folder or journal folder. [default: HOLLYHOCK_HOME]")
]
First = Annotated[int, typer.Option("--from", min=1, help="First record's number.")]
Last = Annotated[int | None, typer.Option("--to", help="Last record's number.")]
Since = Annotated[str, typer.Option(help="Not before: 2026-11-22T16:40 or 16:40 (UTC), or 30m, 2h, 1d (ago).")]
Conversation = Annotated[str, typer.Option(help="One conversation, with its legs, contact and offers.")]
Agent = Annotated[str, typer.Option(help="One agent.")]
Types = Annotated[list[str] | None, typer.Option("--type", help="Name of an input, event or effect; can be repeated.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
Personal = Annotated[bool, typer.Option(help="Show numbers, names, digits and notes too.")]


def refuse(text: object) -> NoReturn:
    print(f"hollyhock: {text}", file=sys.stderr)
    raise typer.Exit(2)


def journal_folder(chosen: Path | None) -> Path:
    from ctiserver.journal_tool.follow import folder_of
    from ctiserver.settings import BadSetting, home_folder

    try:
        return folder_of(chosen.expanduser().absolute() if chosen else home_folder(os.environ))
    except BadSetting as error:
        refuse(error)
    except OSError as error:
        refuse(f"{error.filename}: {error.strerror}")


def _wanted(first: int, last: int | None, since: str, conversation: str, agent: str, types: list[str] | None) -> Wanted:
    from ctiserver.journal_tool.select import Wanted, moment

    try:
        return Wanted(
            first=first,
            last=last,
            since=moment(since, time.time()) if since else 0.0,
            conversation=conversation,
            agent=agent,
            types=tuple(types or ()),
        )
    except ValueError as error:
        refuse(f"--since: {error}")


@contextmanager
def reading(stopped: int = 0) -> Iterator[None]:
    """Ctrl-C (exit code `stopped`) and a closed pipe end a reader quietly; a file that cannot be read is one line."""
    try:
        yield
    except KeyboardInterrupt:
        raise typer.Exit(stopped) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter flushes once more at its end
        raise typer.Exit(0) from None
    except OSError as error:
        refuse(f"{error.filename}: {error.strerror}")


def _printer(as_json: bool, personal: bool) -> Callable[[Record], None]:
    from ctiserver.journal_tool import lines
    from ctiserver.personal import plain

    if as_json:
        return lambda record: print(lines.as_json(plain(record, personal=personal)), flush=True)
    write = _writer()
    return lambda record: write(lines.as_text(plain(record, personal=personal)))


def _writer() -> Callable[[Text], None]:
    """To a terminal in colour, elsewhere as it is: rich would fold long lines."""
    from rich.console import Console

    if not sys.stdout.isatty():
        return lambda text: print(text.plain, flush=True)
    console = Console(highlight=False)
    return lambda text: console.print(text, soft_wrap=True)


def tell(text: object) -> None:
    """Beside the records, so that a pipe gets records alone."""
    sys.stdout.flush()
    print(f"hollyhock: {text}", file=sys.stderr, flush=True)


@commands.command()
def show(
    folder: Folder = None,
    first: First = 1,
    last: Last = None,
    since: Since = "",
    conversation: Conversation = "",
    agent: Agent = "",
    types: Types = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many records.")] = None,
    as_json: AsJson = False,
    personal: Personal = False,
) -> None:
    """Print records: number, UTC time, what came in, what was decided. Personal data is masked."""
    from ctiserver.journal_tool.follow import Unreadable, entries
    from ctiserver.journal_tool.select import Selector

    where = journal_folder(folder)
    selector = Selector(_wanted(first, last, since, conversation, agent, types))
    put = _printer(as_json, personal)
    left = limit
    with reading():
        if not where.is_dir():
            refuse(f"{where}: no journal here")
        os.listdir(where)  # a folder that may not be read is no empty one
        # Ids that belong to a conversation or agent are learned from the beginning on.
        for entry in entries(where, 1 if conversation or agent else first):
            if isinstance(entry, Unreadable):
                tell(f"not readable: {entry}")
            elif selector.wants(entry):
                put(entry)
                if left is not None and (left := left - 1) == 0:
                    break
            elif last is not None and entry.seq > last:
                break


@commands.command()
def tail(
    folder: Folder = None,
    conversation: Conversation = "",
    agent: Agent = "",
    types: Types = None,
    limit: Annotated[int, typer.Option(min=0, help="So many of the newest records first.")] = 10,
    as_json: AsJson = False,
    personal: Personal = False,
) -> None:
    """Follow the journal of a running server until Ctrl-C. Personal data is masked."""
    import collections

    from ctiserver.journal_tool.follow import Follower
    from ctiserver.journal_tool.select import Selector

    where = journal_folder(folder)
    selector = Selector(_wanted(1, None, "", conversation, agent, types))
    put = _printer(as_json, personal)
    with reading():
        if not where.parent.is_dir():
            refuse(f"{where}: no such folder")
        if where.is_dir():
            os.listdir(where)
        else:
            tell(f"no journal in {where} yet; waiting")
        follower = Follower(where)
        newest: collections.deque[Entry] = collections.deque(maxlen=limit)
        newest.extend(entry for entry in follower.new() if _shown(entry, selector))
        for entry in newest:
            _put(entry, put)
        for entry in follower.follow():
            if _shown(entry, selector):
                _put(entry, put)


def _shown(entry: Entry, selector: Selector) -> bool:
    from ctiserver.model.turns import Record

    return not isinstance(entry, Record) or selector.wants(entry)


def _put(entry: Entry, put: Callable[[Record], None]) -> None:
    from ctiserver.journal_tool.follow import NewJournal
    from ctiserver.model.turns import Record

    if isinstance(entry, Record):
        put(entry)
    elif isinstance(entry, NewJournal):
        tell("the files were replaced: reading from the beginning")
    else:
        tell(f"not readable: {entry}")


@commands.command()
def verify(folder: Folder = None, as_json: AsJson = False) -> None:
    """Check every record, the snapshots, and that each decision comes out again as it was recorded."""
    from ctiserver.journal_tool.verify import NoJournal, verify as look
    from ctiserver.release import version

    where = journal_folder(folder)
    with reading(stopped=2):
        try:
            with progress_bar("verifying") as progress:
                verdict = look(where, version=version(), progress=progress)
        except NoJournal as error:
            refuse(error)
        if as_json:
            import msgspec

            print(msgspec.json.encode(verdict).decode())
        else:
            _report(verdict)
    raise typer.Exit(0 if verdict.good else 1)


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr, when somebody sits before it."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    if not sys.stderr.isatty():
        yield lambda _done, _all: None
        return
    columns = (TextColumn(what), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what)
        yield lambda done, whole: bar.update(task, completed=done, total=whole)


def _report(verdict: Verdict) -> None:
    from rich.text import Text

    from ctiserver.journal_tool.lines import stamp

    write = _writer()
    for finding in sorted(verdict.findings, key=lambda one: one.fault):
        write(_finding(finding))
    write(Text(f"journal  {verdict.folder}"))
    numbers = f"{verdict.first} - {verdict.last}, {stamp(verdict.began)} to {stamp(verdict.ended)} UTC"
    count = f"records  {verdict.records} in {verdict.segments} file(s)"
    write(Text(f"{count}: {numbers}" if verdict.records else count))
    equal = " and ".join(map(str, verdict.snapshots)) or "none"
    write(Text(f"checked  {verdict.folded} folded, {verdict.decided} decided again; snapshots that agree: {equal}"))
    write(Text(f"a start  {verdict.start}"))
    faults = sum(finding.fault for finding in verdict.findings)
    text = Text("verdict  ")
    text.append("good" if not faults else f"{faults} fault(s), see above", "bold green" if not faults else "bold red")
    write(text)


def _finding(finding: Finding) -> Text:
    from rich.text import Text

    place = [finding.file] if finding.file else []
    place += [f"byte {finding.offset}"] if finding.offset is not None else []
    place += [f"record {finding.seq}"] if finding.seq is not None else []
    text = Text()
    text.append("FAULT    " if finding.fault else "note     ", "bold red" if finding.fault else "bold yellow")
    text.append(", ".join(place), "bold")
    text.append(f"\n         {finding.what}")
    for word, said in (("lost", finding.lost), ("do", finding.do)):
        if said:
            text.append(f"\n         {word + ':':<6}", "dim")
            text.append(said)
    text.append("\n")
    return text
