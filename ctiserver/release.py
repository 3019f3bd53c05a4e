"""Which release of Hollyhock this is. Here: that one word. Not here: anything that depends on it."""

from __future__ import annotations

import importlib.metadata


def version() -> str:
    """Of the installed package; `0` when run from a checkout, where nothing is installed."""
    try:
        return importlib.metadata.version("hollyhock")
    except importlib.metadata.PackageNotFoundError:
        return "0"
