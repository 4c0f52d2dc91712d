"""Why proposals and contracts refuse.

Problem
├── NotFound ── ProposalNotFound, ContractNotFound
├── Gone ── ProposalOver        expired, or replaced by a newer version
└── Conflict
    ├── WrongState          accepted, declined or signed already, or not there yet
    ├── LeadWon             the lead has an accepted proposal
    └── StaleVersion        the proposal changed since the caller saw it
"""

from typing import Any

from grace.kit.errors import Conflict, Gone, NotFound


class ProposalNotFound(NotFound):
    """No proposal has this id or number."""

    slug, title = "proposal-not-found", "No such proposal"

    def __init__(self, reference: str | int) -> None:
        super().__init__(f"No proposal is called {str(reference)[:64]!r} here.")


class ContractNotFound(NotFound):
    """No contract has this id or number."""

    slug, title = "contract-not-found", "No such contract"

    def __init__(self, reference: str | int) -> None:
        super().__init__(f"No contract is called {str(reference)[:64]!r} here.")


class ProposalOver(Gone):
    """The proposal can no longer be answered."""

    slug, title = "proposal-over", "This proposal is over"


class WrongState(Conflict):
    """The proposal or contract is not in a state for this; `current` is the one it is in."""

    slug, title = "wrong-state", "Not possible in its present state"

    def __init__(self, detail: str, *, current: str, **extra: Any) -> None:
        super().__init__(detail, current=current, **extra)


class LeadWon(Conflict):
    """The lead is won already; more work with the client is a new lead."""

    slug, title = "lead-won", "This lead is won already"


class StaleVersion(Conflict):
    """The proposal is newer than what the caller saw."""

    slug, title = "stale-version", "Changed in the meantime"

    def __init__(self, status: str, version: int) -> None:
        super().__init__(
            f"The proposal was changed in the meantime: it is {status}, version {version}. Look at it again.",
            status=status,
            version=version,
        )
