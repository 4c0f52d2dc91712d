"""`grace reconcile`."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from grace.app.commands import AsJson, Data, InWorkspace, fail, on_installation, read_settings, report

_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]


def reconcile(
    start: Annotated[datetime | None, typer.Option("--from", formats=_FORMATS, help="From this UTC time on.")] = None,
    end: Annotated[datetime | None, typer.Option("--to", formats=_FORMATS, help="Up to, not including, it.")] = None,
    data: Data = None,
    workspace: InWorkspace = None,
    as_json: AsJson = False,
) -> None:
    """Compare the ledger with the card provider's balance, line by line; exit code 1 on a difference."""
    from grace.app import wiring
    from grace.flows.collect_cash.reconciling import reconcile as compare
    from grace.flows.collect_cash.schemas_reconciling import Reconciliation, sentence
    from grace.kit.errors import Problem
    from grace.kit.workspace import Workspaces

    settings = read_settings(data, workspace)

    async def run(workspaces: Workspaces) -> dict[str, Any]:
        wiring.bind(settings)
        try:
            done = await compare(workspaces, settings.workspace, start=_utc(start), end=_utc(end))
        finally:
            await wiring.close()
        lines = [sentence(difference) for difference in done.differences]
        if done.agrees:
            lines = [f"{done.movements} movements at {done.provider}: the ledger agrees with every one."]
        return {"ok": done.agrees, "lines": lines, **Reconciliation.of(done).model_dump()}

    try:
        found = on_installation(settings, run)
    except Problem as problem:
        fail(problem.detail)
    report(found, as_json)


def _utc(at: datetime | None) -> datetime | None:
    return None if at is None else at.replace(tzinfo=UTC)
