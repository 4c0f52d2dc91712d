"""Print the test vectors of docs/audit-format.md as JSON: `python scripts/audit_vectors.py`."""

import json
from datetime import UTC, datetime
from typing import Any

from grace.trust.audit.rules import canonical, merkle
from grace.trust.audit.rules.merkle import Edge
from grace.trust.audit.rules.notes import Signer, key_id, verifier_key

PRIVATE_KEY = bytes(range(32))
_TIMES = [
    (datetime(2026, 11, 21, 2, 3, 4, 567890, UTC), datetime(2026, 11, 20, 2, 3, 4, 567890, UTC)),
    (datetime(1969, 12, 31, 23, 59, 59, 999999, UTC), datetime(1970, 1, 1, tzinfo=UTC)),
]
_TEXTS = [
    ("user", "user_01jd0000000000000000000000", "", "issue_invoice", "invoice", "in_01jd0000000000000000000001", "r1"),
    ("agent", "agent_1", "user_1", "zahle_aus_€", "payout", "", "0123456789abcdef0123456789abcdef"),
]
_CHANGES: list[dict[str, Any]] = [
    {"reason": None, "before": {"status": "draft"}, "after": {"total": "1500.00", "status": "issued", "lines": [1, 2]}},
    {"reason": 'said "yes" – schön \ud800', "before": None, "after": {"b": 1.5, "a": True, "": None}},
]


def vectors() -> dict[str, Any]:
    """Entries with every byte on the way to their leaf, the roots and nodes of a tree, proofs and a checkpoint."""
    leaves = [canonical.leaf_hash(b"", bytes([n]) * 32) for n in range(20)]
    edge, roots, nodes = Edge(), {0: merkle.EMPTY_ROOT.hex()}, {}
    for leaf in leaves:
        for node in edge.append(leaf):
            nodes[node.level, node.index] = node.hash
        roots[edge.size] = edge.root().hex()
    nodes |= {(0, n): leaf for n, leaf in enumerate(leaves)}

    def hashes(ranges: list[range]) -> list[str]:
        return [merkle.range_hash(leaves_, lambda level, index: nodes[level, index]).hex() for leaves_ in ranges]

    signer = Signer("grace/main", PRIVATE_KEY)
    return {
        "entries": [_entry(n) for n in range(2)],
        "tree": {
            "leaf": "leaf n is SHA-256(0x00 || n repeated 32 times), as if the header were empty",
            "roots": {str(size): roots[size] for size in (0, 1, 2, 3, 16, 17, 20)},
            "node_4_0": nodes[4, 0].hex(),
            "inclusion_of_leaf_5_in_20": hashes(merkle.inclusion_ranges(5, 20)),
            "consistency_of_7_and_20": hashes(merkle.consistency_ranges(7, 20)),
        },
        "checkpoint": {
            "private_key": PRIVATE_KEY.hex(),
            "public_key": signer.public_key.hex(),
            "key_id": key_id("grace/main", signer.public_key).hex(),
            "verifier_key": verifier_key("grace/main", signer.public_key),
            "size": 20,
            "root": roots[20],
            "note": signer.checkpoint(20, edge.root()),
        },
    }


def _entry(n: int) -> dict[str, Any]:
    header = canonical.Header(*_TIMES[n], *_TEXTS[n])
    data = canonical.header_bytes(header)
    salt, payload = bytes([0xA0 + n]) * 32, canonical.payload_bytes(**_CHANGES[n])
    commitment = canonical.commitment(salt, payload)
    fields = {name: v.isoformat() if isinstance(v, datetime) else v for name, v in header._asdict().items()}
    return {
        "fields": fields,
        "header": data.hex(),
        "salt": salt.hex(),
        "payload": payload.decode(),
        "commitment": commitment.hex(),
        "leaf_hash": canonical.leaf_hash(data, commitment).hex(),
    }


if __name__ == "__main__":
    print(json.dumps(vectors(), indent=2, ensure_ascii=False))
