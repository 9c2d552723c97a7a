"""The sample log in data/ shows what there is to see."""

from pathlib import Path

from deedbook.domain.lifecycle import State
from deedbook.web.importing import read
from tests.web.importing.logs import BY, actions, appended, relations, unreadable

SAMPLE = Path(__file__).parents[3] / "data" / "sample.ndjson"


def test_sample() -> None:
    """The sample is read whole, and has every state, a retry, cancellations, output, and every kind of object."""
    found = list(read(SAMPLE, namespace="harbor", by=BY))
    assert not unreadable(found)
    ones = actions(found)
    by_id = {action.id: action for action in ones}
    assert {action.state for action in ones} == {*State}
    assert all(action.id.version == 4 for action in ones)
    retries = [action for action in ones if action.retry_of is not None]
    assert retries
    for action in retries:
        assert action.retry_of is not None
        assert by_id[action.retry_of].object == action.object
    assert {action.start is None for action in ones if action.state is State.CANCELED} == {True, False}
    assert sum(bool(action.lines) for action in ones) >= 3
    assert {by_id[append.id].state for append in appended(found)} == {State.IN_PROGRESS, State.CANCELING}
    kinds = {uri.split("/")[4] for pair in relations(found) for uri in pair}
    assert kinds == {"stack", "service", "container", "node", "nodecluster"}


def test_relationships_come_first() -> None:
    """What is above an object of the sample was stated before its first action, and the action says the same."""
    found = list(read(SAMPLE, namespace="harbor", by=BY))
    above = dict(relations(found))
    assert [one.line for one in found][: len(above)] == [*range(1, len(above) + 1)]
    for action in actions(found):
        chain = []
        uri = action.object
        while uri in above:
            uri = above[uri]
            chain.append(uri)
        assert action.parents == tuple(chain)


def test_order_and_day() -> None:
    """The sample is one day of 2026, oldest first."""
    ones = actions(read(SAMPLE, namespace="harbor", by=BY))
    dates = [action.created if action.start is None else action.start for action in ones]
    assert dates == sorted(dates)
    assert {date // 86_400_000_000 for date in dates} == {20_648}
