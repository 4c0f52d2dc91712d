"""The kinds of work the builtin architect knows.

How they are recognised, estimated, described and accepted.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from grace.providers.architect.builtin.work_build import BUILD_WORK
from grace.providers.architect.builtin.work_kind import Work
from grace.providers.architect.builtin.work_other import OTHER_WORK
from grace.providers.architect.port import WorkKind

WORK: Mapping[WorkKind, Work] = MappingProxyType({work.kind: work for work in (*BUILD_WORK, *OTHER_WORK)})

# What a counted thing adds, in hours, and the most that one count may add.
_UNITS = (
    (r"pages?|screens?|views?", 4, 160),
    (r"languages?|locales?", 6, 60),
    (r"dashboards?", 14, 112),
    (r"reports?|charts?", 6, 96),
    (r"endpoints?|webhooks?", 5, 160),
    (r"integrations?|systems?|connections?|marketplaces?", 16, 160),
    (r"workflows?|automations?|processes|forms?", 8, 160),
    (r"articles?|posts?|texts?|newsletters?|e-?mails?", 4, 120),
    (r"templates?|layouts?|mock-?ups?|banners?", 5, 80),
    (r"sessions?|workshops?|trainings?|webinars?", 4, 60),
    (r"servers?|environments?|clusters?", 10, 80),
    (r"tables?|sources?|spreadsheets?|databases?", 8, 120),
)
_WORDS = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "twelve": 12,
}  # fmt: skip
_COUNT = re.compile(
    r"\b(\d{1,4}|" + "|".join(_WORDS) + r")\s{1,3}(?:[a-z-]{1,20}\s{1,3}){0,2}?("
    + "|".join(unit for unit, _, _ in _UNITS)
    + r")\b"
)  # fmt: skip
_MONTHS_OF = re.compile(r"\b(\d{1,2}|" + "|".join(_WORDS) + r")\s{1,3}months?\b")
_SUPPORT_HOURS_A_MONTH = 8


@dataclass(frozen=True, slots=True)
class Count:
    """A number of things named in a text: `12 pages`."""

    number: int
    unit: str
    hours: int


@dataclass(frozen=True, slots=True)
class Recognised:
    """The kind of work a text speaks of, by which word, where, and whether the word is a clear one."""

    kind: WorkKind
    word: str
    start: int
    clear: bool


def recognise(text: str) -> Recognised | None:
    """The clear word that comes first, the longer one of two; else a vague word.

    None when there is neither.
    """
    folded = text.casefold()
    for clear in (True, False):
        found = []
        for rank, work in enumerate(WORK.values()):
            pattern = work.clear if clear else work.vague
            match = pattern.search(folded) if pattern is not None else None
            if match is not None:
                found.append((match.start(), -len(match[0]), rank, work.kind, match[0]))
        if found:
            start, _, _, kind, word = min(found)
            return Recognised(kind, word, start, clear)
    return None


def counts(text: str) -> tuple[Count, ...]:
    """The counted things of a text, with the hours they add."""
    found = []
    for number, unit in _COUNT.findall(text.casefold()):
        amount = _WORDS.get(number) or int(number)
        hours, most = next((each, most) for words, each, most in _UNITS if re.fullmatch(words, unit))
        found.append(Count(amount, unit, min(amount * hours, most)))
    return tuple(found)


def estimate_hours(kind: WorkKind, points: tuple[str, ...], *, past_hours: tuple[int, ...] = ()) -> int:
    """Hours of a deliverable: those of its kind, more per point and per counted thing, rounded up to even.

    Where the business has done such work before, the middle of its past hours weighs half, within half and
    double of the plain estimate.
    """
    work = WORK[kind]
    counted = sum(count.hours for point in points for count in counts(point))
    if kind is WorkKind.SUPPORT:
        months = (_MONTHS_OF.search(point.casefold()) for point in points)
        named = [_WORDS.get(match[1]) or int(match[1]) for match in months if match is not None]
        counted += _SUPPORT_HOURS_A_MONTH * max(named, default=0)
    plain = max(work.base_hours + work.point_hours * max(0, len(points) - 1), work.base_hours // 2 + counted)
    hours = min(plain, 400)
    if past_hours:
        middle = sorted(past_hours)[len(past_hours) // 2]
        hours = (hours + max(hours // 2, min(middle, hours * 2)) + 1) // 2
    return hours + hours % 2
