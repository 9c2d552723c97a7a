"""`deedbook backup`, `export` and `import` as they are typed: what they print, return, and say of bad input."""

import gzip
import json
import os
import shutil
import sqlite3
import subprocess
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest

from deedbook.domain.store.archive import End, EventLine, Header, encode
from tests.support.exporting import held
from tests.support.server import DEEDBOOK, deedbook, environment, issue_key
from tests.web.test_cli import ACTION, failed, written


class Place:
    """A folder with a store of three actions, two lines of output and a key; `secret` is the key's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = self.store("log.db")
        self.secret = ""

    def fill(self) -> None:
        """Make the store."""
        name = str(uuid4())
        lines = [{**ACTION, "uuid": str(uuid4()), "state": "Success"} for _ in range(2)]
        running = {**ACTION, "uuid": name, "state": "In progress", "start_date": ACTION["created"]}
        deedbook(self.url, "load", str(written(self.folder, *lines, running, {"uuid": name, "lines": ["one", "two"]})))
        self.secret = issue_key(self.url)

    def store(self, name: str) -> str:
        """Return the URL of a store in the folder."""
        return f"sqlite:///{self.folder}/{name}"

    def held(self, name: str) -> dict[str, list[tuple[object, ...]]]:
        """Return all that a store in the folder holds."""
        return held(self.folder / name)

    def export(self, name: str, *arguments: str) -> Path:
        """Export the store to a file in the folder."""
        done = deedbook(self.url, "export", *arguments, str(self.folder / name))
        assert done.returncode == 0, done.stderr
        return self.folder / name


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A store of a few actions."""
    original = Place(tmp_path_factory.mktemp("original"))
    original.fill()
    return original


@pytest.fixture
def place(original: Place, tmp_path: Path) -> Place:
    """The same store, in a folder of its own."""
    shutil.copy(original.folder / "log.db", tmp_path)
    place = Place(tmp_path)
    place.secret = original.secret
    return place


def head_of(store: Path) -> str:
    """Return the head of a store's log, worked out by way of RFC 6962 and nothing of the program's own."""

    def root(leaves: list[bytes]) -> bytes:
        if len(leaves) < 2:
            return leaves[0] if leaves else sha256().digest()
        left = 1 << (len(leaves) - 1).bit_length() - 1
        return sha256(b"\x01" + root(leaves[:left]) + root(leaves[left:])).digest()

    leaves = [bytes(row[6]) for row in sorted(held(store)["events"])]  # type: ignore[call-overload]  # a blob
    return f"{len(leaves)}:{root(leaves).hex()}"


def digest_of(lines: list[bytes]) -> bytes:
    """Return the SHA-256 of all lines of an export but the last."""
    return sha256(b"".join(lines[:-1])).digest()


def test_a_backup_says_what_is_in_it(place: Place) -> None:
    """One line tells the position and how much of everything; the file is a store with the same rows."""
    done = deedbook(place.url, "backup", str(place.folder / "copy.db"))
    assert (done.returncode, done.stdout) == (0, "")
    head = head_of(place.folder / "log.db")
    assert done.stderr.splitlines() == [
        f"{place.folder}/copy.db: 4 events, 2 output lines, 1 API key, 1 idempotency record; head {head}."
    ]
    assert place.held("copy.db") == place.held("log.db")


@pytest.mark.parametrize("command", ["backup", "export"])
def test_a_file_that_is_there_is_refused(place: Place, command: str) -> None:
    """In one sentence, and it stays as it is; so does a file in no folder, and a folder."""
    (place.folder / "old").write_text("old")
    for name, words in (("old", "is there already"), ("no/where", "There is no folder"), (".", "is there already")):
        assert words in failed(place.url, command, str(place.folder / name))
    assert (place.folder / "old").read_text() == "old"


def test_an_export_is_ndjson_without_secrets(place: Place) -> None:
    """Each line is one JSON object of a kind; the key's hash is in it, and its secret nowhere."""
    done = subprocess.run([DEEDBOOK, "export"], env=environment(place.url), capture_output=True, check=True)
    kinds = [json.loads(line)["kind"] for line in done.stdout.splitlines()]
    assert kinds == ["deedbook export", *["event"] * 4, *["output"] * 2, "key", "idempotency", "end"]
    assert place.secret.encode() not in done.stdout
    key = json.loads(done.stdout.splitlines()[-3])
    assert msgspec.json.decode(f'"{key["hash"]}"'.encode(), type=bytes) == sha256(place.secret.encode()).digest()
    assert b"standard output: 4 events, 2 output lines, 1 API key, 1 idempotency record; head 4:" in done.stderr
    assert place.export("file").read_bytes() == done.stdout
    assert gzip.decompress(place.export("file.gz").read_bytes()) == done.stdout
    assert place.export("again.gz").read_bytes() == (place.folder / "file.gz").read_bytes()


def test_the_last_line_closes_it(place: Place) -> None:
    """It has the counts of the first, and the SHA-256 of all lines before it, as anybody can work it out."""
    lines = place.export("file").read_bytes().splitlines(keepends=True)
    first, last = json.loads(lines[0]), json.loads(lines[-1])
    assert (first["after"], first["through"], first["format"]) == (0, 4, 1)
    assert first["holds"] == last["holds"] == {"events": 4, "output": 2, "keys": 1, "idempotency": 1}
    assert last["head"] == head_of(place.folder / "log.db")
    assert msgspec.json.decode(f'"{last["sha256"]}"'.encode(), type=bytes) == digest_of(lines)


def test_an_import_makes_an_equal_store(place: Place) -> None:
    """What was exported is there, and verifies; imported twice, it adds nothing and says so."""
    path = place.export("file")
    copy = place.store("new/log.db")
    told = deedbook(copy, "import", str(path))
    assert (told.returncode, told.stdout) == (0, "")
    head = head_of(place.folder / "log.db")
    assert told.stderr == f"{path}: 4 events, 2 output lines, 1 API key, 1 idempotency record added; head {head}.\n"
    assert deedbook(copy, "verify").returncode == 0
    again = deedbook(copy, "import", str(path))
    assert again.stderr == f"{path}: nothing added, all of it was there; head {head}.\n"
    assert place.held("new/log.db") == place.held("log.db")


@pytest.mark.parametrize("packed", [False, True])
def test_an_export_comes_through_a_pipe_too(place: Place, *, packed: bool) -> None:
    """Standard input is a file like any other, though nobody knows its length; compressed too."""
    text = place.export("file").read_bytes()
    done = subprocess.run(
        [DEEDBOOK, "import", "-"],
        input=gzip.compress(text) if packed else text,
        env=environment(place.store("new.db")),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr[:30]) == (0, b"-: 4 events, 2 output lines, 1")
    assert place.held("new.db") == place.held("log.db")


def test_exports_continue_each_other(place: Place) -> None:
    """What came since, also a key that was revoked, arrives with a later one; both at once make the same store."""
    first = place.export("first")
    key = deedbook(place.url, "keys", "list").stdout.splitlines()[1].split()[0]
    assert deedbook(place.url, "keys", "revoke", key).returncode == 0
    second = place.export("second", "--after", "4")
    copy = place.store("copy.db")
    assert deedbook(copy, "import", str(first)).returncode == 0
    told = deedbook(copy, "import", str(second))
    assert told.stderr == (
        f"{second}: 1 event, 0 output lines, 0 API keys, 0 idempotency records added, 1 API key revoked; "
        f"head {head_of(place.folder / 'log.db')}.\n"
    )
    assert place.held("copy.db") == place.held("log.db")
    told = deedbook(place.store("both.db"), "import", str(first), str(second))
    assert len(told.stderr.splitlines()) == 2
    assert place.held("both.db") == place.held("log.db")
    assert "nothing added" in deedbook(copy, "import", str(first)).stderr
    assert place.held("copy.db") == place.held("log.db")


def test_of_files_that_do_not_all_fit_none_is_imported(place: Place) -> None:
    """The first is whole, the second does not continue it: there is no store."""
    whole = place.export("whole")
    (place.folder / "broken").write_bytes(b"".join(whole.read_bytes().splitlines(keepends=True)[:-1]))
    told = failed(place.store("new.db"), "import", str(whole), str(place.folder / "broken"))
    assert told.endswith("broken:10: The export ends before its last line: it was cut short. Nothing was imported.\n")
    assert not (place.folder / "new.db").exists()


def changed(place: Place, change: str) -> bytes:
    """Return an export to which something was done."""
    lines = place.export("file").read_bytes().splitlines(keepends=True)
    event = msgspec.json.decode(lines[1], type=EventLine)
    header = msgspec.json.decode(lines[0], type=Header)
    states = {
        "nothing": [],
        "text": [b"some text\n"],
        "a log": [json.dumps(ACTION).encode() + b"\n"],
        "a newer format": [lines[0].replace(b'"format":1', b'"format":2,"more":[]'), *lines[1:]],
        "an older format": [lines[0].replace(b'"format":1', b'"format":0'), *lines[1:]],
        "no header": lines[1:],
        "two headers": [lines[0], *lines],
        "an event changed": [lines[0], encode(msgspec.structs.replace(event, topic="lane.left/1")), *lines[2:]],
        "an event left out": [lines[0], *lines[2:]],
        "output changed": [*lines[:5], lines[5].replace(b'"one"', b'"ONE"'), *lines[6:]],
        "output left out": [*lines[:5], *lines[6:]],
        "a key left out": [*lines[:7], *lines[8:]],
        "a key changed": [*lines[:7], lines[7].replace(b'"user":"me"', b'"user":"it"'), *lines[8:]],
        "bytes twice": [lines[0], encode(msgspec.structs.replace(event, raw=b"")), *lines[2:]],
        "cut in a line": [*lines[:4], lines[4][:20]],
        "cut between lines": lines[:4],
        "more behind it": [*lines, lines[-1]],
        "from further on": [encode(msgspec.structs.replace(header, after=9, through=13)), *lines[1:]],
        "too much output": [encode(msgspec.structs.replace(header, output_after=1)), *lines[1:]],
        "another head": [*lines[:-1], encode(End(holds=header.holds, head=header.head, sha256=digest_of(lines)))],
        "deep": [b'{"kind":' + b"[" * 100_000],
    }
    return b"".join(states[change])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("nothing", "1: The export ends before its last line"),
        ("text", "1: This is no export of Deedbook."),
        ("a log", "1: This is no export of Deedbook."),
        ("a newer format", "1: The export was written by a newer Deedbook (format 2, this one knows 1); upgrade"),
        ("an older format", "1: This is no export of Deedbook."),
        ("no header", "1: This is no export of Deedbook."),
        ("two headers", "2: A second export begins here"),
        ("an event changed", "2: The event at position 1 was changed: its leaf does not fit."),
        ("an event left out", "2: Position 1 should stand here, not 2."),
        ("output changed", "6: Line 1 of the output was changed: its digest does not fit."),
        ("output left out", "6: Line 1 of the output should stand here, not 2."),
        ("a key left out", "9: The export does not hold as many lines as it says"),
        ("a key changed", "10: The export was changed: its SHA-256 is another"),
        ("bytes twice", "2: This is no line of an export (it holds bytes twice"),
        ("cut in a line", "5: This is no line of an export (Input data was truncated), and it was cut short."),
        ("cut between lines", "5: The export ends before its last line: it was cut short."),
        ("more behind it", "11: There is more behind the line that ends the export."),
        ("from further on", "1: The export goes on behind position 9, and this store ends at 0: import what"),
        ("too much output", "1: This store holds less output than the export goes on from"),
        ("another head", "10: The export was changed: the head of its log is another than this line says."),
        ("deep", "1: This is no export of Deedbook."),
    ],
)
def test_what_is_no_whole_export_gets_one_line(place: Place, change: str, words: str) -> None:
    """It names the file, the line and why, and says that nothing was imported: there is no store then."""
    (place.folder / "changed").write_bytes(changed(place, change))
    told = failed(place.store("new.db"), "import", str(place.folder / "changed"))
    assert told.startswith(f"deedbook: {place.folder}/changed:{words}")
    assert told.endswith(" Nothing was imported.\n")
    assert not (place.folder / "new.db").exists()


def test_what_was_recorded_here_keeps_later_exports_out(place: Place) -> None:
    """A store that holds more than the one that was exported is no copy of it, whatever that more is."""
    first = place.export("first")
    for name, command in (
        ("events", ("load", str(written(place.folder, {**ACTION, "uuid": str(uuid4())})))),
        ("key", ("keys", "create", "eve", "--namespace", "acme", "--role", "admin")),
    ):
        copy = place.store(f"{name}.db")
        deedbook(copy, "import", str(first))
        assert deedbook(copy, *command).returncode == 0
    issue_key(place.url, user="ann")
    second = place.export("second", "--after", "4")
    for name in ("events", "key"):
        before = place.held(f"{name}.db")
        assert f"{second}:2: This store holds something else as position 5" in failed(
            place.store(f"{name}.db"), "import", str(second)
        )
        assert place.held(f"{name}.db") == before


def test_a_log_that_went_another_way_is_not_continued(place: Place) -> None:
    """The head of what both should have tells two stores apart that are equally long."""
    other = Place(place.folder / "other")
    other.folder.mkdir()
    other.fill()
    issue_key(place.url, user="ann")
    path = place.export("later", "--after", "4")
    told = failed(other.url, "import", str(path))
    assert "later:1: Up to position 4 the log of this store is not the one that was exported." in told


def test_bad_input_gets_one_line(place: Place) -> None:
    """What can't be exported or imported, and why."""
    assert "There is no store" in failed(place.store("nowhere.db"), "backup", str(place.folder / "copy"))
    assert "There is no store" in failed(place.store("nowhere.db"), "export")
    assert "The log ends at position 4; there is nothing behind 5 to export." in failed(
        place.url, "export", "--after", "5"
    )
    assert "--after" in failed(place.url, "export", "--after", "-1")
    for name, words in (("nowhere", "No such file"), (".", "Is a directory")):
        told = failed(place.url, "import", str(place.folder / name))
        assert f":1: The file can't be read: {words}" in told
    assert "FILES" in failed(place.url, "import")
    assert "no Deedbook store" in failed(f"sqlite:///{place.export('e')}", "import", "x")


def test_load_knows_an_export(place: Place) -> None:
    """It says what takes one, and loads nothing; plain or compressed, and as PowerShell keeps it."""
    path = place.export("file")
    (place.folder / "utf16").write_bytes(path.read_text().encode("utf-16"))
    before = place.held("log.db")
    for name in ("file", place.export("file.gz").name, "utf16"):
        told = failed(place.url, "load", str(place.folder / name))
        assert told == f"deedbook: {place.folder}/{name} is an export of a whole store; `deedbook import` takes it.\n"
    assert place.held("log.db") == before


def test_a_reader_who_goes_away_is_told_in_one_line(place: Place) -> None:
    """A pipe that is closed early ends an export with one line, and no trace of Python."""
    reading, writing = os.pipe()
    os.close(reading)
    with subprocess.Popen(
        [DEEDBOOK, "export"], env=environment(place.url), stdout=writing, stderr=subprocess.PIPE
    ) as process:
        _, told = process.communicate()
    os.close(writing)
    assert process.returncode == 2
    assert told.decode().splitlines() == ["deedbook: [Errno 32] Broken pipe"]


def test_a_damaged_store_is_not_exported(place: Place) -> None:
    """A row that was changed behind the store's back ends it, and there is no file."""
    with sqlite3.connect(place.folder / "log.db") as db:
        db.execute("DROP TRIGGER events_update_append_only")
        db.execute("UPDATE events SET recorded = recorded + 1 WHERE position = 2")
    db.close()
    told = failed(place.url, "export", str(place.folder / "file"))
    assert "The event at position 2 was changed; `deedbook verify` tells what else." in told
    assert not (place.folder / "file").exists()
    assert deedbook(place.url, "backup", str(place.folder / "copy.db")).returncode == 0
