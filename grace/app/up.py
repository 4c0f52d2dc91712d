"""`grace up`: everything in the foreground. Without a provider's key the sandbox stands in for it."""

import asyncio
import os
import sys
from collections.abc import Sequence

import structlog

from grace.app import installation, running, wiring
from grace.app.bootstrap import bootstrap
from grace.app.example import loading
from grace.app.supervisor import Command, run_all
from grace.kit import logs
from grace.kit.settings import Settings
from grace.kit.settings import settings as read_settings

log = structlog.get_logger()

OWNER = "owner@example.com"


def run(settings: Settings) -> None:
    """Start, say how to get in, and stay until Ctrl-C or SIGTERM."""
    sandbox_port = settings.port + 1
    uses_sandbox = settings.stripe_secret_key is None
    here = f"http://127.0.0.1:{settings.port}"
    chosen = {"GRACE_URL": settings.url if "url" in settings.model_fields_set else here}
    if uses_sandbox:
        sandbox = f"http://127.0.0.1:{sandbox_port}"
        chosen["GRACE_STRIPE_SECRET_KEY"] = "sk_test_{workspace}"  # noqa: S105
        chosen["GRACE_STRIPE_PUBLISHABLE_KEY"] = "pk_test_{workspace}"
        chosen["GRACE_STRIPE_API_BASE"] = sandbox
        chosen["GRACE_STRIPE_JS_ORIGIN"] = sandbox
        chosen["GRACE_TEST_CLOCK_URL"] = sandbox
    os.environ.update(chosen)
    os.environ["GRACE_DATA_DIR"] = str(settings.data_dir.resolve())
    read_settings.cache_clear()
    settings = read_settings()
    dsn = ""

    def prepare(given: str) -> Sequence[Command]:
        nonlocal dsn
        dsn = given
        asyncio.run(_make_ready(settings, dsn))
        running.note(settings.data_dir, url=here, chosen=chosen)
        return _commands(settings, sandbox_port if uses_sandbox else None)

    def ready() -> None:
        made = asyncio.run(_bootstrap(settings, dsn))
        _greet(settings, made, sandbox=uses_sandbox)

    def say(line: str) -> None:
        print(f"  {line}", flush=True)
        log.info(line)

    print("Grace is starting …", flush=True)
    _open_log(settings)
    try:
        run_all(
            data_dir=settings.data_dir,
            prepare=prepare,
            ready=ready,
            say=say,
            database_url=settings.database_url.get_secret_value() if settings.database_url else None,
            ports=(settings.port, *((sandbox_port,) if uses_sandbox else ())),
        )
    finally:
        running.forget(settings.data_dir)
    print("Grace has stopped; its data stays.", flush=True)
    log.info("stopped")


def _open_log(settings: Settings) -> None:
    """What happens to the processes is also kept beside their own logs, in the same form."""
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = settings.data_dir / "logs"
    folder.mkdir(mode=0o700, exist_ok=True)
    output = (folder / "launcher.log").open("a", buffering=1)
    logs.configure(settings.log_level, component="launcher", output=output)
    log.info("starting")


def _commands(settings: Settings, sandbox_port: int | None) -> Sequence[Command]:
    grace = [sys.executable, "-m", "grace.app"]
    folder = settings.data_dir / "logs"
    ready = f"http://127.0.0.1:{settings.port}/ready"
    commands = [
        Command("web", [*grace, "serve"], ready_url=ready, log=folder / "web.log"),
        Command("worker", [*grace, "worker"], log=folder / "worker.log"),
    ]
    if sandbox_port is not None:
        argv = [sys.executable, "-m", "grace_sandbox", "--port", str(sandbox_port)]
        argv += ["--state", str(settings.data_dir / "sandbox.sqlite")]
        ready = f"http://127.0.0.1:{sandbox_port}/health"
        commands.append(Command("sandbox", argv, ready_url=ready, log=folder / "sandbox.log"))
    if sandbox_port is not None and settings.example and loading.is_wanted(settings.data_dir):
        argv = [*grace, "example", "load", "--data", str(settings.data_dir)]
        commands.append(Command("example", argv, once=True))
    return commands


async def _make_ready(settings: Settings, dsn: str) -> None:
    """Migrate what is there and make the first workspace; on a first start the example is to be loaded."""
    workspaces = installation.open_workspaces(settings, dsn=dsn)
    for handle, said in (await installation.migrate_all(workspaces, wiring.RENEW)).items():
        if said:
            print(f"  {handle}: {', '.join(said)}", flush=True)
    if settings.workspace not in await workspaces.handles():
        loading.want(settings.data_dir, wanted=settings.example and settings.test_clock_url is not None)
        await installation.create_workspace(workspaces, settings.workspace, kind="test", prepare=wiring.PREPARE)
    if not await workspaces.app_role_exists():
        print(f"  {installation.NO_ROLE}", flush=True)
    await workspaces.close()


async def _bootstrap(settings: Settings, dsn: str) -> dict[str, str | None]:
    workspaces = installation.open_workspaces(settings, dsn=dsn)
    try:
        return await bootstrap(workspaces, settings, handle=settings.workspace, email=OWNER)
    finally:
        await workspaces.close()


def _greet(settings: Settings, made: dict[str, str | None], *, sandbox: bool) -> None:
    lines = [
        "",
        f"  Grace runs on {settings.url}",
        f"  Workspace     {made['workspace']}" + (" (test; payments go to the sandbox)" if sandbox else ""),
        f"  Sign in       {made['sign_in_url']}  (once, within 15 minutes)",
        f"  API key       {made['api_key'] or f'as before; grace bootstrap --email {OWNER} --new-key makes another'}",
        f"  Next          grace demo --data {settings.data_dir}   ·   {settings.url}/docs",
        f"  Logs          {settings.data_dir / 'logs'}",
        "  Ctrl-C stops everything; the data stays.",
        "",
    ]
    print("\n".join(lines), flush=True)
