"""Deliveries: the architect is asked to build, and what it built is scanned and kept."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from grace.domains.delivery import queries
from grace.domains.delivery.errors import DeliveryRunning
from grace.domains.delivery.facts import DeliveryBuilt, DeliveryFailed, DeliveryQueued
from grace.domains.delivery.models import ARTEFACT_PREFIX, DELIVERY_PREFIX, Delivery, Project
from grace.domains.delivery.rules.milestones import progress_percent
from grace.domains.delivery.service.projects import begin_project, change
from grace.kit import json
from grace.kit.ids import new_id
from grace.kit.tx import Tx
from grace.providers.architect import port
from grace.trust.audit import service as audit
from grace.trust.hunter.rules.findings import Scan


@dataclass(frozen=True, slots=True)
class ScannedFile:
    """A file that the architect built, and what the hunter says of it."""

    file: port.Artefact
    scan: Scan


async def queue_delivery(tx: Tx, *, project_id: str, spec: str) -> Delivery:
    """Ask the architect to build; work on the project begins with it, if it had not.

    DeliveryRunning while it builds, WrongState once the project is delivered or ended.
    """
    project = await begin_project(tx, project_id=project_id, contract_signed=False)
    if await queries.is_being_built(tx, project.id):
        raise DeliveryRunning
    delivery = await tx.one(
        Delivery,
        "insert into delivery (id, project_id, spec, requested_at, requested_by)"
        f" values (%(id)s, %(project)s, %(spec)s, %(now)s, %(by)s) returning {queries.DELIVERY_COLUMNS}",
        id=new_id(DELIVERY_PREFIX),
        project=project.id,
        spec=spec,
        now=tx.now,
        by=tx.principal.id,
    )
    tx.emit(DeliveryQueued(project.id, project.client_id, project.lead_id, project.version, delivery.id))
    audit.record(tx, action="queue_delivery", subject=("project", project.id), after=delivery)
    return delivery


async def build_spec(tx: Tx, *, delivery_id: str) -> port.BuildSpec | None:
    """What the architect is to build; None when it has been built."""
    delivery = await queries.delivery(tx, delivery_id)
    if delivery.status != "queued":
        return None
    project = await queries.project(tx, delivery.project_id)
    who = project.parties
    return port.BuildSpec(
        project=project.title,
        client=port.Client(who["client"], who["client_company"], who["client_industry"]),
        business=port.Business(who["business"], who["signer"], who["business_email"]),
        today=tx.now.date(),
        items=tuple(
            port.BuildItem(
                title=one["title"],
                kind=port.WorkKind(one["kind"]),
                description=one["description"],
                includes=tuple(one["includes"]),
                acceptance=tuple(one["acceptance"]),
                hours=one["hours"],
            )
            for one in project.deliverables
        ),
        instructions=delivery.spec,
    )


async def record_built(
    tx: Tx, *, delivery_id: str, result: port.DeliveryResult, files: Sequence[ScannedFile]
) -> Delivery:
    """Keep what was built, once: a delivery that is finished stays as it is. The progress stands at 50 at least."""
    project = await _project_of(tx, delivery_id)
    delivery = await queries.delivery(tx, delivery_id, lock=True)
    if delivery.status != "queued":
        return delivery
    kept = await _keep(tx, delivery, files)
    worst = max((one.scan.severity for one in files if one.scan.severity), key=lambda found: found.rank, default=None)
    said = {
        "delivery_id": delivery.id,
        "summary": result.summary,
        "remaining": list(result.remaining),
        "built_by": result.built_by,
        "scan_severity": worst,
        "artefacts": kept,
    }
    built = await _finish(tx, delivery, status="built", result=said, severity=worst)
    done = [
        one.weight_percent
        for one in (await queries.milestones(tx, [project.id]))[project.id]
        if one.completed_at is not None
    ]
    after = replace(
        project, grace_architect_used=True, automated_delivery=True, progress=progress_percent(done, built=True)
    )
    after = await change(tx, project, after, action="build_delivery", reason=result.summary)
    tx.emit(DeliveryBuilt(after.id, after.client_id, after.lead_id, after.version, built.id))
    return built


async def record_failed(tx: Tx, *, delivery_id: str, error: str) -> None:
    """The architect says that it cannot build this, and why; another spec may be tried."""
    project = await _project_of(tx, delivery_id)
    delivery = await queries.delivery(tx, delivery_id, lock=True)
    if delivery.status != "queued":
        return
    said = {"delivery_id": delivery.id, "error": error}
    await _finish(tx, delivery, status="failed", result=said, severity=None)
    tx.emit(DeliveryFailed(project.id, project.client_id, project.lead_id, project.version, delivery.id))
    audit.record(tx, action="fail_delivery", subject=("project", project.id), reason=error, after=said)


async def _project_of(tx: Tx, delivery_id: str) -> Project:
    """The project, locked before its delivery as everywhere else."""
    delivery = await queries.delivery(tx, delivery_id)
    return await queries.project(tx, delivery.project_id, lock=True)


async def _finish(tx: Tx, delivery: Delivery, *, status: str, result: dict[str, Any], severity: str | None) -> Delivery:
    return await tx.one(
        Delivery,
        "update delivery set status = %(status)s, result = %(result)s::jsonb, scan_severity = %(severity)s,"
        f" finished_at = %(now)s where id = %(id)s returning {queries.DELIVERY_COLUMNS}",
        id=delivery.id,
        status=status,
        result=json.dumps(result),
        severity=severity,
        now=tx.now,
    )


async def _keep(tx: Tx, delivery: Delivery, files: Sequence[ScannedFile]) -> list[dict[str, Any]]:
    """Store the files; what a delivery's result says of them."""
    rows = [(new_id(ARTEFACT_PREFIX), one.file, one.scan) for one in files]
    await tx.execute(
        "insert into artefact (id, delivery_id, project_id, path, media_type, size_bytes, sha256, content, scan,"
        " created_at) select a.id, %(delivery)s, %(project)s, a.path, a.media_type, length(a.content), a.sha256,"
        " a.content, a.scan::jsonb, %(now)s from unnest(%(ids)s::text[], %(paths)s::text[], %(types)s::text[],"
        " %(hashes)s::text[], %(contents)s::bytea[], %(scans)s::text[])"
        " as a (id, path, media_type, sha256, content, scan)",
        delivery=delivery.id,
        project=delivery.project_id,
        now=tx.now,
        ids=[row[0] for row in rows],
        paths=[file.path for _, file, _ in rows],
        types=[file.media_type for _, file, _ in rows],
        hashes=[file.sha256 for _, file, _ in rows],
        contents=[file.content for _, file, _ in rows],
        scans=[json.dumps(asdict(found)) for _, _, found in rows],
    )
    return [
        {
            "id": artefact_id,
            "path": file.path,
            "media_type": file.media_type,
            "size_bytes": len(file.content),
            "sha256": file.sha256,
        }
        for artefact_id, file, _ in rows
    ]
