"""Doors of statements: of a client and of the business, as JSON, PDF and CSV."""

from datetime import datetime
from typing import Annotated

from fastapi import Path, Query, Response

from grace.domains.crm import queries as crm
from grace.domains.crm.models import EXTERNAL_ID_LENGTH
from grace.flows.collect_cash import statements
from grace.flows.collect_cash.schemas import AccountsOut, StatementOut
from grace.flows.collect_cash.statements import OWED, Account, pdf_answer, span
from grace.kit.csv import csv_answer
from grace.kit.edge import Doors, InTx
from grace.kit.errors import Invalid
from grace.kit.money import check_currency
from grace.kit.web import Moment
from grace.trust.ledger import queries as ledger

doors = Doors(tags=["Statements"])
ClientPath = Annotated[str, Path(max_length=EXTERNAL_ID_LENGTH)]
From = Annotated[Moment | None, Query(alias="from", description="From this moment on.")]
To = Annotated[Moment | None, Query(alias="to", description="Up to, not including, this moment.")]
InCurrency = Annotated[str | None, Query(min_length=3, max_length=3, description="Only this one.")]


@doors.get("/api/v1/clients/{id}/statement", may="clients:read", returns=StatementOut)
async def client_statement(tx: InTx, id: ClientPath, start: From = None, end: To = None) -> StatementOut:
    """What a client was invoiced and paid, what is owed, and what was paid in excess, by currency."""
    client = await crm.client(tx, id)
    begun, ended = span(tx, start, end)
    found = [
        statement
        for owner in await crm.family(tx, client.id)
        for statement in await ledger.statement(tx, owner, start=begun, end=ended, purposes=OWED)
    ]
    return StatementOut.of(client.id, start=start, end=ended, statements=found)


@doors.get("/api/v1/clients/{id}/statement/csv", may="clients:read", gives="text/csv")
async def client_statement_csv(
    tx: InTx, id: ClientPath, start: From = None, end: To = None, currency: InCurrency = None
) -> Response:
    """The statement as CSV: what is owed less the client's credit, and refunds too."""
    client = await crm.client(tx, id)
    begun, ended = span(tx, start, end)
    accounts = await statements.of_client(tx, client, start=begun, end=ended)
    if currency is not None:
        accounts = [account for account in accounts if account.currency == check_currency(currency)]
    return csv_answer(_name("statement", client.id, ended), statements.client_csv(accounts, start=begun, end=ended))


@doors.get("/api/v1/clients/{id}/statement/pdf", may="clients:read", gives="application/pdf")
async def client_statement_pdf(
    tx: InTx, id: ClientPath, start: From = None, end: To = None, currency: InCurrency = None
) -> Response:
    """The statement as a document to send, in one currency: name it where the client has several."""
    client = await crm.client(tx, id)
    begun, ended = span(tx, start, end)
    accounts = await statements.of_client(tx, client, start=begun, end=ended)
    account = _one(accounts, check_currency(currency) if currency else None, own=tx.workspace.currency)
    content = await statements.client_pdf(tx, client, account, start=begun, end=ended)
    return pdf_answer(_name("statement", f"{client.id}-{account.currency}", ended), content)


@doors.get("/api/v1/ledger/statement", may="ledger:read", returns=AccountsOut)
async def business_statement(tx: InTx, start: From = None, end: To = None) -> AccountsOut:
    """What moved the business's accounts, by purpose and currency."""
    begun, ended = span(tx, start, end)
    rows = statements.by_purpose(await ledger.turnover(tx, start=begun, end=ended))
    return AccountsOut.of(rows, start=start, end=ended)


@doors.get("/api/v1/ledger/statement/csv", may="ledger:read", gives="text/csv")
async def business_statement_csv(tx: InTx, start: From = None, end: To = None) -> Response:
    """What moved every account, also each client's, as CSV."""
    begun, ended = span(tx, start, end)
    rows = await ledger.turnover(tx, start=begun, end=ended)
    return csv_answer(_name("accounts", tx.workspace.handle, ended), statements.turnover_csv(rows))


@doors.get("/api/v1/ledger/statement/pdf", may="ledger:read", gives="application/pdf")
async def business_statement_pdf(tx: InTx, start: From = None, end: To = None) -> Response:
    """What moved the business's accounts as a document."""
    begun, ended = span(tx, start, end)
    rows = await ledger.turnover(tx, start=begun, end=ended)
    content = await statements.business_pdf(tx, rows, start=begun, end=ended)
    return pdf_answer(_name("accounts", tx.workspace.handle, ended), content)


def _one(accounts: list[Account], currency: str | None, *, own: str) -> Account:
    """The account in the currency, or the only one; an empty one where the client has none."""
    if currency is None and len(accounts) > 1:
        names = ", ".join(account.currency for account in accounts)
        raise Invalid(f"This client has accounts in {names}: say which `currency`.", type="currency-needed")
    wanted = currency or (accounts[0].currency if accounts else own)
    return next((account for account in accounts if account.currency == wanted), Account(wanted, 0, [], 0))


def _name(kind: str, of: str, end: datetime) -> str:
    return f"{kind}-{of}-{end:%Y-%m-%d}"
