"""What of a payment is signed, and how it is booked. Pure."""

from datetime import UTC, datetime

from grace.trust.ledger.rules import AccountRef, Line, Purpose, credit, debit


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


def received(*, method: str, client_id: str, currency: str, amount_minor: int, net_minor: int) -> list[Line]:
    """How a payment is booked: it settles what the client owes, and its part without tax counts as revenue now."""
    return [
        debit(AccountRef(Purpose.CLEARING, currency, method), amount_minor),
        credit(AccountRef(Purpose.RECEIVABLE, currency, client_id), amount_minor),
        debit(AccountRef(Purpose.UNPAID_REVENUE, currency, client_id), net_minor),
        credit(AccountRef(Purpose.REVENUE, currency, client_id), net_minor),
    ]
