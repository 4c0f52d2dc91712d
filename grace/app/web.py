"""The web application: the doors of every module behind one edge."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import structlog
from fastapi import FastAPI, Request, WebSocket
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import Response
from psycopg_pool import PoolTimeout
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from grace.app import modules, wiring
from grace.app.contract import Application
from grace.app.metrics.api import doors as metrics_doors
from grace.app.metrics.counters import Counters
from grace.app.problems import doors as problem_doors
from grace.app.reference import doors as reference_doors
from grace.app.system import doors as system_doors
from grace.console.refusals import refused_in_place
from grace.kit import slashes
from grace.kit.edge import BODY_LIMIT, Edge
from grace.kit.errors import Invalid, Malformed, MethodNotAllowed, NotFound, Problem, TooLarge, Unavailable
from grace.kit.limits import Limits
from grace.kit.live import Live
from grace.kit.money import InvalidMoney
from grace.kit.pages import Pages, Static, policy, wants_page
from grace.kit.settings import Settings
from grace.kit.tx import new_request_id
from grace.kit.web import problem_response
from grace.kit.workspace import Workspaces
from grace.trust.identity.pages import asked_for, sign_in_form

log = structlog.get_logger()
_pages = Pages("grace.kit")

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": policy(),
}


def create_app(workspaces: Workspaces, settings: Settings) -> FastAPI:
    """The application over an installation's workspaces. It closes their pools when it ends."""
    wiring.bind(settings)
    edge = Edge(workspaces, wiring.authenticate, settings, Limits())
    live = Live(edge)
    counters = Counters()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await live.close()
        await wiring.close()
        await workspaces.close()

    app = Application(
        title="Grace",
        version="1",
        summary="The back office of a business run by people and AI agents.",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.edge = edge
    app.state.counters = counters
    for doors in [system_doors, metrics_doors, reference_doors, problem_doors, *modules.doors()]:
        app.router.routes += doors.routes  # side by side: looking through routers within routers costs a third more

    app.mount("/static", Static())

    @app.websocket("/ws")
    async def ws(socket: WebSocket) -> None:
        await live.serve(socket)

    _answer_problems(app)
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=6)
    app.add_middleware(_Edges, max_body_bytes=settings.max_body_bytes, counters=counters)
    if settings.allowed_origins:
        origins = [origin.strip() for origin in settings.allowed_origins.split(",")]
        app.add_middleware(CORSMiddleware, allow_origins=origins, allow_methods=["*"], allow_headers=["*"])
    return app


def _answer_problems(app: FastAPI) -> None:
    def on(kind: type[Exception], translate: Callable[[Request, Any], Problem]) -> None:
        async def answer(request: Request, error: Exception) -> Response:
            return _refusal(request, translate(request, error))

        app.add_exception_handler(kind, answer)

    on(Problem, lambda _, error: error)
    on(InvalidMoney, lambda _, error: Invalid(str(error), type="invalid-amount"))
    on(RequestValidationError, lambda _, error: _invalid(error))
    on(HTTPException, _of_http)


def _route(scope: Scope) -> str | None:
    """The door's path with its parameters named, never the path as it was asked for: that can hold a link's secret."""
    route: str | None = getattr(scope.get("route"), "path", None)
    return route


def _refusal(request: Request, problem: Problem) -> Response:
    """A page for a person, a problem document for a program."""
    counters: Counters = request.app.state.counters
    counters.refusal(problem)
    path = request.url.path
    if "hx-request" in request.headers:
        return refused_in_place(request, problem)
    if not wants_page(request):
        return problem_response(problem, request.state.id)
    if problem.status == 401 and request.method == "GET" and path.startswith("/app"):
        return sign_in_form(status=401, next=asked_for(request))
    back, word = _way_back(request)
    page = _pages.render(
        "problem.html", status=problem.status, problem=problem, back=back, word=word, request_id=request.state.id
    )
    page.headers.update(problem.headers)
    return page


def _way_back(request: Request) -> tuple[str | None, str]:
    """Where a person who was refused goes on: the page with the form they sent, or the console's first page."""
    path = request.url.path
    if path.endswith("/form"):
        return "/".join(path.split("/")[:3]), "Back to the page"
    came = request.headers.get("referer", "").partition("://")[2]
    if request.method == "POST" and came.startswith(f"{request.url.netloc}/app"):
        return came.removeprefix(request.url.netloc), "Back to the page"
    return ("/app", "Home") if path.startswith("/app/") else (None, "")


def _invalid(error: RequestValidationError) -> Problem:
    found = [
        {
            "at": ".".join(str(part) for part in e["loc"] if part != "body"),
            "what": str(e["msg"]).removeprefix("Value error, ")[:300],
        }
        for e in error.errors()[:20]
    ]
    detail = "; ".join(f"{e['at'] or 'body'}: {e['what']}" for e in found[:3])
    return Invalid(detail or "The request is not valid.", errors=found)


def _of_http(request: Request, error: HTTPException) -> Problem:
    if error.status_code == 404:
        return NotFound("There is nothing at this address.", type="no-such-address")
    if error.status_code == 405:
        here = [route for route in request.app.router.routes if isinstance(route, Route)]
        here = [route for route in here if route.matches(request.scope)[0] is not Match.NONE]
        found = {method for route in here for method in route.methods or ()}
        allow = sorted(found | ({"HEAD"} if "GET" in found else set()))
        return MethodNotAllowed(f"Here one may {', '.join(allow)}, not {request.method}.", allow=allow)
    problem = Malformed(str(error.detail))
    problem.status = error.status_code  # type: ignore[misc]
    return problem


def _without_body(send: Send) -> Send:
    async def head(message: Message) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return head


class _Edges:
    """Around every request: an id, the size limit, security headers, one log line, no bare 500; HEAD as GET,
    without the body."""

    def __init__(self, app: ASGIApp, *, max_body_bytes: int, counters: Counters) -> None:
        self._app = app
        self._max = max_body_bytes
        self._counters = counters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method: str = scope["method"]
        if method == "HEAD":
            scope, send = {**scope, "method": "GET"}, _without_body(send)
        slashes.keep(scope)
        request_id = new_request_id()
        scope.setdefault("state", {})["id"] = request_id
        with structlog.contextvars.bound_contextvars(request_id=request_id, workspace=None):
            started, status = time.perf_counter(), 500
            try:
                status = await self._serve(scope, receive, send, request_id)
            finally:
                seconds = time.perf_counter() - started
                route = _route(scope)
                log.info("request", method=method, route=route, status=status, ms=round(seconds * 1000, 1))
                self._counters.request(method, route, status, seconds)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> int:
        """Answer, whatever happens; the status. What breaks off after the answer began closes the connection."""
        status, begun = 500, False

        async def reply(message: Message) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                status, begun = message["status"], True
                present = {name for name, _ in message["headers"]}
                extra = {**HEADERS, "X-Request-Id": request_id}
                message["headers"] = [
                    *message["headers"],
                    *(
                        (name.lower().encode(), value.encode())
                        for name, value in extra.items()
                        if name.lower().encode() not in present
                    ),
                ]
            await send(message)

        try:
            await self._app(scope, self._bounded(scope, receive), reply)
        except TooLarge as refusal:
            await _refusal(Request(scope), refusal)(scope, receive, reply)
        except (psycopg.OperationalError, PoolTimeout) as error:
            log.error("database lost", route=_route(scope), error=error)
            if begun:
                raise
            lost = Unavailable(
                "The database does not answer. Repeat the request with its Idempotency-Key.", retry_after=2
            )
            await _refusal(Request(scope), lost)(scope, receive, reply)
        except Exception as error:
            log.error("request failed", route=_route(scope), exc_info=error)
            if begun:
                raise
            problem = Problem("It was not finished. Repeat it with its Idempotency-Key; the log knows the request id.")
            await _refusal(Request(scope), problem)(scope, receive, reply)
        return status

    def _bounded(self, scope: Scope, receive: Receive) -> Receive:
        """Refuse what is longer than any body may be, or than the door that was reached takes."""
        length = dict(scope["headers"]).get(b"content-length", b"0")
        said = int(length) if length.isdigit() else 0
        seen = 0

        async def bounded() -> Message:
            nonlocal seen
            most = scope["state"].get(BODY_LIMIT, self._max)
            if said <= most:
                message = await receive()
                seen += len(message.get("body", b""))
                if seen <= most:
                    return message
            raise TooLarge(f"A request may be {most} bytes long.", limit_bytes=most)

        return bounded
