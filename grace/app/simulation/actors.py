"""What people, the clock, the provider and death do: one function each, drawn by its weight.

An act says what it did, or None when there is nothing to do it to.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from grace.app.simulation.business import Business
from grace.app.simulation.stage import HANDLE, Victim
from grace.client.http import Json

Act = Callable[[Business], Awaitable[str | None]]
ACTS: list[tuple[int, Act]] = []
CARDS = {
    "4242424242424242": 6,
    "4000000000000002": 1,  # declined
    "4000000000009995": 1,  # insufficient funds
    "4000002500003155": 1,  # wants 3-D Secure
}
WANTS = (
    "A customer portal with login, an API to our ERP and a dashboard; train the team and take over 12,000 customers."
)
NAMES = ("Ada", "Bo", "Chen", "Dipa", "Emil", "Fay", "Gus", "Hana")
FAULTS: tuple[Json, ...] = (
    {"kind": "timeout_before"}, {"kind": "timeout_after"}, {"kind": "error_before"}, {"kind": "error_after"},
    {"kind": "error_after", "stored": False}, {"kind": "decline"}, {"kind": "webhook_duplicate", "times": 3},
    {"kind": "webhook_reorder", "count": 4}, {"kind": "webhook_lose"},
)  # fmt: skip
HELD_BACK: Json = {"kind": "webhook_delay", "delay_ms": 10**9, "count": None}
"""Events are sent when an act says so, not while another one runs."""
VICTIMS: tuple[Victim, ...] = ("office", "office", "office", "sandbox", "database")
REACH = 90
"""Statements and commits ahead among which the one is drawn at which somebody dies."""


def weighs(weight: int) -> Callable[[Act], Act]:
    """Register an act; it is drawn as often as its weight says."""

    def register(act: Act) -> Act:
        ACTS.append((weight, act))
        return act

    return register


@weighs(6)
async def capture_lead(b: Business) -> str | None:
    """Somebody writes; now and then somebody who is known."""
    number = b.dice.randrange(12)
    name, firm = NAMES[number % len(NAMES)], f"firm{number}"
    body = {"source": "website", "name": name, "email": f"{name.lower()}@{firm}.example", "company": firm.capitalize()}
    lead = await b.act(b.founder, "/api/business/leads", body | {"requirements": WANTS, "budget": 24000})
    b.leads.append(lead["lead_id"])
    return str(lead["lead_id"])


@weighs(3)
async def qualify(b: Business) -> str | None:
    """A lead is scored."""
    lead = b.one_of(b.leads)
    if lead is None:
        return None
    return str((await b.act(b.founder, f"/api/business/leads/{lead}/qualify"))["score"])


@weighs(1)
async def lose_lead(b: Business) -> str | None:
    """A lead is lost, or comes back."""
    lead = b.one_of(b.leads)
    if lead is None:
        return None
    body = {"stage": b.dice.choice(("LOST", "QUALIFIED", "NEGOTIATION")), "reason": "They said so."}
    return str((await b.act(b.founder, f"/api/business/leads/{lead}/stage", body))["stage"])


@weighs(4)
async def propose(b: Business) -> str | None:
    """A proposal is written."""
    lead = b.one_of(b.leads)
    if lead is None:
        return None
    body = {"lead_id": lead, "requirements": WANTS, "budget": b.dice.choice((3000, 8000, 24000))}
    made = await b.act(b.founder, "/api/business/proposals/generate", body)
    b.drafts.append(made["proposal_id"])
    return str(made["proposal_id"])


@weighs(4)
async def send(b: Business) -> str | None:
    """A draft is to be sent: held, until somebody else has voted."""
    draft = b.one_of(b.drafts)
    if draft is None:
        return None
    await b.act(b.founder, f"/api/v1/proposals/{draft}/send")
    b.drafts.remove(draft)
    b.sending.append(draft)
    return draft


@weighs(8)
async def vote(b: Business) -> str | None:
    """The others vote on what waits."""
    decision = b.one_of(b.decisions)
    if decision is None:
        return None
    who = b.people[b.dice.choice(("approver", "approver", "member"))]
    body = {"approve": b.dice.random() < 0.85, "reason": "I have read it."}
    b.decisions.remove(decision)
    found = await b.act(who, f"/api/v1/decisions/{decision}/vote", body)
    if found["status"] == "awaiting_approval":
        b.decisions.append(decision)
    return str(found["status"])


@weighs(5)
async def answer_offer(b: Business) -> str | None:
    """A client reads what was sent to them, and accepts or declines."""
    for proposal in list(b.sending):
        link = (await b.founder.proposal(proposal))["client_url"]
        if link:
            b.sending.remove(proposal)
            b.offers.append(link)
    offer = b.one_of(b.offers)
    if offer is None:
        return None
    b.offers.remove(offer)
    if b.dice.random() < 0.2:
        return str((await b.act(b.client, f"{path(offer)}/decline", {"reason": "Too dear."}))["status"])
    accepted = await b.act(b.client, f"{path(offer)}/accept", {"name": "A Client"})
    b.contracts.append(accepted["contract_url"])
    b.projects.append(accepted["project_id"])
    return "accepted"


@weighs(5)
async def sign(b: Business) -> str | None:
    """A client signs."""
    contract = b.one_of(b.contracts)
    if contract is None:
        return None
    signed = await b.act(b.client, f"{path(contract)}/sign", {"name": "A Client"})
    b.contracts.remove(contract)
    return str(signed["status"])


@weighs(3)
async def build(b: Business) -> str | None:
    """The architect is to do a project's work; above the threshold Parliament votes."""
    project = b.one_of(b.projects)
    if project is None:
        return None
    asked = await b.act(b.founder, "/api/business/projects/deliver", {"project_id": project, "spec": "As agreed."})
    return str(asked["status"])


@weighs(3)
async def hand_over(b: Business) -> str | None:
    """Milestones are completed, and the project is handed over."""
    project = b.one_of(b.projects)
    if project is None:
        return None
    for milestone in (await b.founder.project(project))["milestones"]:
        if milestone["completed_at"] is None:
            await b.act(b.founder, f"/api/v1/projects/{project}/milestones/{milestone['number']}/complete")
    done = await b.act(b.founder, f"/api/v1/projects/{project}/delivered")
    b.surveys.append(done["survey_url"])
    return str(done["status"])


@weighs(2)
async def rate(b: Business) -> str | None:
    """A client says how it was."""
    survey = b.one_of(b.surveys)
    if survey is None:
        return None
    return str((await b.act(b.client, path(survey), {"score": b.dice.randrange(11)}))["score"])


@weighs(3)
async def invoice_project(b: Business) -> str | None:
    """A project is invoiced, in part or whole."""
    project = b.one_of(b.projects)
    if project is None:
        return None
    body: Json = {"amount": "1500.00"} if b.dice.random() < 0.5 else {}
    made = await b.act(b.founder, f"/api/business/projects/{project}/payment", body)
    b.invoices.append({**made, "link": made["payment_link"]})
    return str(made["amount"])


@weighs(6)
async def invoice(b: Business) -> str | None:
    """A client is invoiced for something else."""
    amount, currency = b.dice.choice((("150.00", "USD"), ("12500.00", "USD"), ("99.90", "EUR"), ("5000", "JPY")))
    body = {"amount": amount, "currency": currency, "description": "Work", "client_id": f"c{b.dice.randrange(4)}"}
    made = await b.act(b.founder, "/api/business/payments/invoice", body)
    b.invoices.append({**made, "link": made["hosted_invoice_url"]})
    return f"{amount} {currency}"


@weighs(9)
async def pay_by_link(b: Business) -> str | None:
    """A client pays by card, or tries to."""
    owed = b.one_of(b.invoices)
    if owed is None:
        return None
    card = b.dice.choices(list(CARDS), list(CARDS.values()))[0]
    intent = await b.act(b.client, f"{path(owed['link'])}/intent")
    return await b.confirm(owed["link"], intent, card) if intent.get("client_secret") else str(intent["status"])


@weighs(4)
async def charge_stored_card(b: Business) -> str | None:
    """A client's card is kept, and charged without them."""
    owed = b.one_of(b.invoices)
    if owed is None:
        return None
    record = await b.founder.invoice(owed["invoice_id"])
    cards = f"/api/v1/clients/{record['client_id']}/payment-methods"
    if not (await b.founder.get(cards))["items"]:
        await b.act(b.founder, cards, {"payment_method": "pm_card_visa"})
    done = await b.act(b.founder, "/api/business/payments/process", {"invoice_id": owed["invoice_id"]})
    return str(done["status"])


@weighs(4)
async def pay_by_bank(b: Business) -> str | None:
    """Money comes by bank and is written down, also when a card has paid in between."""
    owed = b.one_of(b.invoices)
    if owed is None:
        return None
    due = (await b.founder.payment_status(owed["invoice_id"]))["amount_due"]
    amount = due if b.dice.random() < 0.7 else Decimal(1)
    body = {"invoice_id": owed["invoice_id"], "amount": amount, "method": "bank_transfer", "reference": f"b{b.asked}"}
    paid = await b.act(b.founder, "/api/v1/payments/manual", body)
    b.payments.append(paid)
    return str(paid["amount"])


@weighs(1)
async def reverse(b: Business) -> str | None:
    """What was written down was mistyped."""
    paid = b.one_of(b.payments)
    if paid is None:
        return None
    return str((await b.act(b.founder, f"/api/v1/payments/{paid['id']}/reverse", {"reason": "Mistyped."}))["status"])


@weighs(4)
async def refund(b: Business) -> str | None:
    """Money goes back, in part or all of it."""
    owed = b.one_of(b.invoices)
    if owed is None:
        return None
    body = {"invoice_id": owed["invoice_id"], "reason": "They are unhappy."}
    part: Json = {"amount": Decimal(10)} if b.dice.random() < 0.5 else {}
    back = await b.act(b.founder, "/api/business/payments/refund", body | part)
    if back.get("refund_id"):
        b.refunds.append(back["refund_id"])
    return str(back["status"])


@weighs(2)
async def refund_at_provider(b: Business) -> str | None:
    """Somebody refunds in the provider's dashboard, past Grace."""
    state = await b.stage.tell_sandbox("GET", f"/_state?account={HANDLE}")
    intents = sorted(p["payment_intent"] for p in _payments(state) if p["captured"] - p["refunded"] > 1000)
    intent = b.one_of(intents)
    if intent is None:
        return None
    return str((await b.at_provider("/v1/refunds", {"payment_intent": intent, "amount": 1000})).get("status"))


@weighs(1)
async def void(b: Business) -> str | None:
    """An invoice was a mistake."""
    owed = b.one_of(b.invoices)
    if owed is None:
        return None
    return str((await b.act(b.founder, f"/api/v1/invoices/{owed['invoice_id']}/void", {"reason": "No."}))["status"])


@weighs(2)
async def spend_credit(b: Business) -> str | None:
    """What a client paid too much is spent on another invoice."""
    owed = b.one_of(b.invoices)
    if owed is None:
        return None
    return str((await b.act(b.founder, f"/api/v1/invoices/{owed['invoice_id']}/apply-credit"))["status"])


@weighs(4)
async def repeat(b: Business) -> str | None:
    """A caller who never saw the answer sends the same request again: the same answer, nothing more."""
    told = b.one_of(b.told[-30:])
    if told is None:
        return None
    again = await told.who.post(told.path, told.body, key=told.key)
    if again != told.answer and told.answer.get("status") != "processing":
        raise AssertionError(f"{told.path} with the key {told.key} was answered {told.answer}, then {again}")
    return told.path


@weighs(3)
async def pass_time(b: Business) -> str | None:
    """Hours or weeks go by."""
    hours = b.dice.choice((1, 30, 24 * 8, 24 * 20))
    b.ahead += timedelta(hours=hours)
    to = datetime.now(UTC) + b.ahead
    await b.act(b.founder, "/api/v1/test-clock", {"to": to.isoformat()})
    return f"{hours} hours"


@weighs(10)
async def work(b: Business) -> str | None:
    """The worker works; now and then after a technical wait."""
    await b.work(hurry=b.dice.random() < 0.5)
    return "done"


@weighs(7)
async def deliver_events(b: Business) -> str | None:
    """The provider sends its events."""
    return str(await b.stage.tell_sandbox("POST", "/_deliver", {"account": HANDLE, "timeout_s": 20}))


@weighs(5)
async def break_provider(b: Business) -> str | None:
    """The provider will fail in one or two ways."""
    await b.stage.tell_sandbox("DELETE", "/_faults")
    chosen = b.dice.sample(FAULTS, b.dice.choice((1, 1, 2)))
    for fault in [*chosen, HELD_BACK]:
        await b.stage.tell_sandbox("POST", "/_faults", {"account": HANDLE, "skip": 0, **fault})
    return ", ".join(fault["kind"] for fault in chosen)


@weighs(7)
async def doom(b: Business) -> str | None:
    """Somebody will die at a statement that is drawn now."""
    victim, after = b.dice.choice(VICTIMS), b.dice.randrange(REACH)
    await b.founder.post("/_strike", {"pid": b.stage.pid_of(victim), "after": after})
    return f"{victim} after {after}"


def path(link: str) -> str:
    """Of an address of Grace, what follows the host."""
    return "/" + link.split("/", 3)[3]


def _payments(state: Json) -> list[Json]:
    account = state["accounts"].get(HANDLE)
    return list(account["payments"]) if account else []
