"""A process of our own beside this one: it is given an order, and tells what comes of it through a pipe.

It shares no interpreter with who starts it, and knows by the end of its standard input that that one is gone.
"""

import contextlib
import os
import pickle
import subprocess
import sys
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import IO, Any, TypeVar

import msgspec

from deedbook.domain.errors import StoreFailed

_Told = TypeVar("_Told")


class Child:
    """A process that runs a module of ours, as `python -m MODULE DESCRIPTOR` with that of its end of the pipe."""

    def __init__(self, module: str, does: str, order: object, *, inherited: Sequence[int] = ()) -> None:
        """Start it; `order`, pickled, is the first on its standard input, and `inherited` are descriptors that it gets.

        `does`, as in "reads the log", is for errors. Raises `StoreFailed` where none can be started.
        """
        self._does = does
        receiving, sending = os.pipe()
        self._receiving = Connection(receiving, writable=False)
        # -P: the folder that this was started in may hold files that are named as our modules.
        command = [sys.executable, "-P", "-m", module, str(sending)]
        try:
            # In a group of its own: Ctrl-C in a terminal is for this process to hear, which then ends that one.
            self.process = subprocess.Popen(  # noqa: S603  # nothing of it comes from outside
                command, stdin=subprocess.PIPE, bufsize=0, pass_fds=[sending, *inherited], process_group=0
            )
        except OSError as error:
            self._receiving.close()
            raise StoreFailed(f"No process can be started that {does} ({error.strerror}).") from error
        finally:
            # The process alone has this end, so that its death is an end of file here.
            os.close(sending)
        # On standard input, since arguments are for everybody to see, and what opens a log may be secret. One that is
        # dead already is found so by `told`.
        with contextlib.suppress(BrokenPipeError):
            self.orders.write(pickle.dumps(order))

    @property
    def orders(self) -> IO[bytes]:
        """Its standard input, without a buffer."""
        stdin = self.process.stdin
        assert stdin is not None  # noqa: S101  # it was asked for
        return stdin

    def has_told(self) -> bool:
        """Tell whether there is something to hear, also that it is dead."""
        return self._receiving.poll(0)

    def told(self, decoder: msgspec.msgpack.Decoder[_Told], timeout: float) -> _Told | None:
        """Return what it tells within some seconds, else None. Raises `StoreFailed` where it is dead."""
        try:
            return decoder.decode(self._receiving.recv_bytes()) if self._receiving.poll(timeout) else None
        except (EOFError, OSError, msgspec.DecodeError):
            status = self.process.wait()
            raise StoreFailed(
                f"A process that {self._does} ended with status {status}; see to its memory and to what it printed."
            ) from None

    def let_go(self) -> None:
        """Hear no more of it."""
        self._receiving.close()


# Any: the order that `Child` was given.
def ordered() -> Any:  # noqa: ANN401  # see above
    """Return, in the process, its order; whatever comes behind it on standard input is not read yet."""
    with os.fdopen(0, "rb", buffering=0, closefd=False) as orders:
        return pickle.load(orders)  # noqa: S301  # from the process that started this
