"""One client: the story on one page, each kind of record on a tab of its own, details to change, records to merge."""

from collections.abc import Sequence
from typing import Any

from fastapi import Request, Response

from grace.console.clients.words import WORDS
from grace.console.forms import read_form
from grace.console.pipeline.board import word
from grace.console.shell import demand, see, show
from grace.domains.crm import api, panels, queries
from grace.domains.crm.api import ClientPath
from grace.domains.crm.models import Client
from grace.domains.crm.panels import Wanted
from grace.domains.crm.schemas.clients import ClientChanges, Details, MergeClients, UnmergeClients
from grace.domains.delivery import queries as delivery
from grace.domains.delivery.queries import ProjectFilter
from grace.domains.invoicing import queries as invoicing
from grace.domains.invoicing.queries import InvoiceFilter
from grace.domains.payments import queries as payments
from grace.domains.payments.queries import PaymentFilter
from grace.domains.proposals import queries as proposals
from grace.domains.proposals.queries import ProposalFilter
from grace.insight.story import SOURCES, story
from grace.kit.edge import Doors, InTx, permits
from grace.kit.paging import Cursor, Page, after_id, page
from grace.kit.tx import Tx
from grace.trust.ledger import queries as ledger
from grace.trust.ledger.rules import Purpose

doors = Doors(tags=["Console"])
ROWS = 25
TABS = (
    ("story", "Story", "clients:read"), ("leads", "Leads", "leads:read"), ("proposals", "Proposals", "proposals:read"),
    ("projects", "Projects", "projects:read"), ("invoices", "Invoices", "invoices:read"),
    ("payments", "Payments", "payments:read"), ("details", "Details", "clients:read"),
)  # fmt: skip


@doors.get("/app/clients/{id}", may="clients:read", hidden=True)
async def client(tx: InTx, request: Request, id: ClientPath, cursor: Cursor = None) -> Response:
    """The client, on the tab that the address names."""
    found = await queries.client(tx, id)
    family = await queries.family(tx, found.id)
    parts = [(name, title) for name, title, may in TABS if permits(tx.principal, may)]
    tab = request.query_params.get("tab", "story")
    wanted = next((may for name, _, may in TABS if name == tab), None)
    if wanted:
        demand(tx, wanted)
    tab = tab if wanted else "story"
    credit = await ledger.balances(tx, family, purpose=Purpose.CUSTOMER_CREDIT)
    shown = await _rows(tx, tab, found, family, cursor)
    return await show(
        request,
        tx,
        "clients/client.html",
        here="clients",
        live="client lead proposal contract project invoice payment",
        client=found,
        credit={name: amount for name, amount in credit.items() if amount},
        parts=parts,
        tab=tab,
        rows=shown.items,
        next_cursor=shown.next_cursor,
        cursor=cursor,
        telling=WORDS,
        word=word,
    )


@doors.post("/app/clients/{id}", may="clients:write", hidden=True)
async def change(tx: InTx, request: Request, id: ClientPath) -> Response:
    """Change the details; a field that was emptied is not known any more."""
    sent = await request.form()
    emptied = {name: None for name in Details.model_fields if name in sent and not str(sent[name]).strip()}
    changed = await api.change_client(tx, id, await read_form(request, ClientChanges, **emptied))
    return see(f"/app/clients/{changed.id}?tab=details", "The details are changed.")


@doors.post("/app/clients/{id}/merge", may="clients:write", hidden=True)
async def merge(tx: InTx, request: Request, id: ClientPath) -> Response:
    """Another record is this client too."""
    merged = await api.merge_clients(tx, id, await read_form(request, MergeClients))
    return see(f"/app/clients/{merged.id}?tab=details", "The two are one client now.")


@doors.post("/app/clients/{id}/unmerge", may="clients:write", hidden=True)
async def unmerge(tx: InTx, request: Request, id: ClientPath) -> Response:
    """Undo a merge."""
    done = await api.unmerge_clients(tx, id, await read_form(request, UnmergeClients))
    return see(f"/app/clients/{done.client.id}?tab=details", f"{done.restored.name} stands for itself again.")


async def _rows(tx: Tx, tab: str, client: Client, family: Sequence[str], cursor: str | None) -> Page[Any]:
    """A page of what the tab lists."""
    if tab == "story":
        nouns = [noun for noun in SOURCES if permits(tx.principal, f"{noun}:read")]
        return await story(tx, family, nouns=nouns, cursor=cursor, limit=ROWS)
    if tab == "details":
        return Page([], None)
    ids = list(family)
    asked: dict[str, Any] = {"sort": "-created_at", "after": after_id(cursor), "limit": ROWS + 1}
    rows: list[Any]
    if tab == "leads":
        rows = list(await panels.listed(tx, Wanted(client_ids=ids), **asked))
    elif tab == "proposals":
        rows = list(await proposals.proposals(tx, ProposalFilter(client_ids=ids), **asked))
    elif tab == "projects":
        rows = list(await delivery.projects(tx, ProjectFilter(client_ids=ids), **asked))
    elif tab == "invoices":
        rows = list(await invoicing.invoices(tx, InvoiceFilter(client_ids=ids), **asked))
    else:
        rows = list(await payments.payments(tx, PaymentFilter(client_ids=ids), **asked))
    return page(rows, limit=ROWS, key="id")
