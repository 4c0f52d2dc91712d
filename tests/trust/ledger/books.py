"""Accounts and short ways to book, for the tests of the ledger."""

from collections.abc import Iterable

from grace.kit.tx import Tx
from grace.trust.ledger import check, service
from grace.trust.ledger.models import PostingId
from grace.trust.ledger.rules import AccountRef, Line, Purpose, credit, debit
from tests.fixtures.workspace import WorkspaceUnderTest


def receivable(client: str = "cust_1", currency: str = "USD") -> AccountRef:
    return AccountRef(Purpose.RECEIVABLE, currency, client)


def customer_credit(client: str = "cust_1", currency: str = "USD") -> AccountRef:
    return AccountRef(Purpose.CUSTOMER_CREDIT, currency, client)


def revenue(currency: str = "USD") -> AccountRef:
    return AccountRef(Purpose.REVENUE, currency)


def bank(currency: str = "USD") -> AccountRef:
    return AccountRef(Purpose.BANK, currency)


def tax(currency: str = "USD") -> AccountRef:
    return AccountRef(Purpose.TAX_PAYABLE, currency, "DE")


def transfer(to: AccountRef, source: AccountRef, amount_minor: int) -> tuple[Line, Line]:
    """Debit `to`, credit `source`."""
    return debit(to, amount_minor), credit(source, amount_minor)


async def book(tx: Tx, reference: str, lines: Iterable[Line], kind: str = "test") -> PostingId:
    return await service.post(tx, reference=reference, kind=kind, lines=lines)


async def fund(workspace: WorkspaceUnderTest, client: str, amount_minor: int) -> None:
    """Give a client credit to spend."""
    async with workspace.tx() as tx:
        await book(tx, f"fund:{client}", transfer(bank(), customer_credit(client), amount_minor))


async def assert_right(workspace: WorkspaceUnderTest) -> None:
    """The books prove themselves."""
    async with workspace.tx() as tx:
        assert await check.check(tx) == []
