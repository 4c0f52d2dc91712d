"""Makes the text of a contract from an accepted proposal and a workspace's clauses.

The text is Markdown and is what gets signed: its SHA-256 goes to the audit log. The same terms and clauses
always give the same text. The shipped clauses are a starting point that a business has checked by its own
lawyer.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from string import Template

from grace.kit.display import format_date, format_money
from grace.kit.markdown import plain


@dataclass(frozen=True, slots=True)
class Party:
    """One side of the contract; empty where not known. `address` may have several lines."""

    name: str
    company: str = ""
    address: str = ""
    email: str = ""
    tax_id: str = ""


@dataclass(frozen=True, slots=True)
class AgreedItem:
    """One deliverable as it was accepted."""

    title: str
    description: str = ""
    includes: tuple[str, ...] = ()
    acceptance: tuple[str, ...] = ()
    price_minor: int = 0


@dataclass(frozen=True, slots=True)
class AgreedPayment:
    """One part of the price and when it is due ("On signature")."""

    due: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class ContractTerms:
    """What was agreed. Items and payments each sum to `total_minor`.

    ValueError in `write_contract` if not.
    """

    number: str
    project: str
    made_on: date
    provider: Party
    client: Party
    proposal: str
    currency: str
    total_minor: int
    weeks: int
    items: tuple[AgreedItem, ...]
    payments: tuple[AgreedPayment, ...]
    law: str = ""
    payment_days: int = 14


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause as Markdown.

    `$provider`, `$client`, `$project`, `$proposal`, `$weeks`, `$days` and `$law` are filled in. A clause that
    speaks of `$law` is left out when no law was agreed.
    """

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Contract:
    """The text to be signed, the version of the clauses in it, and the SHA-256 of the text in hexadecimal."""

    text: str
    clauses_version: str
    sha256: str


CLAUSES_VERSION = "1"
CLAUSES = (
    Clause(
        "Subject",
        "$provider delivers the project “$project” to $client as listed above. The proposal "
        "$proposal explains the "
        "scope; where the two differ, this contract decides.",
    ),
    Clause(
        "Changes",
        "Either side may propose a change in writing. $provider says what it means for price and "
        "dates before the "
        "work starts, and it counts once both sides have agreed in writing.",
    ),
    Clause(
        "Time",
        "The work takes $weeks from its start. Dates move by the time that information, access or "
        "feedback from "
        "$client is late, and $provider says so as soon as it is seen.",
    ),
    Clause(
        "Price and payment",
        "The prices above are fixed for the scope above and are net of tax. Invoices are due $days "
        "days after they "
        "are issued. While a payment is overdue by more than 14 days, $provider may pause the work "
        "after a notice.",
    ),
    Clause(
        "What $client provides",
        "$client names one contact who can decide, gives the access and material that the work "
        "needs, and answers "
        "questions within three working days.",
    ),
    Clause(
        "Acceptance",
        "$client checks each deliverable against its criteria within ten working days of its "
        "delivery and accepts it "
        "or lists what is missing. Use in daily business counts as acceptance. $provider corrects "
        "what is missing "
        "and delivers again.",
    ),
    Clause(
        "Rights of use",
        "With full payment $client receives the right to use, change and pass on what was made for "
        "this project, "
        "without limit in time and place. $provider keeps its general know-how and tools. Parts of "
        "third parties "
        "keep their own licences; $provider names them.",
    ),
    Clause(
        "Confidentiality and data protection",
        "Both sides keep confidential what they learn of each other, during the project and for "
        "three years after it. "
        "Personal data is processed only for this project; where the law asks for it, both sides "
        "sign a processing "
        "agreement before any data is handed over.",
    ),
    Clause(
        "Defects",
        "$provider corrects defects that are reported within 90 days of acceptance, at no extra "
        "cost, where the "
        "deliverable does not meet its criteria.",
    ),
    Clause(
        "Liability",
        "Each side is liable without limit for intent, gross negligence and harm to persons, and "
        "wherever the law "
        "does not allow a limit. Otherwise liability is limited to the price of this contract.",
    ),
    Clause(
        "Ending the contract",
        "Either side may end the contract with 14 days' notice in writing. $client then pays for "
        "what was done until "
        "that day and receives it in its present state.",
    ),
    Clause("Law", "This contract is under the law of $law."),
    Clause(
        "Whole agreement",
        "This text is the whole agreement. Changes to it need written form; if one clause does not "
        "hold, the others do.",
    ),
)


def write_contract(
    terms: ContractTerms, *, clauses: Sequence[Clause] = CLAUSES, clauses_version: str = CLAUSES_VERSION
) -> Contract:
    """The contract's text. Refuses (ValueError) terms whose items or payments do not sum to the total."""
    if sum(item.price_minor for item in terms.items) != terms.total_minor:
        raise ValueError("the prices of the items do not sum to the total")
    if sum(part.amount_minor for part in terms.payments) != terms.total_minor:
        raise ValueError("the payments do not sum to the total")
    parts = [
        f"# Contract {plain(terms.number)}",
        f"**{plain(terms.project)}**",
        f"made on {format_date(terms.made_on)} between",
        _party(terms.provider, "the provider"),
        "and",
        _party(terms.client, "the client"),
        "## What is delivered",
        *(_item(number, item, terms.currency) for number, item in enumerate(terms.items, start=1)),
        "## Price",
        _price(terms),
        *_clauses(terms, clauses),
    ]
    text = "\n\n".join(parts) + "\n"
    return Contract(text, clauses_version, hashlib.sha256(text.encode()).hexdigest())


def _party(party: Party, role: str) -> str:
    who = [party.company, party.name] if party.company and party.company != party.name else [party.name]
    lines = [
        *who,
        *party.address.splitlines(),
        party.email,
        f"Tax no. {party.tax_id}" if party.tax_id else "",
    ]
    shown = [plain(line) for line in lines if line.strip()]
    return "\\\n".join([f"**{shown[0]}**", *shown[1:], f"({role})"])


def _item(number: int, item: AgreedItem, currency: str) -> str:
    parts = [f"### {number}. {plain(item.title)}"]
    if item.description:
        parts.append(plain(item.description))
    if item.includes:
        parts.append("\n".join(f"- {plain(point)}" for point in item.includes))
    if item.acceptance:
        parts += ["Accepted when:", "\n".join(f"- {plain(criterion)}" for criterion in item.acceptance)]
    parts.append(f"Price: {format_money(item.price_minor, currency)}")
    return "\n\n".join(parts)


def _price(terms: ContractTerms) -> str:
    rows = ["| Payment | Amount |", "| --- | ---: |"]
    rows += [f"| {plain(part.due)} | {format_money(part.amount_minor, terms.currency)} |" for part in terms.payments]
    rows.append(f"| **Total** | **{format_money(terms.total_minor, terms.currency)}** |")
    return "\n".join(rows)


def _clauses(terms: ContractTerms, clauses: Sequence[Clause]) -> list[str]:
    blanks: Mapping[str, str] = {
        "provider": plain(terms.provider.company or terms.provider.name),
        "client": plain(terms.client.company or terms.client.name),
        "project": plain(terms.project),
        "proposal": plain(terms.proposal),
        "weeks": "1 week" if terms.weeks == 1 else f"{terms.weeks} weeks",
        "days": str(terms.payment_days),
        "law": plain(terms.law),
    }
    used = [clause for clause in clauses if terms.law or "$law" not in clause.text]
    texts: list[str] = []
    for number, clause in enumerate(used, start=1):
        texts.append(f"## § {number} {Template(clause.title).safe_substitute(blanks)}")
        texts.append(Template(clause.text).safe_substitute(blanks))
    return texts
