"""The commands of whoever keeps an installation running: doctor, backup, restore, the simulation of disasters."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grace.app.commands import AsJson, Data, InWorkspace, fail, on_installation, print_json, read_settings

if TYPE_CHECKING:
    from grace.kit.workspace import Workspaces


def backup(
    target: Annotated[Path, typer.Argument(help="A folder, or the file to write.")],
    data: Data = None,
    workspace: InWorkspace = None,
    everything: Annotated[bool, typer.Option("--all", help="Every workspace, each in a file of the folder.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a workspace to one file, of one moment, while it works. The master key is never in it."""
    from grace.app.backup import display, making, manifest

    settings = read_settings(data, workspace)
    if everything and not target.is_dir():
        fail(f"{target} is not a folder.")

    async def run(workspaces: "Workspaces") -> list[dict[str, object]]:
        handles = await workspaces.handles() if everything else [settings.workspace]
        made = []
        for handle in handles:
            with display.progress() as tell:
                path, said = await making.back_up(workspaces, handle, target, tell=tell)
            made.append({"workspace": handle, "file": str(path), "bytes": said["parts"][0]["size"], **said["audit"]})
        return made

    for one in on_installation(settings, run):
        if as_json:
            print_json(one)
        else:
            print(f"{one['workspace']}: {one['file']}, log of {one['size']} sealed entries, root {one['root']}")
    if not as_json:
        print(manifest.NOTE)


def restore(
    file: Annotated[Path, typer.Argument(help="A file that `grace backup` wrote.")],
    data: Data = None,
    workspace: Annotated[
        str | None, typer.Option("--workspace", metavar="NEWNAME", help="Another name, beside the original.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Only say whether the file is whole, and of what.")] = False,
    accept: Annotated[
        bool, typer.Option("--accept-findings", help="Restore also what was not right when it was backed up.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a workspace again from a backup, prove its log and its books, and only then let it be used."""
    from grace.app.backup import display, restoring

    settings = read_settings(data)
    with display.progress() as tell:
        if check:
            found = display.of_archive(restoring.read(file, tell))
        else:
            done = on_installation(
                settings,
                lambda workspaces: restoring.restore(
                    workspaces,
                    file,
                    handle=workspace,
                    checkpoints=settings.data_dir / "checkpoints",
                    tell=tell,
                    accept=accept,
                ),
            )
            found = display.of_restored(done)
    if as_json:
        print_json(found)
    else:
        print("\n".join(found["lines"]))


def doctor(
    data: Data = None,
    workspace: Annotated[str | None, typer.Option("--workspace", help="Look at this workspace only.")] = None,
    deep: Annotated[bool, typer.Option("--deep", help="Also prove all books and verify all logs.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say what is wrong, why that matters and what to do; exit code 1 when there is a problem. Changes nothing."""
    import asyncio

    from grace.app.doctor import display
    from grace.app.doctor.examination import examine
    from grace.app.doctor.findings import problem
    from grace.kit.settings import SettingsError

    try:
        findings = asyncio.run(examine(read_settings(data), deep=deep, only=workspace))
    except SettingsError as error:
        cure = "Correct the environment or .env; .env.example lists all settings."
        findings = [problem("settings", str(error), why="No process of Grace starts.", cure=cure)]
    told = display.as_object(findings)
    if as_json:
        print_json(told)
    else:
        print(display.as_text(findings))
    if not told["ok"]:
        raise typer.Exit(1)


def look_for_worker(data: Path | None) -> None:
    """What a health check asks: whether each workspace has a worker that says that it lives."""
    from grace.app.metrics.figures import heartbeat_age

    settings = read_settings(data)

    async def ages(workspaces: "Workspaces") -> dict[str, float | None]:
        return {handle: await heartbeat_age(workspaces, handle) for handle in await workspaces.handles()}

    for handle, age in on_installation(settings, ages).items():
        if age is None or age > settings.worker_stalled_s:
            fail(f"{handle}: no worker has said for {settings.worker_stalled_s:.0f} s that it lives.")


def simulate(
    seed: Annotated[int, typer.Option(help="Decides everything that happens; the same one plays the same again.")] = 1,
    steps: Annotated[int, typer.Option(min=1, help="How many acts to play.")] = 120,
    verbose: Annotated[bool, typer.Option("--verbose", help="Say every act.")] = False,
    as_json: AsJson = False,
) -> None:
    """Play a business against a failing provider and dying processes, in a Grace of its own, and judge what is left."""
    from grace.app.simulation import run

    raise typer.Exit(run.run(seed=seed, steps=steps, as_json=as_json, verbose=verbose))


COMMANDS = (doctor, backup, restore, simulate)
