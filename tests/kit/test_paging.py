"""Lists: every row once, in order, whatever is added while one reads; no cursor but ours."""

import base64
from itertools import pairwise
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from grace.kit.errors import Invalid
from grace.kit.paging import after_id, decode, encode, number_in

FORGED = [
    "",
    "x",
    "!!",
    "bnVsbA",
    "WzEsMl0",
    "e30",
    "W251bGxd",
    "W1tdXQ",
    "WzEuNV0",
    "a" * 500,
    "W3RydWVd",
    encode(2**63),
    encode(-1),
]
"""Nothing, noise, the JSON of null, [1,2], {}, [null], [[]], [1.5], too much, [true], and numbers of no row."""


@given(st.integers(0, 2**63 - 1) | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")))
def test_a_cursor_leads_back_to_its_place(position: int | str) -> None:
    assert decode(encode(position)) == position


@pytest.mark.parametrize("cursor", FORGED)
def test_a_forged_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(Invalid):
        decode(cursor)


def test_a_cursor_of_another_list_is_refused() -> None:
    with pytest.raises(Invalid):
        number_in(encode("cust_1"))
    with pytest.raises(Invalid):
        after_id(encode(7))


def lists(application: FastAPI) -> list[str]:
    """Every door that answers with a list that has pages, without those of one noun."""
    schema = application.openapi()
    found = []
    for path, doors in schema["paths"].items():
        names = {parameter["name"] for parameter in doors.get("get", {}).get("parameters", [])}
        if "cursor" in names and "{" not in path:
            found.append(path)
    return found


async def test_every_list_refuses_what_is_no_cursor_and_no_page(api: httpx.AsyncClient, application: FastAPI) -> None:
    paths = lists(application)
    assert len(paths) >= 10
    for path in paths:
        first = await api.get(path, params={"limit": 1})
        assert (first.status_code, set(first.json())) == (200, {"items", "next_cursor"}), path
        for cursor in [*FORGED[1:], "ü", base64.b64encode(b'["\\u0000"]').decode()]:
            answer = await api.get(path, params={"cursor": cursor})
            assert (answer.status_code, answer.json()["type"]) in [
                (422, "/problems/invalid-cursor"),
                (400, "/problems/malformed"),
            ], (path, cursor, answer.text)
        for limit in ("0", "-1", "201", "1e2", "x"):
            assert (await api.get(path, params={"limit": limit})).status_code == 422, (path, limit)


async def pages(api: httpx.AsyncClient, path: str, **query: Any) -> list[list[dict[str, Any]]]:
    """All pages, one after another; before the second one a client is added."""
    found: list[list[dict[str, Any]]] = []
    cursor = None
    while True:
        answer = (await api.get(path, params={**query, "limit": 3, **({"cursor": cursor} if cursor else {})})).json()
        found.append(answer["items"])
        cursor = answer["next_cursor"]
        if cursor is None:
            return found
        assert len(answer["items"]) == 3
        if len(found) == 1:
            body = {"source": "website", "name": "M", "email": "late@late.example"}
            assert (await api.post("/api/business/leads", json=body)).status_code == 200


@pytest.mark.parametrize("sort", ["created_at", "-created_at", "name", "-name"])
async def test_each_row_is_shown_once_and_in_order_while_rows_are_added(api: httpx.AsyncClient, sort: str) -> None:
    for number in range(10):
        body = {"source": "website", "name": "ABBBCCCDDZ"[number], "email": f"c{number}@firm{number}.example"}
        assert (await api.post("/api/business/leads", json=body)).status_code == 200
    rows = [row for page in await pages(api, "/api/v1/clients", sort=sort) for row in page]
    emails = [row["email"] for row in rows]
    assert len(emails) == len(set(emails))
    assert {f"c{number}@firm{number}.example" for number in range(10)} <= set(emails)
    by = [row[sort.removeprefix("-")] for row in rows]
    assert all((left >= right) if sort.startswith("-") else (left <= right) for left, right in pairwise(by))
