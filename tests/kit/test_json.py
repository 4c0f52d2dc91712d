"""JSON keeps the digits that it was given, and refuses what cannot be stored or computed with."""

import json as standard
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grace.kit import json
from grace.kit.errors import Malformed
from tests.fixtures.workspace import WorkspaceUnderTest

DIGITS = st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**20), max_value=10**20)
SCALARS = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | DIGITS | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20
)  # fmt: skip
VALUES = st.recursive(SCALARS, lambda v: st.lists(v, max_size=4) | st.dictionaries(st.text("abc", max_size=3), v))


class Colour(StrEnum):
    """Something that has a plain form."""

    RED = "red"


@given(VALUES)
def test_what_is_written_is_read_as_it_was(value: object) -> None:
    assert json.loads(json.dumps(value)) == value


@pytest.mark.parametrize("text", ["1500.00", "0.1", "-0.10", "1E+2", "12345678901234567890.12", "0", "7"])
def test_numbers_keep_their_digits(text: str) -> None:
    assert json.dumps(json.loads(text)) == text


def test_a_fraction_is_never_a_float() -> None:
    assert json.loads("[0.1, 1e2, 3]") == [Decimal("0.1"), Decimal("1e2"), 3]
    assert [type(number) for number in json.loads("[0.1, 1e2, 3]")] == [Decimal, Decimal, int]


def test_plain_forms() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    value = {"at": moment, "on": date(2026, 1, 2), "colour": Colour.RED, "set": frozenset("ba")}
    assert json.dumps(value) == '{"at":"2026-01-01T21:34:05Z","on":"2026-01-02","colour":"red","set":["a","b"]}'
    assert json.dumps(datetime(2026, 1, 2, tzinfo=UTC)) == '"2026-01-02T00:00:00Z"'


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), b"bytes"])
def test_what_has_no_form_is_not_written(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        json.dumps(value)


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "nul", "[1,]", "{'a': 1}", "NaN", "[Infinity]", "-Infinity", '"\\u0000"', '{"\\u0000": 1}',
        '"\\ud800"', '{"a": ["\\udfff"]}', "1" * 41, "1e400", "0." + "1" * 80, "[" * 33 + "]" * 33, "[" * 100_000,
    ],
)  # fmt: skip
def test_what_cannot_be_kept_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        json.loads(text)


def test_the_deepest_that_is_read() -> None:
    assert json.loads("[" * 32 + "]" * 32) == standard.loads("[" * 32 + "]" * 32)


async def test_a_column_gives_back_the_digits_that_went_in(workspace: WorkspaceUnderTest) -> None:
    async with workspace.tx() as tx:
        await tx.execute(
            "insert into setting (name, value, updated_at) values ('digits', %(value)s::jsonb, %(now)s)",
            value='{"price": 1500.00, "rate": 0.1}',
            now=tx.now,
        )
        kept = await tx.value("select value from setting where name = 'digits'")
    assert json.dumps(kept) == '{"rate":0.1,"price":1500.00}'
