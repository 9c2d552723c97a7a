"""What a log shows, read in every way that there is, and compared with what the model has."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn
from uuid import UUID

from deedbook.domain.testing.driver import CutOff, Driver, Question, Seen
from deedbook.domain.testing.model import Model, Told
from deedbook.domain.testing.story import Story, asked, date


class Looking:
    """The reading half of a duel between a log and its model, in two namespaces, 0 and 1; raises `Broken`."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.story = Story()
        self.namespaces = driver.fresh()
        self.models = (Model(driver.user), Model(driver.user))

    def compare(self, where: int, shown: Seen, told: str, why: str = "") -> None:
        """Compare an action as it is shown with the model's, which learns what the log chose itself."""
        model = self.models[where]
        action = model.actions[shown.id]
        for name, label in _LABELS.items():
            value, expected = getattr(shown, name), getattr(action, name)
            if isinstance(expected, Told):
                expected = _chosen(name, value, model)
                setattr(action, name, value)
            if value != expected:
                want, have = spelled(name, expected), spelled(name, value)
                reason = f", {why}" if why and name == "state" else ""
                self.fail(f"{told}: its {label} is {have}; the lifecycle says {want}{reason}.", want, have)

    def check_list(self, where: int, question: Question) -> None:
        """Ask the list, and compare all that it answers."""
        model, place = self.models[where], " in another namespace" if where else ""
        told = f"Then the list of {asked(question, self.story)}{place} is read"
        if question.limit < Question().limit:
            told += f", {question.limit} behind the first {question.offset}"
        with self.asking(told):
            page = self.driver.page(self.namespaces[where], question)
        everything = model.listed(question)
        expected = everything[question.offset : question.offset + question.limit]
        found, right = [one.id for one in page.actions], [one.id for one in expected]
        self._check_ids(where, found, right, told)
        if page.total != len(everything):
            self.fail(
                f"{told}: its total is {page.total}; there are {len(everything)}.",
                f"{len(everything)}",
                f"{page.total}",
            )
        has_more = question.offset + question.limit < len(everything)
        if page.has_more != has_more:
            want, have = (f"{'' if more else 'no '}further page" for more in (has_more, page.has_more))
            self.fail(f"{told}: it tells of {have}; there is {want}.", want, have)
        for one in page.actions:
            self.compare(where, one, f"{told}. It shows {self.story.name(one.id)}")
        if found != right:
            orders = [", ".join(self.story.number(uuid) for uuid in ids) for ids in (right, found)]
            self.fail(f"{told}: its order is wrong.", f"the actions of steps {orders[0]}", orders[1])

    def _check_ids(self, where: int, found: list[UUID], expected: list[UUID], told: str) -> None:
        """Each that belongs there is there once, in whatever order."""
        name, counts = self.story.name, f"{len(found)}"
        for uuid in found:
            if uuid in self.models[1 - where].actions:
                self.fail(f"{told}: it shows {name(uuid)}, which is in another namespace.", f"{len(expected)}", counts)
        for uuid in dict.fromkeys(found + expected):
            times = found.count(uuid)
            if times != expected.count(uuid):
                how = {0: f"lacks {name(uuid)}", 1: f"shows {name(uuid)}, which does not belong there"}
                what = how.get(times, f"shows {name(uuid)} {times} times")
                self.fail(f"{told}: it {what}.", f"{len(expected)} of them", f"{counts} of them")

    def check_output(self, where: int, uuid: UUID) -> None:
        """Read an action's output, and compare it."""
        name = self.story.name(uuid)
        told = f"Then {'its output' if name == 'it' else f'the output of {name}'} is read"
        with self.asking(told):
            lines = list(self.driver.output(self.namespaces[where], uuid))
        expected = self.models[where].actions[uuid].lines
        if lines != expected:
            self.fail(f"{told}: it is not what was appended.", f"{expected}", f"{lines}")

    def check_history(self, where: int, uuid: UUID) -> None:
        """Read what happened to an action, and compare it, where the driver tells."""
        with self.asking("Then its history is read"):
            history = self.driver.history(self.namespaces[where], uuid)
        expected = self.models[where].actions[uuid].history
        if history is not None and list(history) != expected:
            told = f"Then the history of {self.story.name(uuid)} is read: it is not what happened."
            self.fail(told, ", ".join(expected), ", ".join(history))

    def check_one(self, where: int, uuid: UUID) -> None:
        """Read an action by itself, and compare it."""
        told = f"Reading {self.story.name(uuid)} alone"
        with self.asking(told):
            one = self.driver.one(self.namespaces[where], uuid)
        if one is None or one.id != uuid:
            self.fail(f"{told} finds {'nothing' if one is None else 'another'}.", "the action", "nothing, or another")
        self.compare(where, one, told)

    def check_hidden(self, where: int, uuid: UUID) -> None:
        """Make sure that an action can't be read from a namespace that it is not in."""
        told = f"Reading {self.story.name(uuid)} from another namespace"
        with self.asking(told):
            one = self.driver.one(self.namespaces[where], uuid)
        if one is not None:
            self.fail(f"{told} shows it.", "no action", f"{one.state}")

    def fail(self, sentence: str, expected: str, seen: str, because: Exception | None = None) -> NoReturn:
        """End the story. The only place that does: what is raised elsewhere Hypothesis would take for another fault."""
        raise self.story.broken(sentence, expected, seen) from because

    @contextmanager
    def asking(self, sentence: str) -> Iterator[None]:
        """Make an error of the driver the end of a story."""
        try:
            yield
        except CutOff:
            raise
        except Exception as error:  # noqa: BLE001  # whatever it is, the log did not answer: that is told
            failed = f"{type(error).__name__}: {error}"
            self.fail(f"{sentence} failed with {failed}.", "an answer", failed, error)


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


def spelled(name: str, value: object) -> str:
    """Return the value of a field as a reader has it."""
    if name in _DATES and isinstance(value, int):
        return date(value)
    if isinstance(value, tuple):
        return ", ".join(value) or "empty"
    return {"None": "null", "True": "true", "False": "false"}.get(f"{value}", f"{value}")


def first_difference(first: Seen | None, second: Seen | None) -> str:
    """Return what is different in the second of two actions, as the end of a sentence."""
    for name in Seen.__struct_fields__:
        one, two = getattr(first, name, None), getattr(second, name, None)
        if one != two:
            return f", with {name} {spelled(name, two)} and not {spelled(name, one)}"
    return ""
