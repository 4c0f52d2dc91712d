"""Rows of payments."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NewType

PaymentId = NewType("PaymentId", str)
PAYMENT_PREFIX = "pay"
MANUAL = "manual"
"""The provider of payments that a person records."""
CREDIT = "credit"
"""The provider, and method, of payments from what a client had paid in excess."""

PaymentStatus = Literal["pending", "paid", "failed", "refunded"]
Method = Literal["bank_transfer", "cash", "cheque", "upi", "card", "other"]


@dataclass(frozen=True, slots=True)
class Payment:
    """Money received towards an invoice; `net_minor` is the part that is revenue, the rest is tax.

    `received_at` is when the money came (business time), `created_at` when that was recorded. `intent` is the card
    provider's id of what was confirmed, once the attempt is tied to the payment. `excess_of` is the attempt whose
    excess was spent here: then no money moved.
    """

    id: PaymentId
    number: int
    invoice_id: str
    client_id: str
    project_id: str | None
    provider: str
    method: str
    reference: str | None
    currency: str
    amount_minor: int
    net_minor: int
    status: PaymentStatus
    received_at: datetime
    recorded_by: str
    verification_signature: str
    created_at: datetime
    excess_of: str | None
    reversed_at: datetime | None
    reversal_reason: str | None
    intent: str | None


CallKind = Literal[
    "create_intent", "confirm_intent", "change_amount", "cancel_intent", "attach_method", "create_refund",
    "register_endpoint",
]  # fmt: skip
CallState = Literal["pending", "unknown", "done", "refused", "case", "dropped"]
AttemptState = Literal[
    "pending", "requires_payment_method", "requires_action", "processing", "succeeded", "canceled", "refused"
]
RefundState = Literal["pending", "succeeded", "failed"]
OPEN: tuple[AttemptState, ...] = ("pending", "requires_payment_method", "requires_action", "processing")
"""An attempt in one of these may still collect; an invoice has at most one."""


@dataclass(frozen=True, slots=True)
class ProviderCall:
    """A call to a provider, written before it is made. `work` waits for it, `noun` is what it is about.

    `case`: a person has to look. `dropped`: a person said that it is not to be made. `ordered_at` is business
    time, `retry_at` and `created_at` are real time.
    """

    id: str
    number: int
    kind: CallKind
    work: str
    noun: str
    key: str
    arguments: dict[str, Any]
    state: CallState
    tries: int
    retry_at: datetime | None
    error: str | None
    ordered_at: datetime
    created_at: datetime
    ended_at: datetime | None

    @property
    def waiting(self) -> bool:
        """Whether its outcome is not known yet."""
        return self.state in ("pending", "unknown", "case")


CALL_COLUMNS = (
    "id, number, kind, work, noun, key, arguments, state, tries, retry_at, error, ordered_at, created_at, ended_at"
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to collect what is due on an invoice by card: one intent at the provider.

    A declined card leaves it open, with its failure. `payment_id` is the payment it became, `excess_minor` what
    was taken beyond what was due, `fee_minor` the provider's fee in the currency of its balance.
    """

    id: str
    number: int
    invoice_id: str
    client_id: str
    provider: str
    currency: str
    amount_minor: int
    state: AttemptState
    intent: str | None
    client_secret: bytes | None
    failure_code: str | None
    failure_message: str | None
    charge: str | None
    payment_id: str | None
    excess_minor: int
    movement: str | None
    fee_minor: int | None
    seen_at: datetime | None
    event_at: datetime | None
    version: int
    created_at: datetime
    ended_at: datetime | None

    @property
    def open(self) -> bool:
        """Whether it may still collect."""
        return self.state in OPEN

    @property
    def collected(self) -> bool:
        """Whether its money is booked."""
        return self.payment_id is not None or self.excess_minor > 0


@dataclass(frozen=True, slots=True)
class AttemptNames:
    """What may name an attempt: its own id; the provider's intent or charge; or `ours`, the id that an intent says it
    was made for, while the attempt has none."""

    provider: str
    id: str | None = None
    intent: str | None = None
    charge: str | None = None
    ours: str | None = None


ATTEMPT_COLUMNS = (
    "id, number, invoice_id, client_id, provider, currency, amount_minor, state, intent, client_secret, failure_code,"
    " failure_message, charge, payment_id, excess_minor, movement, fee_minor, seen_at, event_at, version, created_at,"
    " ended_at"
)


@dataclass(frozen=True, slots=True)
class StoredMethod:
    """A client's card at the provider; at most one is the default."""

    id: str
    number: int
    client_id: str
    provider: str
    provider_method: str
    brand: str | None
    last4: str | None
    exp_month: int | None
    exp_year: int | None
    is_default: bool
    state: Literal["pending", "active", "refused"]
    failure_code: str | None
    failure_message: str | None
    version: int
    created_at: datetime


METHOD_COLUMNS = (
    "id, number, client_id, provider, provider_method, brand, last4, exp_month, exp_year, is_default, state,"
    " failure_code, failure_message, version, created_at"
)


@dataclass(frozen=True, slots=True)
class Refund:
    """Money of an invoice that goes back. `ordered_by` None: it was made at the provider, not here."""

    id: str
    number: int
    invoice_id: str
    client_id: str
    currency: str
    amount_minor: int
    reason: str
    ordered_by: str | None
    state: RefundState
    version: int
    created_at: datetime
    ended_at: datetime | None


REFUND_COLUMNS = (
    "id, number, invoice_id, client_id, currency, amount_minor, reason, ordered_by, state, version, created_at,"
    " ended_at"
)


@dataclass(frozen=True, slots=True)
class RefundPart:
    """What of a refund goes back from one payment, or (`excess_of`) of the excess of one attempt, which is the client's
    credit. `net_minor` was revenue, the rest tax or credit; `over_minor` a provider gave back without there
    being so much.
    """

    id: str
    number: int
    refund_id: str
    payment_id: str | None
    excess_of: str | None
    amount_minor: int
    net_minor: int
    state: RefundState
    provider: str
    provider_refund: str | None
    movement: str | None
    failure: str | None
    over_minor: int
    version: int


PART_COLUMNS = (
    "id, number, refund_id, payment_id, excess_of, amount_minor, net_minor, state, provider, provider_refund, movement,"
    " failure, over_minor, version"
)


@dataclass(frozen=True, slots=True)
class WebhookEndpoint:
    """An address that a provider sends events to; `secret` is sealed."""

    id: str
    provider: str
    url: str
    provider_endpoint: str | None
    secret: bytes | None
    state: Literal["pending", "active", "off"]


ENDPOINT_COLUMNS = "id, provider, url, provider_endpoint, secret, state"
