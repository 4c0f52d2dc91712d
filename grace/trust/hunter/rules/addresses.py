"""E-mail addresses: their form, where they lead, and names that are not names."""

import re
from collections.abc import Iterator

from grace.trust.hunter.rules.domains import is_domain, judge_domain
from grace.trust.hunter.rules.findings import Finding, Severity, excerpt
from grace.trust.hunter.rules.reading import Field

_LOCAL = re.compile(r"(?!\.)(?!.*\.\.)(?:[\w.!#$%&'*+/=?^`{|}~-]|[^\x00-\x7f\s])+(?<!\.)")
_STOP = frozenset(" \t\r\n<>()[]{},;:\"'`|\\@")
_LINK_IN_NAME = re.compile(r"https?:/|www\.|\.(?:com|net|org|io|ru|cn|xyz|top|info)\b", re.IGNORECASE)
_NAMES = ("name", "company", "full_name", "contact")
_MOST = 50


def check_addresses(field: Field, *, own_domains: frozenset[str]) -> Iterator[Finding]:
    """The addresses of one field; a field called e-mail must be one address and nothing else."""
    if _is_email_field(field):
        yield from _whole_address(field)
    yield from _name(field)
    seen: set[str] = set()
    for start, end, domain in _addresses(field.text):
        if domain in seen:
            continue
        seen.add(domain)
        for problem in judge_domain(domain, own=own_domains, mail=True):
            yield _at(field, start, end, problem.code, problem.severity, problem.why, problem.advice)


def _name(field: Field) -> Iterator[Finding]:
    """A name that is a link. A company may be called Booking.com, but not Booking.com/offer."""
    link = _LINK_IN_NAME.search(field.text) if field.key in _NAMES else None
    if link is not None and (field.key != "company" or "/" in field.text):
        why = "A link stands where a name belongs; senders of spam do that."
        yield _at(field, *link.span(), "name_with_link", Severity.MEDIUM, why, "Check the lead by hand.")


def _is_email_field(field: Field) -> bool:
    return field.key in ("email", "e-mail", "e_mail", "mail", "email_address") or field.key.endswith("_email")


def _whole_address(field: Field) -> Iterator[Finding]:
    text = field.text.strip()
    if not text:
        return
    if "\n" in text or "\r" in text or "\x00" in text:
        why = "A line break inside an address adds headers to mails that are sent to it."
        yield _at(field, 0, len(field.text), "email_header_injection", Severity.HIGH, why, "Refuse the address.")
        return
    local, at, domain = text.rpartition("@")
    if not at or len(text) > 254 or len(local) > 64 or not _LOCAL.fullmatch(local[:65]) or not is_domain(domain):
        why = "This is not a valid e-mail address."
        advice = "Ask for the address again; nothing can be sent to this one."
        yield _at(field, 0, len(field.text), "email_invalid", Severity.MEDIUM, why, advice)


def _addresses(text: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and domain of everything that looks like an address, at most the first fifty."""
    place = text.find("@")
    found = 0
    while place >= 0 and found < _MOST:
        start, end = place, place + 1
        while start > 0 and place - start < 64 and text[start - 1] not in _STOP:
            start -= 1
        while end < len(text) and end - place <= 253 and text[end] not in _STOP:
            end += 1
        domain = text[place + 1 : end].strip(".!?…/*_").lower()
        if start < place and is_domain(domain):
            yield start, place + 1 + len(domain), domain
            found += 1
        place = text.find("@", end)


def _at(field: Field, start: int, end: int, code: str, severity: Severity, why: str, advice: str) -> Finding:
    return Finding(code, severity, field.name, start, end, excerpt(field.text, start, end), why, advice)
