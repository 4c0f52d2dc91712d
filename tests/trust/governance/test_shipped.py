"""The shipped policy: its own cases, and no way around a fact that is missing or of the wrong type."""

import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest

from grace.kit.tx import Principal
from grace.trust.governance import registry
from grace.trust.governance.cedar import TYPES, ActionShape, parsed
from grace.trust.governance.checks import check, read_cases
from grace.trust.governance.models import Status
from grace.trust.governance.shipped import shipped
from tests.trust.governance import registered

SHIPPED = shipped()
CASES = read_cases(SHIPPED.cases)
WRONG: dict[type[Any], list[object]] = {
    int: ["1", True, 1.0, None, 2**63, [1], {"a": 1}],
    str: [1, True, None, ["none"], b"none"],
    bool: [0, "true", None],
    frozenset[str]: ["a", ["a"], frozenset({1}), None],
}


def test_the_text_is_sound() -> None:
    check(SHIPPED.text, SHIPPED.cases, list(SHIPPED.shapes.values()))


@pytest.mark.parametrize("case", CASES, ids=[f"{case.action}: {case.name}" for case in CASES])
def test_case(case: Any) -> None:
    assert case.why_failed(parsed(SHIPPED.text), SHIPPED.shapes) is None


def test_what_the_issue_governs_is_shipped() -> None:
    assert {"send_proposal", "deliver_project", "refund_payment"} <= set(SHIPPED.shapes)


@pytest.mark.parametrize("name", sorted(SHIPPED.shapes))
def test_a_registered_action_gives_the_facts_that_its_shipped_policy_reads(name: str) -> None:
    kind = next((kind for kind in registered.all_kinds() if kind.name == name), None)
    if kind is None:
        pytest.skip(f"{name} is not registered in this build")
    shape = SHIPPED.shapes[name]
    assert (kind.effect, dict(kind.context_types)) == (shape.effect, dict(shape.context_types))


def broken_facts() -> Iterator[tuple[str, ActionShape, dict[str, object]]]:
    """Every fact of every action, shipped or registered, deleted and mistyped."""
    shapes: dict[str, ActionShape] = {kind.name: kind for kind in registered.all_kinds()} | SHIPPED.shapes
    for shape in shapes.values():
        whole = {name: registered.SAMPLE[type_] for name, type_ in shape.context_types.items()}
        for name, type_ in shape.context_types.items():
            yield f"{shape.name} without {name}", shape, {k: v for k, v in whole.items() if k != name}
            for wrong in WRONG[type_]:
                yield f"{shape.name} with {name}={wrong!r}", shape, {**whole, name: wrong}
        yield f"{shape.name} with an undeclared fact", shape, {**whole, "surprise": 1}


BROKEN = list(broken_facts())


@pytest.mark.parametrize(("shape", "facts"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_a_deleted_or_mistyped_fact_denies(shape: ActionShape, facts: dict[str, object]) -> None:
    lenient = parsed(SHIPPED.text + '@id("lenient") permit (principal, action, resource);')
    owner = Principal("user", "u", "u", frozenset({"owner", "admin"}))
    every_hold = {p.annotations["id"] for p in lenient.policies.values() if "quorum" in p.annotations}
    for approved in (set(), every_hold):
        answer = lenient.judge(shape, principal=owner, workspace="w", context=facts, approved=approved)
        assert answer.status is Status.DENIED


def test_every_type_of_fact_has_wrong_values_and_a_sample() -> None:
    assert set(WRONG) == set(registered.SAMPLE) == set(TYPES)


def test_no_two_actions_share_a_name() -> None:
    names = [kind.name for kind in registry.registered()]
    assert len(names) == len(set(names))


def test_the_examples_of_the_readme_are_shipped() -> None:
    readme = (files("grace.trust.governance") / "policies" / "README.md").read_text("utf-8")
    examples = re.findall(r"```cedar\n(.*?)```", readme, re.DOTALL)
    assert examples
    assert [example for example in examples if example not in SHIPPED.text] == []
