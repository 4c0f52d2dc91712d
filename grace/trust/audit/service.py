"""Recording entries and erasing their payloads, in the transaction of the change they tell of."""

import os
from functools import lru_cache
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary, WeakSet

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from psycopg import AsyncConnection

from grace.kit.keys import Keys
from grace.kit.tx import Part, Principal, Tx, joined
from grace.trust.audit.models import StoredSigner
from grace.trust.audit.queries import stored_signer
from grace.trust.audit.rules import canonical, payload
from grace.trust.audit.rules.notes import Signer

ERASED = "erase_audit_payload"
_KEY_PURPOSE = "audit-signing"
_signers: WeakKeyDictionary[AsyncConnection, Signer] = WeakKeyDictionary()
_made_in: WeakSet[Tx] = WeakSet()
"""Transactions that made the signer: should one roll back, its key never was."""


class _Said(NamedTuple):
    principal: Principal
    action: str
    subject_kind: str
    subject_id: str
    reason: str | None
    before: Any
    after: Any


class _Recorded(NamedTuple):
    action: str
    subject_kind: str
    subject_id: str
    header: bytes
    commitment: bytes
    salt: bytes
    payload: bytes


def record(
    tx: Tx,
    *,
    action: str,
    subject: tuple[str, str],
    reason: str | None = None,
    before: Any = None,
    after: Any = None,
) -> None:
    """Say what the principal did (`issue_invoice`), to what (`("invoice", "in_…")`), why, and the change.

    `subject` and `action` stay for ever and must hold no personal data. `reason`, `before` and `after` can be erased
    later: mappings, kept as they are given, or row dataclasses, of which what is the same in both is left out. What is
    named or looks like a secret is redacted. All entries of a transaction are made and written in one statement just
    before its commit: what is given here stays as it is until then, or `after` is a function that makes it then.
    """
    tx.at_commit(_store, _Said(tx.principal, action, *subject, reason, before, after))


def _recorded(tx: Tx, said: _Said) -> _Recorded:
    header = canonical.Header(
        at=tx.now,
        recorded_at=tx.real_now,
        principal_kind=said.principal.kind,
        principal_id=said.principal.id,
        principal_owner=said.principal.owner or "",
        action=said.action,
        subject_kind=said.subject_kind,
        subject_id=said.subject_id,
        request_id=tx.request_id,
    )
    after = said.after() if callable(said.after) else said.after
    before, after = payload.change(said.before, after)
    body = canonical.payload_bytes(reason=payload.plain(said.reason), before=before, after=after)
    salt = os.urandom(canonical.SALT_BYTES)
    return _Recorded(
        action=said.action,
        subject_kind=said.subject_kind,
        subject_id=said.subject_id,
        header=canonical.header_bytes(header),
        commitment=canonical.commitment(salt, body),
        salt=salt,
        payload=body,
    )


async def erase_payload(tx: Tx, *, subject: tuple[str, str], reason: str | None = None) -> int:
    """Erase payloads and salts of all stored entries about a subject; how many. Recorded as an entry itself.

    Every proof still holds. Entries that this transaction has recorded so far are not stored yet and stay.
    """
    kind, identifier = subject
    erased = int(await tx.value("select audit_erase_payload(%(kind)s, %(id)s)", kind=kind, id=identifier))
    record(tx, action=ERASED, subject=subject, reason=reason, after={"entries": erased})
    return erased


async def signer(tx: Tx) -> Signer:
    """As `load_or_create_signer`, read once per connection: the key of a database never changes.

    A connection is of one database, so that one that was dropped and made again has its own.
    """
    known = _signers.get(tx.connection)
    if known is None:
        stored = await stored_signer(tx.connection)
        if stored is None:  # made now, and known to others only when this transaction commits
            return await load_or_create_signer(tx)
        known = open_signer(tx.keys, stored)
        if tx not in _made_in:
            _signers[tx.connection] = known
    return known


async def load_or_create_signer(tx: Tx) -> Signer:
    """The workspace's signer; its Ed25519 key is made on first use and kept encrypted under the master key.

    OtherKey when the stored key was replaced or the master key is another.
    """
    for _ in range(2):
        stored = await stored_signer(tx.connection)
        if stored is not None:
            return open_signer(tx.keys, stored)
        fresh = Ed25519PrivateKey.generate()
        public = fresh.public_key().public_bytes_raw()
        _made_in.add(tx)
        await tx.execute(
            "insert into audit_signer (origin, public_key, sealed_private_key)"
            " values (%(origin)s, %(public)s, %(private)s) on conflict do nothing",
            origin=f"grace/{tx.workspace.handle}",
            public=public,
            private=tx.keys.seal(_KEY_PURPOSE, fresh.private_bytes_raw(), bound_to=public),
        )
    raise LookupError("the signer that another transaction made is not visible")


def open_signer(keys: Keys, stored: StoredSigner) -> Signer:
    """The signer that is stored; OtherKey when the master key did not seal it."""
    private = keys.open(_KEY_PURPOSE, stored.sealed_private_key, bound_to=stored.public_key)
    return Signer(stored.origin, private)


async def _store(tx: Tx, said: list[_Said]) -> Part:
    entries = [_recorded(tx, one) for one in said]
    while len(entries) > _ENTRIES_PER_STATEMENT:
        some, entries = entries[:_ENTRIES_PER_STATEMENT], entries[_ENTRIES_PER_STATEMENT:]
        part = _part(tx, some)
        await tx.execute(joined([part]), **part.params)
    return _part(tx, entries)


def _part(tx: Tx, entries: list[_Recorded]) -> Part:
    params: dict[str, Any] = {"audit_at": tx.now, "audit_principal": tx.principal.id}
    for n, entry in enumerate(entries):
        for name, value in zip(_Recorded._fields, entry, strict=True):
            params[f"{name}{n}"] = value
    return Part(_tables(len(entries)), params)


@lru_cache(maxsize=64)
def _tables(count: int) -> str:
    """The tables of `count` entries. Rows of VALUES cost the client half of what arrays cost, and one entry,
    the most frequent case, needs no join to find its payload's id."""
    entries = _ENTRIES.replace("<rows>", _rows(_ENTRY_ROW, count))
    payloads = _PAYLOAD if count == 1 else _PAYLOADS.replace("<rows>", _rows(_PAYLOAD_ROW, count))
    stored = f"insert into audit_payload (entry_id, salt, payload) {payloads}"
    return f"audit_row as ({entries}), audit_payload_row as ({stored})"


def _rows(row: str, count: int) -> str:
    return ", ".join(row.replace("#", str(n)) for n in range(count))


_ENTRIES_PER_STATEMENT = 1_000
_ENTRY_ROW = (
    "(%(audit_at)s, %(audit_principal)s, %(action#)s, %(subject_kind#)s, %(subject_id#)s, %(header#)s, %(commitment#)s)"
)
_PAYLOAD_ROW = "(%(commitment#)s, %(salt#)s, %(payload#)s)"
_ENTRIES = (
    "insert into audit_entry (at, principal_id, action, subject_kind, subject_id, header,"
    " commitment) values <rows> returning id, commitment"
)
_PAYLOAD = "select id, %(salt0)s, %(payload0)s from audit_row"
_PAYLOADS = (
    "select e.id, p.salt, p.payload from audit_row e"
    " join (values <rows>) as p (commitment, salt, payload) using (commitment)"
)
