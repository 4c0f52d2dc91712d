"""How a scan reads.

Flattening nested data into fields, limits on their size, and folding text for comparison.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

MAX_FIELDS = 200
MAX_DEPTH = 6
MAX_FIELD_CHARS = 100_000
MAX_TOTAL_CHARS = 400_000

# Characters that look like a Latin letter and are none.
_CYRILLIC = dict(zip("аеорсухіјѕһԁԛԝӏкАЕОРСУХІЈЅВНКМТ", "aeopcyxijshdqwlkaeopcyxijsbhkmt", strict=True))
_GREEK = dict(zip("ονιυΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "oviuabezhikmnoptyx", strict=True))
_OTHERS = dict(zip("օսոհցԼᎪᎬᏢᎠɑɡıⅼǀ", "ounhglaepdagill", strict=True))
CONFUSABLE: Mapping[str, str] = {**_CYRILLIC, **_GREEK, **_OTHERS}
_CONFUSABLE_TABLE = str.maketrans(dict(CONFUSABLE))

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e01ef]"
)


@dataclass(frozen=True, slots=True)
class Field:
    """One text of the data: its path (`client.notes`, `files[2]`) and what is read of it."""

    name: str
    text: str
    cut: bool = False

    @property
    def key(self) -> str:
        """The last part of the path, lower case, without an index: what the text is."""
        return re.sub(r"\[\d+\]$", "", self.name).rpartition(".")[2].lower()


@dataclass(frozen=True, slots=True)
class Folded:
    """Text made comparable (NFKC, lower case, look-alikes as Latin, nothing hidden) and where it was."""

    text: str
    origin: Sequence[int]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The place in the original text of `start` to `end` in the folded one."""
        if not self.text:
            return 0, 0
        last = self.origin[min(max(end - 1, start), len(self.text) - 1)]
        return self.origin[min(start, len(self.text) - 1)], last + 1


def read_fields(data: Mapping[str, object]) -> Iterator[Field]:
    """All texts of the data, in order, up to the limits.

    A field that was cut or left out comes marked as `cut`.
    """
    left = MAX_TOTAL_CHARS
    for count, (name, text) in enumerate(_walk("", data, 0)):
        take = min(left, MAX_FIELD_CHARS)
        if count >= MAX_FIELDS or take <= 0:
            yield Field(name[:200], "", cut=True)
            return
        yield Field(name[:200], text[:take], cut=len(text) > take)
        left -= min(take, len(text))


def fold(text: str) -> Folded:
    """Fold a text; positions can be led back to the original."""
    if text.isascii():
        return Folded(text.lower(), range(len(text)))
    quick = text.translate(_CONFUSABLE_TABLE).casefold()
    if len(quick) == len(text) and unicodedata.is_normalized("NFKC", quick) and not _INVISIBLE.search(text):
        return Folded(quick, range(len(text)))
    parts: list[str] = []
    origin: list[int] = []
    for place, char in enumerate(text):
        if _INVISIBLE.match(char):
            continue
        piece = unicodedata.normalize("NFKC", char).translate(_CONFUSABLE_TABLE).casefold()
        parts.append(piece)
        origin.extend([place] * len(piece))
    return Folded("".join(parts), origin)


def skeleton(text: str) -> str:
    """What a reader takes the text for: look-alikes as Latin, 0 as o, 1 as l, rn as m, vv as w."""
    plain = fold(text).text.translate(str.maketrans("01", "ol"))
    return plain.replace("rn", "m").replace("vv", "w")


def _walk(name: str, value: object, depth: int) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield name, value
    elif depth >= MAX_DEPTH:
        return
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _walk(f"{name}.{key}" if name else str(key), inner, depth + 1)
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _walk(f"{name}[{index}]", inner, depth + 1)
