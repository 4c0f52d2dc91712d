"""A row of another CRM's export, checked as if it had come over the wire."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, BeforeValidator, Field, StringConstraints, ValidationError, model_validator

from grace.domains.crm.models import CLIENT_PREFIX, LEAD_PREFIX
from grace.domains.crm.rules.exports import plain_amount, stage_of
from grace.domains.crm.rules.sources import normalise_source
from grace.domains.crm.rules.stages import Stage
from grace.domains.crm.schemas.clients import Details, ExternalId, Line
from grace.kit.errors import Malformed
from grace.kit.ids import is_id
from grace.kit.json import check_text
from grace.kit.money import Amount, InvalidMoney, to_minor

IMPORTED = "import"
"""The source of a row that names none, or none that can be one."""


class RowRefused(ValueError):
    """The row cannot be a lead; the text says why."""


def _stage(text: str) -> Stage:
    stage = stage_of(text)
    if stage is None:
        raise ValueError(f"{text[:40]!r} is no stage; say which one it is by --stage {text[:40]!r}=…")
    return stage


def _time(text: str) -> datetime:
    when = datetime.fromisoformat(text.strip())
    return when if when.tzinfo else when.replace(tzinfo=UTC)


ImportedAmount = Annotated[Amount, BeforeValidator(plain_amount)]
ImportedTime = Annotated[AwareDatetime, BeforeValidator(_time)]


class ImportedLead(Details):
    """One lead with its client. Without an external id of its own it has one made of its row (`identity`)."""

    external_id: ExternalId | None = None
    identity: ExternalId
    client_id: ExternalId | None = None
    name: Line | None = None
    source: Annotated[str, BeforeValidator(lambda text: normalise_source(text) or IMPORTED)] = IMPORTED
    stage: Annotated[Stage, BeforeValidator(_stage)] = Stage.LEAD
    value_estimate: ImportedAmount | None = None
    budget: ImportedAmount | None = None
    project_type: Annotated[str, StringConstraints(max_length=128)] | None = None
    requirements: str | None = None
    timeline: Annotated[str, StringConstraints(max_length=128)] | None = None
    lost_reason: Annotated[str, StringConstraints(max_length=256)] | None = None
    created_at: ImportedTime | None = None
    closed_at: ImportedTime | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not (self.name or self.company or self.external_id):
            raise ValueError("it has no name, no company and no external id")
        for own in (self.external_id, self.client_id):
            if own is not None and (not own.isprintable() or is_id(own, LEAD_PREFIX) or is_id(own, CLIENT_PREFIX)):
                raise ValueError("an external id is printable and not one of Grace's own")
        if self.created_at and self.closed_at and self.closed_at < self.created_at:
            raise ValueError("it was closed before it was created")
        return self

    @property
    def key(self) -> str:
        """What the lead is known by: its external id, else the identity of its row."""
        return self.external_id or self.identity

    def client(self) -> dict[str, Any]:
        """The client's columns; named by the company, else by the external id, where there is no name."""
        plain = self.model_dump(include=set(Details.model_fields) - {"notes"})
        return plain | {"name": self.name or self.company or self.external_id, "source": self.source}

    def amounts(self, currency: str) -> dict[str, int | None]:
        """The amounts' columns in minor units."""
        return {
            "value_estimate_minor": _minor(self.value_estimate, currency),
            "budget_minor": _minor(self.budget, currency),
        }


def read_row(values: Mapping[str, Any], *, currency: str) -> ImportedLead:
    """The checked lead of a row's texts by field; RowRefused with everything that is wrong with it."""
    try:
        for value in (*values.values(), *values.get("metadata", {}).values()):
            if isinstance(value, str):
                check_text(value)
        lead = ImportedLead.model_validate(values)
        lead.amounts(currency)
        return lead
    except ValidationError as error:
        raise RowRefused("; ".join(_reasons(error))) from error
    except (InvalidMoney, Malformed) as error:
        raise RowRefused(str(error)) from error


def _reasons(error: ValidationError) -> list[str]:
    found = []
    for one in error.errors(include_url=False, include_context=False, include_input=False):
        where = ".".join(str(part) for part in one["loc"])
        said = one["msg"].removeprefix("Value error, ")
        found.append(f"{where}: {said}" if where else said)
    return found


def _minor(amount: Decimal | None, currency: str) -> int | None:
    return None if amount is None else to_minor(amount, currency)
