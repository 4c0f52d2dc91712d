"""Calls to the provider: written down, made, asked again with the same key, looked up, and given to a person.

A call is ordered in the transaction of what needs it. Whoever makes it takes it first: that counts a try and
keeps the scanner away for a while. The way of a call whose outcome is unknown: the same key again; then a look-up
at the provider by our id; after `TRIES` tries and `PATIENCE` it is a case for a person. What is older than the
provider keeps keys is looked up before anything is sent.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from grace.domains.payments import queries
from grace.domains.payments.errors import CallNotWaiting
from grace.domains.payments.models import CALL_COLUMNS, CallKind, ProviderCall
from grace.kit import json
from grace.kit.ids import new_id
from grace.kit.settings import settings
from grace.kit.tx import Part, Tx, joined
from grace.kit.unit import UnknownOutcome
from grace.kit.workspace import Workspace
from grace.providers.payments.port import CardProvider, Endpoint, Intent, Method, Refund, Refused, cards
from grace.trust.audit import service as audit

log = structlog.get_logger()

TRIES = 6
PATIENCE = timedelta(hours=1)
"""A payer who presses again and again uses up the tries in seconds: the provider may be back in a minute."""
KEYS_LAST = timedelta(hours=23)
"""A provider keeps a key for 24 hours."""
LONGEST_PAUSE = timedelta(hours=1)

_ENDED = "retry_at = null, ended_at = %(now)s, arguments = arguments - 'customer_details'"

Outcome = Intent | Method | Refund | Endpoint | Refused | UnknownOutcome


@dataclass(frozen=True, slots=True)
class Work:
    """The open calls of one thing, as the intent of `two_step`."""

    id: str
    workspace: Workspace
    calls: tuple[ProviderCall, ...] = ()
    now: datetime | None = None

    @property
    def open(self) -> bool:
        """Whether there is anything to ask."""
        return bool(self.calls)


@dataclass(frozen=True, slots=True)
class Answered:
    """A call and what came of it. `asked_at`: the outcome is known as of this moment (real time)."""

    call: ProviderCall
    outcome: Outcome
    asked_at: datetime


async def order(
    tx: Tx, *, kind: CallKind, noun: str, arguments: dict[str, Any], work: str | None = None
) -> ProviderCall:
    """Write a call down. The scanner makes it as soon as it is committed, unless it is taken before."""
    return await tx.one(
        ProviderCall,
        "insert into provider_call (id, kind, work, noun, key, arguments, retry_at, ordered_at) values (%(id)s,"
        " %(kind)s, %(work)s, %(noun)s, %(noun)s || ':' || (select 1 + count(*) from provider_call"
        " where noun = %(noun)s)::text, %(arguments)s::jsonb, clock_timestamp(), %(now)s)"
        f" returning {CALL_COLUMNS}",
        id=new_id("call"),
        kind=kind,
        work=work or noun,
        noun=noun,
        arguments=json.dumps(arguments),
        now=tx.now,
    )


async def take(tx: Tx, work: str) -> Work:
    """The open calls of a thing, to be made now; the scanner leaves them alone meanwhile."""
    calls = await tx.all(
        ProviderCall,
        "update provider_call set tries = tries + 1, retry_at = clock_timestamp() + %(lease)s where id in ("
        " select id from provider_call where work = %(work)s and state in ('pending', 'unknown') order by number"
        f" for update) returning {CALL_COLUMNS}",
        work=work,
        lease=timedelta(seconds=settings().intent_stale_s),
    )
    return Work(work, tx.workspace, tuple(sorted(calls, key=lambda call: call.number)), tx.now)


async def make(work: Work) -> list[Answered]:
    """Make the calls of some work, one after the other; never raises for what a provider does."""
    answers = []
    for call in work.calls:
        asked_at = _real_now()
        try:
            outcome = await _ask(cards(), work, call)
        except (UnknownOutcome, Refused) as unknown:
            outcome = _judged(call, unknown)
        answers.append(Answered(call, outcome, asked_at))
    return answers


async def settle(tx: Tx, answered: Answered) -> bool:
    """Write down what came of a call; False when another has settled it before, or nothing is known yet."""
    call, outcome = answered.call, answered.outcome
    now = await tx.first(
        ProviderCall, f"select {CALL_COLUMNS} from provider_call where id = %(id)s for update", id=call.id
    )
    if now is None or not now.waiting:
        return False
    if isinstance(outcome, UnknownOutcome):
        await _put_off(tx, now, str(outcome))
        return False
    refused = isinstance(outcome, Refused)
    await tx.execute(
        f"update provider_call set state = %(state)s, error = %(error)s, {_ENDED} where id = %(id)s",
        id=call.id,
        state="refused" if refused else "done",
        error=f"{outcome.code}: {outcome.message}"[:500] if isinstance(outcome, Refused) else None,
        now=tx.now,
    )
    return True


async def close_open(tx: Tx, noun: str) -> None:
    """End the calls of a thing whose end is known by another way."""
    part = closing(tx, noun)
    await tx.execute(joined([part]), **part.params)


def closing(tx: Tx, noun: str) -> Part:
    """The same, to share a statement."""
    return Part(
        f"closed as (update provider_call set state = 'done', error = 'known by an event', {_ENDED}"
        " where noun = %(noun)s and state in ('pending', 'unknown', 'case'))",
        {"noun": noun, "now": tx.now},
    )


async def due(tx: Tx, *, limit: int) -> list[str]:
    """The work whose calls nobody has taken in time; each is put off, so that it is given out once."""
    return await tx.all(
        str,
        "update provider_call set retry_at = clock_timestamp() + %(lease)s where id in (select id from provider_call"
        " where retry_at <= clock_timestamp() order by retry_at limit %(limit)s for update skip locked) returning work",
        lease=timedelta(seconds=settings().intent_stale_s),
        limit=limit,
    )


async def ask_again(tx: Tx, *, call_id: str) -> ProviderCall:
    """A person has the provider asked again. CallNotWaiting when it is not their case."""
    before = await _case(tx, call_id)
    await tx.execute(
        "update provider_call set state = 'unknown', tries = 1, retry_at = clock_timestamp() where id = %(id)s",
        id=before.id,
    )
    audit.record(tx, action="ask_provider_again", subject=("provider_call", before.id), before={"state": before.state})
    return replace(before, state="unknown")


async def drop(tx: Tx, *, call_id: str, reason: str) -> ProviderCall:
    """A person says that the call had no effect and is not to be made. CallNotWaiting when it is not their case."""
    before = await _case(tx, call_id)
    await tx.execute(
        f"update provider_call set state = 'dropped', {_ENDED} where id = %(id)s",
        id=before.id,
        now=tx.now,
    )
    audit.record(
        tx,
        action="drop_provider_call",
        subject=("provider_call", before.id),
        reason=reason,
        before={"state": before.state},
        after={"state": "dropped"},
    )
    return replace(before, state="dropped")


async def _case(tx: Tx, call_id: str) -> ProviderCall:
    found = await queries.call(tx, call_id, lock=True)
    if found.state not in ("case", "unknown"):
        raise CallNotWaiting(f"This call is {found.state}.")
    return found


async def _put_off(tx: Tx, call: ProviderCall, error: str) -> None:
    """Ask again after three times as long as it has been unknown."""
    age = _real_now() - call.created_at
    given_up = call.tries >= TRIES and age >= PATIENCE
    await tx.execute(
        "update provider_call set state = %(state)s, error = %(error)s,"
        " retry_at = case when %(state)s = 'case' then null else clock_timestamp() + %(pause)s end where id = %(id)s",
        id=call.id,
        state="case" if given_up else "unknown",
        error=error[:500],
        pause=min(LONGEST_PAUSE, max(timedelta(seconds=settings().intent_stale_s), 3 * age)),
    )
    log.warning(
        "provider call unknown",
        workspace=tx.workspace.handle,
        request_id=tx.request_id,
        call=call.id,
        kind=call.kind,
        tries=call.tries,
    )
    if given_up:
        audit.record(
            tx,
            action="give_up_provider_call",
            subject=("provider_call", call.id),
            after={"kind": call.kind, "tries": call.tries, "error": error},
        )


def _judged(call: ProviderCall, error: UnknownOutcome | Refused) -> UnknownOutcome | Refused:
    """A refusal that did not look at the request says nothing of an earlier try."""
    if isinstance(error, Refused) and not error.final and call.tries > 1:
        return UnknownOutcome(f"{error.code}: {error.message}")
    return error


async def _ask(provider: CardProvider, work: Work, call: ProviderCall) -> Outcome:
    """Make the call, or find what an earlier try has made."""
    make_it, find = _KINDS[call.kind]
    old = work.now is not None and work.now - call.ordered_at > KEYS_LAST
    old = old or _real_now() - call.created_at > KEYS_LAST
    if old and call.tries > 1:
        found = await find(provider, work.workspace, call)
        if found is not None:
            return found
    try:
        return await make_it(provider, work.workspace, call)
    except UnknownOutcome:
        if call.tries == 1:
            raise
        found = await find(provider, work.workspace, call)
        if found is None:
            raise
        return found


def _real_now() -> datetime:
    return datetime.now(UTC)


async def _customer(provider: CardProvider, workspace: Workspace, call: ProviderCall) -> str:
    """The client's customer at the provider: known, or made once per client and details."""
    asked = call.arguments
    known: str | None = asked["customer"]
    if known is not None:
        return known
    ours, details = asked["client_id"], asked["customer_details"]
    try:
        return await provider.create_customer(workspace, key=asked["customer_key"], ours=ours, details=details)
    except UnknownOutcome:
        # A failure is kept under its key, though the customer was made: only a look-up tells that.
        found = await provider.find_customer(workspace, ours=ours) if call.tries > 1 else None
        if found is None:
            raise
        return found


async def _create_intent(provider: CardProvider, workspace: Workspace, call: ProviderCall) -> Outcome:
    asked = call.arguments
    return await provider.create_intent(
        workspace,
        key=call.key,
        ours=call.noun,
        amount_minor=asked["amount_minor"],
        currency=asked["currency"],
        customer=await _customer(provider, workspace, call),
        description=asked["description"],
        method=asked["method"],
    )


async def _find_intent(provider: CardProvider, workspace: Workspace, call: ProviderCall) -> Outcome | None:
    customer = call.arguments["customer"] or await provider.find_customer(workspace, ours=call.arguments["client_id"])
    return await provider.find_intent(workspace, ours=call.noun, customer=customer)


async def _confirm_intent(provider: CardProvider, workspace: Workspace, call: ProviderCall) -> Outcome:
    asked = call.arguments
    if asked["amount"] is not None:
        amount = (asked["amount"][0], asked["amount"][1])
        changed = await provider.change_amount(
            workspace, key=f"{call.key}:amount", intent=asked["intent"], amount=amount
        )
        if changed.state != "requires_payment_method":
            return changed
    return await provider.confirm_intent(workspace, key=call.key, intent=asked["intent"], method=asked["method"])


async def _change_amount(provider: CardProvider, workspace: Workspace, call: ProviderCall) -> Outcome:
    amount = (call.arguments["amount"][0], call.arguments["amount"][1])
    return await provider.change_amount(workspace, key=call.key, intent=call.arguments["intent"], amount=amount)


async def _cancel_intent(provider: CardProvider, workspace: Workspace, call: ProviderCall) -> Outcome:
    return await provider.cancel_intent(workspace, key=call.key, intent=call.arguments["intent"])


async def _read_ended_intent(provider: CardProvider, workspace: Workspace, call: ProviderCall) -> Outcome | None:
    """The intent, if it has ended: then there is nothing to change any more."""
    found = await provider.intent(workspace, call.arguments["intent"])
    return found if found.state in ("succeeded", "canceled", "requires_action", "processing") else None


async def _attach_method(provider: CardProvider, workspace: Workspace, call: ProviderCall) -> Outcome:
    return await provider.attach_method(
        workspace,
        key=call.key,
        customer=await _customer(provider, workspace, call),
        method=call.arguments["method"],
    )


async def _create_refund(provider: CardProvider, workspace: Workspace, call: ProviderCall) -> Outcome:
    asked = call.arguments
    return await provider.create_refund(
        workspace,
        key=call.key,
        ours=call.noun,
        charge=asked["charge"],
        amount=(asked["amount_minor"], asked["currency"]),
    )


async def _find_refund(provider: CardProvider, workspace: Workspace, call: ProviderCall) -> Outcome | None:
    made = await provider.refunds(workspace, charge=call.arguments["charge"])
    return next((refund for refund in made if refund.ours == call.noun), None)


async def _register_endpoint(provider: CardProvider, workspace: Workspace, call: ProviderCall) -> Outcome:
    return await provider.register_endpoint(workspace, key=call.key, url=call.arguments["url"])


async def _register_endpoint_anew(provider: CardProvider, workspace: Workspace, call: ProviderCall) -> Outcome | None:
    """The secret of one that was made is told only once: it makes room for another."""
    await provider.remove_endpoints(workspace, url=call.arguments["url"])
    return await provider.register_endpoint(workspace, key=f"{call.key}:{call.tries}", url=call.arguments["url"])


async def _nothing_to_find(provider: CardProvider, workspace: Workspace, call: ProviderCall) -> Outcome | None:
    """Asking again is harmless and tells all that there is to know."""
    return None


Make = Callable[[CardProvider, Workspace, ProviderCall], Awaitable[Outcome]]
Find = Callable[[CardProvider, Workspace, ProviderCall], Awaitable[Outcome | None]]
_KINDS: dict[CallKind, tuple[Make, Find]] = {
    "create_intent": (_create_intent, _find_intent),
    "confirm_intent": (_confirm_intent, _read_ended_intent),
    "change_amount": (_change_amount, _read_ended_intent),
    "cancel_intent": (_cancel_intent, _read_ended_intent),
    "attach_method": (_attach_method, _nothing_to_find),
    "create_refund": (_create_refund, _find_refund),
    "register_endpoint": (_register_endpoint, _register_endpoint_anew),
}
