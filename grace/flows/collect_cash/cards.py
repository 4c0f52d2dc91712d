"""Collecting by card: an attempt asks the provider, what the provider says becomes a payment, once; what came beyond
what was due becomes the client's credit.

Whatever learns something first tells it: the answer to a call, an event, a look at the provider. All of them come
through `believe`, which locks the invoice, then the attempt, so that each effect happens once.
"""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime
from typing import TypeVar

from grace.domains.crm import queries as crm
from grace.domains.crm.models import Client
from grace.domains.invoicing import queries as invoices
from grace.domains.invoicing import service as invoicing
from grace.domains.invoicing.models import Invoice
from grace.domains.invoicing.rules.status import due_minor
from grace.domains.payments import queries
from grace.domains.payments.errors import NothingDue
from grace.domains.payments.models import Attempt, AttemptNames, ProviderCall, StoredMethod
from grace.domains.payments.service import calls, cards, endpoints, methods, refunds
from grace.domains.payments.service.calls import Answered, Work
from grace.flows.collect_cash.service import receive_payment
from grace.kit.errors import Invalid
from grace.kit.tx import Tx
from grace.kit.unit import Unit, UnknownOutcome, two_step
from grace.providers.payments import port
from grace.providers.payments.port import Charge, Endpoint, Intent, Method, Refund, Refused

Answer = TypeVar("Answer")
CARD = "card"


async def run(
    unit: Unit, *, begin: Callable[[Tx], Awaitable[Work]], answer: Callable[[Tx, Work], Awaitable[Answer]]
) -> Answer:
    """Begin some work at the provider, make its calls, tell what came of them, and answer."""

    async def record(tx: Tx, work: Work, answered: list[Answered] | UnknownOutcome | None) -> Answer:
        for each in answered if isinstance(answered, list) else []:
            await tell(tx, each)
            unit.settled = unit.settled and not isinstance(each.outcome, UnknownOutcome)
        return await answer(tx, work)

    return await two_step(unit, begin=begin, resume=calls.take, call=calls.make, record=record)


async def resume(unit: Unit, work_id: str) -> None:
    """Make the calls of some work that nobody has finished."""

    async def begin(tx: Tx) -> Work:
        return await calls.take(tx, work_id)

    async def done(tx: Tx, work: Work) -> None:
        return None

    async with unit.transaction():
        await run(unit, begin=begin, answer=done)


async def begin_by_link(tx: Tx, *, invoice_id: str) -> Work:
    """The payer wants to pay: the attempt that is open, or a new one. NothingDue when there is nothing to pay."""
    invoice = await invoices.invoice(tx, invoice_id, lock=True)
    due = due_of(invoice)
    if not due:
        raise NothingDue(f"Nothing is due on this invoice: it is {invoice.state}.", invoice_status=invoice.state)
    attempt = await queries.open_attempt(tx, invoice.id, lock=True)
    if attempt is None:
        attempt = await _begin(tx, invoice, due)
    else:
        await cards.adjust_attempt(tx, attempt, due_minor=due)
    return await calls.take(tx, attempt.id)


async def begin_by_method(tx: Tx, *, invoice: str | int) -> Work:
    """Charge the client's default card with what is due; no work where there is nothing to do."""
    found = await invoices.invoice(tx, invoice, lock=True)
    nothing = Work(found.id, tx.workspace)
    due = due_of(found)
    standing = await crm.client(tx, found.client_id)
    method = await queries.default_method(tx, await crm.family(tx, standing.id))
    if not due or method is None:
        return nothing
    attempt = await queries.open_attempt(tx, found.id, lock=True)
    if attempt is None:
        attempt = await _begin(tx, found, due, method=method, standing=standing)
    elif attempt.state == "requires_payment_method" and not await queries.has_open_call(tx, attempt.id):
        cards.check_configured(tx)
        await cards.charge_attempt(tx, attempt, method=method.provider_method, amount_minor=due)
    return await calls.take(tx, attempt.id)


async def begin_method(tx: Tx, *, client: str, provider_method: str, make_default: bool) -> tuple[StoredMethod, Work]:
    """Keep a card for a client."""
    known = await crm.client(tx, client)
    method = await methods.begin_method(
        tx,
        client_id=known.id,
        provider_method=provider_method,
        client_details=_details(known.name, known.email),
        make_default=make_default,
    )
    return method, await calls.take(tx, method.id)


async def begin_endpoint(tx: Tx) -> Work:
    """Have the provider send its events here."""
    cards.check_configured(tx)
    endpoint = await endpoints.begin_endpoint(tx, address=port.cards().webhook_address)
    return await calls.take(tx, endpoint.id)


async def follow_due(tx: Tx, *, invoice_id: str) -> None:
    """What is due has changed by another way: the open attempt asks for that, or ends.

    An attempt that begins after this look asks for what is due by then.
    """
    if await queries.open_attempt(tx, invoice_id) is None:
        return
    invoice = await invoices.invoice(tx, invoice_id, lock=True)
    attempt = await queries.open_attempt(tx, invoice.id, lock=True)
    if attempt is not None:
        await cards.adjust_attempt(tx, attempt, due_minor=due_of(invoice))


async def tell(tx: Tx, answered: Answered, *, settled: bool = False) -> None:
    """What came of a call, to whom it concerns. `settled`: it is written down as settled already."""
    call, outcome = answered.call, answered.outcome
    if call.kind.endswith(("_intent", "_amount")):
        found = await _locked(tx, AttemptNames(port.cards().name, id=call.noun))
        if found is None:
            raise LookupError(f"there is no attempt {call.noun}")
        invoice, attempt = found
        news = settled or await calls.settle(tx, answered)
        if isinstance(outcome, Intent):
            await _observed(tx, invoice, attempt, outcome, asked_at=answered.asked_at, calls_open=not news)
        elif isinstance(outcome, Refused) and news:
            await cards.refuse(tx, attempt, outcome)
        return
    news = settled or await calls.settle(tx, answered)
    match outcome:
        case Refund():
            await refunds.observe_part(tx, call.noun, outcome)
        case Method() if news:
            await methods.attached(tx, call.noun, outcome, make_default=call.arguments["make_default"])
        case Endpoint() if news:
            await endpoints.registered(tx, call.noun, outcome)
        case Refused() if news:
            await _refused(tx, call.kind, call.noun, outcome)


async def drop_call(tx: Tx, *, call_id: str, reason: str) -> ProviderCall:
    """A person says that a call had no effect: what waited for it goes on as if the provider had refused."""
    call = await calls.drop(tx, call_id=call_id, reason=reason)
    dropped = Refused(reason, code="dropped")
    await tell(tx, Answered(call, dropped, tx.real_now), settled=True)
    return call


async def believe(
    tx: Tx,
    told: Intent | Charge | Refund,
    *,
    asked_at: datetime | None = None,
    event_at: datetime | None = None,
) -> None:
    """What the provider says of one of our things; what is not ours is ignored.

    `asked_at`: we looked then (real time). `event_at`: an event said so (the provider's time).
    """
    if isinstance(told, Intent):
        found = await _locked(tx, _names(told))
        if found is not None and found[1].intent in (None, told.id):  # else it became another's meanwhile
            await _observed(tx, *found, told, asked_at=asked_at, event_at=event_at)
        return
    attempt = await attempt_of(tx, told)
    if isinstance(told, Charge):
        if attempt is not None and attempt.charge == told.id and told.movement is not None:
            attempt = await queries.attempt(tx, attempt.id, lock=True)
            await cards.book_fee(tx, attempt, told, told.movement)
    else:
        await _believe_refund(tx, told, attempt)


async def is_ours(tx: Tx, told: Intent | Charge | Refund, attempt: Attempt | None) -> bool:
    """Whether what a provider speaks of, and the attempt that it names, was begun here."""
    if attempt is not None:
        return True
    return isinstance(told, Refund) and bool(await refunds.parts_of(tx, told, provider=port.cards().name))


def comes_early(told: Intent | Charge | Refund, attempt: Attempt | None) -> bool:
    """Whether it tells of money that goes back before we know that it came."""
    return isinstance(told, Refund) and attempt is not None and not attempt.collected


async def attempt_of(tx: Tx, told: Intent | Charge | Refund) -> Attempt | None:
    """The attempt that something of the provider's names."""
    return await queries.attempt_of(tx, _names(told))


def _names(told: Intent | Charge | Refund) -> AttemptNames:
    provider = port.cards().name
    match told:
        case Intent():
            return AttemptNames(provider, intent=told.id, ours=told.ours)
        case Charge():
            return AttemptNames(provider, charge=told.id, intent=told.intent)
        case Refund():
            return AttemptNames(provider, charge=told.charge, intent=told.intent)


def due_of(invoice: Invoice) -> int:
    """What is due on an invoice now."""
    return due_minor(invoice.state, total_minor=invoice.total_minor, paid_minor=invoice.paid_minor)


async def _begin(
    tx: Tx, invoice: Invoice, due: int, *, method: StoredMethod | None = None, standing: Client | None = None
) -> Attempt:
    owner = method.client_id if method is not None else invoice.client_id
    client = standing or await crm.client(tx, owner)
    return await cards.begin_attempt(
        tx,
        invoice_id=invoice.id,
        client_id=owner,
        currency=invoice.currency,
        amount_minor=due,
        description=f"Invoice {invoice.invoice_number}",
        client_details=_details(client.name, client.email),
        method=method.provider_method if method is not None else None,
    )


async def _locked(tx: Tx, names: AttemptNames) -> tuple[Invoice, Attempt] | None:
    """The attempt that these name, after its invoice: in this order everywhere. In one round trip."""
    invoice = invoices.locked_later(tx, queries.INVOICE_OF, **asdict(names))
    attempt = await queries.attempt_of(tx, names, lock=True)
    return None if attempt is None else (invoice.one(), attempt)


async def _observed(
    tx: Tx,
    invoice: Invoice,
    attempt: Attempt,
    told: Intent,
    *,
    asked_at: datetime | None = None,
    event_at: datetime | None = None,
    calls_open: bool = True,
) -> None:
    """Believe it; an attempt that has succeeded becomes a payment, and what was not due becomes credit."""
    seen = cards.observe(tx, attempt, told, asked_at=asked_at, event_at=event_at, calls_open=calls_open)
    succeeded = seen.after.state == "succeeded"
    if succeeded and told.charge is not None and not seen.after.collected:
        await _collect(tx, invoice, seen, told.charge)
        return
    attempt = cards.keep(tx, seen)
    if succeeded and told.charge is not None and told.charge.movement is not None:
        await cards.book_fee(tx, attempt, told.charge, told.charge.movement)


async def _collect(tx: Tx, invoice: Invoice, seen: cards.Observed, charge: Charge) -> None:
    attempt = seen.after
    if charge.currency != attempt.currency:
        raise Invalid(f"{charge.currency} was charged for an invoice in {attempt.currency}.")
    counted = min(due_of(invoice), charge.amount_minor)
    payment = None
    if counted:
        payment = await receive_payment(
            tx,
            invoice=invoice,
            amount_minor=counted,
            provider=attempt.provider,
            method=CARD,
            received_at=tx.now,
            reference=charge.id,
            intent=attempt.intent,
        )
    excess = charge.amount_minor - counted
    if excess:
        await invoicing.note_excess(tx, reference=invoice.id, excess_minor=excess)
    await cards.collected(tx, seen, charge, payment_id=payment, excess_minor=excess)


async def _believe_refund(tx: Tx, told: Refund, attempt: Attempt | None) -> None:
    provider = port.cards().name
    parts = await refunds.parts_of(tx, told, provider=provider)
    if parts:
        await refunds.observe(tx, parts, told)
    elif attempt is not None and attempt.collected:
        await refunds.lock(tx, attempt.client_id)
        await refunds.adopt(tx, attempt=attempt, told=told)


async def _refused(tx: Tx, kind: str, noun: str, why: Refused) -> None:
    match kind:
        case "create_refund":
            await refunds.refuse_part(tx, noun, why)
        case "attach_method":
            await methods.refused(tx, noun, why)
        case "register_endpoint":
            await endpoints.refused(tx, noun)


def _details(name: str, email: str | None) -> dict[str, str]:
    """What a provider is told of a client."""
    return {"name": name} | ({"email": email} if email else {})
