"""Hostile files of a site: each is one line that names the file, soon, and never a traceback.

The faults of a well-formed site: tests/acd/test_config.py and tests/ivr. Here: what is hardly a file.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ctiserver import site
from ivr.speech.prompts import PromptStore

PROMPTS = PromptStore(site.PROMPTS)

BYTES = {
    "zeros": b"\0" * 100,
    "chance": bytes(range(128, 256)),
    "lists in lists": b"a = " + b"[" * 20_000,
    "tables in tables": b"a = " + b"{a=" * 20_000,
    "objects in objects": b'{"a":' * 100_000,
    "a long number": b"x = " + b"9" * 10_000,
    "a long number in JSON": b'{"revision": ' + b"9" * 10_000 + b"}",
    "half a letter": "通".encode()[:2],
    "null": b"null",
    "half a pair": b'{"id": "\\ud800"}',
    "5 MB": b"#" * 5_000_000,
}


def demo(folder: Path) -> Path:
    site.seed(folder)
    return folder


def read(folder: Path) -> None:
    site.read(folder / "site.toml", folder / "flows", PROMPTS, Path("/sounds"))


@pytest.mark.parametrize("name", ["site.toml", "flows/main.json"])
@pytest.mark.parametrize("kind", BYTES)
@pytest.mark.timeout(10)
def test_a_file_of_odd_bytes(tmp_path: Path, kind: str, name: str) -> None:
    folder = demo(tmp_path)
    (folder / name).write_bytes(BYTES[kind])
    with pytest.raises(site.BadSite) as refused:
        read(folder)
    words = str(refused.value)
    print(words[:200])
    assert "\n" not in words
    assert name in words or "flow main" in words
    assert len(words) < 500


@pytest.mark.parametrize("kind", ["folder", "loop", "pipe", "missing"])
@pytest.mark.timeout(10)
def test_what_is_no_file(tmp_path: Path, kind: str) -> None:
    folder = demo(tmp_path)
    for path in (folder / "flows" / "main.json", folder / "site.toml"):
        path.unlink()
        match kind:
            case "folder":
                path.mkdir()
            case "loop":
                path.symlink_to(path)
            case "pipe":
                os.mkfifo(path)
            case _:
                pass
        with pytest.raises(site.BadSite, match=r"main|site\.toml"):
            read(folder)


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    folder = demo(tmp_path)
    for path in (folder / "site.toml", folder / "flows" / "main.json"):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    read(folder)
