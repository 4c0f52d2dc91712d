"""The shell around every page of the console: who is signed in, what waits for them, where they are."""

import uuid
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from urllib.parse import quote, unquote

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from markupsafe import Markup

from grace.console import charts, marks, words
from grace.console.busy import busy_of
from grace.flows.work import queries as work
from grace.insight.operating import Glance, glance
from grace.kit.edge import permits
from grace.kit.errors import Forbidden
from grace.kit.pages import Pages
from grace.kit.tx import Principal, Tx

SAID_COOKIE = "grace_said"
SAID_LENGTH = 300
"""What the last form did, told once by the page that follows."""

GO = Markup('hx-boost="true" hx-target="#app" hx-select="#app" hx-swap="morph:outerHTML show:none"')
"""Put on links and forms that stay within a page: with JavaScript only what changed is swapped in."""


@dataclass(frozen=True, slots=True)
class Item:
    """An entry of the sidebar, seen by who holds `may`."""

    id: str
    path: str
    icon: str
    title: str
    may: str


NAV: tuple[tuple[str, tuple[Item, ...]], ...] = (
    (
        "",
        (
            Item("home", "/app", "house", "Home", ""),
            Item("approvals", "/app/approvals", "stamp", "Approvals", "decisions:read"),
        ),
    ),
    (
        "Sell",
        (
            Item("pipeline", "/app/pipeline", "square-kanban", "Pipeline", "leads:read"),
            Item("clients", "/app/clients", "users", "Clients", "clients:read"),
            Item("proposals", "/app/proposals", "file-pen-line", "Proposals", "proposals:read"),
        ),
    ),
    ("Deliver", (Item("projects", "/app/projects", "layers", "Projects", "projects:read"),)),
    (
        "Get paid",
        (
            Item("invoices", "/app/invoices", "receipt-text", "Invoices", "invoices:read"),
            Item("payments", "/app/payments", "arrow-left-right", "Payments", "payments:read"),
            Item("ledger", "/app/ledger", "scale", "Ledger", "ledger:read"),
        ),
    ),
    ("Understand", (Item("revenue", "/app/revenue", "chart-no-axes-column", "Revenue", "insight:read"),)),
    (
        "Trust",
        (
            Item("audit", "/app/audit", "fingerprint", "Audit log", "audit:read"),
            Item("system", "/app/system", "server", "System", "workspace:read"),
            Item("settings", "/app/settings", "settings-2", "Settings", "workspace:read"),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab of the phone's bar: where the first of its pages that the reader may see is, and which these are."""

    icon: str
    title: str
    ids: tuple[str, ...]

    def shown(self, me: Principal) -> Item | None:
        """The page that it leads to, under the tab's own name."""
        first = next((item for _, items in NAV for item in items if item.id in self.ids and _sees(me, item)), None)
        return replace(first, icon=self.icon, title=self.title) if first else None


TABS = (
    Tab("house", "Home", ("home",)),
    Tab("square-kanban", "Pipeline", ("pipeline",)),
    Tab("stamp", "Approvals", ("approvals",)),
    Tab("wallet", "Money", ("invoices", "payments", "ledger")),
)
"""The phone's bar; a fifth tab leads to everything."""


def _once() -> Markup:
    """A form's hidden field that keeps a double click, or a repeat after a lost answer, to one effect."""
    return Markup('<input type="hidden" name="idempotency_key" value="{}">').format(uuid.uuid4().hex)


_pages = Pages(
    "grace.console", charts=charts, say=words.say, mark=marks.mark, initials=marks.initials, once=_once, go=GO
)


async def show(
    request: Request,
    tx: Tx,
    template: str,
    /,
    *,
    here: str,
    live: str = "",
    **values: Any,
) -> HTMLResponse:
    """A page in its shell. `here` is the sidebar's entry; `live` names the topics that change the page."""
    me = tx.principal
    seen = await _glance(tx)
    said = unquote(request.cookies.get(SAID_COOKIE, ""))[:SAID_LENGTH]
    page = _pages.render(
        template,
        zone=tx.workspace.zone,
        here=here,
        live=live,
        me=me,
        may=partial(permits, me),
        nav=[(group, shown) for group, items in NAV if (shown := [item for item in items if _sees(me, item)])],
        tabs=[(tab.ids, item) for tab in TABS if (item := tab.shown(me))],
        waiting=seen.waiting,
        broken=seen.broken,
        broken_since=seen.broken_since,
        busy=busy_of(seen),
        said=said,
        workspace=tx.workspace,
        currency=tx.workspace.currency,
        now=tx.now,
        query=request.query_params,
        **values,
    )
    if said:
        page.delete_cookie(SAID_COOKIE, path="/app")
    return page


async def busy(tx: Tx) -> HTMLResponse:
    """The mark of long work alone, as a page's shell shows it."""
    return _pages.render("busy.html", busy=busy_of(await _glance(tx)))


async def _glance(tx: Tx) -> Glance:
    me = tx.principal
    return await glance(
        tx, decisions=permits(me, "decisions:read"), sees=work.seen_by(me), confirms=work.acted_on_by(me)
    )


def see(path: str, said: str = "") -> Response:
    """The answer to a form: go and see `path`, which tells what was done. `path` is our own, never a reader's."""
    response = RedirectResponse(path, 303)
    if said:
        response.set_cookie(
            SAID_COOKIE, quote(said[:SAID_LENGTH]), max_age=30, path="/app", httponly=True, samesite="lax"
        )
    return response


def demand(tx: Tx, may: str) -> None:
    """Forbidden for a reader without a permission that the page's door does not ask of everybody."""
    if not permits(tx.principal, may):
        raise Forbidden(f"This needs the permission {may!r}. An owner or an admin can grant it.", permission=may)


def _sees(me: Principal, item: Item) -> bool:
    return not item.may or permits(me, item.may)
