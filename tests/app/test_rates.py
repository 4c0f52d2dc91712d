"""`grace rates import` says what it did, and by its exit code whether all of it was done."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from grace.app import checks, cli
from grace.kit.workspace import Workspaces
from tests.fixtures.workspace import WorkspaceUnderTest


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli.app, ["rates", "import", str(tmp_path / "none.csv"), "--data", str(tmp_path)])
    assert done.exit_code == 1
    assert "none.csv is not a file" in done.output


@pytest.mark.parametrize(("per_usd", "whole"), [("0.92", True), ("-1", False)])
async def test_a_rejected_row_is_told(
    workspaces: Workspaces, workspace: WorkspaceUnderTest, per_usd: str, whole: bool
) -> None:
    async with workspace.tx() as tx:
        today = tx.now.date().isoformat()
    rows: list[dict[str, Any]] = [{"currency": "EUR", "on_date": today, "per_usd": per_usd}]
    said, all_stored = await checks.store_rates(workspaces, workspace.handle, rows)
    assert (all_stored, said.startswith("1 rates stored")) == (whole, whole)
