"""Whether everything is right once all is quiet: books, log, provider, and each thing that somebody was told."""

from typing import Any

from grace.app.checks import check_books, verify_log
from grace.app.simulation.business import Business
from grace.app.simulation.stage import HANDLE
from grace.client.errors import GraceError
from grace.insight import folding
from grace.kit.tx import transaction
from grace.kit.workspace import Workspaces

ROUNDS = 12
LEFT = {
    "reactions that are not done": "select fact_id || ' ' || subscriber || ' ' || state || ' ' || coalesce(error, '')"
    " from reaction where state <> 'done'",
    "facts that nobody dispatched": "select f.id::text from fact f, fact_cursor c where c.name = 'dispatcher'"
    " and (f.xid, f.id) > (c.xid, c.fact_id)",
    "jobs that are not done": "select id || ' ' || task_name || ' ' || status from procrastinate_jobs",
    "calls without an end": "select id || ' ' || kind || ' ' || state || ' ' || coalesce(error, '') from provider_call"
    # A card that the provider may or may not keep cannot be looked up by our id: that ends as a case for a person.
    " where state in ('pending', 'unknown') or state = 'case' and kind <> 'attach_method'",
    "proposals that were sent twice": "select subject || ' ' || version from fact where kind = 'ProposalSent'"
    " group by subject, version having count(*) > 1",
    "decisions that ran twice": "select subject from fact where kind = 'DecisionExecuted'"
    " group by subject having count(*) > 1",
}
TAKEN = """
select a.intent, a.currency, coalesce(p.amount_minor, 0) + a.excess_minor as taken_minor from payment_attempt a
left join payment p on p.id = a.payment_id where a.state = 'succeeded'"""
GIVEN = """
select coalesce(sum(amount_minor), 0)::bigint from refund_part where provider <> 'manual' and state = 'succeeded'"""


async def quiet(b: Business) -> None:
    """No more faults and deaths: everything that is under way comes to its end, or still has not after ROUNDS."""
    await b.stage.tell_sandbox("DELETE", "/_faults")
    workspaces = b.stage.workspaces()
    try:
        for _ in range(ROUNDS):
            sent = await b.stage.tell_sandbox("POST", "/_deliver", {"account": HANDLE, "timeout_s": 30})
            await b.work(hurry=True)
            if not any(sent.values()) and not await _left(workspaces):
                return
    finally:
        await workspaces.close()


async def findings(b: Business) -> list[str]:
    """What is not right, in sentences; [] when everything is."""
    workspaces = b.stage.workspaces()
    try:
        found = list((await check_books(workspaces, HANDLE))["findings"])
        checkpoints = (b.stage.folder / "checkpoints" / f"{HANDLE}.log").read_bytes()
        log = await verify_log(workspaces, HANDLE, outside=checkpoints)
        found += log["findings"]
        found += [f"{log['unsealed']} entries are not sealed"] * bool(log["unsealed"])
        found += await _left(workspaces)
        found += await _provider(b, workspaces)
        folded = await folding.fingerprint(workspaces, HANDLE)
        await folding.rebuild(workspaces, HANDLE)
        if await folding.fingerprint(workspaces, HANDLE) != folded:
            found.append("the figures are not those that a rebuild makes")
    finally:
        await workspaces.close()
    return found + await _forgotten(b)


async def _left(workspaces: Workspaces) -> list[str]:
    async with transaction(workspaces, HANDLE) as tx:
        rows = {what: await tx.all(str, query) for what, query in LEFT.items()}
    return [f"{what}: {row}" for what, found in rows.items() for row in found]


async def _provider(b: Business, workspaces: Workspaces) -> list[str]:
    """Provider and books agree to the minor unit, and nothing was taken or given back twice."""
    state: Any = await b.stage.tell_sandbox("GET", f"/_state?account={HANDLE}")
    payments = state["accounts"].get(HANDLE, {"payments": []})["payments"]
    found = [f"the provider did twice: {payment}" for payment in payments if payment["double"]]
    async with transaction(workspaces, HANDLE) as tx:
        ours = {row["intent"]: row["taken_minor"] for row in await tx.all(dict, TAKEN)}
        given = await tx.value(GIVEN)
    theirs = {p["payment_intent"]: p["captured"] for p in payments if p["captured"]}
    for intent in sorted(ours.keys() | theirs.keys()):
        if ours.get(intent) != theirs.get(intent):
            found.append(f"{intent}: the provider took {theirs.get(intent)}, the books say {ours.get(intent)}")
    movements = await b.founder.get("/api/v1/reconciliation")
    found += [f"the ledger and the provider's balance differ: {difference}" for difference in movements["differences"]]
    if given != sum(p["refunded"] for p in payments):
        found.append(f"the provider gave back {sum(p['refunded'] for p in payments)}, the books say {given}")
    return found


async def _forgotten(b: Business) -> list[str]:
    """Whatever somebody was told is still so."""
    paths = [f"/api/v1/leads/{lead}" for lead in b.leads]
    paths += [f"/api/v1/projects/{project}" for project in b.projects]
    paths += [f"/api/v1/invoices/{invoice['invoice_id']}" for invoice in b.invoices]
    paths += [f"/api/v1/refunds/{refund}" for refund in b.refunds]
    found = []
    for path in paths:
        try:
            await b.founder.get(path)
        except GraceError as error:
            found.append(f"{path} was told and is gone: {error}")
    listed: dict[str, int] = {}
    for paid in b.payments:
        items = (await b.founder.get("/api/v1/payments", invoice_id=paid["invoice_id"], limit=200))["items"]
        listed[paid["reference"]] = sum(1 for item in items if item["reference"] == paid["reference"])
    return found + [f"the bank's {reference} is there {n} times" for reference, n in listed.items() if n != 1]
