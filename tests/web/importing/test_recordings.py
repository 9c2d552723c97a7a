"""Recordings of real systems, which may not be copied into the project: skipped where they are not at hand."""

import gzip
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from deedbook.domain.commands import ImportAction
from deedbook.domain.lifecycle import State
from deedbook.web.importing import Item, Unreadable, read
from tests.web.importing.logs import BY, actions, reading, relations, unreadable

CHECKOUT = Path(__file__).parents[3]
RECORDINGS = Path(os.environ.get("DEEDBOOK_SHARED") or CHECKOUT.parent / "shared") / "data"

pytestmark = pytest.mark.skipif(
    not RECORDINGS.is_dir(), reason=f"no recordings at {RECORDINGS}; DEEDBOOK_SHARED names the folder that holds data/"
)

CLOUDTRAIL = RECORDINGS / "cloudtrail"
KUBERNETES = RECORDINGS / "kubernetes"


def found_in(*paths: Path) -> list[Item | Unreadable]:
    """All that reading these files gives."""
    return [one for path in paths for one in read(path, namespace="harbor", by=BY)]


def actions_in(*paths: Path) -> list[ImportAction]:
    """The actions in these files, none of which holds anything unreadable."""
    found = found_in(*paths)
    assert not unreadable(found)
    return actions(found)


def count(ones: list[ImportAction], holds: Callable[[ImportAction], bool]) -> int:
    """How many of some actions something holds for."""
    return sum(map(holds, ones))


def failed(action: ImportAction) -> bool:
    """Whether an action failed."""
    return action.state is State.FAILED


def test_an_hour_of_an_account() -> None:
    """The delivery files of one account, plain and compressed, give the figures that are known of them."""
    ones = actions_in(*sorted(CLOUDTRAIL.glob("account-*")))
    assert len(ones) == len({action.id for action in ones}) == 1448
    assert count(ones, failed) == 168
    assert count(ones, lambda action: action.is_user_action) == 1205
    assert count(ones, lambda action: action.ip is None) == 243
    assert count(ones, lambda action: action.object == "") == 593
    assert count(ones, lambda action: action.body is None) == 129


def test_attacks() -> None:
    """Records one a line, with scrambled addresses, give the figures that are known of them."""
    ones = actions_in(CLOUDTRAIL / "attacks.ndjson")
    assert len(ones) == len({action.id for action in ones}) == 142
    assert count(ones, failed) == 34
    assert count(ones, lambda action: action.ip is None) == 79


def test_looked_up_events() -> None:
    """Events that were looked up are the records in their strings, with the records' dates."""
    ones = actions_in(CLOUDTRAIL / "lookup-events.jsonl")
    assert len(ones) == 6
    assert ones[0].action == "DescribeInstances"
    assert ones[0].start == 1_644_272_617_000_000


@pytest.mark.parametrize(
    ("name", "total", "failures", "users", "still_open"),
    [
        ("cluster-a.jsonl.gz", 1111, 29, 18, 48),
        ("cluster-b.jsonl", 70, 5, 23, 1),
        ("cluster-2017.jsonl", 37, 11, 37, 0),
    ],
)
def test_clusters(name: str, total: int, failures: int, users: int, still_open: int) -> None:
    """The audit logs of three clusters give the figures that are known of them."""
    ones = actions_in(KUBERNETES / name)
    assert len(ones) == len({action.id for action in ones}) == total
    assert count(ones, failed) == failures
    assert count(ones, lambda action: action.is_user_action) == users
    assert count(ones, lambda action: action.state is State.IN_PROGRESS) == still_open
    assert {action.parents[-1] for action in ones} == {f"/cluster/{name.partition('.')[0]}/"}


def test_names_of_what_clusters_do() -> None:
    """Actions are named by verb and resource with its subresource, or by verb and path."""
    names = Counter(action.action for action in actions_in(KUBERNETES / "cluster-b.jsonl"))
    assert names["create pods/binding"] == 2
    assert names["get /readyz"] == 8


def test_relationships_hold_no_cycle() -> None:
    """Every relationship in the recordings leads up to an account or a cluster."""
    for path in sorted(RECORDINGS.glob("*/*")):
        above = dict(relations(found_in(path)))
        for uri in above:
            top, steps = uri, 0
            while top in above:
                top, steps = above[top], steps + 1
            assert steps <= 3
            assert top.startswith(("/aws/account/", "/cluster/"))


def test_cut_recordings() -> None:
    """Every recording can be cut anywhere: what comes before is read, and at most one place is reported."""
    for path in (CLOUDTRAIL / "attacks.ndjson", CLOUDTRAIL / "account-02.json", CLOUDTRAIL / "account-01.json.gz"):
        content = path.read_bytes()
        whole = gzip.decompress(content) if path.suffix == ".gz" else content
        items = reading(whole)
        for part in range(1, 20):
            found = reading(whole[: len(whole) * part // 20])
            good = [one for one in found if isinstance(one, Item)]
            assert good == items[: len(good)]
            assert len(found) - len(good) <= 1
            assert len(good) >= len(items) * (part - 5) // 20
