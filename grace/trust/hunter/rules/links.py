"""Links: where they really lead, and whether they hide it."""

import re
from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit

from grace.trust.hunter.rules.domains import address_of, is_domain, judge_domain, readable
from grace.trust.hunter.rules.findings import Finding, ScanKind, Severity, excerpt
from grace.trust.hunter.rules.reading import Field

_LINK = re.compile(
    r"https?:/{1,3}(?:[^\s<>\"'`@\[\]/]{0,200}@)?"
    r"(?:\[[0-9a-fA-F:.%]{2,60}\])?[^\s<>\"'`{}|\\^\[\]]{0,2000}",
    re.IGNORECASE,
)
_SCRIPT = re.compile(
    r"(?:java|vb)script:[^\s]{0,200}?[(=]|data:(?:text/html|application/javascript|image/svg)[;,+]",
    re.IGNORECASE,
)
_MARKDOWN = re.compile(r"\[([^\[\]\n]{1,200})\]\((https?://[^\s()<>]{1,2000})\)", re.IGNORECASE)
_ANCHOR = re.compile(
    r"<a\s[^<>]{0,500}?href\s{0,3}=\s{0,3}[\"']?(https?://[^\s\"'<>]{1,2000})(?=[\s\"'>])[^<>]{0,500}>"
    r"([^<>]{1,200})<",
    re.IGNORECASE,
)
_HOST_SHOWN = re.compile(r"(?:https?://)?((?:[\w-]{1,63}\.){1,8}[a-z]{2,24})(?:[/?#:]|\s|$)", re.IGNORECASE)
_SHORTENER_WORDS = """
    bit.ly buff.ly cutt.ly goo.gl is.gd lnkd.in ow.ly rb.gy rebrand.ly s.id shorturl.at soo.gd surl.li
    t.co t.ly tiny.cc tinyurl.com urlz.fr v.gd
"""
_SHORTENERS = frozenset(_SHORTENER_WORDS.split())
_MOST = 100
_MANY = 10


def check_links(field: Field, *, kind: ScanKind, own_domains: frozenset[str]) -> Iterator[Finding]:
    """The links of one field, at most the first hundred."""
    for match in _first(_SCRIPT, field.text, 5):
        why = "The link runs a program in the reader's browser."
        yield _at(field, match.span(), "link_script", Severity.HIGH, why, "Remove the link.")
    count = 0
    for match in _first(_LINK, field.text, _MOST):
        count += 1
        yield from _judge(field, match, kind=kind, own_domains=own_domains)
    if count > _MANY and kind in (ScanKind.CLIENT_DATA, ScanKind.MESSAGE):
        why = f"The text has {count if count < _MOST else 'very many'} links."
        yield _at(field, (0, 0), "links_many", Severity.LOW, why, "Check whether it is an advertisement.")
    yield from _disguised(field)


def _judge(field: Field, match: re.Match[str], *, kind: ScanKind, own_domains: frozenset[str]) -> Iterator[Finding]:
    text = match[0].rstrip(".,;:!?)*_~")
    span = (match.start(), match.start() + len(text))
    parts = _split(text)
    if parts is None or not parts.hostname:
        yield _at(
            field,
            span,
            "link_broken",
            Severity.LOW,
            "The link cannot be read as an address.",
            "Ask for it again.",
        )
        return
    host = parts.hostname.rstrip(".").lower()
    if "@" in parts.netloc:
        why = f"What stands before “@” is only a user name; the link really leads to {host}."
        yield _at(field, span, "link_userinfo", Severity.HIGH, why, "Do not follow the link.")
    address = address_of(host)
    if address is not None or host == "localhost":
        inside = address is None or not address.is_global
        why = "The link leads into a private network." if inside else "The link leads to a number, not to a name."
        code, severity = ("link_private_host", Severity.HIGH) if inside else ("link_ip_host", Severity.MEDIUM)
        yield _at(field, span, code, severity, why, "Do not let any program fetch it.")
        return
    if parts.scheme.lower() == "http":
        severity = Severity.LOW if kind is ScanKind.GENERATED_TEXT else Severity.INFO
        why = "The link is not encrypted."
        yield _at(field, span, "link_insecure", severity, why, "Use the address with https.")
    if host.removeprefix("www.") in _SHORTENERS:
        why = "A short link hides where it leads."
        yield _at(field, span, "link_shortener", Severity.LOW, why, "Ask for the full address.")
    if "xn--" in host:
        why = f"The domain is written in another script: it reads “{readable(host)}”."
        yield _at(field, span, "link_punycode", Severity.LOW, why, "Check that the name is the one you expect.")
    if is_domain(host):
        for problem in judge_domain(host, own=own_domains):
            yield _at(field, span, problem.code, problem.severity, problem.why, problem.advice)


def _disguised(field: Field) -> Iterator[Finding]:
    """Links whose visible text names one host while they lead to another."""
    pairs = [(m, m[1], m[2]) for m in _first(_MARKDOWN, field.text, _MOST)]
    pairs += [(m, m[2], m[1]) for m in _first(_ANCHOR, field.text, _MOST)]
    for match, label, target in pairs:
        shown, parts = _HOST_SHOWN.match(label.strip()), _split(target)
        if shown is None or parts is None or not parts.hostname:
            continue
        said, real = _bare(shown[1]), _bare(parts.hostname)
        if said != real and not real.endswith(f".{said}") and not said.endswith(f".{real}"):
            why = f"The text shows {said}, the link leads to {real}."
            yield _at(field, match.span(), "link_disguised", Severity.HIGH, why, "Do not follow the link.")


def _bare(host: str) -> str:
    return readable(host).removeprefix("www.")


def _split(text: str) -> SplitResult | None:
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - raises on a port that is none
    except ValueError:
        return None
    return parts


def _first(pattern: re.Pattern[str], text: str, most: int) -> Iterator[re.Match[str]]:
    for count, match in enumerate(pattern.finditer(text)):
        if count >= most:
            return
        yield match


def _at(field: Field, span: tuple[int, int], code: str, severity: Severity, why: str, advice: str) -> Finding:
    return Finding(code, severity, field.name, *span, excerpt(field.text, *span), why, advice)
