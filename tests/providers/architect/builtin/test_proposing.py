from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grace.kit.display import format_money
from grace.kit.markdown import read_markdown
from grace.providers.architect.builtin.architect import BuiltinArchitect
from grace.providers.architect.builtin.proposing import propose
from grace.providers.architect.port import (
    Business,
    Client,
    PastProject,
    ProposalBrief,
    ProposalTemplate,
    RateCard,
    WorkKind,
)
from grace.trust.hunter.rules.scan import scan
from tests.providers.architect.builtin.test_understanding import BAKERY, PORTAL

BRIEF = ProposalBrief(
    requirements=PORTAL,
    client=Client("Anna Weber", "Weber Baked Goods"),
    business=Business("Nordlicht Studio", "Jonas Nord", "jonas@nordlicht-studio.eu"),
    rate_card=RateCard("EUR", 9500),
    today=date(2026, 11, 20),
)


def test_the_parts_agree_with_each_other():
    made = propose(BRIEF)
    assert made.title == "Customer portal for Weber Baked Goods"
    assert [one.title for one in made.deliverables] == [
        "Kick-off and plan",
        "Customer portal",
        "Data and reporting",
        "Chatbot",
        "Automation",
        "Training",
        "Launch and handover",
    ]
    assert [one.number for one in made.deliverables] == [1, 2, 3, 4, 5, 6, 7]
    assert all(one.list_price_minor == one.hours * one.rate_minor for one in made.deliverables)
    assert made.pricing.subtotal_minor == made.pricing.total_minor == made.pricing.hours * 9500
    assert made.timeline.weeks == 8
    assert made.valid_until == date(2026, 12, 20)
    assert made.written_by == "builtin-1"


def test_the_budget_is_met_by_a_discount_that_is_shown():
    made = propose(replace(BRIEF, budget_minor=1_700_000))
    assert made.pricing.total_minor == 1_700_000
    assert [one.title for one in made.left_out] == ["Chatbot"]
    assert "Left out to meet your budget" in made.text
    assert "| Discount (" in made.text
    assert "You named a budget of €17,000.00. We have given a discount and left the optional part out" in made.text
    assert sum(one.price_minor for one in made.deliverables) == 1_700_000


def test_a_budget_that_cannot_be_met_is_said_openly():
    made = propose(replace(BRIEF, budget_minor=200_000, max_discount_percent=5))
    over = format_money(made.pricing.over_budget_minor, "EUR")
    assert made.pricing.over_budget_minor > 0
    assert f"this is still {over} above it" in made.text
    assert "| Discount (5 %) |" in made.text


def test_a_budget_above_the_price_is_not_used_up():
    made = propose(replace(BRIEF, budget_minor=9_900_000))
    assert made.pricing.discount_minor == 0
    assert "We charge for the work, not for the budget." in made.text


def test_the_wish_for_a_date_is_answered():
    assert "You asked for 6 weeks" in propose(BRIEF).text
    assert "That keeps the 6 weeks" in propose(replace(BRIEF, requirements="A website. Within 6 weeks.")).text
    assert "You wrote “end of March”" in propose(replace(BRIEF, requirements=BAKERY)).text


def test_past_projects_are_named_only_when_allowed():
    past = PastProject("Portal for Acme", WorkKind.WEBSITE, {WorkKind.WEBSITE: 120}, 7, "calls fell by half")
    assert "Acme" not in propose(replace(BRIEF, past_projects=(past,))).text
    named = propose(replace(BRIEF, past_projects=(replace(past, may_mention=True),)))
    assert "“Portal for Acme” (7 weeks): calls fell by half." in named.text
    assert "before" not in propose(BRIEF).text.split("## What you get")[0]
    portal = {one.title: one.hours for one in named.deliverables}["Customer portal"]
    assert portal > {one.title: one.hours for one in propose(BRIEF).deliverables}["Customer portal"]


def test_the_workspaces_own_words_replace_the_shipped_ones():
    template = ProposalTemplate(
        WorkKind.WEBSITE,
        opening="Moin $client, $business freut sich: $project in $weeks. $unknown stays.",
        assumptions=("We meet on Tuesdays.",),
        exclusions=("Travel.",),
    )
    text = propose(replace(BRIEF, templates=(template,))).text
    assert "Moin Weber Baked Goods, Nordlicht Studio freut sich:" in text
    assert "$unknown stays." in text
    assert "- We meet on Tuesdays." in text
    assert "- Travel." in text


def test_rates_per_kind_of_work():
    card = RateCard("JPY", 12000, {WorkKind.DATA: 15000}, hours_per_week=20)
    made = propose(replace(BRIEF, rate_card=card))
    assert {one.rate_minor for one in made.deliverables if one.kind is WorkKind.DATA} == {15000}
    assert "at ¥15,000:" in made.text


def test_a_company_without_a_person_is_greeted_as_a_team():
    assert "Dear team at Acme," in propose(replace(BRIEF, client=Client("Acme", "Acme"))).text
    assert "Dear Anna Weber," in propose(BRIEF).text


def test_too_little_to_go_on_becomes_a_first_step():
    made = propose(replace(BRIEF, requirements="help"))
    assert [one.kind for one in made.deliverables] == [WorkKind.DISCOVERY]
    assert made.kind is WorkKind.DISCOVERY
    other = propose(replace(BRIEF, requirements="हमें एक ऑनलाइन दुकान चाहिए"))
    assert other.deliverables[1].includes == ("हमें एक ऑनलाइन दुकान चाहिए",)


@pytest.mark.parametrize("broken", [{"requirements": "  "}, {"rate_card": RateCard("EUR", 0)}])
def test_a_brief_that_cannot_work_is_refused(broken):
    with pytest.raises(ValueError, match=r"empty|rate"):
        propose(replace(BRIEF, **broken))


@pytest.mark.parametrize("requirements", [PORTAL, BAKERY, "Online shop", "An API and an app", "help"])
def test_what_we_write_ourselves_passes_the_hunter(requirements):
    assert scan("generated_text", {"text": propose(replace(BRIEF, requirements=requirements)).text}).findings == ()


def kinds_of_runs(blocks):
    for block in blocks:
        yield from (key for run in block.get("runs", ()) for key in run)
        yield from kinds_of_runs(block.get("blocks", ()))
        for item in block.get("items", ()):
            yield from kinds_of_runs(item)


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "[click](https://evil.com)",
        "# Heading",
        "a | b | c",
        "$client ${weeks}",
        "`code` ~~~",
        "1. one",
    ],
)
def test_the_clients_words_never_become_markup(hostile):
    brief = replace(
        BRIEF,
        requirements=f"We need a website {hostile}",
        client=Client(hostile, hostile),
        business=Business(hostile, hostile),
    )
    made = propose(brief)
    blocks = read_markdown(made.text)
    assert "href" not in set(kinds_of_runs(blocks))
    assert "code" not in {block["kind"] for block in blocks} | set(kinds_of_runs(blocks))
    titles = [block for block in blocks if block["kind"] == "heading" and block["level"] == 1]
    assert len(titles) == 1
    assert len([block for block in blocks if block["kind"] == "table"]) == 3


@settings(max_examples=150)
@given(
    st.lists(
        st.sampled_from([PORTAL, BAKERY, "Optional: chatbot.", "- REST API with 9 endpoints", "x"]),
        min_size=1,
    ),
    st.none() | st.integers(0, 10**8),
    st.integers(1, 10**6),
    st.integers(0, 100),
    st.sampled_from(["USD", "INR", "JPY", "KWD"]),
    st.integers(1, 60),
)
def test_every_proposal_adds_up(texts, budget, rate, most, currency, per_week):
    brief = replace(
        BRIEF,
        requirements="\n".join(texts),
        budget_minor=budget,
        rate_card=RateCard(currency, rate, hours_per_week=per_week),
        max_discount_percent=most,
    )
    made = propose(brief)
    pricing = made.pricing
    assert sum(one.price_minor for one in made.deliverables) == pricing.total_minor
    assert sum(part.amount_minor for part in pricing.payments) == pricing.total_minor
    assert sum(part.share_percent for part in pricing.payments) == 100
    assert pricing.discount_minor * 100 <= most * pricing.subtotal_minor
    assert pricing.hours == sum(one.hours for one in made.deliverables)
    assert made.timeline.phases[0].from_week == 1
    assert made.timeline.phases[-1].to_week == made.timeline.weeks
    assert sorted(n for phase in made.timeline.phases for n in phase.deliverables) == [
        one.number for one in made.deliverables
    ]
    assert format_money(pricing.total_minor, currency) in made.text
    assert all(one.optional for one in made.left_out)
    assert made == propose(brief)


async def test_the_port_is_fulfilled():
    architect = BuiltinArchitect()
    assert architect.name == "builtin-1"
    assert await architect.propose(BRIEF) == propose(BRIEF)
