"""What holds for every log."""

import gzip
import json

from hypothesis import given
from hypothesis import strategies as st

from deedbook.web.importing import Item, NotALog, Unreadable
from tests.web.importing.logs import Json, event, lines, output, own, reading, trail

texts = st.text(alphabet=st.sampled_from('aé"\\{}[],:\n\u2028'), max_size=6)

trails = st.builds(trail, st.integers(1, 9), userAgent=texts, requestParameters=st.dictionaries(texts, texts))
events = st.builds(event, st.integers(1, 4), stage=st.sampled_from(["RequestReceived", "ResponseComplete"]))
own_logs = (
    st.builds(own, st.integers(1, 9), body=texts)
    | st.builds(output, st.integers(1, 3), texts)
    | st.just({"relationship": {"parent": "/a/", "child": "/b/"}})
)
logs = st.lists(trails | own_logs | events, min_size=1, max_size=6)

#: Ways to write one record: in a line, or pretty-printed.
indents = st.sampled_from([None, 1, 4])


def written(records: list[Json], indent: int | None, *, as_list: bool) -> str:
    """Records as text: one after another, or as one document."""
    if as_list:
        return json.dumps({"Records": records}, indent=indent)
    return "\n".join(json.dumps(record, indent=indent) for record in records)


def bare(found: list[Item | Unreadable]) -> list[object]:
    """What was found, without the places."""
    return [(one.command, one.once) if isinstance(one, Item) else one.reason for one in found]


@given(logs, indents, st.booleans())
def test_layout_does_not_matter(records: list[Json], indent: int | None, as_list: bool) -> None:  # noqa: FBT001  # drawn
    """NDJSON, pretty-printed values and a document of the same records give the same."""
    assert bare(reading(written(records, indent, as_list=as_list))) == bare(reading(lines(*records)))


@given(logs)
def test_a_document_has_the_numbers_of_lines(records: list[Json]) -> None:
    """A document of records gives the very items of their NDJSON: a record's number is that of its line."""
    assert reading(json.dumps({"Records": records})) == reading(lines(*records))


@given(logs)
def test_compression_does_not_matter(records: list[Json]) -> None:
    """A compressed log gives what the plain one gives."""
    log = lines(*records)
    assert reading(gzip.compress(log.encode())) == reading(log)


@given(logs)
def test_reading_again(records: list[Json]) -> None:
    """A log read again gives the same again: so loading it twice adds nothing."""
    assert reading(lines(*records)) == reading(lines(*records))


@given(st.lists(trails, min_size=1, max_size=4), indents, st.booleans(), st.data())
def test_truncation(records: list[Json], indent: int | None, as_list: bool, data: st.DataObject) -> None:  # noqa: FBT001  # drawn
    """Of a log that was cut anywhere, everything before the cut is read, and at most one place is reported."""
    log = written(records, indent, as_list=as_list).encode()
    end = data.draw(st.integers(1, len(log)))
    found = reading(log[:end])
    items = [one for one in found if isinstance(one, Item)]
    assert items == reading(log)[: len(items)]
    assert len(found) - len(items) <= 1
    if not as_list and indent is None:
        # A record is there as soon as its last byte is.
        whole = lines(*records).encode()[: end + 1].count(b"}\n")
        assert items == (reading(lines(*records[:whole])) if whole else [])


@given(st.lists(trails, min_size=1, max_size=4), st.data())
def test_truncation_of_an_archive(records: list[Json], data: st.DataObject) -> None:
    """The same of a compressed log, whose cut is always reported."""
    archive = gzip.compress(lines(*records).encode())
    found = reading(archive[: data.draw(st.integers(2, len(archive) - 1))])
    items = [one for one in found if isinstance(one, Item)]
    assert items == reading(archive)[: len(items)]
    assert [type(one) for one in found[len(items) :]] == [Unreadable]


@given(st.lists(trails | events, min_size=1, max_size=6), st.binary(max_size=30), st.data())
def test_a_bad_line_harms_no_other(records: list[Json], bad: bytes, data: st.DataObject) -> None:
    """Whatever else stands in a line of NDJSON, without a bracket, the other lines are read as if it were not there."""
    place = data.draw(st.integers(0, len(records)))
    good = lines(*records).encode().splitlines(keepends=True)
    # Some bytes at the beginning of a file say how all of it is to be read.
    noise = bad.translate(None, b"{}[]\n\x1f\xff\xfe")
    found = reading(b"".join([*good[:place], noise + b"\n", *good[place:]]))
    assert bare([one for one in found if isinstance(one, Item)]) == bare(reading(lines(*records)))
    assert len([one for one in found if isinstance(one, Unreadable)]) <= 1


@given(st.binary())
def test_any_bytes(content: bytes) -> None:
    """Any bytes are read, or refused as no log."""
    assert not any(isinstance(one, Item) for one in tried(content))
    assert not any(isinstance(one, Item) for one in tried(b"{" + content))


def tried(content: bytes) -> list[Item | Unreadable]:
    """What a file with this content gives; nothing when it is no log."""
    try:
        return reading(content)
    except NotALog:
        return []
