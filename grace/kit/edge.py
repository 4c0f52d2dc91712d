"""The edge: one request is one transaction, opened, answered and committed here and nowhere else.

A module's doors are declared on `Doors`, each with the permission it needs. The edge names the workspace
and the principal, keeps repeated requests to one effect, hands the door its unit of work, stores the answer
with the effect, commits, and only then answers.
"""

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol, TypeVar

import psycopg
import structlog
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Scope

from grace.kit import idempotency, json
from grace.kit.callers import SESSION_COOKIE, Senders, bearer_of, who_is
from grace.kit.declared import answers, takes
from grace.kit.errors import Forbidden, InProgress, Malformed, NotFound, Problem, Unauthenticated
from grace.kit.limits import Limits
from grace.kit.settings import Settings
from grace.kit.slashes import restore
from grace.kit.tx import ANONYMOUS, Principal, Tx
from grace.kit.unit import Unit
from grace.kit.web import ExactJSON, Held
from grace.kit.workspace import HANDLE, Workspaces

log = structlog.get_logger()

PUBLIC = "public"
"""Needs neither a workspace nor a principal: health, documentation, webhooks."""
SIGNED = "signed"
"""Public too, for a sender whose signature over the body is the authority: the door itself counts, by
`spend_anonymous`, whoever has none."""
LINK = "link"
"""The signed token in the path is the authority; its handle names the workspace."""
SIGNED_IN = "signed-in"
"""Any principal of the workspace."""
BODY_LIMIT = "body_limit"
"""Where the state of a request says how long its body may be, if not as long as any."""
TRIES = 3
TWIN_WAIT_S = 2.0
TWIN_LOOK_EVERY_S = 0.1
_RETRIED = (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)
Endpoint = TypeVar("Endpoint", bound=Callable[..., Awaitable[Any]])
_SAFE = ("GET", "HEAD", "OPTIONS")


class Authenticate(Protocol):
    """Who sends this request: a principal, or Unauthenticated. Bound by wiring."""

    async def __call__(self, tx: Tx, *, bearer: str | None, session: str | None) -> Principal: ...


@dataclass(frozen=True, slots=True)
class Edge:
    """What the doors of one application share (`app.state.edge`)."""

    workspaces: Workspaces
    authenticate: Authenticate
    settings: Settings
    limits: Limits
    senders: Senders = field(default_factory=Senders)


@dataclass(frozen=True, slots=True)
class Rule:
    """What a door asks of its caller. `secrets`: answer fields shown once, never stored. `upload`: it takes a file,
    reads it without a transaction, and itself keeps repeated requests to one effect."""

    may: str
    key_in_body: bool = False
    secrets: tuple[str, ...] = ()
    upload: bool = False


class Door(APIRoute):
    """A route that runs inside a unit of work."""

    beginning = functools.cached_property[str](lambda door: door.path.partition("{")[0])

    @property
    def rule(self) -> Rule:
        """The door's rule."""
        rule: Rule = getattr(self.endpoint, "__rule__")  # noqa: B009
        return rule

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether it is this door that is asked for; most are told by their beginning."""
        beginning = scope.get("root_path", "") + self.beginning
        return super().matches(scope) if scope["path"].startswith(beginning) else (Match.NONE, {})

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        run = _saying_why(super().get_route_handler())
        rule = self.rule

        async def handle(request: Request) -> Response:
            restore(request.scope)
            request = _ExactRequest(request.scope, request.receive)
            _refuse_nul(request)
            edge: Edge = request.app.state.edge
            if rule.may == PUBLIC:
                spend_anonymous(edge, request)
            if rule.may in (PUBLIC, SIGNED):
                return await run(request)
            if rule.upload:
                request.scope["state"][BODY_LIMIT] = edge.settings.max_upload_bytes
            for attempt in range(1, TRIES + 1):
                handle = await _workspace(edge, request, rule)
                structlog.contextvars.bind_contextvars(workspace=handle)
                unit = Unit(
                    edge.workspaces,
                    handle,
                    request_id=getattr(request.state, "id", None),
                )
                request.state.unit = unit
                try:
                    return await _serve(edge, unit, request, rule, run)
                except _RETRIED as error:
                    await unit.rollback(error)
                    if unit.split or attempt == TRIES:
                        raise InProgress("Others are changing the same things.", retry_after=1) from error
                    await asyncio.sleep(0.01 * attempt)
                except psycopg.errors.LockNotAvailable as error:
                    await unit.rollback(error)
                    raise InProgress("Others are changing the same things.", retry_after=2) from error
                except BaseException as error:
                    await unit.rollback(error)
                    if isinstance(error, Unauthenticated):
                        spend_anonymous(edge, request)
                    raise
            raise AssertionError("unreachable")

        return handle


def _saying_why(run: Callable[[Request], Coroutine[Any, Any, Response]]) -> Callable[[Request], Awaitable[Response]]:
    """FastAPI answers a body that cannot be read with a sentence of its own; ours says what is wrong with it."""

    async def read(request: Request) -> Response:
        try:
            return await run(request)
        except HTTPException as error:
            if isinstance(error.__cause__, Problem):
                raise error.__cause__ from None
            raise

    return read


async def _serve(
    edge: Edge, unit: Unit, request: Request, rule: Rule, run: Callable[[Request], Awaitable[Response]]
) -> Response:
    sender = who_is(ANONYMOUS) if rule.may == LINK else edge.senders.who(request)
    key = await _key(request, rule, sender) if sender else None
    opened = key is not None
    try:
        tx = await unit.open(idempotency.opening(key) if key else None)
    except psycopg.errors.LockNotAvailable as error:
        raise idempotency.at_work() from error
    unit.principal = tx.principal = await _principal(edge, tx, request, rule)
    if rule.may != LINK and edge.senders.note(request, unit.principal) != sender:
        if opened:
            raise InProgress("The credential changed hands.", retry_after=1)
        key = await _key(request, rule, who_is(unit.principal))
    if key is not None:
        stored = await _claim(edge, unit, key, opened=opened)
        if stored is not None and stored.body is not None:
            await unit.commit()
            return idempotency.again(stored.status or 200, stored.body)
        unit.intent = stored.intent if stored else None

        async def on_intent(tx: Tx, intent: str) -> None:
            await idempotency.remember_intent(tx, key, intent)

        unit.on_intent = on_intent
    response = await run(request)
    if key is not None and unit.settled:
        idempotency.store(
            unit.tx, key, status=response.status_code, body=idempotency.lasting(response), secret_fields=rule.secrets
        )
    elif key is not None:
        await idempotency.release(unit.tx, key)
    await unit.commit()
    if rule.secrets:
        response.headers["Cache-Control"] = "no-store"
    return response


async def _claim(edge: Edge, unit: Unit, key: idempotency.Key, *, opened: bool) -> idempotency.Stored | None:
    """Claim the key; a twin that is at a provider is waited for a moment, without a transaction."""
    until = time.monotonic() + TWIN_WAIT_S
    claim = idempotency.claimed if opened else idempotency.claim
    while True:
        try:
            return await claim(unit.tx, key, stale_s=edge.settings.intent_stale_s)
        except idempotency.TwinAtWork as busy:
            if time.monotonic() > until:
                raise
            await unit.rollback(busy)
            await asyncio.sleep(TWIN_LOOK_EVERY_S)
            await unit.open()
            claim = idempotency.claim


async def _workspace(edge: Edge, request: Request, rule: Rule) -> str:
    """The handle that the credential names; where there is only one workspace, that one."""
    if rule.may == LINK:
        handle = request.path_params.get("token", "").partition(".")[0]
        if not HANDLE.match(handle):
            raise NotFound("This link is not known.")
        return str(handle)
    bearer = bearer_of(request)
    session = request.cookies.get(SESSION_COOKIE)
    named = ""
    if bearer is not None:
        parts = bearer.split("_", 2)
        named = parts[1] if len(parts) == 3 and parts[0] == "grc" else ""
    elif session is not None:
        named = session.partition(".")[0]
    if not HANDLE.match(named):
        raise Unauthenticated("Send your key as `Authorization: Bearer grc_…`, or sign in.")
    if not await edge.workspaces.exists(named):
        raise Unauthenticated("The key or session is not known.")
    return named


async def _principal(edge: Edge, tx: Tx, request: Request, rule: Rule) -> Principal:
    if rule.may == LINK:
        spend_anonymous(edge, request)
        return ANONYMOUS
    bearer, session = bearer_of(request), request.cookies.get(SESSION_COOKIE)
    if bearer is None and request.method not in _SAFE:
        refuse_foreign_origin(edge, request)
    principal = await edge.authenticate(tx, bearer=bearer, session=None if bearer else session)
    edge.limits.spend(f"{tx.workspace.handle}:{principal.id}", edge.settings.rate_per_minute)
    if rule.may != SIGNED_IN and not permits(principal, rule.may):
        raise Forbidden(f"This needs the permission {rule.may!r}.", permission=rule.may)
    return principal


def permits(principal: Principal, may: str) -> bool:
    """Whether the principal holds a permission; `noun:*` and `*` hold many."""
    held = principal.permissions
    return may in held or "*" in held or f"{may.partition(':')[0]}:*" in held or f"*:{may.partition(':')[2]}" in held


async def _key(request: Request, rule: Rule, who: str) -> idempotency.Key | None:
    if request.method in _SAFE or rule.upload:
        return None
    key = request.headers.get("idempotency-key")
    is_form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    if key is None and not rule.key_in_body and not is_form:
        return None
    content: Any = await request.body()
    if is_form:
        key = key or (await request.form()).get("idempotency_key")  # type: ignore[assignment]
    else:
        with suppress(Malformed):
            content = await request.json() if content else content
        if key is None:
            key = content.get("idempotency_key") if isinstance(content, dict) else None
    if not isinstance(key, str):
        return None
    return idempotency.key_of(principal=who, method=request.method, path=request.url.path, key=key, content=content)


def refuse_foreign_origin(edge: Edge, request: Request) -> None:
    """A cookie is no proof of intent: a page of another site may not act through it (CSRF)."""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    own = {edge.settings.url.rstrip("/"), f"{request.url.scheme}://{request.url.netloc}"}
    if (site is not None and site not in ("same-origin", "none")) or (origin is not None and origin not in own):
        raise Forbidden("The request comes from another site.", type="foreign-origin")


def spend_anonymous(edge: Edge, request: Request) -> None:
    """Count a request of nobody known against its address; TooMany when the limit is reached."""
    edge.limits.spend(address(request), edge.settings.rate_anonymous_per_minute)


def address(request: Request) -> str:
    """Where the request comes from, as far as the server can tell."""
    return request.client.host if request.client else "local"


def _refuse_nul(request: Request) -> None:
    if "%00" in request.scope.get("query_string", b"").decode("latin-1") or "\x00" in request.url.path:
        raise Malformed("Text holds a NUL character.")


class _ExactRequest(Request):
    """A request whose JSON keeps exact decimals."""

    async def json(self) -> Any:
        if not hasattr(self, "_exact"):
            self._exact = json.loads(await self.body())
        return self._exact


async def _unit(request: Request) -> Unit:
    unit: Unit = request.state.unit
    return unit


async def _tx(request: Request) -> Tx:
    unit: Unit = request.state.unit
    return unit.tx


InTx = Annotated[Tx, Depends(_tx)]
"""A door's transaction."""
InUnit = Annotated[Unit, Depends(_unit)]
"""A door's unit of work, for doors that call a provider (`two_step`)."""


class Doors(APIRouter):
    """The doors of a module. Every one declares by `may` who may use it; the default is nobody."""

    def __init__(self, *, tags: list[str]) -> None:
        super().__init__(route_class=Door, tags=list(tags))

    def door(
        self,
        method: str,
        path: str,
        *,
        may: str,
        returns: Any = None,
        status: int = 200,
        held: bool | type[Held] = False,
        key_in_body: bool = False,
        secrets: tuple[str, ...] = (),
        gives: str | tuple[str, ...] = (),
        paged: bool = False,
        hidden: bool = False,
        upload: str = "",
    ) -> Callable[[Endpoint], Endpoint]:
        """Declare a door. `returns` is the answer's model, `gives` the media types of a file; `paged`:
        browsers get a page; `held` adds the 202 of what waits (with its model); `upload` is the media type of a file
        that it takes."""

        def register(endpoint: Endpoint) -> Endpoint:
            @functools.wraps(endpoint)
            async def call(*args: Any, **kwargs: Any) -> Response:
                result = await endpoint(*args, **kwargs)
                if isinstance(result, Response):
                    return result
                return ExactJSON(result, status_code=202 if isinstance(result, Held) else status)

            call.__rule__ = Rule(may, key_in_body, secrets, bool(upload))  # type: ignore[attr-defined]
            self.add_api_route(
                path,
                call,
                methods=[method],
                response_model=returns,
                status_code=status,
                response_class=Response if gives else JSONResponse,
                responses=dict(answers(held, (gives,) if isinstance(gives, str) else gives, paged)),
                include_in_schema=not hidden,
                openapi_extra=takes(upload) if upload else None,
            )
            return endpoint

        return register

    def get(self, path: str, **rule: Any) -> Callable[[Endpoint], Endpoint]:
        """A door that only reads."""
        return self.door("GET", path, **rule)

    def post(self, path: str, **rule: Any) -> Callable[[Endpoint], Endpoint]:
        """A door that acts."""
        return self.door("POST", path, **rule)

    def put(self, path: str, **rule: Any) -> Callable[[Endpoint], Endpoint]:
        """A door that replaces."""
        return self.door("PUT", path, **rule)

    def delete(self, path: str, **rule: Any) -> Callable[[Endpoint], Endpoint]:
        """A door that ends something."""
        return self.door("DELETE", path, **rule)


async def _edge(request: Request) -> Edge:
    edge: Edge = request.app.state.edge
    return edge


InEdge = Annotated[Edge, Depends(_edge)]
"""For public doors, which open transactions of their own."""
