"""What of a payment is signed, how money is booked, and when a provider's word is news. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

from grace.kit.money import rounded
from grace.providers.payments.port import Moved
from grace.trust.ledger.rules import AccountRef, Line, Purpose, credit, debit, exchange


def statement(
    *,
    payment_id: str,
    invoice_id: str,
    client_id: str,
    provider: str,
    method: str,
    currency: str,
    amount_minor: int,
    net_minor: int,
    received_at: datetime,
) -> bytes:
    """The bytes that `verification_signature` signs: a first line that names the format, then `name=value` lines.

    Amounts are minor units; the time is UTC with microseconds. No value holds a line break.
    """
    facts = {
        "payment_id": payment_id,
        "invoice_id": invoice_id,
        "client_id": client_id,
        "provider": provider,
        "method": method,
        "currency": currency,
        "amount_minor": amount_minor,
        "net_minor": net_minor,
        "received_at": received_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }
    return "".join(["grace.payment.v1\n", *(f"{name}={value}\n" for name, value in facts.items())]).encode()


def received(*, clearing: str, client_id: str, currency: str, amount_minor: int, net_minor: int) -> list[Line]:
    """How a payment is booked, from the clearing account of who moved it: it settles what the client owes, and its
    part without tax counts as revenue now."""
    return [
        debit(AccountRef(Purpose.CLEARING, currency, clearing), amount_minor),
        credit(AccountRef(Purpose.RECEIVABLE, currency, client_id), amount_minor),
        debit(AccountRef(Purpose.UNPAID_REVENUE, currency, client_id), net_minor),
        credit(AccountRef(Purpose.REVENUE, currency, client_id), net_minor),
    ]


def excess(*, clearing: str, client_id: str, currency: str, amount_minor: int) -> list[Line]:
    """How money beyond what was due is booked: the client may spend it or get it back."""
    return [
        debit(AccountRef(Purpose.CLEARING, currency, clearing), amount_minor),
        credit(AccountRef(Purpose.CUSTOMER_CREDIT, currency, client_id), amount_minor),
    ]


def from_credit(*, owner: str, client_id: str, currency: str, amount_minor: int, net_minor: int) -> list[Line]:
    """How the credit of `owner` settles what a client owes: as a payment, but no money moves."""
    return [
        debit(AccountRef(Purpose.CUSTOMER_CREDIT, currency, owner), amount_minor),
        credit(AccountRef(Purpose.RECEIVABLE, currency, client_id), amount_minor),
        debit(AccountRef(Purpose.UNPAID_REVENUE, currency, client_id), net_minor),
        credit(AccountRef(Purpose.REVENUE, currency, client_id), net_minor),
    ]


def moved(
    *, provider: str, amount_minor: int, currency: str, movement_minor: int, fee_minor: int, movement_currency: str
) -> list[Line]:
    """How the balance at the provider follows a charge (or, negative, a refund): the fee, and the exchange into the
    currency in which the balance is kept."""
    there = AccountRef(Purpose.CLEARING, movement_currency, provider)
    lines: list[Line] = []
    if movement_currency != currency:
        here = AccountRef(Purpose.CLEARING, currency, provider)
        lines += exchange(debit(there, movement_minor), credit(here, amount_minor))
    if fee_minor:
        cost = AccountRef(Purpose.PROCESSOR_FEES, movement_currency, provider)
        lines += [debit(cost, fee_minor), credit(there, fee_minor)]
    return lines


def net_part(*, amount_minor: int, net_minor: int, back_minor: int, back_net_minor: int, part_minor: int) -> int:
    """The revenue in the next part that goes back of a payment: in proportion, and with the last part all of it."""
    share = rounded(Decimal(net_minor) * (back_minor + part_minor) / amount_minor) - back_net_minor
    return min(part_minor, max(0, share))


def ordered_back(*, to: AccountRef, client_id: str, currency: str, amount_minor: int, net_minor: int) -> list[Line]:
    """How a refund is booked: revenue and tax are taken back, for the money that goes by way of `to`."""
    return [
        debit(AccountRef(Purpose.REVENUE, currency, client_id), net_minor),
        debit(AccountRef(Purpose.TAX_PAYABLE, currency), amount_minor - net_minor),
        credit(to, amount_minor),
    ]


def excess_back(*, to: AccountRef, client_id: str, currency: str, amount_minor: int, over_minor: int) -> list[Line]:
    """How a refund of an excess is booked: the client's credit shrinks, for the money that goes by way of `to`.

    `over_minor` of it the client had no credit for any more, for a provider gave it back regardless: it is owed.
    """
    return [
        debit(AccountRef(Purpose.CUSTOMER_CREDIT, currency, client_id), amount_minor - over_minor),
        debit(AccountRef(Purpose.RECEIVABLE, currency, client_id), over_minor),
        credit(to, amount_minor),
    ]


RANK = {
    "pending": 0,
    "requires_payment_method": 1,
    "requires_action": 3,
    "processing": 4,
    "succeeded": 9,
    "canceled": 9,
}
DECLINED = 2
"""Of the states in which an attempt waits for a card, the one after a decline is the later."""


def rank(state: str, *, declined: bool) -> int:
    """How far an attempt has come."""
    return DECLINED if declined and state == "requires_payment_method" else RANK[state]


def is_news(
    *, now: tuple[str, bool], told: tuple[str, bool], known_at: datetime | None, told_at: datetime | None
) -> bool:
    """Whether to believe what a provider told at `told_at` of an attempt whose state is known as of `known_at`.

    States are given with whether the card was declined. An end is believed whenever it is told and never taken
    back, but for one: money that came counts whatever was told before. Otherwise the later word counts, and at the
    same time the one that is further on.
    """
    ends = ("succeeded", "canceled", "refused")
    if now[0] in ends:
        return told[0] == "succeeded" and now[0] != "succeeded"
    if told[0] in ends or known_at is None or told_at is None or told_at > known_at:
        return True
    return told_at == known_at and rank(told[0], declined=told[1]) >= rank(now[0], declined=now[1])


Kind = Literal["missing_here", "missing_there", "amount", "fee", "currency"]


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a provider's balance and the books do not agree. Amounts are minor units of `currency`.

    `missing_here`: the provider moved money that the books do not know; `missing_there`: the reverse. `movement` and
    `source` are the provider's ids, `document` is ours.
    """

    kind: Kind
    what: str
    movement: str | None
    source: str | None
    document: str | None
    currency: str
    there_minor: int | None
    here_minor: int | None


@dataclass(frozen=True, slots=True)
class Booked:
    """What the books say of a movement: by currency, what it left in the balance, and what the provider kept of it."""

    document: str
    cash: Mapping[str, int]
    fees: Mapping[str, int]


def differences(moved: Moved, booked: Booked | None) -> list[Difference]:
    """Where the books say otherwise than a line of the provider's balance."""

    def differs(kind: Kind, there_minor: int | None, here_minor: int | None, currency: str) -> Difference:
        document = booked.document if booked is not None else None
        return Difference(kind, moved.kind, moved.id, moved.source, document, currency, there_minor, here_minor)

    if booked is None:
        return [differs("missing_here", moved.amount_minor, None, moved.currency)]
    found = [
        differs("currency", None, amount, currency)
        for currency, amount in sorted(booked.cash.items())
        if amount and currency != moved.currency
    ]
    kept = booked.fees.get(moved.currency, 0)
    if kept != moved.fee_minor:
        found.append(differs("fee", moved.fee_minor, kept, moved.currency))
    came = booked.cash.get(moved.currency, 0) + kept
    if came != moved.amount_minor:
        found.append(differs("amount", moved.amount_minor, came, moved.currency))
    return found
