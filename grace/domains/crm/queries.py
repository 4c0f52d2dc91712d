"""Questions about clients. Every look-up follows merges: it answers with the client that stands for them now."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from grace.domains.crm.errors import ClientNotFound, LeadNotFound
from grace.domains.crm.models import Client, Interaction, Lead
from grace.domains.crm.rules.identity import IdentityKeys, MatchReason
from grace.domains.crm.rules.stages import Stage
from grace.kit.ids import number_of
from grace.kit.paging import ordering
from grace.kit.tx import Tx
from grace.kit.words import found_in, matching, words_of

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


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a client is looked for by, the surest first. `company` is one that is the client itself: it has no
    address, and is known by its name."""

    external_id: str | None
    email: str | None
    domain: str | None
    name: str | None
    company: str | None

    def ways(self) -> list[tuple[int, str, str]]:
        """The same as keys, each with its rank (0 is the surest); equal keys are one client."""
        domain_and_name = f"{self.domain} {self.name}" if self.domain and self.name else None
        ways = enumerate((self.external_id, self.email, domain_and_name, self.company))
        return [(rank, "client", value) for rank, value in ways if value is not None]


@dataclass(frozen=True, slots=True)
class Found:
    """The standing client that the wanted one at `place` is, and how sure that is (0 is the surest)."""

    place: int
    id: str
    rank: int


async def matches(tx: Tx, wanted: Sequence[Wanted]) -> dict[int, Found]:
    """The best match of each that has one, by its place: as `match`, and by the company's own name."""
    columns = {f.name: [getattr(one, f.name) for one in wanted] for f in fields(Wanted)}
    rows = await tx.all(
        Found,
        "with recursive wanted as (select * from unnest(%(external_id)s::text[], %(email)s::text[],"
        " %(domain)s::text[], %(name)s::text[], %(company)s::text[]) with ordinality"
        " as w (external_id, email, domain, name, company, place)),"
        " found as (select place, client_id as id, 0 as rank from wanted join client_external_id using (external_id)"
        " union all select place, id, 1 from wanted w join client c on c.email_key = w.email"
        " union all select place, id, 2 from wanted w join client c on c.domain_key = w.domain and c.name_key = w.name"
        " union all select place, id, 3 from wanted w join client c on c.domain_key is null and c.name_key = w.company"
        " and c.email_key is null and c.company is not null),"
        " best as (select distinct on (place) place, c.id, rank, c.merged_into from found join client c using (id)"
        " order by place, rank, c.merged_into is not null, c.number),"
        " chain as (select * from best union all select place, c.id, rank, c.merged_into"
        " from chain join client c on c.id = chain.merged_into)"
        " select place - 1 as place, id, rank from chain where merged_into is null",
        **columns,
    )
    return {row.place: row for row in rows}


async def known_lead_ids(tx: Tx, external_ids: Sequence[str]) -> set[str]:
    """Those of the callers' ids that name a lead."""
    return set(
        await tx.all(str, "select external_id from lead where external_id = any(%(ids)s)", ids=list(external_ids))
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
    """Which clients to list; None does not filter. The words of `q` begin some of name, e-mail and company."""

    q: str | None = None
    status: str | None = None
    source: str | None = None
    country: str | None = None


CLIENT_FOUND = found_in(words_of("c.name || ' ' || coalesce(c.company, '') || ' ' || coalesce(c.email, '')"))
"""Whether the words that are searched for begin some of a client's name, company and e-mail."""
_FOUND = f"select c.id from client c where {CLIENT_FOUND}"
SORTS = {
    "number": "c.number",
    "name": "lower(c.name)",
    "company": "lower(coalesce(c.company, ''))",
    "lifetime_value": "c.lifetime_value_minor",
    "created_at": "c.created_at",
}


def of_found_clients(table: str) -> str:
    """The ids of a table's rows whose clients are searched for: by the index of each, whatever the planner thinks."""
    return (
        f"select r.id from (select c.id from client c where {CLIENT_FOUND} limit %(most)s) c"
        f" cross join lateral (select id from {table} where client_id = c.id limit %(most)s) r"
    )


async def clients(tx: Tx, where: ClientFilter, *, sort: str, after: str | None, limit: int) -> list[Client]:
    """A page of the clients that stand for themselves."""
    order = ordering(sort, table="client c", columns=SORTS)
    fits = await matching(tx, where.q, "c.id", where=CLIENT_FOUND, by=(_FOUND,))
    return await tx.all(
        Client,
        f"select {COLUMNS} from client c where c.merged_into is null and {order.after}"
        " and (%(status)s::text is null or c.status = %(status)s)"
        " and (%(source)s::text is null or c.source = %(source)s)"
        " and (%(country)s::text is null or lower(c.country) = lower(%(country)s))"
        f" and {fits.sql} order by {order.by} limit %(limit)s",
        after=after,
        limit=limit,
        **fits.params,
        **asdict(where),
    )


LEAD_COLUMNS = """l.id, l.number, l.client_id, l.external_id, l.source, l.stage, l.score, l.probability, l.currency,
    l.value_estimate_minor, l.budget_minor, l.project_type, l.requirements, l.timeline, l.notes, l.metadata,
    l.qualification_data, l.ml_features, l.qualified_at, l.converted_at, l.lost_at, l.lost_reason, l.next_action,
    l.next_action_date, l.follows, l.stage_since, l.created_at, l.updated_at, l.version"""
LEAD_NAMED = """l.id = coalesce((select id from lead where id = %(text)s),
    (select id from lead where external_id = %(text)s), (select id from lead where number = %(number)s))"""


async def lead(tx: Tx, reference: Reference) -> Lead:
    """The lead that a caller names; LeadNotFound when there is none."""
    found = await tx.first(Lead, f"select {LEAD_COLUMNS} from lead l where {LEAD_NAMED}", **reference_values(reference))
    if found is None:
        raise LeadNotFound(reference)
    return found


async def locked_lead(tx: Tx, reference: Reference) -> Lead:
    """As `lead`, locked for a change."""
    found = await tx.first(
        Lead, f"select {LEAD_COLUMNS} from lead l where {LEAD_NAMED} for update", **reference_values(reference)
    )
    if found is None:
        raise LeadNotFound(reference)
    return found


async def lead_by_external_id(tx: Tx, external_id: str) -> Lead | None:
    """The lead that the caller's own id names."""
    return await tx.first(Lead, f"select {LEAD_COLUMNS} from lead l where l.external_id = %(id)s", id=external_id)


async def has_follower(tx: Tx, lead_id: str) -> bool:
    """Whether a further lead of the client followed from this one."""
    return bool(await tx.value("select exists (select from lead where follows = %(id)s)", id=lead_id))


@dataclass(frozen=True, slots=True)
class LeadFilter:
    """Which leads to list; None does not filter."""

    stage: str | None = None
    source: str | None = None
    client_id: str | None = None


LEAD_SORTS = {
    "number": "l.number",
    "score": "l.score",
    "value_estimate": "l.value_estimate_minor",
    "created_at": "l.created_at",
    "stage_since": "l.stage_since",
}


async def leads(tx: Tx, where: LeadFilter, *, sort: str, after: str | None, limit: int) -> list[Lead]:
    """A page of leads."""
    order = ordering(sort, table="lead l", columns=LEAD_SORTS)
    return await tx.all(
        Lead,
        f"select {LEAD_COLUMNS} from lead l where {order.after}"
        " and (%(stage)s::text is null or l.stage = %(stage)s)"
        " and (%(source)s::text is null or l.source = %(source)s)"
        " and (%(client_id)s::text is null or l.client_id = %(client_id)s)"
        f" order by {order.by} limit %(limit)s",
        after=after,
        limit=limit,
        **asdict(where),
    )


async def interactions(tx: Tx, *, client_id: str, lead_id: str | None, limit: int) -> list[Interaction]:
    """What was said with a client, the latest first; only about one lead when it is named."""
    return await tx.all(
        Interaction,
        "select id, client_id, lead_id, project_id, interaction_type, channel, content, sentiment, automated,"
        " grace_generated, human_approved, metadata, created_at from interaction where client_id = %(client)s"
        " and (%(lead)s::text is null or lead_id = %(lead)s) order by created_at desc, id desc limit %(limit)s",
        client=client_id,
        lead=lead_id,
        limit=limit,
    )


@dataclass(frozen=True, slots=True)
class StuckLead:
    """A lead that has stood in its stage for longer than twice the usual time."""

    lead_id: str
    stage: str
    days: int


async def stuck_leads(tx: Tx, *, usual_days: Mapping[Stage, int], limit: int = 200) -> list[StuckLead]:
    """Open leads that stand still, the longest first."""
    return await tx.all(
        StuckLead,
        "select l.id as lead_id, l.stage, floor(extract(epoch from %(now)s - l.stage_since) / 86400)::int as days"
        " from unnest(%(stages)s::text[], %(days)s::int[]) u (stage, days) cross join lateral (select id, stage,"
        " stage_since from lead where stage = u.stage and stage_since < %(now)s - make_interval(hours => 48 * u.days)"
        " order by stage_since, id limit %(limit)s) l order by l.stage_since, l.id limit %(limit)s",
        now=tx.now,
        stages=[stage.value for stage in usual_days],
        days=list(usual_days.values()),
        limit=limit,
    )
