"""Pages of long work: begin it, watch it, stop it, fetch what it made."""

from datetime import date
from typing import Annotated

from fastapi import Path, Query, Request, Response

from grace.console.forms import read_form
from grace.console.pipeline.sources import source_choices
from grace.console.shell import busy, see, show
from grace.console.work import words
from grace.domains.crm.rules.exports import HEADERS
from grace.flows.collect_cash.listing import Tab
from grace.flows.work import api, queries, service
from grace.flows.work.models import OPEN, RIGHTS, Work
from grace.flows.work.schemas import BeginWork, has_file, percent, seconds_left
from grace.kit.edge import SIGNED_IN, Doors, InTx, InUnit, permits
from grace.kit.errors import Invalid
from grace.kit.paging import Cursor, number_in, page
from grace.trust.identity import queries as identity

doors = Doors(tags=["Console"])
WorkId = Annotated[str, Path(max_length=64)]
ROWS = 50
_NAMING = ("name", "first_name", "last_name", "company", "external_id")


@doors.get("/app/work", may=SIGNED_IN, hidden=True)
async def list_work(tx: InTx, request: Request, cursor: Cursor = None) -> Response:
    """Long work, the latest first."""
    kinds = queries.seen_by(tx.principal)
    found = await queries.works(tx, kinds=kinds, before=number_in(cursor), limit=ROWS + 1)
    shown = page(found, limit=ROWS, key="number")
    return await show(
        request,
        tx,
        "work/list.html",
        here="system",
        live="work",
        rows=shown.items,
        next_cursor=shown.next_cursor,
        people=await identity.names(tx, {row.begun_by for row in shown.items}),
        words=words,
        percent=percent,
        real_now=tx.real_now,
        tab="work",
    )


@doors.get("/app/work/mark", may=SIGNED_IN, hidden=True)
async def mark(tx: InTx) -> Response:
    """The mark of long work in the shell, fetched when work begins, waits or ends."""
    return await busy(tx)


@doors.get("/app/work/import", may="leads:read", hidden=True)
async def ask_file(tx: InTx, request: Request) -> Response:
    """Which file of leads to import."""
    sources = [("", "As each row says"), *await source_choices(tx)]
    most = request.app.state.edge.settings.max_upload_bytes // 1_048_576
    return await show(request, tx, "work/import.html", here="pipeline", sources=sources, most=most)


@doors.post("/app/work/import", may="leads:write", hidden=True, upload="multipart/form-data")
async def send_file(unit: InUnit, request: Request) -> Response:
    """Take the file, and have it looked at."""
    work = await api.in_form(unit, request)
    return see(f"/app/work/{work.id}")


@doors.get("/app/work/pdfs", may="invoices:read", hidden=True)
async def ask_invoices(
    tx: InTx,
    request: Request,
    tab: Tab = "all",
    q: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """Of which invoices to make PDFs."""
    since = date(tx.now.year, tx.now.month, 1)
    return await show(request, tx, "work/pdfs.html", here="invoices", tab=tab, q=q, since=since)


@doors.post("/app/work", may=SIGNED_IN, hidden=True)
async def begin(tx: InTx, request: Request) -> Response:
    """Begin work that needs no file."""
    made = await api.begin_work(tx, await read_form(request, BeginWork))
    return see(f"/app/work/{made.id}")


@doors.get("/app/work/{id}", may=SIGNED_IN, hidden=True)
async def show_work(tx: InTx, request: Request, id: WorkId) -> Response:
    """One piece of work: how far it is, what came of it, what can be done."""
    work = await queries.work(tx, id)
    people = await identity.names(tx, {name for name in (work.begun_by, work.confirmed_by, work.stopped_by) if name})
    back, back_word = words.BACK[work.kind]
    return await show(
        request,
        tx,
        "work/record.html",
        here=back.split("/")[2],
        live="" if work.ended_at else f"work:{work.id}",
        work=work,
        is_open=work.state in OPEN,
        acts=permits(tx.principal, RIGHTS[work.kind].act),
        percent=percent(work),
        left=words.left(seconds_left(work)),
        file=f"/api/v1/work/{work.id}/file" if has_file(work) else None,
        people=people,
        words=words,
        back=back,
        back_word=back_word,
        fields=_fields(work),
        silent=max(0, round((tx.real_now - work.moved_at).total_seconds())),
        real_now=tx.real_now,
    )


@doors.post("/app/work/{id}/confirm", may="leads:write", hidden=True)
async def confirm(tx: InTx, id: WorkId) -> Response:
    """Begin the import."""
    await api.confirm_work(tx, id)
    return see(f"/app/work/{id}", "The import has begun")


@doors.post("/app/work/{id}/columns", may="leads:write", hidden=True)
async def change_columns(tx: InTx, request: Request, id: WorkId) -> Response:
    """Read the file by other columns, and look at it again."""
    work = await queries.work(tx, id, act=True)
    known = {*_columns(work).values(), *work.result.get("unused", [])}
    asked = {
        name.removeprefix("map."): value
        for name, value in (await request.form(max_fields=100)).multi_items()
        if name.startswith("map.") and isinstance(value, str)
    }
    if any(name not in HEADERS or (value and value not in known) for name, value in asked.items()):
        raise Invalid("There is no such column in the file.")
    if not any(asked.get(name) for name in _NAMING):
        raise Invalid("One column must be a name, a company or an external id.")
    await service.look_again(tx, id, arguments={"maps": [f"{name}={value}" for name, value in asked.items()]})
    return see(f"/app/work/{id}", "The file is looked at again")


@doors.post("/app/work/{id}/stop", may=SIGNED_IN, hidden=True)
async def stop(tx: InTx, id: WorkId) -> Response:
    """Stop it where it stands."""
    await api.stop_work(tx, id)
    return see(f"/app/work/{id}", "Stopped")


def _fields(work: Work) -> list[tuple[str, str, str, list[tuple[str, str]]]]:
    """For each field of a lead: its form's name, its word, its column, and what it may be."""
    if work.state != "ready":
        return []
    columns = _columns(work)
    options = [("", "No column")] + [(one, one) for one in (*columns.values(), *work.result.get("unused", []))]
    return [(f"map.{name}", _word(name), columns.get(name, ""), options) for name in HEADERS]


def _columns(work: Work) -> dict[str, str]:
    """The column of each field, as the file was looked at."""
    return {one["field"]: one["column"] for one in work.result.get("columns", [])}


def _word(field: str) -> str:
    return field.replace("_", " ").replace(" id", " ID").capitalize().replace(" id", " ID")
