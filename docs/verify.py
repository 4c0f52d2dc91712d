#!/usr/bin/env python3
"""Verify what a Grace installation gave you, without trusting or having Grace.

    python verify.py FILE [--against CHECKPOINT] [--key KEY] [--consistency FILE] [--json]

FILE is an export of an audit log (plain or gzipped), a receipt, a proof of one entry, or a proof that one state of
the log continues another. CHECKPOINT is a file of one or more signed checkpoints that you kept from earlier, KEY the
log's public key if you know it from elsewhere. Exit code 0: nothing was found; 1: something is not as it was
written, each said in a sentence; 2: the file cannot be read.

It needs Python 3.11 and the package `cryptography` (for Ed25519). It is written from two pages that specify every
byte, audit-format.md and proofs.md; nothing in it comes from Grace's own code. Read it before you believe it.
"""

import argparse
import binascii
import gzip
import json
import sys
import zlib
from array import array
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from itertools import pairwise

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LONGEST_LINE = 1 << 26
LARGEST_DOCUMENT = 1 << 26
BLOCK = 1 << 20
FINDINGS_SHOWN = 100
ERASURE = b"erase_audit_payload"
ERASURE_LASTS_US = 600_000_000  # an entry may be sealed after the erasure of its payload, if their transactions overlap


class Unreadable(Exception):
    """The file is not what it should be; the text says why."""


class Report:
    """What was found, what is proven and what is not, in plain words."""

    def __init__(self):
        self.findings, self.count = [], 0
        self.about, self.proven, self.unproven = [], [], []

    def find(self, sentence):
        self.count += 1
        if len(self.findings) < FINDINGS_SHOWN:
            self.findings.append(sentence)

    def lines(self):
        yield from self.about
        yield from (f"FOUND: {finding}" for finding in self.findings)
        if self.count > len(self.findings):
            yield f"FOUND: … and {self.count - len(self.findings)} more."
        if not self.count:
            yield from (f"Proven: {sentence}" for sentence in self.proven)
            yield from (f"Not proven: {sentence}" for sentence in self.unproven)
        yield f"{self.count} findings: do not rely on this file." if self.count else "Nothing was altered."


# The tree of RFC 6962, section 2.1.


def node(left, right):
    return sha256(b"\x01" + left + right).digest()


def root_of(stack):
    """The root of a tree from its full subtrees, the largest first."""
    if not stack:
        return sha256(b"").digest()
    root = stack[-1]
    for left in stack[-2::-1]:
        root = node(left, root)
    return root


def root_by_inclusion(leaf, index, size, proof):
    """The root that a proof leads to (section 2.1.1); None when it is none for this place and size."""
    if not 0 <= index < size:
        return None
    place, last, root = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return None
        if place % 2 or place == last:
            root = node(sibling, root)
            while place and place % 2 == 0:
                place, last = place >> 1, last >> 1
        else:
            root = node(root, sibling)
        place, last = place >> 1, last >> 1
    return root if last == 0 else None


def continues(old_size, size, old_root, root, proof):
    """Whether the tree of `size` begins with the tree of `old_size` (section 2.1.2)."""
    if old_size == size:
        return old_root == root and not proof
    if not 0 < old_size < size or not proof:
        return False
    path = [old_root, *proof] if old_size & (old_size - 1) == 0 else list(proof)
    place, last = old_size - 1, size - 1
    while place % 2:
        place, last = place >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if place % 2 or place == last:
            old, new = node(sibling, old), node(sibling, new)
            while place and place % 2 == 0:
                place, last = place >> 1, last >> 1
        else:
            new = node(new, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and (old, new) == (old_root, root)


# Bytes, keys, checkpoints and headers, as audit-format.md specifies them.


def binary(text, length=None):
    """Base64 in its one right spelling; ValueError for anything else."""
    data = binascii.a2b_base64(text)
    spelled = text if isinstance(text, bytes) else text.encode()
    if binascii.b2a_base64(data, newline=False) != spelled or length not in (None, len(data)):
        raise ValueError("not base64 of the right length")
    return data


class Key:
    """The log's public key, from `origin+key id+base64`."""

    def __init__(self, text):
        self.text = text
        try:
            self.origin, mark, body = text.split("+", 2)
            typed = binary(body, 33)
            self.id, self.ed25519 = key_id(self.origin, typed), Ed25519PublicKey.from_public_bytes(typed[1:])
            if not self.origin or typed[0] != 1 or mark != self.id.hex():
                raise ValueError
        except ValueError:
            raise Unreadable(f"The log's key {text[:200]!r} is not of the form origin+key id+base64.") from None

    def signed(self, signature, text):
        """Whether these bytes (key id and Ed25519 signature) are this key's over the text."""
        if signature[:4] != self.id:
            return False
        try:
            self.ed25519.verify(signature[4:], text)
        except InvalidSignature:
            return False
        return True


def key_id(origin, typed_key):
    return sha256(origin.encode() + b"\n" + typed_key).digest()[:4]


def checkpoint(note, key):
    """(size, root) of a checkpoint that the key has signed; ValueError says what is wrong with it."""
    text, separator, signatures = note.partition("\n\n")
    lines = text.split("\n")
    if not separator or len(lines) != 3 or not signatures.endswith("\n"):
        raise ValueError("is not of the form of a checkpoint")
    if lines[0] != key.origin:
        raise ValueError(f"is of another log, {lines[0][:100]!r}")
    if not lines[1].isdecimal() or not lines[1].isascii() or lines[1] != str(int(lines[1][:20])):
        raise ValueError("does not say how many entries it covers")
    try:
        root, right = binary(lines[2], 32), 0
        for line in signatures[:-1].split("\n"):
            dash, name, body = line.split(" ")
            signature = binary(body)
            if dash != "\u2014":
                raise ValueError
            if name == key.origin and signature[:4] == key.id:
                if not key.signed(signature, f"{text}\n".encode()):
                    raise ValueError
                right += 1
    except ValueError:
        right = 0
    if not right:
        raise ValueError("is not signed by the log's key")
    return int(lines[1]), root


def outside_checkpoints(path, key, report):
    """The checkpoints of a file that was kept elsewhere, by their size."""
    with open(path, "rb") as file:
        blocks = file.read(LARGEST_DOCUMENT).decode("utf-8", "replace").strip("\n").split("\n\n")
    known = {}
    for text, signed in zip(blocks[::2], [*blocks[1::2], ""], strict=False):
        try:
            size, root = checkpoint(f"{text}\n\n{signed}\n", key)
            if known.setdefault(size, root) != root:
                report.find(f"Two checkpoints of {size} entries in {path} differ: the log was rewritten.")
        except ValueError as error:
            report.find(f"A checkpoint in {path} {error}.")
    return known


FIELDS = ("principal_kind", "principal_id", "principal_owner", "action", "subject_kind", "subject_id", "request_id")


def read_header(data):
    """An entry's header as a dictionary; the times in microseconds since 1970. ValueError when it is not one."""
    fields, start = [], 1
    while start < len(data):
        end = start + 4 + int.from_bytes(data[start : start + 4], "big")
        fields.append(data[start + 4 : end])
        if end > len(data):
            raise ValueError("cut short")
        start = end
    if data[:1] != b"\x01" or len(fields) != 9 or len(fields[0]) != 8 or len(fields[1]) != 8:
        raise ValueError("not a header of version 1")
    times = [int.from_bytes(field, "big", signed=True) for field in fields[:2]]
    return {"at": times[0], "recorded_at": times[1], **dict(zip(FIELDS, (f.decode() for f in fields[2:]), strict=True))}


def moment(microseconds):
    try:
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    except OverflowError:
        return "a time outside the calendar"
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ").zfill(27)


# An export: every entry of a log.


class Erasures:
    """Which missing payloads an `erase_audit_payload` entry about the same subject accounts for."""

    def __init__(self):
        self.missing, self.erased, self.accounted = {}, {}, 0

    def lost(self, index, header):
        subject = (header["subject_kind"], header["subject_id"])
        if header["recorded_at"] <= self.erased.get(subject, -(1 << 63)):
            self.accounted += 1
        else:
            self.missing.setdefault(subject, []).append(index)

    def erasure(self, header):
        subject = (header["subject_kind"], header["subject_id"])
        self.accounted += len(self.missing.pop(subject, ()))
        self.erased[subject] = max(header["recorded_at"] + ERASURE_LASTS_US, self.erased.get(subject, -(1 << 63)))


def lines_of(file):
    """The lines of a file without their ends, read in blocks."""
    rest = b""
    while block := file.read(BLOCK):
        lines = (rest + block).split(b"\n")
        rest = lines.pop()
        if len(rest) > LONGEST_LINE:
            raise Unreadable("A line is longer than any that an export holds.")
        yield from lines
    if rest:
        raise Unreadable("The file ends in the middle of a line: it is not whole.")


def verify_export(lines, key_text, against, report):
    """Recompute the whole log from an export, in flat memory."""

    def value(name):
        word, _, text = next(lines, b"").decode("utf-8", "replace").partition(" ")
        if word != name:
            raise Unreadable(f"The export has no line {name!r} where it belongs.")
        return text

    def number(name):
        text = value(name)
        if not (text.isascii() and text.isdecimal() and len(text) < 16):
            raise Unreadable(f"The line {name!r} holds no number.")
        return int(text)

    if (version := value("grace-audit-export")) != "1":
        raise Unreadable(f"This is an export of version {version[:20]!r}; this program knows version 1.")
    key = known_key(value("key"), key_text, report)
    size, count = number("size"), number("checkpoints")
    sizes, roots = array("Q"), bytearray()
    for place in range(count):
        word, _, text = next(lines, b"").partition(b" ")
        try:
            if word != b"c":
                raise ValueError("is missing")
            covers, root = checkpoint(binary(text).decode(), key)
            if covers <= (sizes[-1] if sizes else 0):
                raise ValueError(f"is of {covers} entries and out of its place")
            sizes.append(covers)
            roots += root
        except ValueError as error:
            report.find(f"Checkpoint {place + 1} of {count} {error}.")
    outside = outside_checkpoints(against, key, report) if against else {}
    stack, erasures = entries(lines, size, sizes, roots, dict(outside), report)
    if next(lines, None) != b"end" or next(lines, None) is not None:
        report.find("The file does not end where it says: something was cut off or added.")
    if size and (not sizes or sizes[-1] != size):
        report.find(f"The last checkpoint covers {sizes[-1] if sizes else 0} entries, the export has {size}.")
    report.about.append(f"An export of the audit log {key.origin}: {size} entries under {count} signed checkpoints.")
    report.about.append(f"Root {root_of(stack).hex()}, key {key.text}.")
    report.proven.append(f"each of the {size} entries is as it was sealed and in its place; none between was removed.")
    say_complete(report, outside, size)
    say_key(report, key, key_text)
    if erasures.accounted:
        report.unproven.append(f"what {erasures.accounted} entries said whose payloads were erased; the erasures are on"
                               " record, and who did what to which noun and when still stands.")  # fmt: skip


def entries(lines, size, sizes, roots, outside, report):
    """Read the entries, build the tree, compare its root at every checkpoint. Gives the tree's full subtrees."""
    stack, erasures, at, diverged = [], Erasures(), 0, False
    if 0 in outside:
        del outside[0]
    for index in range(size):
        line = next(lines, b"")
        try:
            word, place, head, committed, salt, payload = line.split(b" ")
            if word != b"e" or place != b"%d" % index:
                raise ValueError
            header, commitment = binary(head), binary(committed, 32)
        except ValueError:
            report.find(f"Entry {index} is missing, out of its place or damaged; what follows cannot be compared.")
            for _ in lines:
                pass
            return stack, erasures
        try:
            if salt == b"-" == payload:
                erasures.lost(index, read_header(header))
            elif sha256(binary(salt, 32) + binary(payload)).digest() != commitment:
                report.find(f"Entry {index}: its payload is not the one that was sealed.")
            if ERASURE in header and (said := read_header(header))["action"] == ERASURE.decode():
                erasures.erasure(said)
        except ValueError:
            report.find(f"Entry {index} is damaged.")
        top, carry = sha256(b"\x00" + header + commitment).digest(), index
        while carry & 1:
            top, carry = sha256(b"\x01" + stack.pop() + top).digest(), carry >> 1
        stack.append(top)
        if at < len(sizes) and sizes[at] == index + 1:
            if roots[at * 32 : at * 32 + 32] != root_of(stack) and not diverged:
                since = sizes[at - 1] if at else 0
                report.find(f"Entries {since} to {index}, or their order, are not those that were sealed.")
                diverged = True
            at += 1
        if index + 1 in outside and outside.pop(index + 1) != root_of(stack):
            report.find(f"The checkpoint of {index + 1} entries that was kept elsewhere says otherwise: rewritten.")
    for missing in outside:
        report.find(f"A checkpoint kept elsewhere covers {missing} entries, the export {size}: it was cut, or made"
                    " before that checkpoint.")  # fmt: skip
    for place in range(at, len(sizes)):
        report.find(f"A checkpoint covers {sizes[place]} entries; the export, of {size}, was cut.")
    for subject, lost in erasures.missing.items():
        report.find(f"{len(lost)} payloads of {subject[0]} {subject[1]} are missing (entry {lost[0]} first), and no"
                    " erasure is on record.")  # fmt: skip
    return stack, erasures


def say_complete(report, outside, size):
    if outside:
        first = max(outside)
        report.proven.append(f"the first {first} entries are those, complete, that the checkpoint kept elsewhere saw.")
    since = f" after entry {max(outside) - 1}" if outside else ""
    report.unproven.append(f"completeness{since}: who holds the database and its key could have cut off the end, or"
                           " written another history. Keep a checkpoint elsewhere, verify --against it.")  # fmt: skip


def say_key(report, key, key_text):
    if key_text:
        report.proven.append("the log's key is the one that you named.")
    else:
        report.unproven.append(f"whose key this is. Compare {key.text} with the one that {key.origin} gave you by"
                               " another way, or name it with --key.")  # fmt: skip
    report.unproven.append("that what was recorded is true: the log shows what Grace wrote down and when, and the clock"
                           " is Grace's.")  # fmt: skip


def known_key(text, key_text, report):
    key = Key(text)
    if key_text and key_text.strip() != text:
        report.find(f"The file is signed by the key {text[:200]}, not by the one that you named.")
    return key


# A receipt, a proof of one entry, a proof of consistency: JSON documents, as proofs.md specifies them.


def load(data):
    def unique(pairs):
        if len({name for name, _ in pairs}) < len(pairs):
            raise Unreadable("The file names a member twice.")
        return dict(pairs)

    def refuse(word):
        raise ValueError(f"{word} is no number")

    try:
        return json.loads(data, object_pairs_hook=unique, parse_float=Decimal, parse_constant=refuse)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise Unreadable(f"The file is not JSON: {str(error)[:200]}.") from None


def same(one, other):
    """Whether two JSON values are the same to the digit; true is not 1."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return str(one) == str(other)


def take(document, what, required, optional=()):
    """The members of an object, which must have exactly these."""
    if not isinstance(document, dict):
        raise Unreadable(f"{what} is not an object.")
    if missing := [name for name in required if name not in document]:
        raise Unreadable(f"{what} has no {missing[0]!r}.")
    if unknown := [name for name in document if name not in (*required, *optional)]:
        raise Unreadable(f"{what} has {unknown[0][:100]!r}, which is not part of its format: nothing vouches for it.")
    return [document.get(name) for name in (*required, *optional)]


def text_of(value):
    if not isinstance(value, str):
        raise Unreadable("The file has something else where a text belongs.")
    return value


def whole(value):
    if type(value) is not int or not 0 <= value < 1 << 63:
        raise Unreadable("The file has something else where a number of entries belongs.")
    return value


def hash_of(text):
    try:
        return binary(text_of(text), 32)
    except ValueError:
        raise Unreadable("The file has something else where a SHA-256 in base64 belongs.") from None


def proof_of(texts):
    if not isinstance(texts, list) or len(texts) > 128:
        raise Unreadable("A proof is not a list of hashes.")
    return [hash_of(text) for text in texts]


def proven_entry(given, size, root, report):
    """Check one entry and its proof. Gives its leaf, header, and payload (None when it is not there); else None."""
    leaf, head, committed, salt, payload, proof = take(given, "An entry", ENTRY)
    try:
        header, commitment = binary(text_of(head)), hash_of(committed)
        said = read_header(header)
        if (salt is None) != (payload is None):
            raise ValueError
        if payload is not None and sha256(hash_of(salt) + text_of(payload).encode()).digest() != commitment:
            report.find(f"Entry {whole(leaf)}: its payload is not the one that was sealed.")
            return None
        payload = None if payload is None else take(load(payload), "A payload", ("after", "before", "reason"))
    except ValueError:
        report.find(f"Entry {whole(leaf)} is damaged.")
        return None
    if root_by_inclusion(sha256(b"\x00" + header + commitment).digest(), whole(leaf), size, proof_of(proof)) != root:
        report.find(f"Entry {leaf} is not in the log: its proof does not lead to the signed root.")
        return None
    owner = f" for {said['principal_owner']}" if said["principal_owner"] else ""
    report.about.append(f"Entry {leaf}, {moment(said['at'])}: {said['principal_kind']} {said['principal_id']}{owner},"
                        f" {said['action']}, {said['subject_kind']} {said['subject_id']}."
                        + ("" if payload else " Its payload is not here."))  # fmt: skip
    return leaf, said, payload and {"after": payload[0], "reason": payload[2]}


ENTRY = ("leaf", "header", "commitment", "salt", "payload", "proof")


def verify_receipt(document, key_text, against, consistency, report):
    """Everything in a receipt, recomputed from the entries that the log vouches for."""
    _, key, note, subject, record, given, *extras = take(
        document,
        "The receipt",
        ("format", "key", "checkpoint", "subject", "record", "entries"),
        ("payment", "decision", "text", "consistency"),
    )
    kind, identifier = map(text_of, take(subject, "The subject", ("kind", "id")))
    payment, decision, text, own_consistency = extras
    key, size, root = signed_head(key, note, key_text, report)
    if not isinstance(given, list) or not given:
        raise Unreadable("The receipt holds no entries.")
    report.about.append(f"A receipt of {kind} {identifier} from the log {key.origin}: {len(given)} entries.")
    checked = [proven_entry(one, size, root, report) for one in given]
    if report.count:
        return
    leaves = [leaf for leaf, _, _ in checked]
    if any(later <= earlier for earlier, later in pairwise(leaves)):
        report.find("The entries are not in the order of the log, or one comes twice.")
    if any((said["subject_kind"], said["subject_id"]) != (kind, identifier) for _, said, _ in checked):
        report.find(f"An entry is not about {kind} {identifier}.")
    recorded, erasures = {}, Erasures()
    for leaf, said, payload in checked:
        if payload is None:
            erasures.lost(leaf, said)
        elif isinstance(payload["after"], dict) and said["action"] not in NOT_TOLD:
            recorded |= payload["after"]
        if said["action"] == ERASURE.decode():
            erasures.erasure(said)
    if erasures.missing:
        report.find("A payload is missing, and no erasure is on record.")
    if not same(record, recorded or None):
        report.find("The record does not say what the entries say.")
    report.proven.append(f"the log, at {size} entries, holds these entries as they stand here; the record is theirs.")
    if any(payload is None for _, _, payload in checked):
        report.unproven.append("what the entries said whose payloads were erased.")
    check_payment(payment, kind, identifier, recorded, key, report)
    check_decision(decision, kind, identifier, checked, report)
    check_text(text, recorded, report)
    report.unproven.append("that there is no other entry about it, or none since: a receipt shows what is in the log,"
                           " an export also what is not.")  # fmt: skip
    say_consistent(own_consistency, consistency, size, root, key, against, report)
    say_key(report, key, key_text)


def signed_head(key, note, key_text, report):
    """The key and the signed size and root of a document."""
    known = known_key(text_of(key), key_text, report)
    try:
        return known, *checkpoint(text_of(note), known)
    except ValueError as error:
        report.find(f"The checkpoint {error}.")
        return known, 0, b""


NOT_TOLD = ("cast_vote", ERASURE.decode())  # these do not say what has become of the noun
SIGNED = ("payment_id", "invoice_id", "client_id", "provider", "method", "currency", "amount_minor", "net_minor")


def check_payment(payment, kind, identifier, recorded, key, report):
    """A payment's `verification_signature`: by the log's key, over its facts."""
    if kind != "payment":
        if payment is not None:
            report.find("A payment's signature stands in a receipt of something else.")
        return
    facts = {**recorded, "payment_id": identifier}
    if "verification_signature" in recorded:
        lines = [f"{name}={facts.get(name)}\n" for name in (*SIGNED, "received_at")]
        own = {"statement": "grace.payment.v1\n" + "".join(lines), "signature": recorded["verification_signature"]}
        if payment is not None and not same(payment, own):
            report.find("The signed statement does not say what the log says of the payment.")
        payment = own
    if payment is None:
        report.unproven.append("the payment's verification_signature: the receipt has none.")
        return
    statement, signature = take(payment, "The payment", ("statement", "signature"))
    try:
        right = key.signed(binary(text_of(signature)), text_of(statement).encode())
    except ValueError:
        right = False
    if not right or f"\npayment_id={identifier}\n" not in statement:
        report.find("The payment's verification_signature is not the log's key's over these facts.")
    report.proven.append("the payment's verification_signature is by the log's key. That says that Grace recorded this"
                         " payment, not that a bank moved the money.")  # fmt: skip


def check_decision(decision, kind, identifier, checked, report):
    """A decision's arguments against their hash, and its votes against the entries of the log."""
    if kind != "decision" or decision is None:
        if decision is not None:
            report.find("A decision stands in a receipt of something else.")
        elif kind == "decision":
            report.unproven.append("the arguments and the votes: the receipt has none.")
        return
    action, arguments, digest, votes = take(
        decision, "The decision", ("action", "arguments", "arguments_sha256", "votes")
    )
    told = [payload["after"] for _, said, payload in checked if payload and said["action"] not in NOT_TOLD]
    hashed = {"action": action, "arguments": arguments}
    try:
        canonical = json.dumps(hashed, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    except (TypeError, UnicodeEncodeError):
        canonical = b""
    if sha256(canonical).hexdigest() != digest:
        report.find("The arguments of the decision do not have the hash that stands beside them.")
    bound = [[one.get("arguments_sha256"), one.get("action")] if isinstance(one, dict) else None for one in told]
    if any(not same(one, [digest, action]) for one in bound):
        report.find("The arguments of the decision are not those that the log bound it to.")
    if told:
        report.proven.append("the decision was on exactly these arguments: their hash is in the log.")
    else:
        report.unproven.append("the decision's arguments: the payloads that hold their hash were erased.")
    cast = []
    for leaf, said, payload in checked:
        if said["action"] == "cast_vote":
            after = payload["after"] if payload and isinstance(payload["after"], dict) else {}
            cast.append({
                "leaf": leaf, "cast_at": moment(said["at"]), "voter_kind": said["principal_kind"],
                "voter": said["principal_id"], "votes_for": said["principal_owner"] or None,
                "approve": after.get("approve"), "reason": payload and payload["reason"],
                "parliament_of_one": after.get("parliament_of_one"),
            })  # fmt: skip
    if not same(votes, cast):
        report.find("The votes are not those that the log holds.")
    report.proven.append(f"these {len(cast)} votes were cast, by whom, when and for which reason.")
    report.unproven.append("that the policy asked for these votes and no others: that is in the policy's text, by the"
                           " version in the record.")  # fmt: skip


def check_text(text, recorded, report):
    """The text of a document, whose hash the log holds."""
    if text is None:
        return
    if not isinstance(text, str) or "sha256" not in recorded:
        report.find("There is a text, and the log holds no hash of it.")
    elif sha256(text.encode("utf-8", "replace")).hexdigest() != recorded["sha256"]:
        report.find("The text is not the one whose hash the log holds.")
    report.proven.append("the text is, to the letter, the one whose hash the log holds.")


def say_consistent(own, path, size, root, key, against, report):
    """Compare the head of a receipt or proof with checkpoints kept elsewhere."""
    links = [(size, size, [])]
    if own is not None:
        old_size, old_root, proof = take(own, "The consistency proof", ("size", "root", "proof"))
        links.append((whole(old_size), size, proof_of(proof)))
        if not continues(old_size, size, hash_of(old_root), root, links[-1][2]):
            report.find(f"The log does not continue the state of {old_size} entries that stands in the file.")
    if not against:
        report.unproven.append("that the log still begins as others saw it: verify --against a checkpoint kept"
                               " elsewhere.")  # fmt: skip
        return
    if path:
        _, _, old, new, proof = take(read_json(path), "The consistency proof", CONSISTENCY)
        sizes = [whole(take(head, "A state of the log", STATE)[0]) for head in (old, new)]
        links.append((*sizes, proof_of(proof)))
    kept, shown = outside_checkpoints(against, key, report), 0
    for other, other_root in kept.items():
        for small, large, proof in links:
            if {small, large} == {other, size}:
                shown = max(shown, other)
                roots = (other_root, root) if other <= size else (root, other_root)
                if not continues(small, large, *roots, proof):
                    report.find(f"The log does not continue the checkpoint of {other} entries kept elsewhere: the"
                                " history was rewritten.")  # fmt: skip
    if kept and not shown:
        report.find(f"Nothing leads from the checkpoint of {max(kept)} entries that was kept elsewhere to the one of"
                    f" {size} here. Ask for the receipt with since={max(kept)}, or add --consistency.")  # fmt: skip
    report.proven.append(f"the log is one history with the checkpoint of {shown} entries that was kept elsewhere.")


CONSISTENCY = ("format", "key", "old", "new", "proof")
STATE = ("size", "root", "checkpoint")


def verify_consistency(document, key_text, against, report):
    """A proof that one state of the log continues another."""
    _, key_said, old, new, proof = take(document, "The consistency proof", CONSISTENCY)
    key = known_key(text_of(key_said), key_text, report)
    heads = []
    for head in (old, new):
        size, root, note = take(head, "A state of the log", STATE)
        heads.append((whole(size), hash_of(root)))
        try:
            if note is not None and checkpoint(text_of(note), key) != heads[-1]:
                raise ValueError("says something else")
        except ValueError as error:
            report.find(f"The checkpoint of {size} entries {error}.")
        if note is None:
            report.unproven.append(f"that the log ever had the state of {size} entries: no checkpoint is of that size.")
    (old_size, old_root), (new_size, new_root) = heads
    if not continues(old_size, new_size, old_root, new_root, proof_of(proof)):
        report.find(f"The log of {new_size} entries does not continue the one of {old_size}.")
    for size, root in outside_checkpoints(against, key, report).items() if against else ():
        if size in (old_size, new_size) and root != (old_root if size == old_size else new_root):
            report.find(f"The checkpoint of {size} entries that was kept elsewhere says otherwise.")
    report.about.append(f"A proof of consistency from the log {key.origin}: {old_size} and {new_size} entries.")
    report.proven.append(f"the log of {new_size} entries begins with all {old_size} entries, unchanged.")
    say_key(report, key, key_text)


def verify_entry(document, key_text, against, consistency, report):
    """The proof of one entry."""
    _, key, note, entry = take(document, "The proof", ("format", "key", "checkpoint", "entry"))
    key, size, root = signed_head(key, note, key_text, report)
    report.about.append(f"A proof of one entry from the log {key.origin}.")
    if not report.count and proven_entry(entry, size, root, report):
        report.proven.append(f"the log, at {size} entries, holds this entry as it stands here.")
        say_consistent(None, consistency, size, root, key, against, report)
        say_key(report, key, key_text)


def read_json(path):
    with open(path, "rb") as file:
        data = file.read(LARGEST_DOCUMENT + 1)
    if len(data) > LARGEST_DOCUMENT:
        raise Unreadable(f"{path} is larger than any receipt.")
    return load(data)


def verify(path, against=None, key=None, consistency=None):
    """The report on a file. Unreadable when it is none of Grace's or not whole."""
    report = Report()
    if key:
        Key(key.strip())
    with open(path, "rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        file = gzip.GzipFile(fileobj=raw) if packed else raw
        try:
            if file.read(18) == b"grace-audit-export":
                file.seek(0)
                verify_export(lines_of(file), key, against, report)
                return report
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise Unreadable(f"{path} is not whole: {error}.") from None
    document = read_json(path)
    kind = document.get("format") if isinstance(document, dict) else None
    if kind == "grace-receipt-1":
        verify_receipt(document, key, against, consistency, report)
    elif kind == "grace-entry-proof-1":
        verify_entry(document, key, against, consistency, report)
    elif kind == "grace-consistency-1":
        verify_consistency(document, key, against, report)
    else:
        raise Unreadable(f"{path} is no export, receipt or proof that this program knows.")
    return report


def printable(line):
    """A file may hold anything; a terminal shall not obey it."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Verify an export, a receipt or a proof of a Grace audit log.")
    parser.add_argument("file")
    parser.add_argument("--against", metavar="CHECKPOINT", help="a file of checkpoints that was kept elsewhere")
    parser.add_argument("--key", help="the log's public key, known from elsewhere: origin+key id+base64")
    parser.add_argument("--consistency", metavar="FILE", help="a proof from a checkpoint kept elsewhere to a receipt's")
    parser.add_argument("--json", action="store_true", help="one JSON object on one line")
    given = parser.parse_args(arguments)
    try:
        report = verify(given.file, given.against, given.key, given.consistency)
    except Unreadable as error:
        print(printable(f"{given.file} cannot be verified. {error}"), file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{error.filename or given.file} cannot be read: {error.strerror}.", file=sys.stderr)
        return 2
    if given.json:
        said = {"ok": not report.count, "findings": report.findings, "lines": list(report.lines())}
        print(json.dumps(said, ensure_ascii=False))
    else:
        for line in report.lines():
            print(printable(line))
    return 1 if report.count else 0


if __name__ == "__main__":
    sys.exit(main())
