"""kill -9 of web, worker, sandbox and PostgreSQL at random steps of the demo: the job completes, once.

A real `grace up` runs in a folder of its own. While `grace demo` drives a job from lead to cash, a process is
killed every now and then; the supervisor brings it back. Afterwards the books balance, the log verifies, and
the card was charged exactly once.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import psutil
import pytest

from grace.app.postgres import server
from tests.fixtures.running import RunningGrace, started

KILLS: list[tuple[float, str]] = []
"""When which process was killed, in all tests: the supervisor counts them all."""
VICTIMS = ("web", "worker", "sandbox", "postgres")
RESTARTS_A_MINUTE = 4
"""One less than the supervisor allows for one process. What starts while PostgreSQL is dead ends too, and is started
again, so that a death of PostgreSQL counts for everybody."""


@dataclass
class Killer:
    """Kills one of the processes now and then, and remembers when."""

    running: RunningGrace
    dice: random.Random
    struck: list[str]

    def strike(self) -> None:
        """Kill a process that was not killed too often of late."""
        recent = [name for at, name in KILLS if time.monotonic() - at < 60]
        willing = [name for name in VICTIMS if _is_borne([*recent, name])]
        if not willing:
            return
        name = self.dice.choice(willing)
        pid = self._pid(name)
        if pid is None:
            return
        os.kill(pid, signal.SIGKILL)
        KILLS.append((time.monotonic(), name))
        self.struck.append(name)

    def _pid(self, name: str) -> int | None:
        if name == "postgres":
            info = server.status(self.running.data_dir)
            return info.pid if info else None
        words = {"web": "serve", "worker": "worker", "sandbox": "grace_sandbox"}
        for child in psutil.Process(self.running.pid).children():
            try:
                if words[name] in child.cmdline():
                    return child.pid
            except psutil.Error:
                continue
        return None


def _is_borne(killed: list[str]) -> bool:
    """Whether the supervisor still restarts everybody after these deaths within a minute."""
    return all(
        killed.count(name) + (name != "postgres") * killed.count("postgres") <= RESTARTS_A_MINUTE for name in VICTIMS
    )


@pytest.fixture(scope="module")
def fragile() -> Iterator[RunningGrace]:
    """A `grace up` that takes up a dead process's work after seconds, not minutes."""
    quick = {"GRACE_WORKER_HEARTBEAT_S": "0.5", "GRACE_WORKER_STALLED_S": "3", "GRACE_INTENT_STALE_S": "2"}
    with started(environment=quick) as running:
        yield running


def _demo_under_fire(fragile: RunningGrace, *, seed: int, kills: int) -> None:
    dice = random.Random(seed)
    killer = Killer(fragile, dice, [])
    demo = subprocess.Popen(
        [sys.executable, "-m", "grace.app", "demo", "--json", "--data", str(fragile.data_dir)],
        env=fragile.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    next_strike = time.monotonic() + 1 + dice.random() * 2
    deadline = time.monotonic() + 280
    while demo.poll() is None and time.monotonic() < deadline:
        if len(killer.struck) < kills and time.monotonic() >= next_strike:
            killer.strike()
            next_strike = time.monotonic() + 0.3 + dice.random() * 2.5
        time.sleep(0.05)
    output, errors = demo.communicate(timeout=5) if demo.poll() is not None else ("", "it did not end in time")
    said = fragile.printed.read_text()[-2000:]
    story = f"seed {seed}, killed {killer.struck}\n{errors[-3000:]}\n{said}"
    assert demo.returncode == 0, story
    told = json.loads(output.strip().splitlines()[-1])
    handle = told["workspace"]
    for check in (["ledger", "check"], ["audit", "verify"]):
        done = subprocess.run(
            [sys.executable, "-m", "grace.app", *check, "--data", str(fragile.data_dir), "--workspace", handle],
            env=fragile.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{story}\n{done.stdout}{done.stderr}"
    _assert_charged_once(fragile, handle, story)


def _assert_charged_once(fragile: RunningGrace, handle: str, story: str) -> None:
    """The provider's own view: one payment that succeeded, none refunded."""
    listed = httpx.get(
        f"{_sandbox(fragile)}/v1/charges", auth=(f"sk_test_{handle}", ""), timeout=20, trust_env=False
    ).json()
    paid = [charge for charge in listed["data"] if charge["status"] == "succeeded"]
    assert len(paid) == 1, f"{story}\n{len(paid)} charges"
    assert paid[0]["amount_refunded"] == 0


def _sandbox(fragile: RunningGrace) -> str:
    address, _, port = fragile.url.rpartition(":")
    return f"{address}:{int(port) + 1}"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(4))
def test_the_demo_survives_random_kills(fragile: RunningGrace, seed: int) -> None:
    _demo_under_fire(fragile, seed=seed, kills=5)


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(100, 140))
def test_the_demo_survives_random_kills_at_night(fragile: RunningGrace, seed: int) -> None:
    _demo_under_fire(fragile, seed=seed, kills=5)
