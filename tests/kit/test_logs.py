"""Log lines: the same fields everywhere, libraries included, and no value that does not belong there."""

import io
import json
import logging
import sys
from collections.abc import Iterator

import psycopg
import pytest
import structlog
from pydantic import BaseModel

from grace.kit import logs
from tests.fixtures.workspace import WorkspaceUnderTest

FIELDS = {"time", "level", "event", "component", "request_id", "workspace"}
PERSON = "Ada Lovelace"
SECRETS = [
    "grc_main_9vKx2mPq7LwZ",
    "sk_test_51Habcdef",
    "pk_live_51Habcdef",
    "whsec_abcdef123456",
    "pi_3abc_secret_9xyz",
    f"main.{'aB3-_' * 9}",
    "postgresql://grace:hunter2@db/postgres",
    "password=hunter2",
    "Bearer abcdef",
    "ada@acme.example",
]


@pytest.fixture
def output() -> Iterator[io.StringIO]:
    """What this process logs; everything is as it was afterwards."""
    root, hook = logging.getLogger(), sys.excepthook
    handlers, level = root.handlers[:], root.level
    written = io.StringIO()
    logs.configure(component="test", output=written)
    yield written
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)
    sys.excepthook = hook
    structlog.reset_defaults()


def lines(output: io.StringIO) -> list[dict[str, str | None]]:
    return [json.loads(line) for line in output.getvalue().splitlines()]


def test_every_line_has_the_same_fields(output: io.StringIO) -> None:
    structlog.get_logger().info("plain")
    with structlog.contextvars.bound_contextvars(request_id="r1", workspace="main"):
        structlog.get_logger().warning("bound", more=1)
        logging.getLogger("some.library").warning("said %s", "something")
    plain, bound, library = lines(output)
    assert all(set(line) >= FIELDS and line["component"] == "test" for line in (plain, bound, library))
    assert (plain["request_id"], plain["workspace"], plain["level"]) == (None, None, "info")
    assert all((line["request_id"], line["workspace"]) == ("r1", "main") for line in (bound, library))
    assert library["event"] == "said something"


@pytest.mark.parametrize("secret", SECRETS)
def test_what_looks_like_a_secret_is_cut_out(output: io.StringIO, secret: str) -> None:
    structlog.get_logger().warning(f"got {secret} here", field=f"x {secret}", nested={"in": [secret]})
    logging.getLogger("some.library").error("library got %s", secret)
    assert len(lines(output)) == 2
    assert secret not in output.getvalue()
    assert output.getvalue().count(logs.CUT) == 4


def test_ids_and_routes_stay_readable(output: io.StringIO) -> None:
    event = "call_01hxyz0000000000000000000 at /pay/{token} for in_01hxyz, migrations 0001_kit.sql, v1.2.3"
    structlog.get_logger().info(event)
    assert lines(output)[0]["event"] == event


async def test_a_refused_row_is_not_quoted(workspace: WorkspaceUnderTest, output: io.StringIO) -> None:
    async with workspace.workspaces.owner(workspace.handle) as connection:
        try:
            await connection.execute(
                "insert into setting (name, value, updated_at) values ('Ada Lovelace', '{}', now())"
            )
        except psycopg.Error as error:
            assert PERSON in str(error)
            structlog.get_logger().error("failed", exc_info=error)
            logging.getLogger("some.library").exception("library failed")
    ours, library = lines(output)
    assert PERSON not in output.getvalue()
    for line in (ours, library):
        assert line["error"] == "CheckViolation(23514, setting, setting_name_check)"
        assert "test_logs.py" in str(line["trace"])


def test_a_wrong_field_is_not_quoted_and_causes_are_named(output: io.StringIO) -> None:
    class Person(BaseModel):
        age: int

    try:
        try:
            Person.model_validate({"age": PERSON})
        except ValueError as error:
            raise LookupError("no person") from error
    except LookupError:
        structlog.get_logger().error("failed", exc_info=True)
    (line,) = lines(output)
    assert line["error"] == "LookupError('no person')"
    assert "ValidationError(Person: age: int_parsing)" in str(line["trace"])
    assert PERSON not in output.getvalue()


class Terminal(io.StringIO):
    """Something that people look at."""

    def isatty(self) -> bool:
        """It is."""
        return True


def test_a_terminal_gets_lines_for_people(output: io.StringIO) -> None:
    shown = Terminal()
    logs.configure(component="test", output=shown)
    structlog.get_logger().warning("something happened", workspace="main")
    assert "something happened" in shown.getvalue()
    assert not shown.getvalue().startswith("{")
    assert output.getvalue() == ""


def test_what_ends_the_process_is_a_line_too(output: io.StringIO) -> None:
    error = RuntimeError("broken")
    sys.excepthook(RuntimeError, error, None)
    logs.say_stopped("no database")
    crashed, stopped = lines(output)
    assert crashed["event"] == stopped["event"] == "stopped"
    assert (crashed["level"], stopped["error"]) == ("critical", "no database")
