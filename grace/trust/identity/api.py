"""The doors of identity: signing in, oneself, users, agents, keys."""

from dataclasses import replace

from fastapi import Request

from grace.kit.edge import PUBLIC, SIGNED_IN, Doors, Edge, InEdge, InTx, InUnit
from grace.kit.errors import Invalid
from grace.kit.paging import Cursor, Limit, decode, page
from grace.kit.tx import Tx
from grace.kit.web import ExactJSON
from grace.trust.identity import browser, queries, schemas
from grace.trust.identity.models import StoredPrincipal
from grace.trust.identity.rules import GIVE_VOTES, Role, covers
from grace.trust.identity.service import keys, people, sessions, sign_in

doors = Doors(tags=["Identity"])


@doors.post("/api/v1/sign-in", may=PUBLIC, returns=schemas.SignedIn)
async def sign_in_by_password(body: schemas.SignIn, edge: InEdge, request: Request) -> ExactJSON:
    """Sign in with a password; the session is the cookie `grace_session`."""
    opened = await browser.sign_in_with_password(
        edge,
        request,
        email=body.email,
        password=body.password.get_secret_value(),
        workspace=body.workspace,
    )
    who = opened.principal
    handle = opened.token.partition(".")[0]
    response = ExactJSON(schemas.SignedIn(id=who.id, name=who.name, workspace=handle, expires_at=opened.expires_at))
    browser.keep(response, opened, edge, request)
    return response


@doors.post("/api/v1/sign-out", may=SIGNED_IN, returns=schemas.SignedOut)
async def sign_out(tx: InTx, edge: InEdge, request: Request) -> ExactJSON:
    """End the session of this browser."""
    ended = await sessions.sign_out(tx, session=browser.cookie(request))
    response = ExactJSON(schemas.SignedOut(signed_out=ended))
    browser.forget(response, edge, request)
    return response


@doors.get("/api/v1/me", may=SIGNED_IN, returns=schemas.Me)
async def me(tx: InTx) -> schemas.Me:
    """Who sends this request, and what they may do."""
    return await _me(tx)


@doors.post("/api/v1/me/confirm", may=SIGNED_IN, returns=schemas.Me)
async def confirm(body: schemas.Confirm, unit: InUnit, request: Request) -> schemas.Me:
    """Sign in again, with the password or a fresh sign-in link: some things ask for proof of the last minutes."""
    if (body.password is None) == (body.sign_in_token is None):
        raise Invalid("Give either the password or the token of a sign-in link.")
    if body.password is not None:
        tx = await browser.confirm_with_password(unit, request, password=body.password.get_secret_value())
    else:
        tx, token = unit.tx, body.sign_in_token
        await sessions.confirm_by_link(
            tx, session=browser.cookie(request), token=token.get_secret_value() if token else ""
        )
    tx.principal = replace(tx.principal, authenticated_at=tx.real_now)
    return await _me(tx)


@doors.post("/api/v1/me/password", may=SIGNED_IN, returns=schemas.PasswordSet)
async def set_password(body: schemas.NewPassword, tx: InTx, request: Request) -> schemas.PasswordSet:
    """Set one's own password, within five minutes of signing in; one's other sessions end."""
    await sign_in.set_password(tx, password=body.password.get_secret_value(), session=browser.cookie(request))
    return schemas.PasswordSet()


@doors.post("/api/v1/users", may="users:write", returns=schemas.InvitedUser, status=201, secrets=("sign_in_url",))
async def create_user(body: schemas.NewUser, tx: InTx, edge: InEdge) -> schemas.InvitedUser:
    """Let somebody in; hand them the link. It works once, within 15 minutes."""
    user = await people.create_user(tx, email=body.email, name=body.name, roles=body.roles, parliament=body.parliament)
    return _invited(user, await sessions.make_sign_in_link(tx, principal_id=user.id), edge)


@doors.post(
    "/api/v1/users/{id}/sign-in-link",
    may="users:write",
    returns=schemas.InvitedUser,
    status=201,
    secrets=("sign_in_url",),
)
async def renew_sign_in_link(id: str, tx: InTx, edge: InEdge) -> schemas.InvitedUser:
    """A new sign-in link for a user who is there already; earlier ones that were not used end."""
    return _invited(*await people.renew_sign_in_link(tx, principal_id=id), edge)


@doors.get("/api/v1/users", may="users:read", returns=schemas.UserList)
async def list_users(tx: InTx, limit: Limit = 50, cursor: Cursor = None, role: Role | None = None) -> schemas.UserList:
    """Users, by number."""
    rows = await queries.listed(tx, kind="user", limit=limit, after=_after(cursor), role=role)
    return schemas.UserList.of(page(rows, limit=limit, key="number"))


@doors.post("/api/v1/users/{id}/roles", may="users:write", returns=schemas.User)
async def set_roles(id: str, body: schemas.NewRoles, tx: InTx) -> schemas.User:
    """Replace a user's roles. The last owner stays one."""
    user = await queries.stored(tx, id, kind="user")
    return schemas.User.of(await people.set_roles(tx, principal_id=user.id, roles=body.roles))


@doors.post("/api/v1/users/{id}/parliament", may=GIVE_VOTES, returns=schemas.User)
async def set_parliament(id: str, body: schemas.NewSeat, tx: InTx) -> schemas.User:
    """Make a user a member of Parliament, or no longer one."""
    user = await queries.stored(tx, id, kind="user")
    return schemas.User.of(await people.set_parliament(tx, principal_id=user.id, member=body.member))


@doors.post("/api/v1/users/{id}/disable", may="users:write", returns=schemas.User)
async def disable_user(id: str, tx: InTx) -> schemas.User:
    """Shut a user out at once, with their agents and keys."""
    user = await queries.stored(tx, id, kind="user")
    return schemas.User.of(await people.disable(tx, principal_id=user.id))


@doors.post("/api/v1/users/{id}/enable", may="users:write", returns=schemas.User)
async def enable_user(id: str, tx: InTx) -> schemas.User:
    """Let a disabled user in again."""
    user = await queries.stored(tx, id, kind="user")
    return schemas.User.of(await people.enable(tx, principal_id=user.id))


@doors.post("/api/v1/agents", may="agents:write", returns=schemas.Agent, status=201)
async def create_agent(body: schemas.NewAgent, tx: InTx) -> schemas.Agent:
    """Make an agent of one's own; give it a key with `agent_id`."""
    return schemas.Agent.of(await people.create_agent(tx, name=body.name, roles=body.roles))


@doors.get("/api/v1/agents", may="agents:read", returns=schemas.AgentList)
async def list_agents(tx: InTx, limit: Limit = 50, cursor: Cursor = None) -> schemas.AgentList:
    """Agents, by number."""
    rows = await queries.listed(tx, kind="agent", limit=limit, after=_after(cursor))
    return schemas.AgentList.of(page(rows, limit=limit, key="number"))


@doors.post("/api/v1/agents/{id}/disable", may="agents:write", returns=schemas.Agent)
async def disable_agent(id: str, tx: InTx) -> schemas.Agent:
    """Stop an agent at once."""
    agent = await queries.stored(tx, id, kind="agent")
    return schemas.Agent.of(await people.disable(tx, principal_id=agent.id))


@doors.post("/api/v1/agents/{id}/enable", may="agents:write", returns=schemas.Agent)
async def enable_agent(id: str, tx: InTx) -> schemas.Agent:
    """Let a stopped agent go on."""
    agent = await queries.stored(tx, id, kind="agent")
    return schemas.Agent.of(await people.enable(tx, principal_id=agent.id))


@doors.post("/api/v1/api-keys", may="keys:write", returns=schemas.ShownKey, status=201, secrets=("api_key",))
async def create_key(body: schemas.NewKey, tx: InTx) -> schemas.ShownKey:
    """Make a key for oneself or one's agent. It is shown only now."""
    key, token = await keys.create_key(
        tx, principal_id=body.agent_id or tx.principal.id, name=body.name, scopes=body.scopes
    )
    return schemas.ShownKey(**schemas.Key.of(key).model_dump(), api_key=token)


@doors.get("/api/v1/api-keys", may="keys:read", returns=schemas.KeyList)
async def list_keys(tx: InTx, limit: Limit = 50, cursor: Cursor = None) -> schemas.KeyList:
    """One's own keys and one's agents'; with `users:read` everybody's."""
    everybody = covers(tx.principal.permissions, "users:read")
    rows = await queries.keys(tx, of=None if everybody else tx.principal.id, limit=limit, after=_after(cursor))
    return schemas.KeyList.of(page(rows, limit=limit, key="number"))


@doors.delete("/api/v1/api-keys/{id}", may="keys:write", returns=schemas.Key)
async def revoke_key(id: str, tx: InTx) -> schemas.Key:
    """Revoke a key for ever."""
    return schemas.Key.of(await keys.revoke_key(tx, key_id=id))


def _invited(user: StoredPrincipal, token: str, edge: Edge) -> schemas.InvitedUser:
    url = f"{edge.settings.url.rstrip('/')}/sign-in/{token}"
    return schemas.InvitedUser(**schemas.User.of(user).model_dump(), sign_in_url=url)


async def _me(tx: Tx) -> schemas.Me:
    who, row = tx.principal, await queries.stored(tx, tx.principal.id)
    return schemas.Me(
        id=who.id,
        kind=who.kind,
        name=who.name,
        email=row.email,
        roles=sorted(who.roles),
        permissions=sorted(who.permissions),
        parliament=row.parliament,
        owner_id=who.owner,
        authenticated_at=who.authenticated_at,
        workspace=schemas.WorkspaceOut.of(tx.workspace),
    )


def _after(cursor: str | None) -> int | None:
    position = decode(cursor)
    if position is not None and not isinstance(position, int):
        raise Invalid("The cursor is not one of ours.", type="invalid-cursor")
    return position
