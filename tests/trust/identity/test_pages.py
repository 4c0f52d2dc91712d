"""The plain pages: they work without JavaScript and hold nothing that a strict policy forbids."""

from html.parser import HTMLParser

import httpx
import pytest

from grace.trust.identity.rules import Role
from grace.trust.identity.service import sessions
from tests.fixtures.office import People


def check_plain(answer: httpx.Response) -> str:
    """No script, no inline style or handler, nothing from elsewhere; one heading, a language, labelled fields."""
    seen: list[tuple[str, dict[str, str | None]]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            seen.append((tag, dict(attrs)))

    Reader().feed(answer.text)
    tags = [tag for tag, _ in seen]
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert not {"script", "style", "iframe", "object"} & set(tags)
    assert tags.count("h1") == 1
    assert ("html", {"lang": "en"}) in seen
    for _, attributes in seen:
        assert not [name for name in attributes if name == "style" or name.startswith("on")]
        for name in ("href", "src", "action"):
            assert (attributes.get(name) or "/").startswith("/")
    assert tags.count("label") == len([tag for tag, has in seen if tag == "input" and has.get("type") != "hidden"])
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    # Under no-referrer a browser sends `Origin: null` with these forms, and the door refuses it.
    assert answer.headers["referrer-policy"] == "same-origin"
    return answer.text


async def test_the_first_address_leads_to_home(office: People) -> None:
    browser = await office.signed_in(await office.user(Role.MEMBER))
    answer = await browser.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/app")


async def test_home_without_a_session_is_the_form(office: People) -> None:
    ann = await office.user(Role.MEMBER)
    browser = await office.browser()
    for cookie in (None, "x", f"{office.workspace.handle}.x", "nowhere.x", ann.key):
        headers = {"Accept": "text/html"} | ({"Cookie": f"grace_session={cookie}"} if cookie else {})
        answer = await browser.get("/app", headers=headers)
        assert answer.status_code == 401
        assert 'action="/sign-in"' in check_plain(answer)


async def test_signing_in_and_out_by_forms(office: People) -> None:
    ann = await office.user(Role.MEMBER)
    await office.with_password(ann, "correct horse battery")
    browser = await office.browser()
    form = {"email": ann.email, "password": "correct horse battery", "workspace": office.workspace.handle}
    wrong = await browser.post("/sign-in", data=form | {"password": "wrong", "email": '"><b>x@example.com'})
    assert wrong.status_code == 401
    assert "<b>" not in check_plain(wrong)
    answer = await browser.post("/sign-in", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/app")
    assert (await browser.get("/api/v1/me")).json()["email"] == ann.email
    answer = await browser.post("/sign-out")
    assert (answer.status_code, answer.headers["location"]) == (303, "/app")
    assert (await browser.get("/app")).status_code == 401


async def test_signing_out_when_the_session_is_over_leads_to_the_form(office: People) -> None:
    answer = await (await office.browser()).post("/sign-out", headers={"Accept": "text/html"})
    assert answer.status_code == 401
    assert '<a href="/app">Sign in</a>' in check_plain(answer)


async def test_the_form_is_answered_to_this_site_only(office: People) -> None:
    ann = await office.user(Role.MEMBER)
    await office.with_password(ann, "correct horse battery")
    browser = await office.browser()
    form = {"email": ann.email, "password": "correct horse battery", "workspace": office.workspace.handle}
    answer = await browser.post("/sign-in", data=form, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


async def test_a_link_that_is_over_says_so_on_a_page(office: People) -> None:
    ann = await office.user(Role.MEMBER)
    browser = await office.browser()
    async with office.workspace.tx() as tx:
        used = await sessions.make_sign_in_link(tx, principal_id=ann.id)
        await sessions.redeem_sign_in_link(tx, token=used)
    for token, status in ((f"{office.workspace.handle}.unknown", 404), (used, 410)):
        for method in ("GET", "POST"):
            answer = await browser.request(method, f"/sign-in/{token}")
            assert answer.status_code == status
            assert "Ask for a new one." in check_plain(answer)


async def test_looking_at_a_link_spends_nothing_and_its_button_does(office: People) -> None:
    ann = await office.user(Role.MEMBER)
    async with office.workspace.tx() as tx:
        path = f"/sign-in/{await sessions.make_sign_in_link(tx, principal_id=ann.id)}"
    scanner, browser = await office.browser(), await office.browser()
    for method in ("HEAD", "GET", "OPTIONS", "GET"):
        looked = await scanner.request(method, path)
        assert "set-cookie" not in looked.headers
    page = await browser.get(path)
    text = check_plain(page)
    assert (page.status_code, text.count("<button"), text.count("<form")) == (200, 1, 1)
    assert '<form method="post"><button autofocus>Sign in</button></form>' in text
    assert ann.email not in text, "who may read the mail need not learn for whom it is"
    answer = await browser.post(path, headers={"Origin": str(browser.base_url).rstrip("/")})
    assert (answer.status_code, answer.headers["location"]) == (303, "/app")
    assert (await browser.get("/api/v1/me")).json()["email"] == ann.email
    assert (await browser.get(path)).status_code == 410


async def test_the_button_of_a_link_on_another_site_signs_nobody_in(office: People) -> None:
    ann = await office.user(Role.MEMBER)
    async with office.workspace.tx() as tx:
        path = f"/sign-in/{await sessions.make_sign_in_link(tx, principal_id=ann.id)}"
    browser = await office.browser()
    answer = await browser.post(path, headers={"Origin": "https://evil.example"})
    assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)
    assert (await browser.post(path)).status_code == 303, "it is unused"


@pytest.mark.parametrize(
    ("wanted", "where"),
    [
        ("/app/invoices?state=sent", "/app/invoices?state=sent"),
        ("", "/app"),
        ("/apple", "/app"),
        ("//evil.example/app", "/app"),
        ("https://evil.example/app", "/app"),
        ("/\\evil.example", "/app"),
    ],
)
async def test_signing_in_goes_on_to_the_page_that_was_asked_for_and_never_elsewhere(
    office: People, wanted: str, where: str
) -> None:
    ann = await office.user(Role.MEMBER)
    await office.with_password(ann, "correct horse battery")
    browser = await office.browser()
    form = {
        "email": ann.email,
        "password": "correct horse battery",
        "next": wanted,
        "workspace": office.workspace.handle,
    }
    answer = await browser.post("/sign-in", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, where)
