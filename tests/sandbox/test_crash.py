"""`kill -9` at any moment: objects, idempotency records, faults and undelivered webhooks are there afterwards."""

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

from tests.sandbox.harness import Sandbox, start_receiver, until
from tests.sandbox.test_faults import PARAMS
from tests.sandbox.test_webhooks import listen


class Process:
    """A sandbox in a process of its own, killed and started again on one state file."""

    def __init__(self, state: Path) -> None:
        self.state, self.port = state, free_port()
        self.sandbox = Sandbox(f"http://127.0.0.1:{self.port}", "crash")
        self.running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "grace_sandbox", "--port", str(self.port), "--state", str(self.state)]
        self.running = subprocess.Popen(command)
        until(self._answers)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.sandbox.url}/health", trust_env=False).status_code == 200
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
    paid = client.v1.payment_intents.create({**PARAMS, "payment_method": "pm_card_bypassPending",
                                             "capture_method": "manual", "confirm": False},
                                            {"idempotency_key": "once"})  # fmt: skip
    moved = sandbox.move_clock(int(time.time()) + 86_400 * 3)
    before = sandbox.state()
    process.kill()
    process.start()
    after = sandbox.state()
    for name in ("id", "counts", "objects", "idempotency_keys"):
        assert after[name] == before[name]
    assert after["now"] >= moved
    assert {d["event"] for d in after["undelivered"]} == {d["event"] for d in before["undelivered"]} != set()
    replay = sandbox.client().v1.payment_intents.retrieve(paid.id)
    assert replay.to_dict() == paid.to_dict()
    faults = httpx.get(f"{sandbox.url}/_faults", trust_env=False).json()["faults"]
    assert [(fault["kind"], fault["remaining"]) for fault in faults] == [("decline", 1)]
    receiver, server = start_receiver(port=port)
    until(lambda: "payment_intent.created" in receiver.types())
    until(lambda: sandbox.state()["undelivered"] == [])
    server.shutdown()
    server.server_close()


def test_killed_at_random_under_load_nothing_happens_twice(process: Process) -> None:
    """Clients that repeat with the same key until they have an answer are charged once each; all events arrive."""
    receiver, server = start_receiver()
    listen(process.sandbox.client(), receiver)
    wanted = [f"job-{number}" for number in range(24)]
    answers: dict[str, str] = {}

    def work(keys: list[str]) -> None:
        body = ("amount=5000&currency=usd&confirm=true&payment_method=pm_card_visa"
                "&allowed_payment_method_types[]=card&metadata[job]=")  # fmt: skip
        for key in keys:
            while key not in answers:
                try:
                    answer = process.sandbox.post(
                        "/v1/payment_intents", body + key, **{"Idempotency-Key": key})  # fmt: skip
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
        until(lambda size=size: len(answers) >= size)  # type: ignore[misc]
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
    arrived = {d.event["data"]["object"]["id"] for d in receiver.deliveries
               if d.event["type"] == "payment_intent.succeeded"}  # fmt: skip
    assert arrived == set(answers.values())
    settled = {c["id"] for c in process.sandbox.state()["objects"]["charge"] if c["balance_transaction"]}
    assert len(settled) == len(wanted)
    server.shutdown()
    server.server_close()


def test_same_seed_same_ids(tmp_path: Path) -> None:
    """Two fresh sandboxes that are asked the same give the same ids and secrets; another seed gives others."""
    seen = []
    for number, seed in enumerate(("a", "a", "b")):
        command = [sys.executable, "-m", "grace_sandbox", "--port", str(free_port()), "--seed", seed,
                   "--state", str(tmp_path / f"{number}.db")]  # fmt: skip
        process = Process(tmp_path / f"{number}.db")
        process.running = subprocess.Popen([*command[:4], str(process.port), *command[5:]])
        until(process._answers)
        customer = process.sandbox.post("/v1/customers", "name=Ann").json()["id"]
        endpoint = process.sandbox.post("/v1/webhook_endpoints", "url=http://localhost:9/&enabled_events[]=*")
        seen.append((customer, endpoint.json()["secret"]))
        process.kill()
    assert seen[0] == seen[1] != seen[2]
