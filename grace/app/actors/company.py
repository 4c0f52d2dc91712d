"""A test workspace with its people: made by whoever holds the machine, before anybody can act in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from grace.app import installation, wiring
from grace.kit.tx import Tx, transaction
from grace.kit.workspace import Workspaces
from grace.trust.identity import queries as identity
from grace.trust.identity.rules import Role
from grace.trust.identity.service.keys import create_key
from grace.trust.identity.service.people import create_user


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody of the business; all of them sit in its Parliament."""

    email: str
    name: str
    role: Role


async def found(
    workspaces: Workspaces,
    handle: str,
    *,
    name: str,
    members: Sequence[Member],
    key_name: str,
    clock_offset: timedelta = timedelta(0),
    settings: Mapping[str, Any] | None = None,
) -> dict[str, str]:
    """Make the workspace and its members as far as they are missing; a new key for each, by e-mail. May run again."""
    await installation.create_workspace(
        workspaces,
        handle,
        kind="test",
        name=name,
        clock_offset=clock_offset,
        settings=settings,
        prepare=wiring.PREPARE,
    )
    async with transaction(workspaces, handle) as tx:
        return {member.email: await _key(tx, member, key_name) for member in members}


async def _key(tx: Tx, member: Member, name: str) -> str:
    user = await identity.by_email(tx, member.email)
    if user is None:
        user = await create_user(tx, email=member.email, name=member.name, roles=[member.role], parliament=True)
    _, key = await create_key(tx, principal_id=user.id, name=name)
    return key
