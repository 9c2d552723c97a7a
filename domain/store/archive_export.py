"""Writes an export: one snapshot of a store, line after line, with what must fit checked as it goes by."""

from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import chain
from typing import IO
from uuid import UUID

from deedbook.domain.log import Counts, NumberedLine, Stored, Whole
from deedbook.domain.store.archive import FORMAT, End, Entry, Growing, Header, NotWhole, Snapshot, encode, to_line
from deedbook.domain.store.codec import decode
from deedbook.domain.store.leaf import leaf

#: How often progress is told, in lines.
_TOLD = 1000


def export(snapshot: Snapshot, after: int, release: str, out: IO[bytes], progress: Callable[[int, int], None]) -> Whole:
    """Write what is behind a position, in constant memory, and return how much that is; `out` is not flushed.

    `progress` is told how many lines are written, and of how many. Raises `NotWhole` where the store is damaged, or has
    not come to `after`.
    """
    growing = Growing(snapshot.leaves(after))
    header = _header(snapshot, after, release, str(growing.head))
    holds = header.holds
    of = holds.events + holds.output + holds.keys + holds.idempotency
    digest = sha256()
    text = encode(header)
    for number, entry in enumerate(_entries(snapshot, header)):
        digest.update(text)
        out.write(text)
        text = encode(to_line(entry))
        if isinstance(entry, Stored):
            growing.add(entry.leaf)
        if number % _TOLD == 0:
            progress(number, of)
    digest.update(text)
    out.write(text)
    out.write(encode(End(holds=holds, head=str(growing.head), sha256=digest.digest())))
    progress(of, of)
    return Whole(holds, growing.head)


def _header(snapshot: Snapshot, after: int, release: str, head: str) -> Header:
    store = snapshot.counts()
    if after > store.events:
        raise NotWhole(f"The log ends at position {store.events}; there is nothing behind {after} to export.")
    output_after = _output_by(snapshot, after, store)
    return Header(
        format=FORMAT,
        deedbook=release,
        after=after,
        through=store.events,
        output_after=output_after,
        head=head,
        holds=Counts(
            events=store.events - after,
            output=store.output - output_after,
            keys=store.keys,
            idempotency=snapshot.kept_since(after),
        ),
        store=store,
    )


def _output_by(snapshot: Snapshot, position: int, store: Counts) -> int:
    """Return a sequence up to which all output was there when the log had come to a position.

    Lines are no events, so no position says which came before it. But the event that ends an action tells how many
    lines it had: these were there, and all before them.
    """
    for event in snapshot.back_from(position) if store.output else ():
        lines = _lines_at(event)
        if lines and (sequence := snapshot.sequence(UUID(bytes=event.aggregate), lines)):
            return sequence
    return 0


def _lines_at(event: Stored) -> int:
    try:
        return int(getattr(decode(event.topic, event.state), "lines", 0))
    except ValueError:
        # An event of a later version: it is exported as it is, and another one will do here.
        return 0


def _entries(snapshot: Snapshot, header: Header) -> Iterator[Entry]:
    """Return what an export holds, in its order."""
    return chain(
        _fitting(snapshot.events(header.after), header.after),
        _gapless(snapshot.output(header.output_after), header.output_after),
        snapshot.keys(),
        # A command without events has the position of the one before it, so those of `after` itself may be new too.
        snapshot.kept(header.after),
    )


def _fitting(events: Iterator[Stored], after: int) -> Iterator[Stored]:
    """Check that the events are whole: an export that can't be imported would be found out too late."""
    for position, event in enumerate(events, after + 1):
        if event.position != position:
            raise NotWhole(f"Position {position} of the log is missing; `deedbook verify` tells what else.")
        if not does_fit(event):
            raise NotWhole(f"The event at position {position} was changed; `deedbook verify` tells what else.")
        yield event


def does_fit(event: Stored) -> bool:
    """Tell whether the leaf of an event is that of its row."""
    try:
        return event.leaf == leaf(event.position, UUID(bytes=event.aggregate), *event[2:6])
    except ValueError:
        return False


def _gapless(lines: Iterator[NumberedLine], after: int) -> Iterator[NumberedLine]:
    for sequence, line in enumerate(lines, after + 1):
        if line.sequence != sequence:
            raise NotWhole(f"Line {sequence} of the output is missing; `deedbook verify` tells what else.")
        yield line
