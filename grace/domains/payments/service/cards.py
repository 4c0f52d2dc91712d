"""Attempts to collect an invoice by card. The caller holds the invoice's lock, so that one attempt is open at most."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from grace.domains.payments import queries, rules
from grace.domains.payments.errors import NoCardProvider
from grace.domains.payments.facts import AttemptChanged, Overpaid
from grace.domains.payments.models import ATTEMPT_COLUMNS, OPEN, Attempt
from grace.domains.payments.service import calls
from grace.kit.ids import new_id
from grace.kit.tx import Part, Tx, joined, params_of
from grace.providers.payments.port import Charge, Intent, Movement, Refused, cards
from grace.trust.audit import service as audit
from grace.trust.ledger import service as ledger

SEALED_AS = "client_secrets"
FEE_AFTER_S = 3
FEE_TRIES_EVERY_S = 60


def check_configured(tx: Tx) -> None:
    """NoCardProvider when this workspace has no account; WrongCredential when it is one of the other world."""
    if not cards().configured(tx.workspace):
        raise NoCardProvider("No card provider is configured for this workspace.")


async def customer_arguments(tx: Tx, *, client_id: str, details: Mapping[str, str]) -> dict[str, Any]:
    """What a call needs to name the client's customer, or to make one first; the same details make one only."""
    digest = sha256(repr(sorted(details.items())).encode()).hexdigest()[:16]
    return {
        "client_id": client_id,
        "customer": await queries.customer(tx, client_id=client_id, provider=cards().name),
        "customer_key": f"customer:{client_id}:{digest}",
        "customer_details": dict(details),
    }


async def begin_attempt(
    tx: Tx,
    *,
    invoice_id: str,
    client_id: str,
    currency: str,
    amount_minor: int,
    description: str,
    client_details: Mapping[str, str],
    method: str | None = None,
) -> Attempt:
    """Open an attempt and order its intent: for the payer to confirm, or with `method` to be charged at once."""
    check_configured(tx)
    attempt = await tx.one(
        Attempt,
        "insert into payment_attempt (id, invoice_id, client_id, provider, currency, amount_minor, created_at) values"
        " (%(id)s, %(invoice_id)s, %(client_id)s, %(provider)s, %(currency)s, %(amount_minor)s, %(now)s)"
        f" returning {ATTEMPT_COLUMNS}",
        id=new_id("att"),
        invoice_id=invoice_id,
        client_id=client_id,
        provider=cards().name,
        currency=currency,
        amount_minor=amount_minor,
        now=tx.now,
    )
    await calls.order(
        tx,
        kind="create_intent",
        noun=attempt.id,
        arguments={
            **await customer_arguments(tx, client_id=client_id, details=client_details),
            "amount_minor": amount_minor,
            "currency": currency,
            "description": description,
            "method": method,
        },
    )
    audit.record(
        tx,
        action="begin_payment_attempt",
        subject=("payment_attempt", attempt.id),
        after={"invoice_id": invoice_id, "amount_minor": amount_minor, "currency": currency, "by_method": method},
    )
    return attempt


async def charge_attempt(tx: Tx, attempt: Attempt, *, method: str, amount_minor: int) -> None:
    """Order that an open intent is charged now with a stored method, for that amount."""
    changed = None if amount_minor == attempt.amount_minor else [amount_minor, attempt.currency]
    await calls.order(
        tx,
        kind="confirm_intent",
        noun=attempt.id,
        arguments={"intent": attempt.intent, "method": method, "amount": changed},
    )


async def adjust_attempt(tx: Tx, attempt: Attempt, *, due_minor: int) -> bool:
    """Order that an open intent asks for what is due now, or ends when nothing is. False when nothing is to do, or
    can be done while another call is open."""
    if attempt.state not in ("requires_payment_method", "requires_action") or due_minor == attempt.amount_minor:
        return False
    if await queries.has_open_call(tx, attempt.id):
        return False
    if due_minor:
        arguments = {"intent": attempt.intent, "amount": [due_minor, attempt.currency]}
        await calls.order(tx, kind="change_amount", noun=attempt.id, arguments=arguments)
    else:
        await calls.order(tx, kind="cancel_intent", noun=attempt.id, arguments={"intent": attempt.intent})
    return True


@dataclass(frozen=True, slots=True)
class Observed:
    """An attempt as it was and as the provider says it is: to be written, with what comes along."""

    before: Attempt
    after: Attempt
    along: tuple[Part, ...] = ()


def observe(
    tx: Tx,
    attempt: Attempt,
    intent: Intent,
    *,
    asked_at: datetime | None = None,
    event_at: datetime | None = None,
    calls_open: bool = True,
) -> Observed:
    """What the provider says of an attempt, which the caller has locked, if it is news: for `keep` or `collected`.

    `calls_open` False: the only call about it is settled.
    `asked_at`: it was asked then (real time). `event_at`: an event said so (the provider's time).
    """
    along = [_customer(attempt.client_id, intent.customer)] if intent.customer is not None else []
    known, told = (attempt.seen_at, asked_at) if event_at is None else (attempt.event_at, event_at)
    news = rules.is_news(
        now=(attempt.state, attempt.failure_code is not None),
        told=(intent.state, intent.failure is not None),
        known_at=known,
        told_at=told,
    )
    if not news:
        return Observed(attempt, attempt, tuple(along))
    secret = intent.client_secret
    after = replace(
        attempt,
        state=intent.state,
        amount_minor=intent.amount_minor,
        intent=attempt.intent or intent.id,
        client_secret=tx.keys.seal(SEALED_AS, secret.encode(), bound_to=attempt.id.encode())
        if secret and attempt.client_secret is None
        else attempt.client_secret,
        failure_code=intent.failure.code if intent.failure and intent.state != "succeeded" else None,
        failure_message=intent.failure.message if intent.failure and intent.state != "succeeded" else None,
        charge=intent.charge.id if intent.charge else attempt.charge,
        seen_at=asked_at or attempt.seen_at,
        event_at=event_at or attempt.event_at,
        ended_at=tx.now if intent.state in ("succeeded", "canceled") else None,
    )
    if calls_open and not after.open:
        along.append(calls.closing(tx, after.id))
    return Observed(attempt, after, tuple(along))


def keep(tx: Tx, seen: Observed) -> Attempt:
    """Write what was observed of an attempt that does not become a payment now."""
    if seen.after is not seen.before:
        return _store(tx, seen)
    if seen.along:
        tx.later(joined(seen.along), **params_of(seen.along))
    return seen.after


async def refuse(tx: Tx, attempt: Attempt, refused: Refused) -> Attempt:
    """The provider does not make the intent, or does not change it; an attempt without an intent ends."""
    failed = replace(attempt, failure_code=refused.code[:100], failure_message=refused.message[:500])
    if attempt.state == "pending":
        failed = replace(failed, state="refused", ended_at=tx.now)
    return _store(tx, Observed(attempt, failed)) if attempt.open else attempt


async def collected(tx: Tx, seen: Observed, charge: Charge, *, payment_id: str | None, excess_minor: int) -> Attempt:
    """Write that an attempt has succeeded with the payment it became, and book its fee when that is known. What was not
    due becomes the client's credit."""
    after = replace(seen.after, payment_id=payment_id, excess_minor=excess_minor)
    movement = charge.movement if after.movement is None else None
    if movement is not None:
        after = replace(after, movement=movement.id, fee_minor=movement.fee_minor)
    attempt = _store(tx, replace(seen, after=after), fee_after_s=FEE_AFTER_S)
    if excess_minor:
        ledger.post_later(
            tx,
            reference=f"attempt:{attempt.id}:excess",
            kind="overpaid",
            lines=rules.excess(
                clearing=attempt.provider,
                client_id=attempt.client_id,
                currency=charge.currency,
                amount_minor=excess_minor,
            ),
            memo=attempt.id,
        )
        tx.emit(Overpaid(attempt.id, attempt.invoice_id, attempt.client_id, charge.currency, excess_minor))
        audit.record(
            tx,
            action="overpaid",
            subject=("payment_attempt", attempt.id),
            after={"excess_minor": excess_minor, "currency": charge.currency},
        )
    if movement is not None:
        await _post_fee(tx, attempt, charge, movement)
    return attempt


async def book_fee(tx: Tx, attempt: Attempt, charge: Charge, movement: Movement) -> Attempt:
    """Book what the provider kept of a charge; once per attempt, whoever tells it first."""
    if attempt.movement is not None:
        return attempt
    after = await tx.one(
        Attempt,
        "update payment_attempt set movement = %(movement)s, fee_minor = %(fee)s, fee_at = null where id = %(id)s"
        f" returning {ATTEMPT_COLUMNS}",
        id=attempt.id,
        movement=movement.id,
        fee=movement.fee_minor,
    )
    await _post_fee(tx, after, charge, movement)
    return after


async def _post_fee(tx: Tx, attempt: Attempt, charge: Charge, movement: Movement) -> None:
    lines = rules.moved(
        provider=attempt.provider,
        amount_minor=charge.amount_minor,
        currency=charge.currency,
        movement_minor=movement.amount_minor,
        fee_minor=movement.fee_minor,
        movement_currency=movement.currency,
    )
    if lines:
        ledger.post_later(
            tx, reference=f"movement:{movement.id}", kind="processor_fee", lines=lines, memo=attempt.charge
        )
    audit.record(
        tx,
        action="book_processor_fee",
        subject=("payment_attempt", attempt.id),
        after={"fee_minor": movement.fee_minor, "currency": movement.currency},
    )


async def due_fees(tx: Tx, *, limit: int) -> list[str]:
    """The charges whose fee is to be asked for now; each is put off."""
    return await tx.all(
        str,
        "update payment_attempt set fee_at = clock_timestamp() + make_interval(secs => %(every)s) where id in ("
        " select id from payment_attempt where fee_at <= clock_timestamp() order by fee_at limit %(limit)s"
        " for update skip locked) returning charge",
        every=FEE_TRIES_EVERY_S,
        limit=limit,
    )


async def take_look(tx: Tx, *, invoice_id: str, every_s: float) -> str | None:
    """The intent of an invoice's open attempt, if the provider is to be looked at for it now; at most once in that
    time, whoever asks. Waits for nobody."""
    found: str | None = await tx.value(
        "update payment_attempt set looked_at = clock_timestamp() where id = (select id from payment_attempt"
        " where invoice_id = %(invoice)s and state = any(%(open)s) and intent is not null"
        " and looked_at <= clock_timestamp() - make_interval(secs => %(every)s) for update skip locked)"
        " returning intent",
        invoice=invoice_id,
        open=list(OPEN),
        every=every_s,
    )
    return found


def client_secret(tx: Tx, attempt: Attempt) -> str | None:
    """What lets the payer's browser confirm the intent; None while there is none."""
    if attempt.client_secret is None:
        return None
    return tx.keys.open(SEALED_AS, attempt.client_secret, bound_to=attempt.id.encode()).decode()


async def know_customer(tx: Tx, client_id: str, customer: str) -> None:
    """Remember who a client is at the provider."""
    part = _customer(client_id, customer)
    await tx.execute(joined([part]), **part.params)


def _customer(client_id: str, customer: str) -> Part:
    return Part(
        "customer_row as (insert into provider_customer (client_id, provider, customer)"
        " values (%(client)s, %(customer_at)s, %(customer)s) on conflict do nothing)",
        {"client": client_id, "customer_at": cards().name, "customer": customer},
    )


def _store(tx: Tx, seen: Observed, *, fee_after_s: int | None = None) -> Attempt:
    """Write an attempt that changed, in one statement with what comes along; nothing is told where only the time of
    knowledge did. `fee_after_s`: its fee, if not known, is asked for then."""
    before = seen.before
    changed = replace(seen.after, seen_at=before.seen_at, event_at=before.event_at) != before
    after = replace(seen.after, version=before.version + 1 if changed else before.version)
    tx.later(
        joined(seen.along, _UPDATE),
        id=after.id,
        fee_after_s=fee_after_s,
        **{name: getattr(after, name) for name in _CHANGING},
        **params_of(seen.along),
    )
    if changed:
        tx.emit(AttemptChanged(after.id, after.invoice_id, after.state, after.failure_code, after.version))
        audit.record(
            tx,
            action="observe_payment_attempt",
            subject=("payment_attempt", after.id),
            before={"state": before.state, "failure_code": before.failure_code, "amount_minor": before.amount_minor},
            after={
                "state": after.state,
                "failure_code": after.failure_code,
                "amount_minor": after.amount_minor,
                "intent": after.intent,
                "charge": after.charge,
            },
        )
    return after


_CHANGING = (
    "state", "amount_minor", "intent", "client_secret", "failure_code", "failure_message", "charge", "payment_id",
    "excess_minor", "movement", "fee_minor", "seen_at", "event_at", "version", "ended_at",
)  # fmt: skip
_UPDATE = (
    f"update payment_attempt set {', '.join(f'{name} = %({name})s' for name in _CHANGING)},"
    " fee_at = case when %(movement)s::text is null"
    " then coalesce(clock_timestamp() + make_interval(secs => %(fee_after_s)s), fee_at) end where id = %(id)s"
)
