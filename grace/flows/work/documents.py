"""The PDFs of many invoices, made in the worker a few at a time, as one archive."""

import asyncio
from dataclasses import asdict, dataclass
from datetime import date

from grace.domains.invoicing.document import documents, file_name
from grace.domains.invoicing.queries import invoices_by_id
from grace.flows.collect_cash.listing import Tab, invoice_rows
from grace.flows.work import files, service
from grace.flows.work.models import Work
from grace.flows.work.stints import Stint, carries_out
from grace.kit import json
from grace.kit.errors import Invalid
from grace.kit.pdf.documents import InvoiceDocument
from grace.kit.pdf.render import render_invoice
from grace.kit.tx import Tx

MOST_INVOICES = 2_000
_A_STEP = 10
_PAGE = 200


@dataclass(frozen=True, slots=True)
class InvoiceChoice:
    """Which invoices: those of a tab of their list that match a text, sent from one day to another."""

    tab: Tab = "all"
    q: str | None = None
    sent_from: date | None = None
    sent_to: date | None = None

    def takes(self, sent: date) -> bool:
        """Whether an invoice sent on that day is among them."""
        return (self.sent_from is None or sent >= self.sent_from) and (self.sent_to is None or sent <= self.sent_to)


async def chosen(tx: Tx, choice: InvoiceChoice) -> list[str]:
    """The ids of the invoices, by their number; Invalid when there is none, or too many for one archive."""
    found: list[str] = []
    after = None
    while True:
        rows = await invoice_rows(tx, tab=choice.tab, q=choice.q, sort="number", after=after, limit=_PAGE)
        found += [row.id for row in rows if row.issued_at is not None and choice.takes(row.issued_at.date())]
        if len(found) > MOST_INVOICES:
            raise Invalid(f"More than {MOST_INVOICES:,} invoices: choose a shorter time.", type="too-many-invoices")
        if len(rows) < _PAGE:
            break
        after = rows[-1].id
    if not found:
        raise Invalid("No invoice was sent that fits: a draft has no PDF.", type="no-invoices")
    return found


async def begin_documents(tx: Tx, choice: InvoiceChoice) -> Work:
    """Have the PDFs made of the invoices that are chosen now."""
    ids = await chosen(tx, choice)
    work = await service.begin(tx, kind="invoice_pdfs", arguments=json.loads(json.dumps(asdict(choice))))
    await files.append(tx, work.id, "in", "\n".join(ids).encode())
    return work


@carries_out("invoice_pdfs")
async def make_documents(stint: Stint) -> None:
    """A PDF for each invoice, some of them a step."""
    async with stint.step() as step:
        ids = (await files.whole(step.tx, step.work.id, "in")).decode().split("\n")
        await step.advance(total=len(ids), doing="Making PDFs")
    for start in range(stint.work.position, len(ids), _A_STEP):
        async with stint.unit.transaction() as tx:
            papers = await documents(tx, await invoices_by_id(tx, ids[start : start + _A_STEP]))
        made = await asyncio.to_thread(_rendered, papers)
        done = min(start + _A_STEP, len(ids))
        async with stint.step() as step:
            for paper, content in zip(papers, made, strict=True):
                await files.append(step.tx, step.work.id, "out", content, name=file_name(paper))
            await step.advance(done=done, position=done)
    async with stint.step() as step:
        await service.finish(step.tx, step.work, result={"documents": len(ids)}, file_name=f"invoices-{len(ids)}.zip")


def _rendered(papers: list[InvoiceDocument]) -> list[bytes]:
    return [render_invoice(paper) for paper in papers]
