"""Stripe by its official SDK, asynchronously. Who calls owns retries: the SDK makes none.

Requests are the SDK's raw ones: its typed objects cost more to make than the request, and would be turned into
dictionaries at once.

The SDK takes most of a second to import, so that it is imported on first use.
"""

import asyncio
import importlib
import ssl
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from grace.kit.credentials import WrongCredential, credential, is_loopback
from grace.kit.settings import Settings
from grace.kit.unit import UnknownOutcome
from grace.kit.workspace import Workspace
from grace.providers.payments.port import (
    Browser,
    CardProvider,
    Charge,
    Endpoint,
    Intent,
    Method,
    Moved,
    Refund,
    Refused,
    Signal,
)
from grace.providers.payments.stripe import objects, signature

API_VERSION = "2026-10-28.endive"
PAGE = 100
WITH_CHARGE = ["latest_charge.balance_transaction"]
STRIPES_OWN = {"scripts": "https://*.js.stripe.com", "frames": "https://*.js.stripe.com https://hooks.stripe.com"}
"""What Stripe.js uses besides its origin and the API, when it is Stripe's own."""
KEPT_OPEN_S = 4.0
"""How long an idle connection is used again: shorter than the other side keeps it."""
TWIN_S = 5.0
"""How long to wait for another request of the same key that is under way."""


class StripeCards(CardProvider):
    """The card payment port at Stripe, or at what speaks like it (`stripe_api_base`)."""

    name = "stripe"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.webhook_address = f"{settings.url.rstrip('/')}/api/v1/webhooks/stripe/"
        self.reads_back = settings.stripe_read_back
        self._clients: dict[tuple[str, str, asyncio.AbstractEventLoop], tuple[Any, Any]] = {}

    def configured(self, workspace: Workspace) -> bool:
        return None not in (self._credential(workspace, "secret_key"), self._credential(workspace, "api_base"))

    def publishable_key(self, workspace: Workspace) -> str | None:
        return self._credential(workspace, "publishable_key")

    def browser(self, workspace: Workspace) -> Browser | None:
        key, origin = self._credential(workspace, "publishable_key"), self._credential(workspace, "js_origin")
        api = self._credential(workspace, "api_base")
        if key is None or origin is None or api is None or not self.configured(workspace):
            return None
        origin = origin.rstrip("/")
        more = STRIPES_OWN if origin == "https://js.stripe.com" else {"scripts": "", "frames": ""}
        return Browser(
            script=f"{origin}/v3/",
            key=key,
            scripts=f"{origin} {more['scripts']}".strip(),
            frames=f"{origin} {more['frames']}".strip(),
            connections=f"{origin} {api.rstrip('/')}",
        )

    async def create_customer(self, workspace: Workspace, *, key: str, ours: str, details: Mapping[str, str]) -> str:
        params = {**details, "metadata": {objects.OURS: ours}}
        return str((await self._ask(workspace, "post", "/v1/customers", params, key=key))["id"])

    async def find_customer(self, workspace: Workspace, *, ours: str) -> str | None:
        params = {"query": f"metadata['{objects.OURS}']:'{ours}'", "limit": 1}
        found = (await self._ask(workspace, "get", "/v1/customers/search", params))["data"]
        return str(found[0]["id"]) if found else None

    async def attach_method(self, workspace: Workspace, *, key: str, customer: str, method: str) -> Method:
        path = f"/v1/payment_methods/{_part(method)}/attach"
        return objects.method(await self._ask(workspace, "post", path, {"customer": customer}, key=key))

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
        params: dict[str, Any] = {
            "amount": objects.to_stripe(amount_minor, currency),
            "currency": currency.lower(),
            "customer": customer,
            "description": description,
            "metadata": {objects.OURS: ours},
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "expand": WITH_CHARGE,
        }
        if method is not None:
            params |= {"confirm": True, "off_session": True, "payment_method": method}
        return await self._intent(workspace, "/v1/payment_intents", params, key)

    async def confirm_intent(self, workspace: Workspace, *, key: str, intent: str, method: str) -> Intent:
        params = {"off_session": True, "payment_method": method, "expand": WITH_CHARGE}
        return await self._intent(workspace, f"/v1/payment_intents/{_part(intent)}/confirm", params, key)

    async def change_amount(self, workspace: Workspace, *, key: str, intent: str, amount: tuple[int, str]) -> Intent:
        params = {"amount": objects.to_stripe(*amount), "expand": WITH_CHARGE}
        return await self._intent(workspace, f"/v1/payment_intents/{_part(intent)}", params, key)

    async def cancel_intent(self, workspace: Workspace, *, key: str, intent: str) -> Intent:
        params = {"expand": WITH_CHARGE}
        return await self._intent(workspace, f"/v1/payment_intents/{_part(intent)}/cancel", params, key)

    async def intent(self, workspace: Workspace, intent: str) -> Intent:
        path = f"/v1/payment_intents/{_part(intent)}"
        return objects.intent(await self._ask(workspace, "get", path, {"expand": WITH_CHARGE}))

    async def find_intent(self, workspace: Workspace, *, ours: str, customer: str | None) -> Intent | None:
        where = {"customer": customer} if customer else {}
        params = {**where, "limit": PAGE, "expand": [f"data.{path}" for path in WITH_CHARGE]}
        listed = await self._ask(workspace, "get", "/v1/payment_intents", params)
        return next((found for found in map(objects.intent, listed["data"]) if found.ours == ours), None)

    async def charge(self, workspace: Workspace, charge: str) -> Charge:
        path = f"/v1/charges/{_part(charge)}"
        return objects.charge(await self._ask(workspace, "get", path, {"expand": ["balance_transaction"]}))

    async def create_refund(
        self, workspace: Workspace, *, key: str, ours: str, charge: str, amount: tuple[int, str]
    ) -> Refund:
        params = {
            "charge": charge,
            "amount": objects.to_stripe(*amount),
            "metadata": {objects.OURS: ours},
            "expand": ["balance_transaction"],
        }
        return objects.refund(await self._ask(workspace, "post", "/v1/refunds", params, key=key))

    async def refund(self, workspace: Workspace, refund: str) -> Refund:
        path = f"/v1/refunds/{_part(refund)}"
        return objects.refund(await self._ask(workspace, "get", path, {"expand": ["balance_transaction"]}))

    async def refunds(self, workspace: Workspace, *, charge: str) -> list[Refund]:
        params = {"charge": charge, "limit": PAGE, "expand": ["data.balance_transaction"]}
        listed = await self._ask(workspace, "get", "/v1/refunds", params)
        return [objects.refund(value) for value in listed["data"]]

    async def register_endpoint(self, workspace: Workspace, *, key: str, url: str) -> Endpoint:
        params = {
            "url": url,
            "enabled_events": list(objects.EVENTS),
            "api_version": API_VERSION,
            "description": f"Grace, workspace {workspace.handle}",
        }
        made = await self._ask(workspace, "post", "/v1/webhook_endpoints", params, key=key)
        return Endpoint(made["id"], made["secret"])

    async def remove_endpoints(self, workspace: Workspace, *, url: str) -> None:
        listed = await self._ask(workspace, "get", "/v1/webhook_endpoints", {"limit": PAGE})
        for found in [endpoint["id"] for endpoint in listed["data"] if endpoint["url"] == url]:
            await self._ask(workspace, "delete", f"/v1/webhook_endpoints/{_part(found)}", {})

    async def events(self, workspace: Workspace, *, since: int) -> AsyncIterator[list[dict[str, Any]]]:
        params: dict[str, Any] = {"created": {"gte": since}, "types": list(objects.EVENTS), "limit": PAGE}
        while True:
            page = await self._ask(workspace, "get", "/v1/events", params)
            if page["data"]:
                yield page["data"]
            if not page["has_more"]:
                return
            params = params | {"starting_after": page["data"][-1]["id"]}

    async def movements(
        self, workspace: Workspace, *, since: int | None, until: int | None
    ) -> AsyncIterator[list[Moved]]:
        within = {name: bound for name, bound in (("gte", since), ("lt", until)) if bound is not None}
        params: dict[str, Any] = {"limit": PAGE} | ({"created": within} if within else {})
        while True:
            page = await self._ask(workspace, "get", "/v1/balance_transactions", params)
            if page["data"]:
                yield [objects.moved(value) for value in page["data"]]
            if not page["has_more"]:
                return
            params = params | {"starting_after": page["data"][-1]["id"]}

    async def movement(self, workspace: Workspace, movement: str) -> Moved | None:
        try:
            return objects.moved(await self._ask(workspace, "get", f"/v1/balance_transactions/{_part(movement)}", {}))
        except Refused as refused:
            if refused.code != "resource_missing":
                raise
            return None

    def verified_by(self, payload: bytes, signature_header: str, secrets: Sequence[str], *, now: float) -> int | None:
        return signature.verified_by(payload, signature_header, secrets, now=now)

    def read(self, event: Mapping[str, Any]) -> Signal:
        return objects.signal(event)

    async def _intent(self, workspace: Workspace, path: str, params: Mapping[str, Any], key: str) -> Intent:
        """What became of an intent, also the one inside a decline or a refusal that names the state it is in."""
        try:
            return objects.intent(await self._ask(workspace, "post", path, params, key=key))
        except _WithIntent as told:
            return objects.intent(told.intent)

    async def _ask(
        self, workspace: Workspace, method: str, path: str, params: Mapping[str, Any], *, key: str | None = None
    ) -> dict[str, Any]:
        """One request, within the time limit; a twin of the same key that is under way is waited for."""
        client = await self._client(workspace)
        until = time.monotonic() + TWIN_S
        pause_s = 0.05
        while True:
            try:
                async with asyncio.timeout(self._settings.provider_timeout_s):
                    answer = await client.raw_request_async(method, path, **params, **_keyed(key))
                    return dict(answer.data)
            except TimeoutError as error:
                raise UnknownOutcome("Stripe did not answer in time") from error
            except Exception as error:
                refusal = _told(error)
                if not isinstance(refusal, _UnderWay) or time.monotonic() > until:
                    raise refusal from error
            await asyncio.sleep(pause_s)
            pause_s = min(0.5, pause_s * 2)

    def _credential(self, workspace: Workspace, name: str) -> str | None:
        return credential(workspace, f"stripe_{name}", configured=self._settings)

    async def _client(self, workspace: Workspace) -> Any:
        """The SDK's client of the workspace's account."""
        try:
            secret, base = self._credential(workspace, "secret_key"), self._credential(workspace, "api_base")
        except WrongCredential as error:
            raise Refused(error.detail, code=error.type, final=False) from error
        if secret is None or base is None:
            raise Refused("Card payments are not set up here.", code="not_configured", final=False)
        place = (secret, base, asyncio.get_running_loop())
        if place not in self._clients:
            stripe, aiohttp = await asyncio.to_thread(_sdk)
            if place not in self._clients:  # nobody else made it meanwhile
                self._clients[place] = self._connect(stripe, aiohttp, secret, base)
        return self._clients[place][0]

    def _connect(self, stripe: Any, aiohttp: Any, secret: str, base: str) -> tuple[Any, Any]:
        """The SDK's client of an account, and the connections that it uses."""
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                ssl=ssl.create_default_context(cafile=stripe.ca_bundle_path), keepalive_timeout=KEPT_OPEN_S
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=not is_loopback(base),
        )
        session._retry_connection = False  # whether an outcome that is not known is asked for again is ours to say
        timeout = aiohttp.ClientTimeout(total=self._settings.provider_timeout_s)
        client = stripe.StripeClient(
            secret,
            stripe_version=API_VERSION,
            base_addresses={"api": base.rstrip("/")},
            max_network_retries=0,
            http_client=stripe.AIOHTTPClient(timeout=timeout, session=session),
        )
        return client, session

    async def close(self) -> None:
        here = asyncio.get_running_loop()
        for place in [place for place in self._clients if place[2] is here]:
            await self._clients.pop(place)[1].close()


class _WithIntent(Exception):
    """An error that carries the intent as it is now."""

    def __init__(self, intent: Mapping[str, Any]) -> None:
        super().__init__(intent.get("id"))
        self.intent = intent


class _UnderWay(UnknownOutcome):
    """Another request with the same key is being worked on."""


def _sdk() -> tuple[Any, Any]:
    """The SDK and its HTTP client."""
    return importlib.import_module("stripe"), importlib.import_module("aiohttp")


def _part(name: str) -> str:
    """An id as a part of a path."""
    return quote(name, safe="")


def _keyed(key: str | None) -> dict[str, str]:
    return {} if key is None else {"idempotency_key": key}


def _told(error: Exception) -> Exception:
    """What an exception of the SDK means for the port."""
    import stripe

    if not isinstance(error, stripe.StripeError):
        return error if isinstance(error, UnknownOutcome | Refused) else UnknownOutcome(repr(error)[:300])
    body = error.json_body if isinstance(error.json_body, dict) else {}
    told: dict[str, Any] = body["error"] if isinstance(body.get("error"), dict) else {}
    code, message = str(told.get("code") or type(error).__name__), str(error.user_message or "")[:500]
    intent = told.get("payment_intent")
    if isinstance(intent, dict) and error.http_status in (400, 402):
        return _WithIntent(intent)
    if isinstance(error, stripe.CardError):
        why = objects.failure(told)
        return Refused(why.message, code=why.code)
    if isinstance(error, stripe.InvalidRequestError):
        return Refused(message, code=code)
    if isinstance(error, stripe.AuthenticationError | stripe.PermissionError | stripe.IdempotencyError):
        return Refused("Stripe does not accept our request.", code=code, final=False)
    if code == "idempotency_key_in_use":
        return _UnderWay(code)
    return UnknownOutcome(f"{type(error).__name__} {error.http_status or ''} {code}")
