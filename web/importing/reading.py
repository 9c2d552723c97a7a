"""One file from its bytes to things to do: every step in its place."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from msgspec import DecodeError, Raw

from deedbook.domain.events import Caller
from deedbook.web.importing.cloudtrail import CloudTrail
from deedbook.web.importing.framing import Value, values
from deedbook.web.importing.items import Item, Owner, Unreadable
from deedbook.web.importing.output import Output, attached
from deedbook.web.importing.own import Own
from deedbook.web.importing.recognition import Kind, Record, records
from deedbook.web.importing.source import Progress, Source
from deedbook.web.importing.stages import Requests

Reader = Callable[[bytes | Raw, int], list[Item]]

#: What a record is called, in the sentence that says why it can't be read.
_NAMES = {
    Kind.CLOUDTRAIL: "CloudTrail record",
    Kind.LOOKUP: "CloudTrail event",
    Kind.KUBERNETES: "Kubernetes audit event",
    Kind.RELATIONSHIP: "relationship",
    Kind.OUTPUT: "output",
    Kind.ACTION: "action",
}


def read(path: Path, *, namespace: str, by: Caller, progress: Progress | None = None) -> Iterator[Item | Unreadable]:
    """Read a log: yield what to do for it, in its order, and every place that can't be read.

    `progress` is told how many bytes of the file on disk were read so far. Memory is bounded by the longest
    value (a document `{"Records": [...]}` is one) and by what `Requests`, `Relations` and `Output` remember. To
    carry out the items of a file again changes nothing. Raises NotALog: at once for a file that can't be opened,
    is empty or does not look like JSON; at its end for one that holds nothing that is known here.
    """
    source = Source(path, progress)
    return attached(_items(path, source, Owner(namespace, by)))


def _items(path: Path, source: Source, owner: Owner) -> Iterator[Item | Unreadable]:
    requests = Requests(owner, _stem(path))
    readers = _readers(owner, requests)
    for record in records(_to_the_end(source), path):
        if isinstance(record, Unreadable):
            yield record
        else:
            yield from _read(record, readers[record.kind])
    yield from requests.rest()


def _readers(owner: Owner, requests: Requests) -> Mapping[Kind, Reader]:
    trail, own, output = CloudTrail(owner), Own(owner), Output(owner)
    return {
        Kind.CLOUDTRAIL: trail.record,
        Kind.LOOKUP: trail.lookup,
        Kind.KUBERNETES: requests.event,
        Kind.RELATIONSHIP: own.relationship,
        Kind.OUTPUT: output.lines,
        Kind.ACTION: own.action,
    }


def _read(record: Record, reader: Reader) -> Iterable[Item | Unreadable]:
    try:
        return reader(record.text, record.line)
    except RecursionError:
        reason = "its JSON is nested too deeply"
    except (DecodeError, ValueError) as error:
        # msgspec calls such bytes a UnicodeDecodeError before its version 0.23, and a DecodeError since.
        sentence = str(error).rstrip(".") if _is_text(record.text) else "it holds bytes that are not UTF-8"
        reason = sentence[:1].lower() + sentence[1:]
    return [Unreadable(record.line, f"This {_NAMES[record.kind]} can't be read: {reason}.")]


def _is_text(text: bytes | Raw) -> bool:
    try:
        bytes(text).decode()
    except UnicodeDecodeError:
        return False
    return True


def _to_the_end(source: Source) -> Iterator[Value | Unreadable]:
    """Yield the values of a file. If it is damaged that is said once: of the value it cuts, or else at the end."""
    line = 1
    for value in values(source.lines()):
        line = value.line
        if source.damage is None or isinstance(value, Value):
            yield value
    if source.damage is not None:
        yield Unreadable(line, source.damage)


def _stem(path: Path) -> str:
    """The file's name without what its ending says of its form: `cluster-a` of `cluster-a.jsonl.gz`."""
    return Path(path.name.removesuffix(".gz")).stem
