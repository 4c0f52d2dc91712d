"""What the database itself refuses, whoever asks: the application role, and the owner of the tables."""

from collections.abc import AsyncIterator

import psycopg
import pytest

from tests.fixtures.workspace import WorkspaceUnderTest
from tests.trust.ledger.books import assert_right, bank, book, fund, receivable, revenue, transfer

TABLES = ["ledger_posting", "ledger_entry", "ledger_account", "ledger_hold", "ledger_hold_line"]


@pytest.fixture
async def owner(workspace: WorkspaceUnderTest) -> AsyncIterator[psycopg.AsyncConnection]:
    """The owner of the tables, on books with something in them."""
    async with workspace.tx() as tx:
        await book(tx, "a", transfer(receivable(), revenue(), 500))
        await book(tx, "b", transfer(bank(), receivable(), 200))
    await fund(workspace, "cust_1", 900)
    async with workspace.workspaces.owner(workspace.handle) as connection:
        yield connection
    await assert_right(workspace)


async def _refused(connection: psycopg.AsyncConnection, statement: str) -> str:
    with pytest.raises(psycopg.Error) as caught:
        await connection.execute(statement)
    return str(caught.value.sqlstate)


@pytest.mark.parametrize("table", TABLES)
async def test_nothing_is_deleted_or_truncated_by_the_owner(owner: psycopg.AsyncConnection, table: str) -> None:
    assert await _refused(owner, f"delete from {table}") == "GL004"
    assert await _refused(owner, f"truncate {table} cascade") == "GL004"


@pytest.mark.parametrize(
    "statement",
    [
        "update ledger_entry set amount_minor = amount_minor + 1",
        "update ledger_entry set balance_minor = 0 where false",
        "update ledger_posting set event_at = now()",
        "update ledger_posting set reference = 'other' where reference = 'a'",
        "update ledger_account set balance_minor = balance_minor + 100",
        "update ledger_account set held_minor = 1",
        "update ledger_account set rolled_to = '9999999999'",
        "update ledger_account set tail = true, allow_negative = true",
        "update ledger_account set currency = 'EUR'",
        "insert into ledger_account (purpose, owner, currency) values ('revenue', '', 'CHF')",
        "insert into ledger_posting (reference, kind, event_at) values ('c', 'x', now())",
        "insert into ledger_entry (posting_id, account_id, amount_minor, currency) values (1, 1, 5, 'USD')",
        "insert into ledger_hold (reference, kind, event_at) values ('c', 'x', now())",
    ],
)
async def test_nothing_is_written_past_the_functions_by_the_owner(
    owner: psycopg.AsyncConnection, statement: str
) -> None:
    assert await _refused(owner, statement) == "GL004"


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("verb", ["insert into {} default values", "update {} set {} = null", "delete from {}"])
async def test_the_application_role_may_only_read(workspace: WorkspaceUnderTest, table: str, verb: str) -> None:
    if not await workspace.workspaces.app_role_exists():
        pytest.skip("this login may not create the application role: triggers alone hold the rule")
    column = {"ledger_posting": "memo", "ledger_hold": "memo", "ledger_account": "owner"}.get(table, "account_id")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with workspace.tx() as tx:
            await tx.execute(verb.format(table, column))
    async with workspace.tx() as tx:
        await tx.value(f"select count(*) from {table}")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with workspace.tx() as tx:
            await tx.value("select ledger_rebuild()")


BIG = f"{{{2**63 - 1},{1 - 2**63}}}"

UNBALANCED = [
    "values (%(p)s, 1, 5, null, null, 'USD')",
    "values (%(p)s, 1, 5, null, null, 'USD'), (%(p)s, 2, -4, null, null, 'USD')",
    "values (%(p)s, 1, 5, null, null, 'USD'), (%(p)s, 2, -5, null, null, 'EUR')",
    "values (%(p)s, 1, 5, null, null, 'USD'), (%(p)s + 1, 2, -5, null, null, 'USD')",
    "values (%(p)s, 1, 5, null, null, 'USD'), (%(p)s, 2, -4, null, null, 'USD'), (%(p)s + 1, 2, -1, null, null, 'USD')",
]


@pytest.mark.parametrize("values", UNBALANCED)
async def test_unbalanced_entries_are_refused_even_within_the_functions_flag(
    owner: psycopg.AsyncConnection, values: str
) -> None:
    columns = "posting_id, account_id, amount_minor, account_seq, balance_minor, currency"
    await owner.execute("set search_path = pg_catalog, public, pg_temp, ledger_writes")
    with pytest.raises(psycopg.Error) as caught:
        await owner.execute(f"insert into ledger_entry ({columns}) " + values, {"p": 1_000})
    assert caught.value.sqlstate == "GL001"


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("ledger_post('c','x',now(),null,'{receivable,revenue}','{c,\"\"}','{USD,USD}','{5,-4}')", "GL001"),
        ("ledger_post('c','x',now(),null,'{receivable}','{c}','{USD}','{5}')", "GL001"),
        ("ledger_post('c','x',now(),null,'{receivable,revenue}','{c,\"\"}','{USD,EUR}','{5,-5}')", "GL001"),
        ("ledger_post('c','x',now(),null,'{receivable,revenue}','{c,\"\"}','{USD,USD}','{0,0}')", "GL001"),
        ("ledger_post('c','x',now(),null,'{}','{}','{}','{}')", "GL001"),
        ("ledger_post('c','x',now(),null,'{receivable,receivable}','{c,c}','{USD,USD}','{5,-5}')", "23505"),
        ("ledger_post('c','x',now(),null,'{receivable,nonsense}','{c,\"\"}','{USD,USD}','{5,-5}')", "GL003"),
        ("ledger_post('c','x',now(),null,'{receivable,revenue}','{\"\",\"\"}','{USD,USD}','{5,-5}')", "GL003"),
        ("ledger_post('c','x',now(),null,'{bank,fx_result}','{b,b}','{USD,USD}','{5,-5}')", "GL003"),
        ("ledger_post('c','x',now(),null,'{bank,revenue}','{\"\",\"\"}','{usd,usd}','{5,-5}')", "GL003"),
        ("ledger_post('c','x',now(),null,'{customer_credit,bank}','{cust_1,\"\"}','{USD,USD}','{901,-901}')", "23514"),
        ("ledger_post('a','x',now(),null,'{receivable,revenue}','{c,\"\"}','{USD,USD}','{5,-5}')", "GL002"),
        ("ledger_post(repeat('r',201),'x',now(),null,'{receivable,revenue}','{c,\"\"}','{USD,USD}','{5,-5}')", "22001"),
        (f"ledger_post('c','x',now(),null,'{{receivable,bank}}','{{cust_1,\"\"}}','{{USD,USD}}','{BIG}')", "22003"),
    ],
)
async def test_the_functions_refuse_by_themselves(owner: psycopg.AsyncConnection, call: str, code: str) -> None:
    assert await _refused(owner, f"select {call}") == code
