"""Commands in any order, given to an audit log and to the model: every answer and the whole list must be the same."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, NamedTuple, NoReturn
from uuid import UUID, uuid4

import msgspec
from hypothesis import reject
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, precondition, rule

from deedbook.domain.commands import (
    AppendOutput,
    EndParent,
    Finish,
    Line,
    RecordAction,
    RequestCancel,
    Retry,
    StateParent,
)
from deedbook.domain.events import Caller
from deedbook.domain.lifecycle import State
from deedbook.domain.results import Command
from deedbook.domain.testing.driver import Answer, CutOff, Driver, NoAnswer, Outcome, Question, Seen, request_of
from deedbook.domain.testing.model import ENDED, REPORTS, Model, ModelAction, Told
from deedbook.domain.testing.story import Broken, Story, answered, asked, date

OBJECTS = ["/a/", "/b/", "/c/"]
USERS = ["ann", "bob"]
OPERATIONS = ["Deploy", "Scale"]
METHODS = ["POST", "PUT"]
IPS = ["192.0.2.1", "192.0.2.2"]
#: Dates of the past, in seconds: many actions share one.
SECONDS = st.sampled_from([1_400_000_000, 1_400_000_001, 1_400_086_400])

_URIS = st.sampled_from(OBJECTS)
#: Which of the two namespaces: mostly the first.
_WHERE = st.sampled_from([0, 0, 0, 0, 1])
_HAS_KEY = st.sampled_from([False, False, True])
_HAS_MORE = st.booleans()
_MOSTLY = st.sampled_from([True, True, False])
_NOBODY = UUID("00000000-0000-4000-8000-000000000000")
_REFUSALS = (Outcome.UNKNOWN, Outcome.REFUSED, Outcome.MISMATCH)


@st.composite
def recordings(draw: st.DrawFn) -> RecordAction:
    """Return a call to be recorded; namespace and id are to be filled in."""
    plain = _plain(
        draw(st.sampled_from([State.IN_PROGRESS, State.PENDING, State.PENDING, State.SUCCESS, State.FAILED])),
        draw(st.sampled_from(["/a/", "/a/", *OBJECTS, ""])),
    )
    # So that a smaller story is found fast: all that does not matter goes in one step.
    if not draw(_HAS_MORE):
        return plain
    most = {State.PENDING: 0, State.IN_PROGRESS: 1}.get(plain.state, 2)
    start, end = (*(second * 1_000_000 for second in sorted(draw(st.lists(SECONDS, max_size=most)))), None, None)[:2]
    return msgspec.structs.replace(
        plain,
        action=draw(st.sampled_from(OPERATIONS)),
        method=draw(st.sampled_from(METHODS)),
        parents=tuple(draw(st.lists(_URIS, max_size=2, unique=True))) if plain.object else (),
        body=draw(st.sampled_from([None, "{}"])),
        user=draw(st.sampled_from(USERS)),
        ip=draw(st.sampled_from(IPS)),
        is_user_action=draw(_MOSTLY),
        start=start,
        end=end,
        can_be_canceled=draw(_MOSTLY),
        can_be_retried=draw(_MOSTLY),
    )


@st.composite
def queues(draw: st.DrawFn) -> list[RecordAction]:
    """Return recordings of which one runs and others wait behind it."""
    uri = draw(_URIS)
    waiting = draw(st.integers(1, 3))
    return [_plain(State.IN_PROGRESS, uri), *[_plain(State.PENDING, uri)] * waiting]


def _plain(state: State, uri: str) -> RecordAction:
    return RecordAction(
        id=_NOBODY, namespace="", by=Caller(), action=OPERATIONS[0], method=METHODS[0], path="/", state=state,
        object=uri, user=USERS[0], ip=IPS[0],
    )  # fmt: skip


def _some(values: Sequence[Any]) -> st.SearchStrategy[tuple[Any, ...]]:  # a filter's values are of its own type
    return st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True).map(tuple)


def questions() -> st.SearchStrategy[Question]:
    """Return what the list can be asked, but for ids."""
    filters: dict[str, st.SearchStrategy[Any]] = {
        "states": _some(list(State)),
        "users": _some([*USERS, "nobody"]),
        "actions": _some(OPERATIONS),
        "methods": _some(METHODS),
        "ips": _some(IPS),
        "is_user_action": st.booleans(),
        "start_from": SECONDS,
        "start_to": SECONDS,
        "end_from": SECONDS,
        "end_to": SECONDS,
        "newest_first": st.booleans(),
    }
    near = st.fixed_dictionaries({"object": _URIS, "include_related": st.booleans()})
    return st.builds(
        lambda given, narrowed: Question(**given, **narrowed),
        st.just({}) | near,
        st.lists(st.sampled_from(sorted(filters)), max_size=2, unique=True).flatmap(
            lambda names: st.fixed_dictionaries({name: filters[name] for name in names})
        ),
    )


class Asked(NamedTuple):
    """A command that succeeded under a key, and its answer, which is to be given again."""

    where: int
    command: Command
    key: str
    answer: Answer


class Enough(BaseException):
    """A failing story was found, and enough was tried to find a smaller one."""


class Ledger:
    """What a check has seen: how much was tried, and the smallest story that fails."""

    def __init__(self, tries: float = float("inf")) -> None:
        self._tries = tries
        self.stories = 0
        self.steps = 0
        self.cut_off = 0
        self.smallest: Broken | None = None
        #: Why nothing more could be asked; Hypothesis may have something of its own to say instead.
        self.no_answer: NoAnswer | None = None
        self.is_over = False

    def begin(self) -> None:
        """Note a new story; raises `Enough` when one failed, and enough were told in search of a smaller one."""
        if self.smallest is not None:
            self._tries -= 1
            if self._tries < 0:
                self.is_over = True
                raise Enough
        self.stories += 1

    def note(self, broken: Broken) -> None:
        """Note a story that fails."""
        if self.smallest is None or len(broken.steps) <= len(self.smallest.steps):
            self.smallest = broken


class AuditLogMachine(RuleBasedStateMachine):
    """Drives an audit log and the model: `driven_by` says which log.

    Raises `Broken`, whose text is the story, as soon as an answer or the list is not what the model says.
    """

    driver: ClassVar[Driver]
    ledger: ClassVar[Ledger] = Ledger()
    recorded = Bundle("recorded")

    @classmethod
    def driven_by(cls, driver: Driver) -> "type[AuditLogMachine]":
        """Return the machine for a log; its `TestCase` is a test for unittest and pytest."""
        return type(cls.__name__, (cls,), {"driver": driver, "ledger": Ledger()})

    def __init__(self) -> None:
        super().__init__()
        self.ledger.begin()
        self.story = Story()
        self.namespaces = self.driver.fresh()
        self.models = (Model(self.driver.user), Model(self.driver.user))
        self.by = Caller(self.driver.user)
        self.keyed: list[Asked] = []
        self._has_changed = False
        self._keys = 0

    @rule(target=recorded, where=_WHERE, command=recordings(), has_key=_HAS_KEY)
    def record(self, where: int, command: RecordAction, *, has_key: bool) -> Any:  # noqa: ANN401  # Hypothesis's multiple
        """Record an action."""
        return self._recorded(where, self._perform(where, self._filled(where, command), self._key(has_key)))

    @rule(target=recorded, where=_WHERE, lines=st.lists(recordings(), min_size=2, max_size=3), has_key=_HAS_KEY)
    def record_batch(self, where: int, lines: list[RecordAction], *, has_key: bool) -> Any:  # noqa: ANN401  # as above
        """Record a batch of actions."""
        return self._batch(where, [(self._filled(where, command), self._key(has_key)) for command in lines])

    @rule(target=recorded, where=_WHERE, queue=queues())
    def record_queue(self, where: int, queue: list[RecordAction]) -> Any:  # noqa: ANN401  # as above
        """Record an action that runs, and some that wait behind it."""
        return self._batch(where, [(self._filled(where, command), None) for command in queue])

    def _batch(self, where: int, batch: list[tuple[RecordAction, str | None]]) -> Any:  # noqa: ANN401  # as above
        with self._asking("Recording a batch"):
            answers = self.driver.perform_all(batch)
        if len(answers) != len(batch):
            self._fail(
                f"A batch of {len(batch)} lines had {len(answers)} answers.", f"{len(batch)} answers", f"{len(answers)}"
            )
        found = []
        for number, ((command, key), answer) in enumerate(zip(batch, answers, strict=True), 1):
            sentence = f"In a batch, as line {number}, {self._sentence(where, command, key)}"
            action = self._judge(where, command, key, answer, sentence)
            found += [] if action is None else [(where, action.id)]
        return multiple(*found)

    @rule(action=recorded, has_key=_HAS_KEY)
    def cancel(self, action: tuple[int, UUID], *, has_key: bool) -> None:
        """Cancel an action."""
        self._cancel(action, self._key(has_key))

    @rule(action=recorded, state=st.sampled_from(ENDED), has_key=_HAS_KEY)
    def finish(self, action: tuple[int, UUID], state: State, *, has_key: bool) -> None:
        """Report an action's end."""
        self._finish(action, state, self._key(has_key))

    @precondition(lambda self: self.waits())
    @rule(which=st.integers(0, 5))
    def cancel_one_that_waits(self, which: int) -> None:
        """Cancel an action that is Pending: seldom met by chance."""
        waiting = self.waits()
        self._cancel(waiting[which % len(waiting)], None)

    @precondition(lambda self: self.runs())
    @rule(which=st.integers(0, 5), state=st.sampled_from([State.SUCCESS, State.FAILED]))
    def finish_one_that_runs(self, which: int, state: State) -> None:
        """Report the end of an action that runs: others may start."""
        running = self.runs()
        self._finish(running[which % len(running)], state, None)

    @rule(target=recorded, action=recorded, has_key=_HAS_KEY)
    def retry(self, action: tuple[int, UUID], *, has_key: bool) -> Any:  # noqa: ANN401  # as above
        """Retry an action."""
        return self._retry(action, self._key(has_key))

    @precondition(lambda self: self.ended())
    @rule(target=recorded, which=st.integers(0, 5))
    def retry_one_that_ended(self, which: int) -> Any:  # noqa: ANN401  # as above
        """Retry an action that can be retried, the last ones first."""
        ended = self.ended()
        return self._retry(ended[-1 - which % len(ended)], None)

    @rule(
        action=recorded,
        texts=st.lists(st.sampled_from(["one", "two", "", " three"]), min_size=1, max_size=3),
        has_key=_HAS_KEY,
    )
    def append(self, action: tuple[int, UUID], texts: list[str], *, has_key: bool) -> None:
        """Add lines to an action's output, and read it."""
        where, uuid = action
        lines = tuple(Line(text) for text in texts)
        command = AppendOutput(id=uuid, namespace=self.namespaces[where], lines=lines)
        self._perform(where, command, self._key(has_key))
        self._check_output(where, uuid)

    @rule(where=_WHERE, parent=_URIS, child=_URIS, has_key=_HAS_KEY)
    def relate(self, where: int, parent: str, child: str, *, has_key: bool) -> None:
        """Put one object below another."""
        command = StateParent(namespace=self.namespaces[where], parent=parent, child=child, by=self.by)
        self._perform(where, command, self._key(has_key))

    @rule(where=_WHERE, parent=_URIS, child=_URIS)
    def unrelate(self, where: int, parent: str, child: str) -> None:
        """End a relationship."""
        self._unrelate(where, parent, child)

    @precondition(lambda self: self.held())
    @rule(which=st.integers(0, 5))
    def unrelate_one_that_holds(self, which: int) -> None:
        """End a relationship that holds, and look at what was related."""
        held = self.held()
        where, parent, child = held[which % len(held)]
        self._unrelate(where, parent, child)
        for uri in (parent, child):
            self._check_list(where, Question(object=uri, include_related=True))

    @precondition(lambda self: self.keyed)
    @rule(which=st.integers(0, 5), other=st.none() | recordings())
    def repeat(self, which: int, other: RecordAction | None) -> None:
        """Ask the same again under the same key, or something else: the first answer again, or a refusal."""
        before = self.keyed[-1 - which % len(self.keyed)]
        command = before.command if other is None else self._filled(before.where, other)
        self._perform(before.where, command, before.key)

    @rule(action=recorded)
    def trespass(self, action: tuple[int, UUID]) -> None:
        """What is in one namespace is not there in another."""
        where, uuid = action
        other = 1 - where
        self._perform(other, RequestCancel(id=uuid, namespace=self.namespaces[other], by=self.by), None)
        with self._asking("Reading it from another namespace"):
            one = self.driver.one(self.namespaces[other], uuid)
        if one is not None:
            name = self.story.name(uuid)
            self._fail(f"Reading {name} from another namespace shows it.", "no action", f"{one.state}")

    @rule(action=recorded)
    def read(self, action: tuple[int, UUID]) -> None:
        """One action, by itself and in the list by its id, its output and its history, are as the model has them."""
        where, uuid = action
        with self._asking(f"Reading {self.story.name(uuid)} alone"):
            one = self.driver.one(self.namespaces[where], uuid)
        if one is None:
            name = self.story.name(uuid)
            self._fail(f"Reading {name} alone finds nothing.", "the action", "nothing")
        self._compare(where, one, f"Reading {self.story.name(uuid)} alone")
        self._check_list(where, Question(ids=(uuid,)))
        self._check_list(where, Question(prefix=uuid.hex[:9]))
        self._check_output(where, uuid)
        self._check_history(where, uuid)

    @rule(where=_WHERE, question=questions())
    def look(self, where: int, question: Question) -> None:
        """Filters combine with AND, related objects are those of the naive walk, and the order is the list's."""
        self._check_list(where, question)

    @rule(where=_WHERE, question=questions(), size=st.integers(1, 3))
    def leaf_through(self, where: int, question: Question, size: int) -> None:
        """Page by page the list holds each action once, in order."""
        for offset in range(0, len(self.models[where].listed(question)) + 1, size):
            self._check_list(where, msgspec.structs.replace(question, limit=size, offset=offset))

    @invariant()
    def the_lists_are_the_models(self) -> None:
        """After each change both namespaces list what the model has."""
        if self._has_changed:
            self._has_changed = False
            for where in (0, 1):
                self._check_list(where, Question())

    def waits(self) -> list[tuple[int, UUID]]:
        """Return the actions that should be Pending."""
        return [(where, one) for where in (0, 1) for ids in self.models[where].waiting.values() for one in ids]

    def runs(self) -> list[tuple[int, UUID]]:
        """Return the actions that should be running."""
        return [(where, one) for where in (0, 1) for one, a in self.models[where].actions.items() if a.state in REPORTS]

    def ended(self) -> list[tuple[int, UUID]]:
        """Return the actions that can be retried."""
        return [(where, one) for where in (0, 1) for one, a in self.models[where].actions.items() if a.can_be_retried]

    def held(self) -> list[tuple[int, str, str]]:
        """Return the relationships that hold: where, parent and child."""
        holds = [(where, self.models[where].holds) for where in (0, 1)]
        return [(where, parent, child) for where, of in holds for child, parents in of.items() for parent in parents]

    def _filled(self, where: int, command: RecordAction) -> RecordAction:
        return msgspec.structs.replace(command, id=uuid4(), namespace=self.namespaces[where], by=self.by)

    def _key(self, has_key: bool) -> str | None:  # noqa: FBT001  # what a rule drew
        self._keys += has_key
        return f"key-{self._keys}" if has_key else None

    def _recorded(self, where: int, action: ModelAction | None) -> Any:  # noqa: ANN401  # as above
        return multiple() if action is None else (where, action.id)

    def _sentence(self, where: int, command: Command, key: str | None) -> str:
        names_action = isinstance(command, RequestCancel | Finish | Retry | AppendOutput)
        trespasses = names_action and getattr(command, "id", None) in self.models[1 - where].actions
        place = " from another namespace" if trespasses else " in another namespace"
        is_said = trespasses or (where and not names_action)
        under = "" if key is None else f", under the key {key}"
        if key is not None and any(one.key == key for one in self.keyed):
            under = f", again under the key {key}"
        return f"{self.story.asks(command)}{place if is_said else ''}{under}"

    def _cancel(self, action: tuple[int, UUID], key: str | None) -> None:
        where, uuid = action
        self._perform(where, RequestCancel(id=uuid, namespace=self.namespaces[where], by=self.by), key)

    def _finish(self, action: tuple[int, UUID], state: State, key: str | None) -> None:
        where, uuid = action
        self._perform(where, Finish(id=uuid, namespace=self.namespaces[where], by=self.by, state=state), key)

    def _retry(self, action: tuple[int, UUID], key: str | None) -> Any:  # noqa: ANN401  # as above
        where, uuid = action
        command = Retry(id=uuid, namespace=self.namespaces[where], by=self.by, retry=uuid4())
        retried = self._recorded(where, self._perform(where, command, key))
        self._check_history(where, uuid)
        return retried

    def _unrelate(self, where: int, parent: str, child: str) -> None:
        self._perform(where, EndParent(namespace=self.namespaces[where], parent=parent, child=child, by=self.by), None)

    def _perform(self, where: int, command: Command, key: str | None) -> ModelAction | None:
        sentence = self._sentence(where, command, key)
        with self._asking(sentence):
            answer = self.driver.perform(command, key)
        return self._judge(where, command, key, answer, sentence)

    def _judge(
        self, where: int, command: Command, key: str | None, answer: Answer, sentence: str
    ) -> ModelAction | None:
        """Compare an answer with the model, which then does the same; return the action that changed."""
        self.ledger.steps += 1
        told = answered(sentence, answer.words)
        before = next((one for one in self.keyed if (one.where, one.key) == (where, key)), None)
        if before is not None:
            self._judge_repeat(before, command, answer, told)
            return None
        model = self.models[where]
        verdict = model.expect(command)
        if answer.outcome is not verdict.outcome:
            word = self.driver.word(verdict.outcome)
            self._fail(f"{told}; the lifecycle says {word}, {verdict.why}.", word, answer.words)
        if verdict.outcome in _REFUSALS:
            self.story.tell(f"{told}.")
            return None
        new = isinstance(command, RecordAction | Retry)
        if new and (answer.action is None or any(answer.action.id in one.actions for one in self.models)):
            self._fail(f"{told}, with no new action.", "a new action", "none, or one that was there before")
        action = model.apply(command, None if answer.action is None else answer.action.id)
        self._has_changed = True
        if answer.action is not None and action is not None:
            self._compare(where, answer.action, told, verdict.why)
        self._check_first(command, action, answer, told)
        self.story.tell(f"{told}.")
        if new and action is not None:
            self.story.introduce(action.id)
        if key is not None:
            self.keyed.append(Asked(where, command, key, answer))
        return action

    def _judge_repeat(self, before: Asked, command: Command, answer: Answer, told: str) -> None:
        if request_of(before.command) != request_of(command):
            word = self.driver.word(Outcome.MISMATCH)
            if answer.outcome is not Outcome.MISMATCH:
                why = "since the key stands for another request"
                self._fail(f"{told}; it should be {word}, {why}.", word, answer.words)
        elif answer[:1] + answer[2:] != before.answer[:1] + before.answer[2:]:
            first = before.answer
            other = _first_difference(first.action, answer.action)
            self._fail(
                f"{told}{other}; the same key has to give the first answer again.",
                first.words,
                f"{answer.words}{other}",
            )
        self.story.tell(f"{told}.")

    def _check_first(self, command: Command, action: ModelAction | None, answer: Answer, told: str) -> None:
        if isinstance(command, AppendOutput) and action is not None:
            first = len(action.lines) - len(command.lines) + 1
            if answer.first != first:
                self._fail(
                    f"{told}, with line {answer.first} as the first; it is line {first}.", f"{first}", f"{answer.first}"
                )

    def _compare(self, where: int, shown: Seen, told: str, why: str = "") -> None:
        """Compare an action as it is shown with the model's, which learns what the log chose itself."""
        model = self.models[where]
        action = model.actions[shown.id]
        for name, label in _LABELS.items():
            value, expected = getattr(shown, name), getattr(action, name)
            if isinstance(expected, Told):
                expected = _chosen(name, value, model)
                setattr(action, name, value)
            if value != expected:
                want, have = _spelled(name, expected), _spelled(name, value)
                reason = f", {why}" if why and name == "state" else ""
                self._fail(f"{told}: its {label} is {have}; the lifecycle says {want}{reason}.", want, have)

    def _check_list(self, where: int, question: Question) -> None:
        model, place = self.models[where], " in another namespace" if where else ""
        told = f"Then the list of {asked(question, self.story)}{place} is read"
        if question.limit < Question().limit:
            told += f", {question.limit} behind the first {question.offset}"
        with self._asking(told):
            page = self.driver.page(self.namespaces[where], question)
        everything = model.listed(question)
        expected = everything[question.offset : question.offset + question.limit]
        found, right = [one.id for one in page.actions], [one.id for one in expected]
        self._check_ids(where, found, right, told)
        if page.total != len(everything):
            self._fail(
                f"{told}: its total is {page.total}; there are {len(everything)}.",
                f"{len(everything)}",
                f"{page.total}",
            )
        has_more = question.offset + question.limit < len(everything)
        if page.has_more != has_more:
            want, have = (f"{'' if more else 'no '}further page" for more in (has_more, page.has_more))
            self._fail(f"{told}: it tells of {have}; there is {want}.", want, have)
        for one in page.actions:
            self._compare(where, one, f"{told}. It shows {self.story.name(one.id)}")
        if found != right:
            orders = [", ".join(self.story.number(uuid) for uuid in ids) for ids in (right, found)]
            self._fail(f"{told}: its order is wrong.", f"the actions of steps {orders[0]}", orders[1])

    def _check_ids(self, where: int, found: list[UUID], expected: list[UUID], told: str) -> None:
        """Each that belongs there is there once, in whatever order."""
        name, counts = self.story.name, f"{len(found)}"
        for uuid in found:
            if uuid in self.models[1 - where].actions:
                self._fail(f"{told}: it shows {name(uuid)}, which is in another namespace.", f"{len(expected)}", counts)
        for uuid in dict.fromkeys(found + expected):
            times = found.count(uuid)
            if times != expected.count(uuid):
                how = {0: f"lacks {name(uuid)}", 1: f"shows {name(uuid)}, which does not belong there"}
                what = how.get(times, f"shows {name(uuid)} {times} times")
                self._fail(f"{told}: it {what}.", f"{len(expected)} of them", f"{counts} of them")

    def _check_output(self, where: int, uuid: UUID) -> None:
        name = self.story.name(uuid)
        told = f"Then {'its output' if name == 'it' else f'the output of {name}'} is read"
        with self._asking(told):
            lines = list(self.driver.output(self.namespaces[where], uuid))
        expected = self.models[where].actions[uuid].lines
        if lines != expected:
            self._fail(f"{told}: it is not what was appended.", f"{expected}", f"{lines}")

    def _check_history(self, where: int, uuid: UUID) -> None:
        with self._asking("Then its history is read"):
            history = self.driver.history(self.namespaces[where], uuid)
        expected = self.models[where].actions[uuid].history
        if history is not None and list(history) != expected:
            told = f"Then the history of {self.story.name(uuid)} is read: it is not what happened."
            self._fail(told, ", ".join(expected), ", ".join(history))

    def _fail(self, sentence: str, expected: str, seen: str, because: Exception | None = None) -> NoReturn:
        """End the story. The only place that does: what is raised elsewhere Hypothesis would take for another fault."""
        broken = self.story.broken(sentence, expected, seen)
        self.ledger.note(broken)
        raise broken from because

    @contextmanager
    def _asking(self, sentence: str) -> Iterator[None]:
        """Make an error of the driver the end of a story."""
        try:
            yield
        except CutOff:
            self.ledger.cut_off += 1
            reject()
        except NoAnswer as error:
            self.ledger.no_answer = error
            raise
        except Exception as error:  # noqa: BLE001  # whatever it is, the log did not answer: that is told
            failed = f"{type(error).__name__}: {error}"
            self._fail(f"{sentence} failed with {failed}.", "an answer", failed, error)


#: What is compared of an action, the most telling first.
_LABELS = {
    "state": "state",
    "retry_of": "retry_of",
    "object": "object",
    "parents": "list of objects above",
    "can_be_canceled": "can_be_canceled",
    "can_be_retried": "can_be_retried",
    "user": "user",
    "action": "action",
    "method": "method",
    "path": "path",
    "ip": "ip",
    "is_user_action": "is_user_action",
    "body": "body",
    "created": "date of the call",
    "start": "start",
    "end": "end",
}
_DATES = ("created", "start", "end")


def _chosen(name: str, value: object, model: Model) -> object:
    """Return what may stand where the log chooses: a date not before the latest one, anything else."""
    if name not in _DATES:
        return value
    if not isinstance(value, int) or value < model.latest:
        return model.latest
    model.latest = value
    return value


def _spelled(name: str, value: object) -> str:
    if name in _DATES and isinstance(value, int):
        return date(value)
    if isinstance(value, tuple):
        return ", ".join(value) or "empty"
    return {"None": "null", "True": "true", "False": "false"}.get(f"{value}", f"{value}")


def _first_difference(first: Seen | None, second: Seen | None) -> str:
    for name in Seen.__struct_fields__:
        one, two = getattr(first, name, None), getattr(second, name, None)
        if one != two:
            return f", with {name} {_spelled(name, two)} and not {_spelled(name, one)}"
    return ""
