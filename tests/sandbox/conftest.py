"""One sandbox for the whole run; every test has an account of its own."""

import socket
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
import stripe
import uvicorn

from grace_sandbox.control import Control
from grace_sandbox.server import create_app
from grace_sandbox.store import Store
from grace_sandbox.stripe.webhooks import Deliverer
from tests.sandbox.harness import Receiver, Sandbox, start_receiver, until

_ACCOUNTS = count(1)


@pytest.fixture(scope="session")
def sandbox_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    app = create_app(tmp_path_factory.mktemp("sandbox") / "state.db", seed="tests")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(app, http="httptools", log_level="error", timeout_keep_alive=75)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        until(lambda: server.started)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)


@pytest.fixture
def sandbox(sandbox_url: str) -> Sandbox:
    return Sandbox(sandbox_url, f"account{next(_ACCOUNTS)}")


@pytest.fixture
def client(sandbox: Sandbox) -> stripe.StripeClient:
    return sandbox.client()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made, server = start_receiver()
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture
def sandbox_app_paths(tmp_path: Path) -> Iterator[set[str]]:
    store = Store(tmp_path / "state.db", seed="paths")
    yield {route.path for route in Control(store, Deliverer(store)).routes()}
    store.close()
