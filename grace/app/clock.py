"""Moves the clock of a provider's stand-in along with a test workspace's, and waits for what it sends."""

import ssl
from datetime import datetime
from functools import cache

import httpx

from grace.kit.settings import Settings
from grace.kit.testclock import Follower
from grace.kit.workspace import Workspaces

TIMEOUT_S = 40


def followers(settings: Settings) -> list[Follower]:
    """None, unless a stand-in is configured."""
    if settings.test_clock_url is None:
        return []
    url = settings.test_clock_url.rstrip("/")

    async def follow(_: Workspaces, handle: str, to: datetime) -> None:
        async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False, verify=_certificates()) as client:
            await client.post(f"{url}/_clock", json={"account": handle, "to": to.isoformat()})
            await client.post(f"{url}/_deliver", json={"account": handle})

    return [follow]


@cache
def _certificates() -> ssl.SSLContext:
    """Read once: it takes longer than a move of the clock."""
    return httpx.create_ssl_context()
