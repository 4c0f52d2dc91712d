"""What a scan says: findings with a severity, and the scan's own severity and score."""

import unicodedata
from dataclasses import dataclass
from enum import StrEnum

HUNTER_VERSION = "1"

_EXCERPT_AROUND = 24
_EXCERPT_MOST = 120


class ScanKind(StrEnum):
    """What is looked through. It decides what is ordinary.

    Code belongs into a deliverable, not into a name.
    """

    CLIENT_DATA = "client_data"
    MESSAGE = "message"
    GENERATED_TEXT = "generated_text"
    DELIVERABLE = "deliverable"


class Severity(StrEnum):
    """How bad a finding is, from a remark to a reason to stop."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for info to 4 for critical."""
        return _ORDER.index(self)


_ORDER = tuple(Severity)
PENALTY = {
    Severity.INFO: 0,
    Severity.LOW: 5,
    Severity.MEDIUM: 15,
    Severity.HIGH: 40,
    Severity.CRITICAL: 100,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found. `start` and `end` count characters in the field's text.

    `excerpt` is plain text that is safe to log and show: hidden characters are spelt out, secrets masked.
    It is still text of a stranger, so a page escapes it as any other.
    """

    code: str
    severity: Severity
    field: str
    start: int
    end: int
    excerpt: str
    why: str
    advice: str


@dataclass(frozen=True, slots=True)
class Scan:
    """The answer of a scan.

    `severity` is that of the worst finding (None when clean), `score` 100 when clean.
    """

    kind: ScanKind
    findings: tuple[Finding, ...]
    severity: Severity | None
    score: int
    version: str = HUNTER_VERSION

    @property
    def clean(self) -> bool:
        """Whether there is nothing beyond remarks."""
        return self.severity in (None, Severity.INFO)


def conclude(kind: ScanKind, findings: list[Finding]) -> Scan:
    """The scan of these findings, the worst first. A code counts once per field towards the score."""
    ordered = tuple(sorted(findings, key=lambda found: (-found.severity.rank, found.field, found.start, found.code)))
    worst: dict[tuple[str, str], int] = {}
    for found in ordered:
        key = (found.code, found.field)
        worst[key] = max(worst.get(key, 0), PENALTY[found.severity])
    return Scan(
        kind=kind,
        findings=ordered,
        severity=ordered[0].severity if ordered else None,
        score=max(0, 100 - sum(worst.values())),
    )


def excerpt(text: str, start: int, end: int) -> str:
    """The place with a little around it, hidden characters spelt out as `<U+202E>`, on one line."""
    begin, stop = (
        max(0, start - _EXCERPT_AROUND),
        min(len(text), end + _EXCERPT_AROUND, start + _EXCERPT_MOST),
    )
    middle = "".join(_visible(char) for char in text[begin:stop])
    return f"{'…' if begin else ''}{middle}{'…' if stop < len(text) else ''}"


def _visible(char: str) -> str:
    if char.isspace():
        return " "
    category = unicodedata.category(char)
    hidden = category[0] in "CZ" or 0xFE00 <= ord(char) <= 0xFE0F or ord(char) >= 0xE0000
    return f"<U+{ord(char):04X}>" if hidden else char
