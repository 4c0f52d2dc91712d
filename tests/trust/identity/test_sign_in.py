"""Passwords: the right one, the wrong ones, and too many of them."""

import asyncio
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher

from grace.kit.tx import ANONYMOUS
from grace.trust.identity import passwords
from grace.trust.identity.errors import WrongPassword
from grace.trust.identity.rules import ATTEMPTS, Role
from grace.trust.identity.service import sessions, sign_in
from tests.fixtures.office import People, Person

SECRET = "correct horse battery"


async def try_password(office: People, email: str, password: str, *, address: str = "10.0.0.1") -> httpx.Response:
    browser = await office.browser(address=address)
    body = {"email": email, "password": password, "workspace": office.workspace.handle}
    return await browser.post("/api/v1/sign-in", json=body)


@pytest.fixture
async def ann(office: People) -> Person:
    person = await office.user(Role.MEMBER)
    async with office.workspace.tx() as tx:
        await tx.execute(
            "update principal set password_hash = %(hash)s where id = %(id)s",
            hash=await passwords.hashed(SECRET),
            id=person.id,
        )
    return person


class TestSignIn:
    async def test_with_the_password_opens_a_session(self, office: People, ann: Person) -> None:
        browser = await office.browser()
        body = {"email": ann.email.upper(), "password": SECRET, "workspace": office.workspace.handle}
        answer = await browser.post("/api/v1/sign-in", json=body)
        assert answer.status_code == 200
        assert answer.json()["id"] == ann.id
        assert answer.headers["cache-control"] == "no-store"
        me = (await browser.get("/api/v1/me")).json()
        assert (me["id"], me["authenticated_at"] is None) == (ann.id, False)

    async def test_refuses_every_wrong_pair_alike(self, office: People, ann: Person) -> None:
        bob, gone = await office.user(Role.MEMBER), await office.user(Role.MEMBER)
        async with office.workspace.tx() as tx:
            await tx.execute(
                "update principal set disabled_at = clock_timestamp(), password_hash = %(hash)s where id = %(id)s",
                hash=await passwords.hashed(SECRET),
                id=gone.id,
            )
        pairs = [(ann.email, "wrong"), (ann.email, SECRET + " "), (bob.email, SECRET), (gone.email, SECRET)]
        answers = [await try_password(office, *pair) for pair in [*pairs, ("nobody@example.com", SECRET)]]
        elsewhere = {"email": ann.email, "password": SECRET, "workspace": "nowhere"}
        answers.append(await (await office.browser()).post("/api/v1/sign-in", json=elsewhere))
        said = [answer.json() | {"request_id": None} for answer in answers]
        assert {answer.status_code for answer in answers} == {401}
        assert all(document == said[0] for document in said)
        assert all("set-cookie" not in answer.headers for answer in answers)

    async def test_does_the_same_work_whoever_is_asked_for(
        self, office: People, ann: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        work: list[str] = []
        verify = PasswordHasher.verify

        def counted(self: PasswordHasher, stored: str, password: str) -> Any:
            work.append(stored.rpartition("$")[0].rpartition("$")[0])
            return verify(self, stored, password)

        monkeypatch.setattr(PasswordHasher, "verify", counted)
        bob = await office.user(Role.MEMBER)
        for email in (ann.email, bob.email, "nobody@example.com"):
            await try_password(office, email, "wrong")
        assert len(work) == 3
        assert len(set(work)) == 1, "the same algorithm and parameters for the unknown"

    async def test_counts_the_same_statements_whoever_is_asked_for(self, office: People, ann: Person) -> None:
        counts = []
        for email in (ann.email, "nobody@example.com"):
            async with office.workspace.tx(ANONYMOUS) as tx:
                await sign_in.begin_attempt(tx, email=email, address="10.0.0.1")
                counts.append(tx.statements)
        assert counts[0] == counts[1]

    async def test_comes_from_this_site_only(self, office: People, ann: Person) -> None:
        browser = await office.browser()
        body = {"email": ann.email, "password": SECRET, "workspace": office.workspace.handle}
        for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
            answer = await browser.post("/api/v1/sign-in", json=body, headers=headers)
            assert (answer.status_code, answer.json()["type"]) == (403, "/problems/foreign-origin")

    async def test_a_wrong_body_is_refused_without_repeating_the_password(self, office: People) -> None:
        browser = await office.browser()
        for body in (
            {"email": "a@b.c", "password": "s" * 2000},
            {"email": "a@b.c", "password": ["hunter2"]},
            {"email": "not an email", "password": "hunter2", "workspace": office.workspace.handle},
            {"email": "a@b.c", "password": "hunter2", "remember": True},
            {"password": "hunter2"},
        ):
            answer = await browser.post("/api/v1/sign-in", json=body)
            assert answer.status_code == 422
            assert "hunter2" not in answer.text
            assert "sss" not in answer.text

    async def test_needs_the_workspace_where_there_are_several(self, office: People, ann: Person) -> None:
        handles = await office.workspace.workspaces.handles()
        answer = await (await office.browser()).post("/api/v1/sign-in", json={"email": ann.email, "password": SECRET})
        assert answer.status_code == (200 if len(handles) == 1 else 422)


class TestThrottle:
    async def test_ten_failures_close_the_account_for_everybody(self, office: People, ann: Person) -> None:
        for n in range(ATTEMPTS):
            assert (await try_password(office, ann.email, "wrong", address=f"10.0.0.{n}")).status_code == 401
        answer = await try_password(office, ann.email, SECRET, address="10.0.1.1")
        assert (answer.status_code, answer.json()["type"]) == (429, "/problems/too-many-sign-ins")
        assert 0 < int(answer.headers["retry-after"]) <= 900

    async def test_ten_failures_close_the_address_for_every_account(self, office: People, ann: Person) -> None:
        for n in range(ATTEMPTS):
            await try_password(office, f"nobody{n}@example.com", "wrong")
        assert (await try_password(office, ann.email, SECRET)).status_code == 429
        assert (await try_password(office, ann.email, SECRET, address="10.0.0.2")).status_code == 200

    async def test_the_count_is_exact_for_attempts_at_once(self, office: People, ann: Person) -> None:
        tries = (try_password(office, ann.email, f"wrong {n}", address=f"10.0.0.{n}") for n in range(ATTEMPTS + 6))
        answers = await asyncio.gather(*tries)
        assert sorted(answer.status_code for answer in answers) == [401] * ATTEMPTS + [429] * 6

    async def test_success_is_no_failure(self, office: People, ann: Person) -> None:
        for _ in range(ATTEMPTS + 2):
            assert (await try_password(office, ann.email, SECRET)).status_code == 200
        async with office.workspace.tx() as tx:
            assert await tx.value("select max(failures) from sign_in_attempt") == 0

    async def test_ends_with_its_window(self, office: People, ann: Person) -> None:
        for _ in range(ATTEMPTS + 1):
            await try_password(office, ann.email, "wrong")
        assert (await try_password(office, ann.email, SECRET)).status_code == 429
        async with office.workspace.tx() as tx:
            await tx.execute("update sign_in_attempt set since = since - interval '15 minutes'")
        assert (await try_password(office, ann.email, SECRET)).status_code == 200

    async def test_old_counts_are_swept_and_hold_no_address(self, office: People, ann: Person) -> None:
        for n in range(3):
            await try_password(office, f"nobody{n}@example.com", "wrong", address=f"10.0.0.{n}")
        async with office.workspace.tx() as tx:
            rows = str(await tx.all(dict, "select * from sign_in_attempt"))
            await tx.execute("update sign_in_attempt set since = since - interval '1 hour'")
        assert "nobody" not in rows
        await try_password(office, ann.email, SECRET, address="10.9.9.9")
        async with office.workspace.tx() as tx:
            assert await tx.value("select count(*) from sign_in_attempt") == 2


class TestSetPassword:
    async def test_needs_fresh_proof_and_ends_other_sessions(self, office: People, ann: Person) -> None:
        here, there = await office.signed_in(ann), await office.signed_in(ann)
        async with office.workspace.tx() as tx:
            await tx.execute("update session set authenticated_at = authenticated_at - interval '6 minutes'")
        refused = await here.post("/api/v1/me/password", json={"password": "another good one"})
        assert (refused.status_code, refused.json()["type"]) == (403, "/problems/sign-in-again")
        assert (await here.post("/api/v1/me/confirm", json={"password": SECRET})).status_code == 200
        done = await here.post("/api/v1/me/password", json={"password": " another good one "})
        assert done.status_code == 200, done.text
        assert (await here.get("/api/v1/me")).status_code == 200
        assert (await there.get("/api/v1/me")).status_code == 401
        assert (await try_password(office, ann.email, SECRET)).status_code == 401
        assert (await try_password(office, ann.email, "another good one")).status_code == 401
        assert (await try_password(office, ann.email, " another good one ")).status_code == 200

    @pytest.mark.parametrize("password", ["short", "x" * 11, "x" * 1025])
    async def test_refuses_a_bad_length(self, office: People, ann: Person, password: str) -> None:
        browser = await office.signed_in(ann)
        answer = await browser.post("/api/v1/me/password", json={"password": password})
        assert answer.status_code == 422

    async def test_no_key_sets_a_password(self, office: People, ann: Person) -> None:
        bot = await office.agent(ann)
        for person, status in ((ann, 403), (bot, 409)):
            answer = await person.api.post("/api/v1/me/password", json={"password": "long enough now"})
            assert answer.status_code == status

    async def test_an_attempt_on_the_old_password_opens_nothing(self, office: People, ann: Person) -> None:
        async with office.workspace.tx(ANONYMOUS) as tx:
            attempt = await sign_in.begin_attempt(tx, email=ann.email, address="10.0.0.1")
        async with office.workspace.tx() as tx:
            await tx.execute("update principal set password_hash = 'other' where id = %(id)s", id=ann.id)
        async with office.workspace.tx(ANONYMOUS) as tx:
            with pytest.raises(WrongPassword):
                await sign_in.finish_attempt(tx, attempt)


class TestConfirm:
    async def aged(self, office: People, ann: Person) -> httpx.AsyncClient:
        browser = await office.signed_in(ann)
        async with office.workspace.tx() as tx:
            await tx.execute("update session set authenticated_at = authenticated_at - interval '1 day'")
        return browser

    async def test_with_the_password(self, office: People, ann: Person) -> None:
        browser = await self.aged(office, ann)
        old = (await browser.get("/api/v1/me")).json()["authenticated_at"]
        answer = await browser.post("/api/v1/me/confirm", json={"password": SECRET})
        assert answer.json()["authenticated_at"] > old
        assert (await browser.get("/api/v1/me")).json()["authenticated_at"] == answer.json()["authenticated_at"]

    async def test_with_a_fresh_link_of_ones_own_only(self, office: People, ann: Person) -> None:
        bob = await office.user(Role.MEMBER)
        browser = await self.aged(office, ann)
        tokens = []
        for person in (bob, ann):
            async with office.workspace.tx() as tx:
                tokens.append(await sessions.make_sign_in_link(tx, principal_id=person.id))
        statuses = []
        for token in (*tokens, tokens[1]):
            answer = await browser.post("/api/v1/me/confirm", json={"sign_in_token": token})
            statuses.append(answer.status_code)
        assert statuses == [404, 200, 410]
        assert (await (await office.browser()).post(f"/sign-in/{tokens[0]}")).status_code == 303, "bob's is unused"

    async def test_wrong_passwords_are_counted_although_they_are_refused(self, office: People, ann: Person) -> None:
        browser = await self.aged(office, ann)
        statuses = [
            (await browser.post("/api/v1/me/confirm", json={"password": f"wrong {n}"})).status_code
            for n in range(ATTEMPTS + 1)
        ]
        assert statuses == [401] * ATTEMPTS + [429]
        assert (await browser.post("/api/v1/me/confirm", json={"password": SECRET})).status_code == 429

    async def test_a_key_is_nobodys_presence(self, office: People, ann: Person) -> None:
        bot = await office.agent(ann)
        for person in (ann, bot):
            answer = await person.api.post("/api/v1/me/confirm", json={"password": SECRET})
            assert answer.status_code == 409

    async def test_takes_one_proof(self, office: People, ann: Person) -> None:
        browser = await office.signed_in(ann)
        for body in ({}, {"password": SECRET, "sign_in_token": "t.x"}):
            assert (await browser.post("/api/v1/me/confirm", json=body)).status_code == 422
