"""Searching texts for the beginnings of their words, by an index over the words."""

import re
from dataclasses import dataclass, field
from typing import Any

from grace.kit.tx import Tx

FEW = 2_000
_WORD = re.compile(r"[^\W_]+")
_MOST_WORDS = 6


@dataclass(frozen=True, slots=True)
class Match:
    """SQL of which rows of a list a search lets pass, and its parameters."""

    sql: str = "true"
    params: dict[str, Any] = field(default_factory=dict)


async def matching(tx: Tx, q: str | None, row_id: str, *, where: str, by: tuple[str, ...]) -> Match:
    """What of a list fits `q`; everything without one. `where` says it of one row; `by` are statements that find the
    ids of such rows by an index.

    Few rows are picked by their ids. Of more than `FEW`, the list walked in its order soon finds a page. So a page
    costs what it shows, not what is stored.
    """
    if q is None:
        return Match()
    words = searched(q)
    found = await tx.all(str, f"{' union all '.join(by)} limit %(most)s", words=words, most=FEW + 1) if words else []
    if len(found) > FEW:  # planned for these words: a plan for any words reads and sorts the whole list
        tx.later("set local plan_cache_mode = force_custom_plan")
        return Match(where, {"words": words})
    return Match(f"{row_id} = any(%(ids)s)", {"ids": found})


def searched(text: str, *, shortest: int = 1) -> str:
    """What was typed, for `to_tsquery`: all of its words, each as a beginning; empty when there is none."""
    words = [word for word in _WORD.findall(text.lower()) if len(word) >= shortest][:_MOST_WORDS]
    return " & ".join(f"'{word}':*" for word in words)


def words_of(text: str) -> str:
    """SQL of the words of a text (SQL, never null); an index over it is written the same. The parts of an address are
    words like others."""
    return f"to_tsvector('simple', translate({text}, '@._+/-', '      '))"


def found_in(words: str) -> str:
    """SQL of whether `%(words)s`, as `searched` made it, is in these words."""
    return f"{words} @@ to_tsquery('simple', %(words)s)"
