"""Structured logs: one JSON object a line, on a terminal laid out for people; ids only, never names, bodies or secrets.

Every line of every process has the fields time, level, event, component, request_id and workspace (null where there
is none). Lines of libraries take the same way. Errors are described without the values that a database or a check
quotes, and what looks like a secret or an address is cut out of everything else: the last net, not the rule.
"""

import logging
import re
import sys
import traceback
from types import TracebackType
from typing import Any, TextIO

import psycopg
import structlog
from pydantic import ValidationError
from structlog.typing import EventDict, Processor, WrappedLogger

ERROR_CHARACTERS = 500
TRACE_CHARACTERS = 6000
CUT = "[cut]"

_SECRETS = re.compile(
    r"""
    grc_[a-z][a-z0-9]{0,31}_[\w-]{8,}                    # API keys
    | \b(?:sk|pk|rk)_(?:test|live)_[\w{}]+              # a provider's keys
    | \bwhsec_\w+ | \b\w+_secret_\w+                   # webhook and client secrets
    | \b[a-z][a-z0-9]{0,31}\.[\w-]{40,}                # links, sessions, endpoints
    | \b(?:postgres|postgresql)://\S+ | \bpassword=\S+ # connection strings
    | \bBearer\s+\S+
    | [\w.+%-]+@[\w-]+(?:\.[\w-]+)+                     # e-mail addresses
    """,
    re.VERBOSE | re.IGNORECASE,
)
_component = ""
_output: TextIO | None = None


def configure(level: str = "INFO", *, component: str, output: TextIO | None = None) -> None:
    """Send this process's logs, those of its libraries and what ends it, to standard error or `output`."""
    global _component, _output
    _component, _output = component, output or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        _same_fields,
        _describe_errors,
        _cut_secrets,
    ]
    last: Processor = structlog.processors.JSONRenderer(ensure_ascii=False)
    if _output.isatty():
        last = structlog.dev.ConsoleRenderer(timestamp_key="time")
    structlog.configure(
        processors=[*shared, last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(_output),
        cache_logger_on_first_use=False,
    )
    libraries = logging.StreamHandler(_output)
    libraries.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last]
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[libraries], force=True)
    logging.captureWarnings(True)
    sys.excepthook = _ended


def say_stopped(why: str) -> bool:
    """Log why this process ends; whether that was said on standard error."""
    if _component:
        structlog.get_logger().critical("stopped", error=why)
    return _output is sys.stderr


def described(error: BaseException) -> str:
    """What went wrong, without values: a database quotes the row that it refuses, a check the field that is wrong."""
    kind = type(error).__name__
    if isinstance(error, psycopg.Error) and error.sqlstate is not None:
        about = (error.sqlstate, error.diag.table_name, error.diag.column_name, error.diag.constraint_name)
        return f"{kind}({', '.join(part for part in about if part)})"
    if isinstance(error, ValidationError):
        places = (".".join(map(str, found["loc"])) + ": " + found["type"] for found in error.errors())
        return f"{kind}({error.title}: {'; '.join(places)})"[:ERROR_CHARACTERS]
    return f"{kind}({str(error)[:ERROR_CHARACTERS]!r})"


def _same_fields(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    first = {name: event.pop(name, None) for name in ("time", "level", "event", "component", "request_id", "workspace")}
    first["component"] = first["component"] or _component
    return {**first, **event}


def _describe_errors(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    error = event.get("error")
    if isinstance(error, BaseException):
        event["error"] = described(error)
    raised = event.pop("exc_info", None)
    if isinstance(raised, BaseException):
        raised = (type(raised), raised, raised.__traceback__)
    elif raised and not isinstance(raised, tuple):
        raised = sys.exc_info()
    if raised and raised[1] is not None:
        event.setdefault("error", described(raised[1]))
        event["trace"] = _trace(raised[1])[-TRACE_CHARACTERS:]
    return event


def _trace(error: BaseException) -> str:
    """Where it happened, and within which errors, in lines of code: code holds no values."""
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    above = f"{_trace(before)}{described(before)}\nled to\n" if before is not None else ""
    return above + "".join(traceback.format_tb(error.__traceback__))


def _cut_secrets(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return {name: _cut(value) for name, value in event.items()}


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        return _SECRETS.sub(CUT, value)
    if isinstance(value, list | tuple):
        return [_cut(item) for item in value]
    if isinstance(value, dict):
        return {name: _cut(item) for name, item in value.items()}
    return value


def _ended(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    structlog.get_logger().critical("stopped", exc_info=(kind, error, trace))
    if _output is not sys.stderr:
        sys.__excepthook__(kind, error, trace)
