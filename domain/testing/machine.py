"""Acts in any order, done to an audit log and its model: what Hypothesis chooses, `duel.py` does and compares."""

from typing import Any, ClassVar

from hypothesis import reject
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, multiple, precondition, rule

from deedbook.domain.commands import RecordAction
from deedbook.domain.lifecycle import State
from deedbook.domain.testing.choosing import HAS_KEY, URIS, WHERE, questions, queues, recordings
from deedbook.domain.testing.driver import CutOff, Driver, NoAnswer, Question
from deedbook.domain.testing.duel import Act, Duel, Ref
from deedbook.domain.testing.model import ENDED
from deedbook.domain.testing.story import Broken

_WHICH = st.integers(0, 5)
_TEXTS = st.lists(st.sampled_from(["one", "two", "", " three"]), min_size=1, max_size=3)


class Ledger:
    """What a machine has seen: how much was tried, and how the first story that failed went."""

    def __init__(self) -> None:
        self.stories = 0
        self.steps = 0
        self.cut_off = 0
        self.acts: list[Act] = []
        self.failed: Broken | None = None
        #: Why nothing more could be asked; Hypothesis may have something of its own to say instead.
        self.no_answer: NoAnswer | None = None


class AuditLogMachine(RuleBasedStateMachine):
    """Drives an audit log and the model: `driven_by` says which log.

    Raises `Broken`, whose text is the story, as soon as an answer or a list is not what the model says.
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
        self.ledger.stories += 1
        self.duel = Duel(self.driver)
        self._acts = 0

    @rule(target=recorded, where=WHERE, call=recordings(), has_key=HAS_KEY)
    def record(self, where: int, call: RecordAction, *, has_key: bool) -> Any:  # noqa: ANN401  # Hypothesis's multiple
        """Record an action."""
        return self._do("record", where=where, call=call, key=self._key(has_key))

    @rule(target=recorded, where=WHERE, calls=st.lists(recordings(), min_size=2, max_size=3), has_key=HAS_KEY)
    def record_batch(self, where: int, calls: list[RecordAction], *, has_key: bool) -> Any:  # noqa: ANN401  # as above
        """Record a batch of actions."""
        key = self._key(has_key)
        lines = [(call, key and f"{key}.{number}") for number, call in enumerate(calls, 1)]
        return self._do("record_batch", where=where, lines=lines)

    @rule(target=recorded, where=WHERE, queue=queues())
    def record_queue(self, where: int, queue: list[RecordAction]) -> Any:  # noqa: ANN401  # as above
        """Record an action that runs, and some that wait behind it."""
        return self._do("record_batch", where=where, lines=[(call, None) for call in queue])

    @rule(ref=recorded, has_key=HAS_KEY)
    def cancel(self, ref: Ref, *, has_key: bool) -> None:
        """Cancel an action."""
        self._do("cancel", ref=ref, key=self._key(has_key))

    @precondition(lambda self: self.duel.waiting())
    @rule(which=_WHICH)
    def cancel_one_that_waits(self, which: int) -> None:
        """Cancel an action that is Pending: seldom met by chance."""
        self._do("cancel", ref=_pick(self.duel.waiting(), which), key=None)

    @rule(ref=recorded, state=st.sampled_from(ENDED), has_key=HAS_KEY)
    def finish(self, ref: Ref, state: State, *, has_key: bool) -> None:
        """Report an action's end."""
        self._do("finish", ref=ref, state=state, key=self._key(has_key))

    @precondition(lambda self: self.duel.running())
    @rule(which=_WHICH, state=st.sampled_from([State.SUCCESS, State.FAILED]))
    def finish_one_that_runs(self, which: int, state: State) -> None:
        """Report the end of an action that runs: others may start."""
        self._do("finish", ref=_pick(self.duel.running(), which), state=state, key=None)

    @rule(target=recorded, ref=recorded, has_key=HAS_KEY)
    def retry(self, ref: Ref, *, has_key: bool) -> Any:  # noqa: ANN401  # as above
        """Retry an action."""
        return self._do("retry", ref=ref, key=self._key(has_key))

    @precondition(lambda self: self.duel.retriable())
    @rule(target=recorded, which=_WHICH)
    def retry_one_that_ended(self, which: int) -> Any:  # noqa: ANN401  # as above
        """Retry an action that can be retried."""
        return self._do("retry", ref=_pick(self.duel.retriable(), which), key=None)

    @rule(ref=recorded, texts=_TEXTS, has_key=HAS_KEY)
    def append(self, ref: Ref, texts: list[str], *, has_key: bool) -> None:
        """Add lines to an action's output."""
        self._do("append", ref=ref, texts=texts, key=self._key(has_key))

    @rule(where=WHERE, parent=URIS, child=URIS, has_key=HAS_KEY)
    def relate(self, where: int, parent: str, child: str, *, has_key: bool) -> None:
        """Put one object below another."""
        self._do("relate", where=where, parent=parent, child=child, key=self._key(has_key))

    @rule(where=WHERE, parent=URIS, child=URIS)
    def unrelate(self, where: int, parent: str, child: str) -> None:
        """End a relationship."""
        self._do("unrelate", where=where, parent=parent, child=child)

    @precondition(lambda self: self.duel.holding())
    @rule(which=_WHICH)
    def unrelate_one_that_holds(self, which: int) -> None:
        """End a relationship that holds."""
        where, parent, child = _pick(self.duel.holding(), which)
        self._do("unrelate", where=where, parent=parent, child=child)

    @precondition(lambda self: self.duel.keyed)
    @rule(which=_WHICH, other=st.none() | recordings())
    def repeat(self, which: int, other: RecordAction | None) -> None:
        """Ask the same again under the same key, or something else: the first answer again, or a refusal."""
        self._do("repeat", key=_pick(self.duel.keyed, which).key, other=other)

    @rule(ref=recorded)
    def trespass(self, ref: Ref) -> None:
        """What is in one namespace is not there in another."""
        self._do("trespass", ref=ref)

    @rule(ref=recorded)
    def read(self, ref: Ref) -> None:
        """One action, by itself and in the list by its id, its output and its history, are as the model has them."""
        self._do("read", ref=ref)

    @rule(where=WHERE, question=questions())
    def look(self, where: int, question: Question) -> None:
        """Filters combine with AND, related objects are those of the naive walk, and the order is the list's."""
        self._do("look", where=where, question=question)

    @rule(where=WHERE, question=questions(), size=st.integers(1, 3))
    def leaf_through(self, where: int, question: Question, size: int) -> None:
        """Page by page the list holds each action once, in order."""
        self._do("leaf_through", where=where, question=question, size=size)

    def _key(self, has_key: bool) -> str | None:  # noqa: FBT001  # what a rule drew
        return f"key-{self._acts + 1}" if has_key else None

    def _do(self, name: str, **given: Any) -> Any:  # noqa: ANN401  # what the act is given; Hypothesis's multiple
        self._acts += 1
        before = self.duel.steps
        try:
            return multiple(*self.duel.do(Act(self._acts, name, given)))
        except CutOff:
            self.ledger.cut_off += 1
            reject()
        except NoAnswer as error:
            self.ledger.no_answer = error
            raise
        except Broken as broken:
            if self.ledger.failed is None:
                self.ledger.failed, self.ledger.acts = broken, list(self.duel.acts)
            raise
        finally:
            self.ledger.steps += self.duel.steps - before


def _pick(among: list[Any], which: int) -> Any:  # noqa: ANN401  # one of these, from the newest on
    return among[-1 - which % len(among)]
