"""What can be an action, and how its arguments are read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pydantic import SecretStr

from grace.kit.errors import Invalid, Malformed
from grace.kit.money import Money
from grace.kit.tx import Tx
from grace.trust.governance import registry
from grace.trust.governance.registry import ActionKind, action
from grace.trust.governance.rules import digest


async def nothing(tx: Tx, asked: object) -> Mapping[str, object]:
    return {}


def register(cls: type[Any], name: str, **more: Any) -> ActionKind:
    settings: dict[str, Any] = {"context_types": {}, **more}
    action(name=name, effect="data", executor=nothing, context=nothing, state=nothing, **settings)(cls)
    kind = registry.named(name)
    assert kind is not None
    return kind


@dataclass(frozen=True, slots=True)
class Parcel:
    """Arguments of every kind."""

    to: str
    value: Money
    weight: Decimal
    on: date
    tags: tuple[str, ...] = ()
    note: str | None = None
    extra: Any = None


PARCEL = register(Parcel, "sample_parcel", money="value")
WHOLE = Parcel("in_1", Money(150, "USD"), Decimal("1.50"), date(2025, 1, 2), ("a", "b"))


def test_arguments_survive_being_stored() -> None:
    stored = PARCEL.encode(WHOLE)
    assert stored["weight"] == "1.50"
    assert PARCEL.decode(stored) == WHOLE
    assert digest(PARCEL.encode(PARCEL.decode(stored))) == digest(stored)


def test_an_action_is_found_by_its_class_and_its_name() -> None:
    assert registry.kind_of(WHOLE) is PARCEL
    assert PARCEL in registry.registered()
    assert registry.named("sample_unknown") is None
    with pytest.raises(KeyError):
        registry.kind_of(object())


def test_its_json_schema_names_its_arguments() -> None:
    assert set(PARCEL.adapter.json_schema()["properties"]) == {
        "to", "value", "weight", "on", "tags", "note", "extra",
    }  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [{"surprise": 1}, {"to": None}, {"to": 5}, {"value": {"amount_minor": "x", "currency": "USD"}}, {"on": "soon"}],
)
def test_arguments_of_another_form_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        PARCEL.decode({**PARCEL.encode(WHOLE), **change})
    with pytest.raises(Invalid):
        PARCEL.decode({"to": "x"})


@pytest.mark.parametrize(
    ("extra", "error"),
    [("a\x00b", Malformed), ("\ud800", Malformed), ({"a": [1.5]}, Invalid)],
)
def test_arguments_that_cannot_be_stored_exactly_are_refused(extra: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        PARCEL.encode(Parcel("x", Money(1, "USD"), Decimal(1), date(2025, 1, 1), extra=extra))


@dataclass
class Mutable:
    """Not frozen."""

    id: str


class Plain:
    """Not a dataclass."""


@dataclass(frozen=True)
class WithSecret:
    """Carries what it must only name."""

    value: SecretStr | None


@pytest.mark.parametrize("cls", [Mutable, Plain, WithSecret])
def test_what_cannot_be_an_action(cls: type[Any]) -> None:
    with pytest.raises(TypeError):
        register(cls, "sample_never")
    assert registry.named("sample_never") is None


@pytest.mark.parametrize(
    "more",
    [
        {"money": "price"},
        {"context_types": {"amount": float}},
        {"context_types": {"tags": list}},
        {"context_types": {"approved_quorums": frozenset[str]}},
    ],
)
def test_a_registration_that_makes_no_sense_stops_the_start(more: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        register(Parcel, "sample_never", **more)


def test_two_actions_never_share_a_name() -> None:
    with pytest.raises(TypeError):
        register(Parcel, "sample_parcel")
