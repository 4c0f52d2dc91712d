"""Sends events to webhook endpoints: signed, one at a time per endpoint, again with growing pauses until
accepted.

At least once: a delivery is marked only after its answer, so a crash in between sends it again. What is not
accepted within three days is given up.
"""

import asyncio
import hashlib
import hmac
import json
import logging
import sqlite3
import time
from collections import defaultdict
from typing import Any

import httpx

from grace_sandbox.store import Store
from grace_sandbox.stripe.call import public, release_held
from grace_sandbox.stripe.work import run_due

FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 60.0
GIVE_UP_S = 3 * 86_400
TIMEOUT_S = 10.0
BATCH = 200
IDLE_S = 1.0
_LOG = logging.getLogger(__name__)


def sign(payload: bytes, secret: str, *, at: int) -> str:
    """The `Stripe-Signature` header of a payload sent at that Unix time."""
    mac = hmac.new(secret.encode(), f"{at}.".encode() + payload, hashlib.sha256).hexdigest()
    return f"t={at},v1={mac}"


class Deliverer:
    """Runs in the background of the sandbox; `drain` does the same at once and waits for the end."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._awake = asyncio.Event()
        self._turn = asyncio.Lock()
        self._client = httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False, follow_redirects=False)

    def wake(self) -> None:
        """There is something new to send."""
        self._awake.set()

    async def run(self) -> None:
        """Sends what is due for as long as the sandbox runs."""
        while True:
            try:
                async with self._turn:
                    self._awake.clear()
                    run_due(self.store)
                    sent = await self._send_all(self._pending(due_by=time.time()))
            except Exception:
                _LOG.exception("a round of deliveries broke off; the next one goes on")
                await asyncio.sleep(IDLE_S)
                continue
            if not sent:
                await self._sleep()

    async def _sleep(self) -> None:
        row = self.store.db.execute("select min(due_at) as due from delivery where state = 'pending'").fetchone()
        pause = IDLE_S if row["due"] is None else min(IDLE_S, max(0.01, row["due"] - time.time()))
        try:
            await asyncio.wait_for(self._awake.wait(), pause)
        except TimeoutError:
            return

    async def close(self) -> None:
        await self._client.aclose()

    async def drain(self, *, account: str | None, timeout_s: float) -> dict[str, Any]:
        """Sends everything now, held and delayed deliveries too, each once; also what that causes meanwhile.

        Returns how many were accepted and refused, and how many are still pending.
        """
        deadline = time.monotonic() + timeout_s
        accepted = refused = 0
        tried: set[int] = set()
        while time.monotonic() < deadline:
            async with self._turn:
                run_due(self.store)
                with self.store.transaction():
                    release_held(self.store, account=account)
                rows = [row for row in self._pending(account=account) if row["id"] not in tried]
                if not rows:
                    break
                results = await self._send_all(rows)
            tried.update(results)
            accepted += sum(results.values())
            refused += len(results) - sum(results.values())
            if len(results) < len(rows):
                break
        return {
            "delivered": accepted,
            "failed": refused,
            "pending": len(self._pending(account=account, limit=-1)),
        }

    def _pending(
        self, *, due_by: float | None = None, account: str | None = None, limit: int = BATCH
    ) -> list[sqlite3.Row]:
        return self.store.db.execute(
            "select * from delivery where state = 'pending' and (? is null or due_at <= ?)"
            " and (? is null or account = ?) order by position limit ?",
            (due_by, due_by, account, account, limit),
        ).fetchall()

    async def _send_all(self, rows: list[sqlite3.Row]) -> dict[int, bool]:
        """Each delivery's id and whether it was accepted. Endpoints side by side, each in order."""
        endpoints: dict[str, list[sqlite3.Row]] = defaultdict(list)
        for row in rows:
            endpoints[row["endpoint"]].append(row)
        parts = await asyncio.gather(*(self._send_in_order(group) for group in endpoints.values()))
        return {id_: accepted for part in parts for id_, accepted in part.items()}

    async def _send_in_order(self, rows: list[sqlite3.Row]) -> dict[int, bool]:
        results: dict[int, bool] = {}
        for row in rows:
            reached, outcome = await self._send(row)
            results[row["id"]] = outcome.startswith("2")
            self._record(row, outcome)
            if not reached:
                break
        return results

    async def _send(self, row: sqlite3.Row) -> tuple[bool, str]:
        """(the endpoint answered at all, its status or what went wrong)."""
        endpoint = self.store.get(row["account"], row["endpoint"])
        event = self.store.get(row["account"], row["event"])
        if endpoint is None or event is None:
            return True, "the endpoint was deleted"
        payload = json.dumps(public(event), indent=2).encode()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "Stripe-Signature": sign(payload, endpoint["_secret"], at=int(time.time())),
        }
        try:
            response = await self._client.post(endpoint["url"], content=payload, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return False, f"{type(error).__name__}: {error}"
        return True, str(response.status_code)

    def _record(self, row: sqlite3.Row, outcome: str) -> None:
        accepted = outcome.startswith("2")
        attempts = row["attempts"] + 1
        pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(attempts - 1, 20))
        given_up = not accepted and time.time() - row["created_at"] > GIVE_UP_S
        state = "delivered" if accepted else "given_up" if given_up else "pending"
        with self.store.transaction():
            self.store.db.execute(
                "update delivery set state = ?, attempts = ?, due_at = ?, result = ?"
                " where id = ? and state = 'pending'",
                (state, attempts, time.time() + pause, outcome, row["id"]),
            )
            event = self.store.get(row["account"], row["event"])
            if accepted and event is not None and event["pending_webhooks"] > 0:
                event["pending_webhooks"] -= 1
                self.store.put(row["account"], event)
