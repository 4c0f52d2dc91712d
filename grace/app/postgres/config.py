"""The configuration of the embedded server: how a cluster is made, and the fragment written at each start."""

import os
from pathlib import Path

MEGABYTE = 1024 * 1024
INCLUDE = "include '../grace.conf'"


def initdb_options(*, major: int, password_file: Path) -> list[str]:
    """Flags for `initdb`: passwords by SCRAM everywhere, checksums, UTF-8, and an order of text that no
    operating system update can change."""
    if major >= 17:
        locale = ["--locale-provider=builtin", "--locale=C.UTF-8"]
    else:
        locale = ["--locale-provider=libc", "--locale=C"]
    return [
        "--username=postgres",
        f"--pwfile={password_file}",
        "--auth=scram-sha-256",
        "--data-checksums",
        "--encoding=UTF8",
        *locale,
        "--text-search-config=english",
        "--no-instructions",
    ]


def fragment(*, socket_folder: Path, log_folder: Path, tcp_port: int | None, durable: bool) -> str:
    """The text of `grace.conf`. An operator's `ALTER SYSTEM` still wins over it."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    shared = min(max(memory // 8, 128 * MEGABYTE), 1024 * MEGABYTE)
    settings: dict[str, str | int] = {
        "listen_addresses": "127.0.0.1" if tcp_port else "",
        "port": tcp_port or 5432,
        "unix_socket_directories": _quoted_path(socket_folder),
        "unix_socket_permissions": "0700",
        "password_encryption": "scram-sha-256",
        "max_connections": 200,
        # A forgotten prepared transaction would stop the audit's sealer for ever.
        "max_prepared_transactions": 0,
        "shared_buffers": f"{shared // MEGABYTE}MB",
        "effective_cache_size": f"{memory // 2 // MEGABYTE}MB",
        "work_mem": "16MB",
        "maintenance_work_mem": "128MB",
        "max_wal_size": "4GB",
        "min_wal_size": "128MB",
        "random_page_cost": "1.1",
        "autovacuum_naptime": "20s",
        "autovacuum_vacuum_scale_factor": "0.05",
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "lc_messages": "C",
        "logging_collector": "on",
        "log_directory": str(log_folder),
        "log_filename": "postgresql-%a.log",
        "log_truncate_on_rotation": "on",
        "log_rotation_age": "1d",
        "log_rotation_size": 0,
        "log_line_prefix": "%m [%p] %d ",
        # Statements, their values and the rows named in error details are personal data: never logged.
        "log_error_verbosity": "terse",
        "log_min_error_statement": "panic",
        "log_parameter_max_length": 0,
    }
    if not durable:
        # Commits still reach the operating system, so that killing the server loses nothing.
        settings |= {"fsync": "off", "full_page_writes": "off", "shared_buffers": "128MB"}
    lines = "".join(f"{name} = {_quoted(str(value))}\n" for name, value in settings.items())
    return f"# Written by Grace at each start; for settings of your own use ALTER SYSTEM.\n{lines}"


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def _quoted_path(path: Path) -> str:
    """One entry of a setting that is a list: in double quotes, so that a comma or blank stays in the path."""
    return '"' + str(path).replace('"', '""') + '"'
