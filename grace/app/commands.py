"""What all commands of `grace` share: their options, the settings they act under, how they end."""

import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

if TYPE_CHECKING:
    from grace.kit.settings import Settings
    from grace.kit.workspace import Workspaces

T = TypeVar("T")

Data = Annotated[
    Path | None, typer.Option("--data", envvar="GRACE_DATA_DIR", help="Where Grace keeps what is its own.")
]
InWorkspace = Annotated[
    str | None, typer.Option("--workspace", envvar="GRACE_WORKSPACE", help="The workspace to act on.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on one line.")]


def read_settings(data: Path | None, workspace: str | None = None) -> "Settings":
    """The settings, with what the command's options say and a running `grace up` chose."""
    from grace.app import running
    from grace.kit.settings import settings

    if data is not None:
        os.environ["GRACE_DATA_DIR"] = str(data)
    if workspace is not None:
        os.environ["GRACE_WORKSPACE"] = workspace
    if running.adopt(settings().data_dir):
        settings.cache_clear()
    return settings()


def on_installation(settings: "Settings", act: Callable[["Workspaces"], Awaitable[T]]) -> T:
    """Act on the installation, and close its pools: one that is left open can keep the loop from ending."""
    import asyncio

    from grace.app.installation import open_workspaces

    async def run() -> T:
        workspaces = open_workspaces(settings)
        try:
            return await act(workspaces)
        finally:
            await workspaces.close()

    return asyncio.run(run())


def report(found: dict[str, Any], as_json: bool) -> None:
    """Print what was found; exit code 1 when it is not right."""
    if as_json:
        print_json(found)
    else:
        for line in found["lines"]:
            print(line)
    if not found["ok"]:
        raise typer.Exit(1)


def print_json(value: Any) -> None:
    """One JSON object on one line."""
    from grace.kit import json

    print(json.dumps(value))


def fail(message: str) -> NoReturn:
    """Say it and end with exit code 1: as a line of the log where this process has one, else as a sentence."""
    from grace.kit import logs

    if not logs.say_stopped(message):
        print(message, file=sys.stderr)
    raise SystemExit(1)
