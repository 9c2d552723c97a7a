"""Output: numbered from 1 in each action, chained, in order, and closed by the event that ends the action."""

from concurrent.futures import Executor
from hashlib import sha256
from itertools import chain
from uuid import UUID, uuid4

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from deedbook.domain.commands import AppendOutput, Finish, ImportAction, Line, RecordAction, RequestCancel
from deedbook.domain.errors import OutputClosed, OutputDiffers, OutputNotBegun, UnknownAction
from deedbook.domain.events import ActionEnded, ActionRecorded
from deedbook.domain.lifecycle import FINAL, State
from deedbook.domain.output import OutputEnd, OutputLine
from deedbook.domain.results import Answer, Appended, Imported
from deedbook.domain.testing.strategies import LINES
from tests.contract.elsewhere import in_threads, perform_all
from tests.contract.engines import Place, Store
from tests.contract.giving import BY, NAMESPACE, append, cancel, finish, once, recorded, recording, together
from tests.support.shared import shared

#: The clock of the model, in microseconds: 2015-06-04.
NOW = 1_433_779_324_500_000


class ModelOutput:
    """What an action's output should be."""

    def __init__(self, action: UUID) -> None:
        self.action = action
        self.lines: list[OutputLine] = []

    @property
    def end(self) -> OutputEnd:
        """How far it is."""
        return OutputEnd(len(self.lines), self.lines[-1].digest if self.lines else b"")

    def append(self, lines: list[Line]) -> list[OutputLine]:
        """Add lines, and return them as they should be kept."""
        for line in lines:
            timestamp = NOW // 10**6 if line.timestamp is None else line.timestamp
            digest = sha256(self.end.digest + timestamp.to_bytes(8, "big", signed=True) + line.text.encode()).digest()
            self.lines.append(OutputLine(self.action, len(self.lines) + 1, timestamp, line.text, digest))
        return self.lines[len(self.lines) - len(lines) :]


#: Some appends: to which of three actions, and which lines; those of one inner list share a transaction.
APPENDS = st.lists(
    st.lists(st.tuples(st.integers(0, 2), st.lists(LINES, max_size=3)), min_size=1, max_size=4), max_size=5
)


@shared(60)
@for_all(batches=APPENDS)
def test_output_is_what_the_model_has(place: Place, batches: list[list[tuple[int, list[Line]]]]) -> None:
    """Lines are numbered, dated and chained as the model does it, for every reader; the last event keeps their end."""
    store, other = place.open(lambda: NOW), place.open()
    models = [ModelOutput(recorded(store, recording(State.IN_PROGRESS)).id) for _ in range(3)]
    before, everything = store.log.output_head(), []
    for batch in batches:
        commands = [
            AppendOutput(id=models[one].action, namespace=NAMESPACE, lines=tuple(lines)) for one, lines in batch
        ]
        for answer, (one, lines) in zip(together(store, commands), batch, strict=True):
            assert isinstance(answer, Answer)
            assert answer.result == Appended(models[one].end.lines + 1, len(lines))
            everything += models[one].append(lines)
    for model in models:
        assert other.log.output(model.action, 0, 1000) == model.lines
        assert other.log.output_end(model.action) == model.end
        recorded(store, finish(model.action))
        ended = store.log.history(model.action)[-1].event
        assert isinstance(ended, ActionEnded)
        assert OutputEnd(ended.lines, ended.digest) == model.end
    found = other.log.new_output(before, 1000)
    assert [one.line for one in found] == everything
    assert [one.sequence for one in found] == list(range(before + 1, before + 1 + len(found)))
    store.close()
    other.close()


@shared()
@for_all(after=st.integers(0, 12), limit=st.integers(0, 12))
def test_output_is_read_in_pages(store: Store, after: int, limit: int) -> None:
    """`output` and `new_output` give up to so many lines behind one, in order."""
    if not store.log.output_head():
        action = recorded(store, recording(State.IN_PROGRESS)).id
        store.audit_log.perform(append(action, *"abcdefghij"))
    action = store.log.new_output(0, 1)[0].line.action
    assert store.log.output(action, after, limit) == store.log.output(action, 0, 100)[after : after + limit]
    assert list(store.log.new_output(after, limit)) == list(store.log.new_output(0, 100))[after : after + limit]


def test_whoever_appends_lines_are_chained(place: Place, store: Store, processes: Executor) -> None:
    """Several threads and processes append to one action: one chain, each append whole and in its order."""
    model = ModelOutput(recorded(store, recording(State.IN_PROGRESS)).id)
    texts = [[f"{number} {part}" for part in "abc"] for number in range(40)]
    elsewhere = [
        processes.submit(
            perform_all, place, [(append(model.action, *text), once(text[0])) for text in texts[start : start + 10]]
        )
        for start in (0, 10)
    ]
    in_threads(4, lambda number: together(store, [append(model.action, *one) for one in texts[20 + number * 5 :][:5]]))
    for future in elsewhere:
        assert all(isinstance(one, Answer) for one in future.result(100))
    lines = store.log.output(model.action, 0, 1000)
    model.append([Line(one.text, one.timestamp) for one in lines])
    assert lines == model.lines
    assert sorted(one.text for one in lines) == sorted(chain.from_iterable(texts))
    assert all(lines[at].text[:-2] == lines[at + 2].text[:-2] for at in range(0, 120, 3)), "an append was torn"


def waiting(store: Store) -> tuple[UUID, UUID]:
    """Return an action that runs on an object, and one that waits behind it."""
    uri = f"/{uuid4()}/"
    return tuple(recorded(store, recording(State.PENDING, uri)).id for _ in range(2))  # type: ignore[return-value]


def test_what_waits_has_no_output_yet(store: Store) -> None:
    """A Pending action takes no line; once it was started, its output begins with line 1."""
    running, pending = waiting(store)
    with pytest.raises(OutputNotBegun):
        store.audit_log.perform(append(pending, "too early"))
    recorded(store, finish(running))
    assert store.audit_log.perform(append(pending, "now")).result == Appended(1, 1)
    assert store.log.output_end(pending).lines == 1


@pytest.mark.parametrize("end", sorted(FINAL))
def test_what_has_ended_takes_no_more(store: Store, end: State) -> None:
    """After its end an action's output is closed, in whatever state, and in the same transaction too."""
    action = recorded(store, recording(State.IN_PROGRESS)).id
    if end is State.CANCELED:
        recorded(store, cancel(action))
    first, _, late = together(store, [append(action, "last words"), finish(action, end), append(action, "no")])
    assert isinstance(first, Answer)
    assert isinstance(late, OutputClosed)
    with pytest.raises(OutputClosed):
        store.audit_log.perform(append(action, "no"))
    assert [line.text for line in store.log.output(action, 0, 10)] == ["last words"]


def test_the_end_of_an_output_is_in_the_event_that_closes_it(store: Store) -> None:
    """A cancellation of what runs closes nothing; the report of its end does, with all lines up to then."""
    action = recorded(store, recording(State.IN_PROGRESS)).id
    commands: list[AppendOutput | RequestCancel | Finish] = [
        append(action, "one"), cancel(action), append(action, "two"), finish(action, State.CANCELED),
    ]  # fmt: skip
    assert all(isinstance(one, Answer) for one in together(store, commands))
    ended = store.log.history(action)[-1].event
    assert isinstance(ended, ActionEnded)
    assert (ended.lines, ended.digest) == store.log.output_end(action)
    assert ended.lines == 2


def test_an_import_brings_its_whole_output(store: Store) -> None:
    """The event of an imported action holds the number and digest of the lines that came with it."""
    lines = (Line("one", 1), Line("two", 2))
    command = ImportAction(
        id=uuid4(), namespace=NAMESPACE, by=BY, action="Scale", method="POST", path="/", state=State.SUCCESS,
        created=1, start=1, end=2, lines=lines,
    )  # fmt: skip
    store.audit_log.perform(command)
    model = ModelOutput(command.id)
    assert store.log.output(command.id, 0, 10) == model.append(list(lines))
    event = store.log.history(command.id)[0].event
    assert isinstance(event, ActionRecorded)
    assert (event.lines, event.digest) == model.end


def _import(action: UUID, state: State, *lines: Line) -> ImportAction:
    end = 2 if state in FINAL else None
    return ImportAction(
        id=action, namespace=NAMESPACE, by=BY, action="Scale", method="POST", path="/", state=state,
        created=1, start=1, end=end, lines=lines,
    )  # fmt: skip


DATED = st.lists(st.builds(Line, st.sampled_from(["", "one", "two"]), st.integers(0, 3)), max_size=4)


@shared(30)
@for_all(before=DATED, after=DATED, dated=st.booleans())
def test_an_import_that_ends_an_action_brings_the_rest(
    store: Store,
    before: list[Line],
    after: list[Line],
    dated: bool,  # noqa: FBT001  # Hypothesis gives it
) -> None:
    """What a file has of the output of an action that a file before had open is added behind what is stored."""
    action = uuid4()
    store.audit_log.perform(_import(action, State.IN_PROGRESS))
    if before:
        store.audit_log.perform(AppendOutput(id=action, namespace=NAMESPACE, lines=tuple(before)))
    model = ModelOutput(action)
    expected = [*model.append(before), *model.append(after)]
    ends = _import(action, State.SUCCESS, *(before if dated else [Line(line.text) for line in before]), *after)
    assert store.audit_log.perform(ends).result == Imported(action, added=True)
    assert store.log.output(action, 0, 10) == expected
    ended = store.log.history(action)[-1].event
    assert isinstance(ended, ActionEnded)
    assert (ended.lines, ended.digest) == model.end
    # Once more, and nothing happens.
    assert store.audit_log.perform(ends).result == Imported(action, added=False)
    assert store.log.output(action, 0, 10) == expected


@pytest.mark.parametrize(
    "brought", [[Line("one", 1)], [Line("one", 1), Line("2", 2)], [Line("one", 1), Line("two", 3)]]
)
def test_an_import_that_has_another_output_is_refused(store: Store, brought: list[Line]) -> None:
    """It takes no line away and changes none; who has none says nothing of it."""
    action = uuid4()
    store.audit_log.perform(_import(action, State.IN_PROGRESS))
    stored = (Line("one", 1), Line("two", 2))
    store.audit_log.perform(AppendOutput(id=action, namespace=NAMESPACE, lines=stored))
    with pytest.raises(OutputDiffers):
        store.audit_log.perform(_import(action, State.SUCCESS, *brought))
    assert store.audit_log.perform(_import(action, State.SUCCESS)).result == Imported(action, added=True)
    assert store.log.output_end(action).lines == 2


def test_output_of_nothing_is_refused(store: Store) -> None:
    """An unknown action, and one of another namespace, has no output to append to."""
    stranger: RecordAction = recording(State.IN_PROGRESS, namespace="other")
    recorded(store, stranger)
    for action in (uuid4(), stranger.id):
        with pytest.raises(UnknownAction):
            store.audit_log.perform(append(action, "line"))
        assert store.log.output_end(action) == OutputEnd()
    assert store.log.output_head() == 0
