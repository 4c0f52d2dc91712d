"""The ledger against the provider's balance, line by line: every difference is named.

The provider is read page by page, without a transaction; each page is compared in one. Then what is booked and was not
among the pages is asked for by its id, because the two sides may put one thing a second apart, on either side of a
bound.
"""

from dataclasses import dataclass, field
from datetime import datetime

from grace.domains.payments.rules import Difference
from grace.domains.payments.service import reconciling
from grace.domains.payments.service.reconciling import Document
from grace.kit.errors import Invalid, Unavailable
from grace.kit.tx import transaction
from grace.kit.unit import UnknownOutcome
from grace.kit.workspace import Workspace, Workspaces
from grace.providers.payments import port
from grace.providers.payments.port import Refused

BATCH = 500
LIMIT = 1_000
"""So many differences are named; more are counted."""


@dataclass(slots=True)
class Reconciled:
    """What came of it. `movements` are the provider's lines that were compared."""

    provider: str
    start: datetime | None
    end: datetime | None
    movements: int = 0
    count: int = 0
    differences: list[Difference] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        """Whether there is no difference."""
        return not self.count

    def add(self, found: list[Difference]) -> None:
        """Count differences, and keep the first ones."""
        self.count += len(found)
        self.differences += found[: LIMIT - len(self.differences)]


async def reconcile(
    workspaces: Workspaces,
    handle: str,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    at_most: int | None = None,
) -> Reconciled:
    """Compare all that moved the provider's balance from `start` up to, not including, `end` with the ledger.

    Invalid when that is more than `at_most` movements; Unavailable when the provider does not answer or no account is
    configured.
    """
    provider = port.cards()
    async with transaction(workspaces, handle) as tx:
        workspace = tx.workspace
    if not provider.configured(workspace):
        raise Unavailable("No card provider is configured for this workspace.")
    done = Reconciled(provider.name, start, end)
    seen: set[str] = set()
    try:
        async for page in provider.movements(workspace, since=_seconds(start), until=_seconds(end)):
            done.movements += len(page)
            if at_most is not None and done.movements > at_most:
                raise Invalid(f"There are more than {at_most} movements in this time.", type="range-too-wide")
            async with transaction(workspaces, handle) as tx:
                found, known = await reconciling.compare(tx, provider.name, page)
            done.add(found)
            seen |= known
        await _look_for_the_rest(workspaces, workspace, done, seen)
    except UnknownOutcome as silent:
        raise Unavailable("The card provider does not answer.") from silent
    except Refused as refused:
        raise Unavailable(f"The card provider refuses: {refused.message}") from refused
    return done


async def _look_for_the_rest(workspaces: Workspaces, workspace: Workspace, done: Reconciled, seen: set[str]) -> None:
    after = ""
    while True:
        async with transaction(workspaces, workspace.handle) as tx:
            batch = await reconciling.documents_between(
                tx, done.provider, start=done.start, end=done.end, after=after, limit=BATCH
            )
        for document in batch:
            if document.source not in seen and not await _is_there(workspace, document):
                done.add([_missing(document)])
        if len(batch) < BATCH:
            return
        after = batch[-1].source


async def _is_there(workspace: Workspace, document: Document) -> bool:
    """Whether the provider has moved its balance for it, or has not yet and knows of it."""
    provider = port.cards()
    if document.movement is not None:
        return await provider.movement(workspace, document.movement) is not None
    try:
        if document.returned:
            await provider.refund(workspace, document.source)
        else:
            await provider.charge(workspace, document.source)
    except Refused as refused:
        if refused.code != "resource_missing":
            raise
        return False
    return True


def _missing(document: Document) -> Difference:
    return Difference(
        kind="missing_there",
        what="refund" if document.returned else "charge",
        movement=document.movement,
        source=document.source,
        document=document.id,
        currency=document.currency,
        there_minor=None,
        here_minor=document.amount_minor,
    )


def _seconds(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp())
