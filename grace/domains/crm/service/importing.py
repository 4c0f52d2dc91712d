"""Leads of another CRM's export, many in one transaction: the rules of `capture_lead`, a statement per table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from grace.domains.crm import queries
from grace.domains.crm.facts import ClientCreated, LeadCaptured
from grace.domains.crm.models import CLIENT_PREFIX, INTERACTION_PREFIX, LEAD_PREFIX, Client, Lead
from grace.domains.crm.queries import Found, Wanted
from grace.domains.crm.rules.identity import IdentityKeys, identity_keys, normalise_company
from grace.domains.crm.rules.outlook import predict, suggest_next_action
from grace.domains.crm.rules.stages import LINE, Stage
from grace.domains.crm.schemas.importing import ImportedLead
from grace.domains.crm.service.clients import blanks, fill_client
from grace.kit import json
from grace.kit.errors import Conflict
from grace.kit.ids import new_id
from grace.kit.tx import Tx
from grace.trust.audit import service as audit

MOST = 500
"""How many leads one transaction takes."""


Key = tuple[int, str, str]


class Outcome(StrEnum):
    """What came of a row: a lead of a new client, one of a known client, or a lead that was known already."""

    CREATED = "created"
    MERGED = "merged"
    KNOWN = "known"


@dataclass(slots=True)
class Party:
    """The client that some rows of a batch name: one that is there (`id`), or one to make of `details`."""

    id: str | None
    details: dict[str, Any]
    external_ids: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Planned:
    """A row that becomes a lead of a client."""

    row: ImportedLead
    party: Party


@dataclass(frozen=True, slots=True)
class Plan:
    """What a batch will do: each row's outcome in order, the leads to open, the clients to make."""

    outcomes: list[Outcome]
    leads: list[Planned]
    made: list[Party]


async def import_leads(tx: Tx, rows: Sequence[ImportedLead]) -> list[Outcome]:
    """Open a lead for each row that is not known yet, and make or find its client; what came of each, in order.

    At most 500 rows. Imports into a workspace follow each other; Conflict, with nothing written, when somebody else
    made one of the clients at this moment: do it again.
    """
    if len(rows) > MOST:
        raise ValueError(f"a batch has at most {MOST} rows")
    await tx.execute("select pg_advisory_xact_lock(hashtextextended('import leads', 0))")
    plan = await plan_import(tx, rows)
    made = await _make_clients(tx, plan.made)
    clients = made | await _known_clients(tx, plan)
    await _name_clients(tx, [*plan.made, *(p.party for p in plan.leads)])
    await _open_leads(tx, plan.leads, clients)
    return plan.outcomes


async def plan_import(tx: Tx, rows: Sequence[ImportedLead]) -> Plan:
    """What `import_leads` would do now."""
    known = await queries.known_lead_ids(tx, [row.key for row in rows])
    outcomes: list[Outcome] = []
    fresh: list[ImportedLead] = []
    for row in rows:
        outcomes.append(Outcome.KNOWN if row.key in known else Outcome.CREATED)
        if row.key not in known:
            known.add(row.key)
            fresh.append(row)
    wanted = [wanted_client(row) for row in fresh]
    matches = await queries.matches(tx, wanted)
    parties: dict[tuple[int, str, str], Party] = {}
    leads: list[Planned] = []
    came: list[Outcome] = []
    for place, (row, named) in enumerate(zip(fresh, wanted, strict=True)):
        party, new = _party(row, named.ways(), matches.get(place), parties)
        leads.append(Planned(row, party))
        came.append(Outcome.CREATED if new else Outcome.MERGED)
    coming = iter(came)
    made = list({id(p.party): p.party for p in leads if p.party.id is None}.values())
    return Plan([next(coming) if o is Outcome.CREATED else o for o in outcomes], leads, made)


def _party(row: ImportedLead, keys: list[Key], match: Found | None, parties: dict[Key, Party]) -> tuple[Party, bool]:
    """The row's client among those stored and those that earlier rows of the batch make; True for a new one."""
    earlier = next((key for key in keys if key in parties), None)
    new = False
    if match is not None and (earlier is None or match.rank <= earlier[0]):
        party = parties.setdefault((0, "stored", match.id), Party(match.id, {}))
    elif earlier is not None:
        party = parties[earlier]
        _complete(party.details, row.client())
    else:
        party, new = Party(None, row.client()), True
    if row.client_id is not None and row.client_id not in party.external_ids:
        party.external_ids.append(row.client_id)
    for key in keys:
        parties.setdefault(key, party)
    return party, new


def wanted_client(row: ImportedLead) -> Wanted:
    """What the row's client is known by.

    Where a row names no person and no address, its company is the client, known by its name.
    """
    details = row.client()
    keys = _keys(details)
    alone = row.name is None and row.email is None and row.company is not None
    return Wanted(
        external_id=row.client_id,
        email=keys.email,
        domain=keys.domain,
        name=keys.name,
        company=normalise_company(row.company) if alone and row.company else None,
    )


async def _make_clients(tx: Tx, parties: list[Party]) -> dict[str, Client]:
    """Insert the new clients; gives each party its id."""
    rows = []
    for party in parties:
        party.id = new_id(CLIENT_PREFIX)
        keys = _keys(party.details)
        rows.append(
            {
                **party.details,
                "id": party.id,
                "email_key": keys.email,
                "domain_key": keys.domain,
                "name_key": keys.name,
                "created_at": tx.now,
            }
        )
    if not rows:
        return {}
    names = list(rows[0])
    made = await tx.all(
        Client,
        f"insert into client as c ({', '.join(names)}) select {', '.join(f'r.{name}' for name in names)}"
        " from jsonb_populate_recordset(null::client, %(rows)s::jsonb) with ordinality r order by ordinality"
        f" on conflict do nothing returning {queries.COLUMNS}",
        rows=json.dumps(rows),
    )
    if len(made) < len(rows):
        raise Conflict("One of these clients was made by somebody else at this moment.")
    for client in made:
        tx.emit(ClientCreated(client.id, client.version, client.source))
        audit.record(tx, action="create_client", subject=("client", client.id), reason="import", after=client)
    return {client.id: client for client in made}


async def _known_clients(tx: Tx, plan: Plan) -> dict[str, Client]:
    """The clients that were there, each with what the rows add where it has nothing."""
    wanted = sorted({p.party.id for p in plan.leads if p.party.id} - {party.id for party in plan.made})
    rows = await tx.all(
        Client,
        f"select {queries.COLUMNS} from client c where id = any(%(ids)s) order by id for update",
        ids=wanted,
    )
    clients: dict[str, Client] = {client.id: client for client in rows}
    for planned in plan.leads:
        client = clients.get(planned.party.id or "")
        details = planned.row.client()
        if client is not None and blanks(client, details):
            clients[client.id] = await fill_client(tx, client, details)
    return clients


async def _name_clients(tx: Tx, parties: list[Party]) -> None:
    """Keep the clients' own external ids."""
    pairs = {external: party.id for party in parties for external in party.external_ids}
    if pairs:
        await tx.execute(
            "insert into client_external_id (external_id, client_id)"
            " select * from unnest(%(externals)s::text[], %(ids)s::text[]) on conflict do nothing",
            externals=list(pairs),
            ids=list(pairs.values()),
        )


async def _open_leads(tx: Tx, planned: list[Planned], clients: Mapping[str, Client]) -> None:
    """Insert the leads with their moves and first interactions."""
    if not planned:
        return
    rows = [_lead_values(tx, p.row, clients[p.party.id or ""]) for p in planned]
    names = list(rows[0])
    opened = await tx.all(
        Lead,
        f"with opened as (insert into lead as l ({', '.join(names)})"
        f" select {', '.join(f'r.{name}' for name in names)} "
        " from jsonb_populate_recordset(null::lead, %(rows)s::jsonb) with ordinality r order by ordinality"
        f" returning {queries.LEAD_COLUMNS}),"
        " moved as (insert into lead_move (lead_id, from_stage, to_stage, at, principal)"
        # A lost lead had entered the line; the others stand where they stand.
        " select id, null, case stage when 'LOST' then 'LEAD' else stage end, created_at, %(principal)s from opened"
        " union all select id, 'LEAD', stage, lost_at, %(principal)s from opened where stage = 'LOST'),"
        " noted as (insert into interaction (id, client_id, lead_id, interaction_type, channel, content, automated,"
        " created_at) select n.id, o.client_id, o.id, 'lead_imported', o.source,"
        " coalesce(o.requirements, 'Lead by import.'), true, %(now)s from opened o"
        " join unnest(%(leads)s::text[], %(notes)s::text[]) n (lead_id, id) on n.lead_id = o.id)"
        " select * from opened",
        rows=json.dumps(rows),
        leads=[row["id"] for row in rows],
        notes=[new_id(INTERACTION_PREFIX) for _ in rows],
        principal=tx.principal.id,
        now=tx.now,
    )
    for lead in opened:
        tx.emit(LeadCaptured(lead.id, lead.client_id, lead.version))
        audit.record(tx, action="import_lead", subject=("lead", lead.id), after=lead)


def _lead_values(tx: Tx, row: ImportedLead, client: Client) -> dict[str, Any]:
    stage, amounts = row.stage, row.amounts(tx.workspace.currency)
    began = min(row.created_at or tx.now, tx.now)
    closed = min(row.closed_at or tx.now, tx.now)
    action = suggest_next_action(stage, now=tx.now, has_email=client.email is not None)
    won = stage in LINE[LINE.index(Stage.CONTRACT) :] if stage is not Stage.LOST else False
    return {
        "id": new_id(LEAD_PREFIX),
        "client_id": client.id,
        "external_id": row.key,
        "source": row.source,
        "stage": stage.value,
        "probability": predict(stage).probability,
        "currency": tx.workspace.currency,
        "value_estimate_minor": amounts["value_estimate_minor"] or amounts["budget_minor"] or 0,
        "budget_minor": amounts["budget_minor"],
        "project_type": row.project_type,
        "requirements": row.requirements,
        "timeline": row.timeline,
        "notes": row.notes,
        "metadata": row.metadata,
        # When a contract was signed is only known where the export says so; speed is measured by it.
        "converted_at": closed if won and row.closed_at else None,
        "lost_at": closed if stage is Stage.LOST else None,
        "lost_reason": row.lost_reason if stage is Stage.LOST else None,
        "next_action": action.action,
        "next_action_date": action.due,
        "stage_since": closed if row.closed_at else began,
        "created_at": began,
    }


def _complete(details: dict[str, Any], more: Mapping[str, Any]) -> None:
    """Add to a client to be made what a later row of the batch knows besides; its identity stays the first row's."""
    for name, value in more.items():
        if details.get(name) is None and name not in ("email", "company"):
            details[name] = value


def _keys(details: Mapping[str, Any]) -> IdentityKeys:
    return identity_keys(name=details["name"], email=details.get("email"), company=details.get("company"))
