"""Nonsense at every door of proposals, contracts, projects and surveys: a problem document, never a fault."""

import itertools
import re
from typing import Any

from fastapi import FastAPI

from tests.flows.story import Story, path

MINE = re.compile(r"propos|contract|/projects|survey")
VALUES: list[Any] = [
    "", "0", "1", "99999999999999999999", "x" * 65, "ü☃", "%00", "' or 1=1 --",
]  # fmt: skip
BODIES: list[Any] = [
    None, [], "text", 7, {}, {"name": ["x"]}, {"score": {}}, {"project_id": [], "spec": []}, {"budget": {}},
    {"project_id": 10**30, "spec": {"a": [1.5, None, {"b": 10**30}]}},
    {"client_id": {}, "requirements": "x", "budget": 1},
    {"hours_spent": "NaN"}, {"hours_spent": 1e30}, {"cost": "Infinity"}, {"amount": "1e99"}, {"reason": None},
]  # fmt: skip
RAW = [b"{", b"\xff\xfe", b'{"name": "\\u0000"}', b'{"name": "\\ud800"}', b"[" * 5000, b'{"score": 1e400}', b"NaN"]


async def test_nonsense_is_refused_in_plain_words(story: Story, application: FastAPI) -> None:
    await story.delivered(budget=4000, requirements="A website with 3 pages.")
    stored = await _rows(story)
    tokens = [path(url) for url in await _client_urls(story)]
    sent = 0
    for address, doors in application.openapi()["paths"].items():
        if not MINE.search(address):
            continue
        for place, method in itertools.product(_places(address, tokens), set(doors) & {"get", "post"}):
            for content in [*BODIES, *RAW] if method == "post" else [None]:
                if method == "post" and content in (None, {}) and "{" in address:
                    continue  # a body may be left out: that is no nonsense
                body = {"content": content} if isinstance(content, bytes) else {"json": content}
                answer = await story.owner.request(method.upper(), place, **(body if method == "post" else {}))
                sent += 1
                assert answer.status_code < 500, (method, place, content, answer.text)
                if answer.status_code >= 400:
                    assert answer.json()["detail"], (method, place, content)
                    assert "Value error" not in answer.text, (method, place, content)
    assert sent > 300
    assert await _rows(story) == stored


def _places(address: str, tokens: list[str]) -> list[str]:
    """The address with nonsense in its places, and with a real token."""
    kind = address.split("/")[1]
    real = [token.rsplit("/", 1)[1] for token in tokens if token.startswith(f"/{kind}/")]
    return [re.sub(r"\{\w+\}", value.replace("/", "%2F"), address) for value in [*VALUES, *real]]


async def _client_urls(story: Story) -> list[str]:
    found = []
    for address, name in (("proposals", "client_url"), ("contracts", "client_url"), ("projects", "survey_url")):
        items = (await story.owner.get(f"/api/v1/{address}")).json()["items"]
        found += [one[name] for one in items]
    return found


async def _rows(story: Story) -> dict[str, Any]:
    tables = ("proposal", "contract", "project", "milestone", "delivery", "survey_answer", "invoice")
    return {table: await story.rows(f"select * from {table} order by id") for table in tables}
