"""Where leads come from: the shipped sources, and the form that a workspace's own source must have."""

import re

SHIPPED = ("upwork", "fiverr", "website", "referral", "linkedin", "cold_email", "email", "api", "import")

_FORM = re.compile(r"[a-z][a-z0-9_]{0,63}")


def normalise_source(text: str) -> str:
    """The source's key: lower case, words joined by `_` ("Cold e-mail" is `cold_email`).

    Empty when unusable.
    """
    key = re.sub(r"[\s\-./]+", "_", text.strip().lower()).strip("_")
    key = key.replace("e_mail", "email")
    return key if _FORM.fullmatch(key) else ""


def is_source(key: str, *, own: frozenset[str] = frozenset()) -> bool:
    """Whether `key` is a shipped source or one of the workspace's `own`."""
    return key in SHIPPED or key in own
