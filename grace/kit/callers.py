"""Who sends a request, as far as its headers tell: the credential, and whose it was when it last came."""

from collections import OrderedDict
from hashlib import sha256

from fastapi import Request

from grace.kit.tx import Principal

SESSION_COOKIE = "grace_session"
SENDERS = 10_000


class Senders:
    """Whose key or session a credential was: enough to claim an Idempotency-Key in the statement that opens the
    transaction. It proves nothing: every request is authenticated in its transaction."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, str] = OrderedDict()

    def who(self, request: Request) -> str | None:
        """The principal that this request will turn out to have, if its credential has been here."""
        return self._known.get(_credential(request))

    def note(self, request: Request, principal: Principal) -> str:
        """Remember whose the credential is; who that is."""
        who = self._known[_credential(request)] = who_is(principal)
        if len(self._known) > SENDERS:
            self._known.popitem(last=False)
        return who


def who_is(principal: Principal) -> str:
    """The principal's name in the scope of its Idempotency-Keys."""
    return f"{principal.kind}:{principal.id}"


def bearer_of(request: Request) -> str | None:
    """The key in the Authorization header."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" else None


def _credential(request: Request) -> bytes:
    bearer = bearer_of(request)
    credential = f"session {request.cookies.get(SESSION_COOKIE)}" if bearer is None else f"key {bearer}"
    return sha256(credential.encode()).digest()
