"""The policy engine: Cedar, asked so that whatever goes wrong denies.

A policy text is parsed once, indexed by action, and kept by its hash. Annotations: `@id` names a policy,
`@says` is its reason in plain words, `@quorum` turns a `forbid` into a hold that the named votes lift, and
`@solo` lets a single voting member lift it alone for an action of their own.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from types import MappingProxyType
from typing import Any

import cedarpy
from cedarpy import pst

from grace.kit import json
from grace.kit.tx import Principal
from grace.trust.governance.errors import UnreadableQuorum, UnsoundPolicy
from grace.trust.governance.models import Reason, Status
from grace.trust.governance.rules import MAX_LONG, Quorum

APPROVED_QUORUMS = "approved_quorums"
"""The attribute that governance adds: the `@id`s of the holds whose quorum is met."""

TYPES: Mapping[type[Any], str] = MappingProxyType(
    {int: "Long", str: "String", bool: "Bool", frozenset[str]: "Set<String>"}
)
"""What a context attribute may be, and what Cedar calls it."""

KINDS: Mapping[str, str] = MappingProxyType({"user": "User", "agent": "Agent", "system": "System", "client": "Client"})
"""Cedar's entity type for each kind of principal; each is in a `Role::"…"` for every role it has."""


@dataclass(frozen=True)
class ActionShape:
    """What the engine knows of an action: its name, effect class and the types of its context."""

    name: str
    effect: str
    context_types: Mapping[str, type[Any]]


@dataclass(frozen=True, slots=True)
class Judgement:
    """`status` is allowed, denied or awaiting_approval; then the reasons are the holds."""

    status: Status
    reasons: list[Reason]


class PolicyText:
    """A parsed policy text. UnsoundPolicy when it cannot be parsed."""

    def __init__(self, text: str) -> None:
        try:
            self.nodes = cedarpy.PolicySet.from_str(text).to_pst()
        except (ValueError, RecursionError) as error:
            raise UnsoundPolicy("The policy text cannot be read.", findings=[str(error)]) from error
        self.sha256 = sha256(text.encode()).hexdigest()
        self._indexed: dict[tuple[str, str], cedarpy.PolicySet] = {}

    @property
    def policies(self) -> Mapping[str, pst.Template]:
        """Every policy by its position (`policy0`, …)."""
        return self.nodes.static_policies

    def judge(
        self,
        shape: ActionShape,
        *,
        principal: Principal,
        workspace: str,
        context: Mapping[str, object],
        approved: Collection[str] = (),
    ) -> Judgement:
        """Decide on an action; `approved` are the holds (by `@id`) whose quorum is met."""
        if principal.kind not in KINDS:
            return _denied("Nobody of that kind acts here.")
        faults = context_faults(context, shape.context_types)
        if faults:
            return Judgement(Status.DENIED, [Reason(fault) for fault in faults])
        answer = self._ask(shape, principal, workspace, context, approved)
        if answer.status is not Status.AWAITING_APPROVAL:
            return answer
        lifted = {*approved, *(hold.policy or "" for hold in answer.reasons)}
        with_all = self._ask(shape, principal, workspace, context, lifted)
        return answer if with_all.status is Status.ALLOWED else Judgement(Status.DENIED, _final(with_all.reasons))

    def _ask(
        self,
        shape: ActionShape,
        principal: Principal,
        workspace: str,
        context: Mapping[str, object],
        approved: Collection[str],
    ) -> Judgement:
        """One evaluation. Awaiting approval here means only that nothing but holds forbids."""
        who = {"type": KINDS[principal.kind], "id": principal.id}
        what = {"type": "Action", "id": shape.name}
        entities: list[dict[str, Any]] = [
            {
                "uid": who,
                "attrs": {},
                "parents": [{"type": "Role", "id": r} for r in sorted(principal.roles)],
            },
            {"uid": what, "attrs": {}, "parents": [{"type": "Action", "id": shape.effect}]},
        ]
        request = {
            "principal": who,
            "action": what,
            "resource": {"type": "Workspace", "id": workspace},
            "context": json.dumps({**context, APPROVED_QUORUMS: sorted(approved)}),
        }
        try:
            answer = cedarpy.is_authorized(request, self._for(shape), entities)
        except ValueError as error:
            return _denied(f"The policy could not be asked: {error}")
        if answer.diagnostics.errors:
            return Judgement(
                Status.DENIED, [Reason(f"The policy failed: {said}") for said in answer.diagnostics.errors]
            )
        spoke = [self.policies[position] for position in answer.diagnostics.reasons]
        if answer.decision is cedarpy.Decision.Allow and spoke:
            return Judgement(Status.ALLOWED, [_reason(policy) for policy in spoke])
        if answer.decision is not cedarpy.Decision.Deny or not spoke:
            return _denied("No policy permits this.")
        final = [policy for policy in spoke if not _is_hold(policy)]
        if final:
            return Judgement(Status.DENIED, _final([_reason(policy) for policy in final]))
        return Judgement(Status.AWAITING_APPROVAL, [_reason(policy) for policy in spoke])

    def _for(self, shape: ActionShape) -> cedarpy.PolicySet:
        """The policies that name the action or its effect class, and those that name none."""
        key = (shape.name, shape.effect)
        if key not in self._indexed:
            apply = {n: p for n, p in self.policies.items() if not named_actions(p).isdisjoint(key)}
            general = {n: p for n, p in self.policies.items() if isinstance(p.action, pst.ScopeAny)}
            chosen = pst.PolicySet(templates={}, static_policies={**apply, **general}, template_links=())
            self._indexed[key] = cedarpy.PolicySet.from_pst(chosen)
        return self._indexed[key]


def parsed(text: str) -> PolicyText:
    """The text, parsed once per process."""
    policy = known(sha256(text.encode()).hexdigest())
    if policy is None:
        policy = PolicyText(text)
        while len(_parsed) >= _MAX_PARSED:
            del _parsed[next(iter(_parsed))]
        _parsed[policy.sha256] = policy
    return policy


def known(digest: str) -> PolicyText | None:
    """The parsed text with this SHA-256, if this process has seen it."""
    return _parsed.get(digest)


_parsed: dict[str, PolicyText] = {}
_MAX_PARSED = 256


def rules_of(text: str) -> dict[str, tuple[object, ...]]:
    """What each rule of a text says, by its `@id`: equal where only layout, comments or order differ."""
    return {
        policy.annotations.get("id") or position: (
            policy.effect,
            policy.principal,
            policy.action,
            policy.resource,
            policy.clauses,
            policy.annotations,
        )
        for position, policy in parsed(text).policies.items()
    }


def named_actions(policy: pst.Template) -> frozenset[str]:
    """The actions and effect classes that a policy's head names; none means all."""
    match policy.action:
        case pst.ActionEq(entity):
            return frozenset({entity.id})
        case pst.ActionIn(entities):
            return frozenset(entity.id for entity in entities)
    return frozenset()


def context_faults(context: Mapping[str, object], types: Mapping[str, type[Any]]) -> list[str]:
    """What is missing, undeclared or of the wrong type; a policy must never be asked about such a context."""
    faults = [f"The fact {name!r} is missing." for name in sorted(set(types) - set(context))]
    faults += [f"The fact {name!r} is not declared." for name in sorted(set(context) - set(types))]
    for name in sorted(set(types) & set(context)):
        if not _has_type(context[name], types[name]):
            faults.append(f"The fact {name!r} is not of the type {TYPES[types[name]]}.")
    return faults


def schema(shapes: Sequence[ActionShape]) -> str:
    """Cedar's schema of these actions, against which a policy text is type-checked before activation."""
    lines = ["entity Role, Workspace;", "entity User, Agent, System, Client in [Role];"]
    lines += [f"action {json.dumps(effect)};" for effect in sorted({shape.effect for shape in shapes})]
    for shape in shapes:
        attributes = {name: TYPES[type_] for name, type_ in shape.context_types.items()}
        attributes[APPROVED_QUORUMS] = "Set<String>"
        record = ", ".join(f"{json.dumps(name)}: {type_}" for name, type_ in sorted(attributes.items()))
        lines.append(
            f"action {json.dumps(shape.name)} in [{json.dumps(shape.effect)}] appliesTo "
            f"{{ principal: [User, Agent, System, Client], resource: [Workspace], context: {{ {record} }} }};"
        )
    return "\n".join(lines)


def _has_type(value: object, type_: type[Any]) -> bool:
    if type_ is int:
        return type(value) is int and -MAX_LONG - 1 <= value <= MAX_LONG
    if type_ is str or type_ is bool:
        return type(value) is type_
    return isinstance(value, frozenset | set) and all(type(item) is str for item in value)


def _is_hold(policy: pst.Template) -> bool:
    """Whether a forbid is one that votes can lift. An unreadable quorum never is: it denies."""
    try:
        Quorum.parse(policy.annotations.get("quorum"))
    except UnreadableQuorum:
        return False
    return bool(policy.annotations.get("id"))


def _reason(policy: pst.Template) -> Reason:
    notes = policy.annotations
    says = notes.get("says") or ("Permitted." if policy.effect == "permit" else "A policy forbids this.")
    return Reason(says, notes.get("id") or policy.id, notes.get("quorum"), "solo" in notes)


def _final(reasons: list[Reason]) -> list[Reason]:
    """The reasons of a denial: no vote lifts them."""
    return [Reason(reason.says, reason.policy) for reason in reasons]


def _denied(says: str) -> Judgement:
    return Judgement(Status.DENIED, [Reason(says)])
