"""Every way in declares who may use it, and every role is refused exactly what it may not do."""

import re
from collections.abc import Iterator
from typing import get_args

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import BaseRoute, Mount, WebSocketRoute

from grace.kit.edge import LINK, PUBLIC, SIGNED, SIGNED_IN, Door
from grace.trust.identity.rules import PERMISSIONS, Role, covers, permissions
from grace.trust.identity.service import keys, people
from tests.fixtures.api import ADDRESS
from tests.fixtures.workspace import WorkspaceUnderTest

PUBLIC_DOORS = {
    "GET /docs",
    "POST /api/business/payments/webhook",
    "POST /api/v1/webhooks/stripe",
    "POST /api/v1/webhooks/stripe/{token}",
    "POST /api/v1/revenue/webhooks/stripe",
    "POST /payments/webhooks/stripe",
    "GET /health",
    "GET /metrics",
    "GET /ready",
    "GET /openapi.json",
    "GET /problems",
    "GET /problems/{type}",
    "GET /",
    "GET /sign-in",
    "POST /api/v1/sign-in",
    "POST /sign-in",
    "GET /api/v1/webhooks/test",
}
"""Whoever knocks. A new door comes in here on purpose only."""
OF_THE_MOMENT = {"GET /metrics", "GET /api/v1/insight/export"}
"""Their answers are others each time, as those pages are that say how long ago something was."""
LIVE_CHANNEL = "/ws"
"""Authenticates by itself when the socket opens."""
STATIC = "/static"
"""Scripts, styles, fonts and icons: the same for everybody."""


def rules_of(app: FastAPI) -> dict[str, str]:
    """The permission of each door of Grace's own, by method and path."""
    return {name: route.rule.may for name, route in named(app) if isinstance(route, Door)}


def named(app: FastAPI) -> Iterator[tuple[str, BaseRoute]]:
    for context in iter_route_contexts(app.routes):
        for method in sorted((context.methods or {"WS"}) - {"HEAD"}):
            yield f"{method} {context.path}", context.original_route


def test_every_route_is_a_door_with_a_rule_or_named_public(application: FastAPI) -> None:
    strays = [
        name
        for name, route in named(application)
        if not isinstance(route, Door)
        and name not in PUBLIC_DOORS
        and not (isinstance(route, WebSocketRoute) and route.path == LIVE_CHANNEL)
        and not (isinstance(route, Mount) and route.path == STATIC)
    ]
    assert strays == []


def test_the_test_sees_the_routes(application: FastAPI) -> None:
    assert len(rules_of(application)) > 20
    assert all(isinstance(route, Door) for _, route in named(application) if isinstance(route, APIRoute))


def test_every_rule_is_a_known_permission(application: FastAPI) -> None:
    known = PERMISSIONS | {PUBLIC, SIGNED, LINK, SIGNED_IN}
    assert {name: may for name, may in rules_of(application).items() if may not in known} == {}


def test_public_doors_are_those_that_are_named(application: FastAPI) -> None:
    public = {name for name, may in rules_of(application).items() if may in (PUBLIC, SIGNED)}
    assert public <= PUBLIC_DOORS, f"public without being named: {sorted(public - PUBLIC_DOORS)}"
    assert {name for name, _ in named(application)} >= PUBLIC_DOORS


def test_a_links_door_has_its_token_in_the_path(application: FastAPI) -> None:
    links = [name for name, may in rules_of(application).items() if may == LINK]
    assert links
    assert [name for name in links if "{token}" not in name] == []


def test_a_door_that_reads_asks_for_reading_and_one_that_acts_for_more(application: FastAPI) -> None:
    wrong = []
    for name, may in rules_of(application).items():
        method, verb = name.split()[0], may.partition(":")[2]
        if (method == "GET" and verb not in ("read", "")) or (method != "GET" and verb == "read"):
            wrong.append(f"{name}: {may}")
    assert wrong == []


async def ask(client: httpx.AsyncClient, name: str) -> httpx.Response:
    """Knock with nothing that could have an effect: unknown ids, no body."""
    method, path = name.split()
    return await client.request(method, re.sub(r"{[^}]*}", "nobody", path))


def test_what_is_shown_once_may_be_null_in_a_repeated_answer(application: FastAPI) -> None:
    shown = {name: route for name, route in named(application) if isinstance(route, Door) and route.rule.secrets}
    assert len(shown) > 1
    for name, route in shown.items():
        for secret in route.rule.secrets:
            field = route.response_model.model_fields[secret]
            assert type(None) in get_args(field.annotation), f"{name}: {secret}"


async def test_head_is_get_without_the_body(
    api: httpx.AsyncClient, application: FastAPI, workspace: WorkspaceUnderTest
) -> None:
    doors = {name for name, route in named(application) if isinstance(route, Door)}
    reading = [name for name in sorted(doors) if name.startswith("GET ")]
    assert len(reading) > 40
    answered = set()
    for name in reading:
        there = await ask(api, name)
        head = await ask(api, name.replace("GET", "HEAD"))
        answered.add(there.status_code)
        assert (head.status_code, head.content) == (there.status_code, b""), name
        page = there.headers.get("content-type", "").startswith("text/html")
        own = {"x-request-id", *(("content-length", "etag", "last-modified") if page or name in OF_THE_MOMENT else ())}
        for header in (head.headers.keys() | there.headers.keys()) - own:
            assert head.headers.get(header) == there.headers.get(header), f"{name}: {header}"
    assert {200, 404} <= answered
    acting = next(
        name for name in sorted(doors) if name.startswith("POST ") and name.replace("POST", "GET") not in doors
    )
    assert (await ask(api, acting.replace("POST", "HEAD"))).status_code == 405


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_is_refused_exactly_what_it_may_not_do(
    workspace: WorkspaceUnderTest, application: FastAPI, role: Role
) -> None:
    async with workspace.tx() as tx:
        user = await people.create_user(tx, email="user@example.com", name="U", roles=[role])
        _, key = await keys.create_key(tx, principal_id=user.id, name="test")
    transport = httpx.ASGITransport(application, raise_app_exceptions=False)
    wrong = []
    async with httpx.AsyncClient(
        transport=transport, base_url=ADDRESS, headers={"Authorization": f"Bearer {key}"}
    ) as client:
        for name, may in rules_of(application).items():
            if may in (PUBLIC, SIGNED, LINK, SIGNED_IN):
                continue
            answer = await ask(client, name)
            refused = answer.status_code == 403 and answer.json().get("permission") == may
            if refused == covers(permissions([role]), may) or answer.status_code in (401, 500):
                wrong.append(f"{name} ({may}): {answer.status_code} {answer.text[:200]}")
    assert wrong == []


async def test_nobody_gets_through_any_door_but_the_public_ones(
    visitor: httpx.AsyncClient, application: FastAPI
) -> None:
    wrong = []
    for name, may in rules_of(application).items():
        if may not in (PUBLIC, SIGNED, LINK):
            answer = await ask(visitor, name)
            if answer.status_code != 401 or answer.headers["content-type"] != "application/problem+json":
                wrong.append(f"{name}: {answer.status_code}")
    assert wrong == []


async def test_an_unknown_link_opens_nothing(
    visitor: httpx.AsyncClient, workspace: WorkspaceUnderTest, application: FastAPI
) -> None:
    token = f"{workspace.handle}.{'x' * 43}"
    for name, may in rules_of(application).items():
        if may == LINK:
            method, path = name.split()
            answer = await visitor.request(method, re.sub(r"{[^}]*}", token, path))
            assert answer.status_code in (404, 422), name
