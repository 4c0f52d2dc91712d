"""Clients over HTTP: made, found again, named by many ids, changed, listed."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.fixtures.workspace import WorkspaceUnderTest


async def make(api: httpx.AsyncClient, **details: Any) -> dict[str, Any]:
    answer = await api.post("/api/v1/clients", json={"name": "Ann Lee", **details})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_client_is_made_with_every_field_that_the_documents_list(api: httpx.AsyncClient) -> None:
    details = {
        "name": "Ann Lee",
        "email": "ann@acme.com",
        "company": "Acme Inc.",
        "industry": "software",
        "budget_range": "5k-10k",
        "source": "Cold e-mail",
        "country": "US",
        "timezone": "America/New_York",
        "preferred_contact": "phone",
        "notes": "Met at a fair.",
        "metadata": {"rate": 1.10, "tags": ["a"]},
    }
    client = await make(api, **details)
    assert client.items() >= (details | {"source": "cold_email"}).items()
    assert client["id"].startswith("cust_")
    assert client["created"] is True
    assert client["matched_by"] is None
    assert client["lifetime_value"] == 0
    assert client["currency"] == "USD"
    assert (client["total_projects"], client["satisfaction_score"]) == (0, None)
    assert (client["status"], client["updated_at"], client["version"]) == ("active", None, 1)
    stored = (await api.get(f"/api/v1/clients/{client['id']}")).json()
    assert stored.items() >= {k: v for k, v in client.items() if k not in ("created", "matched_by")}.items()


@pytest.mark.parametrize(
    ("first", "again", "reason"),
    [
        ({"email": "ann@acme.com"}, {"email": "ANN+x@acme.com", "name": "A. Lee"}, "same e-mail"),
        ({"email": "ann@acme.com"}, {"email": "lee@acme.com", "name": "ANN  LEE"}, "same domain and name"),
        ({"external_id": "crm-7"}, {"external_id": "crm-7", "name": "Other"}, "same external id"),
    ],
)
async def test_the_same_client_is_found_again_and_the_reason_is_shown(
    api: httpx.AsyncClient, first: dict[str, Any], again: dict[str, Any], reason: str
) -> None:
    made = await make(api, **first)
    found = await make(api, **{**again, "company": "Acme"})
    assert (found["id"], found["created"], found["matched_by"]) == (made["id"], False, reason)
    assert (found["name"], found["company"]) == ("Ann Lee", "Acme")


async def test_two_people_of_one_name_are_two_clients(api: httpx.AsyncClient) -> None:
    one, two = await make(api, email="ann@gmail.com"), await make(api, email="lee@gmail.com")
    three, four = await make(api), await make(api)
    assert len({client["id"] for client in (one, two, three, four)}) == 4


async def test_what_is_known_is_kept_and_only_blanks_are_filled(api: httpx.AsyncClient) -> None:
    await make(api, email="ann@acme.com", industry="software")
    found = await make(api, email="ann@acme.com", industry="mining", country="US", external_id="a1")
    assert (found["industry"], found["country"], found["external_ids"]) == ("software", "US", ["a1"])
    assert (await api.get("/api/v1/clients/a1")).json()["id"] == found["id"]


async def test_filling_in_never_takes_another_clients_address(api: httpx.AsyncClient) -> None:
    bob = await make(api, name="Bob", email="bob@acme.com")
    bare = await make(api, name="x", external_id="x")
    found = await make(api, name="x", external_id="x", email="bob@acme.com", country="US")
    assert (found["id"], found["email"], found["country"]) == (bare["id"], None, "US")
    assert (await api.get(f"/api/v1/clients/{bob['id']}")).json()["email"] == "bob@acme.com"


async def test_every_id_names_the_client(api: httpx.AsyncClient) -> None:
    client = await make(api, external_id="client_abc")
    for reference in (client["id"], "client_abc", str(client["number"])):
        assert (await api.get(f"/api/v1/clients/{reference}")).json()["id"] == client["id"]


async def test_an_external_id_goes_before_a_number(api: httpx.AsyncClient) -> None:
    first = await make(api, email="one@acme.com")
    second = await make(api, email="two@gmail.com", external_id=str(first["number"]))
    assert second["id"] != first["id"]
    assert (await api.get(f"/api/v1/clients/{first['number']}")).json()["id"] == second["id"]


async def test_an_unknown_client_is_a_problem(api: httpx.AsyncClient) -> None:
    for reference in ("nobody", "999999", "cust_01hzzzzzzzzzzzzzzzzzzzzzzz", "9" * 100):
        answer = await api.get(f"/api/v1/clients/{reference}")
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/client-not-found")


async def test_fields_are_changed_one_by_one(api: httpx.AsyncClient) -> None:
    client = await make(api, email="ann@acme.com", country="US")
    changed = (await api.post(f"/api/v1/clients/{client['id']}", json={"country": None, "status": "inactive"})).json()
    assert (changed["country"], changed["status"], changed["email"]) == (None, "inactive", "ann@acme.com")
    assert changed["version"] == 2
    assert changed["updated_at"] is not None


async def test_a_stale_change_is_refused(api: httpx.AsyncClient) -> None:
    client = await make(api)
    address = f"/api/v1/clients/{client['id']}"
    assert (await api.post(address, json={"name": "B", "version": 1})).status_code == 200
    answer = await api.post(address, json={"name": "C", "version": 1})
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/stale-version")
    assert (await api.get(address)).json()["name"] == "B"


async def test_a_client_does_not_become_another(api: httpx.AsyncClient) -> None:
    ann, bob = await make(api, email="ann@acme.com"), await make(api, name="Bob", email="bob@acme.com")
    answer = await api.post(f"/api/v1/clients/{bob['id']}", json={"email": "ann@acme.com"})
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/duplicate-client")
    assert answer.json()["client_id"] == ann["id"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "x" * 257},
        {"name": "A", "email": "no address"},
        {"name": "A", "unknown": 1},
        {"name": "A", "lifetime_value": 5},
        {"name": "A", "source": "!"},
        {"name": "A", "status": "gone"},
        {"name": "A", "metadata": []},
        {"name": "A", "external_id": "x" * 129},
        {"name": "A", "external_id": "a\nb"},
        {"name": "A", "external_id": "cust_01hzzzzzzzzzzzzzzzzzzzzzzz"},
        {"name": 5},
        [],
    ],
)
async def test_bad_input_is_refused_and_nothing_is_written(
    api: httpx.AsyncClient, workspace: WorkspaceUnderTest, body: Any
) -> None:
    answer = await api.post("/api/v1/clients", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    async with workspace.tx() as tx:
        assert await tx.value("select count(*) from client") == 0
        assert await tx.value("select count(*) from audit_entry where subject_kind = 'client'") == 0


async def test_concurrent_captures_of_one_client_make_one(api: httpx.AsyncClient) -> None:
    by_mail = await asyncio.gather(*(make(api, email="ann@acme.com") for _ in range(8)))
    assert len({client["id"] for client in by_mail}) == 1
    by_name = await asyncio.gather(*(make(api, name=f"n{n}", external_id="same") for n in range(8)))
    assert len({client["id"] for client in by_name}) == 1
    assert sum(client["created"] for client in by_mail + by_name) == 2


async def test_lists_are_paged_sorted_and_filtered(api: httpx.AsyncClient) -> None:
    names = ["Dora", "Carl", "Bea", "anton", "Emil"]
    for name in names:
        await make(api, name=name, country="US" if name < "C" else "DE")
    seen: list[str] = []
    cursor = None
    while True:
        query = {"limit": 2, "sort": "name"} | ({"cursor": cursor} if cursor else {})
        answer = (await api.get("/api/v1/clients", params=query)).json()
        seen += [item["name"] for item in answer["items"]]
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    assert seen == ["anton", "Bea", "Carl", "Dora", "Emil"]
    newest = (await api.get("/api/v1/clients")).json()["items"]
    assert [item["name"] for item in newest] == names[::-1]
    german = (await api.get("/api/v1/clients", params={"country": "de", "sort": "-name"})).json()["items"]
    assert [item["name"] for item in german] == ["Emil", "Dora", "Carl", "anton"]
    assert [c["name"] for c in (await api.get("/api/v1/clients", params={"q": "CA"})).json()["items"]] == ["Carl"]
    for query in ({"limit": 0}, {"sort": "email"}, {"cursor": "!"}, {"cursor": "WzFd"}, {"status": "x"}):
        assert (await api.get("/api/v1/clients", params=query)).status_code == 422
