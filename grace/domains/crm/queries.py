"""Questions about clients. Every look-up follows merges: it answers with the client that stands for them now."""

from dataclasses import asdict, dataclass
from typing import Any

from grace.domains.crm.errors import ClientNotFound
from grace.domains.crm.models import Client
from grace.domains.crm.rules.identity import IdentityKeys, MatchReason
from grace.kit.ids import number_of
from grace.kit.paging import ordering
from grace.kit.tx import Tx

Reference = str | int
"""How callers name a client: its id, an id of their own, or its number."""
SAME_EXTERNAL_ID = "same external id"

COLUMNS = """c.id, c.number, c.name, c.email, c.company, c.industry, c.budget_range, c.source, c.country, c.timezone,
    c.preferred_contact, c.address, c.tax_id, c.notes, c.metadata, c.status, c.lifetime_value_minor,
    c.total_projects, c.satisfaction_score, c.merged_into, c.version, c.created_at, c.updated_at,
    array(select external_id from client_external_id x where x.client_id = c.id order by position) as external_ids,
    array(select id from client m where m.merged_into = c.id order by number) as merged_ids"""

# The client row that a reference names, whether it was merged or not.
BY_REFERENCE = """select coalesce(
    (select id from client where id = %(text)s),
    (select client_id from client_external_id where external_id = %(text)s),
    (select id from client where number = %(number)s)) as id"""


def reference_values(reference: Reference) -> dict[str, Any]:
    """The parameters of `BY_REFERENCE`: an integer is a number; text an id, then an external id, then a number."""
    return {"text": reference if isinstance(reference, str) else None, "number": number_of(reference)}


async def find_client(tx: Tx, reference: Reference) -> Client | None:
    """The client that a caller names."""
    return await tx.first(
        Client,
        f"with recursive named as ({BY_REFERENCE}), chain as ("
        " select c.id, c.merged_into from client c join named on c.id = named.id"
        " union all select c.id, c.merged_into from client c join chain on c.id = chain.merged_into)"
        f" select {COLUMNS} from client c join chain on chain.id = c.id where c.merged_into is null",
        **reference_values(reference),
    )


async def client(tx: Tx, reference: Reference) -> Client:
    """As `find_client`; ClientNotFound when there is none."""
    found = await find_client(tx, reference)
    if found is None:
        raise ClientNotFound(reference)
    return found


@dataclass(frozen=True, slots=True)
class Match:
    """A client that some details name, and why ("same e-mail")."""

    id: str
    reason: str


async def match(
    tx: Tx, keys: IdentityKeys, *, external_id: str | None = None, besides: str | None = None
) -> Match | None:
    """The best match: by external id, by e-mail, by domain and name. The id may be that of a merged client.

    `besides` leaves out one client and what was merged into it.
    """
    return await tx.first(
        Match,
        "select id, reason from ("
        " select client_id as id, %(by_external)s as reason, 0 as rank from client_external_id"
        " where external_id = %(external)s"
        " union all select id, %(by_email)s, 1 from client where email_key = %(email)s"
        " union all select id, %(by_name)s, 2 from client where domain_key = %(domain)s and name_key = %(name)s"
        ") found join client c using (id)"
        " where %(besides)s::text is null or %(besides)s not in (c.id, coalesce(c.merged_into, ''))"
        " order by rank, c.merged_into is not null, c.number limit 1",
        external=external_id,
        email=keys.email,
        domain=keys.domain,
        name=keys.name,
        by_external=SAME_EXTERNAL_ID,
        by_email=MatchReason.EMAIL.value,
        by_name=MatchReason.DOMAIN_AND_NAME.value,
        besides=besides,
    )


async def family(tx: Tx, client_id: str) -> list[str]:
    """The ids that stand for one client: its own, then those merged into it, directly or by way of another."""
    return await tx.all(
        str,
        "with recursive family as (select id, number, 0 as depth from client where id = %(id)s"
        " union all select c.id, c.number, depth + 1 from client c join family on c.merged_into = family.id)"
        " select id from family order by depth, number",
        id=client_id,
    )


@dataclass(frozen=True, slots=True)
class ClientFilter:
    """Which clients to list; None does not filter. `q` is looked for in name, e-mail and company."""

    q: str | None = None
    status: str | None = None
    source: str | None = None
    country: str | None = None


SORTS = {
    "number": "c.number",
    "name": "lower(c.name)",
    "company": "lower(coalesce(c.company, ''))",
    "lifetime_value": "c.lifetime_value_minor",
    "created_at": "c.created_at",
}


async def clients(tx: Tx, where: ClientFilter, *, sort: str, after: str | None, limit: int) -> list[Client]:
    """A page of the clients that stand for themselves."""
    order = ordering(sort, table="client c", columns=SORTS)
    return await tx.all(
        Client,
        f"select {COLUMNS} from client c where c.merged_into is null and {order.after}"
        " and (%(status)s::text is null or c.status = %(status)s)"
        " and (%(source)s::text is null or c.source = %(source)s)"
        " and (%(country)s::text is null or lower(c.country) = lower(%(country)s))"
        " and (%(q)s::text is null"
        " or position(lower(%(q)s) in lower(concat_ws(' ', c.name, c.email, c.company))) > 0)"
        f" order by {order.by} limit %(limit)s",
        after=after,
        limit=limit,
        **asdict(where),
    )
