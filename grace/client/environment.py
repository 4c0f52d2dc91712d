"""Where Grace is and who calls, from the environment."""

import os

from grace.client.errors import GraceError
from grace.client.http import Connection

DEFAULT_URL = "http://127.0.0.1:8005"


def connection() -> Connection:
    """A connection by GRACE_URL and GRACE_API_KEY, whose numbers are floats. GraceError without a key."""
    key = os.environ.get("GRACE_API_KEY")
    if not key:
        detail = "Set GRACE_API_KEY to a key of your workspace: `grace bootstrap --email … --new-key` makes one."
        raise GraceError({"type": "/problems/no-api-key", "title": "No API key", "status": None, "detail": detail})
    return Connection(os.environ.get("GRACE_URL") or DEFAULT_URL, key, numbers=float)
