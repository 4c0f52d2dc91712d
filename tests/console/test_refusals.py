"""What a person without JavaScript sees who is refused: why, and where to go on."""

import httpx
import pytest


@pytest.mark.parametrize(
    ("referer", "back"),
    [
        ("{base}/app/clients/new?x=1", '<a href="/app/clients/new?x=1">Back to the page</a>'),
        ("https://elsewhere.example/app/clients", '<a href="/app">Home</a>'),
        ("http://[::1/app", '<a href="/app">Home</a>'),
        ("{base}/pay/secret", '<a href="/app">Home</a>'),
        ("", '<a href="/app">Home</a>'),
    ],
)
async def test_a_refused_form_leads_back(browser: httpx.AsyncClient, referer: str, back: str) -> None:
    headers = {"Referer": referer.format(base=str(browser.base_url).rstrip("/"))}
    refused = await browser.post("/app/clients/new", data={"name": " "}, headers=headers)
    assert refused.status_code == 422
    assert "Nothing was changed" in refused.text and back in refused.text


async def test_a_refusal_is_in_plain_words(browser: httpx.AsyncClient) -> None:
    data = {"name": "A", "email": "no address", "value_estimate": "1e400", "source": "referral"}
    refused = (await browser.post("/app/pipeline", data=data)).text
    assert (
        "Email: not an e-mail address." in refused and "Value estimate: The amount has more than 30 digits." in refused
    )
    assert "Value error" not in refused and "..<br>" not in refused


@pytest.mark.parametrize("path", ["/app/clients/cl_nobody", "/app/nothing-here", "/app/invoices/😀"])
async def test_what_is_not_there_leads_home(browser: httpx.AsyncClient, path: str) -> None:
    gone = await browser.get(path)
    assert gone.status_code == 404
    assert '<a href="/app">Home</a>' in gone.text


async def test_a_client_is_not_led_into_the_console(browser: httpx.AsyncClient) -> None:
    gone = await browser.get("/pay/example.nothing")
    assert gone.status_code == 404
    assert "/app" not in gone.text
