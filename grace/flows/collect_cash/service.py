"""From what was agreed to money in the books, across clients, invoices and payments."""

from datetime import datetime, timedelta
from decimal import Decimal

from grace.domains.crm import queries as crm
from grace.domains.crm.models import Client
from grace.domains.crm.service import clients
from grace.domains.delivery import queries as delivery
from grace.domains.delivery.errors import WrongState
from grace.domains.invoicing import queries as invoices
from grace.domains.invoicing import service as invoicing
from grace.domains.invoicing.errors import NothingLeft
from grace.domains.invoicing.models import Invoice, Party, Terms
from grace.domains.invoicing.rules.status import due_minor
from grace.domains.invoicing.rules.totals import Line
from grace.domains.payments import queries
from grace.domains.payments.errors import NoCredit
from grace.domains.payments.models import CREDIT, MANUAL, PAYMENT_PREFIX, Payment, PaymentId
from grace.domains.payments.queries import Credit
from grace.domains.payments.service import received as payments
from grace.kit.errors import Invalid
from grace.kit.ids import new_id
from grace.kit.money import DIGITS, rounded, to_major, to_minor
from grace.kit.tx import Tx
from grace.trust.governance import queries as rates
from grace.trust.ledger import queries as ledger
from grace.trust.ledger.rules import Purpose

OLDEST_PAYMENT = timedelta(days=3650)


async def draft_invoice(
    tx: Tx,
    *,
    client: str | int,
    currency: str,
    terms: Terms,
    project_id: str | None = None,
    project_ref: str | int | None = None,
) -> Invoice:
    """A draft for a client, who is made when the reference is a name that nobody has yet.

    A `project_ref` that names a project of this client is that project; any other is kept as it is given.
    """
    known = await clients.client_for(tx, client)
    named = None if project_ref is None else await delivery.find_project(tx, project_ref)
    if named is not None and (await crm.client(tx, named.client_id)).id == known.id:
        project_id, project_ref = named.id, None
    return await invoicing.draft_invoice(
        tx,
        client_id=known.id,
        currency=currency,
        terms=terms,
        project_id=project_id,
        project_ref=project_ref,
    )


async def issue_invoice(tx: Tx, *, invoice: str | int) -> Invoice:
    """Issue a draft to its client as they are known today."""
    draft = await invoices.invoice(tx, invoice)
    return await invoicing.issue_invoice(tx, reference=draft.id, client=party(await crm.client(tx, draft.client_id)))


async def invoice_project(tx: Tx, *, project: str | int, amount: Decimal | None, payment_method: str | None) -> Invoice:
    """Issue an invoice for a project: for what is not yet invoiced, or for a part of it (major units).

    NothingLeft when all of it is invoiced, or less than the amount is left; WrongState for a cancelled project.
    """
    sold = await delivery.project(tx, project, lock=True)
    if sold.status == "cancelled":
        raise WrongState("A cancelled project is not invoiced.", current=sold.status)
    before = await invoices.invoiced(tx, project_id=sold.id, currency=sold.currency)
    left_minor = max(0, sold.budget_minor - before.net_minor)
    amount_minor = left_minor if amount is None else to_minor(amount, sold.currency)
    if not left_minor or amount_minor > left_minor:
        raise NothingLeft(to_major(left_minor, sold.currency), sold.currency)
    if not amount_minor:
        raise Invalid("An invoice is for more than nothing.", type="invalid-amount")
    draft = await invoicing.draft_invoice(
        tx,
        client_id=(await crm.client(tx, sold.client_id)).id,
        currency=sold.currency,
        terms=Terms(
            [Line(sold.title, Decimal(1), amount_minor)],
            metadata={"payment_method": payment_method} if payment_method else None,
        ),
        project_id=sold.id,
    )
    return await issue_invoice(tx, invoice=draft.id)


async def receive_payment(
    tx: Tx,
    *,
    invoice: str | int | Invoice,
    amount_minor: int,
    provider: str,
    method: str,
    received_at: datetime,
    reference: str | None = None,
    intent: str | None = None,
    spent: Credit | None = None,
) -> PaymentId:
    """A client's money settles an invoice: its state, the payment, and the books change together, with the next
    statement or the commit. An invoice that is given as a row was locked as it was read.

    `intent` is the card provider's id of what the payer confirmed; `spent` the credit that it is taken from. Refused
    when nothing is due or it is more than is due; `payments.recorded` tells whether the reference was recorded before.
    """
    payment_id = PaymentId(new_id(PAYMENT_PREFIX))
    settled = await invoicing.settle_invoice(
        tx,
        reference=invoice,
        amount_minor=amount_minor,
        payment_id=payment_id,
        method=method,
        paid_at=received_at,
        stripe_payment_intent=intent,
    )
    await payments.record_payment(
        tx,
        payment_id=payment_id,
        invoice_id=settled.invoice.id,
        client_id=settled.invoice.client_id,
        project_id=settled.invoice.project_id,
        provider=provider,
        method=method,
        currency=settled.invoice.currency,
        amount_minor=amount_minor,
        net_minor=settled.net_minor,
        received_at=received_at,
        reference=reference,
        spent=spent,
    )
    return payment_id


async def apply_credit(tx: Tx, *, invoice: str | int, amount: Decimal | None = None) -> list[Payment]:
    """Spend a client's credit on an invoice: what is due, as far as the credit goes, or `amount` (major units).

    The oldest credit goes first; each makes a payment. WrongState when nothing is due, OverPayment when `amount` is
    more, NoCredit when the client has less of it, or none.
    """
    found = await invoices.invoice(tx, invoice, lock=True)
    due = due_minor(found.state, total_minor=found.total_minor, paid_minor=found.paid_minor)
    wanted = due if amount is None else to_minor(amount, found.currency)
    if amount is not None and not wanted:
        raise Invalid("Credit that is spent is more than nothing.", type="invalid-amount")
    invoicing.check_payable(found, amount_minor=wanted)
    family = await crm.family(tx, (await crm.client(tx, found.client_id)).id)
    credits = await queries.credits(tx, family, currency=found.currency)
    left = sum(credit.left_minor for credit in credits)
    if not left or (amount is not None and wanted > left):
        raise NoCredit(to_major(left, found.currency), found.currency)
    made, rest = [], min(wanted, left)
    for credit in credits:
        share = min(credit.left_minor, rest)
        if share:
            payment = await receive_payment(
                tx,
                invoice=found.id,
                amount_minor=share,
                provider=CREDIT,
                method=CREDIT,
                received_at=tx.now,
                spent=credit,
            )
            made.append(await payments.recorded(tx, payment))
            rest -= share
    return made


async def record_manual_payment(
    tx: Tx,
    *,
    invoice: str | int,
    amount: Decimal,
    method: str,
    reference: str | None = None,
    received_at: datetime | None = None,
) -> Payment:
    """Write down money that came outside of Grace, in major units of the invoice's currency."""
    at = received_at or tx.now
    if not tx.now - OLDEST_PAYMENT <= at <= tx.now:
        raise Invalid("received_at is not within the last ten years.")
    found = await invoices.invoice(tx, invoice, lock=True)
    amount_minor = to_minor(amount, found.currency)
    if not amount_minor:
        raise Invalid("A payment is more than nothing.", type="invalid-amount")
    payment = await receive_payment(
        tx,
        invoice=found,
        amount_minor=amount_minor,
        provider=MANUAL,
        method=method,
        received_at=at,
        reference=reference,
    )
    return await payments.recorded(tx, payment)


async def reverse_payment(tx: Tx, *, payment: str, reason: str) -> Payment:
    """Take back a payment that somebody recorded by mistake: books and invoice are as if it had not been.

    What followed from the invoice being paid (a completed project, the lead's stage) stays. NotReversible for money
    that a provider moved, for one that was reversed already, and once some of it was refunded.
    """
    found = await payments.find_payment(tx, payment)
    await invoices.invoice(tx, found.invoice_id, lock=True)
    reversed_ = await payments.reverse_payment(tx, payment_id=found.id, reason=reason)
    last = await payments.last_payment(tx, found.invoice_id)
    await invoicing.unsettle_invoice(
        tx,
        reference=found.invoice_id,
        amount_minor=found.amount_minor,
        net_minor=found.net_minor,
        last=(last.method, last.id) if last is not None else None,
        reason=reason,
    )
    return reversed_


async def recompute_lifetime_value(tx: Tx, *, client_id: str) -> None:
    """Set what a client has paid, less refunds and tax, from the ledger, in the workspace's currency.

    Other currencies count at their latest rate; one without a rate is left out until it has one. The client
    is locked before the ledger is read, so that of two payments at once none is missed.
    """
    client = await clients.locked(tx, client_id)
    paid = await ledger.balances(tx, await crm.family(tx, client.id), purpose=Purpose.REVENUE)
    value_minor = sum([await _worth(tx, paid[currency], currency) for currency in sorted(paid)])
    await clients.set_lifetime_value(tx, client, lifetime_value_minor=value_minor)


async def _worth(tx: Tx, amount_minor: int, currency: str) -> int:
    """An amount in the workspace's currency, rounded once; 0 when there is no rate."""
    own = tx.workspace.currency
    if currency == own:
        return amount_minor
    theirs, ours = await _per_usd(tx, currency), await _per_usd(tx, own)
    if theirs is None or ours is None:
        return 0
    return rounded(to_major(amount_minor, currency) / theirs * ours * 10 ** DIGITS[own])


async def _per_usd(tx: Tx, currency: str) -> Decimal | None:
    if currency == "USD":
        return Decimal(1)
    rate = await rates.latest_rate(tx, currency)
    return rate.per_usd if rate else None


def party(client: Client) -> Party:
    """The client as an invoice remembers them."""
    return Party(
        name=client.name,
        company=client.company,
        email=client.email,
        address=client.address,
        country=client.country,
        tax_id=client.tax_id,
    )
