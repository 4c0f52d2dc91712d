import hashlib
from dataclasses import replace
from datetime import date

import pytest

from grace.domains.proposals.rules.contract import (
    CLAUSES,
    AgreedItem,
    AgreedPayment,
    Clause,
    ContractTerms,
    Party,
    write_contract,
)
from grace.kit.markdown import read_markdown
from grace.trust.hunter.rules.scan import scan

TERMS = ContractTerms(
    number="C-2026-7",
    project="Customer portal",
    made_on=date(2026, 11, 20),
    provider=Party("Jonas Nord", "Nordlicht Studio", "Hafenstr. 1\n20457 Hamburg", "jonas@nordlicht-studio.eu", "DE1"),
    client=Party("Anna Weber", "Weber Baked Goods"),
    proposal="P-12, version 2",
    currency="EUR",
    total_minor=1_000_001,
    weeks=6,
    items=(
        AgreedItem("Portal", "A portal.", ("Login",), ("It works.",), 900_001),
        AgreedItem("Training", price_minor=100_000),
    ),
    payments=(AgreedPayment("On signature", 400_000), AgreedPayment("On acceptance", 600_001)),
    law="Germany",
)


def test_the_text_holds_what_was_agreed():
    made = write_contract(TERMS)
    for part in (
        "# Contract C-2026-7",
        "**Nordlicht Studio**\\\nJonas Nord\\\nHafenstr. 1\\\n20457 Hamburg",
        "### 1. Portal",
        "- It works.",
        "| **Total** | **€10,000.01** |",
        "## § 5 What Weber Baked Goods provides",
        "under the law of Germany.",
        "The work takes 6 weeks",
    ):
        assert part in made.text
    assert made.sha256 == hashlib.sha256(made.text.encode()).hexdigest()
    assert made.clauses_version == "1"
    assert made == write_contract(TERMS)
    assert "$" not in made.text
    assert scan("generated_text", {"text": made.text}).findings == ()


def test_without_a_law_there_is_no_clause_about_it():
    made = write_contract(replace(TERMS, law=""))
    assert "under the law" not in made.text
    assert f"## § {len(CLAUSES) - 1} Whole agreement" in made.text


def test_own_clauses_with_their_version():
    made = write_contract(TERMS, clauses=(Clause("Only", "$client pays $provider."),), clauses_version="7")
    assert "## § 1 Only\n\nWeber Baked Goods pays Nordlicht Studio." in made.text
    assert made.clauses_version == "7"


def test_sums_that_do_not_agree_are_refused():
    with pytest.raises(ValueError, match="items"):
        write_contract(replace(TERMS, items=TERMS.items[:1]))
    with pytest.raises(ValueError, match="payments"):
        write_contract(replace(TERMS, payments=TERMS.payments[:1]))


def test_a_hostile_name_stays_a_name():
    made = write_contract(replace(TERMS, client=Party("# [x](https://evil.com) $law <b>"), law="Mars"))
    assert "Mars \\<b" not in made.text
    for block in read_markdown(made.text):
        assert not any("href" in run for run in block.get("runs", ()))
