"""Merging two clients and undoing it."""

import asyncio
from typing import Any

import httpx

from tests.domains.crm.test_clients import make
from tests.fixtures.workspace import WorkspaceUnderTest

OWN = ("version", "updated_at")


def facts(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in OWN}


async def get(api: httpx.AsyncClient, reference: str) -> dict[str, Any]:
    return dict((await api.get(f"/api/v1/clients/{reference}")).json())


async def merge(api: httpx.AsyncClient, winner: Any, loser: Any, **more: Any) -> httpx.Response:
    return await api.post(f"/api/v1/clients/{winner}/merge", json={"other": loser, **more})


async def unmerge(api: httpx.AsyncClient, winner: Any, loser: Any) -> httpx.Response:
    return await api.post(f"/api/v1/clients/{winner}/unmerge", json={"other": loser})


async def pair(api: httpx.AsyncClient) -> tuple[dict[str, Any], dict[str, Any]]:
    one = await make(api, name="client_abc", external_id="client_abc")
    two = await make(api, name="Ann Lee", email="ann@acme.com", country="US", external_id="hub-9")
    return await get(api, one["id"]), await get(api, two["id"])


async def test_both_ids_name_the_winner_who_takes_what_it_lacked(api: httpx.AsyncClient) -> None:
    one, two = await pair(api)
    merged = (await merge(api, one["id"], two["number"], reason="one person")).json()
    assert (merged["name"], merged["email"], merged["country"]) == ("client_abc", "ann@acme.com", "US")
    assert merged["merged_ids"] == [two["id"]]
    for reference in (one["id"], two["id"], "client_abc", "hub-9", str(two["number"])):
        assert (await get(api, reference))["id"] == one["id"]
    assert [c["id"] for c in (await api.get("/api/v1/clients")).json()["items"]] == [one["id"]]
    again = await make(api, name="Ann", email="ann@acme.com")
    assert (again["id"], again["matched_by"]) == (one["id"], "same e-mail")


async def test_undoing_restores_both(api: httpx.AsyncClient) -> None:
    one, two = await pair(api)
    await merge(api, one["id"], two["id"])
    answer = await unmerge(api, one["id"], "hub-9")
    assert answer.status_code == 200, answer.text
    assert facts(one | answer.json()["client"]) == facts(one)  # a client's own page also tells its credit
    assert facts(two | answer.json()["restored"]) == facts(two)
    assert facts(await get(api, one["id"])) == facts(one)
    assert facts(await get(api, two["id"])) == facts(two)
    assert (await merge(api, two["id"], one["id"])).json()["merged_ids"] == [one["id"]]


async def test_what_was_changed_after_the_merge_stays(api: httpx.AsyncClient) -> None:
    one, two = await pair(api)
    await merge(api, one["id"], two["id"])
    await api.post(f"/api/v1/clients/{two['id']}", json={"country": "DE"})
    await unmerge(api, one["id"], two["id"])
    assert (await get(api, one["id"]))["country"] == "DE"
    assert (await get(api, two["id"]))["country"] == "US"


async def test_merges_form_chains_and_the_last_is_undone_first(api: httpx.AsyncClient) -> None:
    one, two = await pair(api)
    three = await make(api, name="Third", email="third@other.org")
    await merge(api, one["id"], two["id"])
    await merge(api, three["id"], one["id"])
    for reference in (two["id"], "hub-9", one["id"]):
        assert (await get(api, reference))["id"] == three["id"]
    early = await unmerge(api, three["id"], two["id"])
    assert (early.status_code, early.json()["type"]) == (409, "/problems/not-mergeable")
    assert (await unmerge(api, three["id"], one["id"])).status_code == 200
    assert (await get(api, two["id"]))["id"] == one["id"]
    assert (await unmerge(api, one["id"], two["id"])).status_code == 200
    assert (await get(api, two["id"]))["id"] == two["id"]


async def test_a_client_is_not_merged_into_itself(api: httpx.AsyncClient) -> None:
    one, two = await pair(api)
    assert (await merge(api, one["id"], "client_abc")).status_code == 409
    await merge(api, one["id"], two["id"])
    assert (await merge(api, two["id"], one["id"])).status_code == 409
    assert (await unmerge(api, one["id"], one["id"])).status_code == 409
    assert (await merge(api, one["id"], "nobody")).status_code == 404


async def test_a_merge_is_audited_on_both_records(api: httpx.AsyncClient, workspace: WorkspaceUnderTest) -> None:
    one, two = await pair(api)
    await merge(api, one["id"], two["id"], reason="one person")
    await unmerge(api, one["id"], two["id"])
    async with workspace.tx() as tx:
        rows = await tx.all(
            dict,
            "select action, subject_id from audit_entry where action like '%%merge_clients' order by id",
            at=tx.now,
        )
    assert [(row["action"], row["subject_id"]) for row in rows] == [
        ("merge_clients", one["id"]),
        ("merge_clients", two["id"]),
        ("unmerge_clients", one["id"]),
        ("unmerge_clients", two["id"]),
    ]


async def test_changes_during_merges_find_the_one_that_stands(api: httpx.AsyncClient) -> None:
    clients = [await make(api, name=f"c{n}", external_id=f"c{n}") for n in range(5)]
    merges = [merge(api, clients[n + 1]["id"], clients[n]["id"]) for n in range(4)]
    changes = [api.post("/api/v1/clients/c0", json={"notes": f"{n}"}) for n in range(12)]
    done = await asyncio.gather(*merges, *changes)
    assert {answer.status_code for answer in done[4:]} == {200}
    standing = {(await get(api, f"c{n}"))["id"] for n in range(5)}
    assert len(standing) == 1 + sum(answer.status_code != 200 for answer in done[:4])
