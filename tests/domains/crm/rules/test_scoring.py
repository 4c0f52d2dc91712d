from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grace.domains.crm.rules.features import Features
from grace.domains.crm.rules.scoring import ScoreRule, score_lead

BARE = Features(
    has_company=False,
    has_budget=False,
    industry="unknown",
    source="cold_email",
    budget_band=0,
    business_email=False,
    requirements_words=0,
    requirements_specifics=0,
    has_project_type=False,
    urgency="unknown",
    country="unknown",
    contact_completeness=0,
    returning_client=False,
)
BEST = replace(
    BARE,
    has_company=True,
    has_budget=True,
    industry="technology",
    source="referral",
    budget_band=5,
    requirements_words=200,
    requirements_specifics=4,
    urgency="soon",
)
ANY = st.builds(
    Features,
    has_company=st.booleans(),
    has_budget=st.booleans(),
    industry=st.sampled_from(["technology", "public", "other", "unknown", "something new"]),
    source=st.sampled_from(["referral", "website", "import", "other", "trade_fair"]),
    budget_band=st.integers(0, 5),
    business_email=st.booleans(),
    requirements_words=st.integers(0, 500),
    requirements_specifics=st.integers(0, 4),
    has_project_type=st.booleans(),
    urgency=st.sampled_from(["now", "soon", "later", "stated", "unknown"]),
    country=st.just("DE"),
    contact_completeness=st.integers(0, 5),
    returning_client=st.booleans(),
)


def points(score):
    return {line.factor: line.points for line in score.breakdown}


def test_the_best_lead_ends_at_the_cap():
    score = score_lead(BEST)
    assert points(score) == {
        "base": 50,
        "budget": 20,
        "industry": 15,
        "source": 20,
        "requirements": 10,
        "cap": -15,
    }
    assert score.score == 100
    assert score.breakdown[-1].why == "The points add up to 115; a score ends at 100."
    assert score.qualified
    assert score.recommendation == "Worth pursuing. Write the proposal now, while the need is fresh."


def test_a_bare_lead_keeps_its_base_and_hears_what_is_missing():
    score = score_lead(BARE)
    assert score.score == 53
    assert points(score)["cap"] == 0
    assert not score.qualified
    assert "No budget is known." in score.reasons
    assert score.recommendation.startswith("Not yet. Ask for the budget")


def test_the_threshold_itself_does_not_qualify():
    assert score_lead(BARE, threshold=52).qualified
    assert not score_lead(BARE, threshold=53).qualified


def test_a_flagged_lead_never_qualifies_but_keeps_its_score():
    score = score_lead(BEST, flagged=True)
    assert score.score == 100
    assert not score.qualified
    assert "scan's findings" in score.recommendation


def test_a_workspace_may_change_points_within_the_limits():
    rule = ScoreRule(version="ours-2", source={"trade_fair": 18, "other": 1})
    assert points(score_lead(replace(BARE, source="trade_fair"), rule=rule))["source"] == 18
    assert points(score_lead(replace(BARE, source="x"), rule=rule))["source"] == 1
    with pytest.raises(ValueError, match="0-20"):
        ScoreRule(source={"trade_fair": 21})


@given(ANY, st.integers(0, 100), st.booleans())
def test_the_breakdown_is_exact_and_within_the_documented_limits(features, threshold, flagged):
    score = score_lead(features, threshold=threshold, flagged=flagged)
    assert sum(line.points for line in score.breakdown) == score.score
    assert 0 <= score.score <= 100
    assert score.breakdown[-1].factor == "cap"
    assert score.breakdown[-1].points <= 0
    found = points(score)
    assert found["base"] == 50
    assert 0 <= found["budget"] <= 20
    assert 0 <= found["industry"] <= 15
    assert 0 <= found["source"] <= 20
    assert 0 <= found["requirements"] <= 10
    assert score.qualified == (score.score > threshold and not flagged)
