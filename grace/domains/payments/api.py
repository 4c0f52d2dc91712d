"""The provider's events come in: one implementation behind the documented paths and the endpoints' own."""

import time
from collections.abc import Sequence
from typing import Any

import structlog
from fastapi import Request

from grace.domains.payments import queries, senders
from grace.domains.payments.errors import NotVerified
from grace.domains.payments.schemas import Received
from grace.domains.payments.service import endpoints
from grace.kit import inbox, json
from grace.kit.credentials import credential
from grace.kit.edge import SIGNED, Doors, Edge, InEdge, address, spend_anonymous
from grace.kit.errors import Malformed
from grace.kit.tx import Tx, transaction
from grace.kit.workspace import HANDLE
from grace.providers.payments.port import cards

log = structlog.get_logger()
doors = Doors(tags=["Webhooks"])


@doors.post("/api/v1/webhooks/stripe/{token}", may=SIGNED, returns=Received)
async def endpoint_event(edge: InEdge, token: str, request: Request) -> Received:
    """An event for the endpoint of this token."""
    payload = await request.body()
    handle = token.partition(".")[0]
    if not HANDLE.match(handle) or not await edge.workspaces.exists(handle):
        spend_anonymous(edge, request)
        log.warning("webhook refused", reason="unknown endpoint")
        raise NotVerified("There is no such endpoint.")
    known = await _sender(edge, payload, request, handle=handle)
    opening = endpoints.with_endpoint(endpoints.hash_of(token))
    async with transaction(edge.workspaces, handle, request_id=request.state.id, opening=opening) as tx:
        endpoint = endpoints.opened_endpoint(tx)
        secrets = [endpoints.secret(tx, endpoint)] if endpoint is not None else []
        reason = await _accept(tx, payload, request, secrets)
    return _answer(edge, reason, handle, request, known=known is not None)


@doors.post("/api/v1/webhooks/stripe", may=SIGNED, returns=Received)
@doors.post("/api/v1/revenue/webhooks/stripe", may=SIGNED, returns=Received)
@doors.post("/api/business/payments/webhook", may=SIGNED, returns=Received)
@doors.post("/payments/webhooks/stripe", may=SIGNED, returns=Received)
async def event(edge: InEdge, request: Request) -> Received:
    """An event for whichever workspace has the secret that signed it."""
    payload = await request.body()
    known = await _sender(edge, payload, request)
    handles = await edge.workspaces.handles()
    left = senders.MOST_SECRETS
    for handle in [known] if known in handles else handles:
        async with transaction(edge.workspaces, handle, request_id=request.state.id) as tx:
            secrets = (await _secrets(edge, tx, alone=len(handles) == 1))[:left]
            left -= len(secrets)
            if _signed_by(payload, request, secrets) is not None:
                reason = await _accept(tx, payload, request, secrets)
                return _answer(edge, reason, handle, request, known=True)
        if not left:
            break
    home = edge.settings.workspace if edge.settings.workspace in handles else next(iter(handles), None)
    if home is not None:
        async with transaction(edge.workspaces, home, request_id=request.state.id) as tx:
            await _refuse(tx, "bad signature", request)
    return _answer(edge, "bad signature", home, request, known=known is not None)


async def _sender(edge: Edge, payload: bytes, request: Request, *, handle: str | None = None) -> str | None:
    """The workspace whose secret signed, as far as this process knows; a forger is counted here, TooMany."""

    async def read(edge: Edge, handle: str, alone: bool) -> list[str]:
        async with transaction(edge.workspaces, handle, request_id=request.state.id) as tx:
            return await _secrets(edge, tx, alone=alone)

    known = await senders.workspace_of(
        edge, signed_by=lambda secrets: _signed_by(payload, request, secrets) is not None, read=read, handle=handle
    )
    if known is None:
        spend_anonymous(edge, request)
    return known


async def _secrets(edge: Edge, tx: Tx, *, alone: bool) -> list[str]:
    """What verifies a workspace's events: its endpoints' secrets, and the one in the settings if it is its own."""
    found = [endpoints.secret(tx, endpoint) for endpoint in await queries.endpoints(tx)]
    configured = edge.settings.stripe_webhook_secret
    if configured is not None:
        own = "{workspace}" in configured.get_secret_value() or tx.workspace.handle == edge.settings.workspace
        secret = credential(tx.workspace, "stripe_webhook_secret", configured=edge.settings) if own or alone else None
        found += [secret] if secret else []
    return found


async def _accept(tx: Tx, payload: bytes, request: Request, secrets: list[str]) -> str | None:
    """Keep a verified event; otherwise count the refusal and say why."""
    if _signed_by(payload, request, secrets) is None:
        return await _refuse(tx, "bad signature", request)
    text, told = _event(payload)
    if told is None:
        return await _refuse(tx, "not an event", request)
    if told.get("livemode") not in (None, tx.workspace.kind == "live"):
        return await _refuse(tx, "event of the other mode", request)
    endpoints.keep_event(tx, cards().name, told, text)
    return None


def _signed_by(payload: bytes, request: Request, secrets: Sequence[str]) -> int | None:
    return cards().verified_by(payload, request.headers.get("stripe-signature", ""), secrets, now=time.time())


def _event(payload: bytes) -> tuple[str, dict[str, Any] | None]:
    """A verified body as text, and the event in it; None when it is none."""
    try:
        text = payload.decode()
        told = json.loads(text)
    except (UnicodeDecodeError, Malformed):
        return "", None
    if not isinstance(told, dict) or not isinstance(told.get("data"), dict) or "object" not in told["data"]:
        return text, None
    named = all(isinstance(told.get(name), str) and 0 < len(told[name]) <= 255 for name in ("id", "type"))
    return text, told if named and isinstance(told.get("created"), int) else None


async def _refuse(tx: Tx, reason: str, request: Request) -> str:
    await inbox.refuse(tx, source=cards().name, reason=reason, remote=address(request))
    return reason


def _answer(edge: Edge, reason: str | None, workspace: str | None, request: Request, *, known: bool) -> Received:
    if reason is None:
        return Received()
    if known and reason == "bad signature":  # of another endpoint, or of one that is over
        spend_anonymous(edge, request)
    log.warning("webhook refused", workspace=workspace, reason=reason)
    raise NotVerified("The event is not verified.")
