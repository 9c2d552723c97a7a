"""The leaf of an event: RFC 6962's hash over the whole row, so that a change of any part of it shows."""

from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deedbook.domain.store.leaf import leaf, leaf_of_row

NUMBERS = st.integers(0, 2**63 - 1)


class Row(NamedTuple):
    """What a leaf is made of."""

    position: int
    aggregate: UUID
    version: int
    topic: str
    recorded: int
    state: bytes


ROWS = st.builds(Row, NUMBERS, st.uuids(), NUMBERS, st.text(max_size=20), NUMBERS, st.binary(max_size=50))


def naive(row: Row) -> bytes:
    """Return the leaf as the design says it in words: each part behind its length."""
    numbers = {name: value.to_bytes(8, "big") for name, value in row._asdict().items() if isinstance(value, int)}
    parts = (
        numbers["position"], row.aggregate.bytes, numbers["version"], row.topic.encode(), numbers["recorded"], row.state
    )  # fmt: skip
    return sha256(b"\x00" + b"".join(len(part).to_bytes(4, "big") + part for part in parts)).digest()


@given(row=ROWS)
def test_a_leaf_is_what_the_design_says(row: Row) -> None:
    """SHA-256 of a zero byte and all parts of the row, each behind its length in four bytes."""
    assert leaf(*row) == naive(row)


@given(one=ROWS, another=ROWS, which=st.sampled_from(Row._fields))
def test_a_change_of_any_part_shows(one: Row, another: Row, which: str) -> None:
    """Rows that differ in any part have different leaves."""
    changed = one._replace(**{which: getattr(another, which)})
    assert (leaf(*one) == leaf(*changed)) == (one == changed)


@given(row=ROWS, aggregate=st.binary(max_size=40))
def test_a_row_as_it_is_stored_has_the_same_leaf(row: Row, aggregate: bytes) -> None:
    """And one whose aggregate has not the 16 bytes of an id has none, rather than that of another."""
    assert leaf_of_row(*row._replace(aggregate=row.aggregate.bytes)) == leaf(*row)  # type: ignore[arg-type]
    if len(aggregate) != 16:
        with pytest.raises(ValueError, match="16 bytes"):
            leaf_of_row(row.position, aggregate, *row[2:])


def test_a_leaf_never_changes() -> None:
    """The leaf of one known row, worked out once: stores that are out there hold such leaves."""
    row = Row(
        1, UUID("a3bb189e-8bf9-4888-9912-ace4e6543002"), 2, "action.started/1", 1_433_779_324_000_000, b'{"at":1}'
    )
    assert leaf(*row).hex() == "7bde01562e01e833e6bd717f9c150c4d103dbb99e9a84ec7203a0bd53eddc6db"
