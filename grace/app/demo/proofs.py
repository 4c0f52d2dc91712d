"""What the demo ends with: the client's statement, the balances, the two proofs, and whether all of it is right."""

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from rich.table import Table

from grace.app.demo.display import Display
from grace.kit.money import to_major
from grace.kit.tx import Tx
from grace.trust.ledger import queries as ledger
from grace.trust.ledger.models import TrialLine


@dataclass(frozen=True)
class Proofs:
    """The reports of `ledger check` and `audit verify`, every account (debit positive), and what the client owes."""

    books: dict[str, Any]
    log: dict[str, Any]
    balances: list[TrialLine]
    statement: dict[str, Any]
    lifetime_value: Decimal
    currency: str

    @property
    def difference_minor(self) -> int:
        """By how much debits and credits differ, over all currencies: must be 0."""
        sums: dict[str, int] = defaultdict(int)
        for line in self.balances:
            sums[line.currency] += line.balance_minor
        return sum(abs(total) for total in sums.values())

    @property
    def client_owes(self) -> Decimal:
        """What is open on the client's accounts, over all currencies: must be 0."""
        return sum((abs(account["closing_balance"]) for account in self.statement["accounts"]), Decimal(0))

    @property
    def findings(self) -> list[str]:
        """What is not as it must be, in sentences."""
        found = [*self.books["findings"], *self.log["findings"]]
        if self.difference_minor:
            found.append(f"Debits and credits differ by {self.difference_minor} minor units.")
        if self.client_owes:
            found.append(f"The client's balance is {self.client_owes} and not zero.")
        if not self.balances or not self.statement["accounts"]:
            found.append("Nothing was booked.")
        return found

    @property
    def ok(self) -> bool:
        """Whether every proof holds."""
        return bool(self.books["ok"] and self.log["ok"] and not self.findings)


async def balances(tx: Tx) -> list[TrialLine]:
    """Every account of the ledger as it stands."""
    return await ledger.trial_balance(tx)


def show(display: Display, proved: Proofs) -> None:
    """The statement, the value, the proofs."""
    for account in proved.statement["accounts"]:
        table = Table(title=f"\nStatement of account, {account['currency']}", title_justify="left", box=None)
        for heading in ("when", "what", "document", "amount", "balance"):
            table.add_column(heading, justify="right" if heading in ("amount", "balance") else "left")
        for line in account["lines"]:
            what = (line["at"][:16].replace("T", " "), line["kind"], line["document"] or "")
            table.add_row(*what, f"{line['amount']:,}", f"{line['balance']:,}")
        display.console.print(table)
    display.say(f"\n  Lifetime value  {proved.lifetime_value:,} {proved.currency}")
    display.say(f"  Ledger          {proved.books['lines'][0]}")
    display.say(f"  Audit log       {proved.log['size']} sealed entries, root {proved.log['root'][:16]}…")
    for finding in proved.findings:
        display.say(f"  [red]✗[/] {finding}")
    display.say("  [green]Every proof holds.[/]" if proved.ok else "  [red]The proof failed.[/]")


def report(proved: Proofs) -> dict[str, Any]:
    """The same for a program."""
    return {
        "balances": [
            {
                "account": str(line.purpose),
                "owner": line.owner,
                "currency": line.currency,
                "balance": to_major(line.balance_minor, line.currency),
            }
            for line in proved.balances
        ],
        "difference_minor": proved.difference_minor,
        "client_balance": proved.client_owes,
        "lifetime_value": proved.lifetime_value,
        "currency": proved.currency,
        "statement": proved.statement["accounts"],
        "audit_root": proved.log["root"],
        "verification": {
            "ok": proved.ok,
            "ledger": proved.books["ok"],
            "audit": proved.log["ok"],
            "audit_entries": proved.log["size"],
            "findings": proved.findings,
        },
    }
