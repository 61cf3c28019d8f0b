"""Users of this machine: who is meant, and becoming one for good."""

from __future__ import annotations

import grp
import os
import pwd
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from handrail.errors import Misconfigured


@dataclass(frozen=True, slots=True)
class SystemUser:
    """A user of the system with the groups that its processes are in."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()

    @classmethod
    def named(cls, name: str, setting: str) -> SystemUser:
        """Return the user of that name, or with that number, or with these numbers of user and group, `990:990`.

        Raises:
            Misconfigured: there is none; the sentence names the setting.
        """
        if found := re.fullmatch(r"(\d+):(\d+)", name):
            return cls(int(found[1]), int(found[2]))
        try:
            entry = pwd.getpwuid(int(name)) if name.isdecimal() else pwd.getpwnam(name)
        except (KeyError, OverflowError) as err:
            remedy = "Make it (useradd --system), or name it by the numbers of user and group, as 990:990."
            raise Misconfigured(setting, f"this machine has no user {name!r}", remedy) from err
        groups = tuple(each.gr_gid for each in grp.getgrall() if entry.pw_name in each.gr_mem)
        return cls(entry.pw_uid, entry.pw_gid, groups)

    @classmethod
    def current(cls) -> SystemUser:
        """Return the user of this process."""
        return cls(os.geteuid(), os.getegid(), tuple(os.getgroups()))

    @classmethod
    def owner_of(cls, path: Path) -> SystemUser:
        """Return the owner of a file or folder."""
        entry = path.stat()
        return cls(entry.st_uid, entry.st_gid)

    def may_write(self, path: Path) -> bool:
        """Say whether the permissions of a file or folder let this user change it."""
        entry = path.stat()
        if self.uid in (0, entry.st_uid):
            return True
        in_group = entry.st_gid in (self.gid, *self.groups)
        return bool(entry.st_mode & (0o020 if in_group else 0o002))

    def is_kept_out_of(self, folder: Path) -> bool:
        """Say whether a folder that this user may write lets nobody but owners rename what is in it, as /tmp does."""
        entry = folder.stat()
        return bool(entry.st_mode & stat.S_ISVTX) and self.uid not in (0, entry.st_uid)


def become(user: SystemUser) -> None:
    """Go on as this user, for good; nothing happens if it is this user already.

    Raises:
        Misconfigured: this process may not.
    """
    if user.uid == os.geteuid() and os.geteuid() != 0:
        return
    try:
        os.setgroups(user.groups)
        os.setresgid(user.gid, user.gid, user.gid)
        os.setresuid(user.uid, user.uid, user.uid)
    except OSError as err:
        problem = f"this process may not become user {user.uid}: {(err.strerror or str(err)).lower()}"
        raise Misconfigured("approvals_user", problem, "Start it as root, or leave the users out.") from err
