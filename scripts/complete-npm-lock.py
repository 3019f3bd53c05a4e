"""Names in an npm lock file the optional packages of other platforms that npm left out.

A registry mirror may not carry, say, the Android build of a tool. `npm install` then drops it from the lock without a
word, and `npm ci` refuses that lock. The entries added here are never downloaded on a platform they are not for.
Usage: python scripts/complete-npm-lock.py agent_desktop/web/package-lock.json
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

PLATFORM = re.compile(r"(?:^|[/-])(android|darwin|freebsd|linux|win32)-(arm64|arm|ia32|x64)(-musl|-gnu|-msvc)?$")


def complete(path: Path) -> int:
    """Adds what is missing; returns how many entries."""
    document = json.loads(path.read_text())
    packages = document["packages"]
    added = 0
    for place, package in list(packages.items()):
        for name, version in package.get("optionalDependencies", {}).items():
            key = f"node_modules/{name}"
            found = PLATFORM.search(name)
            if key in packages or f"{place}/{key}" in packages or not found:
                continue
            system, processor, library = found.groups()
            entry = {"version": version, "cpu": [processor], "optional": True, "os": [system]}
            if package.get("dev"):
                entry["dev"] = True
            if system == "linux":
                entry["libc"] = ["musl" if library == "-musl" else "glibc"]
            packages[key] = entry
            added += 1
    first = packages.pop("")
    document["packages"] = {"": first} | dict(sorted(packages.items()))
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    return added


if __name__ == "__main__":
    print(f"{complete(Path(sys.argv[1]))} entries added")
