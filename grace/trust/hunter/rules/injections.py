"""Text that is code where none is expected: SQL, HTML, templates, formulas, shell, prompts to an AI.

All patterns run on folded text (lower case, nothing hidden, look-alikes as Latin), have bounded repetition,
and are narrow: a sentence about a union or a script is no attack.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from grace.trust.hunter.rules.findings import Finding, ScanKind, Severity, excerpt
from grace.trust.hunter.rules.reading import Field, Folded, fold

_PER_CODE = 3
_WRITTEN_BY_US = (ScanKind.GENERATED_TEXT, ScanKind.DELIVERABLE)


@dataclass(frozen=True, slots=True)
class _Check:
    """One pattern.

    `usual` is its severity in what strangers send, `ours` in generated text and deliverables.
    """

    code: str
    pattern: re.Pattern[str]
    usual: Severity
    ours: Severity
    why: str
    advice: str


def _check(
    code: str,
    usual: Severity,
    ours: Severity,
    why: str,
    advice: str,
    *alternatives: str,
    anchored: bool = False,
) -> _Check:
    joined = "|".join(f"(?:{alternative})" for alternative in alternatives)
    return _Check(code, re.compile(rf"\A(?:{joined})" if anchored else joined), usual, ours, why, advice)


_HTML = "Never show it unescaped; ask why markup was sent."
_FORMULA_WORDS = (
    "hyperlink|webservice|importxml|importdata|importhtml|importrange|image|dde|ddeauto|exec|call|register|indirect"
    "|concatenate|sum|if|char|msexcel|cmd|rundll32|powershell|mshta"
)
_CHECKS = (
    _check(
        "injection_sql",
        Severity.HIGH,
        Severity.INFO,
        "The text breaks out of a value into a database command.",
        "Nothing here builds SQL from text, but treat the sender as hostile.",
        r"['\"]\s{0,5}\)?\s{0,5}\b(?:or|and)\s{1,5}['\"(]?\w{1,20}['\"]?\s{0,5}(?:=|\blike\b)\s{0,5}['\"]?\w",
        r"\b(?:or|and)\s{1,5}(\d{1,9})\s{0,3}=\s{0,3}\d{1,9}\s{0,3}(?:--|#|/\*)",
        r"\bunion\s{1,10}(?:all\s{1,10})?select\s{1,10}[\w*'\"@]",
        r";\s{0,10}(?:drop|truncate|alter)\s{1,10}(?:table|database|schema|view|user|role)\s",
        r";\s{0,10}(?:delete\s{1,10}from|insert\s{1,10}into)\s{1,10}\w{1,63}",
        r";\s{0,10}update\s{1,10}\w{1,63}\s{1,10}set\s",
        r"\b(?:pg_sleep|benchmark|xp_cmdshell|load_file)\s{0,3}\(",
        r"\bwaitfor\s{1,5}delay\s{1,5}['\"]",
        r"['\"]\s{0,2}[;)]{0,3}\s{0,2}--\s{0,3}\Z",
    ),
    _check(
        "injection_html",
        Severity.HIGH,
        Severity.LOW,
        "The text carries a script or an element that loads or runs something in a browser.",
        _HTML,
        r"<\s{0,3}/?\s{0,3}(?:script|iframe|object|embed|applet|base|meta|svg)[\s/>]",
        r"<[a-z][^<>]{0,200}[\s/\"']on[a-z]{3,20}\s{0,3}=",
        r"<[a-z][^<>]{0,200}(?:src|href|action|formaction)\s{0,3}=\s{0,3}[\"']?\s{0,3}javascript:",
    ),
    _check(
        "injection_template",
        Severity.MEDIUM,
        Severity.MEDIUM,
        "The text holds template code; a renderer would run it, or it is a blank that nobody filled in.",
        "Do not render it as a template; fill in or remove the blank.",
        r"\{\{[^{}\n]{1,120}\}\}",
        r"\{%[^{}\n]{1,120}%\}",
        r"<%=?[^<>\n]{1,120}%>",
        r"\$\{(?:jndi|env|sys|lower|[\w.]{1,40}\(|\d{1,5}\s?[*+])[^{}\n]{0,120}\}",
    ),
    _check(
        "injection_formula",
        Severity.HIGH,
        Severity.HIGH,
        "The text begins as a spreadsheet formula; an export would make it run on somebody's machine.",
        "Exports put an apostrophe before it; do not paste it into a sheet by hand.",
        rf"[\s]{{0,20}}[=+\-@]\s{{0,3}}(?:{_FORMULA_WORDS})\s{{0,3}}[(|]",
        r"[\s]{0,20}=\s{0,3}[a-z][a-z0-9.]{0,30}\s{0,3}[(!|]",
        r"[\s]{0,20}=\s{0,3}[+\-]?\d{1,10}\s{0,3}[+*/^\-]\s{0,3}\d",
        anchored=True,
    ),
    _check(
        "injection_shell",
        Severity.MEDIUM,
        Severity.INFO,
        "The text holds shell commands or a path that climbs out of its folder.",
        "Do not pass it to a command line or use it as a path.",
        r"(?:\.\.[/\\]){2,20}",
        r"\$\(\s{0,3}(?:curl|wget|rm|nc|bash|sh|cat|id|whoami)\b",
        r"[;&|`]\s{0,3}rm\s{1,3}-[rf]{1,2}\b",
        r"\b(?:curl|wget)\s[^\n|]{1,200}\|\s{0,3}(?:ba|z)?sh\b",
        r"/etc/(?:passwd|shadow)\b",
    ),
    _check(
        "injection_prompt",
        Severity.HIGH,
        Severity.MEDIUM,
        "The text speaks to an AI that reads it and wants to change what it does.",
        "Give it to no agent as an instruction; a person decides about this lead.",
        r"\b(?:ignore|disregard|forget|override|bypass)\s{1,3}(?:(?!my\b|our\b)\w{1,12}\s{1,3}){0,3}"
        r"(?:previous|prior|above|earlier|preceding|all|any|your|system)\s{1,3}(?:\w{1,12}\s{1,3}){0,3}"
        r"(?:instructions?|prompts?|guardrails|messages?|rules|directives|training)\b",
        r"\b(?:ignore|disregard|bypass|override)\s{1,3}(?:the |your |its )?"
        r"(?:system prompt|guardrails|safety rules|programming)\b",
        r"\b(?:reveal|print|show|repeat|output|leak)\s{1,3}(?:\w{1,12}\s{1,3}){0,3}"
        r"(?:system prompt|hidden prompt|initial instructions|your instructions)\b",
        r"\byou are (?:now|no longer)\s{1,3}(?:an? |in |the |called )?(?:\w{1,15}\s{1,3}){0,2}"
        r"(?:ai|assistant|chatbot|language model|dan|developer mode|jailbr\w{0,10}|unrestricted)\b",
        r"<\|(?:im_start|im_end|system|endoftext|user|assistant)\|>|\[/?inst\]|<<sys>>",
        r"(?:\A|\n)\s{0,3}(?:#{2,4}\s?)?system(?: (?:prompt|message|instructions?))?\s?:\s",
        r"\b(?:new|updated|real) system (?:instructions?|prompt) ?:",
        r"\bdo not (?:tell|inform|mention (?:this|it) to) (?:the |your )?(?:user|human|owner|operator)s? "
        r"(?:about|that|of) (?:this|these|you)\b",
        r"\b(?:if you are an? (?:ai|llm|language model|bot)|as an ai (?:language )?(?:model|agent))\b"
        r"[^.\n]{0,60}\b(?:must|should|approve|send|transfer|reply|please)\b",
        r"\b(?:governance_approved|auto_approved|human_approved)[\"']?\s{0,3}[=:]\s{0,3}[\"']?true\b",
        r"\bignoriere?n? (?:sie )?(?:alle )?(?:vorherigen|bisherigen|obigen) "
        r"(?:anweisungen|befehle|instruktionen)",
        r"\bignor[ae] (?:todas )?las (?:instrucciones|ordenes|órdenes) (?:anteriores|previas)",
        r"\bignor(?:e|ez) (?:toutes )?les (?:instructions|consignes) (?:précédentes|ci-dessus)",
    ),
)


def check_injections(field: Field, *, kind: ScanKind) -> Iterator[Finding]:
    """What in one field is code or an instruction; at most three findings of each sort."""
    folded = fold(field.text)
    for check in _CHECKS:
        severity = check.ours if kind in _WRITTEN_BY_US else check.usual
        for count, match in enumerate(check.pattern.finditer(folded.text)):
            if count >= _PER_CODE:
                break
            yield _finding(field, folded, match, check, severity)


def _finding(field: Field, folded: Folded, match: re.Match[str], check: _Check, severity: Severity) -> Finding:
    start, end = folded.span(*match.span())
    shown = excerpt(field.text, start, end)
    return Finding(check.code, severity, field.name, start, end, shown, check.why, check.advice)
