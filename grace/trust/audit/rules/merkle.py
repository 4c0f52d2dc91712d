"""RFC 6962 Merkle tree: its growing right edge, the nodes worth storing, inclusion and consistency proofs.

A node is (level, index): level 0 are the leaf hashes, node (l, i) covers leaves i·2^l up to (i+1)·2^l.
Only full nodes at every fourth level are stored: a sixteenth of the rows, and a proof over a million leaves
still reads fewer than 200 of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

STRIDE = 4
WIDTH = 1 << STRIDE
EMPTY_ROOT = sha256(b"").digest()


@dataclass(frozen=True, slots=True)
class Node:
    """A full subtree and its hash."""

    level: int
    index: int
    hash: bytes


class NodeRange(NamedTuple):
    """`width` neighbouring stored nodes of one level, from index `first`."""

    level: int
    first: int
    width: int


NodeHash = Callable[[int, int], bytes]
"""The hash of the stored node (level, index)."""


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return sha256(b"\x01" + left + right).digest()


class Edge:
    """What appending to a tree of `size` leaves needs of it: fewer than 16 hashes per stored level."""

    def __init__(self, size: int = 0, node: NodeHash | None = None) -> None:
        self.size = size
        self._levels: list[list[bytes]] = []
        for level, first, width in edge_ranges(size):
            while len(self._levels) <= level // STRIDE:
                self._levels.append([])
            assert node is not None, "a tree that is not empty is read from stored nodes"
            self._levels[level // STRIDE] = [node(level, first + i) for i in range(width)]

    def append(self, leaf: bytes) -> list[Node]:
        """Add a leaf hash; the stored nodes that it completes, lowest level first."""
        self.size += 1
        completed: list[Node] = []
        carry, step = leaf, 0
        while True:
            if len(self._levels) == step:
                self._levels.append([])
            nodes = self._levels[step]
            nodes.append(carry)
            if len(nodes) < WIDTH:
                return completed
            carry = _fold(nodes)
            nodes.clear()
            step += 1
            level = step * STRIDE
            completed.append(Node(level, (self.size >> level) - 1, carry))

    def root(self) -> bytes:
        """The Merkle tree hash of all leaves so far."""
        root: bytes | None = None
        for nodes in self._levels:
            end = len(nodes)
            while end:
                take = end & -end
                left = _fold(nodes[end - take : end])
                root = left if root is None else node_hash(left, root)
                end -= take
        return EMPTY_ROOT if root is None else root


def edge_ranges(size: int) -> list[NodeRange]:
    """The stored nodes from which the `Edge` of a tree of `size` leaves is made."""
    ranges = []
    for level in range(0, size.bit_length(), STRIDE):
        width = (size >> level) % WIDTH
        if width:
            ranges.append(NodeRange(level, (size >> level) - width, width))
    return ranges


def inclusion_ranges(index: int, size: int) -> list[range]:
    """RFC 6962 section 2.1.1: the leaf ranges whose tree hashes prove leaf `index` in a tree of `size`."""
    if not 0 <= index < size:
        raise ValueError("the leaf is not in the tree")
    start, end, path = 0, size, []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(range(middle, end))
            end = middle
        else:
            path.append(range(start, middle))
            start = middle
    return path[::-1]


def consistency_ranges(old_size: int, size: int) -> list[range]:
    """RFC 6962 section 2.1.2: the leaf ranges whose hashes prove the old tree to begin the new one."""
    if not 0 < old_size <= size:
        raise ValueError("the old tree is empty or larger than the new one")
    start, end, whole, path = 0, size, True, []
    while end != old_size:
        middle = start + _split(end - start)
        if old_size <= middle:
            path.append(range(middle, end))
            end = middle
        else:
            path.append(range(start, middle))
            start, whole = middle, False
    if not whole:
        path.append(range(start, end))
    return path[::-1]


def range_nodes(leaves: range) -> list[NodeRange]:
    """The stored nodes that make up the tree hash of a leaf range of a proof, one full subtree each."""
    ranges, start = [], leaves.start
    while start < leaves.stop:
        level = (leaves.stop - start).bit_length() - 1
        stored = level - level % STRIDE
        ranges.append(NodeRange(stored, start >> stored, 1 << (level - stored)))
        start += 1 << level
    return ranges


def range_hash(leaves: range, node: NodeHash) -> bytes:
    """The Merkle tree hash of a leaf range of a proof, from stored nodes."""
    subtrees = [_fold([node(level, first + i) for i in range(width)]) for level, first, width in range_nodes(leaves)]
    root = subtrees.pop()
    while subtrees:
        root = node_hash(subtrees.pop(), root)
    return root


def root_of_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes | None:
    """The root that an inclusion proof leads to; None when the proof has not the form of one."""
    if not 0 <= index < size:
        return None
    position, last, root = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return None
        if position % 2 or position == last:
            root = node_hash(sibling, root)
            while position % 2 == 0 and position:
                position, last = position >> 1, last >> 1
        else:
            root = node_hash(root, sibling)
        position, last = position >> 1, last >> 1
    return root if last == 0 else None


def is_consistent(old_size: int, size: int, old_root: bytes, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the proof shows that the tree of `old_root` is the beginning of the tree of `root`."""
    if old_size == size:
        return old_root == root and not proof
    if not 0 < old_size < size or not proof:
        return False
    path = list(proof)
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_root)
    position, last = old_size - 1, size - 1
    while position % 2:
        position, last = position >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if position % 2 or position == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while position % 2 == 0 and position:
                position, last = position >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and old == old_root and new == root


def _fold(nodes: Sequence[bytes]) -> bytes:
    row = nodes
    while len(row) > 1:
        row = [node_hash(row[i], row[i + 1]) for i in range(0, len(row), 2)]
    return row[0]


def _split(count: int) -> int:
    return 1 << (count - 1).bit_length() - 1
