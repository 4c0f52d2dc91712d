"""Puts the sandbox together and runs it on the loopback: `python -m grace_sandbox --port N --state FILE`."""

import argparse
import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from grace_sandbox import logs
from grace_sandbox.control import Control
from grace_sandbox.store import Store
from grace_sandbox.stripe.browser import doors as browser
from grace_sandbox.stripe.webhooks import Deliverer
from grace_sandbox.stripe.wire import StripeDoor

HOST = "127.0.0.1"
DEFAULT_PORT = 8006
DEFAULT_SEED = "grace"
SHUTDOWN_S = 3


class _RawSend:
    """Remembers the server's own `send`, which `Cut` needs to close a connection without an answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["raw_send"] = send
        await self.app(scope, receive, send)


def create_app(state_path: Path | str, *, seed: str = DEFAULT_SEED) -> ASGIApp:
    """The ASGI application over one state file, which is made when absent; `seed` counts only then."""
    store = Store(Path(state_path), seed=seed)
    deliverer = Deliverer(store)
    door = StripeDoor(store, deliverer)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        background = asyncio.create_task(deliverer.run())
        try:
            yield
        finally:
            background.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await background
            await deliverer.close()
            store.close()

    methods = ["GET", "POST", "DELETE", "OPTIONS", "PUT", "PATCH"]
    api = Route("/v1/{path:path}", door.answer, methods=methods)
    routes = [*Control(store, deliverer).routes(), *browser.routes(), api]
    return _RawSend(Starlette(routes=routes, lifespan=lifespan))


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the sandbox until it is told to stop (Ctrl-C, SIGTERM)."""
    parser = argparse.ArgumentParser(prog="grace_sandbox", description="The providers' stand-in, on the loopback.")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    parser.add_argument("--state", type=Path, required=True, help="the SQLite file that holds everything")
    parser.add_argument("--seed", default=DEFAULT_SEED, help="decides ids and secrets of a new state file")
    given = parser.parse_args(arguments)
    logs.configure()
    app = create_app(given.state, seed=given.seed)
    uvicorn.run(
        app,
        host=HOST,
        port=given.port,
        http="httptools",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=SHUTDOWN_S,
    )
