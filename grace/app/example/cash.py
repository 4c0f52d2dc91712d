"""How invoices of the example are paid and paid back."""

from decimal import Decimal

from grace.app.actors import acts
from grace.app.actors.browser import Challenge
from grace.app.example import words
from grace.app.example.plan import DAYS, Payment, Refund
from grace.app.example.stage import Stage
from grace.client.errors import GraceError
from grace.client.http import Json

GOOD_CARD = "4242424242424242"
POOR_CARD = "4000000000009995"
SECURE_CARD = "4000002760003184"
LARGE_REFUND = Decimal(11000)


async def collect(stage: Stage, invoice: Json, payment: Payment, *, name: str) -> None:
    """An invoice is paid as planned, or not; `name` is the reference of a transfer."""
    stage.studio.tally.invoices += 1
    if payment.how == "unpaid":
        return
    calendar = stage.calendar
    if payment.after:
        await calendar.until(calendar.today + payment.after)
    link = invoice.get("payment_link") or invoice["hosted_invoice_url"]
    amount = Decimal(invoice["amount"])
    if payment.how == "transfer":
        await _transfer(stage, invoice, amount, name)
    elif payment.how in ("part", "parts"):
        half = (amount / 2).quantize(amount)
        await _transfer(stage, invoice, half, f"{name} 1")
        if payment.how == "parts":
            await calendar.until(calendar.today + 5)
            await _transfer(stage, invoice, amount - half, f"{name} 2")
    elif payment.how == "declined":
        await _refused(stage, link, POOR_CARD)
        await calendar.until(calendar.today + 1)
        await _card(stage, link, GOOD_CARD)
    elif payment.how == "insecure":
        await _refused(stage, link, SECURE_CARD, challenge="fail")
        await calendar.until(calendar.today + 1)
        await _card(stage, link, SECURE_CARD)
    else:
        await _card(stage, link, SECURE_CARD if payment.how == "secure" else GOOD_CARD)


async def pay_back(stage: Stage, invoice: Json, refund: Refund, *, after: int) -> None:
    """Money goes back some weeks after it came; a large amount waits for founder and partner, the last one for ever."""
    calendar, studio = stage.calendar, stage.studio
    due = DAYS - 1 if refund == "held" else calendar.today + after + 5
    await calendar.until(due)
    amount = {"partial": (Decimal(invoice["amount"]) / 5).quantize(Decimal("0.01")), "full": None}.get(
        refund, LARGE_REFUND
    )
    answer = await studio.operator.refund(invoice["invoice_id"], reason=words.REFUNDS[refund], amount=amount)
    if refund in ("approved", "held"):
        decision_id = acts.held(answer)
        if refund == "approved":
            reason = "Agreed with the client; the contract allows it."
            await acts.approve(decision_id, (studio.founder, reason), (studio.partner, reason))


async def _transfer(stage: Stage, invoice: Json, amount: Decimal, name: str) -> None:
    await stage.studio.operator.note_payment(
        invoice["invoice_id"], amount, method="bank_transfer", reference=f"TT {name}"
    )
    stage.studio.tally.payments += 1


async def _card(stage: Stage, link: str, card: str, *, challenge: Challenge = "complete") -> None:
    studio = stage.studio
    await acts.pay_by_card(
        studio.client,
        link,
        stripe_api_base=studio.stripe_api_base,
        on_wait=studio.on_wait,
        card=card,
        challenge=challenge,
    )
    studio.tally.payments += 1


async def _refused(stage: Stage, link: str, card: str, *, challenge: Challenge = "complete") -> None:
    """The card is refused, by its bank or because the payer did not answer the bank."""
    try:
        await _card(stage, link, card, challenge=challenge)
    except GraceError as error:
        if error.type != "/problems/card-refused":
            raise
        return
    raise acts.cannot_go_on("The card should have been refused.")
