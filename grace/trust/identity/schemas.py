"""What goes over the wire: users, agents, keys, signing in."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import ConfigDict, Field, SecretStr

from grace.kit.paging import Page
from grace.kit.web import Answer, Body
from grace.kit.workspace import Workspace
from grace.trust.identity.models import ApiKey, StoredPrincipal
from grace.trust.identity.rules import EMAIL_LENGTH, PASSWORD_LENGTH, Role

Name = Annotated[str, Field(min_length=1, max_length=256)]
Email = Annotated[str, Field(min_length=3, max_length=EMAIL_LENGTH)]
Roles = Annotated[list[Role], Field(min_length=1, max_length=len(Role))]
Password = Annotated[SecretStr, Field(min_length=1, max_length=PASSWORD_LENGTH[1])]
_AS_TYPED = ConfigDict(str_strip_whitespace=False)
"""Spaces around a password are part of it."""
Token = Annotated[SecretStr, Field(min_length=1, max_length=200)]


class SignIn(Body):
    """E-mail and password. `workspace` names the workspace where there are several."""

    model_config = _AS_TYPED

    email: Email
    password: Password
    workspace: Annotated[str, Field(max_length=32)] | None = None


class Confirm(Body):
    """Proof that the person is there: the password, or the token of a fresh sign-in link."""

    model_config = _AS_TYPED

    password: Password | None = None
    sign_in_token: Token | None = None


class NewPassword(Body):
    """The password to set."""

    model_config = _AS_TYPED

    password: Password


class NewUser(Body):
    """Whom to let in. Only an owner makes owners, admins and members of Parliament."""

    name: Name
    email: Email
    roles: Roles
    parliament: bool = False


class NewAgent(Body):
    """An agent of the caller."""

    name: Name
    roles: Roles = Field(default=[Role.AGENT])


class NewRoles(Body):
    """The roles from now on."""

    roles: Roles


class NewSeat(Body):
    """Whether the principal is a member of Parliament from now on."""

    member: bool


class NewKey(Body):
    """A key of the caller, or of the caller's agent `agent_id`. Without `scopes` it may all that its principal may."""

    name: Name
    scopes: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=100)] | None = None
    agent_id: Annotated[str, Field(max_length=64)] | None = None


class WorkspaceOut(Answer):
    """The workspace that one is in."""

    handle: str
    name: str
    kind: str
    currency: str
    time_zone: str

    @classmethod
    def of(cls, workspace: Workspace) -> "WorkspaceOut":
        """As a transaction knows it."""
        return cls(
            handle=workspace.handle,
            name=workspace.name,
            kind=workspace.kind,
            currency=workspace.currency,
            time_zone=workspace.time_zone,
        )


class Me(Answer):
    """Who is signed in, and what they may do."""

    id: str
    kind: str
    name: str
    email: str | None
    roles: list[str]
    permissions: list[str]
    parliament: bool
    owner_id: str | None
    authenticated_at: datetime | None
    workspace: WorkspaceOut


class SignedIn(Answer):
    """Who has signed in, where, and until when; the session itself is the cookie."""

    id: str
    name: str
    workspace: str
    expires_at: datetime


class SignedOut(Answer):
    """Whether there was a session to end."""

    signed_out: bool


class PasswordSet(Answer):
    """The password is set; other sessions have ended."""

    password_set: bool = True


class User(Answer):
    """A user."""

    id: str
    number: int
    name: str
    email: str | None
    roles: list[str]
    parliament: bool
    version: int
    created_at: datetime
    disabled_at: datetime | None

    @classmethod
    def of(cls, row: StoredPrincipal) -> "User":
        """From its row."""
        return cls(**_of(row, cls))


class InvitedUser(User):
    """A new user and the link by which they sign in first: once, within 15 minutes; shown only now, and null in a
    repeated answer."""

    sign_in_url: str | None


class UserList(Answer):
    """A page of users."""

    items: list[User]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[StoredPrincipal]) -> "UserList":
        """From rows."""
        return cls(items=[User.of(row) for row in page.items], next_cursor=page.next_cursor)


class Agent(Answer):
    """An agent."""

    id: str
    number: int
    name: str
    roles: list[str]
    parliament: bool
    owner_id: str | None
    version: int
    created_at: datetime
    disabled_at: datetime | None

    @classmethod
    def of(cls, row: StoredPrincipal) -> "Agent":
        """From its row."""
        return cls(**_of(row, cls))


class AgentList(Answer):
    """A page of agents."""

    items: list[Agent]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[StoredPrincipal]) -> "AgentList":
        """From rows."""
        return cls(items=[Agent.of(row) for row in page.items], next_cursor=page.next_cursor)


class Key(Answer):
    """An API key, without its token."""

    id: str
    number: int
    principal_id: str
    name: str
    scopes: list[str] | None
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None

    @classmethod
    def of(cls, row: ApiKey) -> "Key":
        """From its row."""
        return cls(**_of(row, cls))


class ShownKey(Key):
    """A new key with its token `api_key`, shown only now, and null in a repeated answer."""

    api_key: str | None


class KeyList(Answer):
    """A page of keys."""

    items: list[Key]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[ApiKey]) -> "KeyList":
        """From rows."""
        return cls(items=[Key.of(row) for row in page.items], next_cursor=page.next_cursor)


def _of(row: object, model: type[Answer]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in model.model_fields if hasattr(row, name)}
