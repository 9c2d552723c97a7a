"""The views as the reading side of `deedbook.domain.testing`, for an audit log that is driven in process."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import TypeVar
from uuid import UUID

from deedbook.domain.lifecycle import State
from deedbook.domain.log import EventLog
from deedbook.domain.testing.driver import NoAnswer, Page, Question, Seen
from deedbook.projections.action_query import ActionQuery
from deedbook.projections.generations import Generations, ViewsMissing
from deedbook.projections.reader import Reader, Snapshot
from deedbook.projections.resource import decode
from deedbook.projections.runner import Runner

#: How long a question waits for the views, in seconds; so long that a busy machine is no failure.
PATIENCE = 60.0

Found = TypeVar("Found")


class Views:
    """Reads the views when they have read the log up to where it was."""

    def __init__(self, reader: Reader, runner: Runner) -> None:
        self._reader = reader
        self._runner = runner

    def page(self, namespace: str, question: Question, position: int) -> Page:
        """See `Reading.page`."""
        query = query_of(namespace, question)
        with self._caught_up(position) as snapshot:
            found = snapshot.actions(query)
        has_more = question.offset + question.limit < found.total
        return Page([seen_in(document) for document in found.documents], found.total, has_more)

    def one(self, namespace: str, action: UUID, position: int) -> Seen | None:
        """See `Reading.one`."""
        with self._caught_up(position) as snapshot:
            document = snapshot.action(action, namespace)
        return None if document is None else seen_in(document)

    @contextmanager
    def _caught_up(self, position: int) -> Iterator[Snapshot]:
        deadline = time.monotonic() + PATIENCE
        while not self._has_read(position):
            if time.monotonic() > deadline:
                raise NoAnswer(f"The views do not reach position {position} ({self._runner.failure}).")
            self._runner.wake()
            time.sleep(0.0005)
        with self._reader.snapshot() as snapshot:
            yield snapshot

    def _has_read(self, position: int) -> bool:
        try:
            return self._reader.tracking().position >= position
        except ViewsMissing:
            return False


@contextmanager
def projected(log: EventLog, generations: Generations) -> Iterator[Views]:
    """Keep views up with a log, and give them to be read, until the block ends."""
    runner, reader = Runner(log, generations), Reader(generations)
    runner.start()
    try:
        yield Views(reader, runner)
    finally:
        runner.close()
        reader.close()


def query_of(namespace: str, question: Question) -> ActionQuery:
    """Return a question as the views are asked it."""
    equal: dict[str, tuple[str, ...]] = {
        "state": question.states,
        "user": question.users,
        "action": question.actions,
        "method": question.methods,
        "ip": question.ips,
        "is_user_action": () if question.is_user_action is None else (str(question.is_user_action).lower(),),
    }
    return ActionQuery(
        namespace=namespace,
        uuids=question.ids,
        uuid_prefix=question.prefix,
        equal={field: values for field, values in equal.items() if values},
        object=question.object,
        include_related=question.include_related,
        start_from=_first(question.start_from),
        start_to=_last(question.start_to),
        end_from=_first(question.end_from),
        end_to=_last(question.end_to),
        newest_first=question.newest_first,
        limit=question.limit,
        offset=question.offset,
    )


def seen_in(document: bytes) -> Seen:
    """Return the action that a document of the list, or of one action, shows."""
    resource = decode(document)
    return Seen(
        id=UUID(resource.uuid),
        action=resource.action,
        method=resource.method,
        path=resource.path,
        object=resource.object,
        parents=resource.parents,
        user=resource.user,
        ip=resource.ip,
        is_user_action=resource.is_user_action,
        body=resource.body,
        retry_of=None if resource.retry_of is None else UUID(resource.retry_of.rstrip("/").rpartition("/")[2]),
        state=State(resource.state),
        can_be_canceled=resource.can_be_canceled,
        can_be_retried=resource.can_be_retried,
        created=_seconds(resource.created),
        start=None if resource.start_date is None else _seconds(resource.start_date),
        end=None if resource.end_date is None else _seconds(resource.end_date),
    )


def _seconds(date: str) -> int:
    return int(parsedate_to_datetime(date).timestamp())


def _first(second: int | None) -> int | None:
    return None if second is None else second * 1_000_000


def _last(second: int | None) -> int | None:
    return None if second is None else second * 1_000_000 + 999_999
