"""The programs that a cluster is made of: where they are, and as whom they run."""

import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

#: PostgreSQL refuses to run as root; Debian's package makes this user.
USER = "postgres"

#: Debian keeps the server's programs out of PATH, each major version in a folder of its own.
_DEBIAN = Path("/usr/lib/postgresql")


class Programs(NamedTuple):
    """etcd: the program; postgres: the folder of PostgreSQL's programs."""

    etcd: Path
    postgres: Path


def programs() -> Programs | str:
    """Return what there is, or, where something is missing, one line that says what to install."""
    etcd = shutil.which("etcd")
    postgres = _postgres()
    missing = [
        command
        for command, is_there in (
            ("`apt-get install etcd-server`", etcd),
            ("`apt-get install postgresql`", postgres),
            ("`pip install 'deedbook[cluster]'`", find_spec("patroni")),
        )
        if not is_there
    ]
    if etcd is None or postgres is None or missing:
        return f"A cluster needs more than there is: {', '.join(missing)}; `.ci/run` installs all of it."
    return Programs(Path(etcd), postgres)


def _postgres() -> Path | None:
    installed = sorted(_DEBIAN.glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if installed:
        return installed[-1].parent
    found = shutil.which("postgres")
    return None if found is None else Path(found).resolve().parent
