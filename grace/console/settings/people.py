"""The doors of people and agents: who is in, what they may do, who votes."""

from typing import Annotated

from fastapi import Path, Request, Response

from grace.console.forms import read_form
from grace.console.settings.doors import TABS
from grace.console.shell import see, show
from grace.kit.edge import Doors, InEdge, InTx
from grace.kit.paging import Cursor, number_in, page
from grace.kit.tx import Tx
from grace.trust.identity import api, queries, schemas
from grace.trust.identity.models import StoredPrincipal
from grace.trust.identity.rules import GIVE_VOTES, Role, may_give

doors = Doors(tags=["Console"])
Id = Annotated[str, Path(max_length=64)]
ROWS = 50
PEOPLE, AGENTS = "/app/settings/people", "/app/settings/agents"
ROLES = (
    (Role.OWNER, "Owner", "everything"),
    (Role.ADMIN, "Admin", "everything but the workspace and who votes"),
    (Role.OPERATOR, "Operator", "the business, and reads all"),
    (Role.MEMBER, "Member", "the business"),
    (Role.VIEWER, "Viewer", "reads the business"),
)


@doors.get(PEOPLE, may="users:read", hidden=True)
async def people(tx: InTx, request: Request, cursor: Cursor = None) -> Response:
    """Who may sign in."""
    return await _people(tx, request, cursor=cursor)


@doors.post(PEOPLE, may="users:write", hidden=True)
async def invite(tx: InTx, edge: InEdge, request: Request) -> Response:
    """Let somebody in, and show their link once."""
    made = await api.create_user(await read_form(request, schemas.NewUser), tx, edge)
    return await _people(tx, request, made=made)


@doors.post("/app/settings/people/{id}/roles", may="users:write", hidden=True)
async def set_roles(tx: InTx, request: Request, id: Id) -> Response:
    """Replace somebody's roles."""
    user = await api.set_roles(id, await read_form(request, schemas.NewRoles), tx)
    return see(PEOPLE, f"{user.name} is {' and '.join(user.roles)} now")


@doors.post("/app/settings/people/{id}/parliament", may=GIVE_VOTES, hidden=True)
async def set_parliament(tx: InTx, request: Request, id: Id) -> Response:
    """Give a seat in Parliament, or take it."""
    user = await api.set_parliament(id, await read_form(request, schemas.NewSeat), tx)
    return see(PEOPLE, f"{user.name} {'votes' if user.parliament else 'no longer votes'} in Parliament")


@doors.post("/app/settings/people/{id}/link", may="users:write", hidden=True)
async def new_link(tx: InTx, edge: InEdge, request: Request, id: Id) -> Response:
    """A new sign-in link for somebody, shown once."""
    return await _people(tx, request, made=await api.renew_sign_in_link(id, tx, edge), again=True)


@doors.post("/app/settings/people/{id}/disable", may="users:write", hidden=True)
async def disable(tx: InTx, id: Id) -> Response:
    """Shut somebody out at once."""
    return see(PEOPLE, f"{(await api.disable_user(id, tx)).name} is shut out, with agents and keys")


@doors.post("/app/settings/people/{id}/enable", may="users:write", hidden=True)
async def enable(tx: InTx, id: Id) -> Response:
    """Let somebody in again."""
    return see(PEOPLE, f"{(await api.enable_user(id, tx)).name} may sign in again")


@doors.get(AGENTS, may="agents:read", hidden=True)
async def agents(tx: InTx, request: Request, cursor: Cursor = None) -> Response:
    """The agents, and for whom they act."""
    return await _agents(tx, request, cursor=cursor)


@doors.post(AGENTS, may="agents:write", hidden=True)
async def make_agent(tx: InTx, request: Request) -> Response:
    """Make an agent of one's own."""
    agent = await api.create_agent(await read_form(request, schemas.NewAgent), tx)
    return see(AGENTS, f"{agent.name} is there; give it a key")


@doors.post("/app/settings/agents/{id}/keys", may="keys:write", hidden=True)
async def make_agent_key(tx: InTx, request: Request, id: Id) -> Response:
    """Make a key for an agent of one's own, and show it once."""
    made = await api.create_key(await read_form(request, schemas.NewKey, agent_id=id), tx)
    return await _agents(tx, request, made=made)


@doors.post("/app/settings/agents/{id}/disable", may="agents:write", hidden=True)
async def stop_agent(tx: InTx, id: Id) -> Response:
    """Stop an agent at once."""
    return see(AGENTS, f"{(await api.disable_agent(id, tx)).name} is stopped")


@doors.post("/app/settings/agents/{id}/enable", may="agents:write", hidden=True)
async def start_agent(tx: InTx, id: Id) -> Response:
    """Let an agent go on."""
    return see(AGENTS, f"{(await api.enable_agent(id, tx)).name} goes on")


def _may_let_in(tx: Tx, whom: StoredPrincipal) -> bool:
    """Whether the reader may make a sign-in link for them: who holds it acts as them."""
    return may_give(tx.principal, roles=whom.roles, parliament=whom.parliament)


async def _people(
    tx: Tx,
    request: Request,
    *,
    cursor: str | None = None,
    made: schemas.InvitedUser | None = None,
    again: bool = False,
) -> Response:
    shown = page(await queries.listed(tx, kind="user", limit=ROWS, after=number_in(cursor)), limit=ROWS, key="number")
    return await show(
        request,
        tx,
        "settings_people.html",
        here="settings",
        tab="people",
        tabs_of=TABS,
        people=shown.items,
        next_cursor=shown.next_cursor,
        roles=ROLES,
        made=made,
        again=again,
        may_sign_in=[one.id for one in shown.items if one.id != tx.principal.id and _may_let_in(tx, one)],
    )


async def _agents(
    tx: Tx, request: Request, *, cursor: str | None = None, made: schemas.ShownKey | None = None
) -> Response:
    shown = page(await queries.listed(tx, kind="agent", limit=ROWS, after=number_in(cursor)), limit=ROWS, key="number")
    owners = await queries.names(tx, {agent.owner_id for agent in shown.items if agent.owner_id})
    return await show(
        request,
        tx,
        "settings_agents.html",
        here="settings",
        tab="agents",
        tabs_of=TABS,
        agents=shown.items,
        owners=owners,
        next_cursor=shown.next_cursor,
        made=made,
    )
