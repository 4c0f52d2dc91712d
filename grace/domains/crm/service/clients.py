"""Clients: found or made from what a caller knows of them, and changed."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from decimal import Decimal
from typing import Any

import psycopg

from grace.domains.crm import queries
from grace.domains.crm.errors import ClientNotFound, DuplicateClient, StaleVersion, UnknownSource
from grace.domains.crm.facts import ClientChanged, ClientCreated
from grace.domains.crm.models import CLIENT_PREFIX, EXTERNAL_ID_LENGTH, Client, FoundClient
from grace.domains.crm.queries import Reference
from grace.domains.crm.rules.identity import IdentityKeys, fits_a_path, identity_keys
from grace.domains.crm.rules.sources import SHIPPED, is_source
from grace.domains.crm.schemas.clients import LEAD_SOURCES
from grace.kit import json
from grace.kit.errors import Invalid
from grace.kit.ids import is_id, new_id
from grace.kit.tx import Tx
from grace.trust.audit import service as audit

# Details that a later capture, or a merge, adds where there is nothing yet.
FILLABLE = ("email", "company", "industry", "budget_range", "country", "timezone", "address", "tax_id", "notes")
_IDENTITY = ("email", "company")
_COLUMNS = (
    "name", "email", "company", "industry", "budget_range", "source", "country", "timezone", "preferred_contact",
    "address", "tax_id", "notes", "metadata", "status",
)  # fmt: skip


async def create_client(tx: Tx, *, details: Mapping[str, Any], external_id: str | None = None) -> FoundClient:
    """Make a client, or find the one that is meant: by external id, else e-mail, else domain and name.

    `details` are columns by name, checked by the caller; `name` and `source` are needed. A client that is
    found keeps what is known of it: only empty columns are filled in, and the external id becomes one of its.
    UnknownSource unless the source is one that Grace knows or the workspace has added.
    """
    await check_source(tx, details["source"])
    if external_id is not None:
        _check_external_id(external_id)
        await tx.execute("select pg_advisory_xact_lock(hashtextextended(%(id)s, 0))", id=f"client {external_id}")
    keys = _keys(details)
    match = await queries.match(tx, keys, external_id=external_id)
    if match is None:
        client = await _insert(tx, details, keys)
        if client is not None:
            client = await _name(tx, client, external_id)
            tx.emit(ClientCreated(client.id, client.version, client.source))
            audit.record(tx, action="create_client", subject=("client", client.id), after=client)
            return FoundClient(client, created=True, matched_by=None)
        match = await queries.match(tx, keys)  # another request made it since we looked
        if match is None:
            raise LookupError("a client was refused as a duplicate of nobody")
    client = await locked(tx, match.id)
    client = await fill_client(tx, client, details)
    return FoundClient(await _name(tx, client, external_id), created=False, matched_by=match.reason)


async def check_source(tx: Tx, source: str) -> None:
    """UnknownSource unless it is shipped or the workspace's own. What an import brings is its own matter."""
    if is_source(source):
        return
    own = (await LEAD_SOURCES.read(tx)).own
    if not is_source(source, own=frozenset(own)):
        raise UnknownSource(source, [*SHIPPED, *sorted(own)])


async def client_for(tx: Tx, reference: Reference) -> Client:
    """The client that a money door names; text that is nobody's id yet makes a client of that name.

    ClientNotFound for an unknown number, and for an unknown id of our own making.
    """
    client = await queries.find_client(tx, reference)
    if client is not None:
        return client
    if isinstance(reference, int) or is_id(reference, CLIENT_PREFIX):
        raise ClientNotFound(reference)
    found = await create_client(tx, details={"name": reference, "source": "api"}, external_id=reference)
    return found.client


async def change_client(
    tx: Tx, *, reference: Reference, changes: Mapping[str, Any], version: int | None = None
) -> Client:
    """Set columns by name. StaleVersion when `version` is given and not the present one; DuplicateClient when
    the new e-mail, or domain and name, are another client's; UnknownSource for a new source that nobody named."""
    before = await locked(tx, reference)
    if version is not None and version != before.version:
        raise StaleVersion(before.version)
    after = replace(before, **changes)
    if after == before:
        return before
    if after.source != before.source:
        await check_source(tx, after.source)
    keys = _keys(asdict(after))
    other = await queries.match(tx, keys, besides=before.id)
    if other is not None:
        raise DuplicateClient(other.reason, other.id)
    return await store(tx, before, after, action="change_client")


async def locked(tx: Tx, reference: Reference) -> Client:
    """The client, kept from changing until the transaction ends. One that is merged meanwhile is followed."""
    named: str | None = reference if isinstance(reference, str) and is_id(reference, CLIENT_PREFIX) else None
    while True:
        named = named or (await queries.client(tx, reference)).id
        row = await tx.first(
            Client,
            f"select {queries.COLUMNS} from client c where id = %(id)s and merged_into is null for no key update",
            id=named,
        )
        if row is not None:
            return row
        named = None


async def set_lifetime_value(tx: Tx, client: Client, *, lifetime_value_minor: int) -> bool:
    """Keep what a locked client has paid, in the workspace's currency; False when it was known."""
    figures = {"lifetime_value_minor": lifetime_value_minor}
    return await _set_figures(tx, client, figures, action="recompute_lifetime_value")


async def set_track_record(tx: Tx, client: Client, *, total_projects: int, satisfaction_score: Decimal | None) -> bool:
    """Keep how much was done for a client, whom the caller has locked, and how satisfied it is (0 to 10); False when
    it was known."""
    figures = {"total_projects": total_projects, "satisfaction_score": satisfaction_score}
    return await _set_figures(tx, client, figures, action="recompute_track_record")


async def _set_figures(tx: Tx, before: Client, figures: Mapping[str, Any], *, action: str) -> bool:
    known = {name: getattr(before, name) for name in figures}
    if known == figures:
        return False
    await tx.execute(
        f"update client set {', '.join(f'{name} = %({name})s' for name in figures)}, version = version + 1"
        " where id = %(id)s",
        id=before.id,
        **figures,
    )
    tx.emit(ClientChanged(before.id, before.version + 1))
    audit.record(tx, action=action, subject=("client", before.id), before=known, after=figures)
    return True


async def store(tx: Tx, before: Client, after: Client, *, action: str, reason: str | None = None) -> Client:
    """Write a client's new details with its identity keys, its version raised, fact and audit entry."""
    after = replace(after, version=before.version + 1, updated_at=tx.now)
    try:
        await tx.execute(
            f"update client set {', '.join(f'{name} = %({name})s' for name in _COLUMNS)}, {_SET_KEYS}"
            " version = %(version)s, updated_at = %(now)s where id = %(id)s",
            **_values(asdict(after)),
            **_key_values(_keys(asdict(after))),
            version=after.version,
            now=tx.now,
            id=after.id,
        )
    except psycopg.errors.UniqueViolation as error:
        raise DuplicateClient("same e-mail or name") from error
    tx.emit(ClientChanged(after.id, after.version))
    audit.record(tx, action=action, subject=("client", after.id), reason=reason, before=before, after=after)
    return after


def blanks(client: Client, known: Mapping[str, Any]) -> dict[str, Any]:
    """What `known` adds where the client has nothing."""
    return {name: known[name] for name in FILLABLE if getattr(client, name) is None and known.get(name) is not None}


async def fill_client(tx: Tx, client: Client, details: Mapping[str, Any]) -> Client:
    """Fill in what is empty; an identity that is another client's is left to a merge."""
    added = blanks(client, details)
    if not added:
        return client
    if any(name in added for name in _IDENTITY):
        other = await queries.match(tx, _keys(asdict(replace(client, **added))), besides=client.id)
        if other is not None:
            added = {name: value for name, value in added.items() if name not in _IDENTITY}
    return await store(tx, client, replace(client, **added), action="fill_client") if added else client


async def _insert(tx: Tx, details: Mapping[str, Any], keys: IdentityKeys) -> Client | None:
    """The new row; None when it is another client's identity."""
    values = _values({"preferred_contact": "email", "status": "active", "metadata": {}, **details})
    return await tx.first(
        Client,
        f"insert into client as c (id, created_at, email_key, domain_key, name_key, {', '.join(_COLUMNS)})"
        f" values (%(id)s, %(now)s, %(email_key)s, %(domain_key)s, %(name_key)s,"
        f" {', '.join(f'%({name})s' for name in _COLUMNS)}) on conflict do nothing returning {queries.COLUMNS}",
        id=new_id(CLIENT_PREFIX),
        now=tx.now,
        **_key_values(keys),
        **values,
    )


async def _name(tx: Tx, client: Client, external_id: str | None) -> Client:
    """Add an external id to a client's own; the caller holds the external id's lock."""
    if external_id is None or external_id in client.external_ids:
        return client
    added = await tx.execute(
        "insert into client_external_id (external_id, client_id) values (%(external)s, %(id)s) on conflict do nothing",
        external=external_id,
        id=client.id,
    )
    return replace(client, external_ids=[*client.external_ids, external_id]) if added else client


def _check_external_id(external_id: str) -> None:
    if not 1 <= len(external_id) <= EXTERNAL_ID_LENGTH or not external_id.isprintable():
        raise Invalid(f"An external id is 1 to {EXTERNAL_ID_LENGTH} printable characters.")
    if not fits_a_path(external_id):
        raise Invalid("An external id may not be . or .., for it could not stand in an address.")
    if is_id(external_id, CLIENT_PREFIX):
        raise Invalid("An external id may not have the form of Grace's own ids.")


def _keys(details: Mapping[str, Any]) -> IdentityKeys:
    return identity_keys(name=details["name"], email=details.get("email"), company=details.get("company"))


_SET_KEYS = "email_key = %(email_key)s, domain_key = %(domain_key)s, name_key = %(name_key)s,"


def _key_values(keys: IdentityKeys) -> dict[str, str | None]:
    return {"email_key": keys.email, "domain_key": keys.domain, "name_key": keys.name}


def _values(details: Mapping[str, Any]) -> dict[str, Any]:
    """The columns' values; what is not given is null."""
    return {name: details.get(name) for name in _COLUMNS} | {"metadata": json.dumps(details["metadata"])}
