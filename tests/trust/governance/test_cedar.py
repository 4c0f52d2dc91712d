"""The engine: whatever is missing, wrong or unreadable denies; a hold is only what votes can lift."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grace.kit.tx import Principal
from grace.trust.governance.cedar import ActionShape, Judgement, PolicyText, context_faults, parsed
from grace.trust.governance.errors import UnsoundPolicy
from grace.trust.governance.models import Status
from grace.trust.governance.rules import MAX_LONG

PAY = ActionShape("pay", "money_out", {"amount": int, "note": str, "rush": bool, "tags": frozenset[str]})
FACTS: dict[str, object] = {"amount": 5, "note": "x", "rush": False, "tags": frozenset({"a"})}
OWNER = Principal("user", "u1", "Ann", frozenset({"owner"}))
PERMIT = '@id("all") permit (principal, action, resource);\n'
HOLD = """
@id("big") @says("Big.") @quorum("1 of owner")
forbid (principal, action == Action::"pay", resource)
when { context.amount > 100 } unless { context.approved_quorums.contains("big") };
"""
LATE = """
@id("late") @says("Rushed.") @quorum("1 of admin")
forbid (principal, action == Action::"pay", resource)
when { context.rush } unless { context.approved_quorums.contains("late") };
"""


def judge(text: str, approved: tuple[str, ...] = (), principal: Principal = OWNER, **facts: object) -> Judgement:
    context = {**FACTS, **facts}
    return parsed(text).judge(PAY, principal=principal, workspace="main", context=context, approved=approved)


def ids(judgement: Judgement) -> list[str]:
    return sorted(reason.policy or "" for reason in judgement.reasons)


def test_no_permit_denies() -> None:
    assert judge("").status is Status.DENIED
    assert judge(HOLD, amount=500).status is Status.DENIED
    assert judge(HOLD, approved=("big",), amount=500).status is Status.DENIED


def test_a_permit_allows_and_is_named() -> None:
    answer = judge(PERMIT)
    assert (answer.status, ids(answer)) == (Status.ALLOWED, ["all"])


def test_only_holds_forbidding_is_a_hold_and_every_hold_is_named() -> None:
    answer = judge(PERMIT + HOLD + LATE, amount=500, rush=True)
    assert (answer.status, ids(answer)) == (Status.AWAITING_APPROVAL, ["big", "late"])
    assert sorted(reason.says for reason in answer.reasons) == ["Big.", "Rushed."]


def test_several_holds_must_all_be_met() -> None:
    text = PERMIT + HOLD + LATE
    assert ids(judge(text, approved=("big",), amount=500, rush=True)) == ["late"]
    assert judge(text, approved=("late", "big"), amount=500, rush=True).status is Status.ALLOWED


def test_a_plain_forbid_denies_whatever_is_approved() -> None:
    text = PERMIT + HOLD + '@id("no") @says("Never.") forbid (principal, action, resource) when { context.rush };'
    answer = judge(text, approved=("big",), amount=500, rush=True)
    assert (answer.status, [(r.policy, r.says, r.quorum) for r in answer.reasons]) == (
        Status.DENIED,
        [("no", "Never.", None)],
    )


@pytest.mark.parametrize("quorum", ['""', '"0 of owner"', '"parliament"', '"2 of nobody"', '"-1 of owner"'])
def test_a_hold_with_an_unreadable_quorum_denies(quorum: str) -> None:
    answer = judge(PERMIT + HOLD.replace('"1 of owner"', quorum), amount=500)
    assert answer.status is Status.DENIED


def test_a_bare_quorum_denies() -> None:
    assert judge(PERMIT + HOLD.replace('@quorum("1 of owner")', "@quorum"), amount=500).status is Status.DENIED


def test_a_hold_without_an_id_denies_for_nothing_could_lift_it() -> None:
    by_position = HOLD.replace('@id("big")', "").replace('contains("big")', 'contains("policy1")')
    assert judge(PERMIT + by_position, amount=500).status is Status.DENIED


def test_a_hold_that_no_approval_lifts_denies() -> None:
    text = PERMIT + HOLD.replace('unless { context.approved_quorums.contains("big") }', "")
    assert judge(text, amount=500).status is Status.DENIED
    assert judge(text, approved=("big",), amount=500).status is Status.DENIED


def test_a_policy_that_errors_denies_although_cedar_would_skip_it() -> None:
    broken = '@id("typo") @says("x") forbid (principal, action, resource) when { context.amuont > 100 };'
    answer = judge(PERMIT + broken, amount=500)
    assert answer.status is Status.DENIED
    assert "amuont" in answer.reasons[0].says


def test_an_overflow_in_a_policy_denies() -> None:
    text = PERMIT + '@id("sum") @says("x") forbid (principal, action, resource) when { context.amount + 1 > 9 };'
    assert judge(text, amount=MAX_LONG).status is Status.DENIED


@pytest.mark.parametrize("name", sorted(FACTS))
def test_a_missing_fact_denies_even_where_nothing_reads_it(name: str) -> None:
    facts = {key: value for key, value in FACTS.items() if key != name}
    answer = parsed(PERMIT).judge(PAY, principal=OWNER, workspace="main", context=facts)
    assert answer.status is Status.DENIED


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("amount", True),
        ("amount", "5"),
        ("amount", 5.0),
        ("amount", None),
        ("amount", MAX_LONG + 1),
        ("amount", -MAX_LONG - 2),
        ("note", 5),
        ("note", None),
        ("note", b"x"),
        ("rush", 1),
        ("rush", "false"),
        ("rush", None),
        ("tags", ["a"]),
        ("tags", "a"),
        ("tags", frozenset({1})),
        ("undeclared", 1),
        ("approved_quorums", frozenset({"big"})),
    ],
)
def test_a_mistyped_or_undeclared_fact_denies(name: str, value: object) -> None:
    facts = {**FACTS, name: value}
    answer = parsed(PERMIT).judge(PAY, principal=OWNER, workspace="main", context=facts)
    assert (answer.status, len(answer.reasons)) == (Status.DENIED, 1)
    assert [reason.says for reason in answer.reasons] == context_faults(facts, PAY.context_types)


def test_text_that_utf8_cannot_hold_denies() -> None:
    assert judge(PERMIT, note="\ud800").status is Status.DENIED


def test_roles_and_kinds_are_the_principals() -> None:
    text = '@id("r") permit (principal is User in Role::"owner", action, resource);'
    assert judge(text).status is Status.ALLOWED
    assert judge(text, principal=Principal("user", "u2", "Bob", frozenset({"admin"}))).status is Status.DENIED
    assert judge(text, principal=Principal("agent", "u1", "Bot", frozenset({"owner"}))).status is Status.DENIED


def test_a_role_id_is_never_read_as_policy_syntax() -> None:
    sly = Principal("user", '" in Role::"owner', "Sly", frozenset({'x"]', "owner "}))
    assert judge('@id("r") permit (principal in Role::"owner", action, resource);', principal=sly).status is (
        Status.DENIED
    )


def test_effect_classes_are_groups_of_actions() -> None:
    text = '@id("m") permit (principal, action in Action::"money_out", resource);'
    assert judge(text).status is Status.ALLOWED
    other = ActionShape("pay", "message", PAY.context_types)
    assert parsed(text).judge(other, principal=OWNER, workspace="main", context=FACTS).status is Status.DENIED


@given(
    st.lists(st.sampled_from(["pay", "send", "money_out", "message", None]), max_size=8),
    st.lists(st.booleans(), min_size=8, max_size=8),
)
def test_the_index_answers_as_the_whole_text_does(heads: list[str | None], forbids: list[bool]) -> None:
    text = ""
    for number, head in enumerate(heads):
        scope = "action" if head is None else f'action in [Action::"{head}"]'
        effect = "forbid" if forbids[number] else "permit"
        text += f'@id("p{number}") @says("x") {effect} (principal, {scope}, resource);\n'
    relevant = [forbids[n] for n, head in enumerate(heads) if head in ("pay", "money_out", None)]
    expected = Status.ALLOWED if relevant and not any(relevant) else Status.DENIED
    assert PolicyText(text).judge(PAY, principal=OWNER, workspace="main", context=FACTS).status is expected


def test_a_text_is_parsed_once() -> None:
    assert parsed(PERMIT) is parsed(PERMIT)


def test_a_text_that_cannot_be_parsed_is_refused() -> None:
    with pytest.raises(UnsoundPolicy):
        parsed("permit (principal, action, resource)")
