"""Characters that hide or reorder text. Arabic, Indic scripts and emoji need some of them.

There they are ordinary.
"""

import re
import unicodedata
from collections.abc import Iterator

from grace.trust.hunter.rules.findings import Finding, Severity, excerpt
from grace.trust.hunter.rules.reading import CONFUSABLE, Field

_FLAG = re.compile("\U0001f3f4[\U000e0020-\U000e007e]{1,8}\U000e007f")
_TAGS = re.compile("[\U000e0000-\U000e007f]{1,5000}")
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{1,5000}")
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_MARKS = re.compile("[\u200e\u200f\u061c]")
_JOINERS = re.compile("[\u200c\u200d]")
_INVISIBLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
_STACKED = re.compile("[\u0300-\u036f]{5,200}")
_RTL = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")
_WORD = re.compile(r"[^\W\d_]{2,80}")
_ANY_CONFUSABLE = re.compile(f"[{''.join(CONFUSABLE)}]")
_LATIN = re.compile("[A-Za-z]")
# Scripts whose spelling needs joiners: Arabic to Sinhala, South-East Asia, Tibetan, Mongolian.
_JOINING = re.compile("[\u0600-\u0dff\u0e00-\u109f\u1780-\u18af\ua840-\ua87f\ufb50-\ufefc]")
_SPACELESS = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u4e00-\u9fff]")
_EMOJI = re.compile("[\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001faff\ufe0f]")
_NAMES = ("name", "company", "title", "email", "domain", "website")
_MOST = 5


def check_characters(field: Field) -> Iterator[Finding]:
    """Hidden, reordering, control and look-alike characters in one field."""
    if not field.text.isascii():
        yield from _tags(field)
        yield from _selectors(field)
        yield from _bidi(field)
        yield from _joiners(field)
        yield from _invisible(field)
        yield from _mixed_scripts(field)
        for match in _limited(_STACKED, field.text):
            why = "Many marks are stacked on one letter; the text spills over its neighbours."
            yield _finding(field, match, "chars_stacked", Severity.LOW, why, "Remove the stacked marks.")
    for match in _limited(_CONTROL, field.text):
        why = f"U+{ord(match[0]):04X} is a control character and has no place in text."
        yield _finding(field, match, "chars_control", Severity.MEDIUM, why, "Remove the control characters.")


def _tags(field: Field) -> Iterator[Finding]:
    text = _FLAG.sub(lambda match: "x" * len(match[0]), field.text)
    for match in _limited(_TAGS, text):
        spelt = "".join(chr(ord(char) - 0xE0000) for char in match[0] if 0xE0020 <= ord(char) <= 0xE007E)[:80]
        why = f"Invisible tag characters carry a text that only machines read: “{spelt}”."
        advice = "Remove them, and treat the text as an attempt to instruct an AI in secret."
        yield _finding(field, match, "chars_hidden_text", Severity.HIGH, why, advice)


def _selectors(field: Field) -> Iterator[Finding]:
    for match in _limited(_SELECTORS, field.text, keep=lambda found: len(found[0]) > 1):
        why = f"{len(match[0])} variation selectors in a row can carry hidden data."
        yield _finding(field, match, "chars_hidden_data", Severity.HIGH, why, "Remove them.")


def _bidi(field: Field) -> Iterator[Finding]:
    text = field.text
    right_to_left = _RTL.search(text) is not None
    balanced = _balanced(text)
    for match in _limited(_BIDI, text):
        if match[0] in "\u202d\u202e":
            why = "An override makes text read differently from what it is, such as a file name's ending."
            yield _finding(field, match, "chars_bidi_override", Severity.HIGH, why, "Remove the override.")
        elif not (right_to_left and balanced):
            why = "Text direction is changed without being restored, or without text that needs it."
            yield _finding(field, match, "chars_bidi_control", Severity.MEDIUM, why, "Remove the control.")
    if not right_to_left:
        for match in _limited(_MARKS, text):
            why = "An invisible direction mark stands in text that has no right-to-left letters."
            yield _finding(field, match, "chars_bidi_mark", Severity.LOW, why, "Remove the mark.")


def _balanced(text: str) -> bool:
    """Whether each embedding and isolate ends in its own paragraph, in the right order."""
    open_kinds: list[str] = []
    for match in re.finditer("[\u202a-\u202e\u2066-\u2069\n\u2029]", text):
        char = match[0]
        if char in "\n\u2029":
            if open_kinds:
                return False
        elif char in "\u202c\u2069":
            if not open_kinds or open_kinds.pop() != char:
                return False
        else:
            open_kinds.append("\u2069" if char in "\u2066\u2067\u2068" else "\u202c")
    return not open_kinds


def _joiners(field: Field) -> Iterator[Finding]:
    text = field.text

    def strange(found: re.Match[str]) -> bool:
        before, after = text[max(0, found.start() - 2) : found.start()], text[found.end() : found.end() + 1]
        if before and _JOINING.match(before[-1]):
            return False
        return not (found[0] == "\u200d" and _EMOJI.search(before) and _EMOJI.match(after))

    for match in _limited(_JOINERS, text, keep=strange):
        why = "An invisible joiner stands where the script has no use for one."
        severity = Severity.MEDIUM if _inside_word(text, match) else Severity.LOW
        yield _finding(field, match, "chars_invisible", severity, why, "Remove the invisible characters.")


def _invisible(field: Field) -> Iterator[Finding]:
    text = field.text

    def strange(found: re.Match[str]) -> bool:
        if found[0] == "\ufeff" and found.start() == 0:
            return False
        around = text[max(0, found.start() - 1) : found.end() + 1]
        return not (found[0] == "\u200b" and _SPACELESS.search(around))

    for match in _limited(_INVISIBLE, text, keep=strange):
        why = f"U+{ord(match[0]):04X} cannot be seen; inside words it hides them from search and filters."
        severity = Severity.MEDIUM if _inside_word(text, match) else Severity.LOW
        yield _finding(field, match, "chars_invisible", severity, why, "Remove the invisible characters.")


def _inside_word(text: str, match: re.Match[str]) -> bool:
    before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
    return before.isalnum() and after.isalnum()


def _mixed_scripts(field: Field) -> Iterator[Finding]:
    if not _ANY_CONFUSABLE.search(field.text):
        return

    def mixed(found: re.Match[str]) -> bool:
        word = found[0]
        if not (_LATIN.search(word) and _ANY_CONFUSABLE.search(word)):
            return False
        return any(unicodedata.name(char, "").startswith(("CYRILLIC", "GREEK", "ARMENIAN")) for char in word)

    for match in _limited(_WORD, field.text, keep=mixed):
        why = f"The word mixes Latin with look-alikes of another script; it reads like “{_as_read(match[0])}”."
        severity = Severity.HIGH if field.key in _NAMES else Severity.MEDIUM
        advice = "Check that the sender is who the text claims, then write the word in one script."
        yield _finding(field, match, "chars_mixed_script", severity, why, advice)


def _as_read(word: str) -> str:
    latin = (CONFUSABLE.get(char, char) for char in word)
    return "".join(one.upper() if char.isupper() else one for one, char in zip(latin, word, strict=True))


def _limited(pattern: re.Pattern[str], text: str, keep: object = None) -> Iterator[re.Match[str]]:
    """The first few matches that `keep` agrees to: one finding says as much as a thousand."""
    kept = 0
    for match in pattern.finditer(text):
        if callable(keep) and not keep(match):
            continue
        yield match
        kept += 1
        if kept >= _MOST:
            return


def _finding(field: Field, match: re.Match[str], code: str, severity: Severity, why: str, advice: str) -> Finding:
    shown = excerpt(field.text, match.start(), match.end())
    return Finding(code, severity, field.name, match.start(), match.end(), shown, why, advice)
