"""Runs the real supervisor with the stand-in as its server, as `make up` runs it with the real server."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from ctiserver import supervisor

if __name__ == "__main__":
    # The server's user may not be able to read the checkout: the stand-in lies where the data is.
    stand_in = Path(os.environ["HOLLYHOCK_HOME"]) / "stand_in.py"
    if stand_in.parent.is_dir():
        shutil.copyfile(Path(__file__).with_name("stand_in.py"), stand_in)
    supervisor.PATIENCE = float(os.environ.get("STAND_IN_PATIENCE", supervisor.PATIENCE))
    sys.exit(supervisor.main(dict(os.environ), [sys.executable, str(stand_in)]))
