"""What proves the business: the audit log as a file for strangers, the log recomputed, the books added up."""

import asyncio
import gzip
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, cast

from grace.domains.payments.queries import altered_payments
from grace.flows.work import files, service
from grace.flows.work.models import Work
from grace.flows.work.stints import Stint, carries_out
from grace.kit.errors import Invalid
from grace.kit.progress import Progress, unheard
from grace.kit.tx import Tx
from grace.trust.audit import finding
from grace.trust.audit import service as audit
from grace.trust.audit.exporting import Exported, export, wait_until_sealed
from grace.trust.audit.verifier import verify
from grace.trust.ledger.check import check
from grace.trust.ledger.documents import Books, check_documents

LARGEST_EXPORT = 1 << 30
_FAST = 1  # most of a log does not compress: hashes and salts
_A_STEP = 16
_RULES_SHARE, _DOCUMENTS_SHARE = 0.6, 0.3
"""Of the time that the books take."""

_books: Callable[[], Sequence[Books]] = list


def bind(books: Callable[[], Sequence[Books]]) -> None:
    """Say where the books of all slices are; wiring does."""
    global _books
    _books = books


async def findings(tx: Tx, books: Sequence[Books], *, told: Progress = unheard) -> list[str]:
    """What is wrong with the ledger, between it and its documents, and with the payments' signatures. `told` hears
    thousandths."""

    def part(begin: float, share: float) -> Progress:
        return lambda done, total: told(round(1000 * (begin + share * done / total)), 1000)

    found = await check(tx, told=part(0, _RULES_SHARE))
    found += await check_documents(tx, books, told=part(_RULES_SHARE, _DOCUMENTS_SHARE))
    return [str(one) for one in found] + [
        f"payment {altered}: not as it was signed" async for altered in altered_payments(tx)
    ]


async def begin_export(tx: Tx) -> Work:
    """Have the whole log written to a file. That it leaves the house is recorded, and stands in the file."""
    work = await service.begin(tx, kind="audit_export", arguments={})
    audit.record(tx, action="export_audit_log", subject=("workspace", tx.workspace.handle), after={"work": work.id})
    return work


async def begin_verification(tx: Tx) -> Work:
    """Have the whole log and all books recomputed."""
    return await service.begin(tx, kind="verification", arguments={})


@carries_out("audit_export")
async def export_log(stint: Stint) -> None:
    """Write the log, of one moment, to the local disk, then keep it in pieces. Taken up again, it begins anew."""
    async with stint.step() as step:
        await files.clear(step.tx, step.work.id, "out")
        await step.advance(done=0, total=None, doing="Waiting for the seal")
    with files.folder() as place:
        path = place / "log.gz"
        made = await _written(stint, path)
        with path.open("rb") as file:
            while path.stat().st_size > file.tell():
                async with stint.step() as step:
                    for _ in range(_A_STEP):
                        piece = await asyncio.to_thread(file.read, files.PIECE)
                        await files.append(step.tx, step.work.id, "out", piece)
        result = {"entries": made.size, "checkpoints": made.checkpoints, "bytes": path.stat().st_size}
    async with stint.step() as step:
        name = f"grace-audit-{stint.unit.handle}-{made.size}.export.gz"
        await service.finish(step.tx, step.work, result=result, file_name=name)


async def _written(stint: Stint, path: Path) -> Exported:
    async with stint.unit.workspaces.owner(stint.unit.handle) as connection:
        await wait_until_sealed(connection, stint.unit.handle)
        with gzip.open(path, "wb", _FAST) as packed:
            file = cast(BinaryIO, packed)

            def tell(done: int, total: int) -> None:
                if path.stat().st_size > LARGEST_EXPORT:
                    raise Invalid("The log is too large for a file here. Write it with: grace audit export FILE")
                stint.tell(done, total, "Writing entries")

            async with stint.pulse():
                return await export(connection, file.write, told=tell)


@carries_out("verification")
async def verify_everything(stint: Stint) -> None:
    """Recompute the log and the books, each of one moment. Taken up again, it begins anew."""
    async with stint.step() as step:
        entries = int(await step.tx.value("select (select coalesce(max(index) + 1, 0) from audit_leaf)"))
        postings = int(await step.tx.value("select count(*) from ledger_entry")) + 1
        await step.advance(done=0, total=entries + postings, doing="Recomputing the log")
        keys = step.tx.keys
    total = entries + postings

    def log_told(done: int, of: int) -> None:
        stint.tell(min(done, entries), total, f"Recomputing the log: {done:,} of {of:,} entries")

    def books_told(done: int, of: int) -> None:
        stint.tell(entries + postings * done // of, total, "Adding up the books")

    async with stint.pulse():
        async with stint.unit.workspaces.owner(stint.unit.handle) as connection:
            report = await verify(connection, keys=keys, told=log_told)
            await finding.keep(connection, report, outside=False)
        stint.tell(entries, total, "Adding up the books")
        async with stint.unit.transaction() as tx:
            books = await findings(tx, _books(), told=books_told)
    async with stint.step() as step:
        result = {
            "ok": report.ok and not books,
            "entries": report.size,
            "checkpoints": report.checkpoints,
            "root": report.root.hex(),
            "unsealed": report.unsealed,
            "erased": report.erased,
            "log_findings": [one.detail for one in report.findings],
            "postings": postings - 1,
            "book_findings": books[:100],
        }
        await service.finish(step.tx, step.work, result=result)
