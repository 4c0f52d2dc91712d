"""Why the ledger refuses.

Invalid 422
├── Unbalanced          lines that do not sum to zero: a fault of the caller
└── UnknownAccount      a purpose without its owner, or no currency
Conflict 409
├── InsufficientFunds   the account would fall below its floor
├── ReferenceUsed       the reference stands for other content already
└── HoldEnded           the hold is unknown, over, or does not cover the lines
"""

from types import TracebackType

import psycopg

from grace.kit.errors import Conflict, Invalid, Problem


class Unbalanced(Invalid):
    """The lines do not sum to zero in each currency."""

    slug, title = "ledger-unbalanced", "The lines do not balance"


class UnknownAccount(Invalid):
    """There can be no such account."""

    slug, title = "ledger-unknown-account", "No such account"


class InsufficientFunds(Conflict):
    """An account would fall below zero, or below what is held of it."""

    slug, title = "insufficient-funds", "Not enough money in the account"


class ReferenceUsed(Conflict):
    """The reference is posted or held already, with another kind or other lines."""

    slug, title = "ledger-reference-used", "The reference is used already"


class HoldEnded(Conflict):
    """There is no pending hold of that reference, or it does not cover these lines."""

    slug, title = "ledger-hold-ended", "The hold is not pending"


_BY_STATE: dict[str, type[Problem]] = {
    "GL001": Unbalanced,
    "GL002": ReferenceUsed,
    "GL003": UnknownAccount,
    "GL005": HoldEnded,
    "GL006": HoldEnded,
}
FLOOR = "ledger_account_floor"


class _Told:
    """Turns what the database refuses into the errors above; anything else passes as it is."""

    def __enter__(self) -> None:
        """Nothing is needed before."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Raise what the database says as what it means."""
        if not isinstance(error, psycopg.Error):
            return
        if error.diag.constraint_name == FLOOR:
            raise InsufficientFunds("The account does not hold that much.") from error
        if error.sqlstate in _BY_STATE:
            raise _BY_STATE[error.sqlstate](error.diag.message_primary or "") from error


told = _Told()
"""`with told:` around a statement of the ledger."""
