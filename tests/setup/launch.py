"""Runs the real supervisor with the stand-in as its server, as `make up` runs it with the real server."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ctiserver import supervisor

if __name__ == "__main__":
    stand_in = Path(__file__).with_name("stand_in.py")
    sys.exit(supervisor.main(dict(os.environ), [sys.executable, str(stand_in)]))
