"""A process that charges an invoice, refunds it, and works until nothing is left, unless it dies at the given step."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
from pydantic import SecretStr

from grace.app.web import create_app
from grace.domains.payments.service import calls
from grace.kit import jobs, testclock
from grace.kit.settings import Settings
from grace.kit.tx import transaction
from grace.kit.workspace import Workspaces
from tests.fixtures.workspace import MASTER_KEY

DIE_AT = os.environ["CARDS_DIE_AT"]
HANDLE = os.environ["CARDS_HANDLE"]


def dying(name: str, function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """The function, with death right before or right after it."""

    async def run(*args: Any, **kwargs: Any) -> Any:
        die(f"before-{name}")
        result = await function(*args, **kwargs)
        die(f"after-{name}")
        return result

    return run


def die(step: str) -> None:
    """Die here, when this is the step to die at."""
    if step == DIE_AT:
        os.kill(os.getpid(), signal.SIGKILL)


async def main() -> None:
    """Send the request once (unless told not to), then work."""
    calls.make = dying("call", calls.make)
    calls.settle = dying("record", calls.settle)
    workspaces = Workspaces(os.environ["CARDS_DSN"], master_key=MASTER_KEY, pool_size=8)
    settings = Settings(
        _env_file=None,
        intent_stale_s=0.001,
        stripe_secret_key=SecretStr("sk_test_{workspace}"),
        stripe_api_base=os.environ["CARDS_SANDBOX"],
    )
    app = create_app(workspaces, settings)
    headers = {"Authorization": f"Bearer {os.environ['CARDS_KEY']}", "Idempotency-Key": "only"}
    if os.environ["CARDS_PATH"]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://grace", headers=headers) as client:
            body = {"invoice_id": os.environ["CARDS_INVOICE"]}
            body |= {"reason": "unhappy"} if os.environ["CARDS_PATH"].endswith("refund") else {}
            answer = await client.post(os.environ["CARDS_PATH"], json=body)
        print(answer.status_code, answer.text)
        die("after-answer")
    async with transaction(workspaces, HANDLE) as tx:
        await tx.execute("update provider_call set retry_at = clock_timestamp() where retry_at is not null")
    await jobs.rescue(workspaces, HANDLE)
    await testclock.settle(workspaces, HANDLE)
    await workspaces.close()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
