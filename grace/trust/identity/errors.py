"""Refusals of identity."""

from grace.kit.errors import Conflict, Forbidden, Gone, NotFound, TooMany, Unauthenticated


class EmailTaken(Conflict):
    """Another user of the workspace has this e-mail."""

    slug = "email-taken"


class LastOwner(Conflict):
    """The workspace would be left without an owner."""

    slug = "last-owner"


class AboveYou(Forbidden):
    """The change gives, or takes from, a principal more than the caller may do."""

    slug = "above-you"


class SignInAgain(Forbidden):
    """The proof that a person is there is too old for this."""

    slug = "sign-in-again"


class WrongPassword(Unauthenticated):
    """No such user, no password set, or the wrong one: the answer is the same."""

    slug = "wrong-password"


class TooManyAttempts(TooMany):
    """The account or the address has failed too often."""

    slug = "too-many-sign-ins"


class UnknownLink(NotFound):
    """Not a sign-in link of this workspace."""

    slug = "unknown-link"


class LinkOver(Gone):
    """The sign-in link was used, or its time is over."""

    slug = "expired-link"
