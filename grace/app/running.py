"""Which Grace runs on a data directory, and what it decided about addresses: `grace up` says so in `up.json`.

Commands that act on the same data directory take that over, so that a link made by `grace bootstrap` leads to the
Grace that runs and a new workspace is connected to the same provider.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from grace.app.supervisor import holder

NAME = "up.json"


@dataclass(frozen=True, slots=True)
class Running:
    """A `grace up`: its process, its address on this machine, and the settings it chose for its processes."""

    pid: int
    url: str
    chosen: Mapping[str, str]


def note(data_dir: Path, *, url: str, chosen: Mapping[str, str]) -> None:
    """Say where this process answers and what it chose."""
    fresh = data_dir / f".{NAME}"
    fresh.write_text(json.dumps({"pid": os.getpid(), "url": url, "chosen": dict(chosen)}))
    fresh.replace(data_dir / NAME)


def forget(data_dir: Path) -> None:
    """Take back what this process has said; another's stays."""
    try:
        said = json.loads((data_dir / NAME).read_text())
    except (OSError, ValueError):
        return
    if isinstance(said, dict) and said.get("pid") == os.getpid():
        (data_dir / NAME).unlink(missing_ok=True)


def find(data_dir: Path) -> Running | None:
    """The Grace that runs on `data_dir`, once it has said where; None also where we may not look."""
    try:
        pid = holder(data_dir)
        if pid is None:
            return None
        found = Running(**json.loads((data_dir / NAME).read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return found if found.pid == pid else None


def adopt(data_dir: Path) -> bool:
    """Take over what the running Grace chose, as far as the environment says nothing; whether that was anything."""
    found = find(data_dir)
    missing = {name: value for name, value in (found.chosen if found else {}).items() if name not in os.environ}
    os.environ.update(missing)
    return bool(missing)
