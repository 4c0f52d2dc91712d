"""Telling a provider from a forger before anything costs: by the secrets of this installation, kept for a moment.

A sender whose signature is right is never throttled, whatever else comes from its address; everybody else is counted
before a transaction is opened for them. This only sorts: the door asks the database again before it keeps an event.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from grace.kit.edge import Edge
from grace.kit.workspace import Workspaces

MOST_SECRETS = 16
"""How many secrets an event at a bare path is tried against."""
KEPT_S = 30.0
LOOK_EVERY_S = 1.0
"""How often a signature that is not known makes us read the secrets again: they may be newer than what is kept."""

Read = Callable[[Edge, str, bool], Awaitable[list[str]]]
"""Reads a workspace's secrets; the flag tells that it is the only one."""


@dataclass(slots=True)
class _Known:
    secrets: dict[str, list[str]] = field(default_factory=dict)
    read_at: dict[str, float] = field(default_factory=dict)
    handles: list[str] = field(default_factory=list)
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)


_known: WeakKeyDictionary[Workspaces, _Known] = WeakKeyDictionary()


async def workspace_of(
    edge: Edge, *, signed_by: Callable[[Sequence[str]], bool], read: Read, handle: str | None = None
) -> str | None:
    """The workspace whose secret signed, among all or only `handle`; None when none did."""
    known = _known.setdefault(edge.workspaces, _Known())
    for age_s in (KEPT_S, LOOK_EVERY_S):
        async with known.reading:
            if handle is None and _older(known, "", age_s):
                known.handles = await edge.workspaces.handles()
                known.read_at[""] = time.monotonic()
        left = MOST_SECRETS
        for one in [handle] if handle else known.handles:
            async with known.reading:
                if _older(known, one, age_s):
                    known.secrets[one] = await read(edge, one, known.handles == [one])
                    known.read_at[one] = time.monotonic()
            secrets = known.secrets[one][:left]
            if signed_by(secrets):
                return one
            left -= len(secrets)
            if not left:
                break
    return None


def _older(known: _Known, what: str, age_s: float) -> bool:
    return time.monotonic() - known.read_at.get(what, -KEPT_S) >= age_s
