from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from grace.domains.crm.rules.outlook import predict, suggest_next_action
from grace.domains.crm.rules.stages import LINE, PROBABILITY, Stage
from tests.domains.crm.rules.test_scoring import ANY, BARE, BEST

FRIDAY = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)


def test_a_neutral_score_leaves_the_stage_alone():
    assert predict(Stage.PROPOSAL, score=50).probability == Decimal("0.4500")
    assert predict(Stage.PROPOSAL).probability == Decimal("0.4500")


def test_the_rule_is_exact_at_its_ends():
    assert predict(Stage.PROPOSAL, score=100).probability == Decimal("0.6975")
    assert predict(Stage.PROPOSAL, score=0).probability == Decimal("0.2025")


def test_closed_and_signed_stages():
    lost = predict(Stage.LOST, score=95)
    assert lost.probability == 0
    assert lost.days_to_close is None
    assert lost.confidence == 1
    won = predict(Stage.ACTIVE, score=10, days_in_stage=400)
    assert won.probability == 1
    assert won.days_to_close == 0


def test_standing_still_costs_and_says_so():
    fresh, stuck = predict(Stage.PROPOSAL), predict(Stage.PROPOSAL, days_in_stage=21)
    assert stuck.probability == fresh.probability * Decimal("0.8")
    assert [factor.name for factor in stuck.factors] == ["stage", "time in stage", "history"]
    assert "no history" in stuck.factors[-1].why


def test_urgency_moves_the_days_not_the_probability():
    hurried = predict(Stage.QUALIFIED, features=replace(BEST, urgency="now"))
    calm = predict(Stage.QUALIFIED, features=replace(BEST, urgency="later"))
    assert hurried.days_to_close == 18
    assert calm.days_to_close == 45
    assert hurried.probability == calm.probability


@given(st.sampled_from(Stage), st.none() | st.integers(0, 100), st.integers(0, 10_000), st.none() | ANY)
def test_predictions_stay_in_range_and_add_up(stage, score, days, features):
    made = predict(stage, score=score, days_in_stage=days, features=features)
    assert 0 <= made.probability <= 1
    assert 0 <= made.confidence <= 1
    assert made.days_to_close is None or made.days_to_close >= 0
    assert abs(sum(factor.effect for factor in made.factors) - made.probability) <= Decimal("0.0002")
    if stage in (Stage.LOST, Stage.PAID):
        assert made.probability == PROBABILITY[stage]


@given(st.integers(0, 99), st.sampled_from(LINE))
def test_a_better_score_is_never_a_worse_prediction(score, stage):
    assert predict(stage, score=score).probability <= predict(stage, score=score + 1).probability


def test_actions_skip_the_weekend():
    action = suggest_next_action(Stage.LEAD, now=FRIDAY)
    assert action.action == "Qualify the lead"
    assert action.due == datetime(2026, 11, 23, 15, 30, tzinfo=UTC)


def test_actions_follow_what_is_known():
    assert suggest_next_action(Stage.LEAD, now=FRIDAY, has_email=False).action.startswith("Find a way")
    assert suggest_next_action(Stage.LEAD, now=FRIDAY, qualified=True).action.startswith("Move the lead")
    thin = suggest_next_action(Stage.LEAD, now=FRIDAY, qualified=False, features=BARE)
    assert thin.action == "Ask for the budget"
    assert suggest_next_action(Stage.QUALIFIED, now=FRIDAY, features=BARE).action.startswith("Hold a short")
    assert suggest_next_action(Stage.QUALIFIED, now=FRIDAY, features=BEST).action.startswith("Write and send")


def test_a_flag_comes_before_everything():
    assert suggest_next_action(Stage.LOST, now=FRIDAY, flagged=True).action == "Review the scan's findings"


def test_hurry_and_standstill_are_reasons():
    action = suggest_next_action(Stage.PROPOSAL, now=FRIDAY, features=replace(BEST, urgency="now"), days_in_stage=30)
    assert len(action.reasons) == 3
    assert action.due == datetime(2026, 11, 23, 15, 30, tzinfo=UTC)


def test_a_repeat_waits_for_nothing():
    assert suggest_next_action(Stage.REPEAT, now=FRIDAY).due is None


@given(st.sampled_from(Stage), st.none() | ANY, st.integers(0, 500), st.sampled_from([None, True, False]))
def test_there_is_always_an_action_with_a_reason_on_a_working_day(stage, features, days, qualified):
    made = suggest_next_action(stage, now=FRIDAY, features=features, days_in_stage=days, qualified=qualified)
    assert made.action
    assert made.reasons
    assert made.due is None or (made.due > FRIDAY and made.due.weekday() < 5)
