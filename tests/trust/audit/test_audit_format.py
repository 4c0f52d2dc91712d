"""docs/audit-format.md cannot lie: its vectors are what Grace computes, and what its text alone leads to."""

import base64
import json
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from grace.trust.governance.rules import digest
from scripts.audit_vectors import vectors

DOCUMENT = Path(__file__).parents[3] / "docs" / "audit-format.md"
EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def written() -> dict[str, Any]:
    [block] = DOCUMENT.read_text().split("```json\n")[1:]
    read: dict[str, Any] = json.loads(block.split("```")[0])
    return read


def test_the_document_shows_what_the_script_prints() -> None:
    assert written() == json.loads(json.dumps(vectors()))
    assert json.dumps(vectors(), indent=2, ensure_ascii=False) in DOCUMENT.read_text()


def test_entries_follow_from_the_text() -> None:
    order = "at recorded_at principal_kind principal_id principal_owner action subject_kind subject_id request_id"
    for entry in written()["entries"]:
        assert list(entry["fields"]) == order.split()
        header = b"\x01"
        for name, text in entry["fields"].items():
            value = text.encode()
            if name in ("at", "recorded_at"):
                moment = (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1)
                value = moment.to_bytes(8, "big", signed=True)
            header += len(value).to_bytes(4, "big") + value
        assert header.hex() == entry["header"]
        assert sorted(json.loads(entry["payload"])) == ["after", "before", "reason"]
        commitment = sha256(bytes.fromhex(entry["salt"]) + entry["payload"].encode()).digest()
        assert commitment.hex() == entry["commitment"]
        assert sha256(b"\x00" + header + commitment).hexdigest() == entry["leaf_hash"]


def root(leaves: Sequence[bytes]) -> bytes:
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"").digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + root(leaves[:k]) + root(leaves[k:])).digest()


def test_the_tree_follows_from_the_text() -> None:
    tree = written()["tree"]
    leaves = [sha256(b"\x00" + bytes([n]) * 32).digest() for n in range(20)]
    for size, expected in tree["roots"].items():
        assert root(leaves[: int(size)]).hex() == expected
    assert root(leaves[:16]).hex() == tree["node_4_0"]
    parts = [(4, 5), (6, 8), (0, 4), (8, 16), (16, 20)]
    assert [root(leaves[a:b]).hex() for a, b in parts] == tree["inclusion_of_leaf_5_in_20"]
    parts = [(6, 7), (7, 8), (4, 6), (0, 4), (8, 16), (16, 20)]
    assert [root(leaves[a:b]).hex() for a, b in parts] == tree["consistency_of_7_and_20"]


def test_the_checkpoint_follows_from_the_text() -> None:
    checkpoint = written()["checkpoint"]
    key = bytes.fromhex(checkpoint["public_key"])
    mark = sha256(b"grace/main\n\x01" + key).digest()[:4]
    assert mark.hex() == checkpoint["key_id"]
    typed_key = base64.b64encode(b"\x01" + key).decode()
    assert checkpoint["verifier_key"] == f"grace/main+{mark.hex()}+{typed_key}"
    text, signed = checkpoint["note"].split("\n\n")
    assert text.split("\n") == ["grace/main", "20", base64.b64encode(bytes.fromhex(checkpoint["root"])).decode()]
    dash, name, body = signed.rstrip("\n").split(" ")
    assert (dash, name) == ("\u2014", "grace/main")
    signature = base64.b64decode(body)
    assert signature[:4] == mark
    Ed25519PublicKey.from_public_bytes(key).verify(signature[4:], f"{text}\n".encode())


def test_the_hash_of_arguments_on_the_page_of_proofs_is_the_one_that_governance_takes() -> None:
    page = " ".join((DOCUMENT.parent / "proofs.md").read_text().split())
    [(text, hashed)] = re.findall(r"example `(\{.*?\})` has the hash `(\w+)`", page)
    assert hashed == sha256(text.encode()).hexdigest() == digest(json.loads(text))
