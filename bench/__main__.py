"""`python -m bench [name …]`: run the benchmarks named, or all, and print a line per figure.

`name | value | baseline | ratio | bar | ok|short|noisy`. Results go to bench/results/<name>.json. The exit code is 0
unless a benchmark broke. They run on a server of their own, or on that of GRACE_DATABASE_URL.
"""

import asyncio
import importlib
import json
import os
import pkgutil
import platform
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import bench
from bench.measure import Report
from grace.app import modules
from grace.app.postgres import server
from grace.kit.workspace import Workspaces

RESULTS = Path(__file__).parent / "results"
CONNECTIONS = 16


def names() -> list[str]:
    """The benchmarks there are, by the name of their module."""
    found = sorted(info.name for info in pkgutil.iter_modules(bench.__path__) if not info.name.startswith("_"))
    return [name for name in found if hasattr(importlib.import_module(f"bench.{name}"), "run")]


@contextmanager
def database() -> Iterator[str]:
    """The conninfo of the server to measure on; one of our own writes durably, as in production."""
    given = os.environ.get("GRACE_DATABASE_URL")
    if given:
        yield given
        return
    data_dir = Path(tempfile.mkdtemp(prefix="grace-bench-"))
    try:
        yield server.start(data_dir).dsn
    finally:
        server.discard(data_dir)
        shutil.rmtree(data_dir, ignore_errors=True)


async def measure(name: str, dsn: str) -> bool:
    """Run one; False when it broke. Its workspaces are dropped either way."""
    workspaces = Workspaces(dsn, master_key=os.urandom(32), pool_size=CONNECTIONS)
    report = Report(workspaces)
    started = time.monotonic()
    try:
        await importlib.import_module(f"bench.{name}").run(report)
        broke = None
    except Exception as error:
        traceback.print_exc()
        broke = repr(error)
        print(f"{name} | - | - | - | - | broke", flush=True)
    finally:
        for handle in await workspaces.handles():
            if handle.startswith("bench"):
                await workspaces.drop(handle)
        await workspaces.close()
    RESULTS.mkdir(exist_ok=True)
    result = {
        "name": name,
        "finished_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "seconds": round(time.monotonic() - started, 1),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "broke": broke,
        "figures": [asdict(figure) for figure in report.figures],
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
    return broke is None


def main(wanted: list[str]) -> int:
    """Measure what is wanted, or everything."""
    known = names()
    unknown = set(wanted) - set(known)
    if unknown:
        print(f"There is no benchmark {', '.join(sorted(unknown))}. There are: {', '.join(known)}.", file=sys.stderr)
        return 2
    modules.load()
    print("name | value | baseline | ratio | bar | verdict")
    with database() as dsn:
        worked = [asyncio.run(measure(name, dsn)) for name in wanted or known]
    return 0 if all(worked) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
