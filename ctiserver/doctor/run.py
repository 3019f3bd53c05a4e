"""Runs all checks side by side, each with a deadline, and never longer than a person waits.

Each check has a daemon thread of its own: one that hangs in the kernel (a dead network disk, a name server) is left
behind, and the process can end. Numbers: our choice, a whole run stays below 10 s whatever hangs, the disk of the data
folder included.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from ctiserver.doctor import books, house, machine, telephony
from ctiserver.doctor.report import Finding, Report, fault, warning
from ctiserver.doctor.subject import Subject
from ctiserver.release import version

DEADLINE = 7.0

Check = Callable[[Subject], Iterator[Finding]]

CHECKS: tuple[tuple[str, Check], ...] = (
    ("settings", machine.settings),
    ("data folder", machine.data_folder),
    ("disk", machine.disk),
    ("memory", machine.memory),
    ("open files", machine.limits),
    ("clock", machine.clock),
    ("HTTP port", machine.http_port),
    ("SIP port", machine.sip_port),
    ("RTP ports", machine.rtp_ports),
    ("certificate", house.certificate),
    ("web pages", house.pages),
    ("server", house.server),
    ("faults", house.faults),
    ("Asterisk", telephony.asterisk),
    ("ARI", telephony.ari),
    ("journal", books.journal),
    ("database", books.database),
    ("site", house.site_file),
)


def examine(
    environ: Mapping[str, str], *, checks: Sequence[tuple[str, Check]] = CHECKS, deadline: float = DEADLINE
) -> Report:
    """Everything that can be found out now. Raises BadSetting when not even the defaults can be used."""
    began = time.monotonic()
    made: list[Subject | BaseException] = []
    first = threading.Thread(target=_look, args=(environ, made), name="subject", daemon=True)
    first.start()
    first.join(deadline / 2)
    subject = made[0] if made else None
    if isinstance(subject, BaseException):
        raise subject
    if subject is None:
        late = fault("data folder", "its disk gives no answer", "look at the disk or the network mount (mount, dmesg)")
        where = environ.get("HOLLYHOCK_HOME", "")
        return Report(version=version(), home=where, seconds=deadline / 2, findings=(late,), given_up=("all",))
    found: dict[str, list[Finding]] = {name: [] for name, _check in checks}
    threads = [
        (name, threading.Thread(target=_run, args=(name, check, subject, found[name]), name=name, daemon=True))
        for name, check in checks
    ]
    given_up: list[str] = []
    for _name, thread in threads:
        thread.start()
    for name, thread in threads:
        thread.join(max(0.0, began + deadline - time.monotonic()))
        if thread.is_alive():
            late = fault(name, f"no answer in {deadline:.0f} s: the check was given up", "something it asks hangs")
            found[name] = [*found[name], late]
            given_up.append(name)
    seconds = round(time.monotonic() - began, 2)
    findings = tuple(finding for name, _check in checks for finding in found[name])
    return Report(
        version=version(), home=str(subject.home), seconds=seconds, findings=findings, given_up=tuple(given_up)
    )


def _look(environ: Mapping[str, str], made: list[Subject | BaseException]) -> None:
    try:
        made.append(Subject(environ))
    except BaseException as error:  # raised again where the caller waits
        made.append(error)


def _run(name: str, check: Check, subject: Subject, found: list[Finding]) -> None:
    try:
        for finding in check(subject):
            found.append(finding)
    except PermissionError as error:
        told = f"may not be looked at: {error.filename}"
        found.append(warning(name, told, "run the doctor as the owner of the data folder or as root"))
    except Exception as error:  # one broken check must not hide what the others found
        found.append(fault(name, f"the check itself failed: {type(error).__name__}: {error}", "report it"))
