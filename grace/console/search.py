"""Search, and the palette's content: what is found, and what can be done."""

from typing import Annotated, NamedTuple

from fastapi import Query, Request, Response

from grace.console.marks import mark
from grace.console.nouns import page_of
from grace.console.shell import NAV, show
from grace.insight.finding import KINDS, QUERY_LENGTH, find
from grace.insight.naming import Noun
from grace.kit.display import format_money
from grace.kit.edge import SIGNED_IN, Doors, InTx, permits
from grace.kit.money import DIGITS
from grace.kit.tx import Principal

doors = Doors(tags=["Console"])
MOST_ACTIONS = 8


class Hit(NamedTuple):
    """Something to open: its group, address, icon, words, and what is said beside them."""

    group: str
    path: str
    icon: str
    title: str
    beside: str


class Do(NamedTuple):
    """Something to do, for who holds `may`; `also` are other words for it."""

    title: str
    path: str
    icon: str
    may: str
    also: str = ""


DO = (
    Do("New lead", "/app/pipeline/new", "plus", "leads:write", "add create"),
    Do("New client", "/app/clients/new", "user-plus", "clients:write", "add create customer"),
    Do("New invoice", "/app/invoices/new", "receipt-text", "invoices:write", "add create bill"),
    Do("Invite somebody", "/app/settings/people", "user-plus", "users:write", "people roles team user"),
    Do("Make an API key", "/app/me", "key-round", "keys:write", "token access"),
    Do("Exchange rates", "/app/settings/rates", "arrow-left-right", "rates:read", "currency settings"),
    Do("Policy", "/app/policies", "scale", "policies:read", "rules cedar"),
    Do("Your account", "/app/me", "user", "", "password theme keys sign out"),
    Do("Switch workspace", "/app/workspaces", "building-2", "", "example"),
)
_GROUPS = {
    "client": ("Clients", "users", "clients:read"),
    "lead": ("Leads", "square-kanban", "leads:read"),
    "project": ("Projects", "layers", "projects:read"),
    "invoice": ("Invoices", "receipt-text", "invoices:read"),
    "proposal": ("Proposals", "file-pen-line", "proposals:read"),
    "decision": ("Decisions", "stamp", "decisions:read"),
}


@doors.get("/app/search", may=SIGNED_IN, hidden=True)
async def search(tx: InTx, request: Request, q: Annotated[str, Query(max_length=QUERY_LENGTH)] = "") -> Response:
    """What is found for `q`; without it, where one can go."""
    me, text = tx.principal, q.strip()
    kinds = [kind for kind in KINDS if permits(me, _GROUPS[kind][2])]
    found = await find(tx, text, kinds) if text and kinds else []
    hits = [_hit(noun) for noun in found if noun.kind in _GROUPS and permits(me, _GROUPS[noun.kind][2])]
    return await show(
        request,
        tx,
        "search.html",
        here="search",
        q=q,
        groups=_grouped([*hits, *_entries(me, text)]),
        actions=_actions(me, text),
    )


def _grouped(hits: list[Hit]) -> dict[str, list[Hit]]:
    """By their groups, in the order of the first of each."""
    groups: dict[str, list[Hit]] = {}
    for hit in hits:
        groups.setdefault(hit.group, []).append(hit)
    return groups


def _hit(noun: Noun) -> Hit:
    group, icon, _ = _GROUPS[noun.kind]
    title = noun.label if noun.kind != "lead" else f"{noun.label}{f', {noun.title}' if noun.title else ''}"
    beside = [noun.title if noun.kind in ("client", "proposal") else "", ""]
    if noun.client_name and noun.kind not in ("client", "lead"):
        beside[0] = noun.client_name
    if noun.amount_minor and noun.currency in DIGITS:
        beside[1] = format_money(noun.amount_minor, noun.currency)
    if noun.kind not in ("client", "lead"):
        beside.append(mark(noun.state).word)
    return Hit(group, page_of(noun.kind, noun.id) or "/app", icon, title, " · ".join(filter(None, beside)))


def _entries(me: Principal, text: str) -> list[Hit]:
    """The way into the audit log: the entry of that number, or what is written about the words."""
    if not text or not permits(me, "audit:read"):
        return []
    number = text.replace(",", "")
    if number.isdigit() and len(number) < 19:
        return [Hit("Audit log", f"/app/audit?q={number}", "fingerprint", f"Entry {int(number):,}", "")]
    return [Hit("Audit log", "/app/audit?q=", "fingerprint", f"Entries about “{text[:40]}”", "")]


def _actions(me: Principal, text: str) -> list[Do]:
    """Pages and deeds whose words begin so; all of them without words."""
    pages = [Do(item.title, item.path, item.icon, item.may) for _, items in NAV for item in items]
    words = text.lower().split()

    def fits(one: Do) -> bool:
        known = f"{one.title} {one.also}".lower().split()
        return all(any(name.startswith(word) for name in known) for word in words)

    allowed = [one for one in (*DO, *pages) if not one.may or permits(me, one.may)]
    return [one for one in allowed if fits(one)][: MOST_ACTIONS if words else None]
