"""The score of a lead without history: points added to a base, each line explained, ending in the cap at 100.

The points are the businesses' rule of thumb, not a probability. A workspace may hand in its own `ScoreRule`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from grace.domains.crm.rules.features import Features

DEFAULT_THRESHOLD = 70
CAP = 100

_BAND_WORDS = (
    "no budget named",
    "a small budget",
    "a budget from about 1,000 USD",
    "a budget from about 5,000 USD",
    "a budget from about 20,000 USD",
    "a budget from about 50,000 USD",
)


@dataclass(frozen=True, slots=True)
class ScoreRule:
    """The points of the rule. Budget at most 20, industry 15, source 20, requirements 10."""

    version: str = "rule-1"
    base: int = 50
    budget: tuple[int, ...] = (0, 4, 8, 12, 16, 20)
    industry: Mapping[str, int] = field(
        default_factory=lambda: MappingProxyType(
            {
                **dict.fromkeys(("technology", "finance", "healthcare"), 15),
                **dict.fromkeys(("ecommerce", "manufacturing", "professional_services", "energy"), 11),
                **dict.fromkeys(("logistics", "real_estate", "media"), 9),
                **dict.fromkeys(("hospitality", "education", "public"), 7),
                "other": 4,
                "unknown": 0,
            }
        )
    )
    source: Mapping[str, int] = field(
        default_factory=lambda: MappingProxyType(
            {
                **{"referral": 20, "website": 15, "email": 12, "linkedin": 12, "upwork": 10},
                **{"api": 8, "fiverr": 6, "import": 4, "cold_email": 3, "other": 5},
            }
        )
    )

    def __post_init__(self) -> None:
        """Refuses points outside the limits of the rule."""
        limits = ((self.budget, 20), (self.industry.values(), 15), (self.source.values(), 20))
        if len(self.budget) != len(_BAND_WORDS) or any(not 0 <= p <= top for ps, top in limits for p in ps):
            raise ValueError("points are 0-20 for each of six budget bands, 0-15 for industry, 0-20 for source")


@dataclass(frozen=True, slots=True)
class ScoreLine:
    """One line of the breakdown: what it is about, its points (the cap's are 0 or negative), and why."""

    factor: str
    points: int
    why: str


@dataclass(frozen=True, slots=True)
class Score:
    """A score of 0-100. The points of `breakdown` add up to `score`; its last line is the cap."""

    score: int
    threshold: int
    qualified: bool
    breakdown: tuple[ScoreLine, ...]
    reasons: tuple[str, ...]
    recommendation: str
    version: str


def score_lead(
    features: Features,
    *,
    threshold: int = DEFAULT_THRESHOLD,
    rule: ScoreRule | None = None,
    flagged: bool = False,
) -> Score:
    """Score a lead.

    It qualifies above `threshold`, unless it is `flagged` (the hunter found something serious).
    """
    rule = rule or ScoreRule()
    lines = (
        ScoreLine("base", rule.base, "Every lead starts here."),
        ScoreLine("budget", rule.budget[features.budget_band], _sentence(_BAND_WORDS[features.budget_band])),
        _industry_line(features, rule),
        _source_line(features, rule),
        _requirements_line(features),
    )
    raw = sum(line.points for line in lines)
    score = max(0, min(CAP, raw))
    why = f"The points add up to {raw}; a score ends at {CAP}." if raw > CAP else f"A score ends at {CAP}: not reached."
    breakdown = (*lines, ScoreLine("cap", score - raw, why))
    qualified = score > threshold and not flagged
    return Score(
        score=score,
        threshold=threshold,
        qualified=qualified,
        breakdown=breakdown,
        reasons=_reasons(features, lines),
        recommendation=_recommendation(features, score=score, threshold=threshold, flagged=flagged),
        version=rule.version,
    )


def _industry_line(features: Features, rule: ScoreRule) -> ScoreLine:
    points = rule.industry.get(features.industry, rule.industry.get("other", 0))
    words = {"unknown": "industry not known", "other": "an industry without points of its own"}
    return ScoreLine("industry", points, _sentence(words.get(features.industry, _plain(features.industry))))


def _source_line(features: Features, rule: ScoreRule) -> ScoreLine:
    points = rule.source.get(features.source, rule.source.get("other", 0))
    return ScoreLine("source", points, f"Came by {_plain(features.source)}.")


def _requirements_line(features: Features) -> ScoreLine:
    if features.requirements_words == 0:
        return ScoreLine("requirements", 0, "No requirements written.")
    length = sum(2 for least in (3, 15, 40) if features.requirements_words >= least)
    points = length + features.requirements_specifics
    detail = ("none", "one", "two", "three", "all four")[features.requirements_specifics]
    why = f"{features.requirements_words} words; {detail} of figures, dates, systems and goals are named."
    return ScoreLine("requirements", points, why)


def _reasons(features: Features, lines: tuple[ScoreLine, ...]) -> tuple[str, ...]:
    """What speaks for the lead, the strongest first, then what is missing."""
    ranked = sorted((line for line in lines[1:] if line.points > 0), key=lambda line: -line.points)
    return (*(f"+{line.points} {line.factor}: {line.why}" for line in ranked), *_missing(features))


def _missing(features: Features) -> tuple[str, ...]:
    gaps = (
        (features.has_budget, "No budget is known."),
        (features.has_company, "No company is known."),
        (features.industry != "unknown", "The industry is not known."),
        (features.requirements_words > 0, "The requirements are not known."),
        (features.urgency != "unknown", "No timeline is known."),
    )
    return tuple(sentence for known, sentence in gaps if not known)


def _recommendation(features: Features, *, score: int, threshold: int, flagged: bool) -> str:
    if flagged:
        return "Look at the scan's findings first; do not answer before a person has cleared them."
    if score > threshold:
        if features.requirements_words < 15:
            return "Worth pursuing. Ask for the requirements in a short call, then write the proposal."
        if not features.has_budget:
            return "Worth pursuing. Agree on a budget frame, then write the proposal."
        return "Worth pursuing. Write the proposal now, while the need is fresh."
    if not features.has_budget:
        return "Not yet. Ask for the budget: it is the largest open question."
    if features.requirements_words < 15:
        return "Not yet. Ask what exactly is to be done and by when, then score again."
    if score > threshold - 10:
        return "Close. A short call decides whether it is worth a proposal."
    return "Low priority. Send a friendly answer and look again if something changes."


def _plain(key: str) -> str:
    return key.replace("_", " ")


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."
