"""Stripe's error bodies and the statuses that go with them."""

from typing import Any

Json = dict[str, Any]


class StripeError(Exception):
    """An answer that is an error. With `keep` what was written stays, as after a declined charge."""

    def __init__(
        self, status: int, type_: str, message: str, *, code: str | None = None, param: str | None = None,
        keep: bool = False, **more: Any,
    ) -> None:  # fmt: skip
        super().__init__(message)
        self.status, self.keep = status, keep
        body: Json = {"message": message, "type": type_, "param": param, "code": code, **more}
        if code is not None:
            body["doc_url"] = f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"
        self.error = {key: value for key, value in body.items() if value is not None}

    @property
    def body(self) -> Json:
        return {"error": self.error}


def invalid(message: str, *, param: str | None = None, code: str | None = None, **more: Any) -> StripeError:
    """400: the request cannot be carried out as it stands."""
    return StripeError(400, "invalid_request_error", message, param=param, code=code, **more)


def missing(kind: str, id_: str, *, param: str) -> StripeError:
    """No such object: 404 when the path names it, 400 when a parameter does."""
    status = 404 if param in ("id", "intent") else 400
    return StripeError(
        status, "invalid_request_error", f"No such {kind}: '{id_}'", param=param, code="resource_missing"
    )


def unauthorised(message: str) -> StripeError:
    return StripeError(401, "invalid_request_error", message)


def idempotency(message: str, *, status: int = 400, code: str | None = None) -> StripeError:
    return StripeError(status, "idempotency_error", message, code=code)


def card_error(
    message: str, *, code: str, decline_code: str | None = None, keep: bool = True, **more: Any
) -> StripeError:
    """402: the card was declined. What the attempt wrote stays unless `keep` is false."""
    return StripeError(402, "card_error", message, code=code, decline_code=decline_code, keep=keep, **more)
