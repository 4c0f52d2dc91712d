"""How long people wait for `grace`, and how much memory it takes when it has nothing to do."""

import asyncio
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import psutil

from bench.measure import Report, at_most
from grace.app.postgres import server

GRACE = Path(sys.executable).with_name("grace")
TIMES = 7
READY_S = 120
IDLE_S = 10


async def run(report: Report) -> None:
    """Seconds and megabytes; there is nothing to compare them with."""
    await asyncio.to_thread(_measure, report)


def _measure(report: Report) -> None:
    wall, cpu = zip(*(_help() for _ in range(TIMES)), strict=True)
    report.record("starting: grace --help", value=sorted(wall)[TIMES // 2], bar=at_most(0.5), unit="s")
    report.record("starting: grace --help, processor", value=sorted(cpu)[TIMES // 2], bar=at_most(0.5), unit="s")
    data_dir = Path(tempfile.mkdtemp(prefix="grace-bench-start-"))
    try:
        _up(data_dir, idle_s=0)
        seconds, megabytes = _up(data_dir, idle_s=IDLE_S)
        report.record("starting: second start until ready", value=seconds, bar=at_most(6), unit="s")
        report.record("starting: web, worker and sandbox idle", value=megabytes, bar=at_most(600), unit="MB")
    finally:
        server.discard(data_dir)
        shutil.rmtree(data_dir, ignore_errors=True)


def _help() -> tuple[float, float]:
    """Seconds on the clock and of the processor."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    subprocess.run([GRACE, "--help"], check=True, capture_output=True)
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _up(data_dir: Path, *, idle_s: float) -> tuple[float, float]:
    """Seconds from `grace up` until it says how to get in, and what its processes then hold (proportional set size)."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("GRACE_")}
    began = time.perf_counter()
    process = subprocess.Popen(
        [GRACE, "up", "--data", data_dir, "--port", str(_free_port()), "--no-example"],
        env=env,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = next((line for line in process.stdout if "Grace runs on" in line), None)
        assert line is not None, "grace up ended before it was ready"
        seconds = time.perf_counter() - began
        assert httpx.get(f"{line.split()[-1]}/ready", trust_env=False).status_code == 200
        time.sleep(idle_s)
        return seconds, _held(process.pid) / 1e6
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=READY_S)


def _held(pid: int) -> int:
    """Bytes of the Python processes under `grace up`, shared pages counted once."""
    total = 0
    for child in psutil.Process(pid).children(recursive=True):
        if "python" in Path(child.exe()).name:
            total += child.memory_full_info().pss
    return total


def _free_port() -> int:
    while True:
        with socket.socket() as one, socket.socket() as next_one:
            one.bind(("127.0.0.1", 0))
            port = int(one.getsockname()[1])
            try:
                next_one.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port
