"""Refunds: ordered by a governed action, carried out by the provider, followed to their end.

A refund is shared out: first over what was paid in excess on the invoice, then over its payments, the newest first.
What goes back from a card payment is a call to the provider; what came by hand goes back by hand and counts at once.
Credit that was spent goes back to the card that it came from. An excess takes no revenue and no tax back with it.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from grace.domains.payments import queries, rules
from grace.domains.payments.errors import OverRefund
from grace.domains.payments.facts import RefundFailed, RefundOrdered, RefundSucceeded
from grace.domains.payments.models import CREDIT, MANUAL, PART_COLUMNS, REFUND_COLUMNS, Attempt, Refund, RefundPart
from grace.domains.payments.queries import Refundable
from grace.domains.payments.service import calls
from grace.kit.errors import Invalid
from grace.kit.ids import new_id
from grace.kit.money import to_major
from grace.kit.tx import Tx
from grace.providers.payments.port import Movement, Refused
from grace.providers.payments.port import Refund as ToldRefund
from grace.trust.audit import service as audit
from grace.trust.ledger import service as ledger
from grace.trust.ledger.rules import AccountRef, Line, Purpose, credit, debit

End = Literal["succeeded", "failed"]


async def lock(tx: Tx, client_id: str) -> None:
    """One at a time for a client: thresholds are judged on sums over its refunds."""
    await tx.execute("select pg_advisory_xact_lock(hashtextextended(%(name)s, 0))", name=f"refunds {client_id}")


async def order_refund(tx: Tx, *, invoice_id: str, amount_minor: int, reason: str) -> Refund:
    """Give back part of what was paid on an invoice, in excess too. OverRefund when it is more than is left of it.

    Only the action `refund_payment` calls this.
    """
    paid = await queries.refundable(tx, invoice_id, lock=True)
    left_minor = sum(payment.left_minor for payment in paid)
    if not paid or amount_minor > left_minor:
        currency = paid[0].currency if paid else tx.workspace.currency
        raise OverRefund(to_major(left_minor, currency), currency)
    if amount_minor <= 0:
        raise Invalid("A refund is more than nothing.", type="invalid-amount")
    refund = await _insert(tx, paid[0], invoice_id=invoice_id, amount_minor=amount_minor, reason=reason, ordered=True)
    for payment in paid:
        share = min(payment.left_minor, amount_minor)
        if share:
            await _order_part(tx, refund, payment, share)
            amount_minor -= share
    return await _settle(tx, refund)


async def adopt(tx: Tx, *, attempt: Attempt, told: ToldRefund) -> None:
    """Write down a refund that was made at the provider and not here, of a charge that is booked.

    It counts against what the charge brought in excess, then against the payment it became, then against payments
    that its excess was spent on. What exceeds all of it (ours is on its way too) counts as of the payment, or is
    owed by the client.
    """
    money = await queries.refundable(tx, attempt.id, lock=True, scope=queries.OF_ATTEMPT)
    if await parts_of(tx, told, provider=attempt.provider):
        return
    money.sort(key=lambda source: source.method == CREDIT)
    shares, rest = [], told.amount_minor
    for source in money:
        shares.append(min(source.left_minor, rest))
        rest -= shares[-1]
    last = next((n for n, source in enumerate(money) if source.payment_id == attempt.payment_id), 0)
    shares[last] += rest
    first = next(source for source, share in zip(money, shares, strict=True) if share)
    refund = await _insert(
        tx,
        first,
        invoice_id=attempt.invoice_id,
        amount_minor=told.amount_minor,
        reason="made at the provider",
        ordered=False,
    )
    for source, share in zip(money, shares, strict=True):
        if share:
            part = await _insert_part(tx, refund, source, share, provider_refund=told.id)
            await _post_ordered(tx, refund, part, source)
    await observe(tx, await parts_of(tx, told, provider=attempt.provider), told)


async def parts_of(tx: Tx, told: ToldRefund, *, provider: str) -> list[RefundPart]:
    """The parts that the provider's refund is: one that was ordered here, or those that one made there became."""
    return await tx.all(
        RefundPart,
        f"select {PART_COLUMNS} from refund_part where provider = %(provider)s"
        " and (provider_refund = %(told)s or id = %(ours)s) order by number",
        provider=provider,
        told=told.id,
        ours=told.ours,
    )


async def observe(tx: Tx, parts: Sequence[RefundPart], told: ToldRefund) -> None:
    """Believe what the provider says of its refund; what that did to its balance is booked with the first part."""
    for number, part in enumerate(parts):
        await observe_part(tx, part.id, told if number == 0 else replace(told, movement=None))


async def observe_part(tx: Tx, part_id: str, told: ToldRefund) -> Refund:
    """Believe what the provider says of a part. A failure is believed after a success too, never the reverse."""
    refund, part = await _locked(tx, part_id)
    if part.provider_refund is None:
        await tx.execute(
            "update refund_part set provider_refund = %(told)s, version = version + 1 where id = %(id)s",
            id=part.id,
            told=told.id,
        )
        part = replace(part, provider_refund=told.id, version=part.version + 1)
    if told.state != "pending":
        await calls.close_open(tx, part.id)
        part = await _end(tx, refund, part, told.state, told.failure)
    if told.movement is not None and part.movement is None:
        await _follow_movement(tx, refund, part, told, told.movement)
    return await _settle(tx, refund)


async def refuse_part(tx: Tx, part_id: str, why: Refused) -> Refund:
    """The provider does not give it back."""
    refund, part = await _locked(tx, part_id)
    if part.provider_refund is None:
        await _end(tx, refund, part, "failed", f"{why.code}: {why.message}")
    return await _settle(tx, refund)


async def _insert(
    tx: Tx, payment: Refundable, *, invoice_id: str, amount_minor: int, reason: str, ordered: bool
) -> Refund:
    refund = await tx.one(
        Refund,
        "insert into refund (id, invoice_id, client_id, currency, amount_minor, reason, ordered_by, created_at) values"
        " (%(id)s, %(invoice)s, %(client)s, %(currency)s, %(amount)s, %(reason)s, %(by)s, %(now)s)"
        f" returning {REFUND_COLUMNS}",
        id=new_id("re"),
        invoice=invoice_id,
        client=payment.client_id,
        currency=payment.currency,
        amount=amount_minor,
        reason=reason,
        by=tx.principal.id if ordered else None,
        now=tx.now,
    )
    tx.emit(RefundOrdered(refund.id, invoice_id, refund.client_id, refund.currency, amount_minor))
    audit.record(tx, action="order_refund", subject=("refund", refund.id), reason=reason, after=refund)
    return refund


async def _insert_part(
    tx: Tx, refund: Refund, payment: Refundable, amount_minor: int, *, provider_refund: str | None = None
) -> RefundPart:
    return await tx.one(
        RefundPart,
        "insert into refund_part (id, refund_id, payment_id, excess_of, amount_minor, net_minor, provider,"
        " provider_refund, over_minor) values (%(id)s, %(refund)s, %(payment)s, %(excess_of)s, %(amount)s, %(net)s,"
        " %(provider)s, %(told)s, %(over)s)"
        f" returning {PART_COLUMNS}",
        id=new_id("rfp"),
        refund=refund.id,
        payment=payment.payment_id,
        excess_of=payment.excess_of,
        amount=amount_minor,
        net=rules.net_part(
            amount_minor=payment.amount_minor,
            net_minor=payment.net_minor,
            back_minor=payment.back_minor,
            back_net_minor=payment.back_net_minor,
            part_minor=amount_minor,
        ),
        provider=payment.provider,
        told=provider_refund,
        over=0 if payment.excess_of is None else max(0, amount_minor - payment.left_minor),
    )


async def _order_part(tx: Tx, refund: Refund, payment: Refundable, amount_minor: int) -> None:
    part = await _insert_part(tx, refund, payment, amount_minor)
    await _post_ordered(tx, refund, part, payment)
    if payment.provider == MANUAL:
        await _end(tx, refund, part, "succeeded", None)
        return
    arguments = {"charge": payment.reference, "amount_minor": amount_minor, "currency": refund.currency}
    await calls.order(tx, kind="create_refund", noun=part.id, work=refund.id, arguments=arguments)


async def _post_ordered(tx: Tx, refund: Refund, part: RefundPart, payment: Refundable) -> None:
    """Revenue and tax, or credit, are taken back for money that is on its way, or was given back by hand."""
    by_hand = AccountRef(Purpose.CLEARING, refund.currency, payment.method)
    to = by_hand if part.provider == MANUAL else _in_flight(refund, part)
    await _post(tx, part, "ordered", _taken_back(part, payment.client_id, to=to, over_minor=part.over_minor))


async def _end(tx: Tx, refund: Refund, part: RefundPart, state: End, failure: str | None) -> RefundPart:
    """Move a part to its end and book it: the money has left the provider's balance, or stays after all."""
    if part.state == state or part.state == "failed":
        return part
    over_minor = await _over(tx, part) if state == "failed" else 0
    await tx.execute(
        "update refund_part set state = %(state)s, failure = %(failure)s, failed_over_minor = %(over)s,"
        " version = version + 1 where id = %(id)s",
        id=part.id,
        over=over_minor,
        state=state,
        failure=failure and failure[:500],
    )
    audit.record(
        tx,
        action="end_refund_part",
        subject=("refund_part", part.id),
        before={"state": part.state},
        after={"state": state, "failure": failure},
    )
    clearing = AccountRef(Purpose.CLEARING, refund.currency, part.provider)
    if part.provider != MANUAL and state == "succeeded":
        left = [debit(_in_flight(refund, part), part.amount_minor), credit(clearing, part.amount_minor)]
        await _post(tx, part, "done", left)
    elif part.provider != MANUAL:
        stays = clearing if part.state == "succeeded" else _in_flight(refund, part)
        lines = _taken_back(part, await _owner(tx, part), to=stays, over_minor=over_minor)
        await _post(tx, part, "failed", [Line(line.account, -line.amount_minor) for line in lines])
    if part.payment_id is not None:
        await _mark_payment(tx, part.payment_id)
    return replace(part, state=state, failure=failure, version=part.version + 1)


async def _owner(tx: Tx, part: RefundPart) -> str:
    """Whose revenue or credit a part is of: clients may have been merged since."""
    return str(
        await tx.value(
            "select coalesce((select client_id from payment where id = %(payment)s),"
            " (select client_id from payment_attempt where id = %(attempt)s))",
            payment=part.payment_id,
            attempt=part.excess_of,
        )
    )


async def _over(tx: Tx, part: RefundPart) -> int:
    """What of a part that has not failed yet is of more excess than there was: the client owes it."""
    if part.excess_of is None:
        return 0
    await tx.execute("select from payment_attempt where id = %(id)s for update", id=part.excess_of)
    left = await tx.value("select excess_left(%(id)s)", id=part.excess_of)
    return min(part.amount_minor, max(0, -int(left)))


def _taken_back(part: RefundPart, client_id: str, *, to: AccountRef, over_minor: int) -> list[Line]:
    amounts: dict[str, Any] = {"client_id": client_id, "currency": to.currency, "amount_minor": part.amount_minor}
    if part.excess_of is not None:
        return rules.excess_back(to=to, over_minor=over_minor, **amounts)
    return rules.ordered_back(to=to, net_minor=part.net_minor, **amounts)


async def _follow_movement(tx: Tx, refund: Refund, part: RefundPart, told: ToldRefund, movement: Movement) -> None:
    """Book what the provider kept for the refund, and the exchange where its balance has another currency."""
    await tx.execute(
        "update refund_part set movement = %(movement)s, version = version + 1 where id = %(id)s",
        id=part.id,
        movement=movement.id,
    )
    lines = rules.moved(
        provider=part.provider,
        amount_minor=-told.amount_minor,
        currency=refund.currency,
        movement_minor=movement.amount_minor,
        fee_minor=movement.fee_minor,
        movement_currency=movement.currency,
    )
    if lines:
        ledger.post_later(tx, reference=f"movement:{movement.id}", kind="processor_fee", lines=lines, memo=part.id)


async def _settle(tx: Tx, refund: Refund) -> Refund:
    """The refund's own state from its parts: succeeded with all of them, failed with one."""
    states = {part.state for part in await queries.parts(tx, refund.id)}
    state: Literal["pending", "succeeded", "failed"] = (
        "failed" if "failed" in states else "pending" if "pending" in states else "succeeded"
    )
    if state == refund.state:
        return refund
    after = await tx.one(
        Refund,
        "update refund set state = %(state)s, version = version + 1, ended_at = %(now)s where id = %(id)s"
        f" returning {REFUND_COLUMNS}",
        id=refund.id,
        state=state,
        now=tx.now,
    )
    fact = RefundSucceeded if state == "succeeded" else RefundFailed
    tx.emit(fact(after.id, after.invoice_id, after.client_id, after.version))
    audit.record(
        tx,
        action="end_refund",
        subject=("refund", after.id),
        before={"state": refund.state},
        after={"state": after.state},
    )
    return after


async def _mark_payment(tx: Tx, payment_id: str) -> None:
    """A payment of which all has gone back is refunded, until some of it comes back."""
    await tx.execute(
        "update payment p set status = s.status from (select case when coalesce(sum(r.amount_minor), 0)"
        " >= q.amount_minor then 'refunded' else 'paid' end as status from payment q left join refund_part r"
        " on r.payment_id = q.id and r.state = 'succeeded' where q.id = %(id)s group by q.id) s"
        " where p.id = %(id)s and p.status <> s.status",
        id=payment_id,
    )


async def _locked(tx: Tx, part_id: str) -> tuple[Refund, RefundPart]:
    """The refund and its part, both locked, the refund first."""
    refund = await tx.one(
        Refund,
        f"select {REFUND_COLUMNS} from refund where id ="
        " (select refund_id from refund_part where id = %(id)s) for update",
        id=part_id,
    )
    part = await tx.one(RefundPart, f"select {PART_COLUMNS} from refund_part where id = %(id)s for update", id=part_id)
    return refund, part


def _in_flight(refund: Refund, part: RefundPart) -> AccountRef:
    return AccountRef(Purpose.REFUNDS_IN_FLIGHT, refund.currency, part.provider)


async def _post(tx: Tx, part: RefundPart, step: str, lines: list[Line]) -> None:
    await ledger.post(tx, reference=f"refund:{part.id}:{step}", kind=f"refund_{step}", lines=lines, memo=part.refund_id)
