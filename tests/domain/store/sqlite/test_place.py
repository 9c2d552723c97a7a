"""Which file a URL names: the one that it says, whatever its path, and never another one instead."""

from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deedbook.domain.errors import StoreUnusable
from deedbook.domain.store.sqlite.place import path_of


@given(path=st.text(min_size=1))
def test_every_path_can_be_written_as_a_url(path: str) -> None:
    """With all that is special in it as %XX, a path comes back as it is."""
    assert path_of(f"sqlite:///{quote(path)}") == Path(path)


@pytest.mark.parametrize("where", ["/srv/audit#1/log.db", "/srv/what?/log.db", "log.db?mode=ro", "log.db#", "log.db?"])
def test_a_path_is_never_cut(where: str) -> None:
    """Where a URL would end its path, and the file that is left be another one, it is said how that is written."""
    with pytest.raises(StoreUnusable) as caught:
        path_of(f"sqlite:///{where}")
    assert str(caught.value).startswith("DEEDBOOK_URL ")
    assert "? as %3F" in str(caught.value)
    assert "# as %23" in str(caught.value)
