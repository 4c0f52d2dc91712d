"""What each error type means and what to do: the pages that a problem document's `type` leads to, and docs/errors.md.

`scripts/errors.py` writes the document; a test finds a type that is missing here, or here only.
"""

from typing import Annotated, NamedTuple

from fastapi import Path
from fastapi.responses import HTMLResponse

from grace.kit.edge import PUBLIC, Doors
from grace.kit.errors import NotFound
from grace.kit.pages import Pages

doors = Doors(tags=["System"])
_pages = Pages("grace.app")


class Known(NamedTuple):
    """An error type: the status it comes with, why it comes, and what to do."""

    status: int
    cause: str
    cure: str


_NOT_THERE = "Look it up in its list; a key reaches only its own workspace, and test and live are two."
_LOOK_FIRST = "Read the record first: it says in which state it is, and the detail which one is needed."
_AGAIN = "Send the same request with the same Idempotency-Key after `Retry-After` seconds."

PROBLEMS: dict[str, Known] = {
    # 400, 401, 403
    "bad-signature": Known(
        400,
        "A webhook's signature is not by a secret of ours, or its time is more than five minutes off.",
        "Check the endpoint's signing secret and the clocks; do not parse and re-encode the body before it is sent on.",
    ),
    "malformed": Known(
        400,
        "The request cannot be read: no JSON, a key twice, a number that is none, text with a NUL character.",
        "The detail says where reading stopped. Send UTF-8 JSON with `Content-Type: application/json`.",
    ),
    "unauthenticated": Known(
        401,
        "No key or session was sent, or it is unknown, revoked or over.",
        "Send `Authorization: Bearer grc_…` of this installation, or sign in again.",
    ),
    "wrong-password": Known(
        401,
        "There is no such user, no password is set, or it is another one.",
        "Try again, or have an owner send a sign-in link (`grace bootstrap --email …` makes one).",
    ),
    "above-you": Known(
        403,
        "The change would give, or take from, somebody more than you may do yourself.",
        "Ask an owner.",
    ),
    "action-denied": Known(
        403,
        "The policy does not allow this action; the decision is kept under `decision_id`.",
        "The `reasons` are the policies' own sentences. Change what they name, or have the policy changed.",
    ),
    "forbidden": Known(
        403,
        "You are known and lack the `permission`.",
        "Use a key with that scope, or ask an owner or admin for a role that has it.",
    ),
    "foreign-origin": Known(
        403,
        "A browser sent the session cookie from a page of another site.",
        "Call from Grace's own pages, or with a key.",
    ),
    "no-vote": Known(
        403,
        "You may not vote on this decision: it is your own, or the policy names others.",
        "Have somebody vote whom `reasons[].quorum` names.",
    ),
    "sign-in-again": Known(
        403,
        "This needs proof that a person is there, and the last one is too old.",
        "`POST /api/v1/me/confirm` with the password or a fresh sign-in token, then repeat.",
    ),
    # 404, 405, 410
    "artefact-not-found": Known(404, "The project has no such file.", _NOT_THERE),
    "client-not-found": Known(404, "No client has this id, number or external id.", _NOT_THERE),
    "contract-not-found": Known(404, "No contract has this id or number.", _NOT_THERE),
    "invoice-not-found": Known(404, "No invoice has this id, invoice number or number.", _NOT_THERE),
    "lead-not-found": Known(404, "No lead has this id, number or external id.", _NOT_THERE),
    "milestone-not-found": Known(404, "The project has no such milestone.", _NOT_THERE),
    "not-found": Known(404, "There is no such thing in this workspace.", _NOT_THERE),
    "project-not-found": Known(404, "No project has this id or number.", _NOT_THERE),
    "proposal-not-found": Known(404, "No proposal has this id or number.", _NOT_THERE),
    "unknown-link": Known(
        404,
        "The link was never made, was cut short, or was replaced by a newer one.",
        "Copy the whole link, or ask the sender for a new one.",
    ),
    "no-such-address": Known(
        404,
        "There is no door at this path.",
        "Compare it with `/docs`. A `/` inside an id is written `%2F`.",
    ),
    "method-not-allowed": Known(405, "The path has no such method.", "`/docs` says which it has."),
    "expired-link": Known(410, "The link was used, or its time is over.", "Ask the sender for a new one."),
    "gone": Known(410, "It existed and is over.", "Ask for a new one."),
    "proposal-expired": Known(
        410,
        "The day until which the proposal was valid is over.",
        "Generate and send it again; the client gets a link.",
    ),
    "proposal-over": Known(
        410, "A newer version took the proposal's place.", "Use the link that came with the newer version."
    ),
    # 409: not in the present state
    "call-not-waiting": Known(
        409,
        "The call to the provider has ended or is under way.",
        "`GET /api/v1/provider-calls` lists those that wait.",
    ),
    "conflict": Known(409, "The present state does not allow it.", _LOOK_FIRST),
    "decision-closed": Known(409, "The decision was granted, rejected or has expired.", "Ask for the action again."),
    "delivery-running": Known(409, "The architect is building the project.", "Wait for `delivery_status` `built`."),
    "duplicate-client": Known(
        409,
        "Another client (`client_id`) has this e-mail, or this domain and name.",
        "Use that client, or merge the two.",
    ),
    "duplicate-payment": Known(
        409,
        "A payment with this reference and method is recorded for the invoice.",
        "If it is another payment, give it another reference.",
    ),
    "email-taken": Known(409, "Another user has this e-mail.", "Use another one, or enable that user again."),
    "idempotency-key-reused": Known(
        409,
        "The Idempotency-Key was used with another body or at another door.",
        "Take a new key for a new request; keep the key only to repeat the same bytes.",
    ),
    "in-progress": Known(409, "The same request, or one that changes the same rows, is being worked on.", _AGAIN),
    "insufficient-funds": Known(
        409, "An account would fall below zero, or below what is held of it.", "Ask for less, or wait for money."
    ),
    "last-owner": Known(409, "The workspace would be left without an owner.", "Make somebody else an owner first."),
    "lead-won": Known(409, "The lead has an accepted proposal.", "Capture a new lead for more work with the client."),
    "ledger-hold-ended": Known(
        409, "There is no pending hold of that reference, or it does not cover the lines.", "Make a new hold."
    ),
    "ledger-reference-used": Known(
        409, "The reference is posted or held already, with other lines.", "It was posted before: look at the ledger."
    ),
    "live-time-is-real": Known(
        409,
        "Only a test workspace's clock can be moved.",
        "Make a test workspace: `grace workspace create NAME --test`.",
    ),
    "log-damaged": Known(
        409, "The stored tree of the audit log does not match its entries.", "Run `grace audit verify` at once."
    ),
    "milestones-open": Known(409, "Milestones named in `open` are not complete.", "Complete them first."),
    "move-refused": Known(409, "The stage graph has no such move.", "Move to one of the stages in `allowed`."),
    "no-card-provider": Known(
        409,
        "No account at a card provider is configured for this workspace.",
        "Set `GRACE_STRIPE_SECRET_KEY`; a test workspace of `grace up` has the sandbox.",
    ),
    "no-credit": Known(409, "The client has less credit in the currency.", "`credit` says how much there is."),
    "not-mergeable": Known(409, "The two cannot be merged, or the merge not be undone, now.", "The detail says why."),
    "not-reversible": Known(
        409, "The payment cannot be taken back.", "Only what was noted by hand is; a card payment is refunded."
    ),
    "nothing-due": Known(409, "There is nothing to collect on the invoice.", "It is paid or void: read its status."),
    "nothing-left": Known(409, "Less of the project is left to invoice.", "Ask for at most `left`."),
    "number-unavailable": Known(
        409,
        "The series gives a number that is too long or was given before.",
        "Change the pattern or the length in the setting `invoicing`.",
    ),
    "over-payment": Known(409, "The payment is larger than `amount_due`.", "Record what belongs to this invoice."),
    "over-refund": Known(409, "More would go back than was paid.", "Ask for at most `refundable`."),
    "payment-method-refused": Known(
        409, "The provider or the bank does not accept the card (`code` says why).", "Ask the client for another card."
    ),
    "payment-refused": Known(
        409,
        "The provider refuses to collect this at all.",
        "The detail is the provider's reason: amount, currency, account.",
    ),
    "refund-refused": Known(
        409, "The provider refuses to give the money back.", "Read the refund; pay back by bank and record that."
    ),
    "stale-version": Known(
        409, "Somebody changed the record since you read it.", "Read it again and send the change with its `version`."
    ),
    "wrong-credential": Known(
        409,
        "The configured provider key does not belong into this workspace: a live key in test, or the reverse.",
        "Correct the setting that the detail names.",
    ),
    "wrong-invoice-state": Known(409, "The invoice's state does not allow it.", _LOOK_FIRST),
    "too-much-work": Known(
        409, "Twenty pieces of long work are not ended yet.", "Wait until one is done, or stop one (`/app/work`)."
    ),
    "wrong-state": Known(409, "The noun is in the state `current`, which does not allow it.", _LOOK_FIRST),
    # 413, 422, 429
    "too-large": Known(
        413,
        "The body, or the file that was sent, is longer than `limit_bytes`.",
        "Send less at once, or raise `GRACE_MAX_BODY_BYTES`, for files `GRACE_MAX_UPLOAD_BYTES`.",
    ),
    "cannot-propose": Known(
        422,
        "No proposal can be made of these requirements and this budget.",
        "The detail says what is missing: say more of what is wanted, or raise the budget.",
    ),
    "invalid": Known(
        422,
        "The request is readable and wrong; `errors` lists each field (`at`) and what is wrong with it (`what`).",
        "Correct those fields. Unknown fields are refused, so look for typing errors.",
    ),
    "currency-needed": Known(
        422, "The client has accounts in several currencies, and a document is of one.", "Name one in `currency`."
    ),
    "invalid-amount": Known(
        422,
        "No amount of money: too many decimals, negative, not finite, zero where money moves, an unknown currency.",
        "Send a number or string with at most the currency's decimals, such as `1500.00`.",
    ),
    "invalid-cursor": Known(
        422, "The cursor is not one that this list gave.", "Send `next_cursor` as it came, with the same `sort`."
    ),
    "invalid-day": Known(422, "A day is none, or not between 1970 and 2200.", "Write it as 2026-12-31."),
    "invalid-email": Known(422, "This is not an e-mail address.", "Send one address, without a name."),
    "invalid-password": Known(422, "The password is too short or too long.", "The detail names the lengths."),
    "invalid-sort": Known(422, "The list is not sorted by that.", "The detail names what it is sorted by."),
    "ledger-unbalanced": Known(422, "The lines do not sum to zero in each currency.", "Correct the lines."),
    "ledger-unknown-account": Known(422, "There can be no such account.", "Correct purpose, owner or currency."),
    "not-confirmed": Known(
        422,
        "What was typed to confirm is not the amount that is to go back.",
        "Type the amount as it is shown; nothing was done.",
    ),
    "range-too-wide": Known(
        422,
        "There are more movements in that time than are compared at once.",
        "Ask for a shorter time with `from` and `to`, or run `grace reconcile`, which has no limit.",
    ),
    "time-goes-back": Known(422, "The test clock was asked to go back.", "Business time only grows: ask for later."),
    "no-invoices": Known(
        422, "No invoice that was sent is among those chosen.", "Choose others; a draft has no document."
    ),
    "too-many-invoices": Known(
        422, "More invoices are chosen than one archive holds.", "Choose a shorter time (`sent_from`, `sent_to`)."
    ),
    "unreadable-file": Known(
        422, "The file cannot be read as a table.", "Send CSV text with a header line; save a workbook as CSV first."
    ),
    "too-many-rows": Known(422, "A file would have more rows than the limit.", "Export shorter times, one by one."),
    "unknown-permission": Known(422, "A scope is no permission of Grace.", "`GET /api/v1/me` lists yours."),
    "unknown-series": Known(
        422, "The setting `invoicing` has no such series.", "Use one of its series, or add it to the setting."
    ),
    "unknown-source": Known(
        422,
        "Leads do not come from there: it is no source that Grace knows, and the workspace has not added it.",
        "Use one of `known`, or add it to the setting `lead_sources`.",
    ),
    "unsound-policy": Known(
        422, "The policy text cannot be activated.", "`findings` lists what is wrong; `dry_run` tries without effect."
    ),
    "workspace-missing": Known(422, "There are several workspaces here.", "Name one in `workspace`."),
    "too-many": Known(429, "A limit of requests is reached.", "Wait for `Retry-After` seconds; spread the requests."),
    "too-many-sign-ins": Known(
        429,
        "The account or the address has failed too often.",
        "Wait for `Retry-After` seconds, or use a sign-in link.",
    ),
    # 500, 503
    "internal": Known(
        500,
        "Something went wrong in Grace; nothing is half done.",
        "Send it again with its Idempotency-Key; report the `request_id`, by which the log finds it.",
    ),
    "figures-behind": Known(
        503,
        "More than 50,000 facts or postings are not counted yet: figures are rebuilt, the workspace was restored, or no"
        " worker runs.",
        "Ask again in a moment; the worker counts some thousands a second. `grace doctor` says whether one lives.",
    ),
    "unavailable": Known(503, "The database, or something else that is needed, does not answer.", _AGAIN),
}


@doors.get("/problems", may=PUBLIC, hidden=True)
async def problems() -> HTMLResponse:
    """Every error type, its cause and its cure."""
    return _page(PROBLEMS)


@doors.get("/problems/{type}", may=PUBLIC, hidden=True)
async def problem(type: Annotated[str, Path(max_length=64)]) -> HTMLResponse:
    """One error type: where a problem document's `type` leads."""
    if type not in PROBLEMS:
        raise NotFound("There is no such error type.", type="no-such-address")
    return _page({type: PROBLEMS[type]})


def _page(shown: dict[str, Known]) -> HTMLResponse:
    response = _pages.render("problems.html", shown=shown, whole=len(shown) == len(PROBLEMS))
    response.headers["Cache-Control"] = "max-age=300"
    return response
