"""What can be told from a host name alone.

Its form, look-alikes of known names, reserved and throw-away domains.
"""

import ipaddress
import re
import unicodedata
from dataclasses import dataclass

from grace.trust.hunter.rules.findings import Severity
from grace.trust.hunter.rules.reading import CONFUSABLE, skeleton

_DISPOSABLE_WORDS = """
    0-mail.com 10minutemail.com 10minutemail.net 1secmail.com 1secmail.net 1secmail.org 20minutemail.com
    33mail.com anonbox.net armyspy.com burnermail.io byom.de crazymailing.com cuvox.de dayrep.com
    deadaddress.com discard.email discardmail.com discardmail.de dispostable.com dropmail.me einrot.com
    einwegmail.de emailfake.com emailondeck.com emailtemporanea.com fake-mail.net fakeinbox.com
    fakemailgenerator.com fleckens.hu getairmail.com getnada.com grr.la guerrillamail.biz guerrillamail.com
    guerrillamail.de guerrillamail.info guerrillamail.net guerrillamail.org guerrillamailblock.com gustr.com
    harakirimail.com incognitomail.com inboxbear.com inboxkitten.com jetable.com jetable.org jourrapide.com
    kurzepost.de mail-temp.com mailcatch.com maildrop.cc mailexpire.com mailforspam.com mailinator.com
    mailinator.net mailmoat.com mailnesia.com mailnull.com mailpoof.com mailsac.com meltmail.com
    mintemail.com minuteinbox.com moakt.com mohmal.com mt2015.com muellmail.com mytemp.email mytrashmail.com
    nada.email noclickemail.com nowmymail.com objectmail.com pokemail.net rhyta.com sharklasers.com
    spam4.me spambog.com spambox.us spamfree24.org spamgourmet.com spamspot.com superrito.com teleworm.us
    temp-mail.io temp-mail.org tempail.com tempinbox.com tempmail.dev tempmail.net tempmailaddress.com
    tempmailo.com tempr.email throwawaymail.com tmail.ws tmailor.com tmpmail.net tmpmail.org trash-mail.com
    trashmail.com trashmail.de trashmail.net trashmail.ws trbvm.com wegwerfemail.de wegwerfmail.de
    wegwerfmail.net yopmail.com yopmail.fr yopmail.net zetmail.com
"""
DISPOSABLE = frozenset(_DISPOSABLE_WORDS.split())
_RESERVED = frozenset({"test", "example", "invalid", "localhost", "local", "internal", "onion", "arpa", "lan"})
_RESERVED_NAMES = frozenset({"example.com", "example.net", "example.org"})
_TYPOS = {
    **dict.fromkeys(("gmial", "gmal", "gmai", "gnail", "gmil", "gamil", "gmaill", "gmsil"), "gmail"),
    **dict.fromkeys(("hotmial", "hotmal", "hotmil", "hotnail", "hotmai"), "hotmail"),
    **dict.fromkeys(("outlok", "outllok", "outlock", "oulook", "outloo"), "outlook"),
    **dict.fromkeys(("yaho", "yahooo", "yhoo", "yaoo"), "yahoo"),
    **dict.fromkeys(("iclod", "icoud", "iclould"), "icloud"),
}
_BRAND_WORDS = """
    adobe airbnb amazon apple binance chase citibank coinbase dhl docusign dropbox ebay facebook fedex fiverr
    github gitlab gmail google hdfcbank hotmail icici instagram linkedin mastercard microsoft netflix
    notion office365 openai outlook paypal paytm phonepe quickbooks razorpay salesforce sendgrid shopify
    slack stripe telegram trustpilot upwork wellsfargo whatsapp wise xero yahoo zoom
"""
_BRANDS = frozenset(_BRAND_WORDS.split())
_BRAND_SKELETONS = frozenset(skeleton(brand) for brand in _BRANDS)
_LURES = frozenset(
    (
        "account",
        "billing",
        "confirm",
        "login",
        "payment",
        "secure",
        "security",
        "signin",
        "support",
        "update",
        "verify",
    )
)
# Marks that spell Indic vowels are no word characters to the re module; the second alternatives let them in.
_LABEL = re.compile(r"(?:[^\W_]|[^\x00-\x7f\s])(?:(?:[\w-]|[^\x00-\x7f\s]){0,61}(?:[^\W_]|[^\x00-\x7f\s]))?")
_FOREIGN = ("CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE")


@dataclass(frozen=True, slots=True)
class DomainProblem:
    """One thing about a domain: code, severity, why, and what to do."""

    code: str
    severity: Severity
    why: str
    advice: str


def is_domain(text: str) -> bool:
    """Whether the text has the form of a public host name: two labels or more, the last not a number."""
    labels = text.rstrip(".").split(".")
    if len(labels) < 2 or len(text) > 253 or labels[-1].isdigit():
        return False
    return all(_LABEL.fullmatch(label) for label in labels)


def address_of(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a host written in numbers means, in decimal and hexadecimal forms too.

    None for a name.
    """
    bare = host.strip("[]")
    try:
        return ipaddress.ip_address(bare)
    except ValueError:
        pass
    try:
        if re.fullmatch(r"0x[0-9a-f]{1,8}|\d{6,10}", bare, re.IGNORECASE):
            return ipaddress.ip_address(int(bare, 0))
    except ValueError:
        return None
    return None


def readable(domain: str) -> str:
    """The domain as people see it: `xn--` labels decoded where they can be."""
    return ".".join(_decode(label) for label in domain.lower().rstrip(".").split("."))


def judge_domain(domain: str, *, own: frozenset[str] = frozenset(), mail: bool = False) -> list[DomainProblem]:
    """What speaks against a domain. `own` are the workspace's domains, which nobody else may resemble."""
    shown = readable(domain)
    if shown in own:
        return []
    labels = shown.split(".")
    problems = [*_deceptive(shown, labels, own)]
    if labels[-1] in _RESERVED or shown in _RESERVED_NAMES or shown.endswith((".example.com", ".example.org")):
        why = f"“{shown}” is reserved for examples and private networks; nothing can reach it."
        problems.append(DomainProblem("domain_reserved", Severity.LOW, why, "Ask for a real address."))
    if mail and any(".".join(labels[place:]) in DISPOSABLE for place in range(len(labels) - 1)):
        why = f"“{shown}” gives out throw-away addresses; the sender cannot be reached later."
        problems.append(DomainProblem("email_disposable", Severity.MEDIUM, why, "Ask for a lasting address."))
    if mail and len(labels) == 2 and labels[0] in _TYPOS:
        why = f"“{shown}” looks like a slip of the keys for {_TYPOS[labels[0]]}.{labels[1]}."
        problems.append(DomainProblem("email_typo", Severity.LOW, why, "Ask whether the address is right."))
    return problems


def _deceptive(shown: str, labels: list[str], own: frozenset[str]) -> list[DomainProblem]:
    advice = "Do not click or answer; reach the company by a way that you already know."
    for label in labels[:-1]:
        if _mixes_scripts(label):
            why = f"“{shown}” mixes Latin letters with look-alikes of another script."
            return [DomainProblem("domain_mixed_script", Severity.HIGH, why, advice)]
    own_names = {name.split(".")[0] for name in own}
    for label in labels[:-1]:
        looks = skeleton(label)
        protected = looks in _BRAND_SKELETONS or looks in {skeleton(name) for name in own_names}
        if protected and label not in _BRANDS and label not in own_names:
            why = f"“{shown}” is written to be taken for “{looks}”."
            return [DomainProblem("domain_lookalike", Severity.HIGH, why, advice)]
    parts = set(labels[-2].split("-")) if len(labels) > 1 else set()
    bait = parts & (_BRANDS | own_names)
    if bait and parts & _LURES:
        why = f"“{shown}” uses the name “{min(bait)}” in a domain that anybody could have bought."
        return [DomainProblem("domain_lookalike", Severity.MEDIUM, why, advice)]
    return []


def _mixes_scripts(label: str) -> bool:
    scripts = {_script(char) for char in label if char.isalpha()}
    return "LATIN" in scripts and bool(scripts.intersection(_FOREIGN))


def _script(char: str) -> str:
    if char in CONFUSABLE or ord(char) > 0x7F:
        return unicodedata.name(char, "").partition(" ")[0]
    return "LATIN"


def _decode(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except (UnicodeError, ValueError, OverflowError):
        return label
