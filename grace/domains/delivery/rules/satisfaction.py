"""Net promoter score: 0-6 detractor, 7-8 passive, 9-10 promoter, and what to do about an answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum


class NpsCategory(StrEnum):
    """What an answer makes of the client."""

    DETRACTOR = "detractor"
    PASSIVE = "passive"
    PROMOTER = "promoter"


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Something to do within so many days, and why."""

    action: str
    within_days: int
    why: str


@dataclass(frozen=True, slots=True)
class NetPromoter:
    """% promoters less % detractors, -100 to 100, with the number of answers and a 95 % interval."""

    score: Decimal
    answers: int
    low: Decimal
    high: Decimal


def nps_category(score: int) -> NpsCategory:
    """The category of an answer; ValueError outside 0-10."""
    if not 0 <= score <= 10:
        raise ValueError("an NPS answer is 0 to 10")
    if score <= 6:
        return NpsCategory.DETRACTOR
    return NpsCategory.PASSIVE if score <= 8 else NpsCategory.PROMOTER


def follow_ups(score: int, *, comment: str = "") -> tuple[FollowUp, ...]:
    """What to do after an answer, the most urgent first."""
    category = nps_category(score)
    said = bool(comment.strip())
    if category is NpsCategory.DETRACTOR:
        talk = "Answer the comment in person" if said else "Call the client and ask what went wrong"
        return (
            FollowUp(talk, 1, f"A {score} is a client at risk; a quick, personal answer matters most."),
            FollowUp("Write down cause and remedy, and tell the client", 7, "A promise kept turns the judgement."),
            FollowUp("Ask again how satisfied the client is", 45, "Only a second answer shows that it worked."),
        )
    if category is NpsCategory.PASSIVE:
        ask = "Thank for the comment and act on it" if said else "Ask what would have made it a 10"
        return (
            FollowUp(ask, 3, f"A {score} leaves for a better offer; one improvement can decide."),
            FollowUp("Propose a small next step", 30, "Satisfied clients buy again when asked."),
        )
    return (
        FollowUp("Thank the client and ask for a reference", 2, "The best moment to ask is now."),
        FollowUp("Ask who else could need this", 7, "Promoters recommend when it is made easy."),
        FollowUp("Propose the next project", 21, "It costs least to sell to a happy client."),
    )


def net_promoter(scores: Sequence[int]) -> NetPromoter | None:
    """The net promoter score of these answers; None without any."""
    if not scores:
        return None
    categories = [nps_category(score) for score in scores]
    count = Decimal(len(scores))
    promoters = Decimal(categories.count(NpsCategory.PROMOTER)) / count
    detractors = Decimal(categories.count(NpsCategory.DETRACTOR)) / count
    net = promoters - detractors
    margin = Decimal("1.96") * ((promoters + detractors - net * net) / count).sqrt()
    return NetPromoter(
        score=_tenth(net * 100),
        answers=len(scores),
        low=_tenth(max(Decimal(-100), (net - margin) * 100)),
        high=_tenth(min(Decimal(100), (net + margin) * 100)),
    )


def _tenth(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.1"), rounding=ROUND_HALF_UP)
