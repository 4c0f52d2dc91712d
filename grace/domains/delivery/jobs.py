"""The architect at work: asked outside of any transaction, its files scanned, then kept."""

import asyncio
from hashlib import sha256
from pathlib import PurePosixPath

from grace.domains.delivery.facts import DeliveryQueued
from grace.domains.delivery.service import deliveries
from grace.domains.delivery.service.deliveries import ScannedFile
from grace.kit.jobs import defer, job
from grace.kit.reactions import reacts_to
from grace.kit.tx import Tx
from grace.kit.unit import Unit
from grace.providers.architect import port
from grace.trust.hunter.rules.scan import scan

MAX_FILES = 500
MAX_BYTES = 20_000_000


@reacts_to(DeliveryQueued)
async def start_building(tx: Tx, fact: DeliveryQueued) -> None:
    """Put the build in the queue."""
    await defer(tx, build_delivery, delivery_id=fact.delivery_id)


@job()
async def build_delivery(unit: Unit, *, delivery_id: str) -> None:
    """Build a delivery. Run again after a crash, it builds again and keeps the files once.

    What the architect refuses (ValueError) ends the delivery as failed; any other error is tried again.
    """
    async with unit.transaction() as tx:
        spec = await deliveries.build_spec(tx, delivery_id=delivery_id)
    if spec is None:
        return
    try:
        result = await port.architect().build(spec)
        files = await asyncio.to_thread(_scanned, result)
    except ValueError as refusal:
        async with unit.transaction() as tx:
            await deliveries.record_failed(tx, delivery_id=delivery_id, error=str(refusal)[:1000])
        return
    async with unit.transaction() as tx:
        await deliveries.record_built(tx, delivery_id=delivery_id, result=result, files=files)


def _scanned(result: port.DeliveryResult) -> list[ScannedFile]:
    """Each file with the hunter's findings; ValueError for a delivery that is too large or has improper names."""
    if len(result.artefacts) > MAX_FILES or sum(len(one.content) for one in result.artefacts) > MAX_BYTES:
        raise ValueError(f"a delivery has at most {MAX_FILES} files and {MAX_BYTES} bytes")
    for one in result.artefacts:
        parts = PurePosixPath(one.path).parts
        if not parts or one.path.startswith("/") or ".." in parts or not one.path.isprintable():
            raise ValueError(f"{one.path[:100]!r} is no name for a file of a delivery")
        if sha256(one.content).hexdigest() != one.sha256:
            raise ValueError(f"{one.path[:100]!r} is not what its checksum says")
    return [
        ScannedFile(one, scan("deliverable", {one.path: one.content.decode("utf-8", "replace")}))
        for one in result.artefacts
    ]
