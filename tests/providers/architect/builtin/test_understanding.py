import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grace.providers.architect.builtin.understanding import MAX_SCOPES, tidy, understand
from grace.providers.architect.builtin.work import WORK, estimate_hours
from grace.providers.architect.port import WorkKind

BAKERY = """Hi there,
we are a bakery in Berlin with 3 shops. We need a new website where customers can order cakes online.
It must work on phones. Our budget is around 8k EUR. Deadline is end of March.
We'd also like to connect our till system (SAP) so that we stop typing orders by hand.
Nice to have: a monthly newsletter. Thanks, Anna"""

PORTAL = """We want to relaunch our customer portal:
- login with single sign-on
- order history and invoices as PDF
- 12 pages in two languages
- contact form
Also:
- Migrate 4 spreadsheets into a reporting dashboard
- Automate monthly invoice reminders
- (optional) chatbot for support questions
- Training for 5 people
Within 6 weeks."""


def shape(text):
    return [(scope.kind.value, scope.title, scope.optional, scope.points) for scope in understand(text).scopes]


def test_a_letter():
    assert shape(BAKERY) == [
        (
            "website",
            "Website",
            False,
            ["A new website where customers can order cakes online", "It must work on phones"],
        ),
        (
            "integration",
            "Integration",
            False,
            ["Connect your till system (SAP) so that you stop typing orders by hand"],
        ),
        ("marketing", "Monthly newsletter", True, ["A monthly newsletter"]),
    ]
    assert understand(BAKERY).deadline == "end of March"


def test_a_list_under_its_subject():
    made = understand(PORTAL)
    assert [(scope.kind.value, scope.title, scope.optional) for scope in made.scopes] == [
        ("website", "Customer portal", False),
        ("data", "Data and reporting", False),
        ("automation", "Automation", False),
        ("ai", "Chatbot", True),
        ("training", "Training", False),
    ]
    assert made.scopes[0].points == [
        "Relaunch your customer portal",
        "Login with single sign-on",
        "Order history and invoices as PDF",
        "12 pages in two languages",
        "Contact form",
    ]
    assert made.deadline_weeks == 6


def test_one_sentence_of_three_works():
    assert [
        kind for kind, *_ in shape("We need a website with a blog, an API for our app and training for the team.")
    ] == [
        "website",
        "api",
        "training",
    ]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Online shop with 200 products", "shop"),
        ("A dashboard for the online shop", "data"),
        ("Mobile app for iOS", "app"),
        ("REST API with 10 endpoints", "api"),
        ("API integration with HubSpot", "integration"),
        ("Automate our invoice processing via e-mail", "automation"),
        ("Logo and brand identity", "design"),
        ("Kubernetes cluster with monitoring", "infrastructure"),
        ("Penetration test of our platform", "security"),
        ("Google Ads campaign", "marketing"),
        ("Ten blog posts", "content"),
        ("Copywriting for our brochure", "content"),
        ("Monthly support for a year", "support"),
        ("We need a violin for the concert", "custom"),
    ],
)
def test_kinds(text, kind):
    assert shape(text)[0][0] == kind


def test_greetings_budgets_and_deadlines_are_no_scope():
    assert shape("Hello! We are a bakery in Berlin. Budget: 5000 EUR. Please call me. Within 3 weeks.") == []


def test_the_clients_words_are_turned_not_changed():
    assert tidy("We need our staff to see what we sold.") == "Your staff to see what you sold"
    assert tidy("Ship to the US; I/O errors are logged") == "Ship to the US; I/O errors are logged"
    assert tidy("हमें दुकान चाहिए") == "हमें दुकान चाहिए"


def test_counted_things_cost_hours():
    few = estimate_hours(WorkKind.WEBSITE, ("A site with 3 pages",))
    many = estimate_hours(WorkKind.WEBSITE, ("A site with 30 pages",))
    most = estimate_hours(WorkKind.WEBSITE, ("A site with 3000 pages",))
    assert few < many < most <= 400
    assert estimate_hours(WorkKind.SUPPORT, ("Support for six months",)) == 54


def test_past_hours_pull_the_estimate_within_limits():
    plain = estimate_hours(WorkKind.API, ("An API",))
    assert estimate_hours(WorkKind.API, ("An API",), past_hours=(60,)) == (plain + 60) // 2
    assert estimate_hours(WorkKind.API, ("An API",), past_hours=(10_000,)) == (plain + 2 * plain) // 2
    assert estimate_hours(WorkKind.API, ("An API",), past_hours=(1,)) == (plain + plain // 2 + 1) // 2 + 1


def test_every_kind_of_work_is_complete():
    assert set(WORK) == set(WorkKind)
    for work in WORK.values():
        assert work.title
        assert len(work.done) >= 2
        assert len(work.steps) >= 3
        assert work.does.endswith(".")
        assert all(criterion.endswith(".") for criterion in work.done)


def test_many_works_are_merged():
    text = "\n".join(f"- Website number {word}" for word in "abcdefghijklmnopqrst")
    assert len(understand(text).scopes) <= MAX_SCOPES


@given(st.text(max_size=2000))
def test_any_text_can_be_read(text):
    made = understand(text)
    assert len(made.scopes) <= MAX_SCOPES
    assert made == understand(text)
    assert all(len(point) <= 302 for scope in made.scopes for point in scope.points)


@pytest.mark.parametrize(
    "piece", ["a, ", "api, app ", "- x\n", "we need ", "( ", "optional ", "12 ", ".", "\t\n", "and api "]
)
def test_hostile_length_takes_bounded_time(piece):
    started = time.process_time()
    understand(piece * (200_000 // len(piece)))
    assert time.process_time() - started < 4
