"""What `grace audit verify`, `grace ledger check` and `grace rates import` do."""

from typing import Any

from grace.kit.errors import Invalid
from grace.kit.tx import Tx, transaction
from grace.kit.workspace import Workspaces

SOUND = (
    "The books balance: every posting, account and currency; documents and postings match; "
    "every payment is as it was signed."
)


async def verify_log(workspaces: Workspaces, handle: str, *, outside: bytes | None) -> dict[str, Any]:
    """The verifier's report as plain lines; `outside` is a checkpoint (or a file of them) kept elsewhere."""
    from grace.trust.audit.verifier import verify

    async with transaction(workspaces, await _known(workspaces, handle)) as tx:
        keys = tx.keys
    async with workspaces.owner(handle) as connection:
        report = await verify(connection, against=outside, keys=keys)
    return {
        "ok": report.ok,
        "size": report.size,
        "unsealed": report.unsealed,
        "root": report.root.hex(),
        "findings": [str(finding) for finding in report.findings],
        "completeness_proven": report.completeness_proven,
        "lines": report.sentences(),
    }


async def check_books(workspaces: Workspaces, handle: str) -> dict[str, Any]:
    """The findings of `findings_in` as plain lines."""
    from grace.app import modules

    modules.load()  # before there is a transaction, which may not idle for as long as that can take
    async with transaction(workspaces, await _known(workspaces, handle)) as tx:
        findings = await findings_in(tx)
    return {"ok": not findings, "findings": findings, "lines": findings or [SOUND]}


async def findings_in(tx: Tx) -> list[str]:
    """What is wrong with the ledger, between it and its documents, and with the payments' signatures."""
    from grace.app import modules
    from grace.domains.payments.queries import altered_payments
    from grace.trust.ledger.check import check
    from grace.trust.ledger.documents import check_documents

    findings = [str(finding) for finding in [*await check(tx), *await check_documents(tx, modules.books())]]
    return findings + [f"payment {altered}: not as it was signed" async for altered in altered_payments(tx)]


async def store_rates(workspaces: Workspaces, handle: str, rows: list[dict[str, Any]]) -> tuple[str, bool]:
    """Import rows of rates; what came of it in sentences, and whether every row was stored."""
    from grace.trust.governance.service.rates import import_rates

    async with transaction(workspaces, await _known(workspaces, handle)) as tx:
        done = await import_rates(tx, rows)
    lines = [f"{done.stored} rates stored, {len(done.rejected)} rows rejected."]
    lines += [f"row {rejected.row}: {rejected.reason}" for rejected in done.rejected]
    return "\n".join(lines), not done.rejected


async def _known(workspaces: Workspaces, handle: str) -> str:
    if handle not in await workspaces.handles():
        raise Invalid(f"There is no workspace {handle!r}. `grace workspace list` shows which there are.")
    return handle
