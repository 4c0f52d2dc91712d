"""What follows when money came or went back, a provider says so, or two clients turned out to be one."""

from dataclasses import dataclass
from datetime import UTC, datetime

from grace.domains.crm.facts import ClientsMerged, ClientsUnmerged
from grace.domains.invoicing.facts import InvoicePaid, InvoicePartPaid, InvoiceReopened, InvoiceVoided
from grace.domains.payments.facts import PaymentReceived, PaymentReversed, RefundFailed, RefundOrdered
from grace.flows.collect_cash import cards
from grace.flows.collect_cash.service import recompute_lifetime_value
from grace.kit.inbox import ProviderEventReceived
from grace.kit.reactions import Ask, reacts_after, reacts_to
from grace.kit.tx import Tx
from grace.kit.workspace import Workspace
from grace.providers.payments import port
from grace.providers.payments.port import Charge, Intent, Refund


@reacts_to(PaymentReceived)
async def count_payment(tx: Tx, fact: PaymentReceived) -> None:
    """The payer's lifetime value grows."""
    await recompute_lifetime_value(tx, client_id=fact.client_id)


@reacts_to(PaymentReversed)
async def count_reversal(tx: Tx, fact: PaymentReversed) -> None:
    """It never counted."""
    await recompute_lifetime_value(tx, client_id=fact.client_id)


@reacts_to(ClientsMerged)
async def count_merged(tx: Tx, fact: ClientsMerged) -> None:
    """The winner is worth what both have paid."""
    await recompute_lifetime_value(tx, client_id=fact.client_id)


@reacts_to(ClientsUnmerged)
async def count_unmerged(tx: Tx, fact: ClientsUnmerged) -> None:
    """Each is worth what it has paid itself."""
    for client_id in sorted((fact.client_id, fact.restored_id)):
        await recompute_lifetime_value(tx, client_id=client_id)


@reacts_to(RefundOrdered)
async def count_refund(tx: Tx, fact: RefundOrdered) -> None:
    """The client's lifetime value shrinks."""
    await recompute_lifetime_value(tx, client_id=fact.client_id)


@reacts_to(RefundFailed)
async def count_failed_refund(tx: Tx, fact: RefundFailed) -> None:
    """What did not go back counts again."""
    await recompute_lifetime_value(tx, client_id=fact.client_id)


@reacts_to(InvoicePartPaid)
async def ask_for_the_rest(tx: Tx, fact: InvoicePartPaid) -> None:
    """An open card attempt asks for what is still due."""
    await cards.follow_due(tx, invoice_id=fact.invoice_id)


@reacts_to(InvoiceReopened)
async def ask_for_it_again(tx: Tx, fact: InvoiceReopened) -> None:
    """An open card attempt asks for what is due again."""
    await cards.follow_due(tx, invoice_id=fact.invoice_id)


@reacts_to(InvoicePaid)
async def stop_asking(tx: Tx, fact: InvoicePaid) -> None:
    """An open card attempt ends when the invoice is paid by another way."""
    await cards.follow_due(tx, invoice_id=fact.invoice_id)


@reacts_to(InvoiceVoided)
async def stop_asking_for_void(tx: Tx, fact: InvoiceVoided) -> None:
    """An open card attempt ends with its invoice."""
    await cards.follow_due(tx, invoice_id=fact.invoice_id)


@dataclass(frozen=True, slots=True)
class _Told:
    """What an event said, or what the provider said when it was asked because of it."""

    things: list[Intent | Charge | Refund]
    asked_at: datetime | None
    event_at: datetime | None


async def _look(tx: Tx, fact: ProviderEventReceived) -> _Told | Ask[_Told | None] | None:
    """Read an event; of what is ours, look at the provider for its present state. None: of no effect."""
    provider = port.cards()
    if fact.source != provider.name:
        return None
    signal = provider.read(fact.body)
    thing = signal.thing
    if thing is None:
        return None
    heard = _Told([thing], None, signal.at)
    if isinstance(thing, Intent) and not provider.reads_back:
        return heard
    attempt = await cards.attempt_of(tx, thing)
    if not await cards.is_ours(tx, thing, attempt):
        return None
    if not (provider.reads_back or cards.comes_early(thing, attempt)):
        return heard
    workspace = tx.workspace

    async def ask() -> _Told | None:
        asked_at = datetime.now(UTC)
        things = await _read_back(workspace, thing, refunded=fact.kind == "charge.refunded")
        return _Told(things, asked_at, None)

    return Ask(ask)


async def _read_back(
    workspace: Workspace, thing: Intent | Charge | Refund, *, refunded: bool
) -> list[Intent | Charge | Refund]:
    """The thing as it is now, after the intent that it belongs to: money that goes back came first."""
    provider = port.cards()
    intent = thing.id if isinstance(thing, Intent) else thing.intent
    found: list[Intent | Charge | Refund] = [await provider.intent(workspace, intent)] if intent is not None else []
    if isinstance(thing, Refund):
        found.append(await provider.refund(workspace, thing.id))
    elif refunded:
        found += await provider.refunds(workspace, charge=thing.id)
    return found


@reacts_after(ProviderEventReceived, _look)
async def believe_event(tx: Tx, fact: ProviderEventReceived, told: _Told | None) -> None:
    """What the card provider says becomes ours, once."""
    if told is None:
        return
    for thing in told.things:
        await cards.believe(tx, thing, asked_at=told.asked_at, event_at=told.event_at)
