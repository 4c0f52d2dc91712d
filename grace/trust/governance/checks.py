"""What a policy text must pass before it may be in force: it parses, it is type-checked, its cases hold."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import cedarpy
from cedarpy import pst
from pydantic import ConfigDict, TypeAdapter, ValidationError

from grace.kit.tx import Principal, PrincipalKind
from grace.trust.governance.cedar import (
    APPROVED_QUORUMS,
    ActionShape,
    PolicyText,
    named_actions,
    parsed,
    schema,
)
from grace.trust.governance.errors import UnreadableQuorum, UnsoundPolicy
from grace.trust.governance.models import Status
from grace.trust.governance.rules import Quorum

ANNOTATIONS = frozenset({"id", "says", "quorum", "solo"})
CHANGES_THE_RULES = "activate_policy"
MAX_TEXT_BYTES = 200_000
MAX_CASES = 500


@dataclass(frozen=True, slots=True)
class CasePrincipal:
    """Who acts in a case."""

    __pydantic_config__ = ConfigDict(extra="forbid")
    kind: PrincipalKind
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """One example: with these facts this principal's action is allowed, denied or awaiting_approval.

    `because`, where given, are the `@id`s of exactly the policies that decide.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")
    name: str
    action: str
    principal: CasePrincipal
    context: dict[str, Any]
    expect: Status
    approved_quorums: tuple[str, ...] = ()
    because: tuple[str, ...] | None = None

    def why_failed(self, text: PolicyText, shapes: Mapping[str, ActionShape]) -> str | None:
        """What came instead of the expected answer; None when the case holds."""
        shape = shapes.get(self.action)
        if shape is None:
            return f"Case {self.name!r}: there is no action {self.action!r}."
        context = {name: frozenset(value) if isinstance(value, list) else value for name, value in self.context.items()}
        got = text.judge(
            shape,
            principal=Principal(self.principal.kind, "case", "case", frozenset(self.principal.roles)),
            workspace="case",
            context=context,
            approved=self.approved_quorums,
        )
        policies = sorted(reason.policy for reason in got.reasons if reason.policy)
        if got.status is self.expect and (self.because is None or sorted(self.because) == policies):
            return None
        says = "; ".join(reason.says for reason in got.reasons)
        return f"Case {self.name!r}: expected {self.expect}, got {got.status} ({', '.join(policies)}): {says}"


_cases = TypeAdapter(list[Case])


def read_cases(cases: Sequence[Mapping[str, Any]]) -> list[Case]:
    """Cases from plain JSON or TOML; UnsoundPolicy when one has another form."""
    try:
        return _cases.validate_python(list(cases))
    except ValidationError as error:
        findings = [f"Case {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise UnsoundPolicy("The cases cannot be read.", findings=findings) from error


def check(text: str, cases: Sequence[Mapping[str, Any]], shapes: Collection[ActionShape]) -> None:
    """Refuse (UnsoundPolicy, with every finding) a text that must not judge these actions."""
    if len(text.encode()) > MAX_TEXT_BYTES or len(cases) > MAX_CASES:
        raise UnsoundPolicy("The policy text or its cases are too long.", findings=[])
    examples = read_cases(cases)
    policies = parsed(text)
    by_name = {shape.name: shape for shape in shapes}
    findings = _badly_written(policies) + _badly_typed(text, shapes)
    named = {name for policy in policies.policies.values() for name in named_actions(policy)} & set(by_name)
    findings += [
        f"The text names the action {name!r} and has no case for it."
        for name in sorted(named - {case.action for case in examples})
    ]
    findings += [failure for case in examples if (failure := case.why_failed(policies, by_name))]
    if CHANGES_THE_RULES in by_name and not _can_be_replaced(policies, by_name[CHANGES_THE_RULES]):
        findings.append("No owner could ever activate another policy: the workspace would be locked in.")
    if findings:
        raise UnsoundPolicy(f"The policy text has {len(findings)} findings: {findings[0]}", findings=findings)


def _badly_written(text: PolicyText) -> list[str]:
    findings = ["Templates have no place here."] if text.nodes.templates else []
    seen: set[str] = set()
    for position, policy in text.policies.items():
        notes = policy.annotations
        name = notes.get("id") or position
        if not notes.get("id") or name in seen:
            findings.append(f"{name}: every policy needs an @id of its own.")
        seen.add(name)
        if set(notes) - ANNOTATIONS:
            findings.append(f"{name}: unknown annotation {', '.join(sorted(set(notes) - ANNOTATIONS))}.")
        if policy.effect == "forbid" and not notes.get("says"):
            findings.append(f"{name}: a forbid needs a @says, the reason for the reader.")
        if "quorum" not in notes:
            if "solo" in notes:
                findings.append(f"{name}: @solo means nothing without @quorum.")
            continue
        if policy.effect != "forbid":
            findings.append(f"{name}: only a forbid can be held by @quorum.")
        try:
            Quorum.parse(notes["quorum"])
        except UnreadableQuorum as error:
            findings.append(f"{name}: @quorum {error}.")
        if not any(_asks_whether_approved(clause, name) for clause in policy.clauses):
            wanted = f'unless {{ context.{APPROVED_QUORUMS}.contains("{name}") }}'
            findings.append(f"{name}: a hold must end when its quorum is met: {wanted}.")
    return findings


def _badly_typed(text: str, shapes: Collection[ActionShape]) -> list[str]:
    answer = cedarpy.validate_policies(text, schema(sorted(shapes, key=lambda shape: shape.name)))
    ids = answer.id_annotations_by_policy_id
    return [f"{ids.get(e.policy_id, e.policy_id)}: {e.error}" for e in answer.errors]


def _can_be_replaced(text: PolicyText, shape: ActionShape) -> bool:
    owner = Principal("user", "owner", "owner", frozenset({"owner"}))
    return text.judge(shape, principal=owner, workspace="case", context={}).status is not Status.DENIED


def _asks_whether_approved(node: Any, name: str) -> bool:
    """Whether `context.approved_quorums.contains("name")` occurs anywhere under this node."""
    wanted = pst.BinaryOp("contains", pst.GetAttr(pst.Var("context"), APPROVED_QUORUMS), pst.StringLit(name))
    if node == wanted:
        return True
    if isinstance(node, tuple | list):
        return any(_asks_whether_approved(item, name) for item in node)
    if isinstance(node, Mapping):
        return any(_asks_whether_approved(item, name) for item in node.values())
    if not is_dataclass(node):
        return False
    return any(_asks_whether_approved(getattr(node, field.name), name) for field in fields(node))
