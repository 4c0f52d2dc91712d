"""What the database itself holds of an invoice, against its owner too."""

import httpx
import psycopg
import pytest

from tests.fixtures.workspace import WorkspaceUnderTest
from tests.flows.collect_cash.office import draft, issued, pay

REFUSED = (psycopg.errors.IntegrityConstraintViolation, psycopg.errors.CheckViolation)


@pytest.mark.parametrize(
    "statement",
    [
        "update invoice set total_minor = 5, net_minor = 5",
        "update invoice set currency = 'EUR'",
        "update invoice set client_id = client_id, notes = 'changed'",
        "update invoice set invoice_number = 'X'",
        "update invoice set client = '{}'",
        "update invoice set issued_at = now()",
        "update invoice set metadata = '{\"a\": 1}'",
        "update invoice set state = 'draft', invoice_number = null, series_number = null, series_period = null",
        "update invoice set paid_minor = total_minor + 1, state = 'paid', paid_at = now()",
        "update invoice set paid_minor = 1",
        "update invoice set state = 'paid'",
        "update invoice set state = 'part_paid'",
        "update invoice set paid_minor = -1",
        "delete from invoice_line",
        "update invoice_line set description = 'changed'",
        "insert into invoice_line select id, 2, 'more', 1, 1, 0, 1 from invoice",
        "delete from invoice",
    ],
)
async def test_an_issued_invoice_is_frozen(
    api: httpx.AsyncClient, workspace: WorkspaceUnderTest, statement: str
) -> None:
    await issued(api)
    async with workspace.workspaces.owner(workspace.handle) as owner:
        with pytest.raises(REFUSED):
            await owner.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "update invoice set state = 'issued'",
        "update invoice set state = 'paid', paid_at = now()",
        "update invoice set invoice_number = 'X'",
        "update invoice set tax_minor = 5",
    ],
)
async def test_a_draft_has_no_number_and_true_sums(
    api: httpx.AsyncClient, workspace: WorkspaceUnderTest, statement: str
) -> None:
    await draft(api)
    async with workspace.workspaces.owner(workspace.handle) as owner:
        with pytest.raises(REFUSED):
            await owner.execute(statement)


async def test_an_end_state_stays(api: httpx.AsyncClient, workspace: WorkspaceUnderTest) -> None:
    paid = await issued(api)
    await pay(api, paid["id"], 100)
    async with workspace.workspaces.owner(workspace.handle) as owner:
        for state in ("issued", "part_paid", "void"):
            with pytest.raises(REFUSED):
                await owner.execute(f"update invoice set state = '{state}', paid_minor = 0, voided_at = now()")


@pytest.mark.parametrize(
    "statement",
    [
        "update payment set amount_minor = 1",
        "update payment set verification_signature = 'x'",
        "update payment set status = 'pending'",
        "delete from payment",
    ],
)
async def test_a_payment_stays(api: httpx.AsyncClient, workspace: WorkspaceUnderTest, statement: str) -> None:
    await pay(api, (await issued(api))["id"], 100)
    async with workspace.workspaces.owner(workspace.handle) as owner:
        with pytest.raises(REFUSED):
            await owner.execute(statement)
