"""Runs the checks: of the machine, then of the server if it answers, then of each workspace."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import psycopg
from psycopg import AsyncConnection

from grace.app import modules
from grace.app.doctor import machine, server, workspaces
from grace.app.doctor.findings import Finding, fine, problem
from grace.app.doctor.workspaces import Place
from grace.app.postgres import server as embedded
from grace.app.postgres.binaries import PostgresError
from grace.kit.keys import load_master_key
from grace.kit.logs import described
from grace.kit.settings import Settings
from grace.kit.workspace import Workspaces

CONNECT_S = 5
NO_KEY = bytes(32)


async def examine(settings: Settings, *, deep: bool = False, only: str | None = None) -> list[Finding]:
    """Every finding; nothing is changed. `only` names one workspace; `deep` reads all books and logs too."""
    modules.load()  # they declare what may be late
    findings = [fine("settings", "All settings are known and valid.")]
    for check in machine.CHECKS:
        try:
            findings += check(settings)
        except OSError as error:
            findings.append(_failed(check.__name__, error))
    dsn = _dsn(settings, findings)
    if dsn is None:
        return findings
    try:
        async with await AsyncConnection.connect(dsn, connect_timeout=CONNECT_S, autocommit=True) as connection:
            findings.append(fine("database", "It answers."))
            for examined in server.CHECKS:
                findings += await _run(examined.__name__, examined(connection))
    except psycopg.Error as error:
        findings.append(
            problem(
                "database",
                f"It does not answer: {described(error)}",
                why="Nothing works without it.",
                cure="Start it (`grace db start` for the embedded one), or correct GRACE_DATABASE_URL.",
            )
        )
        return findings
    has_key = not any(
        one.check == "master key" and one.state == "problem" and "mode" not in one.found for one in findings
    )
    master = load_master_key(settings.master_key_path) if has_key else NO_KEY
    installation = Workspaces(dsn, master_key=master, pool_size=2)
    try:
        handles = await installation.handles()
        if not handles or (only is not None and only not in handles):
            findings.append(
                problem(
                    "workspaces",
                    f"There is no workspace{f' {only}' if only else ''}.",
                    why="Nothing is served.",
                    cure="grace bootstrap --workspace NAME --email ADDRESS",
                )
            )
        for handle in handles if only is None else [only] if only in handles else []:
            findings += await _workspace(Place(installation, handle, settings, has_key), deep=deep)
    finally:
        await installation.close()
    return findings


def _dsn(settings: Settings, findings: list[Finding]) -> str | None:
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    why, cure = "Nothing works without it.", "grace up, or only the database: grace db start"
    try:
        running = embedded.status(settings.data_dir)
    except PostgresError as error:
        findings.append(problem("database", str(error), why=why, cure=cure))
        return None
    if running is None:
        findings.append(
            problem("database", f"The embedded PostgreSQL of {settings.data_dir} does not run.", why=why, cure=cure)
        )
        return None
    if Path(running.pgdata).stat().st_dev != settings.data_dir.stat().st_dev:
        findings += machine.check_disk(settings.model_copy(update={"data_dir": running.pgdata}))
    return running.dsn


async def _workspace(place: Place, *, deep: bool) -> list[Finding]:
    findings: list[Finding] = []
    for check in workspaces.FIRST:
        findings += await _run(check.__name__, check(place))
    if not any(one.state == "problem" for one in findings):
        for check in (*workspaces.CHECKS, *(workspaces.DEEP if deep else ())):
            findings += await _run(check.__name__, check(place))
    return [replace(one, workspace=place.handle) for one in findings]


async def _run(name: str, check: AsyncIterator[Finding]) -> list[Finding]:
    """What a check finds; that it broke off is a finding too."""
    findings: list[Finding] = []
    try:
        async for one in check:
            findings.append(one)
    except Exception as error:
        findings.append(_failed(name, error))
    return findings


def _failed(name: str, error: Exception) -> Finding:
    return problem(
        name.removeprefix("check_").replace("_", " "),
        f"The check broke off: {described(error)}",
        why="Whether that is right is not known.",
        cure="See what the other findings say; if nothing explains it, report it.",
    )
