"""Runs one long task in a process of its own, beside this one, so that two cores share what takes minutes."""

import contextlib
import os
import signal
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Generic, NamedTuple, Self, TypeVar

from deedbook.domain.errors import StoreFailed
from deedbook.domain.finding import Progress

Subject = TypeVar("Subject")
Outcome = TypeVar("Outcome")
Task = Callable[[Subject, Callable[[Progress], None]], Outcome]

#: How long one that is not needed any more may take to clear up, in seconds.
_CLOSING = 5.0


class _Done(NamedTuple):
    outcome: object


class Beside(Generic[Subject, Outcome]):
    """A task that runs on something; both and its outcome can be pickled. Leaving the context ends it."""

    def __init__(self, task: Task[Subject, Outcome], subject: Subject) -> None:
        # A fresh interpreter: a fork would take over locks and connections of this one.
        context = get_context("spawn")
        self._receiving, sending = context.Pipe(duplex=False)
        self._process = context.Process(target=_run, args=(task, subject, sending), daemon=True)
        self._process.start()
        # The other end is the process's alone, so that its death is an end of file here.
        sending.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.is_alive() and self._process.pid is not None:
            # As Ctrl-C does: so it takes its temporary files with it.
            os.kill(self._process.pid, signal.SIGINT)
            self._process.join(_CLOSING)
        self._process.kill()
        self._process.join()
        self._receiving.close()

    def outcome(self, progress: Callable[[Progress], None]) -> Outcome:
        """Wait for the outcome, and tell how far it is; raises `StoreFailed` where the process came to nothing."""
        while True:
            try:
                told = self._receiving.recv()
            except EOFError:
                self._process.join()
                raise StoreFailed(
                    f"The process that checked the views ended with status {self._process.exitcode}; see to its memory."
                ) from None
            if isinstance(told, _Done):
                return told.outcome  # type: ignore[return-value]  # what the task returned
            progress(told)


def _run(task: Task[Subject, Outcome], subject: Subject, sending: Connection) -> None:
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        sending.send(_Done(task(subject, sending.send)))
