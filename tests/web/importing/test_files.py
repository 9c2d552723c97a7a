"""Files as they are found: compressed, cut, mixed, in other encodings, or no logs at all."""

import gzip
import json
from pathlib import Path

import pytest

from deedbook.web.importing import Item, NotALog, Unreadable, read
from tests.web.importing.logs import (
    BY,
    actions,
    event,
    lines,
    number_of,
    output,
    own,
    reading,
    trail,
    unreadable,
)

A, B, C = (json.dumps(trail(number)) for number in (1, 2, 3))
CUT = "It is cut short: its JSON does not end."


def pretty(text: str) -> str:
    """The same JSON, over many lines."""
    return json.dumps(json.loads(text), indent=2)


def numbers(found: list[Item | Unreadable]) -> list[int]:
    """The numbers of the actions that were found."""
    return [number_of(action) for action in actions(found)]


def places(found: list[Item | Unreadable]) -> list[tuple[int, str]]:
    """Where something could not be read, and why."""
    return [(one.line, one.reason) for one in unreadable(found)]


@pytest.mark.parametrize(
    "content",
    [
        f"{A}\n{B}\n{C}",
        f"\ufeff{A}\r\n\r\n{B}\r\n   \r\n{C}\r\n",
        f"{A}{B}{C}",
        f"{A},\n{B},\n{C},\n",
        f"\x1e{A}\n\x1e{B}\n\x1e{C}\n",
        f"{pretty(A)}\n{pretty(B)}\n{pretty(C)}",
        f"{pretty(A)}{pretty(B)}\n{C}",
        f"{pretty(A)}\n{B}\n\n\n{pretty(C)}\n",
        f"[{A},{B},{C}]",
        f'{{"Records":[{A},{B},{C}]}}',
        pretty(f'{{"Records":[{A},{B},{C}]}}'),
        f'{{"Records":[\n{A},\n{B},\n{C}\n]}}',
        f'{{"Records":[{A}]}}\n{{"Records":[{B},{C}]}}',
        pretty(f'{{"Records":[{A},{B}]}}') + "\n" + pretty(f'{{"Records":[{C}]}}'),
        f'[{{"Records":[{A}]}},{{"Records":[{B},{C}]}}]',
        f"{A}\n[{B}]\n" + pretty(f'{{"Records":[{C}]}}'),
    ],
)
def test_forms(content: str) -> None:
    """However the records are laid out, each is read, in order, from text in UTF-8 or UTF-16, compressed or not."""
    for data in (content.encode(), content.removeprefix("\ufeff").encode("utf-16")):
        for found in (reading(data), reading(gzip.compress(data), "log.json")):
            assert numbers(found) == [1, 2, 3]
            assert not places(found)


def test_kinds_mixed() -> None:
    """One file may hold every kind of record."""
    found = reading(lines(trail(1), event(2), {"CloudTrailEvent": C}, own(4), output(4, "a")))
    assert numbers(found) == [1, 2, 3, 4]
    assert not places(found)


def test_numbers_of_places() -> None:
    """A line is known by its number, a record in an envelope by its number among those in envelopes."""
    wrong = json.dumps(trail(9, eventTime="soon"))
    found = reading(f'{A}\n\n{{"Records":[{B},{wrong}]}}\n{{"Records":[{wrong}]}}\n{wrong}\n')
    assert [one.line for one in unreadable(found)] == [2, 3, 5]
    assert [one.line for one in found if isinstance(one, Item)] == [1, 1, 1]


@pytest.mark.parametrize("end", [1, 40, A.index("[") + 1, A.index("[") + 2, len(A) - 1])
def test_a_cut_line(end: int) -> None:
    """A line that was cut anywhere is reported with its number, and the lines around it are read."""
    found = reading(f"{B}\n{A[:end]}\n{B}\n{C}\n")
    assert numbers(found) == [2, 2, 3]
    assert [line for line, _ in places(found)] == [2]


def test_a_cut_document() -> None:
    """Of a document that was cut, the records before the cut are read."""
    whole = f'{{"Records":[{A},{B},{C}]}}'
    for document in (whole, pretty(whole), whole.replace("},{", "},\n{"), f'{{"kind": "x", "n": {{}}, {whole[1:]}'):
        found = reading(document[:-50])
        assert numbers(found) == [1, 2]
        assert places(found) == [(1, CUT)]


def test_a_broken_record_in_a_document() -> None:
    """Of a document with a record that is no JSON, the others are read."""
    found = reading(f'{{"Records":[{A},{{"eventName": tru}},{C}]}}')
    assert numbers(found) == [1, 3]
    (place,) = unreadable(found)
    assert place.reason.startswith("It is not valid JSON: invalid character")


def test_what_is_not_json() -> None:
    """A line of anything else is reported, and stops nothing."""
    found = reading(f"# from the archive\n{A}\n\x00\x00\x00\nhello\n{B}\n" + "[" * 100_000 + f"\n{C}")
    assert numbers(found)[:2] == [1, 2]
    assert [line for line, _ in places(found)] == [1, 3, 4, 6]


def test_json_of_another_kind() -> None:
    """JSON that is none of the known records is reported, and stops nothing."""
    found = reading(f'{A}\n{{"level": "info"}}\n17\n[1]\n{B}\n')
    assert numbers(found) == [1, 2]
    why = "It is no action, no CloudTrail record and no Kubernetes audit event."
    assert places(found) == [(2, why), (3, why), (1, why)]


def test_bytes_that_are_not_utf_8() -> None:
    """A record with such bytes, in a field or in the body, is reported, and stops nothing."""
    for name in ("ada", "i-0a"):
        data = lines(trail(1), trail(2), trail(3)).encode().split(b"\n")
        data[1] = data[1].replace(name.encode(), b"\xff\xfe")
        found = reading(b"\n".join(data))
        assert numbers(found) == [1, 3]
        assert places(found) == [(2, "This CloudTrail record can't be read: it holds bytes that are not UTF-8.")]


def test_a_damaged_archive() -> None:
    """A compressed file that ends early, or whose checksum is wrong, gives what comes before, and says so."""
    data = gzip.compress(lines(*(trail(number) for number in range(1, 400))).encode())
    for damaged, least, words in ((data[:-200], 50, "ends early"), (data[:-8] + bytes(8), 399, "is damaged here")):
        found = reading(damaged)
        assert numbers(found) == [*range(1, len(numbers(found)) + 1)]
        assert len(numbers(found)) >= least
        (place,) = unreadable(found)
        assert words in place.reason
        assert found[-1] is place


def test_archives_one_after_another() -> None:
    """Compressed files that were put together are read as one."""
    data = gzip.compress(f"{A}\n".encode()) + gzip.compress(f"{B}\n".encode())
    assert numbers(reading(data)) == [1, 2]


def test_an_empty_envelope() -> None:
    """An envelope with nothing in it is a log, with nothing to do."""
    assert reading('{"Records":[]}') == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"name,age\nada,36\n", "is no log: it is not JSON"),
        (b"\x7fELF\x02\x01" + bytes(300_000), "is no log: it is not JSON"),
        (gzip.compress(b"", mtime=0), "is empty"),
        (b'{"name": "package", "version": 1}', "holds no action, no CloudTrail record"),
        (b"[2026-03-04] started\n[2026-03-04] stopped\n", "holds no action, no CloudTrail record"),
    ],
)
def test_no_log(content: bytes, words: str) -> None:
    """What is no log is refused with a sentence that names the file."""
    with pytest.raises(NotALog, match=words) as refusal:
        reading(content, "thing.bin")
    assert "thing.bin" in str(refusal.value)


def test_what_can_not_be_opened(tmp_path: Path) -> None:
    """A folder, or a file that is not there, is refused at once."""
    with pytest.raises(NotALog, match="is a directory; name the logs in it"):
        read(tmp_path, namespace="harbor", by=BY)
    with pytest.raises(NotALog, match="can't be read: No such file or directory"):
        read(tmp_path / "log.json", namespace="harbor", by=BY)


def test_many_foreign_lines_first() -> None:
    """However much of something else comes first, the records behind it are read."""
    found = reading('{"level": "info"}\n' * 500 + A)
    assert numbers(found) == [1]
    assert len(places(found)) == 500


@pytest.mark.parametrize("compressed", [False, True])
def test_progress(tmp_path: Path, compressed: bool) -> None:  # noqa: FBT001  # a parameter
    """Progress is told in bytes of the file on disk, up to all of it, and a long log is not read all at once."""
    data = lines(*(trail(number) for number in range(2000))).encode()
    path = tmp_path / "log"
    path.write_bytes(gzip.compress(data, compresslevel=0) if compressed else data)
    told: list[int] = []
    found = read(path, namespace="harbor", by=BY, progress=told.append)
    next(found)
    assert 0 < told[-1] < path.stat().st_size
    assert len(list(found)) == 2000
    assert told == sorted(told)
    assert told[-1] == path.stat().st_size
