"""Reads requirements: splits them into points, sorts these into deliverables, keeps the client's own words.

Only the structure is guessed; nothing is added to what the client wrote.
"""

import re
from dataclasses import dataclass, field

from grace.providers.architect.builtin.work import WORK, Recognised, recognise
from grace.providers.architect.port import WorkKind

MAX_CHARS = 20_000
MAX_POINTS = 80
MAX_SCOPES = 12
_POINT_CHARS = 300

_BULLET = re.compile(r"^\s{0,12}(?:[-*•–—▪◦+]|\(?\d{1,2}[.)]|[a-z]\))\s+")
_SENTENCE_END = re.compile(r"(?<=[.!?。;])\s+(?=[^a-z\s])|(?<=[!?。;])\s*(?=\S)")
_CLAUSE = re.compile(r",\s+(?:and|plus|also|then|as well as)?\s*|\s+(?:and|plus|as well as|und|along with)\s+")
_CLAUSE_END = re.compile(r"[\s,]+(?:and|plus|also|then|as well as|und|along with)?\s*$")
_ALL_OPTIONAL = re.compile(r"\s*(?:optional(?:ly)?|nice[- ]to[- ]haves?|bonus)\b", re.IGNORECASE)
_OPTIONAL = re.compile(
    r"\s*[(\[]?\b(?:optional(?:ly)?|nice[- ]to[- ]haves?|(?:only )?if (?:the |our )?budget (?:allows|permits)"
    r"|(?:would|could) be nice|bonus|in a (?:later|second) (?:phase|step)|maybe|perhaps"
    r"|possibly)\b[)\]]?:?,?\s*",
    re.IGNORECASE,
)
_CONTEXT = re.compile(
    r"^(?:hi|hello|hey|dear|good (?:morning|day|afternoon)|thanks?|thank you|best|kind regards|regards"
    r"|cheers|looking forward)\b"
    r"|\b(?:budget|price range)\b.{0,40}(?:\d|is|around|about)|^(?:our |my |the )?deadline\b"
    r"|^(?:we|i)(?: are|'re| am|'m) (?:an? |the |located|based|looking forward"
    r"|happy)(?!.{0,40}\b(?:need|want)\b)"
    r"|^(?:our |my )?(?:company|team|business|agency|startup|start-up) (?:is|has|was|sells|makes"
    r"|offers|provides)\b"
    r"|^(?:please |kindly )?(?:let us know|get back|(?:send|contact|call|write) (?:us|me)\b|reply)\b"
    r"|^(?:also|additionally|in addition|requirements|scope|features|deliverables|details|we need)\s?:?$"
    r"|^(?:we |i )?(?:need|want|expect|would like) (?:it|this|everything|that) (?:done |ready |live "
    r"|finished )?(?:by|in|within|until)\b",
    re.IGNORECASE,
)
_DEADLINE = re.compile(
    r"\b((?:by|before|until|no later than|deadline(?: is|:)?) (?:the )?(?:end|middle|start"
    r"|beginning)? ?(?:of )?(?:next |this )?"
    r"(?:january|february|march|april|may|june|july|august|september|october|november|december|week"
    r"|month|quarter|year"
    r"|easter|christmas|summer|spring|autumn|fall|winter|q[1-4])(?: \d{1,4})?"
    r"|(?:within|in) (?:the next )?(\d{1,2}|two|three|four|six|eight|ten|twelve) (weeks?|months?)|asap"
    r"|as soon as possible)\b",
    re.IGNORECASE,
)
_NUMBERS = {"two": 2, "three": 3, "four": 4, "six": 6, "eight": 8, "ten": 10, "twelve": 12}
_CONNECTIVE = re.compile(
    r"^(?:and|also|then|plus|finally|additionally|furthermore|moreover|in addition|secondly|next)[,:]?\s+",
    re.IGNORECASE,
)
_LEAD_IN = re.compile(
    r"^(?:(?:please|kindly)\s+)?"
    r"(?:(?:we|i|they|you|the (?:project|system|site|website|app|team|company)"
    r"|our (?:team|company|business))(?:['’]d)?\s+"
    r"(?:(?:really|also|currently|urgently|would|will|should|must|are|am)\s+){0,3}"
    r"(?:needs?(?: to (?:have|get))?|wants?(?: to have)?|requires?|like(?: to have)?|love(?: to have)?"
    r"|looking (?:for|to (?:get|have))|searching for|have|has|includes?)\s+(?:to\s+)?"
    r"|(?:there (?:should|must) be|it (?:should|must) (?:have|include)|include|needs?|must[- ]haves?:?)\s+)",
    re.IGNORECASE,
)
_ARTICLE = re.compile(r"^(?:an?|the|our|my|some|new|their|your)\s+", re.IGNORECASE)
_HEAD_END = re.compile(
    r"\s+(?:with|for|that|which|who|where|so|to|including|incl\.?|using|on|in|from|by|via|of|at|into"
    r"|when|is|are|should|must|\()\b"
    r"|[,:;(.\u2013\u2014]|\s-\s"
)
_VERB_START = re.compile(
    r"^(?:build|create|make|develop|design|redesign|set|connect|integrate|automate|migrate|train|write"
    r"|move|import|export|sync"
    r"|add|improve|optimi[sz]e|fix|update|upgrade|implement|deploy|launch|support|maintain|translate"
    r"|review|help|send|show|use"
    r"|allow|let|get|keep|provide|deliver|give|replace|convert|extend|test|it|they|we|users?|customers?)\b",
    re.IGNORECASE,
)
_NO_TITLE = re.compile(r"\b(?:our|my|your|and|we|is|are|for|to|with|of|after)\b", re.IGNORECASE)


@dataclass(slots=True)
class Scope:
    """One deliverable in the making: its kind, its title and the client's points that belong to it."""

    kind: WorkKind
    title: str
    points: list[str] = field(default_factory=list)
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Understanding:
    """What the requirements say. `deadline` is in the client's words.

    `deadline_weeks` when it is a span of time.
    """

    scopes: tuple[Scope, ...]
    deadline: str | None
    deadline_weeks: int | None
    mentions_content: bool


@dataclass(frozen=True, slots=True)
class _Statement:
    text: str
    bullet: bool
    opens_list: bool


def understand(requirements: str) -> Understanding:
    """Read the requirements (at most the first 20,000 characters)."""
    text = requirements[:MAX_CHARS].replace("\r", "\n").replace("\t", " ")
    scopes: list[Scope] = []
    group: Scope | None = None
    for statement in _statements(text)[:MAX_POINTS]:
        if not statement.bullet:
            group = None
        if _CONTEXT.search(statement.text) or _only_deadline(statement.text):
            continue
        if statement.bullet and group is not None and _belongs(statement.text, group):
            _add_point(group, statement.text)
            continue
        added = _sort_in(statement, scopes)
        if statement.opens_list:
            group = added
    found = _DEADLINE.search(text)
    return Understanding(
        scopes=tuple(_merged(scopes)),
        deadline=re.sub(r"^deadline(?: is|:)? ", "", found[1], flags=re.IGNORECASE) if found else None,
        deadline_weeks=_weeks(found) if found else None,
        mentions_content=re.search(r"\b(?:texts?|pictures|photos|content|copy)\b", text, re.IGNORECASE) is not None,
    )


def _statements(text: str) -> list[_Statement]:
    found: list[_Statement] = []
    for line in text.split("\n"):
        bullet = _BULLET.match(line)
        body = " ".join(line[bullet.end() :].split() if bullet else line.lstrip("#> ").split())
        if not body:
            continue
        if bullet:
            found.append(_Statement(body[:1000], True, False))
            continue
        pieces = [piece.strip() for piece in _SENTENCE_END.split(body) if piece and piece.strip()]
        found += [_Statement(piece[:1000], False, piece.endswith(":")) for piece in pieces]
    return found


def _sort_in(statement: _Statement, scopes: list[Scope]) -> Scope | None:
    """Put a statement's clauses where they belong; gives the deliverable that the last of them went to."""
    last: Scope | None = None
    for clause, optional in _clauses(statement.text):
        found = recognise(clause)
        if found is None or not (found.clear or statement.bullet):
            target = last or (scopes[-1] if scopes and not statement.bullet else None)
            if target is not None and target.optional == optional:
                _add_point(target, clause)
                last = target
                continue
        if found is None and not (statement.bullet or optional or _without_lead_in(clause) != clause):
            continue
        last = _scope_for(clause, found.kind if found else WorkKind.CUSTOM, optional, statement, scopes)
    return last


def _scope_for(clause: str, kind: WorkKind, optional: bool, statement: _Statement, scopes: list[Scope]) -> Scope:
    """The deliverable that takes the clause.

    One of the same kind (for a bullet also of the same title), or a new one.
    """
    title = _title(clause, kind)
    for scope in scopes:
        if scope.kind is kind and scope.optional == optional and (scope.title == title or not statement.bullet):
            break
    else:
        scope = Scope(kind, title, optional=optional)
        scopes.append(scope)
    if not statement.opens_list or len(clause) > len(title) + 12:
        _add_point(scope, clause)
    return scope


def _clauses(text: str) -> list[tuple[str, bool]]:
    """The sentence cut where a further kind of work begins, and for each part whether it is optional."""
    parts: list[str] = []
    begin = at = 0
    current: Recognised | None = None
    for end, after in [*(match.span() for match in _CLAUSE.finditer(text)), (len(text), len(text))]:
        found = recognise(text[at:end])
        if found is not None and found.clear and current is not None and found.kind is not current.kind:
            parts.append(_CLAUSE_END.sub("", text[begin:at]))
            begin, current = at, found
        elif found is not None and (current is None or (found.clear and not current.clear)):
            current = found
        at = after
    parts.append(text[begin:])
    inherited = _ALL_OPTIONAL.match(text) is not None
    cleaned = [(_OPTIONAL.sub(" ", part).strip(" ,;"), _OPTIONAL.search(part) is not None) for part in parts]
    return [(clause, inherited or optional) for clause, optional in cleaned if clause.strip(".:")]


def _belongs(text: str, group: Scope) -> bool:
    """Whether a bullet is a detail of the list's subject and not a piece of work of its own."""
    found = recognise(text)
    if _OPTIONAL.search(text) is not None:
        return False
    return found is None or not found.clear or found.kind in (group.kind, WorkKind.CONTENT) or found.start > 6


def _add_point(scope: Scope, clause: str) -> None:
    point = tidy(clause)
    if point and point.casefold() not in (known.casefold() for known in scope.points):
        scope.points.append(point)


def tidy(clause: str) -> str:
    """The client's words as a list point.

    Without lead-in, seen from our side ("your", not "our"), at most 300 long.
    """
    text = _without_lead_in(clause.strip().rstrip(".;:,!"))
    for pattern, word in _TURNED:
        text = pattern.sub(word, text)
    if len(text) > _POINT_CHARS:
        text = text[:_POINT_CHARS].rsplit(" ", 1)[0] + " …"
    return text[:1].upper() + text[1:]


_TURNED = tuple(
    (re.compile(rf"\b{pattern}(?!\w)"), word)
    for pattern, word in (
        ("(?:we are|We are|I am|we're|We're|I'm)", "you are"),
        ("(?:our|my)", "your"),
        ("(?:Our|My)", "Your"),
        ("(?:ours|mine)", "yours"),
        ("(?:we|We|us)", "you"),
        ("I(?!/)", "you"),
        ("(?:ourselves|myself)", "yourselves"),
    )
)


def _without_lead_in(clause: str) -> str:
    return _LEAD_IN.sub("", _CONNECTIVE.sub("", clause.strip())).strip()


def _title(clause: str, kind: WorkKind) -> str:
    """A title from the client's own noun ("Customer portal"), or the kind's usual one."""
    usual = WORK[kind].title
    words = _ARTICLE.sub("", _ARTICLE.sub("", _without_lead_in(clause)))
    end = _HEAD_END.search(words)
    head = (words[: end.start()] if end else words).strip(" .\"'")
    good = 4 <= len(head) <= 40 and len(head.split()) <= 4 and head.isascii() and not re.search(r"\d", head)
    if good and not _VERB_START.match(head) and not _NO_TITLE.search(head):
        found = recognise(head)
        if kind is WorkKind.CUSTOM or (found is not None and found.kind is kind):
            return head[0].upper() + head[1:]
    named = recognise(clause)
    if named is not None and named.kind is kind and named.clear and re.fullmatch(r"[a-z]{3,} [a-z]{3,}", named.word):
        return usual if _NO_TITLE.search(named.word) else named.word.capitalize()
    return usual


def _merged(scopes: list[Scope]) -> list[Scope]:
    """At most twelve deliverables: beyond that, those of one kind become one."""
    if len(scopes) <= MAX_SCOPES:
        return scopes
    by_kind: dict[tuple[WorkKind, bool], Scope] = {}
    for scope in scopes:
        key = (scope.kind, scope.optional)
        if key not in by_kind:
            by_kind[key] = Scope(scope.kind, WORK[scope.kind].title, optional=scope.optional)
        for point in scope.points or [scope.title]:
            _add_point(by_kind[key], point)
    return list(by_kind.values())


def _only_deadline(text: str) -> bool:
    return len(text) < 60 and _DEADLINE.search(text) is not None and recognise(text) is None


def _weeks(found: re.Match[str]) -> int | None:
    if found[2] is None:
        return None
    number = _NUMBERS.get(found[2].lower()) or int(found[2])
    return number * 4 if found[3].lower().startswith("month") else number
