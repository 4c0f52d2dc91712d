"""Where a noun has its page, and the words for verbs and kinds that decisions and audit entries name."""

from grace.insight.naming import Noun

_PAGES = {
    "client": "/app/clients/{id}",
    "lead": "/app/pipeline/{id}",
    "proposal": "/app/proposals/{id}",
    "contract": "/app/contracts/{id}",
    "project": "/app/projects/{id}",
    "invoice": "/app/invoices/{id}",
    "payment": "/app/payments/{id}",
    "decision": "/app/approvals/{id}",
    "work": "/app/work/{id}",
    "policy": "/app/policies/{id}",
}
_VERBS = {
    "make_sign_in_link": "Make a sign-in link",
    "hold_action": "Proposed and held",
    "allow_action": "Allowed by policy",
    "deny_action": "Denied",
    "grant_action": "Granted, and ran",
    "reject_action": "Rejected",
    "expire_action": "Expired",
    "drop_stale_action": "Dropped: out of date",
    "cast_vote": "Vote cast",
    "sign_in": "Signed in",
    "sign_out": "Signed out",
}
_EVENTS = {"hold_action": "warn", "deny_action": "bad", "reject_action": "bad"}


def page_of(kind: str, id: str) -> str | None:
    """The address of a noun's page; None when it has none."""
    pattern = _PAGES.get(kind)
    return None if pattern is None else pattern.format(id=id)


def verb_words(action: str) -> str:
    """`Issue invoice` for `issue_invoice`."""
    return _VERBS.get(action, action.replace("_", " ").capitalize())


def verb_tone(action: str) -> str:
    """The colour of an entry's verb: what waited, and what was refused."""
    return _EVENTS.get(action, "")


def noun_words(noun: Noun | None, kind: str, id: str) -> str:
    """What a subject is called: its name, else its kind and the end of its id."""
    if noun is not None:
        return noun.label
    return f"{kind.replace('_', ' ').capitalize()} {id if len(id) < 12 else f'…{id[-4:]}'}"
