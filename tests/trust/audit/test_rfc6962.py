"""The tree that certificate transparency's implementations test themselves with, in both of ours: the product's and the
stand-alone verifier's."""

from collections.abc import Callable, Sequence
from hashlib import sha256

import pytest

from grace.trust.audit.rules import merkle
from tests.trust.audit.exports import program

LEAVES = [
    sha256(b"\x00" + bytes.fromhex(sample)).digest()
    for sample in ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
A, B, C = (
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
)
D, E, F = (
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
)
INCLUSION = [(0, 1, []), (0, 8, [A, B, C]), (5, 8, [D, E, ROOTS[3]]), (2, 3, [ROOTS[1]]), (1, 5, [ROOTS[0], B, D])]
"""Leaf (from 0), size, proof."""
CONSISTENCY = [(1, 1, []), (1, 8, [A, B, C]), (6, 8, [F, E, ROOTS[3]]), (2, 5, [B, D])]
"""Old size, size, proof."""
RootOf = Callable[[bytes, int, int, Sequence[bytes]], bytes | None]
Continues = Callable[[int, int, bytes, bytes, Sequence[bytes]], bool]


def hashes(proof: Sequence[str]) -> list[bytes]:
    return [bytes.fromhex(one) for one in proof]


def root(size: int) -> bytes:
    return bytes.fromhex(ROOTS[size - 1])


def stored(level: int, index: int) -> bytes:
    assert level == 0, "of fewer than sixteen leaves nothing else is stored"
    return LEAVES[index]


def test_roots() -> None:
    edge, stack = merkle.Edge(), []
    assert program().root_of([]) == merkle.EMPTY_ROOT == sha256(b"").digest()
    for number, leaf in enumerate(LEAVES):
        edge.append(leaf)
        top, carry = leaf, number
        while carry & 1:
            top, carry = program().node(stack.pop(), top), carry >> 1
        stack.append(top)
        assert edge.root() == program().root_of(stack) == root(number + 1)


@pytest.mark.parametrize(("leaf", "size", "proof"), INCLUSION)
def test_inclusion(leaf: int, size: int, proof: list[str]) -> None:
    made = [merkle.range_hash(leaves, stored) for leaves in merkle.inclusion_ranges(leaf, size)]
    assert made == hashes(proof)
    both: list[RootOf] = [merkle.root_of_inclusion, program().root_by_inclusion]
    for root_of in both:
        assert root_of(LEAVES[leaf], leaf, size, hashes(proof)) == root(size)
        assert root_of(LEAVES[leaf], leaf, size, [*hashes(proof), LEAVES[0]]) is None
        assert root_of(LEAVES[leaf], size, size, hashes(proof)) is None
        assert root_of(LEAVES[leaf - 1], leaf, size, hashes(proof)) != root(size)
        for place in range(len(proof)):
            wrong = hashes(proof)
            wrong[place] = LEAVES[0]
            assert root_of(LEAVES[leaf], leaf, size, wrong) != root(size) or wrong == hashes(proof)


@pytest.mark.parametrize(("old", "size", "proof"), CONSISTENCY)
def test_consistency(old: int, size: int, proof: list[str]) -> None:
    made = [merkle.range_hash(leaves, stored) for leaves in merkle.consistency_ranges(old, size)]
    assert made == hashes(proof)
    both: list[Continues] = [merkle.is_consistent, program().continues]
    for continues in both:
        assert continues(old, size, root(old), root(size), hashes(proof))
        assert not continues(old, size, root(old), LEAVES[0][::-1], hashes(proof))
        assert not continues(old, size, LEAVES[1], root(size), hashes(proof))
        assert not continues(old, size, root(old), root(size), [*hashes(proof), LEAVES[0]])
        assert not continues(old + 1, size, root(old), root(size), hashes(proof))
        if proof:
            assert not continues(old, size, root(old), root(size), hashes(proof)[:-1])


def test_both_agree_on_every_proof_of_a_larger_tree() -> None:
    leaves = [sha256(b"\x00%d" % number).digest() for number in range(40)]
    edge, nodes, roots = merkle.Edge(), {}, [merkle.EMPTY_ROOT]
    for number, leaf in enumerate(leaves):
        nodes[0, number] = leaf
        nodes |= {(node.level, node.index): node.hash for node in edge.append(leaf)}
        roots.append(edge.root())
    for size in range(1, 41):
        for place in range(size):
            ranges = merkle.inclusion_ranges(place, size)
            proof = [merkle.range_hash(one, lambda *at: nodes[at]) for one in ranges]
            assert program().root_by_inclusion(leaves[place], place, size, proof) == roots[size]
        for old in range(1, size + 1):
            ranges = merkle.consistency_ranges(old, size)
            proof = [merkle.range_hash(one, lambda *at: nodes[at]) for one in ranges]
            assert program().continues(old, size, roots[old], roots[size], proof)
