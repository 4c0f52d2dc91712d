"""The payer's browser: it gives the card to the provider, never to Grace, and confirms the payment there."""

import asyncio
import ssl
import time
from functools import cache
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx

from grace.client.errors import GraceError
from grace.client.http import Waiting

Challenge = Literal["complete", "fail"]
"""How the payer answers when the bank asks whether it is they (3-D Secure)."""

TEST_CARD = "4242424242424242"
PAID = ("succeeded", "processing", "requires_capture")
PAUSE_S = 0.3


async def confirm_card(
    stripe_api_base: str,
    *,
    client_secret: str,
    publishable_key: str,
    return_url: str,
    deadline_s: float,
    on_wait: Waiting,
    card: str = TEST_CARD,
    challenge: Challenge = "complete",
) -> str:
    """Confirm a PaymentIntent with a test card, as Stripe.js does; answers the intent's id.

    A 3-D Secure challenge is answered on the bank's page.

    Before each attempt it looks whether an earlier one was heard, so that the card is charged once whatever happens to
    the answer. GraceError when the card is refused or the provider does not answer in time.
    """
    intent = client_secret.partition("_secret_")[0]
    path = f"/v1/payment_intents/{intent}"
    started = time.monotonic()
    loopback = urlsplit(stripe_api_base).hostname in ("127.0.0.1", "localhost")
    async with httpx.AsyncClient(
        base_url=stripe_api_base, auth=(publishable_key, ""), timeout=20, trust_env=not loopback, verify=_certificates()
    ) as stripe:
        while True:
            try:
                found = await stripe.get(path, params={"client_secret": client_secret})
                if found.is_success and found.json()["status"] in PAID:
                    return intent
                done = await _confirm(stripe, path, client_secret=client_secret, return_url=return_url, card=card)
                if done.is_success and done.json()["status"] == "requires_action":
                    done = await _answer_challenge(stripe, done.json(), client_secret=client_secret, outcome=challenge)
                if done.is_success and done.json()["status"] in PAID:
                    return intent
                if done.is_success and done.json()["status"] == "requires_payment_method":
                    raise _refused(_last_error(done.json()))
                if done.status_code in (400, 401, 402, 404):
                    raise _refused(_refusal(done))
                why = f"the card provider answers {done.status_code}."
            except httpx.TransportError as error:
                why = f"the card provider does not answer ({type(error).__name__})."
            waited_s = time.monotonic() - started
            if waited_s > deadline_s:
                raise GraceError({"title": "No answer", "detail": why.capitalize(), "status": None})
            on_wait(why, waited_s)
            await asyncio.sleep(PAUSE_S)


@cache
def _certificates() -> ssl.SSLContext:
    """Read once: it takes longer than a payment."""
    return httpx.create_ssl_context()


async def _confirm(
    stripe: httpx.AsyncClient, path: str, *, client_secret: str, return_url: str, card: str
) -> httpx.Response:
    """One attempt: the card becomes a payment method, with which the intent is confirmed."""
    details = {"number": card, "exp_month": "12", "exp_year": "2035", "cvc": "123"}
    form = {"type": "card", **{f"card[{name}]": value for name, value in details.items()}}
    method = await stripe.post(
        "/v1/payment_methods", data=form, headers={"Idempotency-Key": f"card-{card}-{client_secret}"}
    )
    if not method.is_success:
        return method
    form = {"client_secret": client_secret, "return_url": return_url, "payment_method": method.json()["id"]}
    return await stripe.post(
        f"{path}/confirm", data=form, headers={"Idempotency-Key": f"confirm-{card}-{client_secret}"}
    )


async def _answer_challenge(
    stripe: httpx.AsyncClient, intent: dict[str, Any], *, client_secret: str, outcome: Challenge
) -> httpx.Response:
    """What the payer does on the bank's page."""
    page = intent["next_action"]["redirect_to_url"]["url"]
    return await stripe.post(page, json={"client_secret": client_secret, "outcome": outcome})


def _refused(why: str) -> GraceError:
    return GraceError(
        {"type": "/problems/card-refused", "title": "The card was refused", "detail": why, "status": None}
    )


def _last_error(intent: dict[str, Any]) -> str:
    return str((intent.get("last_payment_error") or {}).get("message", "The bank refused."))


def _refusal(response: httpx.Response) -> str:
    try:
        return str(response.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"The card provider answers {response.status_code}."
