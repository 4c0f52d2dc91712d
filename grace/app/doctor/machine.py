"""Checks of this machine: the data directory, the master key, the port, what runs."""

import os
import shutil
import socket
import stat
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx

from grace.app import running
from grace.app.doctor.findings import Finding, fine, notice, problem
from grace.kit.settings import Settings

GIGABYTE = 1 << 30
LEAST_FREE = 1 * GIGABYTE
LEAST_FREE_SHARE = 0.05
ANSWER_S = 3


def check_data_directory(settings: Settings) -> Iterator[Finding]:
    """It is there, ours to write, and nobody else's."""
    folder = settings.data_dir
    if not folder.is_dir():
        yield problem(
            "data directory",
            f"{folder.absolute()} does not exist.",
            why="Grace keeps its master key, checkpoints and logs there.",
            cure="Name the right one with --data or GRACE_DATA_DIR, or start Grace once, which makes it.",
        )
        return
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK, effective_ids=True):
        yield problem(
            "data directory",
            f"{folder.absolute()} is not writable for this user (uid {os.geteuid()}).",
            why="Checkpoints and logs cannot be written.",
            cure=f"Run as its owner (uid {folder.stat().st_uid}), or give it to this user with chown.",
        )
    elif folder.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        yield problem(
            "data directory",
            f"{folder.absolute()} is writable for others.",
            why="Whoever can write there can put another master key or other checkpoints in place.",
            cure=f"chmod 700 {folder.absolute()}",
        )
    else:
        yield fine("data directory", f"{folder.absolute()} is this user's.")


def check_disk(settings: Settings) -> Iterator[Finding]:
    """There is room left where the data directory is."""
    if not settings.data_dir.is_dir():
        return
    yield judge_disk(str(settings.data_dir.absolute()), *shutil.disk_usage(settings.data_dir))


def judge_disk(place: str, total: int, _: int, free: int) -> Finding:
    """At least a gigabyte and a twentieth."""
    said = f"{free / GIGABYTE:.1f} of {total / GIGABYTE:.1f} GB are free at {place}."
    why, cure = "A database that cannot write stops.", "Make room, or move the data to a larger disk."
    if free < LEAST_FREE:
        return problem("disk", said, why=why, cure=cure)
    if free < total * LEAST_FREE_SHARE:
        return notice("disk", said, why=why, cure=cure)
    return fine("disk", said)


def check_master_key(settings: Settings) -> Iterator[Finding]:
    """It is there, readable for us alone, and a key."""
    path = settings.master_key_path
    restore = "Put the key back from where you keep it; a new one opens nothing of what is there."
    if not path.exists():
        yield problem(
            "master key", f"There is no {path.absolute()}.",
            why="Without it no workspace that is there can be opened.",
            cure=f"{restore} For a new installation the first start makes one.",
        )  # fmt: skip
        return
    try:
        text = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        yield problem(
            "master key", f"{path.absolute()} cannot be read: {getattr(error, 'strerror', None) or 'not text'}.",
            why="Nothing can be opened without it.", cure=f"Let the user that runs Grace read it (mode 600). {restore}",
        )  # fmt: skip
        return
    if len(text) != 64 or set(text) - set("0123456789abcdefABCDEF"):
        yield problem(
            "master key", f"{path.absolute()} does not hold a 256-bit key in hexadecimal.",
            why="Nothing can be opened with it.", cure=restore,
        )  # fmt: skip
    elif path.stat().st_mode & 0o077:
        yield problem(
            "master key", f"{path.absolute()} is open to others (mode {path.stat().st_mode & 0o777:03o}).",
            why="Whoever has the key and the database has everything.", cure=f"chmod 600 {path.absolute()}",
        )  # fmt: skip
    else:
        yield fine("master key", "It is there, and only this user may read it.")


def check_port(settings: Settings) -> Iterator[Finding]:
    """The web server answers on its port, or nobody does."""
    up = running.find(settings.data_dir)
    host = settings.host if settings.host not in ("0.0.0.0", "::") else "127.0.0.1"  # noqa: S104
    port = urlsplit(up.url).port if up is not None else settings.port
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.settimeout(ANSWER_S)
        taken = probe.connect_ex((host, port)) == 0
    where = f"{host}:{port}"
    if not taken:
        yield notice(
            "web", f"Nothing listens on {where}.", why="No web process runs on this machine at that port.",
            cure="Start `grace serve` (or `grace up`); if it runs elsewhere, all is well.",
        )  # fmt: skip
        return
    try:
        answer = httpx.get(f"http://{where}/health", timeout=ANSWER_S, trust_env=False)
        ours = answer.status_code == 200 and answer.json() == {"status": "ok"}
    except (httpx.HTTPError, ValueError):
        ours = False
    if ours:
        yield fine("web", f"It answers on {where}.")
    else:
        yield problem(
            "web", f"Another program listens on {where}, or the web server does not answer.",
            why="`grace serve` cannot take the port.", cure="Stop that program, or choose another GRACE_PORT.",
        )  # fmt: skip


def check_up(settings: Settings) -> Iterator[Finding]:
    """Whether `grace up` runs on this data directory."""
    found = running.find(settings.data_dir)
    if found is not None:
        yield fine("grace up", f"Process {found.pid} runs it on {found.url}.")


CHECKS = (check_data_directory, check_disk, check_master_key, check_port, check_up)
