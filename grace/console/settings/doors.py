"""The doors of the workspace's own settings, its exchange rates and its connections."""

from typing import Any

from fastapi import Request, Response

from grace.console.forms import read_form
from grace.console.settings.forms import fields_of, in_order, title_of, value_from
from grace.console.shell import see, show
from grace.domains.payments import queries as payments
from grace.flows.settings.api import Name, WorkspaceIn, put_setting, put_workspace
from grace.kit.edge import Doors, InTx, permits
from grace.kit.money import DIGITS
from grace.kit.tx import Tx
from grace.kit.workspace_settings import declared
from grace.kit.zones import names
from grace.trust.governance import api as governance
from grace.trust.governance import queries
from grace.trust.governance.schemas import RatesIn

doors = Doors(tags=["Console"])
TABS = (
    ("general", "/app/settings", "Business", "workspace:read"),
    ("people", "/app/settings/people", "People", "users:read"),
    ("agents", "/app/settings/agents", "Agents", "agents:read"),
    ("rates", "/app/settings/rates", "Exchange rates", "rates:read"),
    ("webhooks", "/app/settings/webhooks", "Webhooks", "workspace:read"),
    ("policy", "/app/policies", "Policy", "policies:read"),
)
"""The parts of the settings: id, address, word, who sees it."""


@doors.get("/app/settings", may="workspace:read", hidden=True)
async def general(tx: InTx, request: Request) -> Response:
    """What the business decides for itself."""
    stored = await values(tx)
    forms = [
        (one, title_of(one.name), (one.schema.__doc__ or "").strip(), fields_of(one, stored[one.name]))
        for one in in_order(declared())
    ]
    return await show(
        request, tx, "settings.html", here="settings", tab="general", tabs_of=TABS, forms=forms, zones=names()
    )


@doors.post("/app/settings/workspace", may="workspace:write", hidden=True)
async def change_workspace(tx: InTx, request: Request) -> Response:
    """Give the workspace another name or zone."""
    now = await put_workspace(await read_form(request, WorkspaceIn), tx)
    return see("/app/settings", f"{now.name}: times are those of {now.time_zone.replace('_', ' ')}")


@doors.post("/app/settings/of/{name}", may="workspace:write", hidden=True)
async def change(tx: InTx, request: Request, name: Name) -> Response:
    """Store a setting."""
    setting = declared().get(name)
    value = value_from(setting, await request.form()) if setting is not None else {}
    await put_setting(tx, name, value)
    return see(f"/app/settings#{name}", f"{title_of(name)}: saved")


@doors.get("/app/settings/rates", may="rates:read", hidden=True)
async def rates(tx: InTx, request: Request) -> Response:
    """The newest exchange rate of each currency."""
    found = await queries.latest_rates(tx, list(DIGITS))
    return await show(
        request,
        tx,
        "settings_rates.html",
        here="settings",
        tab="rates",
        tabs_of=TABS,
        rates=found,
        currencies=[(c, c) for c in sorted(DIGITS)],
    )


@doors.post("/app/settings/rates", may="rates:write", hidden=True)
async def store_rate(tx: InTx, request: Request) -> Response:
    """Store a rate."""
    body = await read_form(request, RatesIn)
    await governance.store_rates(tx, body)
    return see("/app/settings/rates", f"The rate of {body.rates[0].currency.upper()} is stored")


@doors.get("/app/settings/webhooks", may="workspace:read", hidden=True)
async def webhooks(tx: InTx, request: Request) -> Response:
    """The addresses that providers send their events to."""
    found = await payments.endpoints(tx) if permits(tx.principal, "payments:read") else []
    return await show(
        request, tx, "settings_webhooks.html", here="settings", tab="webhooks", tabs_of=TABS, endpoints=found
    )


async def values(tx: Tx) -> dict[str, dict[str, Any]]:
    """What is stored of every setting, defaults filled in."""
    rows = await tx.all(dict, "select name, value from setting")
    stored = {row["name"]: row["value"] for row in rows}
    return {name: setting.read_from(stored.get(name)).model_dump() for name, setting in declared().items()}
