"""What goes over the wire: the base of request and answer models, problem documents, the JSON response."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi.responses import Response
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from grace.kit import json
from grace.kit.errors import Problem

TEXT_LENGTH = 20_000
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def _within(moment: datetime) -> datetime:
    if not EARLIEST <= moment <= LATEST:
        raise ValueError("the time is not between 1970 and 2200")
    return moment.astimezone(UTC)  # PostgreSQL reads no offset beyond 15:59:59


Moment = Annotated[AwareDatetime, AfterValidator(_within)]
"""A time with its zone, in a request."""


class Body(BaseModel):
    """A request's body: unknown fields are refused, text is trimmed and bounded."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, str_max_length=TEXT_LENGTH)


class Answer(BaseModel):
    """An answer's body: plain values, Decimals with the currency's digits."""

    model_config = ConfigDict(extra="forbid")


class Held(Answer):
    """202: the action waits for approval (`awaiting_approval`), or its provider (`processing`)."""

    requires_approval: bool
    decision_id: str | None = None
    status: str
    reasons: list[str] = Field(default_factory=list)
    success: bool | None = None


class ProblemDocument(BaseModel):
    """RFC 9457. `type` is stable; `detail` is a sentence for a person."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    request_id: str


class ExactJSON(Response):
    """A JSON response whose decimals keep their digits."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return json.dumps(content).encode()


class ProblemJSON(ExactJSON):
    """A problem document."""

    media_type = "application/problem+json"


def problem_response(problem: Problem, request_id: str) -> ProblemJSON:
    """The document of a refusal; extra members never replace those of RFC 9457."""
    document = {
        "type": f"/problems/{problem.type}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "request_id": request_id,
    }
    return ProblemJSON(document | problem.extra | document, status_code=problem.status, headers=dict(problem.headers))
