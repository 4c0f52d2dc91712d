"""A request's way: key, route, contract, faults, idempotency, operation, answer; one transaction for its
effect.

Idempotency as Stripe documents it: a POST with a key stores status and body once the operation has begun,
errors and 500s too; the same key and parameters replay it for 24 hours, other parameters are a 400, a twin
under way a 409. What the contract refuses before the operation begins is not stored.
"""

import asyncio
import base64
import binascii
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from grace_sandbox.contract.forms import MalformedForm, decode_form
from grace_sandbox.contract.operations import operations
from grace_sandbox.contract.requests import Mismatch, check_params
from grace_sandbox.faults import Fault, take_fault
from grace_sandbox.store import Store, letters
from grace_sandbox.stripe.call import API_VERSION, Call, Route
from grace_sandbox.stripe.errors import Json, StripeError, idempotency, invalid, unauthorised
from grace_sandbox.stripe.render import render
from grace_sandbox.stripe.routes import ROUTES
from grace_sandbox.stripe.webhooks import Deliverer

MAX_BODY_BYTES = 1_000_000
MAX_KEY_LENGTH = 255
KEEP_IDEMPOTENCY_S = 86_400
_KEY = re.compile(r"(sk|pk)_test_([A-Za-z0-9_]{1,100})")
_CORS = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*",
         "Access-Control-Allow-Methods": "GET, POST, DELETE"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request that passed key, route and contract."""

    route: Route
    ids: tuple[str, ...]
    account: str
    publishable: bool
    params: Json
    fingerprint: str
    endpoint: str
    key: str | None


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: str
    replayed: bool = False


class Cut(Response):
    """No answer at all: the connection is held and then closed."""

    def __init__(self, hold_ms: int) -> None:
        super().__init__(status_code=500)
        self.hold_ms = hold_ms

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        closed = asyncio.ensure_future(_disconnected(receive))
        await asyncio.wait([closed], timeout=self.hold_ms / 1000)
        transport = getattr(getattr(scope["raw_send"], "__self__", None), "transport", None)
        if transport is None:
            raise RuntimeError("connections can be cut only under uvicorn")
        transport.abort()
        await closed


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class StripeDoor:
    """Answers everything under `/v1/`."""

    def __init__(self, store: Store, deliverer: Deliverer) -> None:
        self.store, self.deliverer = store, deliverer
        self.in_flight: set[tuple[str, str]] = set()
        self.started, self.requests = time.time_ns(), 0

    async def answer(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=_CORS)
        self.requests += 1
        request_id = "req_" + letters(self.started, self.requests, length=14)
        key = None
        try:
            body = (await request.body()).decode("utf-8", "strict") if request.method == "POST" else ""
            asked = self._read(request, body)
            key = asked.key
            response = await self._perform(request, asked, request_id)
        except UnicodeDecodeError:
            response = _respond(invalid("The request body is not valid UTF-8."))
        except StripeError as error:
            response = _respond(error)
        response.headers.update({"Request-Id": request_id, "Stripe-Version": API_VERSION, **_CORS})
        if key is not None:
            response.headers["Idempotency-Key"] = key
        return response

    def _read(self, request: Request, body: str) -> _Asked:
        if len(body) > MAX_BODY_BYTES:
            raise invalid("Request body is too large.")
        try:
            values = decode_form(body if request.method == "POST" else request.url.query)
        except MalformedForm as error:
            raise invalid(str(error)) from error
        kind, account = _authenticate(request.headers, values)
        version = request.headers.get("stripe-version", API_VERSION)
        if version != API_VERSION:
            raise invalid(f"Invalid Stripe API version: {version}. The sandbox speaks only {API_VERSION}.")
        for header in ("stripe-account", "stripe-context"):
            if header in request.headers:
                raise invalid(f"The sandbox does not simulate the {header} header.")
        path = request.url.path
        route, ids = _route(request.method, path)
        if kind == "pk" and not route.publishable:
            raise StripeError(
                403,
                "invalid_request_error",
                "This API call cannot be made with a publishable API key. Please use a secret API key.",
                code="secret_key_required",
            )
        try:
            params = check_params(operations()[route.method, route.path].params, values, route.extra)
        except Mismatch as error:
            raise invalid(error.message, param=error.param, code=error.code) from error
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        if key is not None and not 0 < len(key) <= MAX_KEY_LENGTH:
            raise invalid(f"Idempotency keys are 1 to {MAX_KEY_LENGTH} characters long.")
        fingerprint = json.dumps(values, sort_keys=True)
        return _Asked(route, ids, account, kind == "pk", params, fingerprint, f"{request.method} {path}", key)

    async def _perform(self, request: Request, asked: _Asked, request_id: str) -> Response:
        method, path = request.method, request.url.path
        with self.store.transaction():
            self.store.account(asked.account)
            fault = take_fault(
                self.store,
                ("slow", "timeout_before", "timeout_after", "error_before", "error_after"),
                account=asked.account,
                method=method,
                path=path,
            )
        mark = (asked.account, asked.key or request_id)
        if mark in self.in_flight:
            raise idempotency(
                "There is currently another in-progress request using this Idempotent Key (that probably "
                f"means you submitted twice, and the other request is still going through): {asked.key}. "
                "Please try again later.",
                status=409,
                code="idempotency_key_in_use",
            )
        self.in_flight.add(mark)
        try:
            before = await self._fault_before(fault)
            if before is not None:
                return before
            answer = self._run(asked, request_id, f"http://{request.headers['host']}", fault)
        finally:
            self.in_flight.discard(mark)
        self.deliverer.wake()
        if fault is not None and fault.kind == "timeout_after":
            return Cut(fault.options["hold_ms"])
        headers = {"Idempotent-Replayed": "true"} if answer.replayed else {}
        return Response(answer.body, answer.status, headers, "application/json")

    async def _fault_before(self, fault: Fault | None) -> Response | None:
        match fault:
            case Fault(kind="slow", options=options):
                await asyncio.sleep(options["delay_ms"] / 1000)
            case Fault(kind="timeout_before", options=options):
                return Cut(options["hold_ms"])
            case Fault(kind="error_before", options=options):
                raise StripeError(options["status"], "api_error", options["message"])
        return None

    def _run(self, asked: _Asked, request_id: str, base_url: str, fault: Fault | None) -> _Answer:
        """Replays, or runs the operation and stores its answer: one transaction."""
        with self.store.transaction():
            account = self.store.account(asked.account)
            if asked.key is not None:
                stored = self._stored(asked, account.now)
                if stored is not None:
                    return stored
            call = Call(self.store, account, base_url, asked.params, asked.publishable, request_id, asked.key)
            truth = _execute(call, asked)
            answer = truth
            if fault is not None and fault.kind == "error_after":
                error = StripeError(fault.options["status"], "api_error", fault.options["message"])
                answer = _Answer(error.status, json.dumps(error.body, indent=2))
                truth = answer if fault.options["stored"] else truth
            if asked.key is not None:
                self.store.db.execute(
                    "insert into idempotency values (?, ?, ?, ?, ?, ?, ?)",
                    (
                        asked.account,
                        asked.key,
                        asked.endpoint,
                        asked.fingerprint,
                        truth.status,
                        truth.body,
                        account.now,
                    ),
                )
            return answer

    def _stored(self, asked: _Asked, now: int) -> _Answer | None:
        self.store.db.execute(
            "delete from idempotency where account = ? and key = ? and created <= ?",
            (asked.account, asked.key, now - KEEP_IDEMPOTENCY_S),
        )
        row = self.store.db.execute(
            "select * from idempotency where account = ? and key = ?", (asked.account, asked.key)
        ).fetchone()
        if row is None:
            return None
        if row["endpoint"] != asked.endpoint:
            raise idempotency(
                "Keys for idempotent requests can only be used for the same endpoint they were first used "
                f"for ('{asked.endpoint}' rather than '{row['endpoint']}'). Try using a key other than "
                f"'{asked.key}' if you meant to execute a different request."
            )
        if row["fingerprint"] != asked.fingerprint:
            raise idempotency(
                "Keys for idempotent requests can only be used with the same parameters they were first "
                f"used with. Try using a key other than '{asked.key}' if you meant to execute a different "
                "request."
            )
        return _Answer(row["status"], row["body"], replayed=True)


def _execute(call: Call, asked: _Asked) -> _Answer:
    """Runs the operation; a refusal undoes what it wrote, a declined card keeps it."""
    kept: StripeError | None = None
    try:
        with call.store.savepoint():
            try:
                body = render(call, asked.route.handler(call, *asked.ids))
            except StripeError as error:
                if not error.keep:
                    raise
                kept, body = error, error.body
    except StripeError as error:
        return _Answer(error.status, json.dumps(render(replace(call, params={}), error.body), indent=2))
    return _Answer(kept.status if kept else 200, json.dumps(body, indent=2))


def _respond(error: StripeError) -> Response:
    return Response(json.dumps(error.body, indent=2), error.status, media_type="application/json")


def _authenticate(headers: Mapping[str, str], values: dict[str, Any]) -> tuple[str, str]:
    """("sk" or "pk", account name) of the request's key."""
    scheme, _, credential = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            credential = base64.b64decode(credential, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            credential = ""
    elif scheme.lower() != "bearer":
        credential = str(values.get("key", ""))
    if not credential:
        raise unauthorised(
            "You did not provide an API key. You need to provide your API key in the Authorization "
            "header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
        )
    if re.match(r"(sk|pk|rk)_live_", credential):
        raise unauthorised("Live keys are refused: this is a sandbox and moves no money.")
    match = _KEY.fullmatch(credential)
    if match is None:
        shown = credential[:8] + "*" * max(0, len(credential) - 12) + credential[8:][-4:]
        raise unauthorised(f"Invalid API Key provided: {shown}")
    return match[1], match[2]


def _route(method: str, path: str) -> tuple[Route, tuple[str, ...]]:
    for route, pattern in _patterns():
        match = pattern.fullmatch(path)
        if match is not None and route.method == method:
            return route, match.groups()
    raise StripeError(
        404,
        "invalid_request_error",
        f"Unrecognized request URL ({method}: {path}). The sandbox simulates the part of the API that Grace uses.",
    )


@cache
def _patterns() -> list[tuple[Route, re.Pattern[str]]]:
    """Routes with their patterns; literal paths before those with ids, so that `search` is not taken for an
    id.
    """
    ordered = sorted(ROUTES, key=lambda route: route.path.count("{"))
    return [(route, re.compile(re.sub(r"\{\w+\}", "([^/]+)", route.path))) for route in ordered]
