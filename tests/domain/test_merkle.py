"""The Merkle tree of the log: RFC 6962's definition, however the leaves come."""

from collections.abc import Sequence
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deedbook.domain.merkle import Frontier, TreeHead, grow

#: The inputs of Certificate Transparency's reference tests (certificate-transparency-go, merkle_tree_test), as hex.
INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]

#: The root over the first one, two, … of them; and before, over none.
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]

LEAVES = st.lists(st.binary(min_size=32, max_size=32), max_size=70)


def naive(leaves: Sequence[bytes]) -> bytes:
    """Return the root as the RFC defines it, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + naive(leaves[:k]) + naive(leaves[k:])).digest()


@pytest.mark.parametrize("size", range(len(ROOTS)))
def test_the_roots_are_those_of_certificate_transparency(size: int) -> None:
    """The known answers of the reference implementation, over leaves hashed as the RFC says."""
    leaves = [sha256(b"\x00" + bytes.fromhex(data)).digest() for data in INPUTS[:size]]
    assert grow(Frontier(), leaves).root.hex() == ROOTS[size]


@given(leaves=LEAVES, cuts=st.lists(st.integers(0, 70)))
def test_however_leaves_are_cut_into_batches_the_root_is_the_rfcs(leaves: list[bytes], cuts: list[int]) -> None:
    """Grown in any batches, with any of them empty, and stored in between, it is the recursive definition's root."""
    frontier = Frontier()
    ends = sorted(min(cut, len(leaves)) for cut in cuts)
    for begin, end in zip([0, *ends], [*ends, len(leaves)], strict=True):
        frontier = grow(frontier, leaves[begin:end])
        frontier = Frontier.from_bytes(frontier.size, frontier.to_bytes())
        assert len(frontier.nodes) == frontier.size.bit_count()
        assert frontier.head == TreeHead(end, naive(leaves[:end]))
    assert frontier.head == TreeHead(len(leaves), naive(leaves))


@given(leaves=LEAVES.filter(bool), which=st.data())
def test_any_change_gives_another_root(leaves: list[bytes], which: st.DataObject) -> None:
    """A leaf that is changed, taken away or added gives another head."""
    place = which.draw(st.integers(0, len(leaves) - 1))
    other = sha256(leaves[place]).digest()
    head = grow(Frontier(), leaves).head
    for changed in (
        [*leaves[:place], other, *leaves[place + 1 :]],
        leaves[:place] + leaves[place + 1 :],
        [*leaves[:place], other, *leaves[place:]],
    ):
        assert grow(Frontier(), changed).head != head


@given(size=st.integers(0, 2**40), root=st.binary(min_size=32, max_size=32))
def test_a_head_is_read_as_it_is_written(size: int, root: bytes) -> None:
    """`SIZE:ROOT` and back; white space around it, and capitals, are no matter."""
    head = TreeHead(size, root)
    assert TreeHead.parse(str(head)) == head
    assert TreeHead.parse(f"  {str(head).upper()}\n") == head


@pytest.mark.parametrize("text", ["", "5", ":", "5:", "5:00", f"-1:{'00' * 32}", f"x:{'00' * 32}", f"5:{'zz' * 32}",
                                  f"5:{'00' * 33}", f"+5:{'00' * 32}", f"1_0:{'00' * 32}"])  # fmt: skip
def test_what_is_no_head_is_told(text: str) -> None:
    """Anything else is refused with a sentence that says how a head looks."""
    with pytest.raises(ValueError, match="SIZE:ROOT"):
        TreeHead.parse(text)


@pytest.mark.parametrize(("size", "stored"), [(-1, b""), (0, bytes(32)), (1, b""), (3, bytes(32)), (2, bytes(31))])
def test_what_is_no_frontier_is_refused(size: int, stored: bytes) -> None:
    """A size and hashes that do not belong together are no frontier."""
    with pytest.raises(ValueError, match="no frontier"):
        Frontier.from_bytes(size, stored)
