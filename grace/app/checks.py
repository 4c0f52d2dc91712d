"""What `grace audit verify`, `grace ledger check` and `grace rates import` do."""

from collections import Counter
from datetime import datetime
from typing import Any

from grace.kit.display import format_money
from grace.kit.errors import Invalid
from grace.kit.money import to_major
from grace.kit.tx import Tx, transaction
from grace.kit.workspace import Workspaces

SOUND = (
    "The books balance: every posting, account and currency; documents and postings match; "
    "every payment is as it was signed."
)


async def verify_log(workspaces: Workspaces, handle: str, *, outside: bytes | None) -> dict[str, Any]:
    """The verifier's report as plain lines; `outside` is a checkpoint (or a file of them) kept elsewhere."""
    from grace.trust.audit import finding
    from grace.trust.audit.verifier import verify

    async with transaction(workspaces, await _known(workspaces, handle)) as tx:
        keys = tx.keys
    async with workspaces.owner(handle) as connection:
        report = await verify(connection, against=outside, keys=keys)
        await finding.keep(connection, report, outside=outside is not None)
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
    from grace.flows.work.proving import findings

    return await findings(tx, modules.books())


async def trial_balance(workspaces: Workspaces, handle: str, *, at: datetime | None) -> dict[str, Any]:
    """Every account that is not zero, now or at the end of an instant: as objects, as lines, as CSV."""
    from grace.trust.ledger.queries import trial_balance
    from grace.trust.ledger.schemas import trial_csv

    async with transaction(workspaces, await _known(workspaces, handle)) as tx:
        rows = [row for row in await trial_balance(tx, at=at) if row.balance_minor]
    sums: Counter[str] = Counter()
    lines = [f"{'account':46} {'debit':>18} {'credit':>18}"]
    for row in rows:
        sums[row.currency] += row.balance_minor
        amount = format_money(abs(row.balance_minor), row.currency)
        sides = (amount, "") if row.balance_minor > 0 else ("", amount)
        lines.append(f"{' '.join(filter(None, (row.purpose, row.owner))):46} {sides[0]:>18} {sides[1]:>18}")
    off = {currency: to_major(total, currency) for currency, total in sums.items() if total}
    lines.append(f"Debits and credits differ: {off}" if off else "Debits equal credits in every currency.")
    items = [
        {
            "purpose": row.purpose,
            "owner": row.owner,
            "currency": row.currency,
            "balance": to_major(row.balance_minor, row.currency),
        }
        for row in rows
    ]
    return {"ok": not off, "at": at, "items": items, "lines": lines, "csv": trial_csv(rows)}


def read_moment(text: str) -> datetime:
    """A time with its zone; Invalid for anything else."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Invalid(f"{text!r} is not a time with its zone, such as 2026-12-31T23:59:59Z.")
    return moment


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
