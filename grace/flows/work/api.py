"""The doors of long work."""

import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path as FilePath
from typing import Annotated

from fastapi import Header, Path, Query, Request, Response
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask
from starlette.datastructures import UploadFile

from grace.flows.work import files, proving, queries, service
from grace.flows.work.documents import InvoiceChoice, begin_documents
from grace.flows.work.importing import ImportOptions, begin_import, looked_at
from grace.flows.work.models import Work
from grace.flows.work.schemas import BeginWork, WorkList, WorkOut, has_file
from grace.kit.edge import SIGNED_IN, Doors, InTx, InUnit
from grace.kit.errors import Conflict, Invalid, Malformed, NotFound
from grace.kit.exports import ExportError
from grace.kit.json import check_text
from grace.kit.paging import Cursor, Limit, number_in, page
from grace.kit.tx import Tx
from grace.kit.unit import Unit

doors = Doors(tags=["Work"])
WorkId = Annotated[str, Path(max_length=64)]
KEY_LENGTH = 255
FILES = ("application/zip", "application/gzip", "text/csv")


@doors.post("/api/v1/work", may=SIGNED_IN, returns=WorkOut, status=201)
async def begin_work(tx: InTx, body: BeginWork) -> WorkOut:
    """Have the PDFs of invoices made, the audit log written to a file, or the log and the books verified.

    `invoice_pdfs` needs `invoices:read`, the others `audit:read`.
    """
    if body.kind == "invoice_pdfs":
        choice = InvoiceChoice(tab=body.tab, q=body.q or None, sent_from=body.sent_from, sent_to=body.sent_to)
        return WorkOut.of(await begin_documents(tx, choice))
    return WorkOut.of(await (proving.begin_export if body.kind == "audit_export" else proving.begin_verification)(tx))


@doors.post("/api/v1/work/lead-imports", may="leads:write", returns=WorkOut, status=201, upload="text/csv")
async def import_leads(
    unit: InUnit,
    request: Request,
    file: Annotated[str, Query(max_length=200, description="The file's name.")] = "leads.csv",
    source: Annotated[str | None, Query(max_length=64, description="The source of rows that name none.")] = None,
    keep_rest: Annotated[bool, Query(description="Keep other columns as metadata.")] = False,
    idempotency_key: Annotated[str | None, Header(max_length=KEY_LENGTH, include_in_schema=False)] = None,
) -> WorkOut:
    """Send a CSV of leads. It is looked at, says what it would do, and is imported once it is confirmed."""
    options = options_of(file=file, source=source, keep_rest=keep_rest)
    async with AsyncExitStack() as kept:
        async with unit.outside():
            received = await kept.enter_async_context(files.received(options.file, request.stream))
        return WorkOut.of(await begin_upload(unit.tx, received, options, key=idempotency_key))


@doors.get("/api/v1/work", may=SIGNED_IN, returns=WorkList)
async def list_work(tx: InTx, limit: Limit = 50, cursor: Cursor = None) -> WorkList:
    """Long work of the kinds that you may see, the latest first."""
    kinds = queries.seen_by(tx.principal)
    rows = await queries.works(tx, kinds=kinds, before=number_in(cursor), limit=limit + 1)
    shown = page(rows, limit=limit, key="number")
    return WorkList(items=[WorkOut.of(row) for row in shown.items], next_cursor=shown.next_cursor)


@doors.get("/api/v1/work/{id}", may=SIGNED_IN, returns=WorkOut)
async def get_work(tx: InTx, id: WorkId) -> WorkOut:
    """How far it is, and what came of it."""
    return WorkOut.of(await queries.work(tx, id))


@doors.post("/api/v1/work/{id}/confirm", may="leads:write", returns=WorkOut)
async def confirm_work(tx: InTx, id: WorkId) -> WorkOut:
    """Begin an import that has looked at its file (`ready`)."""
    return WorkOut.of(await service.confirm(tx, id))


@doors.post("/api/v1/work/{id}/stop", may=SIGNED_IN, returns=WorkOut)
async def stop_work(tx: InTx, id: WorkId) -> WorkOut:
    """Stop it. What it has done stays done; an import can be begun again, and nothing comes twice."""
    return WorkOut.of(await service.stop(tx, id))


@doors.get("/api/v1/work/{id}/file", may=SIGNED_IN, gives=FILES)
async def get_file(tx: InTx, id: WorkId) -> Response:
    """What it made: refused rows as CSV, PDFs as an archive, the log; kept for 30 days."""
    return await file_of(tx, await queries.work(tx, id))


async def file_of(tx: Tx, work: Work) -> Response:
    """The file of work that is done, by way of the local disk; NotFound when it made none, or its time is over."""
    if not has_file(work) or work.file_name is None:
        raise NotFound("It has no file: it made none, or its time is over.")
    handle, name = tempfile.mkstemp(prefix="grace-work-")
    path = FilePath(name)
    try:
        with os.fdopen(handle, "wb") as file:
            await files.write_to(tx, work.id, "out", file)
    except BaseException:
        _remove(path)
        raise
    media = {".zip": FILES[0], ".gz": FILES[1]}.get(FilePath(work.file_name).suffix, "text/csv; charset=utf-8")
    headers = {"Cache-Control": "no-store", "Content-Encoding": "identity"} if media != FILES[2] else {}
    return FileResponse(
        path, media_type=media, filename=work.file_name, headers=headers, background=BackgroundTask(_remove, path)
    )


def _remove(path: FilePath) -> None:
    path.unlink(missing_ok=True)


def options_of(*, file: str, source: str | None, keep_rest: bool) -> ImportOptions:
    """How a file is read, as somebody asks for it."""
    for text in (file, source or ""):
        check_text(text)
    return ImportOptions(file=files.plain_name(file), source=(source or "").strip() or None, keep_rest=keep_rest)


async def begin_upload(tx: Tx, received: files.Received, options: ImportOptions, *, key: str | None) -> Work:
    """Begin an import of what was sent, under the sender's key once. Invalid for what is no table of leads."""
    if key is not None:
        if not key or len(key) > KEY_LENGTH or not key.isprintable() or not key.isascii():
            raise Malformed(f"Idempotency-Key is 1 to {KEY_LENGTH} printable ASCII characters.")
        await tx.execute("select pg_advisory_xact_lock(hashtextextended(%(key)s, 24))", key=f"{tx.principal.id} {key}")
        if (before := await queries.by_key(tx, key)) is not None:
            if before.digest != received.sha256:
                raise Conflict("This Idempotency-Key was used with another request.", type="idempotency-key-reused")
            return before
    try:
        await looked_at(received.path, options)
    except ExportError as error:
        raise Invalid(str(error), type="unreadable-file") from error
    return await begin_import(tx, received, options, key=key)


async def in_form(unit: Unit, request: Request) -> Work:
    """The same from a browser's form: its file, how it is read, its key."""
    async with AsyncExitStack() as kept:
        async with unit.outside():
            form = await kept.enter_async_context(request.form(max_files=1, max_fields=20))
            sent, source, key = (form.get(name) for name in ("file", "source", "idempotency_key"))
            if not isinstance(sent, UploadFile) or not sent.filename:
                raise Invalid("Choose a file first.", errors=[{"at": "file", "what": "Choose a CSV file"}])
            options = options_of(
                file=sent.filename,
                source=source if isinstance(source, str) else None,
                keep_rest=bool(form.get("keep_rest")),
            )
            received = await kept.enter_async_context(files.received(options.file, partial(_pieces, sent)))
        return await begin_upload(unit.tx, received, options, key=key if isinstance(key, str) else None)


async def _pieces(sent: UploadFile) -> AsyncIterator[bytes]:
    while piece := await sent.read(files.PIECE):
        yield piece
