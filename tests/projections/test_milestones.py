"""Totals of the past: however they are counted, they are what counting one by one gives."""

import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deedbook.domain.events import ActionEnded, ActionRecorded, ActionStarted, Caller, Event
from deedbook.domain.lifecycle import State
from deedbook.domain.log import Happened
from deedbook.projections import milestones
from deedbook.projections.terms import FIELDS
from deedbook.projections.view import Views
from tests.support.shared import shared

BY = Caller("ann")


@pytest.fixture
def close(monkeypatch: pytest.MonkeyPatch) -> None:
    """Milestones so close that each total meets some, and that no term has few actions."""
    monkeypatch.setattr(milestones, "EVERY", 4)
    monkeypatch.setattr(milestones, "GROWN", 2)
    monkeypatch.setattr(milestones, "FEW", 0)


def history(rng: random.Random, length: int) -> Iterator[tuple[UUID, Event]]:
    """Return events of actions of few users, some of which wait; their dates stand in no order."""
    waiting: list[UUID] = []
    while length:
        length -= 1
        at = rng.randrange(30)
        if waiting and rng.random() < 0.4:
            action = waiting.pop(rng.randrange(len(waiting)))
            yield (
                action,
                ActionStarted(at=at, by=BY) if rng.random() < 0.7 else ActionEnded(at=at, by=BY, state=State.CANCELED),
            )
            continue
        action = UUID(int=rng.getrandbits(128), version=4)
        state = rng.choice([State.PENDING, State.SUCCESS, State.FAILED])
        if state is State.PENDING:
            waiting.append(action)
        # One user does nearly everything, so that some terms are dense and some are not.
        user = "ann" if rng.random() < 0.8 else rng.choice(["bob", "eve"])
        yield action, ActionRecorded(
            at=at, created=at, start=None if state is State.PENDING else at, end=None, state=state, by=BY, user=user,
            namespace=rng.choice(["acme", "acme", "other"]), action="Scale", method="POST", path="/", object="/a/",
        )  # fmt: skip


@pytest.mark.usefixtures("close")
@shared(150)
@given(seed=st.integers(0, 2**32), length=st.integers(1, 60))
def test_totals_of_any_moment_are_what_was_recorded_by_then(seed: int, length: int) -> None:
    """Of each term of each field, at each position: what no event moves, and the states that nothing leads out of."""
    happened = [
        Happened(position, action, 1, position, event, bytes(32))
        for position, (action, event) in enumerate(history(random.Random(seed), length), 1)
    ]
    with tempfile.TemporaryDirectory() as name:
        views = Views(Path(name) / "views.db")
        views.apply(happened)
        db = views.db
        for field in FIELDS:
            terms = list(db.execute("SELECT id, value, total FROM terms WHERE field = ?", (field,)))
            final = {State.CANCELED, State.SUCCESS, State.FAILED}
            for term, value, total in terms:
                if field == "state" and value not in final:
                    continue
                at = "changed" if field == "state" else "id"
                came = [row[0] for row in db.execute(f"SELECT {at} FROM actions WHERE {field} = ?", (term,))]  # noqa: S608  # of ours
                for moment in range(length + 1):
                    counted = (
                        milestones.ended_at(db, term, total, moment)
                        if field == "state"
                        else milestones.total_at(db, field, term, total, moment)
                    )
                    assert counted == sum(position <= moment for position in came), (field, value, moment)
        views.close()
