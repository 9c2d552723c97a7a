"""The writer's turn: one holder at a time, among threads and processes, and freed when its holder dies."""

import subprocess
import sys
from pathlib import Path
from threading import Thread

from deedbook.domain.store.sqlite.turn_lock import TurnLock

#: A process that takes the lock, says so, and holds it.
HOLDER = """
import sys, time
from pathlib import Path
from deedbook.domain.store.sqlite.turn_lock import TurnLock
with TurnLock(Path(sys.argv[1])).held():
    print("held", flush=True)
    time.sleep(100)
"""


def test_a_lock_of_a_dead_process_is_free(tmp_path: Path) -> None:
    """While another process holds the turn nobody gets it; killed, it lets go."""
    path = tmp_path / "turn"
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, path], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    lock, got = TurnLock(path), []

    def take() -> None:
        with lock.held():
            got.append(holder.poll())

    thread = Thread(target=take, daemon=True)
    thread.start()
    thread.join(0.2)
    assert not got, "taken while another process held it"
    holder.kill()
    holder.communicate()
    thread.join(60)
    assert len(got) == 1
    lock.close()


def test_threads_take_turns(tmp_path: Path) -> None:
    """Whatever number of threads, of however many locks on the file, want the turn: one has it at a time."""
    locks = [TurnLock(tmp_path / "turn") for _ in range(2)]
    inside, most = 0, 0

    def take(lock: TurnLock) -> None:
        nonlocal inside, most
        for _ in range(200):
            with lock.held():
                inside += 1
                most = max(most, inside)
                inside -= 1

    threads = [Thread(target=take, args=(locks[number % 2],)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for lock in locks:
        lock.close()
    assert (inside, most) == (0, 1)
