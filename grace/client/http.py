"""The wire below the client library: one request with its key, repeated until it is answered."""

import asyncio
import time
from collections.abc import Callable, Mapping
from itertools import count
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import simplejson

from grace.client.errors import GraceError

ANSWER_TIMEOUT_S = 40.0
PATIENCE_S = 30.0
LONGEST_PAUSE_S = 5.0
REPEATED = (409, 429, 503)
"""Answers that say when to ask again by Retry-After; without it they are final."""

Json = dict[str, Any]
Waiting = Callable[[str, float], None]
"""Told why a request has to be repeated, and for how many seconds it has been tried."""


class Connection:
    """An address and a key. `numbers` makes what the server writes with decimals: Decimal, or float.

    `patience_s` bounds how long one request is repeated: after a lost connection, after an answer with Retry-After,
    and after a failure of the server itself (5xx). Each repetition carries the same Idempotency-Key.
    """

    def __init__(
        self,
        url: str,
        key: str | None,
        *,
        numbers: Callable[[str], Any],
        patience_s: float = PATIENCE_S,
        on_wait: Waiting | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._numbers = numbers
        self._patience_s = patience_s
        self._on_wait = on_wait or (lambda why, waited_s: None)
        self._http = httpx.AsyncClient(
            base_url=url.rstrip("/"),
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=ANSWER_TIMEOUT_S,
            transport=transport,
            # A proxy of the environment is for the outside world.
            trust_env=urlsplit(url).hostname not in ("127.0.0.1", "localhost", "::1"),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def get(self, path: str, **query: Any) -> Any:
        """Ask; parameters that are None are left out."""
        return await self._request("GET", path, query=query, body=None, key=None)

    async def post(self, path: str, body: Mapping[str, Any] | None = None, *, key: str | None = None) -> Any:
        """Act once. Fields that are None are left out. `key` is the Idempotency-Key, a new one if left out."""
        return await self._request("POST", path, query={}, body=body or {}, key=key or str(uuid4()))

    async def put(self, path: str, body: Mapping[str, Any]) -> Any:
        """Replace once."""
        return await self._request("PUT", path, query={}, body=body, key=str(uuid4()))

    async def delete(self, path: str) -> Any:
        """End something once."""
        return await self._request("DELETE", path, query={}, body=None, key=str(uuid4()))

    async def close(self) -> None:
        """Close the connections, where no `async with` does."""
        await self._http.aclose()

    async def _request(
        self, method: str, path: str, *, query: Mapping[str, Any], body: Mapping[str, Any] | None, key: str | None
    ) -> Any:
        headers = {"Idempotency-Key": key} if key else {}
        content = None
        if body is not None:
            content = simplejson.dumps({k: v for k, v in body.items() if v is not None}, use_decimal=True)
            headers["Content-Type"] = "application/json"
        params = {k: v for k, v in query.items() if v is not None}
        started = time.monotonic()
        for attempt in count():
            failure: GraceError
            try:
                response = await self._http.request(method, path, params=params, content=content, headers=headers)
            except httpx.TransportError as error:
                failure, pause_s = _unreachable(error), None
            else:
                if response.is_success:
                    return self._parsed(response)
                failure, pause_s = _problem(response), _retry_after(response)
                if not (response.status_code >= 500 or (response.status_code in REPEATED and pause_s is not None)):
                    raise failure
            if pause_s is None:
                pause_s = min(0.2 * 2 ** min(attempt, 10), LONGEST_PAUSE_S)
            waited_s = time.monotonic() - started
            if waited_s + pause_s > self._patience_s:
                raise failure
            self._on_wait(failure.detail, waited_s)
            await asyncio.sleep(pause_s)
        raise AssertionError("unreachable")

    def _parsed(self, response: httpx.Response) -> Any:
        if not response.headers.get("content-type", "").startswith("application/json"):
            return response.content
        return simplejson.loads(response.content, parse_float=self._numbers)


def _problem(response: httpx.Response) -> GraceError:
    """The problem document of a refusal, or one like it for an answer that is not Grace's."""
    try:
        document = response.json()
    except ValueError:
        document = None
    if not isinstance(document, dict) or "type" not in document:
        document = {"type": "about:blank", "title": response.reason_phrase, "detail": response.text[:300]}
    return GraceError({"status": response.status_code, **document})


def _unreachable(error: httpx.TransportError) -> GraceError:
    detail = f"Grace does not answer ({type(error).__name__}{f': {error}' if str(error) else ''})."
    return GraceError({"type": "/problems/unreachable", "title": "No answer", "status": None, "detail": detail})


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds until the request may be repeated; a date in place of seconds is not used by Grace."""
    value = response.headers.get("retry-after", "")
    return float(value) if value.isdigit() else None
