"""When two records are the same client: by e-mail, else by company domain together with the name.

Never by name alone: two people called Li Wei are two people. Every match says why.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

# Providers whose domain says nothing about the company.
_FREE_MAIL = """
    126.com 139.com 163.com aim.com aol.com att.net bigpond.com bk.ru bluewin.ch bol.com.br
    btinternet.com btopenworld.com caramail.com charter.net comcast.net cox.net daum.net duck.com
    earthlink.net email.com fastmail.com fastmail.fm foxmail.com free.fr freenet.de gmail.com gmx.at
    gmx.ch gmx.com gmx.de gmx.net googlemail.com hanmail.net hey.com hotmail.co.uk hotmail.com
    hotmail.de hotmail.es hotmail.fr hotmail.it hushmail.com icloud.com inbox.com inbox.lv inbox.ru
    interia.pl laposte.net libero.it list.ru live.co.uk live.com live.fr live.nl mac.com mail.com
    mail.de mail.ru me.com msn.com naver.com nate.com netzero.net ntlworld.com o2.pl op.pl orange.fr
    outlook.com outlook.de outlook.es outlook.fr outlook.in pm.me posteo.de proton.me protonmail.ch
    protonmail.com qq.com rambler.ru rediff.com rediffmail.com rocketmail.com sapo.pt sbcglobal.net
    seznam.cz sfr.fr shaw.ca sina.com sky.com sohu.com t-online.de talktalk.net telenet.be terra.com.br
    tiscali.it tuta.com tuta.io tutanota.com uol.com.br verizon.net virgilio.it virgin.net wanadoo.fr
    web.de wp.pl ya.ru yahoo.ca yahoo.co.id yahoo.co.in yahoo.co.jp yahoo.co.uk yahoo.com yahoo.com.au
    yahoo.com.br yahoo.de yahoo.es yahoo.fr yahoo.in yahoo.it yandex.com yandex.ru yeah.net ymail.com
    zoho.com zohomail.com zoho.in
"""
FREE_MAIL = frozenset(_FREE_MAIL.split())
_GMAIL = frozenset({"gmail.com", "googlemail.com"})

_LEGAL_FORMS = """
    ab ag aps as asa bhd bv bvba co company corp corporation doo dba dmcc eirl eood ev fzco fzc fze
    fzllc gbr gesmbh gmbh inc incorporated kft kg kgaa kk lda limited llc llp lp ltd ltda mbh nv ohg ooo
    oy oyj pbc plc pllc private pte pty pvt pvtltd sa sab sapi sarl sas sasu sdn se sia sl slu snc spa
    spk spzoo srl sro stg tbk ug uab ао зао оао ооо пао тоо
"""
_LEGAL = frozenset(_LEGAL_FORMS.split())
_LEGAL_PHRASES = (
    ("sp", "z", "oo"),
    ("sp", "z", "o", "o"),
    ("sa", "de", "cv"),
    ("s", "de", "rl"),
    ("s", "r", "o"),
    ("d", "o", "o"),
)
_JOINING = frozenset({"and", "und", "et", "y", "e", "og", "och"})  # left over before a form: "Meyer & Co"
_LEGAL_CJK = (
    "株式会社",
    "有限会社",
    "合同会社",
    "股份有限公司",
    "有限责任公司",
    "有限公司",
    "주식회사",
    "㈜",
)
_COMBINING_LATIN = re.compile("[\u0300-\u036f]")
# Straight and typographic apostrophes and full stops vanish inside words; everything else that is no letter,
# mark or digit separates words.
_SILENT = str.maketrans(dict.fromkeys(".'’`´"))


class MatchReason(StrEnum):
    """Why two records are taken for the same client, in words fit for a page."""

    EMAIL = "same e-mail"
    DOMAIN_AND_NAME = "same domain and name"


@dataclass(frozen=True, slots=True)
class IdentityKeys:
    """What is compared. None where there is nothing to compare; two Nones never match."""

    email: str | None
    domain: str | None
    name: str | None


def identity_keys(*, name: str | None, email: str | None, company: str | None = None) -> IdentityKeys:
    """The keys of one record. `domain` is None for free-mail providers.

    `name` falls back to the company's.
    """
    address = normalise_email(email) if email else None
    domain = company_domain(email) if email else None
    company_name = normalise_company(company) if company else None
    person = normalise_name(name) if name else None
    if name and (company_name is None or normalise_company(name) == company_name):
        person = normalise_company(name)
    return IdentityKeys(email=address, domain=domain, name=person or company_name)


def match_reason(left: IdentityKeys, right: IdentityKeys) -> MatchReason | None:
    """Why `left` and `right` are the same client, or None when nothing says so."""
    if left.email is not None and left.email == right.email:
        return MatchReason.EMAIL
    same_domain = left.domain is not None and left.domain == right.domain
    if same_domain and left.name is not None and left.name == right.name:
        return MatchReason.DOMAIN_AND_NAME
    return None


def fits_a_path(reference: str) -> bool:
    """Whether an id can stand in an address: browsers and HTTP clients take `.` and `..` out, however encoded."""
    return reference not in (".", "..")


def normalise_email(text: str) -> str | None:
    """The address to compare by: case-folded, without plus-tag, Gmail without dots.

    None when it is no address.
    """
    local, _, domain = unicodedata.normalize("NFKC", text).strip().casefold().rpartition("@")
    domain = normalise_domain(domain) or ""
    if not local or not domain or any(char.isspace() for char in local):
        return None
    local = local.split("+", 1)[0] or local
    if domain in _GMAIL:
        local, domain = local.replace(".", "") or local, "gmail.com"
    return f"{local}@{domain}"


def normalise_domain(text: str) -> str | None:
    """A host name in its ASCII form without `www.`, lower case; None when it is not one."""
    host = unicodedata.normalize("NFKC", text).strip().casefold().rstrip(".").removeprefix("www.")
    try:
        host = host.encode("idna").decode("ascii") if not host.isascii() else host
    except UnicodeError:
        return None
    labels = host.split(".")
    if len(labels) < 2 or len(host) > 253:
        return None
    good = all(re.fullmatch(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", label) for label in labels)
    return host if good else None


def company_domain(email: str) -> str | None:
    """The domain of a business address; None for free-mail providers and for what is no address."""
    address = normalise_email(email)
    if address is None:
        return None
    domain = address.rpartition("@")[2]
    return None if domain in FREE_MAIL else domain


def normalise_name(text: str) -> str | None:
    """A person's name to compare by: case-folded words, Latin accents and punctuation removed.

    None when empty.
    """
    return " ".join(_words(text)) or None


def normalise_company(text: str) -> str | None:
    """A company's name to compare by: as a person's, and without legal forms at the end (GmbH, Pvt.

    Ltd., 株式会社).
    """
    for form in _LEGAL_CJK:
        text = text.replace(form, " ")
    words = _words(text)
    shortened = False
    while (end := _legal_end(words, shortened=shortened)) and end < len(words):
        words, shortened = words[:-end], True
    return " ".join(words) or None


def _legal_end(words: list[str], *, shortened: bool) -> int:
    """How many of the last words are one legal form, or a joining word left over before one."""
    for phrase in _LEGAL_PHRASES:
        if tuple(words[-len(phrase) :]) == phrase:
            return len(phrase)
    return int(bool(words) and (words[-1] in _LEGAL or (shortened and words[-1] in _JOINING)))


def _words(text: str) -> list[str]:
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold().translate(_SILENT))
    plain = unicodedata.normalize("NFKC", _COMBINING_LATIN.sub("", folded))
    spaced = (char if unicodedata.category(char)[0] in "LMN" else " " for char in plain)
    return "".join(spaced).split()
