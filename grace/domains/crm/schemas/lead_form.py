"""The form for outsiders: how a workspace sets it, what somebody sends, and where it is."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from grace.domains.crm.schemas.clients import Email, Line, Source
from grace.kit.money import Amount, to_minor
from grace.kit.settings import settings
from grace.kit.web import Answer, Body
from grace.kit.workspace_settings import setting

_ORIGIN = re.compile(
    r"https://(\*\.)?[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?)*(:\d{1,5})?"
    r"|http://(localhost|127\.0\.0\.1)(:\d{1,5})?"
)


def _origin(text: str) -> str:
    origin = text.strip().lower().rstrip("/")
    if not _ORIGIN.fullmatch(origin):
        raise ValueError("a site is https:// and its name, without a path (https://www.example.com)")
    return origin


Origin = Annotated[str, StringConstraints(min_length=8, max_length=256), AfterValidator(_origin)]
Accent = Literal["blue", "green", "violet", "red", "black"]


class LeadForm(Body):
    """The form that a business shows on its own site: its words, its colour, the source of its leads, and the sites
    that may frame it."""

    title: Annotated[str, StringConstraints(min_length=1, max_length=120)] = "Tell us what you need"
    text: Annotated[str, StringConstraints(max_length=2000)] = ""
    thanks: Annotated[str, StringConstraints(min_length=1, max_length=500)] = "Thank you. We will answer by e-mail."
    accent: Accent = "blue"
    source: Source = "website"
    frame_ancestors: list[Origin] = Field(default_factory=list, max_length=20)


LEAD_FORM = setting("lead_form", LeadForm)


class Enquiry(Body):
    """What somebody sends by the form."""

    name: Line
    email: Email
    company: Line | None = None
    requirements: Annotated[str, StringConstraints(min_length=1, max_length=5000)]
    budget: Amount | None = None
    timeline: Annotated[str, StringConstraints(max_length=128)] | None = None

    def client(self) -> dict[str, Any]:
        """The client's columns."""
        return self.model_dump(include={"name", "email", "company"}) | {"preferred_contact": "email", "metadata": {}}

    def lead(self, currency: str) -> dict[str, Any]:
        """The lead's columns, amounts in minor units."""
        return {
            "requirements": self.requirements,
            "timeline": self.timeline,
            "budget_minor": None if self.budget is None else to_minor(self.budget, currency),
        }


class LeadFormAddress(Answer):
    """Where the form is, and the line of HTML that puts it on a page; null while it is closed."""

    url: str | None
    snippet: str | None

    @classmethod
    def of(cls, token: str | None) -> "LeadFormAddress":
        """From the link's token."""
        if token is None:
            return cls(url=None, snippet=None)
        url = f"{settings().url.rstrip('/')}/lead/{token}"
        return cls(url=url, snippet=f'<iframe src="{url}" title="Contact form" width="100%" height="940"></iframe>')
