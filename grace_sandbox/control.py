"""The sandbox's own doors: health, state, clock, faults, drain, and the page of the 3-D Secure challenge.

Control requests name an account by `key` (`sk_test_…`) or `account`; none means all.
"""

import json
from datetime import datetime
from html import escape
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from grace_sandbox.faults import BadFault, account_of, add_fault, clear_faults, list_faults
from grace_sandbox.report import report
from grace_sandbox.store import Store
from grace_sandbox.stripe.call import Call
from grace_sandbox.stripe.challenges import resolve_challenge
from grace_sandbox.stripe.errors import StripeError
from grace_sandbox.stripe.render import render
from grace_sandbox.stripe.webhooks import Deliverer
from grace_sandbox.stripe.work import run_due

DRAIN_TIMEOUT_S = 30.0
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>3-D Secure test</title>
<meta name="viewport" content="width=device-width">
<body style="font:1rem/1.5 system-ui;max-width:30rem;margin:0 auto;padding:1.5rem;overflow-wrap:anywhere">
<h1 style="font-size:1.25rem">3-D Secure test page</h1><p>The card's bank asks: is it you? Payment {id}.</p>
<form method="post"><input type="hidden" name="client_secret" value="{secret}">
<input type="hidden" name="frame" value="{frame}">
<button style="font:inherit;padding:.5rem 1rem" name="outcome" value="complete">Complete</button>
<button style="font:inherit;padding:.5rem 1rem" name="outcome" value="fail">Fail</button></form></html>
"""
_OVER = """<!doctype html><html lang="en"><title>3-D Secure test</title><p>Thank you.</p>
<script>parent.postMessage("3ds-over", "*")</script></html>
"""


class Control:
    """The handlers of the control doors."""

    def __init__(self, store: Store, deliverer: Deliverer) -> None:
        self.store, self.deliverer = store, deliverer

    def routes(self) -> list[Route]:
        return [
            Route("/health", self.health),
            Route("/_state", self.state),
            Route("/_clock", self.clock, methods=["POST"]),
            Route("/_faults", self.faults, methods=["GET", "POST", "DELETE"]),
            Route("/_deliver", self.deliver, methods=["POST"]),
            Route("/_forget", self.forget, methods=["POST"]),
            Route("/_3ds/{account}/{intent}", self.challenge, methods=["GET", "POST"]),
        ]

    async def health(self, request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def state(self, request: Request) -> Response:
        """Everything there is, or one account's share of it; `?key=` or `?account=`."""
        return JSONResponse(report(self.store, account=account_of(dict(request.query_params))))

    async def clock(self, request: Request) -> Response:
        """Moves an account's clock forward `to` Unix seconds or an ISO time with offset, and runs what is
        due then.
        """
        body = await _json(request)
        account = account_of(body)
        if account is None:
            return _refuse("key or account is required")
        try:
            to = _instant(body.get("to"))
            with self.store.transaction():
                moved = self.store.move_clock(account, to=to)
        except ValueError as error:
            return _refuse(str(error))
        run_due(self.store)
        self.deliverer.wake()
        return JSONResponse({"account": moved.name, "now": moved.now})

    async def faults(self, request: Request) -> Response:
        """GET lists, POST adds one, DELETE clears all; see `faults` for kinds and options."""
        try:
            with self.store.transaction():
                if request.method == "POST":
                    return JSONResponse({"id": add_fault(self.store, await _json(request))}, 201)
                if request.method == "DELETE":
                    clear_faults(self.store)
                return JSONResponse({"faults": list_faults(self.store)})
        except BadFault as error:
            return _refuse(str(error))

    async def deliver(self, request: Request) -> Response:
        """Sends all pending webhooks now, `timeout_s` at most, and reports."""
        body = await _json(request)
        timeout_s = body.get("timeout_s", DRAIN_TIMEOUT_S)
        if type(timeout_s) not in (int, float):
            return _refuse("timeout_s is a number of seconds")
        return JSONResponse(await self.deliverer.drain(account=account_of(body), timeout_s=timeout_s))

    async def forget(self, request: Request) -> Response:
        """Removes an account's objects, events, deliveries and faults; its clock shows real time again."""
        account = account_of(await _json(request))
        if account is None:
            return _refuse("key or account is required")
        with self.store.transaction():
            self.store.forget(account)
        return JSONResponse({"account": account})

    async def challenge(self, request: Request) -> Response:
        """GET shows the page. POST `client_secret`, `outcome` (complete or fail) as form or JSON ends the
        challenge; with `frame` the page tells the window around it that it is over.
        """
        account, intent = request.path_params["account"], request.path_params["intent"]
        if request.method == "GET":
            asked = {name: escape(request.query_params.get(name, "")) for name in ("client_secret", "frame")}
            return HTMLResponse(_PAGE.format(id=escape(intent), secret=asked["client_secret"], frame=asked["frame"]))
        browser = not request.headers.get("content-type", "").startswith("application/json")
        given: dict[str, Any] = dict(await request.form()) if browser else await _json(request)
        outcome = given.get("outcome")
        if outcome not in ("complete", "fail"):
            return _refuse("outcome is complete or fail")
        try:
            with self.store.transaction():
                call = Call(self.store, self.store.account(account))
                before = self.store.get(account, intent) or {}
                secret = str(given.get("client_secret", ""))
                ended = resolve_challenge(call, intent, client_secret=secret, outcome=outcome)
                shown = render(call, ended)
        except StripeError as error:
            return HTMLResponse(_OVER) if given.get("frame") else JSONResponse(error.body, error.status)
        self.deliverer.wake()
        if given.get("frame"):
            return HTMLResponse(_OVER)
        back = ((before.get("next_action") or {}).get("redirect_to_url") or {}).get("return_url")
        if not browser or back is None:
            return JSONResponse(shown)
        query = urlencode(
            {
                ended["object"]: intent,
                f"{ended['object']}_client_secret": ended["client_secret"],
                "redirect_status": "failed" if outcome == "fail" else "succeeded",
            }
        )
        return RedirectResponse(back + ("&" if "?" in back else "?") + query, 303)


async def _json(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body() or b"{}")
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _refuse(message: str) -> Response:
    return JSONResponse({"error": message}, 400)


def _instant(value: object) -> int:
    if type(value) is int:
        return value
    if isinstance(value, str):
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is not None:
            return int(moment.timestamp())
    raise ValueError("to must be Unix seconds or an ISO time with an offset")
