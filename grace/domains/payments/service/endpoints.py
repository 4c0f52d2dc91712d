"""Webhook endpoints at the provider, and how far its events were asked for."""

import base64
from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
from typing import Any

from grace.domains.payments.models import ENDPOINT_COLUMNS, WebhookEndpoint
from grace.domains.payments.service import calls
from grace.kit import inbox
from grace.kit.ids import new_id
from grace.kit.tx import Opening, Part, Tx
from grace.providers.payments.port import Endpoint, cards
from grace.trust.audit import service as audit

SEALED_AS = "webhooks"
POLL_EVERY = timedelta(hours=1)
OVERLAP_S = 3600
"""Events are asked for again that far back: a provider may show them late."""


async def begin_endpoint(tx: Tx, *, address: str) -> WebhookEndpoint:
    """The endpoint at `address` (the web server's, with its token appended); ordered when there is none.

    Endpoints at other addresses stay until somebody removes them at the provider: their secrets still verify.
    """
    await tx.execute("select pg_advisory_xact_lock(hashtextextended('webhook endpoints', 0))")
    known = await tx.first(
        WebhookEndpoint,
        f"select {ENDPOINT_COLUMNS} from webhook_endpoint where provider = %(provider)s and state <> 'off'"
        " and starts_with(url, %(address)s) order by created_at limit 1",
        provider=cards().name,
        address=address,
    )
    if known is not None:
        return known
    endpoint_id = new_id("hook")
    token = token_of(tx, endpoint_id)
    endpoint = await tx.one(
        WebhookEndpoint,
        "insert into webhook_endpoint (id, provider, url, token_hash, created_at) values (%(id)s, %(provider)s,"
        f" %(url)s, %(hash)s, %(now)s) returning {ENDPOINT_COLUMNS}",
        id=endpoint_id,
        provider=cards().name,
        url=address + token,
        hash=hash_of(token),
        now=tx.now,
    )
    await calls.order(tx, kind="register_endpoint", noun=endpoint.id, arguments={"url": endpoint.url})
    audit.record(tx, action="order_webhook_endpoint", subject=("webhook_endpoint", endpoint.id))
    return endpoint


async def registered(tx: Tx, endpoint_id: str, told: Endpoint) -> None:
    """The provider sends events from now on; missed ones are asked for every hour."""
    known = await tx.value(
        "update webhook_endpoint set state = 'active', provider_endpoint = %(told)s, secret = %(secret)s"
        " where id = %(id)s and state = 'pending' returning id",
        id=endpoint_id,
        told=told.id,
        secret=tx.keys.seal(SEALED_AS, told.secret.encode(), bound_to=endpoint_id.encode()),
    )
    if known is None:
        return
    await tx.execute(
        "insert into provider_poll (provider, since, next_at) values (%(provider)s,"
        " extract(epoch from clock_timestamp()), clock_timestamp() + %(every)s)"
        " on conflict do nothing",
        provider=cards().name,
        every=POLL_EVERY,
    )
    audit.record(
        tx, action="activate_webhook_endpoint", subject=("webhook_endpoint", endpoint_id), after={"state": "active"}
    )


async def refused(tx: Tx, endpoint_id: str) -> None:
    """The provider does not send events there; the next start tries again."""
    await tx.execute(
        "update webhook_endpoint set state = 'off' where id = %(id)s and state = 'pending'", id=endpoint_id
    )


def with_endpoint(token_hash: bytes) -> Opening:
    """Opens a transaction with the active endpoint of a token; `opened_endpoint` has it."""
    return Opening(
        Part(
            f"hook as materialized (select {ENDPOINT_COLUMNS} from webhook_endpoint"
            " where token_hash = %(hook_hash)s and state = 'active')",
            {"hook_hash": token_hash},
        ),
        "hook",
        tuple(ENDPOINT_COLUMNS.split(", ")),
    )


def opened_endpoint(tx: Tx) -> WebhookEndpoint | None:
    """The endpoint that the transaction was opened with, if there is one."""
    return WebhookEndpoint(*tx.opened) if tx.opened else None


def secret(tx: Tx, endpoint: WebhookEndpoint) -> str:
    """What verifies an active endpoint's events."""
    if endpoint.secret is None:
        return ""
    return tx.keys.open(SEALED_AS, endpoint.secret, bound_to=endpoint.id.encode()).decode()


def token_of(tx: Tx, endpoint_id: str) -> str:
    """The endpoint's token, `<workspace>.<secret>`; only its hash is stored."""
    mac = base64.urlsafe_b64encode(tx.keys.mac("links", "webhook", endpoint_id)).decode().rstrip("=")
    return f"{tx.workspace.handle}.{mac}"


def hash_of(token: str) -> bytes:
    """What is stored of a token."""
    return sha256(token.encode()).digest()


async def due_polls(tx: Tx, *, lease_s: int) -> list[str]:
    """The providers to be asked for events now; each is given out once."""
    return await tx.all(
        str,
        "update provider_poll set next_at = clock_timestamp() + make_interval(secs => %(lease)s)"
        " where next_at <= clock_timestamp() returning provider",
        lease=lease_s,
    )


async def begin_poll(tx: Tx, provider: str) -> int:
    """From when on (the provider's Unix seconds) events are to be asked for; the next poll is due in an hour."""
    since: int = await tx.value(
        "update provider_poll set next_at = clock_timestamp() + %(every)s where provider = %(provider)s"
        " returning since",
        every=POLL_EVERY,
        provider=provider,
    )
    return max(0, since - OVERLAP_S)


def keep_event(tx: Tx, provider: str, event: Mapping[str, Any], text: str) -> None:
    """Put an event, and the JSON text that it is, into the inbox if it is not there yet."""
    inbox.receive(
        tx,
        source=provider,
        account=str(event.get("account") or ""),
        event_id=event["id"],
        kind=event["type"],
        body=text,
    )


async def polled(tx: Tx, provider: str, *, until: int) -> None:
    """All events up to then are here."""
    await tx.execute(
        "update provider_poll set since = greatest(since, %(until)s) where provider = %(provider)s",
        until=until,
        provider=provider,
    )
