"""What is said: wishes of clients, reasons, comments. `{n}` is a number of the client's own."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wish:
    """What a client asks for, between which amounts (US dollars), and how soon."""

    project_type: str
    text: str
    least: int
    most: int
    timeline: str


WISHES = {
    "website": Wish(
        "website",
        "We need a new website with about {n} pages in two languages, because the current one does not work on phones. "
        "Our staff must be able to change texts and pictures. We want it live within 8 weeks.",
        3200, 7800, "8 weeks",
    ),
    "booking": Wish(
        "website",
        "We need a website with a booking system: visitors choose a date and pay online by card, and our staff manage "
        "about {n} dates a month in an admin area, instead of the telephone. Reminders go out by e-mail.",
        4800, 11800, "10 weeks",
    ),
    "shop": Wish(
        "shop",
        "We want a web shop with {n} products, card payments and shipping labels. Stock must be kept in step with our "
        "warehouse. It should launch before the season, within 12 weeks.",
        6200, 14500, "12 weeks",
    ),
    "app": Wish(
        "app",
        "We need an app for our {n} regular customers: sign-in, appointments, documents and push messages. It replaces "
        "paper forms. Tests and documentation are part of it.",
        9500, 21500, "4 months",
    ),
    "portal": Wish(
        "portal",
        "We need a customer portal in which about {n} clients see documents, ask questions and approve offers, so "
        "that we can stop sending attachments. Single sign-on and an audit trail are a must.",
        7200, 18500, "3 months",
    ),
    "api": Wish(
        "api",
        "We need a documented API for {n} partners, with keys, limits and a test environment, because files by FTP no "
        "longer scale. Please include monitoring.",
        5200, 12500, "10 weeks",
    ),
    "integration": Wish(
        "integration",
        "Please integrate our shop with the warehouse system and the accounts: about {n} orders a day are typed in "
        "twice currently. Errors must be reported to a person.",
        3600, 9200, "6 weeks",
    ),
    "dashboard": Wish(
        "data",
        "We want a dashboard with {n} figures from three systems, refreshed every hour, and a monthly report as PDF. "
        "Today we copy them by hand into a spreadsheet.",
        4200, 10500, "8 weeks",
    ),
    "automation": Wish(
        "automation",
        "Please automate our onboarding: {n} new clients a month get the same five letters and forms. The goal is that "
        "nobody types a name twice. We need it within 6 weeks.",
        2800, 7400, "6 weeks",
    ),
    "campaign": Wish(
        "marketing",
        "We want a landing page, {n} texts and a newsletter for the spring season, with tracking, so that we see what "
        "works. The launch is in 5 weeks.",
        1900, 4800, "5 weeks",
    ),
    "security": Wish(
        "security",
        "We need a security review of our web application with {n} forms and the fixes that follow from it, because an "
        "auditor asks for it by the end of next month.",
        4400, 9800, "6 weeks",
    ),
}  # fmt: skip
SMALL_WISHES = (
    ("Can you fix our contact form?", 250),
    ("How much is a logo?", None),
    ("We would like to work with you somehow, please call.", None),
    ("Need someone to update a page.", 180),
    ("Looking for the cheapest offer for a small site.", 400),
    ("Is there a free trial?", None),
)
CALLS = (
    "Knows what they want; the date matters more than the price.",
    "Two people decide; the second one joins the next call.",
    "Had a bad experience with a freelancer, asks for a weekly report.",
    "Wants to start small and go on if it works.",
    "Asked for two references from the same industry.",
    "Sent the current figures after the call.",
)
DECLINED = (
    "We decided to do it in-house after all.",
    "Another studio is nearer to us and a little cheaper.",
    "The budget was cut for this year.",
    "The timeline does not work for our season.",
    "We chose a ready-made product.",
)
LOST = (
    "No answer after three reminders.",
    "The project was postponed to next year.",
    "Signed with their former supplier.",
    "The contact left the company.",
)
TOO_SMALL = ("Too small for us; recommended a freelancer.", "No budget.", "Did not answer the questions.")
VOTES = (
    "Scope and price fit.",
    "Checked the hours with Ines, fine.",
    "Good margin and a clear scope.",
    "We have the capacity from next week.",
    "Fine with the discount, once.",
)
DELIVERY_VOTES = ("Scope is clear, the team is free.", "The contract is signed; go ahead.", "Reviewed the plan, fine.")
COMMENTS = {
    10: ("On time, and it works on my phone.", "The best supplier we have had.", "Clear answers, no surprises."),
    9: ("Very good work; the handover could have been a day longer.", "We would do it again."),
    8: ("Good result. Two dates moved, but we were told early.", "Solid work."),
    7: ("Fine, though we had to ask for progress twice.", "Does what it should."),
    6: ("The result is good, the way there was slow.",),
    5: ("Some texts had to be corrected several times.",),
    3: ("The launch was two weeks late, and nobody told us why.",),
}
REFUNDS = {
    "partial": "Two features were dropped by agreement.",
    "full": "The campaign was called off before it started.",
    "approved": "The second phase was cancelled after a change of ownership.",
    "held": "The client asks for half of it back: the integration was never switched on.",
}
CARE = "Care plan {month}: updates, backups, small changes"
