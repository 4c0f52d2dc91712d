"""Client links: a signed, expiring, revocable token that is the authority to see one thing.

A token is `<workspace>.<secret>`, the secret an HMAC over the link's id and version, so that the same link
can be shown again; only its hash is stored. A new version revokes the old token. Expiry is real time.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from grace.kit.errors import Gone, NotFound
from grace.kit.ids import new_id
from grace.kit.tx import Tx

LIFETIME = timedelta(days=180)
_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Link:
    """One link: `kind` says what may be done ("pay", "proposal", …), `subject` to which noun."""

    id: str
    kind: str
    subject: str
    version: int
    expires_at: datetime


_COLUMNS = "id, kind, subject, version, expires_at"


async def make(tx: Tx, *, kind: str, subject: str, lifetime: timedelta = LIFETIME) -> str:
    """The token of the link of this kind to this subject; made when there is none, or the old one is over."""
    link = await tx.first(
        Link, f"select {_COLUMNS} from link where kind = %(kind)s and subject = %(subject)s", kind=kind, subject=subject
    )
    if link is not None and link.expires_at > tx.real_now:
        return _token(tx, link.id, link.version)
    link_id, version = (link.id, link.version + 1) if link else (new_id("lnk"), 1)
    token = _token(tx, link_id, version)
    await tx.execute(
        "insert into link (id, kind, subject, version, token_hash, expires_at)"
        " values (%(id)s, %(kind)s, %(subject)s, %(version)s, %(hash)s, %(expires)s)"
        " on conflict (id) do update set version = excluded.version, token_hash = excluded.token_hash,"
        " expires_at = excluded.expires_at",
        id=link_id,
        kind=kind,
        subject=subject,
        version=version,
        hash=sha256(token.encode()).digest(),
        expires=tx.real_now + lifetime,
    )
    return token


async def tokens(tx: Tx, *, kind: str, subjects: Sequence[str]) -> dict[str, str]:
    """The tokens of the links of this kind that are not over, by subject."""
    found = await tx.all(
        Link,
        f"select {_COLUMNS} from link where kind = %(kind)s and subject = any(%(subjects)s) and expires_at > %(now)s",
        kind=kind,
        subjects=list(subjects),
        now=tx.real_now,
    )
    return {link.subject: _token(tx, link.id, link.version) for link in found}


async def find(tx: Tx, token: str, *, kind: str) -> Link:
    """The link of a token. NotFound for one that we did not make, Gone for one that is over."""
    link = await tx.first(
        Link,
        f"select {_COLUMNS} from link where token_hash = %(hash)s and kind = %(kind)s",
        hash=sha256(token.encode()).digest(),
        kind=kind,
    )
    if link is None:
        raise NotFound("This link is not known. Ask the sender for a new one.", type="unknown-link")
    if link.expires_at <= tx.real_now:
        raise Gone("This link has expired. Ask the sender for a new one.", type="expired-link")
    return link


async def revoke(tx: Tx, *, kind: str, subject: str) -> None:
    """End the link of this kind to this subject; a later `make` gives another token."""
    await tx.execute(
        "update link set expires_at = %(now)s where kind = %(kind)s and subject = %(subject)s and expires_at > %(now)s",
        now=tx.real_now,
        kind=kind,
        subject=subject,
    )


async def retoken(tx: Tx) -> None:
    """Store the hashes of all tokens anew, for the workspace has another handle now. The old tokens end."""
    last = ""
    while found := await tx.all(
        Link, f"select {_COLUMNS} from link where id > %(last)s order by id limit %(limit)s", last=last, limit=_BATCH
    ):
        await tx.execute(
            "update link set token_hash = t.hash"
            " from unnest(%(ids)s::text[], %(hashes)s::bytea[]) t (id, hash) where link.id = t.id",
            ids=[link.id for link in found],
            hashes=[sha256(_token(tx, link.id, link.version).encode()).digest() for link in found],
        )
        last = found[-1].id


def _token(tx: Tx, link_id: str, version: int) -> str:
    secret = base64.urlsafe_b64encode(tx.keys.mac("links", link_id, str(version))).decode().rstrip("=")
    return f"{tx.workspace.handle}.{secret}"
