"""`kill -9` at any moment: objects, idempotency records, faults and undelivered webhooks are there
afterwards.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.sandbox.harness import HTTP, Sandbox, start_receiver, until
from tests.sandbox.test_faults import PARAMS
from tests.sandbox.test_webhooks import listen


class Process:
    """A sandbox in a process of its own, killed and started again on one state file."""

    def __init__(self, state: Path, *, seed: str = "tests") -> None:
        self.state, self.seed, self.port = state, seed, free_port()
        self.sandbox = Sandbox(f"http://127.0.0.1:{self.port}", "crash")
        self.running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = {"--port": self.port, "--state": self.state, "--seed": self.seed}
        words = [str(word) for option in options.items() for word in option]
        self.running = subprocess.Popen([sys.executable, "-m", "grace_sandbox", *words])
        until(self._answers)

    def _answers(self) -> bool:
        try:
            return HTTP.get(f"{self.sandbox.url}/health").status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        assert self.running is not None
        os.kill(self.running.pid, signal.SIGKILL)
        self.running.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    made = Process(tmp_path / "data" / "sandbox.db")
    made.start()
    yield made
    made.kill()


def test_everything_survives(process: Process) -> None:
    sandbox = process.sandbox
    client = sandbox.client()
    port = free_port()
    endpoint: Any = {"url": f"http://127.0.0.1:{port}/hook", "enabled_events": ["*"]}
    client.v1.webhook_endpoints.create(endpoint)
    sandbox.fault("decline", count=1)
    once: Any = {"idempotency_key": "once"}
    held = client.v1.payment_intents.create({**PARAMS, "capture_method": "manual", "confirm": False}, once)
    moved = sandbox.move_clock(int(time.time()) + 3600)
    before = sandbox.state()
    process.kill()
    process.start()
    after = sandbox.state()
    for name in ("id", "counts", "objects", "idempotency_keys"):
        assert after[name] == before[name]
    assert after["now"] >= moved
    assert {d["event"] for d in after["undelivered"]} == {d["event"] for d in before["undelivered"]} != set()
    replay = client.v1.payment_intents.create({**PARAMS, "capture_method": "manual", "confirm": False}, once)
    assert replay.to_dict() == held.to_dict()
    assert sandbox.count("payment_intent") == 1
    faults = HTTP.get(f"{sandbox.url}/_faults").json()["faults"]
    assert [(fault["kind"], fault["remaining"]) for fault in faults] == [("decline", 1)]
    receiver, server = start_receiver(port=port)
    until(lambda: "payment_intent.created" in receiver.types())
    until(lambda: sandbox.state()["undelivered"] == [])
    server.shutdown()
    server.server_close()


def test_killed_at_random_under_load_nothing_happens_twice(process: Process) -> None:
    """Clients that repeat with the same key until they have an answer are charged once each; all events
    arrive.
    """
    receiver, server = start_receiver()
    listen(process.sandbox.client(), receiver)
    wanted = [f"job-{number}" for number in range(24)]
    answers: dict[str, str] = {}

    def work(keys: list[str]) -> None:
        body = (
            "amount=5000&currency=usd&confirm=true&payment_method=pm_card_visa"
            "&allowed_payment_method_types[]=card&metadata[job]="
        )
        for key in keys:
            while key not in answers:
                try:
                    answer = process.sandbox.post("/v1/payment_intents", body + key, **{"Idempotency-Key": key})
                except httpx.TransportError:
                    time.sleep(0.02)
                    continue
                assert answer.status_code in (200, 409)
                if answer.status_code == 200:
                    answers[key] = answer.json()["id"]

    workers = [threading.Thread(target=work, args=(wanted[number::3],)) for number in range(3)]
    for worker in workers:
        worker.start()
    for size in (3, 8, 14, 19):
        until(lambda size=size: len(answers) >= size)
        process.kill()
        process.start()
    for worker in workers:
        worker.join(30)
    assert sorted(answers) == sorted(wanted)
    payments = process.sandbox.state()["payments"]
    assert len(payments) == len(wanted)
    assert {(p["succeeded_charges"], p["captured"], p["double"]) for p in payments} == {(1, 5000, False)}
    assert {p["metadata"]["job"]: p["payment_intent"] for p in payments} == answers
    until(lambda: process.sandbox.deliver()["pending"] == 0)
    succeeded = [d.event for d in receiver.deliveries if d.event["type"] == "payment_intent.succeeded"]
    arrived = {event["data"]["object"]["id"] for event in succeeded}
    assert arrived == set(answers.values())
    settled = {c["id"] for c in process.sandbox.state()["objects"]["charge"] if c["balance_transaction"]}
    assert len(settled) == len(wanted)
    server.shutdown()
    server.server_close()


def test_same_seed_same_ids(tmp_path: Path) -> None:
    """Two fresh sandboxes asked the same give the same ids and secrets; another seed gives others."""
    seen = []
    for number, seed in enumerate(("a", "a", "b")):
        process = Process(tmp_path / f"{number}.db", seed=seed)
        process.start()
        customer = process.sandbox.post("/v1/customers", "name=Ann").json()["id"]
        endpoint = process.sandbox.post("/v1/webhook_endpoints", "url=http://localhost:9/&enabled_events[]=*")
        seen.append((customer, endpoint.json()["secret"]))
        process.kill()
    assert seen[0] == seen[1] != seen[2]
