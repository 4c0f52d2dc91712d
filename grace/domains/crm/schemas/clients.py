"""Clients over the wire."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints

from grace.domains.crm.models import EXTERNAL_ID_LENGTH, Client, ClientStatus
from grace.domains.crm.rules.identity import fits_a_path, normalise_email
from grace.domains.crm.rules.sources import SHIPPED, normalise_source
from grace.kit.money import Amount, Number, to_major
from grace.kit.web import Answer, Body
from grace.kit.workspace_settings import setting


def _email(text: str) -> str:
    if normalise_email(text) is None:
        raise ValueError("not an e-mail address")
    return text


def _source(text: str) -> str:
    key = normalise_source(text)
    if not key:
        raise ValueError("a source is a word of letters, digits and _")
    return key


def _fit_for_a_path(text: str) -> str:
    if not fits_a_path(text):
        raise ValueError("browsers and clients take . and .. out of addresses; an id cannot be one of them")
    return text


def _own_source(text: str) -> str:
    key = _source(text)
    if key in SHIPPED:
        raise ValueError("this source is known already")
    return key


Email = Annotated[str, StringConstraints(min_length=3, max_length=256), AfterValidator(_email)]
Source = Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(_source)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Word = Annotated[str, StringConstraints(min_length=1, max_length=64)]
ExternalId = Annotated[
    str, StringConstraints(min_length=1, max_length=EXTERNAL_ID_LENGTH), AfterValidator(_fit_for_a_path)
]
ClientReference = Annotated[int, Field(strict=True, ge=1, lt=2**63)] | ExternalId
"""A client's id, the caller's own id for it, or its number (a JSON integer)."""


OwnSource = Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(_own_source)]


class LeadSources(Body):
    """Where leads come from besides the sources that Grace knows; each by its key (`trade_fair`)."""

    own: list[OwnSource] = Field(default_factory=list, max_length=100)


LEAD_SOURCES = setting("lead_sources", LeadSources)


class Details(Body):
    """What a caller may say about a client besides its name; null means that it is not known."""

    email: Email | None = None
    company: Line | None = None
    industry: Annotated[str, StringConstraints(min_length=1, max_length=128)] | None = None
    budget_range: Word | None = None
    country: Word | None = None
    timezone: Word | None = None
    address: Annotated[str, StringConstraints(min_length=1, max_length=1000)] | None = None
    tax_id: Word | None = None
    notes: str | None = None


class NewClient(Details):
    """A client to make, or to find by its external id, e-mail, or company domain and name."""

    name: Line
    source: Source = "api"
    preferred_contact: Word = "email"
    status: ClientStatus = "active"
    metadata: dict[str, Any] = Field(default_factory=dict)
    external_id: ExternalId | None = None


class ClientChanges(Details):
    """Fields to set; those that are left out stay. `version` guards against overwriting another's change."""

    name: Line | None = None
    source: Source | None = None
    preferred_contact: Word | None = None
    status: ClientStatus | None = None
    metadata: dict[str, Any] | None = None
    version: int | None = None

    def changes(self) -> dict[str, Any]:
        """The columns that the caller named. Those that cannot be empty stay when they are null."""
        given = self.model_dump(exclude_unset=True, exclude={"version"})
        needed = set(ClientChanges.model_fields) - set(Details.model_fields)
        return {name: value for name, value in given.items() if value is not None or name not in needed}


class MergeClients(Body):
    """`other` is merged into the client of the path."""

    other: ClientReference
    reason: Annotated[str, StringConstraints(max_length=1000)] | None = None


class UnmergeClients(Body):
    """`other` was merged into the client of the path and is restored."""

    other: ClientReference


class ClientOut(Answer):
    """A client. Its id, its number, its external ids and the ids merged into it all name it."""

    id: str
    number: int
    external_ids: list[str]
    merged_ids: list[str]
    name: str
    email: str | None
    company: str | None
    industry: str | None
    budget_range: str | None
    source: str
    country: str | None
    timezone: str | None
    preferred_contact: str
    address: str | None
    tax_id: str | None
    notes: str | None
    metadata: dict[str, Any]
    status: str
    lifetime_value: Amount
    currency: str
    total_projects: int
    satisfaction_score: Number | None
    version: int
    created_at: datetime
    updated_at: datetime | None

    @classmethod
    def of(cls, client: Client, currency: str) -> "ClientOut":
        """From the row; `currency` is the workspace's."""
        return cls(
            lifetime_value=to_major(client.lifetime_value_minor, currency),
            currency=currency,
            **{name: getattr(client, name) for name in cls.model_fields if hasattr(client, name)},
        )


class CreditOut(Answer):
    """What a client has paid in excess, in one currency, and can spend or get back."""

    currency: str
    amount: Amount


class ClientRecord(ClientOut):
    """A client, with its credit by currency."""

    credit: list[CreditOut]

    @classmethod
    def with_credit(cls, client: ClientOut, credit: Mapping[str, int]) -> "ClientRecord":
        """From the client and its credit in minor units by currency."""
        found = [
            CreditOut(currency=name, amount=to_major(credit[name], name)) for name in sorted(credit) if credit[name]
        ]
        return cls(credit=found, **client.model_dump())


class FoundClientOut(ClientOut):
    """`created` is false when the client was known; `matched_by` then says how it was recognised."""

    created: bool
    matched_by: str | None


class Unmerged(Answer):
    """Both clients after a merge was undone."""

    client: ClientOut
    restored: ClientOut


class ClientList(Answer):
    """A page of clients."""

    items: list[ClientOut]
    next_cursor: str | None
