"""The proof of the books finds each kind of damage, once the guards have been switched off to do it."""

import pytest

from grace.trust.ledger import check, service
from tests.fixtures.workspace import WorkspaceUnderTest
from tests.trust.ledger.books import assert_right, bank, book, customer_credit, fund, receivable, revenue, transfer

TOLD = "a posting is as the audit log tells it"
DAMAGE = {
    "update ledger_posting set event_at = event_at - interval '1 us' where id = 1": {TOLD},
    "update ledger_posting set memo = 'x' where id = 1": {TOLD},
    "update ledger_posting set kind = 'other' where id = 1": {TOLD},
    "update ledger_posting set reference = 'z' where reference = 'a'": {TOLD},
    "delete from audit_payload": {TOLD},
    "update ledger_entry set amount_minor = amount_minor + 1 where posting_id = 1 and amount_minor > 0": {
        TOLD,
        "currency sums to zero",
        "posting is balanced",
        "balance is the sum of its entries",
        "entries are numbered without a gap and each continues the last",
    },
    "update ledger_entry set amount_minor = amount_minor * 2 where posting_id = 1": {
        TOLD,
        "balance is the sum of its entries",
        "entries are numbered without a gap and each continues the last",
    },
    "delete from ledger_entry where posting_id = 1": {
        TOLD,
        "posting is balanced",
        "balance is the sum of its entries",
        "entries are numbered without a gap and each continues the last",
    },
    "delete from ledger_posting where reference = 'a'": {"entry has its posting and account", TOLD},
    "update ledger_entry set currency = 'EUR'": {"entry has its posting and account", TOLD},
    "update ledger_account set balance_minor = balance_minor + 1 where purpose = 'receivable'": {
        "balance is the sum of its entries"
    },
    "update ledger_account set balance_minor = balance_minor + 1 where purpose = 'revenue'": {
        "balance is the sum of its entries"
    },
    "update ledger_entry set account_seq = 7 where account_seq = 2": {
        "entries are numbered without a gap and each continues the last"
    },
    "update ledger_entry set balance_minor = 1 where account_seq = 1": {
        "entries are numbered without a gap and each continues the last"
    },
    "update ledger_account set held_minor = held_minor + 1 where purpose = 'customer_credit'": {
        "held is the sum of the pending holds"
    },
    "update ledger_hold set state = 'released'": {"held is the sum of the pending holds"},
    "update ledger_account set held_minor = -1 where purpose = 'receivable'": {
        "floor is kept",
        "held is the sum of the pending holds",
    },
    "update ledger_account set rolled_to = '900000000000' where tail and purpose = 'bank'": {
        "transaction ids are this server's",
        "balance is the sum of its entries",
    },
    "alter table ledger_entry disable trigger ledger_entry_guard": {"guards are on"},
    "drop trigger ledger_append_only on ledger_posting": {"guards are on"},
    "grant update on ledger_entry to grace_app": {"application role may only read"},
}


@pytest.fixture
async def books(workspace: WorkspaceUnderTest) -> WorkspaceUnderTest:
    async with workspace.tx() as tx:
        await book(tx, "a", transfer(receivable(), revenue(), 500))
        await book(tx, "b", transfer(bank(), receivable(), 200))
    async with workspace.tx() as tx:
        await service.roll(tx)
    await fund(workspace, "cust_1", 900)
    async with workspace.tx() as tx:
        await service.reserve(tx, reference="h", kind="x", lines=transfer(customer_credit(), revenue(), 5))
    await assert_right(workspace)
    return workspace


@pytest.mark.parametrize(("damage", "found"), DAMAGE.items(), ids=[d[:60] for d in DAMAGE])
async def test_finds(books: WorkspaceUnderTest, damage: str, found: set[str]) -> None:
    if "grace_app" in damage and not await books.workspaces.app_role_exists():
        pytest.skip("this login may not create the application role")
    async with books.workspaces.owner(books.handle) as owner, owner.transaction():
        await owner.execute("set session_replication_role = replica")
        await owner.execute("alter table ledger_hold_line drop constraint ledger_hold_line_hold_id_fkey")
        await owner.execute(damage)
    async with books.tx() as tx:
        findings = await check.check(tx)
    assert {finding.rule for finding in findings} == found
    assert all(finding.subject and finding.detail for finding in findings)
