"""Doors of the ledger."""

from collections import Counter
from typing import Annotated

from fastapi import Query, Response

from grace.kit.csv import csv_answer
from grace.kit.edge import Doors, InTx
from grace.kit.money import to_major
from grace.kit.web import Moment
from grace.trust.ledger import queries
from grace.trust.ledger.schemas import AccountBalance, TrialBalance, trial_csv

doors = Doors(tags=["Ledger"])
At = Annotated[Moment | None, Query(description="Business time; now when left out.")]


@doors.get("/api/v1/ledger/trial-balance", may="ledger:read", returns=TrialBalance)
async def trial_balance(tx: InTx, at: At = None) -> TrialBalance:
    """Every account's balance, now or at an instant."""
    lines = await queries.trial_balance(tx, at=at)
    sums: Counter[str] = Counter()
    for line in lines:
        sums[line.currency] += line.balance_minor
    items = [
        AccountBalance(
            purpose=line.purpose,
            owner=line.owner,
            currency=line.currency,
            balance=to_major(line.balance_minor, line.currency),
        )
        for line in lines
    ]
    return TrialBalance(items=items, balanced=not any(sums.values()))


@doors.get("/api/v1/ledger/trial-balance/csv", may="ledger:read", gives="text/csv")
async def trial_balance_csv(tx: InTx, at: At = None) -> Response:
    """The accounts that are not at zero, as CSV."""
    lines = [line for line in await queries.trial_balance(tx, at=at) if line.balance_minor]
    return csv_answer(f"trial-balance-{(at or tx.now):%Y-%m-%d}", trial_csv(lines))
