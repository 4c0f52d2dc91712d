"""Doors of the CRM."""

from dataclasses import asdict
from typing import Annotated, Literal

from fastapi import Path, Query

from grace.domains.crm import panels, queries
from grace.domains.crm.models import EXTERNAL_ID_LENGTH, ClientStatus
from grace.domains.crm.queries import ClientFilter, LeadFilter
from grace.domains.crm.rules.stages import Stage
from grace.domains.crm.schemas.clients import (
    ClientChanges,
    ClientList,
    ClientOut,
    ClientRecord,
    FoundClientOut,
    MergeClients,
    NewClient,
    UnmergeClients,
    Unmerged,
)
from grace.domains.crm.schemas.lead_form import LeadFormAddress
from grace.domains.crm.schemas.leads import (
    FactorOut,
    FindingOut,
    InteractionList,
    InteractionNoted,
    InteractionOut,
    LeadCapturedOut,
    LeadList,
    LeadOut,
    Move,
    Moved,
    NewInteraction,
    NewLead,
    NextActionOut,
    Predicted,
    Qualified,
    ScanOut,
    ScoreLineOut,
    Value,
)
from grace.domains.crm.service import clients, lead_form, leads, merging
from grace.kit.edge import Doors, InTx
from grace.kit.money import to_minor
from grace.kit.paging import Cursor, Limit, after_id, page
from grace.trust.ledger import queries as ledger
from grace.trust.ledger.rules import Purpose

doors = Doors(tags=["Clients"])
ClientPath = Annotated[
    str, Path(max_length=EXTERNAL_ID_LENGTH, description="Its id, your own id for it, or its number.")
]
ClientSort = Literal[
    "number", "-number", "name", "-name", "company", "-company",
    "lifetime_value", "-lifetime_value", "created_at", "-created_at",
]  # fmt: skip


@doors.post("/api/v1/clients", may="clients:write", returns=FoundClientOut)
async def create_client(tx: InTx, body: NewClient) -> FoundClientOut:
    """Make a client, or find the one that is meant."""
    details = body.model_dump(exclude={"external_id"})
    found = await clients.create_client(tx, details=details, external_id=body.external_id)
    record = ClientOut.of(found.client, tx.workspace.currency)
    return FoundClientOut(created=found.created, matched_by=found.matched_by, **record.model_dump())


@doors.get("/api/v1/clients", may="clients:read", returns=ClientList)
async def list_clients(
    tx: InTx,
    limit: Limit = 50,
    cursor: Cursor = None,
    sort: ClientSort = "-created_at",
    q: Annotated[str | None, Query(max_length=256, description="Begins words of name, e-mail, company.")] = None,
    status: ClientStatus | None = None,
    source: Annotated[str | None, Query(max_length=64)] = None,
    country: Annotated[str | None, Query(max_length=64)] = None,
) -> ClientList:
    """Clients, the newest first."""
    where = ClientFilter(q=q, status=status, source=source, country=country)
    rows = await queries.clients(tx, where, sort=sort, after=after_id(cursor), limit=limit + 1)
    shown = page(rows, limit=limit, key="id")
    items = [ClientOut.of(row, tx.workspace.currency) for row in shown.items]
    return ClientList(items=items, next_cursor=shown.next_cursor)


@doors.get("/api/v1/clients/{id}", may="clients:read", returns=ClientRecord)
async def get_client(tx: InTx, id: ClientPath) -> ClientRecord:
    """A client; the id of one that was merged answers with the one it was merged into."""
    client = await queries.client(tx, id)
    credit = await ledger.balances(tx, [client.id, *client.merged_ids], purpose=Purpose.CUSTOMER_CREDIT)
    return ClientRecord.with_credit(ClientOut.of(client, tx.workspace.currency), credit)


@doors.post("/api/v1/clients/{id}", may="clients:write", returns=ClientOut)
async def change_client(tx: InTx, id: ClientPath, body: ClientChanges) -> ClientOut:
    """Set fields of a client."""
    client = await clients.change_client(tx, reference=id, changes=body.changes(), version=body.version)
    return ClientOut.of(client, tx.workspace.currency)


@doors.post("/api/v1/clients/{id}/merge", may="clients:write", returns=ClientOut)
async def merge_clients(tx: InTx, id: ClientPath, body: MergeClients) -> ClientOut:
    """Merge another client into this one."""
    client = await merging.merge_clients(tx, winner=id, loser=body.other, reason=body.reason)
    return ClientOut.of(client, tx.workspace.currency)


@doors.post("/api/v1/clients/{id}/unmerge", may="clients:write", returns=Unmerged)
async def unmerge_clients(tx: InTx, id: ClientPath, body: UnmergeClients) -> Unmerged:
    """Undo a merge."""
    winner, restored = await merging.unmerge_clients(tx, winner=id, loser=body.other)
    currency = tx.workspace.currency
    return Unmerged(client=ClientOut.of(winner, currency), restored=ClientOut.of(restored, currency))


leads_doors = Doors(tags=["Leads"])
LeadPath = Annotated[str, Path(max_length=EXTERNAL_ID_LENGTH, description="Its id, your own id for it, or its number.")]
LeadSort = Literal[
    "number", "-number", "score", "-score", "value_estimate", "-value_estimate",
    "created_at", "-created_at", "stage_since", "-stage_since",
]  # fmt: skip


@leads_doors.post("/api/business/leads", may="leads:write", returns=LeadCapturedOut)
async def capture_lead(tx: InTx, body: NewLead) -> LeadCapturedOut:
    """Capture a lead: its client is found or made, the lead opened, the first interaction noted."""
    done = await leads.capture_lead(
        tx,
        source=body.source,
        client=body.client(),
        lead=body.lead(tx.workspace.currency),
        external_id=body.external_id,
    )
    return LeadCapturedOut(
        client_id=done.client.client.id,
        lead_id=done.lead.id,
        stage=done.lead.stage,
        created=done.created,
        client_created=done.client.created,
        matched_by=done.client.matched_by,
    )


@leads_doors.post("/api/business/leads/{id}/qualify", may="leads:write", returns=Qualified)
async def qualify_lead(tx: InTx, id: LeadPath) -> Qualified:
    """Scan, score and explain a lead; above the threshold it moves to QUALIFIED."""
    done = await leads.qualify_lead(tx, reference=id)
    return Qualified(
        lead_id=done.lead.id,
        score=done.score.score,
        qualified=done.score.qualified,
        recommendation=done.score.recommendation,
        stage=done.lead.stage,
        threshold=done.score.threshold,
        features=done.features.as_dict(),
        breakdown=[ScoreLineOut(**asdict(line)) for line in done.score.breakdown],
        reasons=list(done.score.reasons),
        scan=ScanOut(
            severity=done.scan.severity,
            score=done.scan.score,
            version=done.scan.version,
            findings=[
                FindingOut(**{name: getattr(found, name) for name in FindingOut.model_fields})
                for found in done.scan.findings
            ],
        ),
        version=done.score.version,
    )


@leads_doors.post("/api/business/leads/{id}/stage", may="leads:write", returns=Moved)
async def move_lead(tx: InTx, id: LeadPath, body: Move) -> Moved:
    """Move a lead along the stage graph."""
    lead = await leads.move_lead(tx, reference=id, stage=body.stage, reason=body.reason, version=body.version)
    return Moved(lead_id=lead.id, stage=lead.stage, probability=lead.probability)


@leads_doors.post("/api/business/leads/{id}/value", may="leads:write", returns=LeadOut)
async def value_lead(tx: InTx, id: LeadPath, body: Value) -> LeadOut:
    """Say what a lead is worth."""
    lead = await queries.lead(tx, id)
    worth = to_minor(body.value_estimate, lead.currency)
    return LeadOut.of(await leads.set_value(tx, reference=lead.id, value_estimate_minor=worth, version=body.version))


@leads_doors.get("/api/business/leads/{id}/predict", may="leads:read", returns=Predicted)
async def predict_lead(tx: InTx, id: LeadPath) -> Predicted:
    """The chance that the lead becomes a contract, with what speaks for and against it."""
    lead = await queries.lead(tx, id)
    found, _ = panels.outlook(lead, now=tx.now, has_email=True)
    return Predicted(
        probability=found.probability,
        days_to_close=found.days_to_close,
        confidence=found.confidence,
        factors=[FactorOut(**asdict(factor)) for factor in found.factors],
        version=found.version,
    )


@leads_doors.get("/api/business/leads/{id}/next-action", may="leads:read", returns=NextActionOut)
async def next_action(tx: InTx, id: LeadPath) -> NextActionOut:
    """The next best action as of now."""
    lead = await queries.lead(tx, id)
    client = await queries.client(tx, lead.client_id)
    _, action = panels.outlook(lead, now=tx.now, has_email=client.email is not None)
    return NextActionOut(next_action=action.action, next_action_date=action.due, reasons=list(action.reasons))


@leads_doors.get("/api/v1/leads", may="leads:read", returns=LeadList)
async def list_leads(
    tx: InTx,
    limit: Limit = 50,
    cursor: Cursor = None,
    sort: LeadSort = "-created_at",
    stage: Stage | None = None,
    source: Annotated[str | None, Query(max_length=64)] = None,
    client_id: Annotated[str | None, Query(max_length=EXTERNAL_ID_LENGTH)] = None,
) -> LeadList:
    """Leads, the newest first."""
    client = await queries.client(tx, client_id) if client_id else None
    where = LeadFilter(stage=stage, source=source, client_id=client.id if client else None)
    rows = await queries.leads(tx, where, sort=sort, after=after_id(cursor), limit=limit + 1)
    shown = page(rows, limit=limit, key="id")
    return LeadList(items=[LeadOut.of(row) for row in shown.items], next_cursor=shown.next_cursor)


@leads_doors.get("/api/v1/leads/{id}", may="leads:read", returns=LeadOut)
async def get_lead(tx: InTx, id: LeadPath) -> LeadOut:
    """A lead."""
    return LeadOut.of(await queries.lead(tx, id))


@leads_doors.post("/api/v1/leads/{id}/interactions", may="leads:write", returns=InteractionNoted)
async def note_interaction(tx: InTx, id: LeadPath, body: NewInteraction) -> InteractionNoted:
    """Note something said or done about a lead."""
    lead = await queries.lead(tx, id)
    noted = await leads.note_interaction(tx, client_id=lead.client_id, lead_id=lead.id, **body.model_dump())
    return InteractionNoted(id=noted)


@leads_doors.get("/api/v1/leads/{id}/interactions", may="leads:read", returns=InteractionList)
async def list_interactions(tx: InTx, id: LeadPath, limit: Limit = 50) -> InteractionList:
    """What was said about a lead, the latest first."""
    lead = await queries.lead(tx, id)
    rows = await queries.interactions(tx, client_id=lead.client_id, lead_id=lead.id, limit=limit)
    return InteractionList(items=[InteractionOut(**asdict(row)) for row in rows])


@leads_doors.get("/api/v1/lead-form", may="leads:read", returns=LeadFormAddress)
async def get_lead_form(tx: InTx) -> LeadFormAddress:
    """Where outsiders find the form; how it looks is the setting `lead_form`."""
    return LeadFormAddress.of(await lead_form.address(tx))


@leads_doors.post("/api/v1/lead-form", may="workspace:write", returns=LeadFormAddress)
async def open_lead_form(
    tx: InTx, anew: Annotated[bool, Query(description="Give it another address; the old one ends.")] = False
) -> LeadFormAddress:
    """Open the form to outsiders."""
    return LeadFormAddress.of(await lead_form.open_form(tx, anew=anew))


@leads_doors.delete("/api/v1/lead-form", may="workspace:write", returns=LeadFormAddress)
async def close_lead_form(tx: InTx) -> LeadFormAddress:
    """Close the form: its address ends."""
    await lead_form.close_form(tx)
    return LeadFormAddress.of(None)
