from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grace.domains.crm.rules.features import (
    Captured,
    budget_band,
    budget_from_range,
    extract_features,
    industry_group,
)
from grace.domains.crm.rules.sources import SHIPPED, is_source, normalise_source


def test_there_are_thirteen_and_the_four_documented_ones_are_among_them():
    features = extract_features(Captured(source="website", name="Ann Lee")).as_dict()
    assert len(features) == 13
    assert {"has_company", "has_budget", "industry", "source"} <= set(features)


def test_a_full_lead():
    features = extract_features(
        Captured(
            source="Referral",
            name="Ann Lee",
            email="ann@acme.com",
            company="Acme",
            industry="Software development",
            budget=Decimal("25000.00"),
            requirements="A customer portal with 12 pages by the end of March so that nobody types orders.",
            timeline="within 6 weeks",
            project_type="web",
            country="de",
            earlier_projects=1,
        )
    )
    assert features.as_dict() == {
        "has_company": True,
        "has_budget": True,
        "industry": "technology",
        "source": "referral",
        "budget_band": 4,
        "business_email": True,
        "requirements_words": 16,
        "requirements_specifics": 4,
        "has_project_type": True,
        "urgency": "soon",
        "country": "DE",
        "contact_completeness": 3,
        "returning_client": True,
    }


def test_a_bare_lead():
    features = extract_features(Captured(source="", name=" ", budget=Decimal(0)))
    assert not features.has_budget
    assert features.industry == "unknown"
    assert features.source == "other"
    assert features.contact_completeness == 0


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("$5k-10k", "5000"),
        ("5-10k", "5000"),
        ("10,000 – 25,000 EUR", "10000"),
        ("10.000,50", "10000.50"),
        ("₹5,00,000", "500000"),
        ("5 lakhs", "500000"),
        ("1.5 crore", "15000000"),
        ("under 4k", "2000"),
        ("50000+", "50000"),
        ("6 months", "6"),
        ("10 000 €", "10000"),
        ("to be discussed", None),
        ("", None),
        (None, None),
    ],
)
def test_budget_ranges(text, amount):
    assert budget_from_range(text) == (None if amount is None else Decimal(amount))


@pytest.mark.parametrize(
    ("amount", "currency", "band"),
    [
        (None, "USD", 0),
        ("0", "USD", 0),
        ("0.50", "USD", 1),
        ("999.99", "EUR", 1),
        ("1000", "USD", 2),
        ("5000", "GBP", 3),
        ("20000", "USD", 4),
        ("50000", "USD", 5),
        ("50000", "INR", 2),
        ("50000", "jpy", 1),
    ],
)
def test_budget_bands(amount, currency, band):
    assert budget_band(None if amount is None else Decimal(amount), currency=currency) == band


@pytest.mark.parametrize(
    ("text", "group"),
    [
        ("SaaS", "technology"),
        ("Retail", "ecommerce"),
        ("professional services", "professional_services"),
        ("real_estate", "real_estate"),
        ("Beekeeping", "other"),
        ("Airline catering", "other"),
        ("  ", "unknown"),
        (None, "unknown"),
    ],
)
def test_industries(text, group):
    assert industry_group(text) == group


def test_sources():
    assert [normalise_source(source) for source in SHIPPED] == list(SHIPPED)
    assert normalise_source("Cold E-Mail") == "cold_email"
    assert normalise_source("?!") == ""
    assert is_source("trade_fair", own=frozenset({"trade_fair"}))
    assert not is_source("trade_fair")


@given(
    st.builds(
        Captured,
        source=st.text(max_size=40),
        name=st.text(max_size=40),
        email=st.none() | st.text(max_size=60),
        industry=st.none() | st.text(max_size=60),
        budget=st.none() | st.decimals(allow_nan=False, allow_infinity=False, places=2),
        budget_range=st.none() | st.text(alphabet="0123456789 .,'-k+mlcr$€", max_size=60),
        currency=st.sampled_from(["USD", "INR", "XXX"]),
        requirements=st.none() | st.text(max_size=300),
        timeline=st.none() | st.text(max_size=60),
    )
)
def test_any_lead_has_features_and_always_the_same(lead):
    features = extract_features(lead)
    assert features == extract_features(lead)
    assert 0 <= features.budget_band <= 5
    assert 0 <= features.requirements_specifics <= 4
