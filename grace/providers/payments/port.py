"""What Grace asks of a card payment provider, in words that no vendor owns.

Amounts are minor units of ISO 4217. Every call that changes something takes the caller's `key`: the same key again
has no second effect. A call ends in one of three ways: it returns; it raises Refused, then nothing happened (see
`final`); or it raises `kit.unit.UnknownOutcome`, then the effect may be there. A declined card is not an error: the
intent comes back, open again, with its `failure`.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from grace.kit.workspace import Workspace

IntentState = Literal["requires_payment_method", "requires_action", "processing", "succeeded", "canceled"]
RefundState = Literal["pending", "succeeded", "failed"]
ENDED: frozenset[str] = frozenset({"succeeded", "canceled"})
"""An intent in one of these never changes again."""


class Refused(Exception):
    """The provider did not do it. `final` False: it did not look at the request (a wrong key, say), so that an
    earlier try of the same call may still have had its effect."""

    def __init__(self, message: str, *, code: str, final: bool = True) -> None:
        super().__init__(message)
        self.message, self.code, self.final = message, code, final


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt to pay did not go through; `message` is for the payer."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Movement:
    """What a charge or refund did to the balance at the provider: signed amount and fee, in `currency`."""

    id: str
    amount_minor: int
    fee_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Moved:
    """A line of the account's balance: signed amount and fee in `currency`, of the charge or refund `source`. `kind` is
    the provider's word."""

    id: str
    kind: str
    source: str | None
    amount_minor: int
    fee_minor: int
    currency: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Charge:
    """Money that was taken. `movement` None: not known yet."""

    id: str
    intent: str | None
    amount_minor: int
    currency: str
    movement: Movement | None


@dataclass(frozen=True, slots=True)
class Intent:
    """One attempt to collect an amount. `ours` is the id that Grace gave it."""

    id: str
    ours: str | None
    state: IntentState
    amount_minor: int
    currency: str
    customer: str | None = None
    client_secret: str | None = None
    failure: Failure | None = None
    charge: Charge | None = None


@dataclass(frozen=True, slots=True)
class Refund:
    """Money that goes back from a charge. `ours` is the id that Grace gave it, None when it was made elsewhere."""

    id: str
    ours: str | None
    state: RefundState
    amount_minor: int
    currency: str
    charge: str | None
    intent: str | None = None
    failure: str | None = None
    movement: Movement | None = None


@dataclass(frozen=True, slots=True)
class Method:
    """A card that a client agreed to be charged with again."""

    id: str
    customer: str
    brand: str
    last4: str
    exp_month: int
    exp_year: int


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the provider sends events; `secret` verifies them and is told only once."""

    id: str
    secret: str


@dataclass(frozen=True, slots=True)
class Signal:
    """What an event is about, and what the object was at `at` (the provider's time). `thing` None: of no effect."""

    at: datetime
    thing: Intent | Charge | Refund | None


@dataclass(frozen=True, slots=True)
class Browser:
    """What a page needs on which a payer types a card: the script's address, and the sources that it may use, in the
    words of a Content-Security-Policy."""

    script: str
    key: str
    scripts: str
    frames: str
    connections: str


class CardProvider(Protocol):
    """A provider of card payments. `workspace` names the account."""

    name: str
    webhook_address: str
    """Where its events are to be sent: an endpoint's token follows."""
    reads_back: bool
    """Whether what an event says is fetched again before it is believed."""

    async def close(self) -> None:
        """Hang up: this event loop asks no more."""
        ...

    def configured(self, workspace: Workspace) -> bool:
        """Whether there is an account for the workspace; WrongCredential when it is one of the other world."""
        ...

    def publishable_key(self, workspace: Workspace) -> str | None:
        """What a payer's browser shows the provider."""
        ...

    def browser(self, workspace: Workspace) -> Browser | None:
        """How a payer's browser takes a card; None when there is no account. WrongCredential."""
        ...

    async def create_customer(self, workspace: Workspace, *, key: str, ours: str, details: Mapping[str, str]) -> str:
        """A customer for the client `ours`; `details` are name and email where known."""
        ...

    async def find_customer(self, workspace: Workspace, *, ours: str) -> str | None:
        """The customer made for a client, if the provider's index has one."""
        ...

    async def attach_method(self, workspace: Workspace, *, key: str, customer: str, method: str) -> Method:
        """Keep a method for a customer."""
        ...

    async def create_intent(
        self,
        workspace: Workspace,
        *,
        key: str,
        ours: str,
        amount_minor: int,
        currency: str,
        customer: str,
        description: str,
        method: str | None,
    ) -> Intent:
        """An intent that the payer confirms, or with `method` one that is charged now, without the payer."""
        ...

    async def confirm_intent(self, workspace: Workspace, *, key: str, intent: str, method: str) -> Intent:
        """Charge an open intent now, without the payer."""
        ...

    async def change_amount(self, workspace: Workspace, *, key: str, intent: str, amount: tuple[int, str]) -> Intent:
        """Ask for another amount (minor units, currency) on an intent that is open."""
        ...

    async def cancel_intent(self, workspace: Workspace, *, key: str, intent: str) -> Intent:
        """End an open intent; one that succeeded meanwhile comes back as that."""
        ...

    async def intent(self, workspace: Workspace, intent: str) -> Intent:
        """The intent now, with its charge."""
        ...

    async def find_intent(self, workspace: Workspace, *, ours: str, customer: str | None) -> Intent | None:
        """The intent that was made for `ours`, if there is one."""
        ...

    async def charge(self, workspace: Workspace, charge: str) -> Charge:
        """The charge now, with its movement once there is one."""
        ...

    async def create_refund(
        self, workspace: Workspace, *, key: str, ours: str, charge: str, amount: tuple[int, str]
    ) -> Refund:
        """Give back part of a charge (minor units, currency)."""
        ...

    async def refund(self, workspace: Workspace, refund: str) -> Refund:
        """The refund now."""
        ...

    async def refunds(self, workspace: Workspace, *, charge: str) -> list[Refund]:
        """Every refund of a charge."""
        ...

    async def register_endpoint(self, workspace: Workspace, *, key: str, url: str) -> Endpoint:
        """Have events sent to `url`."""
        ...

    async def remove_endpoints(self, workspace: Workspace, *, url: str) -> None:
        """Have no events sent to `url` any more."""
        ...

    def events(self, workspace: Workspace, *, since: int) -> AsyncIterator[list[dict[str, Any]]]:
        """Pages of raw events made at or after `since` (Unix seconds), the newest first."""
        ...

    def movements(self, workspace: Workspace, *, since: int | None, until: int | None) -> AsyncIterator[list[Moved]]:
        """Pages of all that moved the balance at or after `since` and before `until` (Unix seconds), newest first."""
        ...

    async def movement(self, workspace: Workspace, movement: str) -> Moved | None:
        """One line of the balance; None when there is none of this id."""
        ...

    def verified_by(self, payload: bytes, signature: str, secrets: Sequence[str], *, now: float) -> int | None:
        """Which of the secrets signed this payload within the last five minutes; None for none of them."""
        ...

    def read(self, event: Mapping[str, Any]) -> Signal:
        """What a raw event says."""
        ...


_bound: list[CardProvider] = []


def bind(provider: CardProvider) -> None:
    """Make a provider the one that is used. For wiring."""
    _bound[:] = [provider]


def cards() -> CardProvider:
    """The provider that wiring has bound."""
    if not _bound:
        raise LookupError("no card provider is bound")
    return _bound[0]
