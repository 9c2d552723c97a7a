"""What the tests of the queries share."""

import pytest

from deedbook.projections import drivers, ends, search, selection, totals


@pytest.fixture(params=["a few", "many values", "very many"])
def many(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few actions, as they are read; and the same read as very many would be, by one way or another."""
    if request.param == "many values":
        monkeypatch.setattr(drivers, "MERGED", 1)
        monkeypatch.setattr(drivers, "JOINED", 1)
    if request.param == "very many":
        monkeypatch.setattr(drivers, "MERGED", 1)
        monkeypatch.setattr(drivers, "JOINED", 2)
        monkeypatch.setattr(ends, "RANKED", 0)
        monkeypatch.setattr(drivers, "SORTED", 1)
        monkeypatch.setattr(selection, "MERGED", 1)
        monkeypatch.setattr(selection, "SORTED", 1)
        monkeypatch.setattr(drivers, "LISTED_BELOW", 1)
        monkeypatch.setattr(search, "LISTED", 1)
        monkeypatch.setattr(totals, "THROUGH_INDEX", 3)
        monkeypatch.setattr(totals, "IN_A_ROW", 5)
