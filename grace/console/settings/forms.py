"""A declared setting as a form: plain fields for what is plain, lines for lists, JSON for the rest."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from starlette.datastructures import FormData

from grace.kit import json as exact
from grace.kit.errors import Invalid, Malformed
from grace.kit.json import check_text
from grace.kit.workspace_settings import WorkspaceSetting

Shape = Literal["text", "area", "number", "money", "switch", "lines", "json"]
TITLES = {
    "issuer": "Your business on invoices",
    "invoicing": "Invoice numbers and due days",
    "rate_card": "Prices of your work",
    "templates": "How proposals are written",
    "clauses": "What contracts say",
    "lead_sources": "Where leads come from",
    "brand": "Brand on clients' pages",
}
_ORDER = ("issuer", "brand", "invoicing", "rate_card")
_LONG = ("address", "payment_instructions", "tax_note", "notes")
_LABELS = {
    "email": "E-mail",
    "tax_id": "Tax number",
    "payment_instructions": "How to pay by bank",
    "due_days": "Days until an invoice is due",
    "default_series": "Series of new invoices",
    "hourly_rate": "Price of an hour",
    "max_discount_percent": "Most discount, in percent",
    "valid_days": "Days a proposal is valid",
    "payment_shares": "Shares of payments, in percent",
    "own": "Sources of your own",
    "law": "Law that applies",
    "payment_days": "Days to pay",
}


@dataclass(frozen=True, slots=True)
class SettingField:
    """One field of a setting: what it holds now, as a form writes it."""

    name: str
    label: str
    shape: Shape
    value: str


def title_of(name: str) -> str:
    """What a setting is called."""
    return TITLES.get(name, name.replace("_", " ").capitalize())


def in_order(settings: Mapping[str, WorkspaceSetting[Any]]) -> list[WorkspaceSetting[Any]]:
    """The settings that everybody needs first."""
    rank = {name: place for place, name in enumerate(_ORDER)}
    return sorted(settings.values(), key=lambda one: (rank.get(one.name, len(rank)), one.name))


def fields_of(setting: WorkspaceSetting[Any], value: Mapping[str, Any]) -> list[SettingField]:
    """The fields of a setting with what is stored; those that only JSON can say come last."""
    found = []
    for name, info in setting.schema.model_fields.items():
        shape = _shape(name, info.annotation)
        label = _LABELS.get(name, name.replace("_", " ").capitalize())
        found.append(SettingField(name, label, shape, _written(shape, value.get(name))))
    return sorted(found, key=lambda one: one.shape == "json")


def value_from(setting: WorkspaceSetting[Any], form: FormData) -> dict[str, Any]:
    """The whole value as the API takes it; a field that is left empty has its default."""
    value: dict[str, Any] = {}
    for name, info in setting.schema.model_fields.items():
        typed = str(form.get(name, "")).replace("\r\n", "\n").strip()
        check_text(typed)
        shape = _shape(name, info.annotation)
        if shape == "switch":
            value[name] = name in form
        elif shape == "lines":
            lines = [line.strip() for line in typed.split("\n") if line.strip()]
            value[name] = [int(line) if line.isdecimal() and len(line) < 10 else line for line in lines]
        elif typed:
            value[name] = _json(name, typed) if shape == "json" else typed
    return value


def _json(name: str, typed: str) -> Any:
    try:
        return exact.loads(typed.encode())
    except Malformed as error:
        raise Invalid("This is not JSON.", errors=[{"at": name, "what": "This is not JSON"}]) from error


def _shape(name: str, annotation: Any) -> Shape:
    kinds = [kind for kind in (get_args(annotation) or (annotation,)) if kind is not NoneType]
    plain = annotation if get_origin(annotation) in (list, dict) else kinds[0]
    if get_origin(plain) is not None and get_origin(plain) not in (list, dict):
        plain = get_args(plain)[0]
    if get_origin(plain) is list:
        inner = get_args(plain)[0]
        inner = get_args(inner)[0] if get_origin(inner) is not None else inner
        return "lines" if inner in (str, int) else "json"
    if plain is bool:
        return "switch"
    if plain is int:
        return "number"
    if plain is Decimal:
        return "money"
    if plain is str:
        return "area" if name in _LONG else "text"
    return "json"


def _written(shape: Shape, value: Any) -> str:
    if value is None:
        return ""
    if shape == "lines":
        return "\n".join(str(one) for one in value)
    if shape == "json":
        return json.dumps(json.loads(exact.dumps(value)), indent=1, ensure_ascii=False)
    return "on" if value is True else "" if value is False else str(value)
