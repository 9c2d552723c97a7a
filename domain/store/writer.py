"""Group commit: commands that arrive together share one transaction and one fsync.

One thread for each store and process. It takes what waits, decides it in order, writes, commits, and answers
everyone only then. Measured on two cores: one commit for each command 2.5 k/s, for each group up to 60 k/s.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple, Protocol
from uuid import UUID

from deedbook.domain.audit_log import Order, Tried
from deedbook.domain.commands import ImportAction
from deedbook.domain.decisions import perform
from deedbook.domain.errors import DeedbookError, LostRace, QueueFull, StoreClosed, StoreFailed, Unavailable, Unsettled
from deedbook.domain.results import Answer
from deedbook.domain.session import Batch, Known, Past

#: At the most so many commands share a transaction; orders that were given together are never parted.
BATCH = 512

#: At the most so many commands wait; one more is refused at once, so that its sender can go elsewhere.
QUEUE = 10_000

#: How long closing waits for what is under way, in seconds.
CLOSING = 3.0

#: How often a batch is decided again when another process that took no turn was faster.
TRIES = 3

#: At the most so many states of lanes and relationships are kept in memory.
KNOWN = 100_000

#: How long it is tried to find out whether a commit succeeded that was cut off, and how often, in seconds.
SETTLING = 60.0
_LOOK = 0.1

_log = logging.getLogger(__name__)
_CALL_FAILED = "Who was called with what became of a command failed; the command is as it was told."


class TurnLost(Exception):
    """The turn ended by itself, and nothing was committed: it may be taken again."""


class Doubtful(Exception):
    """The database did not say whether it committed: `is_recorded` finds out, or raises `Unavailable`."""

    def __init__(self, is_recorded: Callable[[], bool]) -> None:
        super().__init__("The connection to the database broke while it committed.")
        self.is_recorded = is_recorded


class Head(NamedTuple):
    """The last event of the log: its position (0: none) and recorded date in microseconds since the epoch."""

    position: int
    recorded: int


class Turn(Past, Protocol):
    """The store while it is this writer's turn: an open transaction that no other writer can enter."""

    @property
    def head(self) -> Head:
        """The last event at the beginning of the turn."""

    def changed_since(self, position: int) -> Iterable[UUID]:
        """Return the aggregates that others added events to behind `position`."""

    def write(self, batch: Batch) -> None:
        """Insert what a batch holds; raises `LostRace` where someone else wrote the same version."""


class Engine(Protocol):
    """A database that commands can be recorded in."""

    def turn(self) -> AbstractContextManager[Turn]:
        """Wait for the writer's turn and open a transaction; leaving commits it durably, an exception undoes it.

        Raises `Unavailable` where the database can't be written, `LostRace` where somebody else wrote the same,
        `TurnLost` where it broke off before the commit, and `Doubtful` where that happened in the middle of it.
        """


class _Timing:
    """When the writer got its turn, and how many events are durable by it: None as long as nothing is."""

    def __init__(self, begun: float) -> None:
        self.turned = begun
        self.durable: int | None = None


class Writer:
    """Decides and records the orders that it is given, in order, each group in one transaction."""

    def __init__(self, engine: Engine, clock: Callable[[], int], queue: int = QUEUE) -> None:
        self._engine = engine
        self._clock = clock
        self._limit = queue
        self._waiting: deque[Sequence[Order]] = deque()
        self._count = 0
        self._closing = False
        self._arrived = threading.Condition()
        self._known: dict[UUID, Known] = {}
        self._position = 0
        self._on_commit: list[Callable[[], None]] = []
        #: Told of each try to commit, from the writer's thread.
        self.on_try: list[Callable[[Tried], None]] = []
        self._thread = threading.Thread(target=self._run, name="deedbook-writer", daemon=True)

    def start(self) -> None:
        """Begin to take orders."""
        self._thread.start()

    def close(self) -> bool:
        """Take no more orders, record and answer those that wait; tell whether that was done.

        Another process that was stopped in the middle of its turn could make this wait for ever: after `CLOSING`
        seconds those who wait are left without an answer, and are recorded only if this process lives until it goes on.
        """
        with self._arrived:
            self._closing = True
            self._arrived.notify()
        self._thread.join(CLOSING)
        return not self._thread.is_alive()

    def on_commit(self, call: Callable[[], None]) -> None:
        """Have `call` called from the writer's thread after each commit; what it raises is logged."""
        self._on_commit.append(call)

    @property
    def queued(self) -> int:
        """How many orders wait."""
        return self._count

    def submit(self, orders: Sequence[Order]) -> None:
        """Take orders that share a transaction, all or none; see `AuditLog.submit`."""
        if not orders:
            return
        with self._arrived:
            if self._closing:
                raise StoreClosed
            if self._count and self._count + len(orders) > self._limit:
                raise QueueFull
            self._waiting.append(orders)
            self._count += len(orders)
            self._arrived.notify()

    def _run(self) -> None:
        while orders := self._take():
            self._deliver(orders, self._record(orders))

    def _take(self) -> list[Order]:
        """Wait for orders and take a batch of them; empty when the writer was closed and nothing waits."""
        with self._arrived:
            while not self._waiting and not self._closing:
                self._arrived.wait()
            taken: list[Order] = []
            while self._waiting and len(taken) + len(self._waiting[0]) <= max(BATCH, len(self._waiting[0])):
                taken += self._waiting.popleft()
            self._count -= len(taken)
            return taken

    def _record(self, orders: Sequence[Order]) -> list[Answer | Exception]:
        """Record orders together; where the store does not take them so, each alone, so that none harms another."""
        failure: Exception = LostRace()
        for _ in range(TRIES):
            try:
                return self._commit(orders)
            except LostRace as race:
                self._known.clear()
                failure = race
            except TurnLost as lost:
                self._known.clear()
                failure = StoreFailed(f"The database broke off ({lost}); nothing was recorded: repeat.")
            except (Unavailable, Unsettled) as error:
                self._known.clear()
                return [error] * len(orders)
            except Exception as error:  # noqa: BLE001
                # Whatever it is, those who wait must hear of it, and the writer must live on.
                _log.exception("The writer failed on %d commands.", len(orders))
                self._known.clear()
                failure = error
                break
        if isinstance(failure, Unavailable):
            return [failure] * len(orders)
        if len(orders) > 1:
            return [outcome for order in orders for outcome in self._record([order])]
        return [failure]

    def _commit(self, orders: Sequence[Order]) -> list[Answer | Exception]:
        outcomes: list[Answer | Exception] = []
        position, events = self._position, 0
        with self._timed(len(orders)) as timing:
            try:
                with self._engine.turn() as turn:
                    timing.turned = time.perf_counter()
                    self._mark_behind(turn)
                    now = max(self._clock(), turn.head.recorded)
                    batch = Batch(turn, self._known, now, turn.head.position)
                    imported = [order.command.id for order in orders if isinstance(order.command, ImportAction)]
                    if imported:
                        batch.look_up(imported)
                    outcomes = [_decided(batch, order) for order in orders]
                    turn.write(batch)
                    events = len(batch.events)
                    position = batch.position + events
            except Doubtful as doubt:
                if not settled(doubt, self._refuse_all):
                    raise TurnLost(str(doubt)) from doubt
            timing.durable = events
        self._position = position
        return outcomes

    @contextmanager
    def _timed(self, commands: int) -> Iterator["_Timing"]:
        """Let who counts know what came of a try, and what it took."""
        begun = time.perf_counter()
        timing = _Timing(begun)
        try:
            yield timing
        finally:
            seconds, durable = time.perf_counter() - begun, timing.durable
            tried = Tried(commands, durable or 0, timing.turned - begun, seconds, durable is not None)
            for call in self.on_try:
                with _outlived():
                    call(tried)

    def _refuse_all(self, why: Unavailable) -> None:
        """Tell those who wait that nothing is recorded now, rather than let them wait for what may take long."""
        with self._arrived:
            waiting = [order for orders in self._waiting for order in orders]
            self._waiting.clear()
            self._count = 0
        for order in waiting:
            with _outlived():
                order.deliver(why)

    def _mark_behind(self, turn: Turn) -> None:
        """Mark what another process has changed since this one's last turn: what it added is read on from here.

        A busy object's lane may have had ten thousand events, and all others wait for the turn in which they are read.
        """
        if len(self._known) > KNOWN:
            self._known.clear()
        if self._known and turn.head.position != self._position:
            for aggregate in turn.changed_since(self._position):
                known = self._known.get(aggregate)
                if known is not None:
                    self._known[aggregate] = known._replace(is_behind=True)

    def _deliver(self, orders: Sequence[Order], outcomes: Sequence[Answer | Exception]) -> None:
        for call in self._on_commit:
            with _outlived():
                call()
        for order, outcome in zip(orders, outcomes, strict=True):
            # Not `_outlived`: it would cost each command a third of a microsecond.
            try:
                order.deliver(outcome)
            except Exception:  # noqa: BLE001  # as there
                _log.exception(_CALL_FAILED)


@contextmanager
def _outlived() -> Iterator[None]:
    """Let nobody who is called from the writer's thread end it: all others wait for it."""
    try:
        yield
    except Exception:  # noqa: BLE001  # whatever it is
        _log.exception(_CALL_FAILED)


def settled(doubt: Doubtful, meanwhile: Callable[[Unavailable], None] = lambda _: None) -> bool:
    """Find out whether something was recorded, and return it, however often that has to be tried.

    `meanwhile` is told each time why that could not be found out. Raises `Unsettled` after `SETTLING` seconds.
    """
    deadline = time.monotonic() + SETTLING
    while True:
        try:
            return doubt.is_recorded()
        except Unavailable as failure:
            meanwhile(failure)
            if time.monotonic() > deadline:
                raise Unsettled from failure
        time.sleep(_LOOK)


def _decided(batch: Batch, order: Order) -> Answer | Exception:
    """Decide one order; what it is refused with is its outcome, and nobody else's."""
    try:
        return perform(batch, order.command, order.once)
    except Unavailable:
        raise
    except DeedbookError as refusal:
        return refusal
    except Exception as error:  # noqa: BLE001  # its sender must hear of it, and no other command
        _log.exception("A %s failed.", type(order.command).__name__)
        return error
