from itertools import pairwise, product

import pytest

from grace.domains.crm.rules.stages import (
    BEFORE_CONTRACT,
    CLOSED,
    LINE,
    OPEN,
    PROBABILITY,
    Move,
    MoveKind,
    Refusal,
    Stage,
    allowed_moves,
    judge_move,
    way,
)


def test_the_whole_line_can_be_walked():
    for here, there in pairwise(LINE):
        assert judge_move(here, there) == Move(MoveKind.FORWARD)


@pytest.mark.parametrize("stage", OPEN)
def test_every_open_stage_can_be_lost(stage):
    assert judge_move(stage, Stage.LOST) == Move(MoveKind.LOST)


@pytest.mark.parametrize("stage", [Stage.PAID, Stage.REPEAT, Stage.LOST])
def test_a_closed_stage_cannot_be_lost(stage):
    assert isinstance(judge_move(stage, Stage.LOST), Refusal)


@pytest.mark.parametrize("stage", BEFORE_CONTRACT)
def test_a_lost_lead_reopens_before_the_contract(stage):
    assert judge_move(Stage.LOST, stage) == Move(MoveKind.REOPENED)


def test_a_lost_lead_does_not_reopen_as_signed():
    refusal = judge_move(Stage.LOST, Stage.ACTIVE)
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "A lost lead is reopened before the contract, not in ACTIVE."
    assert refusal.allowed == BEFORE_CONTRACT


def test_skipping_ahead_of_the_contract_is_recorded():
    assert judge_move(Stage.LEAD, Stage.NEGOTIATION) == Move(MoveKind.FORWARD, (Stage.QUALIFIED, Stage.PROPOSAL))
    assert judge_move(Stage.PROPOSAL, Stage.CONTRACT) == Move(MoveKind.FORWARD, (Stage.NEGOTIATION,))


@pytest.mark.parametrize(
    ("here", "there", "words"),
    [
        (Stage.LEAD, Stage.CONTRACT, "follows a proposal"),
        (Stage.LEAD, Stage.PAID, "must be in DELIVERED"),
        (Stage.CONTRACT, Stage.DELIVERED, "must be in ACTIVE"),
        (Stage.ACTIVE, Stage.PROPOSAL, "The contract exists"),
        (Stage.ACTIVE, Stage.ACTIVE, "already in ACTIVE"),
        (Stage.REPEAT, Stage.LEAD, "a new lead"),
        (Stage.QUALIFIED, Stage.REPEAT, "must be in PAID"),
    ],
)
def test_refusals_say_why(here, there, words):
    refusal = judge_move(here, there)
    assert isinstance(refusal, Refusal)
    assert words in refusal.reason
    assert there not in refusal.allowed


def test_rework_and_a_returned_payment_go_back():
    assert judge_move(Stage.DELIVERED, Stage.ACTIVE) == Move(MoveKind.BACK)
    assert judge_move(Stage.PAID, Stage.DELIVERED) == Move(MoveKind.BACK)


def test_every_pair_is_judged_as_allowed_moves_says():
    for here, there in product(Stage, Stage):
        verdict = judge_move(here, there)
        assert isinstance(verdict, Move) == (there in allowed_moves(here))
        if isinstance(verdict, Refusal):
            assert verdict.reason.endswith(".")
    assert set(OPEN) | set(CLOSED) == set(Stage)


def test_every_stage_has_a_probability_and_lost_is_a_real_zero():
    assert set(PROBABILITY) == set(Stage)
    assert PROBABILITY[Stage.LOST] == 0
    assert PROBABILITY[Stage.LOST] is not None
    values = [PROBABILITY[stage] for stage in LINE]
    assert values == sorted(values)


@pytest.mark.parametrize(
    ("current", "target", "steps"),
    [
        (Stage.LEAD, Stage.PROPOSAL, [Stage.PROPOSAL]),
        (Stage.LEAD, Stage.CONTRACT, [Stage.PROPOSAL, Stage.CONTRACT]),
        (Stage.NEGOTIATION, Stage.CONTRACT, [Stage.CONTRACT]),
        (Stage.QUALIFIED, Stage.PAID, [Stage.PROPOSAL, Stage.CONTRACT, Stage.ACTIVE, Stage.DELIVERED, Stage.PAID]),
        (Stage.LOST, Stage.PROPOSAL, [Stage.PROPOSAL]),
        (Stage.LOST, Stage.CONTRACT, [Stage.PROPOSAL, Stage.CONTRACT]),
        (Stage.LOST, Stage.ACTIVE, []),
        (Stage.PAID, Stage.ACTIVE, []),
        (Stage.PAID, Stage.PAID, []),
    ],
)
def test_the_way_forward_is_the_shortest(current: Stage, target: Stage, steps: list[Stage]) -> None:
    assert list(way(current, target)) == steps


@pytest.mark.parametrize(("current", "target"), list(product(Stage, Stage)))
def test_every_step_of_a_way_is_allowed_and_it_ends_in_the_target(current: Stage, target: Stage) -> None:
    steps = way(current, target)
    for here, there in pairwise([current, *steps]):
        assert there in allowed_moves(here)
    assert not steps or steps[-1] is target
