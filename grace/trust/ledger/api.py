"""Doors of the ledger."""

from collections import Counter
from typing import Annotated

from fastapi import Query
from pydantic import AwareDatetime

from grace.kit.edge import Doors, InTx
from grace.kit.money import to_major
from grace.trust.ledger import queries
from grace.trust.ledger.schemas import AccountBalance, TrialBalance

doors = Doors(tags=["Ledger"])


@doors.get("/api/v1/ledger/trial-balance", may="ledger:read", returns=TrialBalance)
async def trial_balance(
    tx: InTx, at: Annotated[AwareDatetime | None, Query(description="Business time; now when left out.")] = None
) -> TrialBalance:
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
