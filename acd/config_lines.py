"""Where things stand in a TOML text: path -> line, for messages about faults.

Lives here: headers and keys at the beginning of a line, which is how the file is written. Not here: a second parser;
what stands inside a value has the line of the nearest thing around it. Paths are like `queues[1].steps[0].requires`.
"""

from __future__ import annotations

import re

_HEADER = re.compile(r"\s*(\[\[?)\s*([A-Za-z0-9_\".-]+)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"\s*\"?([A-Za-z0-9_-]+)\"?\s*=")


class Lines:
    def __init__(self, text: str) -> None:
        self._found: dict[str, int] = {}
        rows: dict[str, int] = {}  # array of tables -> its newest row
        table = ""
        for number, line in enumerate(text.splitlines(), 1):
            if header := _HEADER.match(line):
                table = self._table(header[2].replace('"', "").split("."), header[1] == "[[", rows)
                self._found.setdefault(re.sub(r"\[\d+\]$", "", table), number)
                self._found.setdefault(table, number)
            elif key := _KEY.match(line):
                self._found.setdefault(f"{table}.{key[1]}" if table else key[1], number)

    @staticmethod
    def _table(parts: list[str], is_row: bool, rows: dict[str, int]) -> str:
        path = ""
        for part in parts[:-1]:
            path += f".{part}" if path else part
            if path in rows:
                path += f"[{rows[path]}]"
        path += f".{parts[-1]}" if path else parts[-1]
        if not is_row:
            return path
        rows[path] = rows.get(path, -1) + 1
        return f"{path}[{rows[path]}]"

    def line(self, path: str) -> int | None:
        """The line of this path, or of what it is in; None: nothing of it is in the text."""
        while path:
            if path in self._found:
                return self._found[path]
            path = re.sub(r"(\[[^\]]*\]|\.[^.\[]*)$", "", path) if re.search(r"[.\[]", path) else ""
        return None
