"""Whether the runner can go on with a file of views: why not, where it must be built anew."""

import sqlite3
from contextlib import closing
from pathlib import Path

from deedbook.domain.log import EventLog
from deedbook.projections.generations import Generations, ViewsNewer, inode_of
from deedbook.projections.versions import FRAME, Release, is_damage, release_of
from deedbook.projections.view import Tracking, connect, stand, tracking


def unfit(current: Path | None, generations: Generations, log: EventLog) -> str | None:
    """Return why the views must be built anew, None where the runner can go on with the file; for who leads.

    A file that would answer wrongly answers no more when this returns; one of an older release goes on to answer, and
    says that it stands still. Raises `ViewsNewer` where the file is of a newer release, sqlite3.Error where it can't be
    opened now.
    """
    if current is None:
        return "the views were damaged" if generations.is_damaged() else "there were no views"
    inode = inode_of(str(current))
    try:
        release, at = _read(current)
    except sqlite3.Error as error:
        if not is_damage(error):
            raise
        generations.condemn(current, inode)
        return f"the views were damaged ({error})"
    if release.is_newer:
        if release.frame <= FRAME:
            stand(current, str(ViewsNewer()))
        raise ViewsNewer
    if at.position and log.recorded(at.position) != at.recorded:
        generations.remove(current)
        return "the views were those of another log"
    if not release.is_ours:
        stand(
            current, "The views are of an older release; they are built anew, and answer meanwhile from where they are."
        )
        return "the views were of an older release"
    return None


def _read(path: Path) -> tuple[Release, Tracking]:
    with closing(connect(path)) as db:
        release = release_of(db)
        return release, tracking(db) if release.frame <= FRAME else Tracking()
