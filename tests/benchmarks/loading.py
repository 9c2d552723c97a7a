"""`deedbook load` of a large CloudTrail file, while a server keeps the views up with it."""

import gzip
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import msgspec

from tests.benchmarks.recording import caught_up
from tests.benchmarks.report import Report
from tests.benchmarks.turns import take_turns
from tests.support.server import Server, deedbook, serving

#: Where real recordings are, if they are: a folder of delivery files of CloudTrail.
RECORDINGS = Path(os.environ.get("DEEDBOOK_SHARED") or Path(__file__).parents[3] / "shared") / "data" / "cloudtrail"

#: Records of a file, for each second that one turn should take.
A_SECOND = 20_000

#: Seconds that the views get to come after a load.
PATIENCE = 60.0


def measure(report: Report, seconds: int = 10, turns: int = 3) -> None:
    """Load a file of new records in each turn, and count afterwards whether each is an action, in the views too."""
    originals = list(_records())
    if not originals:
        print(f"Loading is not measured: there are no recordings in {RECORDINGS}.")
        return
    with tempfile.TemporaryDirectory() as name, serving(Path(name)) as server:
        file, wanted, sizes = Path(name) / "trail.json", seconds * A_SECOND, list[int]()

        def load() -> float:
            sizes.append(_write(file, originals, wanted))
            began = time.perf_counter()
            done = deedbook(server.url, "load", "--namespace", "acme", str(file))
            if done.returncode:
                raise RuntimeError(done.stderr)
            caught_up(server, PATIENCE)
            return wanted / (time.perf_counter() - began)

        taken = take_turns({"load": load}, turns)
        _check(server, wanted * turns)
    figure = f"{taken.told('load', ' records/s')}, {sizes[0] / wanted:,.0f} bytes each"
    report.add("deedbook load of CloudTrail, until views have it", figure, None, ">= 20,000", **taken._asdict())


def _records() -> Iterator[bytes]:
    """Yield the recorded ones, in the order of files, as they stand but for white space."""
    for path in sorted(RECORDINGS.glob("account-*.json*")):
        text = path.read_bytes()
        text = gzip.decompress(text) if path.suffix == ".gz" else text
        for record in msgspec.json.decode(text)["Records"]:
            yield msgspec.json.encode(record)


def _write(file: Path, originals: list[bytes], wanted: int) -> int:
    """Write so many records, each with an id that nobody had, in documents as CloudTrail delivers them; return bytes.

    The documents stand one behind the other, each on its line.
    """
    known = [(text, msgspec.json.decode(text)["eventID"].encode()) for text in originals]
    with file.open("wb") as out:
        for first in range(0, wanted, len(known)):
            some = known[: wanted - first]
            texts = (text.replace(identifier, str(uuid4()).encode(), 1) for text, identifier in some)
            out.write(b'{"Records":[' + b",".join(texts) + b"]}\n")
        return out.tell()


def _check(server: Server, wanted: int) -> None:
    with server.client() as client:
        total = client.get("/acme/action/", params={"limit": 1}).json()["meta"]["total_count"]
    if total != wanted:
        raise RuntimeError(f"{wanted} records were loaded, {total} actions are there")
