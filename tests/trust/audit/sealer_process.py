"""A worker that only seals, for tests that kill it: `python -m tests.trust.audit.sealer_process DSN HANDLE FILE`."""

import asyncio
import sys
from pathlib import Path

from grace.kit.tx import transaction
from grace.kit.workspace import Workspaces
from grace.trust.audit import jobs, service
from grace.trust.audit.checkpoints import CheckpointFile
from tests.fixtures.workspace import MASTER_KEY


async def main(dsn: str, handle: str, path: str) -> None:
    workspaces = Workspaces(dsn, master_key=MASTER_KEY)
    async with transaction(workspaces, handle) as tx:
        signer = await service.load_or_create_signer(tx)
    await jobs.run_sealer(
        lambda: workspaces.owner(handle),
        signer=signer,
        file=CheckpointFile(Path(path)),
        stop=asyncio.Event(),
        interval_ms=2,
        retry_ms=20,
    )


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
