"""The tree is the one of RFC 6962: checked against the standard's own recursive definitions."""

from collections.abc import Sequence
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grace.trust.audit.rules import merkle
from grace.trust.audit.rules.merkle import EMPTY_ROOT, Edge, NodeHash


def leaf(n: int) -> bytes:
    return sha256(b"\x00" + str(n).encode()).digest()


def largest_power_below(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def mth(leaves: Sequence[bytes]) -> bytes:
    """Section 2.1."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = largest_power_below(len(leaves))
    return sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """Section 2.1.1."""
    if len(leaves) == 1:
        return []
    k = largest_power_below(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m: int, leaves: Sequence[bytes], whole: bool) -> list[bytes]:
    """Section 2.1.2."""
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = largest_power_below(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], whole), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False), mth(leaves[:k])]


def stored(leaves: Sequence[bytes]) -> NodeHash:
    """The nodes that the database would hold of these leaves."""
    edge = Edge()
    nodes = {(0, i): hash_ for i, hash_ in enumerate(leaves)}
    for hash_ in leaves:
        nodes |= {(node.level, node.index): node.hash for node in edge.append(hash_)}
    return lambda level, index: nodes[level, index]


LEAVES = [leaf(n) for n in range(600)]
SIZES = [*range(1, 70), 255, 256, 257, 271, 272, 273, 511, 512, 513, 600]


def test_published_roots() -> None:
    """The roots that the certificate transparency implementations agree on for their eight sample leaves."""
    samples = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    edge = Edge()
    roots = []
    for sample in samples:
        edge.append(sha256(b"\x00" + bytes.fromhex(sample)).digest())
        roots.append(edge.root().hex())
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert roots[0] == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert roots[2] == "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"
    assert roots[7] == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


def test_root_at_every_size() -> None:
    edge = Edge()
    assert edge.root() == EMPTY_ROOT
    for size, hash_ in enumerate(LEAVES, start=1):
        edge.append(hash_)
        assert edge.root() == mth(LEAVES[:size])


@pytest.mark.parametrize("size", SIZES)
def test_an_edge_read_back_goes_on_as_if_never_stopped(size: int) -> None:
    node = stored(LEAVES)
    edge = Edge(size, node)
    assert edge.root() == mth(LEAVES[:size])
    for hash_ in LEAVES[size : size + 300]:
        for completed in edge.append(hash_):
            assert completed.hash == node(completed.level, completed.index)
    assert edge.root() == mth(LEAVES[: size + 300])


@pytest.mark.parametrize("size", SIZES)
def test_inclusion_proofs(size: int) -> None:
    node, root = stored(LEAVES[:size]), mth(LEAVES[:size])
    for index in {0, 1, size // 3, size // 2, size - 2, size - 1} & set(range(size)):
        proof = [merkle.range_hash(leaves, node) for leaves in merkle.inclusion_ranges(index, size)]
        assert proof == path(index, LEAVES[:size])
        assert merkle.root_of_inclusion(LEAVES[index], index, size, proof) == root
        assert merkle.root_of_inclusion(leaf(-1), index, size, proof) != root
        assert merkle.root_of_inclusion(LEAVES[index], index, size, [*proof, root]) is None
        if proof:
            assert merkle.root_of_inclusion(LEAVES[index], index, size, proof[:-1]) is None
            assert merkle.root_of_inclusion(LEAVES[index], index ^ 1, size, proof) != root


@pytest.mark.parametrize("size", SIZES)
def test_consistency_proofs(size: int) -> None:
    node, root = stored(LEAVES[:size]), mth(LEAVES[:size])
    for old in {1, 2, 3, size // 3, size // 2, size - 1, size} & set(range(1, size + 1)):
        old_root = mth(LEAVES[:old])
        proof = [merkle.range_hash(leaves, node) for leaves in merkle.consistency_ranges(old, size)]
        assert proof == subproof(old, LEAVES[:size], True)
        assert merkle.is_consistent(old, size, old_root, root, proof)
        assert not merkle.is_consistent(old, size, leaf(-1), root, proof)
        assert not merkle.is_consistent(old, size, old_root, leaf(-1), proof)
        assert not merkle.is_consistent(old, size, old_root, root, [*proof, root])
        if proof:
            assert not merkle.is_consistent(old, size, old_root, root, proof[:-1])


@given(st.integers(1, 2_000_000), st.data())
def test_a_proof_reads_few_nodes(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    ranges = merkle.inclusion_ranges(index, size)
    nodes = [node for leaves in ranges for node in merkle.range_nodes(leaves)]
    assert sum(node.width for node in nodes) <= 200
    assert all(node.level % merkle.STRIDE == 0 for node in nodes)
    assert all((node.first + node.width) << node.level <= size for node in nodes)


def test_no_proof_of_what_is_not_there() -> None:
    with pytest.raises(ValueError, match="not in the tree"):
        merkle.inclusion_ranges(5, 5)
    with pytest.raises(ValueError, match="larger"):
        merkle.consistency_ranges(6, 5)
    assert merkle.root_of_inclusion(leaf(0), 5, 5, []) is None
    assert not merkle.is_consistent(0, 5, EMPTY_ROOT, mth(LEAVES[:5]), [])
