"""A file is put in its place whole, or not at all, and never over another, whoever dies or is faster."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from deedbook.domain.store.placing import FileTaken, NoFolder, new_file
from tests.faults.test_durability import REASON

#: Writes half of a file, and its companions, and says so; then waits to be killed.
HALF = """
import sys, time
from pathlib import Path
from deedbook.domain.store.placing import new_file

with new_file(Path(sys.argv[1])) as fresh:
    fresh.write_bytes(b"half")
    fresh.with_name(fresh.name + "-wal").write_bytes(b"half")
    print("written", flush=True)
    time.sleep(100)
"""


def half_written(place: Path) -> subprocess.Popen[bytes]:
    """Return a process that is in the middle of writing."""
    process = subprocess.Popen([sys.executable, "-c", HALF, place], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"written\n"
    return process


def killed(process: subprocess.Popen[bytes]) -> None:
    """Kill a process, and wait until it is gone."""
    process.send_signal(signal.SIGKILL)
    process.communicate()


def names(folder: Path) -> list[str]:
    """Return what is in a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_a_file_comes_whole_and_for_its_owner_alone(tmp_path: Path) -> None:
    """Until it is written nothing has its name; then it has, nobody else may read it, and nothing else is left."""
    place = tmp_path / "copy"
    with new_file(place) as fresh:
        fresh.write_bytes(b"whole")
        assert not place.exists()
    assert place.read_bytes() == b"whole"
    assert place.stat().st_mode & 0o777 == 0o600
    assert names(tmp_path) == ["copy"]


def test_a_file_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    """Whatever has the name, also a link that leads nowhere: it is refused before anything is written."""
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("file", "link", "."):
        with pytest.raises(FileTaken, match="is there already"), new_file(tmp_path / name):
            pytest.fail("it was not refused")
    assert (tmp_path / "file").read_bytes() == b"old"
    assert names(tmp_path) == ["file", "link"]


def test_a_file_that_came_meanwhile_is_left_as_it_is(tmp_path: Path) -> None:
    """Somebody who takes the name while it is written wins, and nothing of the loser is left."""
    place = tmp_path / "copy"

    def write() -> None:
        with new_file(place) as fresh:
            fresh.write_bytes(b"late")
            place.write_bytes(b"first")

    with pytest.raises(FileTaken):
        write()
    assert place.read_bytes() == b"first"
    assert names(tmp_path) == ["copy"]


def test_one_of_many_that_race_wins(tmp_path: Path) -> None:
    """Of all who write to one place at once, one puts its file there, whole, and the others are told."""
    place, barrier = tmp_path / "copy", threading.Barrier(8)
    outcomes: list[int | None] = []

    def write(number: int) -> None:
        barrier.wait()
        try:
            with new_file(place) as fresh:
                fresh.write_bytes(str(number).encode() * 1000)
            outcomes.append(number)
        except FileTaken:
            outcomes.append(None)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = [outcome for outcome in outcomes if outcome is not None]
    assert len(outcomes) == 8
    assert place.read_bytes() == str(winner).encode() * 1000
    assert names(tmp_path) == ["copy"]


def test_what_fails_leaves_nothing(tmp_path: Path) -> None:
    """An error while it is written takes away all that was written, companions too."""

    def fail(fresh: Path) -> None:
        fresh.write_bytes(b"half")
        fresh.with_name(f"{fresh.name}-shm").touch()
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"), new_file(tmp_path / "copy") as fresh:
        fail(fresh)
    assert names(tmp_path) == []


def test_what_a_killed_one_left_is_removed_by_the_next(tmp_path: Path) -> None:
    """Killed in the middle, it leaves no file of the name; the next one takes away what it left, and nothing else."""
    place = tmp_path / "copy[1]"
    process = half_written(place)
    killed(process)
    assert not place.exists()
    assert len(names(tmp_path)) == 2
    (tmp_path / ".copy[1].txt").touch()
    with new_file(place) as fresh:
        fresh.write_bytes(b"whole")
    assert names(tmp_path) == [".copy[1].txt", "copy[1]"]


def test_what_another_one_writes_now_is_left_alone(tmp_path: Path) -> None:
    """The lock says that its writer lives: it is not cleared away."""
    process = half_written(tmp_path / "copy")
    try:
        with new_file(tmp_path / "copy") as fresh:
            fresh.write_bytes(b"whole")
        assert len(names(tmp_path)) == 3
    finally:
        killed(process)
    assert (tmp_path / "copy").read_bytes() == b"whole"


def test_a_place_in_no_folder_is_told(tmp_path: Path) -> None:
    """The sentence names the folder that is missing."""
    with (
        pytest.raises(NoFolder, match=r"There is no folder .*/nowhere to put copy in"),
        new_file(tmp_path / "nowhere" / "copy"),
    ):
        pytest.fail("it was not refused")


@pytest.mark.skipif(REASON is not None, reason=str(REASON))
def test_the_name_is_durable_only_after_what_is_in_it(tmp_path: Path) -> None:
    """By the system calls: the file is brought to disk, gets its name, and then the folder is brought to disk."""
    code = (
        "import sys\nfrom pathlib import Path\nfrom deedbook.domain.store.placing import new_file\n"
        "with new_file(Path(sys.argv[1])) as fresh:\n    fresh.write_bytes(b'whole')\n"
    )
    trace = tmp_path / "trace"
    traced = ["strace", "-f", "-y", "-e", "trace=fsync,link,linkat", "-o", str(trace)]
    subprocess.run([*traced, sys.executable, "-c", code, str(tmp_path / "copy")], check=True)
    calls = [line.split(maxsplit=1)[1] for line in trace.read_text().splitlines() if "copy" in line or "fsync" in line]
    kinds = [call.partition("(")[0] for call in calls if not call.startswith("+++")]
    assert [kind.removesuffix("at") for kind in kinds] == ["fsync", "link", "fsync"]
    assert ".partial" in calls[0]
    assert calls[2].rstrip().endswith("= 0")
