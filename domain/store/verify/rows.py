"""What every row of the log must be, whatever its event says."""

from collections.abc import Callable, Mapping
from struct import error as StructError  # noqa: N812  # an exception's name

from deedbook.domain.log import Stored
from deedbook.domain.store.codec import decode
from deedbook.domain.store.leaf import leaf_of_row
from deedbook.domain.store.verify.replay import Replay, Seen


def seen(row: Stored) -> Seen:
    """Read a row, whatever is in it."""
    reason, event = "", None
    try:
        event = decode(row.topic, row.state)
    except ValueError as error:
        reason = str(error)
    return Seen(row.position, row.aggregate, row.version, row.recorded, event, reason, row.leaf, _proof(row))


def is_whole(replay: Replay, row: Seen) -> bool:
    """Tell whether no check here finds anything: asked first, as it is nearly always so, and six calls cost 1 µs."""
    return (
        row.leaf == row.proof
        and row.position == replay.position + 1
        and row.version == replay.versions.get(row.aggregate, 0) + 1
        and row.recorded >= replay.recorded
        and row.event is not None
    )


def _proof(row: Stored) -> bytes | None:
    try:
        return leaf_of_row(*row[:6])
    except (ValueError, StructError):
        # No id of 16 bytes, a number below zero, text that is none.
        return None


def _leaf(_: Replay, row: Seen) -> str | None:
    return None if row.leaf == row.proof else "its leaf does not fit: the row was changed"


def _hole(replay: Replay, row: Seen) -> str | None:
    due = replay.position + 1
    if row.position == due:
        return None
    if row.position < due:
        return "no event can stand before position 1"
    last = row.position - 1
    return f"position {due} is missing" if due == last else f"positions {due} to {last} are missing"


def _version(replay: Replay, row: Seen) -> str | None:
    before = replay.versions.get(row.aggregate, 0)
    if row.version == before + 1:
        return None
    there = f"version {before}" if before else "nothing, as the first of an aggregate does"
    return f"version {row.version} of {row.aggregate.hex()} does not follow {there}"


def _date(replay: Replay, row: Seen) -> str | None:
    return "its recorded date is before that of the event before it" if row.recorded < replay.recorded else None


def _aggregate(_: Replay, row: Seen) -> str | None:
    return None if len(row.aggregate) == 16 else "its aggregate is no UUID"  # noqa: PLR2004  # bytes of a UUID


def _undecodable(_: Replay, row: Seen) -> str | None:
    return row.reason or None


#: Each check of a row, under the code of what it finds.
CHECKS: Mapping[str, Callable[[Replay, Seen], str | None]] = {
    "leaf": _leaf,
    "hole": _hole,
    "version": _version,
    "date": _date,
    "aggregate": _aggregate,
    "undecodable": _undecodable,
}
