"""The doors of governance over HTTP."""

from typing import Any

import pytest

from grace.kit.tx import Principal
from grace.trust.governance.service.perform import perform
from tests.trust.governance import sample
from tests.trust.governance.office import Office
from tests.trust.governance.sample import SampleRefund


async def held(office: Office, proposer: Principal, amount_minor: int = 20000) -> str:
    async with office.tx(proposer) as tx:
        await tx.execute("insert into sample_invoice values ('in_1', 1) on conflict do nothing")
        return (await perform(tx, SampleRefund("in_1", amount_minor))).decision.id


async def test_a_held_action_is_seen_voted_on_and_run(office: Office) -> None:
    ann, bob = await office.member("Ann", "member"), await office.member("Bob", "member", parliament=True)
    decision_id = await held(office, ann)
    async with office.client(ann) as api:
        seen = (await api.get(f"/api/v1/decisions/{decision_id}")).json()
        assert (seen["status"], seen["requires_approval"]) == ("awaiting_approval", True)
        assert seen["arguments"] == {"invoice_id": "in_1", "amount_minor": 20000, "currency": "USD"}
        assert seen["reasons"] == [
            {
                "policy": "sample-big",
                "says": "Above 100 dollars.",
                "quorum": "majority of parliament",
                "solo": True,
            }
        ]
        assert (await api.get(f"/api/v1/decisions/{seen['number']}")).json() == seen
        own = await api.post(f"/api/v1/decisions/{decision_id}/vote", json={"approve": True})
        assert (own.status_code, own.json()["type"]) == (403, "/problems/no-vote")
    async with office.client(bob) as api:
        done = await api.post(f"/api/v1/decisions/{decision_id}/vote", json={"approve": True, "reason": "checked"})
        assert (done.status_code, done.json()["status"], done.json()["result"]) == (200, "executed", {"id": 1})
        assert [(v["voter_name"], v["approve"], v["reason"]) for v in done.json()["votes"]] == [
            ("Bob", True, "checked")
        ]
        again = await api.post(f"/api/v1/decisions/{decision_id}/vote", json={"approve": True})
        assert (again.status_code, again.json()["type"]) == (409, "/problems/decision-closed")


async def test_a_vote_with_an_idempotency_key_is_cast_once(office: Office) -> None:
    ann = await office.member("Ann", "member")
    bob, _ = [await office.member(name, "member", parliament=True) for name in ("Bob", "Cat")]
    decision_id = await held(office, ann)
    async with office.client(bob) as api:
        send = {"json": {"approve": True}, "headers": {"Idempotency-Key": "k1"}}
        answers = [await api.post(f"/api/v1/decisions/{decision_id}/vote", **send) for _ in range(2)]  # type: ignore[arg-type]
    assert answers[0].json() == answers[1].json()
    assert len(await office.all("select 1 as one from fact where kind = 'VoteCast'")) == 1


async def test_decisions_are_listed_in_pages_the_newest_first(office: Office) -> None:
    ann = await office.member("Ann", "member")
    await office.member("Bob", parliament=True)
    ids = [await held(office, ann, 20000 + n) for n in range(5)] + [await held(office, ann, 1)]
    async with office.client(ann) as api:
        found: list[str] = []
        query: dict[str, Any] = {"limit": 2, "status": "awaiting_approval"}
        while True:
            page = (await api.get("/api/v1/decisions", params=query)).json()
            found += [item["id"] for item in page["items"]]
            if page["next_cursor"] is None:
                break
            query["cursor"] = page["next_cursor"]
        assert found == ids[4::-1]
        assert len((await api.get("/api/v1/decisions")).json()["items"]) == 6


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/api/v1/decisions/dec_unknown", None, 404),
        ("GET", "/api/v1/decisions/99999999999999999999999", None, 404),
        ("GET", "/api/v1/decisions?cursor=x", None, 422),
        ("GET", "/api/v1/decisions?cursor=WyJhIl0", None, 422),
        ("GET", "/api/v1/decisions?cursor=Wzk5OTk5OTk5OTk5OTk5OTk5OTk5XQ", None, 422),
        ("GET", "/api/v1/decisions?status=granted", None, 422),
        ("GET", "/api/v1/decisions?limit=0", None, 422),
        ("GET", "/api/v1/policies?cursor=Wzk5OTk5OTk5OTk5XQ", None, 200),
        ("POST", "/api/v1/decisions/dec_unknown/vote", {"approve": True}, 404),
        ("POST", "/api/v1/decisions/dec_unknown/vote", {"approve": "yes"}, 422),
        ("POST", "/api/v1/decisions/dec_unknown/vote", {"reason": "x"}, 422),
        ("POST", "/api/v1/decisions/dec_unknown/vote", {"approve": True, "voter": "ann"}, 422),
        ("POST", "/api/v1/policies", {"text": "permit", "cases": []}, 422),
        ("POST", "/api/v1/policies", {"text": "", "cases": []}, 422),
        ("POST", "/api/v1/rates", {"rates": []}, 422),
        ("POST", "/api/v1/rates", {"rates": [{"currency": "EUR", "per_usd": 0, "on_date": "2025-01-01"}]}, 422),
        ("POST", "/api/v1/rates", {"rates": [{"currency": "EUR", "per_usd": None, "on_date": "2025-01-01"}]}, 422),
        ("POST", "/api/v1/rates", {"rates": [{"currency": "EUR", "per_usd": 1, "on_date": "2999-01-01"}]}, 422),
    ],
)
async def test_wrong_requests(office: Office, method: str, path: str, body: object, status: int) -> None:
    async with office.client(await office.member("Ann", "owner")) as api:
        answer = await api.request(method, path, json=body)
    assert answer.status_code == status, answer.text
    if status >= 400:
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_policy_is_tried_proposed_and_approved(office: Office) -> None:
    ann, bob = await office.member("Ann", "owner"), await office.member("Bob", "admin")
    await held(office, ann, 6000)
    text = sample.text().replace("> 1000000", "> 5000")
    cases = [*sample.cases()[:-1], {**sample.CASES[0], "context": {"total_usd_minor": 5000}}]
    async with office.client(ann) as api:
        unsound = await api.post("/api/v1/policies", json={"text": text, "cases": sample.cases()})
        assert (unsound.status_code, unsound.json()["type"]) == (422, "/problems/unsound-policy")
        assert "expected allowed, got denied" in unsound.json()["findings"][0]
        tried = await api.post("/api/v1/policies", json={"text": text, "cases": cases, "dry_run": True})
        assert (tried.status_code, tried.json()["policy"]) == (200, None)
        assert [(c["was"], c["would_be"]) for c in tried.json()["changes"]] == [("allowed", "denied")]
        asked = await api.post("/api/v1/policies", json={"text": text, "cases": cases})
        assert (asked.status_code, asked.json()["requires_approval"], asked.json()["status"]) == (
            202,
            True,
            "awaiting_approval",
        )
    async with office.client(bob) as api:
        voted = await api.post(f"/api/v1/decisions/{asked.json()['decision_id']}/vote", json={"approve": True})
        assert voted.json()["status"] == "executed"
        versions = (await api.get("/api/v1/policies")).json()["items"]
    assert [(version["version"], version["text"] == text) for version in versions] == [
        (3, True),
        (2, False),
        (1, False),
    ]


async def test_a_denial_is_a_stored_answer(office: Office) -> None:
    mia = await office.member("Mia", "member")
    async with office.client(mia) as api:
        answer = await api.post("/api/v1/policies", json={"text": sample.text(), "cases": sample.cases()})
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/action-denied")
    stored = await office.all("select id, status from decision")
    assert stored == [{"id": answer.json()["decision_id"], "status": "denied"}]


async def test_rates_are_stored_all_or_none(office: Office) -> None:
    async with office.client(await office.member("Ann", "owner")) as api:
        good = {"currency": "eur", "per_usd": "0.92", "on_date": "2025-01-01"}
        bad = {"currency": "XXX", "per_usd": 1, "on_date": "2025-01-01"}
        refused = await api.post("/api/v1/rates", json={"rates": [good, bad]})
        assert (refused.status_code, len(refused.json()["findings"])) == (422, 1)
        assert await office.all("select currency from exchange_rate") == []
        stored = await api.post("/api/v1/rates", json={"rates": [good, {**good, "currency": "JPY", "per_usd": 150.25}]})
        assert (stored.status_code, stored.json()) == (200, {"stored": 2})
    assert [str(row["per_usd"]) for row in await office.all("select per_usd from exchange_rate order by 1")] == [
        "0.92",
        "150.25",
    ]
