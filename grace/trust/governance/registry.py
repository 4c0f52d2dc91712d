"""The actions that policy judges. Domains register theirs; governance knows none of them.

@action(
    name="refund_payment", effect="money_out", money="amount_minor",
    executor=_refund, context=_facts_for_policy, state=_what_was_judged,
    context_types={"invoice_refunds_usd_minor": int, "client_refunds_24h_usd_minor": int},
)
@dataclass(frozen=True, slots=True)
class RefundPayment:
    invoice_id: str
    amount_minor: int
    ...
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal, TypeVar

from pydantic import SecretBytes, SecretStr, TypeAdapter, ValidationError

from grace.kit import json
from grace.kit.errors import Invalid
from grace.kit.tx import Tx
from grace.trust.governance.cedar import APPROVED_QUORUMS, TYPES, ActionShape

A = TypeVar("A")
Effect = Literal["message", "money_in", "money_out", "work", "data", "secret", "policy"]
"""What an action does to the world; policies may name it as a group: `action in Action::"money_out"`."""


@dataclass(frozen=True)
class ActionKind(ActionShape):
    """How one kind of action is judged and run; made by the decorator."""

    money: str | None
    cls: type[Any]
    executor: Callable[[Tx, Any], Awaitable[Any]]
    context: Callable[[Tx, Any], Awaitable[Mapping[str, object]]]
    state: Callable[[Tx, Any], Awaitable[Mapping[str, object]]]

    @cached_property
    def adapter(self) -> TypeAdapter[Any]:
        """Reads and writes the arguments; its JSON schema is the action's over API and MCP."""
        return TypeAdapter(self.cls)

    def encode(self, action: Any) -> dict[str, Any]:
        """The arguments as plain JSON; refuses text that cannot be stored."""
        arguments: dict[str, Any] = self.adapter.dump_python(action, mode="json")
        checked: dict[str, Any] = json.loads(json.dumps(arguments))
        _refuse_fractions(checked)
        return checked

    def decode(self, arguments: Mapping[str, Any]) -> Any:
        """The action from plain JSON; Invalid when an argument is missing, unknown or of the wrong type."""
        unknown = set(arguments) - {field.name for field in fields(self.cls)}
        if unknown:
            raise Invalid(f"{self.name} has no argument {', '.join(sorted(unknown))}.")
        try:
            return self.adapter.validate_python(dict(arguments))
        except ValidationError as error:
            said = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            raise Invalid(f"The arguments of {self.name} are not valid: {said}") from error


_by_name: dict[str, ActionKind] = {}
_by_class: dict[type[Any], ActionKind] = {}


def action(
    *,
    name: str,
    effect: Effect,
    executor: Callable[[Tx, A], Awaitable[Any]],
    context: Callable[[Tx, A], Awaitable[Mapping[str, object]]],
    state: Callable[[Tx, A], Awaitable[Mapping[str, object]]],
    context_types: Mapping[str, type[Any]],
    money: str | None = None,
) -> Callable[[type[A]], type[A]]:
    """Register a frozen dataclass as an action.

    `executor` runs it in the transaction of the judgement or of the last vote; for a provider call it writes
    an intent that a job takes up. `context` gives the facts that the policy judges, of exactly
    `context_types`; a sum over other rows must lock what it sums over, or two actions pass side by side
    under one threshold. `state` gives what a vote relies on (say, the proposal's version and total): when it
    has changed at the grant, the action does not run. `money` names the field that holds the amount.
    Arguments and results carry ids, never secret values.
    """

    def register(cls: type[A]) -> type[A]:
        _check(cls, name, money, context_types)
        kind = ActionKind(name, effect, dict(context_types), money, cls, executor, context, state)
        _by_name[name] = kind
        _by_class[cls] = kind
        return cls

    return register


def kind_of(action: object) -> ActionKind:
    """The registration of an action; KeyError for a class that is none is a fault of the program."""
    return _by_class[type(action)]


def named(name: str) -> ActionKind | None:
    """The registration of that name."""
    return _by_name.get(name)


def registered() -> list[ActionKind]:
    """Every kind of action, by name."""
    return [_by_name[name] for name in sorted(_by_name)]


def _refuse_fractions(value: Any) -> None:
    if isinstance(value, Decimal):
        raise Invalid("A number with a fraction must be text in an action's arguments.")
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _refuse_fractions(item)


def _check(cls: type[Any], name: str, money: str | None, context_types: Mapping[str, type[Any]]) -> None:
    if not is_dataclass(cls) or not cls.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        raise TypeError(f"{cls.__name__} must be a frozen dataclass")
    if name in _by_name:
        raise TypeError(f"two actions are called {name}")
    names = {field.name for field in fields(cls)}
    if money is not None and money not in names:
        raise TypeError(f"{name} has no field {money}")
    if APPROVED_QUORUMS in context_types or not set(context_types.values()) <= set(TYPES):
        raise TypeError(f"{name}: context attributes are int, str, bool or frozenset[str]")
    if any(t in str(f.type) for f in fields(cls) for t in (SecretStr.__name__, SecretBytes.__name__)):
        raise TypeError(f"{name}: an action names a secret, it never carries one")
