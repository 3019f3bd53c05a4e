"""The text of `site.toml`, changed row by row: what the operator wrote around a changed key stays as it is.

Lives here: from text and changes to the new text, and what differs between two texts, in words. Not here: files
(`ctiserver.site_desk`), what a row may hold (`acd.config`). Limits are our own choice.

The text is cut at its `[[table]]` lines, and only the pieces of changed rows are written anew (a whole file of 10,000
agents would take the style-keeping parser a minute). Whatever is written is read again and must be what was wanted.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
import tomlkit
from tomlkit.exceptions import TOMLKitError

from ctiserver.model.requirement import of_levels
from ctiserver.ports_site import SiteEdit, SiteFault

Tables = dict[str, list[dict[str, Any]]]

MAX_DEPTH = 6
"""Values within values."""
MAX_LINES = 100
"""Lines of the list of what a change did; more are counted."""
_LONGEST = 100
"""Characters of a value in such a line."""

_HEADER = re.compile(r"[ \t]*\[\[[ \t]*\"?([A-Za-z0-9_-]+)\"?[ \t]*\]\]")
_BARE = re.compile(r"[A-Za-z0-9_-]+")


class BadEdit(Exception):
    """The changes cannot be made to this text. `faults`: every reason, by row."""

    def __init__(self, faults: Sequence[SiteFault]) -> None:
        super().__init__("; ".join(fault.message for fault in faults))
        self.faults = tuple(faults)


class _Piece(msgspec.Struct):
    """A row as it stands in the text: comments before it, and the lines from its header on. `table` '': the head."""

    table: str
    lead: str
    body: str


def revision(text: str) -> str:
    """What tells this text from every other: 16 characters."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def id_key(table: str) -> str:
    """The key that names a row."""
    return "number" if table == "numbers" else "id"


def tables(text: str) -> Tables:
    """The rows of every table as they are written, requirements as text; what is no table of rows is left out.

    Raises ValueError when the text is no TOML.
    """
    return {
        name: [_shown(row) for row in rows]
        for name, rows in _parsed(text).items()
        if isinstance(rows, list) and all(isinstance(row, dict) for row in rows)
    }


def edited(text: str, edits: Iterable[SiteEdit]) -> str:
    """The text after these changes. Raises BadEdit, and ValueError when the text is no TOML."""
    pieces = _cut(text)
    wanted = tables(text)
    faults: list[SiteFault] = []
    for edit in edits:
        try:
            _edit(pieces, wanted, edit)
        except _Refused as refused:
            key = refused.key
            faults.append(SiteFault(table=edit.table, id=edit.id, key=key, path=key, message=str(refused)))
    if faults:
        raise BadEdit(faults)
    new = "".join(piece.lead + piece.body for piece in pieces)
    try:
        right = _filled(tables(new)) == _filled(wanted)
    except ValueError:
        right = False
    if not right:
        raise BadEdit([SiteFault(message="the file is written in a way that cannot be changed here: edit it by hand")])
    return new


def _filled(found: Tables) -> Tables:
    return {name: rows for name, rows in found.items() if rows}


class _Refused(Exception):
    def __init__(self, message: str, key: str = "") -> None:
        super().__init__(message)
        self.key = key


def _edit(pieces: list[_Piece], wanted: Tables, edit: SiteEdit) -> None:
    name, rows = id_key(edit.table), wanted.setdefault(edit.table, [])
    at = next((n for n, row in enumerate(rows) if row.get(name) == edit.id), None)
    place = [n for n, piece in enumerate(pieces) if piece.table == edit.table]
    if len(place) != len(rows):
        raise _Refused("this table is not written as [[rows]]: edit the file by hand")
    if edit.set.get(name, edit.id) != edit.id:
        raise _Refused("the name of a row is never changed: add a new row, then remove the old one", name)
    for key, value in edit.set.items():
        _check(key, value)
    if edit.remove:
        if at is None:
            raise _Refused("there is no such row (any more)")
        del rows[at]
        _take_out(pieces, place[at])
    elif edit.create:
        if at is not None:
            raise _Refused("there is one of this name already", name)
        row = {name: edit.id, **{key: value for key, value in edit.set.items() if value is not None}}
        last = place[-1] if place else len(pieces) - 1
        if pieces[last].body and not pieces[last].body.endswith("\n"):
            pieces[last].body += "\n"
        pieces.insert(last + 1, _Piece(edit.table, "\n", _row(edit.table, row)))
        rows.append(_shown(row))
    else:
        if at is None:
            raise _Refused("there is no such row (any more)")
        changed = {key: value for key, value in edit.set.items() if rows[at].get(key) != value}
        row = {key: value for key, value in {**rows[at], **changed}.items() if value is not None}
        rows[at] = _shown(row)
        if changed:
            piece = pieces[place[at]]
            piece.body = _rewritten(piece, rows[at], changed)


def _check(key: str, value: Any, depth: int = 0) -> None:
    """What cannot be written down, or would look like something else."""
    match value:
        case str():
            if any(ord(letter) < 32 or ord(letter) == 127 for letter in value):
                raise _Refused("control characters cannot be used", key)
        case float():
            if not math.isfinite(value):
                raise _Refused("is not a number", key)
        case int():
            if abs(value) >= 2**63:
                raise _Refused("is too large a number", key)
        case list() | dict():
            if depth >= MAX_DEPTH:
                raise _Refused("is nested too deeply", key)
            for part in value.values() if isinstance(value, dict) else value:
                if part is None:
                    raise _Refused("holds an empty value", key)
                _check(key, part, depth + 1)
            for name in value if isinstance(value, dict) else ():
                _check(key, name, depth + 1)
        case None:
            pass
        case _:
            raise _Refused("cannot be written down", key)
    if not key or any(ord(letter) < 32 or ord(letter) == 127 for letter in key):
        raise _Refused("is no key", key)


# --- text -----------------------------------------------------------------------------------------------


@lru_cache(maxsize=2)  # a change asks for the old text and the new one several times
def _parsed(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("values within values without end") from None


def _cut(text: str) -> list[_Piece]:
    """The head and every row; comments and empty lines before a header belong to the row that follows."""
    pieces = [_Piece("", "", "")]
    for line in text.splitlines(keepends=True):
        header = _HEADER.match(line)
        if header is None:
            pieces[-1].body += line
        else:
            pieces.append(_Piece(header.group(1), _tail(pieces[-1]), line))
    return [*pieces, _Piece("", "", _tail(pieces[-1]))]


def _tail(piece: _Piece) -> str:
    """Cut off and return the empty lines and comments at its end."""
    lines = piece.body.splitlines(keepends=True)
    keep = len(lines)
    while keep and (not lines[keep - 1].strip() or lines[keep - 1].lstrip().startswith("#")):
        keep -= 1
    piece.body = "".join(lines[:keep])
    return "".join(lines[keep:])


def _take_out(pieces: list[_Piece], at: int) -> None:
    """A comment that touches the row goes with it; one with an empty line between heads what follows."""
    lines = pieces[at].lead.splitlines(keepends=True)
    while lines and lines[-1].strip():
        lines.pop()
    del pieces[at]
    if any(line.strip() for line in lines):
        following = pieces[at]  # there is always one: the end of the text
        following.lead = "".join(lines) + following.lead.lstrip("\n")


def _rewritten(piece: _Piece, wanted: Mapping[str, Any], changed: Mapping[str, Any]) -> str:
    """The row with these keys changed; written anew as a whole when that does not come out right."""
    try:
        document = tomlkit.parse(piece.body)
        row = document[piece.table][0]
        for key, value in changed.items():
            if value is None:
                row.remove(key)
            else:
                row[key] = tomlkit.parse(f"x = {_value(value)}\n")["x"]
        body = tomlkit.dumps(document)
        if tables(body) == {piece.table: [wanted]}:
            return body
    except (TOMLKitError, ValueError, KeyError, TypeError, IndexError, RecursionError):
        pass
    return _row(piece.table, wanted)


def _row(table: str, row: Mapping[str, Any]) -> str:
    return f"[[{table}]]\n" + "".join(f"{_key(key)} = {_value(value)}\n" for key, value in row.items())


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else json.dumps(key, ensure_ascii=False)


def _value(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return json.dumps(value, ensure_ascii=False)
        case int() | float():
            return repr(value)
        case dict():
            inner = ", ".join(f"{_key(key)} = {_value(part)}" for key, part in value.items())
            return f"{{ {inner} }}" if inner else "{}"
        case list():
            if any(isinstance(part, dict) for part in value):
                return "[\n" + "".join(f"    {_value(part)},\n" for part in value) + "]"
            return f"[{', '.join(_value(part) for part in value)}]"
        case _:
            raise TypeError(f"{type(value).__name__} is no value of TOML")


def _shown(value: Any) -> Any:
    """The value as JSON has it: a requirement that is written as levels is text, a date is text."""
    if isinstance(value, dict):
        return {
            key: of_levels(part) if key == "requires" and _levels(part) else _shown(part)
            for key, part in value.items()
        }
    if isinstance(value, list):
        return [_shown(part) for part in value]
    return value if isinstance(value, str | int | float) else str(value)


def _levels(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(level, int) for level in value.values())


# --- in words -------------------------------------------------------------------------------------------


def differences(old: str, new: str) -> tuple[str, ...]:
    """What is different, one line each, e.g. `queues/service: priority 0.0 -> 30.0`; at most MAX_LINES and a count."""
    try:
        lines = list(_differences(old, new))
    except ValueError:
        return ("the whole text",)
    more = len(lines) - MAX_LINES
    return (*lines[:MAX_LINES], *((f"... and {more} more",) if more > 0 else ()))


def _differences(old: str, new: str) -> Iterator[str]:
    before, after = _parsed(old), _parsed(new)
    rows_before, rows_after = tables(old), tables(new)
    for name in dict.fromkeys([*before, *after]):
        if name not in rows_before and name not in rows_after:
            if before.get(name) != after.get(name):
                yield f"{name} {_short(before.get(name))} -> {_short(after.get(name))}"
            continue
        key = id_key(name)
        was = {str(row.get(key)): row for row in rows_before.get(name, ())}
        now = {str(row.get(key)): row for row in rows_after.get(name, ())}
        for row in dict.fromkeys([*was, *now]):
            if row not in now:
                yield f"{name}/{row}: removed"
            elif row not in was:
                yield f"{name}/{row}: added"
            elif was[row] != now[row]:
                yield f"{name}/{row}: {', '.join(_changed('', was[row], now[row]))}"


def _changed(key: str, was: Any, now: Any) -> Iterator[str]:
    """`key old -> new`, of a table key by key."""
    if isinstance(was, dict) and isinstance(now, dict):
        for part in dict.fromkeys([*was, *now]):
            yield from _changed(f"{key}.{part}" if key else part, was.get(part), now.get(part))
    elif was != now:
        yield f"{key} {_short(was)} -> {_short(now)}"


def _short(value: Any) -> str:
    text = "-" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
