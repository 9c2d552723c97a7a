"""Programs that run as an ordinary user, also where the tests run as root, and that end with them."""

import os
from pathlib import Path
from pwd import getpwnam


def unprivileged(command: list[str], user: str) -> list[str]:
    """Return a command that runs as `user` where this is root's, and is told to end (SIGTERM) when its parent dies.

    It may read what root may: Python itself may be in a folder that is closed to others.
    """
    if os.geteuid() != 0:
        return ["setpriv", "--pdeathsig", "TERM", *command]
    who = ["--reuid", user, "--regid", str(getpwnam(user).pw_gid), "--clear-groups"]
    readers = ["--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"]
    return ["setpriv", *who, *readers, "--pdeathsig", "TERM", *command]


def given_to(folder: Path, user: str) -> Path:
    """Give a folder to a user, where that is root's to do, and return it."""
    if os.geteuid() == 0:
        os.chown(folder, getpwnam(user).pw_uid, getpwnam(user).pw_gid)
    return folder
