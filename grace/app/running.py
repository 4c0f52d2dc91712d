"""Which Grace runs on a data directory, and where it answers: `grace up` says so in `up.json` there."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from grace.app.supervisor import holder

NAME = "up.json"


@dataclass(frozen=True, slots=True)
class Running:
    """A `grace up`: its process, its address, and where it reaches Stripe or the stand-in."""

    pid: int
    url: str
    stripe_api_base: str


def note(data_dir: Path, *, url: str, stripe_api_base: str) -> None:
    """Say where this process answers."""
    data_dir.joinpath(NAME).write_text(json.dumps(asdict(Running(os.getpid(), url, stripe_api_base))))


def find(data_dir: Path) -> Running | None:
    """The Grace that runs on `data_dir`, if one does."""
    pid = holder(data_dir)
    if pid is None:
        return None
    try:
        found = Running(**json.loads(data_dir.joinpath(NAME).read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return found if found.pid == pid else None
