"""Leads: captured, scored and moved along the pipeline."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from typing import Any

from psycopg.types.json import Jsonb

from grace.domains.crm import queries
from grace.domains.crm.errors import LeadChanged, MoveRefused
from grace.domains.crm.facts import LeadCaptured, LeadMoved, LeadScored, LeadValued
from grace.domains.crm.models import INTERACTION_PREFIX, LEAD_PREFIX, Client, FoundClient, Lead
from grace.domains.crm.queries import Reference
from grace.domains.crm.rules.features import Captured, Features, extract_features
from grace.domains.crm.rules.outlook import predict, suggest_next_action
from grace.domains.crm.rules.scoring import Score, score_lead
from grace.domains.crm.rules.stages import LINE, Refusal, Stage, judge_move, way
from grace.domains.crm.service.clients import create_client
from grace.kit import json
from grace.kit.ids import new_id
from grace.kit.money import to_major
from grace.kit.rows import changed
from grace.kit.tx import Tx
from grace.trust.audit import service as audit
from grace.trust.hunter.rules.findings import Scan, Severity
from grace.trust.hunter.rules.scan import scan

SERIOUS = (Severity.HIGH, Severity.CRITICAL)
_LEAD_COLUMNS = (
    "value_estimate_minor", "budget_minor", "project_type", "requirements", "timeline", "notes", "metadata",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CapturedLead:
    """A lead with its client; `created` is false for one that an external id named before."""

    lead: Lead
    client: FoundClient
    created: bool


@dataclass(frozen=True, slots=True)
class Qualification:
    """What scoring found; `scan` is the hunter's look at everything that the client wrote."""

    lead: Lead
    features: Features
    score: Score
    scan: Scan


async def capture_lead(
    tx: Tx,
    *,
    source: str,
    client: Mapping[str, Any],
    lead: Mapping[str, Any],
    client_external_id: str | None = None,
    external_id: str | None = None,
) -> CapturedLead:
    """Make or find the client, open a lead and note how it came.

    `client` and `lead` are columns by name, checked by the caller. A lead with the same `external_id` is
    answered as it stands.
    """
    if external_id is not None:
        earlier = await queries.lead_by_external_id(tx, external_id)
        if earlier is not None:
            known = await queries.client(tx, earlier.client_id)
            return CapturedLead(earlier, FoundClient(known, created=False, matched_by="same lead"), created=False)
    found = await create_client(tx, details={**client, "source": source}, external_id=client_external_id)
    opened = await open_lead(tx, client=found.client, source=source, lead=lead, external_id=external_id)
    return CapturedLead(opened, found, created=True)


async def open_lead(
    tx: Tx,
    *,
    client: Client,
    source: str,
    lead: Mapping[str, Any],
    external_id: str | None = None,
    follows: str | None = None,
) -> Lead:
    """A new lead of a known client, in stage LEAD, with its first interaction."""
    action = suggest_next_action(Stage.LEAD, now=tx.now, has_email=client.email is not None)
    values = {name: lead.get(name) for name in _LEAD_COLUMNS}
    values["value_estimate_minor"] = values["value_estimate_minor"] or values["budget_minor"] or 0
    opened = await tx.one(
        Lead,
        "with opened as (insert into lead as l (id, client_id, external_id, source, probability, currency, follows,"
        " next_action, next_action_date, stage_since, created_at, " + ", ".join(_LEAD_COLUMNS) + ")"
        " values (%(id)s, %(client)s, %(external)s, %(source)s, %(probability)s, %(currency)s, %(follows)s,"
        " %(action)s, %(due)s, %(now)s, %(now)s, " + ", ".join(f"%({name})s" for name in _LEAD_COLUMNS) + ")"
        f" returning {queries.LEAD_COLUMNS}), moved as (insert into lead_move (lead_id, to_stage, at, principal)"
        " select id, 'LEAD', %(now)s, %(principal)s from opened) select * from opened",
        id=new_id(LEAD_PREFIX),
        client=client.id,
        external=external_id,
        source=source,
        probability=predict(Stage.LEAD).probability,
        currency=tx.workspace.currency,
        follows=follows,
        action=action.action,
        due=action.due,
        now=tx.now,
        principal=tx.principal.id,
        **(values | {"metadata": Jsonb(values["metadata"] or {}, dumps=json.dumps)}),
    )
    await note_interaction(
        tx,
        client_id=client.id,
        lead_id=opened.id,
        interaction_type="repeat" if follows else "lead_captured",
        channel=source,
        content=opened.requirements or f"Lead by {source.replace('_', ' ')}.",
        automated=tx.principal.kind != "user",
    )
    tx.emit(LeadCaptured(opened.id, client.id, opened.version))
    audit.record(tx, action="capture_lead", subject=("lead", opened.id), after=opened)
    return opened


async def note_interaction(
    tx: Tx,
    *,
    client_id: str,
    interaction_type: str,
    channel: str,
    content: str,
    lead_id: str | None = None,
    project_id: str | None = None,
    sentiment: Decimal | None = None,
    automated: bool = False,
    grace_generated: bool = False,
    human_approved: bool = False,
    metadata: Mapping[str, Any] | None = None,
) -> str:
    """Remember something said or done with a client; its id."""
    interaction_id = new_id(INTERACTION_PREFIX)
    await tx.execute(
        "insert into interaction (id, client_id, lead_id, project_id, interaction_type, channel, content, sentiment,"
        " automated, grace_generated, human_approved, metadata, created_at) values (%(id)s, %(client)s, %(lead)s,"
        " %(project)s, %(type)s, %(channel)s, %(content)s, %(sentiment)s, %(automated)s, %(generated)s,"
        " %(approved)s, %(metadata)s, %(now)s)",
        id=interaction_id,
        client=client_id,
        lead=lead_id,
        project=project_id,
        type=interaction_type,
        channel=channel,
        content=content,
        sentiment=sentiment,
        automated=automated,
        generated=grace_generated,
        approved=human_approved,
        metadata=Jsonb(dict(metadata or {}), dumps=json.dumps),
        now=tx.now,
    )
    return interaction_id


async def qualify_lead(tx: Tx, *, reference: Reference) -> Qualification:
    """Scan and score a lead; above the threshold, and with a clean scan, one in LEAD moves to QUALIFIED."""
    before = await queries.locked_lead(tx, reference)
    client = await queries.client(tx, before.client_id)
    found = scan(
        "client_data",
        {
            "name": client.name, "email": client.email, "company": client.company, "notes": before.notes,
            "requirements": before.requirements, "project_type": before.project_type, "timeline": before.timeline,
        },
    )  # fmt: skip
    flagged = found.severity in SERIOUS
    features = extract_features(_captured(before, client))
    score = score_lead(features, flagged=flagged)
    stage = Stage(before.stage)
    moves = score.qualified and stage is Stage.LEAD
    target = Stage.QUALIFIED if moves else stage
    action = suggest_next_action(
        target, now=tx.now, features=features, qualified=score.qualified, flagged=flagged, has_email=bool(client.email)
    )
    after = replace(
        before,
        score=score.score,
        stage=target.value,
        probability=predict(target, score=score.score, features=features).probability,
        ml_features=features.as_dict(),
        qualification_data={"score": asdict(score), "scan": asdict(found)},
        qualified_at=before.qualified_at or (tx.now if score.qualified else None),
        next_action=action.action,
        next_action_date=action.due,
        stage_since=tx.now if moves else before.stage_since,
    )
    stored = await _store(tx, before, after, action="qualify_lead", reason=score.recommendation)
    tx.emit(LeadScored(stored.id, score.score, score.qualified, stored.version))
    return Qualification(stored, features, score, found)


async def move_lead(
    tx: Tx, *, reference: Reference, stage: Stage, reason: str | None = None, version: int | None = None
) -> Lead:
    """Move a lead along the graph; MoveRefused says what is possible instead. A reason belongs to LOST.

    LeadChanged when the lead is newer than the `version` that the caller saw.
    """
    before = await queries.locked_lead(tx, reference)
    _check_version(before, version)
    judged = judge_move(Stage(before.stage), stage)
    if isinstance(judged, Refusal):
        raise MoveRefused(judged.reason, [allowed.value for allowed in judged.allowed])
    features = Features(**before.ml_features) if before.ml_features else None
    action = suggest_next_action(stage, now=tx.now, features=features, qualified=before.qualified_at is not None)
    lost = stage is Stage.LOST
    after = replace(
        before,
        stage=stage.value,
        probability=predict(stage, score=before.score if features else None, features=features).probability,
        qualified_at=before.qualified_at or (tx.now if stage is Stage.QUALIFIED else None),
        converted_at=before.converted_at or (tx.now if stage is Stage.CONTRACT else None),
        lost_at=tx.now if lost else None,
        lost_reason=reason if lost else None,
        next_action=action.action,
        next_action_date=action.due,
        stage_since=tx.now,
    )
    return await _store(tx, before, after, action="move_lead", reason=reason)


async def advance_lead(tx: Tx, *, reference: Reference, stage: Stage, why: str) -> Lead:
    """What happened brings a lead forward to a stage, by way of those between, if the graph has a way.

    A lead that is there, or further, stays; one that was moved elsewhere by hand stays too, with a note of `why`.
    """
    lead = await queries.locked_lead(tx, reference)
    steps = way(Stage(lead.stage), stage)
    for step in steps:
        lead = await move_lead(tx, reference=lead.id, stage=step, reason=why)
    if not steps and Stage(lead.stage) not in LINE[LINE.index(stage) :]:
        await note_interaction(
            tx,
            client_id=lead.client_id,
            lead_id=lead.id,
            interaction_type="note",
            channel="grace",
            content=f"{why} The lead stays in {lead.stage}: there is no way from there to {stage}.",
            automated=True,
        )
    return lead


async def set_value(tx: Tx, *, reference: Reference, value_estimate_minor: int, version: int | None = None) -> Lead:
    """What the lead is worth by the latest proposal, or by somebody's word, in minor units of its currency.

    LeadChanged when the lead is newer than the `version` that the caller saw.
    """
    before = await queries.locked_lead(tx, reference)
    _check_version(before, version)
    after = replace(before, value_estimate_minor=value_estimate_minor)
    if after == before:
        return before
    after = await _store(tx, before, after, action="value_lead", reason=None)
    tx.emit(LeadValued(after.id, after.value_estimate_minor, after.version))
    return after


async def _store(tx: Tx, before: Lead, after: Lead, *, action: str, reason: str | None) -> Lead:
    """Write what changed, with the move, the fact and the audit entry."""
    after = replace(after, version=before.version + 1, updated_at=tx.now)
    names = changed(before, after)
    moved = after.stage != before.stage
    move = (
        ", moved as (insert into lead_move (lead_id, from_stage, to_stage, at, reason, principal)"
        " values (%(id)s, %(from_stage)s, %(to_stage)s, %(now)s, %(reason)s, %(principal)s))"
    )
    await tx.execute(
        f"with changed as (update lead set {', '.join(f'{name} = %({name})s' for name in names)} where id = %(id)s)"
        f"{move if moved else ''} select 1",
        id=before.id,
        from_stage=before.stage,
        to_stage=after.stage,
        now=tx.now,
        reason=reason,
        principal=tx.principal.id,
        **{name: _plain(getattr(after, name)) for name in names},
    )
    if moved:
        tx.emit(LeadMoved(after.id, before.stage, after.stage, after.version))
    audit.record(tx, action=action, subject=("lead", after.id), reason=reason, before=before, after=after)
    return after


def _check_version(lead: Lead, version: int | None) -> None:
    if version is not None and version != lead.version:
        raise LeadChanged(lead.stage, lead.version)


def _plain(value: Any) -> Any:
    return Jsonb(value, dumps=json.dumps) if isinstance(value, dict) else value


def _captured(lead: Lead, client: Client) -> Captured:
    return Captured(
        source=lead.source,
        name=client.name,
        email=client.email,
        company=client.company,
        industry=client.industry,
        budget=to_major(lead.budget_minor, lead.currency) if lead.budget_minor is not None else None,
        budget_range=client.budget_range,
        currency=lead.currency,
        requirements=lead.requirements,
        timeline=lead.timeline,
        project_type=lead.project_type,
        country=client.country,
        timezone=client.timezone,
        earlier_projects=client.total_projects,
    )
