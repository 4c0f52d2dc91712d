"""What the sandbox's tests share: the running server, the checked SDK client, the webhook receiver,
polling.
"""

import gzip
import json
import os
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
import jsonschema_rs
import pytest
import stripe

from grace_sandbox.contract.answers import check_answer, object_type
from grace_sandbox.contract.operations import find
from grace_sandbox.contract.source import Struct, fields

SHARED = Path(os.environ.get("GRACE_TEST_SHARED", Path(__file__).parents[2].parent / "shared"))
STRIPE_CONTRACTS = SHARED / "contracts" / "stripe"
ERROR = Struct("stripe._error_object", "ErrorObject")
DEADLINE_S = 60.0
"""Longer than anything takes on a busy machine: a timing never decides a test."""
HTTP = httpx.Client(trust_env=False, timeout=DEADLINE_S)
T = TypeVar("T")


def needs(path: Path) -> pytest.MarkDecorator:
    """Skips where the published contracts are not at hand."""
    return pytest.mark.skipif(not path.exists(), reason=f"{path} is not present (set GRACE_TEST_SHARED)")


def until(probe: Callable[[], T | None], *, deadline_s: float = DEADLINE_S) -> T:
    """The first true result of `probe`; fails when there is none in time."""
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        found = probe()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError(f"nothing within {deadline_s} s")


class CheckedClient(stripe.HTTPXClient):
    """The SDK's own HTTP client; every answer that passes through it must fit the contract."""

    def __init__(self) -> None:
        super().__init__(allow_sync_methods=True, timeout=DEADLINE_S)
        self.headers: httpx.Headers = httpx.Headers()

    def request(self, method: str, url: str, headers: Any, post_data: Any = None) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # the SDK's own use of httpx
            content, status, answered = super().request(method, url, headers, post_data)
        self.headers = answered
        assert complaints(method.upper(), urlsplit(url).path, status, json.loads(content)) == []
        return content, status, answered


def complaints(method: str, path: str, status: int, body: Any) -> list[str]:
    """What is wrong with an answer by every contract at hand: the SDK's types, and where present what
    others published.
    """
    if status >= 400:
        return check_answer(body.get("error"), ERROR)
    operation = find(method, path)
    lines = check_answer(body, operation.answer) + missing_by_2023(body)
    events = body["data"] if body["object"] == "list" else [body]
    for event in events:
        if event["object"] == "event":
            inner = event["data"]["object"]
            lines += check_answer(inner, object_type(inner["object"]), at=event["type"])
    answer = {f"{method.lower()} {operation.path}": body}
    return lines + [f"{error.instance_path}: {error.message}" for error in derived_schema().iter_errors(answer)]


def missing_by_2023(value: Any) -> list[str]:
    """Fields that Stripe's document of 2023 requires, of every object inside; those the SDK no longer has
    excepted.
    """
    if isinstance(value, list):
        return [line for item in value for line in missing_by_2023(item)]
    if not isinstance(value, dict):
        return []
    name = value.get("object")
    found = []
    if isinstance(name, str) and name in required_2023() and not value.get("deleted"):
        still_there = fields(object_type(name))
        found = [f"{name}.{key}: required" for key in required_2023()[name] if key in still_there and key not in value]
    return found + [line for item in value.values() for line in missing_by_2023(item)]


@cache
def required_2023() -> dict[str, list[str]]:
    path = STRIPE_CONTRACTS / "openapi-spec3-2023-08-16.json.gz"
    if not path.exists():
        return {}
    schemas = json.loads(gzip.decompress(path.read_bytes()))["components"]["schemas"]
    return {name: schema.get("required", []) for name, schema in schemas.items() if name not in ("list", "error")}


@cache
def derived_schema() -> Any:
    """What every answer is in the contract derived by other code, by method and path; anything, where it is absent.

    One validator for all: their schemas lead to one another, so that one for each would hold all of them each time.
    """
    path = STRIPE_CONTRACTS / "sdk-contract-2026-10-28.endive.json.gz"
    document: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes())) if path.exists() else {}
    answers = {
        f"{method} {path}": operation.get("response", {})
        for path, operations in document.get("paths", {}).items()
        for method, operation in operations.items()
    }
    return jsonschema_rs.validator_for({"properties": answers, "components": document.get("components", {})})


@dataclass
class Sandbox:
    """A running sandbox, seen through one account of its own."""

    url: str
    account: str

    def client(self, *, key: str | None = None) -> stripe.StripeClient:
        return stripe.StripeClient(
            key or f"sk_test_{self.account}",
            base_addresses={"api": self.url},
            max_network_retries=0,
            http_client=CheckedClient(),
        )

    def control(self, method: str, path: str, /, **body: Any) -> Any:
        response = HTTP.request(method, self.url + path, json={"account": self.account, **body})
        assert response.status_code < 300, response.text
        return response.json()

    def fault(self, kind: str, /, **options: Any) -> None:
        self.control("POST", "/_faults", kind=kind, **options)

    def deliver(self) -> dict[str, Any]:
        report: dict[str, Any] = self.control("POST", "/_deliver")
        return report

    def move_clock(self, to: int) -> int:
        return int(self.control("POST", "/_clock", to=to)["now"])

    def state(self) -> dict[str, Any]:
        answer = HTTP.get(f"{self.url}/_state", params={"account": self.account}).json()
        state: dict[str, Any] = answer["accounts"].get(self.account, {"counts": {}, "payments": []})
        return state

    def count(self, type_: str) -> int:
        return int(self.state()["counts"].get(type_, 0))

    def post(self, path: str, body: str = "", **headers: str) -> httpx.Response:
        """A raw request, for what the SDK would not send."""
        headers = {"Authorization": f"Bearer sk_test_{self.account}", **headers}
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return HTTP.post(self.url + path, content=body, headers=kind | headers)


@dataclass
class Delivery:
    body: bytes
    signature: str

    @property
    def event(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed


@dataclass
class Receiver:
    """A webhook endpoint of the test. `answers` are statuses to give first; then always 200."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)

    def types(self) -> list[str]:
        return [delivery.event["type"] for delivery in self.deliveries]


class _Handler(BaseHTTPRequestHandler):
    receiver: Receiver

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if len(body) < length:
            return  # the sender died in the middle
        self.receiver.deliveries.append(Delivery(body, self.headers["Stripe-Signature"]))
        self.send_response(self.receiver.answers.pop(0) if self.receiver.answers else 200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Silent."""


def start_receiver(*, port: int = 0) -> tuple[Receiver, ThreadingHTTPServer]:
    receiver = Receiver()
    handler = type("Handler", (_Handler,), {"receiver": receiver})
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    return receiver, server
