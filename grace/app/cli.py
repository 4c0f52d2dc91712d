"""`grace`: the command line. Commands import what they need when they run, so that --help is quick."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grace.app import audit_commands, insight_commands, money_commands, operating
from grace.app.commands import AsJson, Data, InWorkspace, fail, on_installation, print_json, read_settings, report
from grace.app.example import commands as example

if TYPE_CHECKING:
    from grace.kit.workspace import Kind

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # drawing help with it takes longer than everything else
    help="The back office from lead to cash.",
)
database = typer.Typer(no_args_is_help=True, help="The embedded PostgreSQL.")
workspace_app = typer.Typer(no_args_is_help=True, help="Workspaces: one business each.")
ledger_app = typer.Typer(no_args_is_help=True, help="The double-entry books.")
rates_app = typer.Typer(no_args_is_help=True, help="Exchange rates.")
import_app = typer.Typer(no_args_is_help=True, help="Bring data in.")
app.add_typer(example.app, name="example")
for group, called in (
    (database, "db"),
    (workspace_app, "workspace"),
    (audit_commands.app, "audit"),
    (ledger_app, "ledger"),
    (rates_app, "rates"),
    (import_app, "import"),
    (insight_commands.app, "insight"),
):
    app.add_typer(group, name=called)
for command in operating.COMMANDS:
    app.command()(command)
app.command()(money_commands.reconcile)


@app.command()
def up(
    port: Annotated[int, typer.Option(help="The port of the web server.")] = 8005,
    data: Data = None,
    no_example: Annotated[bool, typer.Option("--no-example", help="Do not load the example business.")] = False,
) -> None:
    """Start everything in the foreground: database, web, worker, sandbox. Ctrl-C stops it."""
    from grace.app import up as starting

    os.environ["GRACE_PORT"] = str(port)
    os.environ["GRACE_EXAMPLE"] = "false" if no_example else os.environ.get("GRACE_EXAMPLE", "true")
    starting.run(read_settings(data))


@app.command()
def serve(data: Data = None) -> None:
    """Serve the API and the pages."""
    from grace.kit import logs

    logs.configure(component="web")
    import uvicorn

    from grace.app.installation import open_workspaces
    from grace.app.web import create_app

    settings = read_settings(data)
    logs.configure(settings.log_level, component="web")
    uvicorn.run(
        create_app(open_workspaces(settings), settings),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=75,  # longer than clients keep one, or it closes as a request is sent on it
        timeout_graceful_shutdown=10,
    )


@app.command()
def worker(
    data: Data = None,
    alive: Annotated[
        bool, typer.Option("--alive", help="Only look whether a worker serves every workspace; exit code 1 if not.")
    ] = False,
) -> None:
    """Run reactions, jobs and due work of all workspaces, and seal their logs."""
    import asyncio
    import signal

    if alive:
        operating.look_for_worker(data)
        return
    from grace.kit import logs

    logs.configure(component="worker")
    import uvloop

    from grace.app.installation import open_workspaces
    from grace.app.worker import Worker

    settings = read_settings(data)
    logs.configure(settings.log_level, component="worker")

    async def run() -> None:
        workspaces = open_workspaces(settings)
        running = Worker(workspaces, settings)
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, running.stop)
        await running.run()
        await workspaces.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def sandbox(
    context: typer.Context,
    data: Data = None,
    port: Annotated[int, typer.Option(help="The sandbox's port on the loopback.")] = 8006,
) -> None:
    """Run the providers' stand-in on the loopback, with its state in the data folder."""
    state = read_settings(data).data_dir / "sandbox.sqlite"
    state.parent.mkdir(parents=True, exist_ok=True)
    arguments = [sys.executable, "-m", "grace_sandbox", "--port", str(port), "--state", str(state), *context.args]
    os.execv(sys.executable, arguments)  # noqa: S606


@app.command()
def demo(data: Data = None, as_json: AsJson = False) -> None:
    """Drive one whole job from lead to cash over HTTP, in a workspace of its own, and prove the books."""
    from grace.app.demo.run import run

    raise typer.Exit(run(read_settings(data), as_json=as_json))


@app.command()
def migrate(data: Data = None) -> None:
    """Bring every workspace up to this version: its schema, and the shipped policy unless it has its own."""
    from grace.app import wiring
    from grace.app.installation import migrate_all

    done = on_installation(read_settings(data), lambda workspaces: migrate_all(workspaces, wiring.RENEW))
    for handle, said in done.items():
        print(f"{handle}: {', '.join(said) or 'up to date'}")


@app.command()
def bootstrap(
    email: Annotated[str, typer.Option(help="The owner's e-mail address.")],
    data: Data = None,
    workspace: InWorkspace = None,
    new_key: Annotated[bool, typer.Option("--new-key", help="Make another API key.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make the workspace and its owner if they are missing; always give a new sign-in link."""
    from grace.app.bootstrap import bootstrap as make

    settings = read_settings(data, workspace)
    made = on_installation(
        settings,
        lambda workspaces: make(workspaces, settings, handle=settings.workspace, email=email, new_key=new_key),
    )
    if as_json:
        print_json(made)
    else:
        print(f"Workspace  {made['workspace']}\nSign in    {made['sign_in_url']}")
        print(f"API key    {made['api_key'] or '(made earlier; --new-key makes another)'}")


@workspace_app.command("create")
def create_workspace(
    handle: Annotated[str, typer.Argument(help="Its short name: lower-case letters and digits.")],
    live: Annotated[bool, typer.Option("--live/--test", help="Real money, or a movable clock.")],
    data: Data = None,
    currency: Annotated[str, typer.Option(help="Its currency (ISO 4217).")] = "USD",
    name: Annotated[str | None, typer.Option(help="The business's name.")] = None,
    begins: Annotated[
        str | None, typer.Option(help="When its business time begins (ISO 8601, UTC if not said); test only.")
    ] = None,
) -> None:
    """Make a workspace; it is test or live for ever."""
    from grace.app import installation, wiring

    kind: Kind = "live" if live else "test"
    if live and begins is not None:
        fail("The time of a live workspace is real: --begins is for test workspaces.")
    offset = installation.offset_of(begins)
    made = on_installation(
        read_settings(data),
        lambda workspaces: installation.create_workspace(
            workspaces,
            handle,
            kind=kind,
            name=name,
            currency=currency,
            clock_offset=offset,
            prepare=wiring.PREPARE,
        ),
    )
    print(f"{handle}: {'made' if made else 'was there'}.")
    print(f"`grace bootstrap --workspace {handle} --email …` makes its owner.")


@workspace_app.command("list")
def list_workspaces(data: Data = None) -> None:
    """The workspaces of this installation."""
    for handle in on_installation(read_settings(data), lambda workspaces: workspaces.handles()):
        print(handle)


@database.command("start")
def start_database(data: Data = None) -> None:
    """Start the embedded PostgreSQL and leave it running."""
    from grace.app.postgres import server

    info = server.start(read_settings(data).data_dir)
    print(f"PostgreSQL {info.major} {'started' if info.started else 'runs already'} (pid {info.pid})")


@database.command("stop")
def stop_database(data: Data = None) -> None:
    """Stop the embedded PostgreSQL."""
    from grace.app import supervisor
    from grace.app.postgres import server

    settings = read_settings(data)
    if (pid := supervisor.holder(settings.data_dir)) is not None:
        fail(f"`grace up` (pid {pid}) uses this database and would start it again. Stop that first.")
    print("stopped" if server.stop(settings.data_dir) else "it did not run")


@database.command("status")
def database_status(data: Data = None) -> None:
    """Whether the embedded PostgreSQL runs; exit code 3 when it does not."""
    from grace.app.postgres import server

    info = server.status(read_settings(data).data_dir)
    if info is None:
        print("not running")
        raise typer.Exit(3)
    print(f"PostgreSQL {info.major} runs (pid {info.pid}), socket in {info.socket_folder}")


@ledger_app.command("check")
def check_ledger(data: Data = None, workspace: InWorkspace = None, as_json: AsJson = False) -> None:
    """Prove the books: balanced postings, balances that follow from entries; exit code 1 on a finding."""
    from grace.app.checks import check_books

    settings = read_settings(data, workspace)
    report(on_installation(settings, lambda known: check_books(known, settings.workspace)), as_json)


@ledger_app.command("trial-balance")
def trial_balance(
    at: Annotated[
        str | None, typer.Option(help="Business time with its zone (2026-12-31T23:59:59Z); now if left out.")
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="As CSV.")] = False,
    data: Data = None,
    workspace: InWorkspace = None,
    as_json: AsJson = False,
) -> None:
    """Every account with a balance, and that debits equal credits; exit code 1 when they do not."""
    from grace.app.checks import read_moment, trial_balance

    settings = read_settings(data, workspace)
    moment = read_moment(at) if at else None
    found = on_installation(settings, lambda known: trial_balance(known, settings.workspace, at=moment))
    if as_csv and not as_json:
        found = {**found, "lines": found["csv"].splitlines()}
    report({name: value for name, value in found.items() if name != "csv"}, as_json)


@rates_app.command("import")
def import_rates(
    file: Annotated[Path, typer.Argument(help="CSV with the columns currency, per_usd, on_date.")],
    data: Data = None,
    workspace: InWorkspace = None,
) -> None:
    """Import dated exchange rates; policies compare amounts in USD by them. Exit code 1 when a row was rejected."""
    import csv

    from grace.app.checks import store_rates

    settings = read_settings(data, workspace)
    if not file.is_file():
        fail(f"{file} is not a file.")
    with file.open(newline="", encoding="utf-8-sig") as source:
        rows = list(csv.DictReader(source))
    said, whole = on_installation(settings, lambda known: store_rates(known, settings.workspace, rows))
    print(said)
    if not whole:
        raise typer.Exit(1)


@import_app.command("leads")
def import_leads(
    file: Annotated[Path, typer.Argument(help="A CSV with a header line; .csv.gz too.")],
    maps: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="FIELD=COLUMN", help="Which column is a field; repeat. FIELD= leaves one out."),
    ] = None,
    stages: Annotated[
        list[str] | None,
        typer.Option("--stage", metavar="WORD=STAGE", help="Which stage a word of the file means; repeat."),
    ] = None,
    empty: Annotated[
        list[str] | None, typer.Option("--empty", help="A text that means nothing is known; repeat.")
    ] = None,
    source: Annotated[str | None, typer.Option(help="The source of rows that name none.")] = None,
    keep_rest: Annotated[bool, typer.Option("--keep-rest", help="Keep the other columns as metadata.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would come of it.")] = False,
    encoding: Annotated[str | None, typer.Option(help="The file's encoding; default UTF-8, else Windows-1252.")] = None,
    rejected: Annotated[Path | None, typer.Option(help="Where rejected rows go; default beside the file.")] = None,
    data: Data = None,
    workspace: InWorkspace = None,
    as_json: AsJson = False,
) -> None:
    """Import leads from another CRM's export. Interrupted or done, it can be run again: nothing comes twice."""
    from grace.app import importing, importing_display
    from grace.kit.exports import open_export

    settings = read_settings(data, workspace)
    export = open_export(file, encoding=encoding)
    reading = importing.reading_of(
        export, maps=maps or [], stages=stages or [], empty=empty or [], source=source, keep_rest=keep_rest
    )
    importing_display.announce(export, reading)
    with importing_display.bar(export) as progress:
        done = on_installation(
            settings,
            lambda workspaces: importing.run(
                workspaces,
                settings.workspace,
                export,
                reading,
                rejected=rejected or importing.rejected_path(file),
                dry=dry_run,
                progress=progress,
            ),
        )
    if as_json:
        print_json(importing_display.as_object(done, dry=dry_run))
    else:
        print(importing_display.summary(done, dry=dry_run))


def main() -> None:
    """The entry point: problems become one sentence and exit code 1."""
    try:
        app()
    except Exception as error:
        # Errors of our own and wrong values say what to do; asked by module, since their classes take time to import.
        if isinstance(error, ValueError) or type(error).__module__.startswith("grace."):
            fail(str(error))
        raise
