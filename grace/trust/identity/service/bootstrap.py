"""The way in for whoever holds the machine: an owner, a sign-in link, a key."""

from dataclasses import dataclass

from grace.kit.tx import Tx
from grace.trust.identity import queries
from grace.trust.identity.models import StoredPrincipal
from grace.trust.identity.rules import Role, normal_email
from grace.trust.identity.service.keys import create_key
from grace.trust.identity.service.people import create_user
from grace.trust.identity.service.sessions import make_sign_in_link


@dataclass(frozen=True, slots=True)
class Bootstrapped:
    """The user; the token of a new sign-in link; a new key, if one was made."""

    user: StoredPrincipal
    sign_in_token: str
    api_key: str | None


async def bootstrap(tx: Tx, *, email: str, name: str | None = None, new_key: bool = False) -> Bootstrapped:
    """Make the user as an owner when there is no such user, and always a new sign-in link (as the system).

    A key is made when the user was made now, or with `new_key`. A user who exists keeps their roles. EmailTaken
    when another bootstrap makes the same user at this moment: ask again.
    """
    address = normal_email(email)
    known = await queries.by_email(tx, address)
    user = known or await _make_owner(tx, email=address, name=name or address.partition("@")[0])
    token = await make_sign_in_link(tx, principal_id=user.id)
    key = None
    if known is None or new_key:
        _, key = await create_key(tx, principal_id=user.id, name="bootstrap")
    return Bootstrapped(user, token, key)


async def _make_owner(tx: Tx, *, email: str, name: str) -> StoredPrincipal:
    """An owner; the first one is a member of Parliament, which must not be empty."""
    first = not await queries.voters(tx, Role.OWNER)
    return await create_user(tx, email=email, name=name, roles=[Role.OWNER], parliament=first)
