"""The smallest story: acts of one that fails are left out or made plainer, as long as it goes on to fail.

Hypothesis shrinks what was chosen; that is general, and takes hundreds of stories. This knows what acts are: tens do.
"""

from collections.abc import Iterator, Sequence

from deedbook.domain.commands import RecordAction
from deedbook.domain.testing.choosing import plain
from deedbook.domain.testing.driver import CutOff, Driver, NoAnswer, Question
from deedbook.domain.testing.duel import Act, Duel, NotThere
from deedbook.domain.testing.story import Broken


def smallest(driver: Driver, acts: Sequence[Act], broken: Broken, tries: int) -> tuple[Broken, bool]:
    """Return the smallest story found, and whether it failed when it was told again; at most `tries` are told.

    Where no act can be left out, and none made plainer, it is the smallest. A log that goes away ends the search.
    """
    best, is_certain = broken, False
    try:
        again = told(driver, acts)
        if again is None:
            return broken, False
        best, is_certain = again, True
        while tries > 0:
            for candidate in _smaller(acts):
                tries -= 1
                found = told(driver, candidate)
                if found is not None:
                    acts, best = candidate, found
                    break
                if tries <= 0:
                    break
            else:
                break
    except NoAnswer:
        # What was found before is true all the same.
        return best, is_certain
    return best, is_certain


def told(driver: Driver, acts: Sequence[Act]) -> Broken | None:
    """Do acts in fresh namespaces, but for those about what is not there; return how that fails, None if it holds."""
    duel = Duel(driver)
    for act in acts:
        try:
            duel.do(act)
        except NotThere:
            continue
        except CutOff:
            return None
        except Broken as broken:
            return broken
    return None


def _smaller(acts: Sequence[Act]) -> Iterator[list[Act]]:
    """Return what might fail as well: many acts left out, then fewer, then each made plainer."""
    size = len(acts) // 2
    while size:
        for begin in reversed(range(0, len(acts), size)):
            yield [*acts[:begin], *acts[begin + size :]]
        size //= 2
    for place, act in enumerate(acts):
        for plainer in _plainer(act):
            yield [*acts[:place], plainer, *acts[place + 1 :]]


def _plainer(act: Act) -> Iterator[Act]:
    given = act.given
    if given.get("key") and act.name != "repeat":
        yield act._replace(given={**given, "key": None})
    if given.get("where"):
        yield act._replace(given={**given, "where": 0})
    if act.name == "record":
        for call in _plainer_calls(given["call"]):
            yield act._replace(given={**given, "call": call})
    if act.name == "record_batch":
        yield from _plainer_batches(act)
    if act.name == "append":
        yield from (act._replace(given={**given, "texts": texts}) for texts in _without_one(given["texts"]))
    if isinstance(given.get("question"), Question) and given["question"] != Question():
        yield act._replace(given={**given, "question": Question()})


def _plainer_batches(act: Act) -> Iterator[Act]:
    """Return a batch with fewer or plainer lines; a line of one that is left out keeps its place, for what names it."""
    where, lines = act.given["where"], act.given["lines"]
    for kept in _without_one(lines):
        yield act._replace(given={"where": where, "lines": kept})
    if len(lines) == 1:
        yield Act(act.number, "record", {"where": where, "call": lines[0][0], "key": lines[0][1]})
    for place, (call, key) in enumerate(lines):
        calls = [(plainer, key) for plainer in _plainer_calls(call)] + ([(call, None)] if key else [])
        for line in calls:
            yield act._replace(given={"where": where, "lines": [*lines[:place], line, *lines[place + 1 :]]})


def _plainer_calls(call: RecordAction) -> Iterator[RecordAction]:
    plainest = plain(call.state, call.object)
    if call != plainest:
        yield plainest
        for name in call.__struct_fields__:
            if getattr(call, name) != getattr(plainest, name):
                yield _with(call, name, plainest)


def _with(call: RecordAction, name: str, other: RecordAction) -> RecordAction:
    fields = {one: getattr(other if one == name else call, one) for one in call.__struct_fields__}
    return RecordAction(**fields)


def _without_one(items: Sequence[object]) -> Iterator[list[object]]:
    if len(items) > 1:
        for place in range(len(items)):
            yield [*items[:place], *items[place + 1 :]]
