"""Whoever can switch the guards off cannot change a document, or a posting, without the check saying so."""

import random
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from psycopg import AsyncConnection
from psycopg.errors import UniqueViolation

from grace.app.checks import findings_in
from grace.kit.tx import SYSTEM, begin
from tests.fixtures.cards import Till

LATER = "{0} + interval '1 s'"
MORE = "{0} + 1"
OTHER = "{0} || 'x'"
CHANGES: dict[str, dict[str, tuple[str, ...]]] = {
    "invoice": {
        MORE: ("paid_minor", "earned_minor", "excess_minor"),
        "{0} + 1000": ("series_number",),
        OTHER: ("id", "client_id", "transaction_id", "payment_method"),
        LATER: ("issued_at", "voided_at", "paid_at"),
        "'JPY'": ("currency",),
    },
    "invoice_line": {MORE: ("net_minor", "quantity", "unit_price_minor"), OTHER: ("invoice_id",)},
    "invoice_counter": {MORE: ("last",)},
    "payment": {
        MORE: ("amount_minor",),
        "{0} - 1": ("net_minor",),
        OTHER: ("id", "invoice_id", "client_id", "method", "excess_of"),
        LATER: ("received_at", "reversed_at"),
        "'JPY'": ("currency",),
        "case {0} when 'paid' then 'refunded' else 'paid' end": ("status",),
        "'pending'": ("status",),
    },
    "payment_attempt": {
        MORE: ("amount_minor", "excess_minor", "fee_minor"),
        OTHER: ("charge", "payment_id", "movement", "invoice_id"),
    },
    "refund": {
        MORE: ("amount_minor",),
        OTHER: ("id", "invoice_id", "client_id"),
        LATER: ("created_at",),
        "case {0} when 'failed' then 'succeeded' else 'failed' end": ("state",),
        "'JPY'": ("currency",),
    },
    "refund_part": {
        MORE: ("amount_minor", "over_minor"),
        "{0} - 1": ("net_minor",),
        OTHER: ("id", "refund_id", "payment_id", "excess_of", "provider"),
        "case {0} when 'failed' then 'succeeded' else 'failed' end": ("state",),
        "'pending'": ("state",),
    },
    "ledger_posting": {OTHER: ("reference", "kind", "memo"), LATER: ("event_at",)},
    "ledger_entry": {MORE: ("amount_minor", "posting_id", "account_id"), "'JPY'": ("currency",)},
}
DELETED = (*CHANGES, "audit_payload")
FREE = {"payment_attempt": "state = 'succeeded'", "audit_payload": (
    "entry_id in (select id from audit_entry where action = 'post_to_ledger')")}  # fmt: skip
"""Which rows are of the books, in tables that hold others too."""


@pytest.fixture
async def busy(till: Till) -> Till:
    """Money of every kind: by hand and card, in parts, too much, back in parts, failed to go back, taken back."""
    line = {"description": "Work", "quantity": 3, "unit_price": "33.33", "tax_rate": 19}
    draft = await till.post("/api/v1/invoices", {"client_id": "client_abc", "lines": [line]})
    taxed = {"invoice_id": (await till.post(f"/api/v1/invoices/{draft['id']}/issue"))["id"]}
    await till.keep_card()
    by_hand = {"invoice_id": taxed["invoice_id"], "amount": "40.00", "method": "cash", "reference": "r1"}
    await till.post("/api/v1/payments/manual", by_hand)
    await till.process(taxed)
    await till.refund(taxed, "90.00")
    overpaid = await till.invoice("500.00")
    intent = await till.intent(overpaid)
    await till.post("/api/v1/payments/manual", {**by_hand, "invoice_id": overpaid["invoice_id"]})
    await till.confirm(intent)
    await till.settle()
    await till.refund(overpaid, "25.00")
    credited = await till.invoice("12.00")
    await till.post(f"/api/v1/invoices/{credited['invoice_id']}/apply-credit")
    void = await till.invoice("7.00")
    await till.post(f"/api/v1/invoices/{void['invoice_id']}/void", {"reason": "typed wrong"})
    fails = await till.invoice("300.00", client_id="client_xyz")
    await till.keep_card("pm_card_refundFail", client="client_xyz")
    await till.process(fails)
    await till.refund(fails, "100.00")
    await till.settle()
    await till.hurry()
    other = await till.invoice("9.00")
    mistyped = await till.post("/api/v1/payments/manual", {**by_hand, "invoice_id": other["invoice_id"], "amount": 4})
    await till.post(f"/api/v1/payments/{mistyped['id']}/reverse", {"reason": "typed wrong"})
    await till.settle()
    return till


@pytest.fixture
async def superuser(busy: Till) -> AsyncIterator[AsyncConnection]:
    """A connection of the owner with no trigger and no foreign key in its way; nothing it does stays."""
    async with busy.workspace.workspaces.owner(busy.workspace.handle) as owner:
        await owner.execute("begin")
        await owner.execute("set local session_replication_role = replica")
        for table in CHANGES:
            await owner.execute(_without_constraints(table).encode())
        yield owner
        await owner.execute("rollback")


async def test_every_kind_of_tampering_is_found(busy: Till, superuser: AsyncConnection) -> None:
    chosen = random.Random(20261128)
    changes = [
        (table, f"update {table} set {column} = {how.format(column)}", column)
        for table, ways in CHANGES.items()
        for how, columns in ways.items()
        for column in columns
    ] + [(table, f"delete from {table}", None) for table in DELETED]
    assert await _found(busy, superuser) == []
    missed = []
    for table, change, column in changes:
        some = f"{FREE.get(table, 'true')} and {f'{column} is not null' if column else 'true'}"
        rows = await _all(superuser, f"select ctid::text from {table} where {some} order by ctid")
        assert rows, f"there is no {table} to tamper with"
        for row in chosen.sample(rows, min(2, len(rows))):
            await superuser.execute("savepoint untouched")
            with suppress(UniqueViolation):  # a primary key holds for everybody
                await superuser.execute(f"{change} where ctid = '{row}'".encode())
                if not await _found(busy, superuser):
                    missed.append(f"{change} of {row}")
            await superuser.execute("rollback to untouched")
    assert missed == []
    await _set_back(busy, superuser)


async def _set_back(busy: Till, superuser: AsyncConnection) -> None:
    """A paid invoice set back, its payment taken away, and both together, which fit each other but not the books."""
    back = "update invoice set state = 'issued', paid_minor = 0, paid_at = null, transaction_id = null where id = %s"
    gone = "delete from payment where invoice_id = %s"
    [paid] = await _all(superuser, "select id from invoice where state = 'paid' order by id limit 1")
    for changes, said in (
        ([back], "its payments come to"),
        ([gone], "no document asks for it"),
        ([back, gone], "no document asks for it"),
    ):
        await superuser.execute("savepoint untouched")
        for change in changes:
            await superuser.execute(change.encode(), [paid])
        found = await _found(busy, superuser)
        assert any(said in finding for finding in found), found
        await superuser.execute("rollback to untouched")


async def _found(till: Till, connection: AsyncConnection) -> list[str]:
    tx = await begin(till.workspace.workspaces, connection, till.workspace.handle, SYSTEM, "r")
    return await findings_in(tx)


async def _all(connection: AsyncConnection, query: str) -> list[Any]:
    return [row[0] for row in await (await connection.execute(query.encode())).fetchall()]


def _without_constraints(table: str) -> str:
    """Checks and foreign keys hold for a superuser too, unless dropped; primary keys stay."""
    return f"""do $$ declare c text; begin
        for c in select conname from pg_constraint where conrelid = '{table}'::regclass and contype in ('c', 'f') loop
            execute format('alter table {table} drop constraint %I', c);
        end loop; end $$"""
