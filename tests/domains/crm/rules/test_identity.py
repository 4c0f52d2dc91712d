import pytest
from hypothesis import given
from hypothesis import strategies as st

from grace.domains.crm.rules.identity import (
    MatchReason,
    company_domain,
    identity_keys,
    match_reason,
    normalise_company,
    normalise_domain,
    normalise_email,
    normalise_name,
)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Ann@Acme.COM ", "ann@acme.com"),
        ("ann+crm@acme.com", "ann@acme.com"),
        ("A.n.n+x@googlemail.com", "ann@gmail.com"),
        ("a.nn@acme.com", "a.nn@acme.com"),
        ("info@bücher.de", "info@xn--bcher-kva.de"),
        ("INFO@BÜCHER.DE", "info@xn--bcher-kva.de"),
        ("ann@www.acme.com", "ann@acme.com"),
        ("no address", None),
        ("@acme.com", None),
        ("ann@", None),
        ("ann@localhost", None),
        ("a b@acme.com", None),
    ],
)
def test_emails(text, key):
    assert normalise_email(text) == key


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Müller & Söhne GmbH & Co. KG", "muller sohne"),
        ("ACME, Inc.", "acme"),
        ("Acme Private Limited", "acme"),
        ("Acme Pvt. Ltd.", "acme"),
        ("Przykład Sp. z o.o.", "przykład"),
        ("Ejemplo S.A. de C.V.", "ejemplo"),
        ("株式会社グレース", "グレース"),
        ("ООО Ромашка", "ооо ромашка"),
        ("Ромашка ООО", "ромашка"),
        ("Limited", "limited"),
        ("Company Y", "company y"),
        ("O'Brien Ltd", "obrien"),
        ("...", None),
    ],
)
def test_companies(text, key):
    assert normalise_company(text) == key


def test_names_keep_the_marks_that_carry_meaning():
    assert normalise_name("José  GARCÍA") == normalise_name("jose garcia")
    assert normalise_name("हिन्दी") != normalise_name("हनद")
    assert normalise_name("STRASSE") == normalise_name("Straße")


def test_free_mail_says_nothing_about_the_company():
    assert company_domain("ann@gmail.com") is None
    assert company_domain("ann@outlook.de") is None
    assert company_domain("ann@acme.com") == "acme.com"


def keys(name, email=None, company=None):
    return identity_keys(name=name, email=email, company=company)


def test_same_email_matches_whatever_the_name():
    reason = match_reason(keys("Ann", "ann+a@acme.com"), keys("Anna Lee", "ANN@acme.com"))
    assert reason == MatchReason.EMAIL == "same e-mail"


def test_same_domain_and_name_matches():
    left = keys("Ann Lee", "ann@acme.com", "Acme Inc")
    assert match_reason(left, keys("ann lee", "lee@acme.com", "ACME")) == "same domain and name"
    assert match_reason(left, keys("Bob Lee", "bob@acme.com", "Acme")) is None


def test_a_company_is_the_same_with_and_without_its_legal_form():
    left = keys("Acme GmbH", "info@acme.de")
    assert match_reason(left, keys("ACME", "sales@acme.de", "Acme GmbH")) == MatchReason.DOMAIN_AND_NAME


def test_never_by_name_alone_nor_by_a_shared_mail_provider():
    assert match_reason(keys("Li Wei"), keys("Li Wei")) is None
    assert match_reason(keys("Li Wei", "lw@gmail.com"), keys("Li Wei", "liw@gmail.com")) is None
    assert match_reason(keys("", None), keys("", None)) is None


@given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=80))
def test_keys_never_fail_and_a_second_pass_changes_nothing(name, email, company):
    made = keys(name, email, company)
    if made.email is not None:
        assert normalise_email(made.email) == made.email
    if made.domain is not None:
        assert normalise_domain(made.domain) == made.domain


@given(st.from_regex(r"[a-z]{1,8}(\.[a-z]{1,5})?", fullmatch=True), st.sampled_from(["acme.com", "gmail.com"]))
def test_case_and_tags_never_matter(local, domain):
    plain = keys("", f"{local}@{domain}")
    assert match_reason(plain, keys("", f"{local.upper()}+tag@{domain.upper()}")) is MatchReason.EMAIL
