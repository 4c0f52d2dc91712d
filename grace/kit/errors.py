"""The error family: each is an RFC 9457 problem; raising one means that nothing happened.

Problem
├── Malformed 400         ├── Gone 410
├── Unauthenticated 401   ├── TooLarge 413
├── Forbidden 403         ├── Invalid 422
├── NotFound 404          ├── TooMany 429
├── MethodNotAllowed 405  └── Unavailable 503
├── Conflict 409
│   └── InProgress 409 (with Retry-After)
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class Problem(Exception):
    """A refusal: `detail` is a sentence for a person; `extra` members are added to the document.

    `type` overrides the class's stable slug where a narrower one helps a caller to react.
    """

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something went wrong"

    def __init__(self, detail: str, /, *, type: str | None = None, **extra: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.type = type or self.slug
        self.extra = extra

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers that belong to the answer."""
        return {}


class Malformed(Problem):
    """The request cannot be read."""

    status, slug, title = 400, "malformed", "The request cannot be read"


class Unauthenticated(Problem):
    """Nobody is signed in, or the key is unknown."""

    status, slug, title = 401, "unauthenticated", "Sign in first"

    @property
    def headers(self) -> Mapping[str, str]:
        return {"WWW-Authenticate": "Bearer"}


class Forbidden(Problem):
    """The principal is known and may not do this."""

    status, slug, title = 403, "forbidden", "Not allowed"


class NotFound(Problem):
    """No such thing in this workspace."""

    status, slug, title = 404, "not-found", "Not found"


class MethodNotAllowed(Problem):
    """The address is right and has other methods: `allow` (RFC 9110, 15.5.6)."""

    status, slug, title = 405, "method-not-allowed", "The address has no such method"

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Allow": ", ".join(self.extra["allow"])}


class Conflict(Problem):
    """The present state does not allow it."""

    status, slug, title = 409, "conflict", "Not possible in the present state"


class InProgress(Conflict):
    """A twin of this request is being worked on."""

    slug = "in-progress"

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Retry-After": str(self.extra.get("retry_after", 2))}


class Gone(Problem):
    """It existed and is over (an expired or revoked link)."""

    status, slug, title = 410, "gone", "No longer available"


class TooLarge(Problem):
    """The request is larger than the limit named in settings."""

    status, slug, title = 413, "too-large", "Too large"


class Invalid(Problem):
    """The request is readable and wrong."""

    status, slug, title = 422, "invalid", "The request is not valid"


class TooMany(Problem):
    """A limit is reached."""

    status, slug, title = 429, "too-many", "Too many requests"

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Retry-After": str(self.extra.get("retry_after", 60))}


class Unavailable(Problem):
    """Something that Grace needs is not reachable now."""

    status, slug, title = 503, "unavailable", "Not available right now"

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Retry-After": str(self.extra.get("retry_after", 5))}
