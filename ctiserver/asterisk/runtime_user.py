"""Whom Asterisk and the server run as when the supervisor is root, and what that user may reach.

Here: the choice of the user and questions about paths. Not here: any process.
The number 61050 lies in a range that Debian gives to nobody (60578-61183), so no account has to be made and no other
service shares it; an account named `hollyhock` wins when the machine has one.
"""

from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path

import msgspec

SPARE_ID = 61050


class ServiceUser(msgspec.Struct, frozen=True):
    """`uid` and `gid` as the kernel knows them."""

    uid: int
    gid: int


def service_user() -> ServiceUser | None:
    """The unprivileged user to run as; None when we are unprivileged ourselves."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("hollyhock")
    except KeyError:
        return ServiceUser(SPARE_ID, SPARE_ID)
    return ServiceUser(entry.pw_uid, entry.pw_gid)


def _allows(info: os.stat_result, user: ServiceUser, bit: int) -> bool:
    if info.st_uid == user.uid:
        return bool(info.st_mode & (bit << 6))
    if info.st_gid == user.gid:
        return bool(info.st_mode & (bit << 3))
    return bool(info.st_mode & bit)


def blocked_at(path: Path, user: ServiceUser | None) -> Path | None:
    """The first folder on the way to `path` that `user` may not pass, None when all are open."""
    if user is None:
        return None
    path = path.absolute()
    for folder in (*reversed(path.parents), path):
        if not folder.exists():
            return None
        info = folder.stat()
        if stat.S_ISDIR(info.st_mode) and not _allows(info, user, stat.S_IXOTH):
            return folder
    return None


def own(path: Path, user: ServiceUser | None) -> None:
    """Gives one file or folder to the service user."""
    if user is not None:
        os.chown(path, user.uid, user.gid, follow_symlinks=False)
