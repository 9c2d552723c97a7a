"""Histories of events: legal ones, and legal ones with one violation planted, for whoever verifies or projects."""

from collections.abc import Iterable
from typing import NamedTuple

from hypothesis import strategies as st

from deedbook.domain.log import Happened
from deedbook.domain.results import Command
from deedbook.domain.testing.memory import MemoryLog
from deedbook.domain.testing.sequences import command_sequences
from deedbook.domain.testing.violations import PLANTERS, Violation

#: When a history begins, in microseconds: after every date that its commands name.
BEGIN = 1_400_000_100_000_000

#: How much later the next transaction is: most of them in the same second, some in the same microsecond.
_PAUSES = st.sampled_from([0, 1, 1_000, 1_000_000])


class Illegal(NamedTuple):
    """A history that breaks one rule: `violation` says which, `position` where it first shows."""

    history: list[Happened]
    violation: Violation
    position: int


def legal_histories(*, max_commands: int = 30) -> st.SearchStrategy[list[Happened]]:
    """Return whole logs from position 1, such as the lifecycle, lanes and relationships allow; without any output.

    They hold imported actions too, and two namespaces. A history may be empty: the log refused all.
    """
    return _timed(max_commands).map(lambda given: _lived(given).happened)


@st.composite
def illegal_histories(
    draw: st.DrawFn, violations: Iterable[Violation] = tuple(Violation), *, max_commands: int = 20
) -> Illegal:
    """Return legal histories in which one of `violations` was planted, and that go on legally where they can."""
    violation = draw(st.sampled_from(sorted(violations)))
    given = draw(_timed(max_commands))
    cut = draw(st.integers(0, len(given)))
    log = _lived(given[:cut])
    now = _now(log)
    planted = PLANTERS[violation](log, now)
    for command, date in given[cut:]:
        log.give(command, max(date, _now(log)))
    history = planted.spoil(log.happened)
    return Illegal(history, violation, planted.position)


def _timed(most: int) -> st.SearchStrategy[list[tuple[Command, int]]]:
    def dated(given: tuple[list[Command], list[int]]) -> list[tuple[Command, int]]:
        sequence, pauses = given
        date, found = BEGIN, []
        for number, command in enumerate(sequence):
            date += pauses[number % len(pauses)]
            found.append((command, date))
        return found

    return st.tuples(command_sequences(max_size=most), st.lists(_PAUSES, min_size=1, max_size=5)).map(dated)


def _lived(given: Iterable[tuple[Command, int]]) -> MemoryLog:
    log = MemoryLog()
    for command, date in given:
        log.give(command, date)
    return log


def _now(log: MemoryLog) -> int:
    return log.happened[-1].recorded if log.happened else BEGIN
