"""Makes a proposal from a brief: understand, estimate, price, schedule, write.

The same brief gives the same proposal.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from math import ceil

from grace.providers.architect.builtin.understanding import Scope, Understanding, understand
from grace.providers.architect.builtin.work import WORK, estimate_hours
from grace.providers.architect.builtin.writing import write_proposal
from grace.providers.architect.port import (
    Client,
    Deliverable,
    PaymentPart,
    Phase,
    Pricing,
    ProposalBrief,
    ProposalDraft,
    ProposalTemplate,
    RateCard,
    Timeline,
    WorkKind,
)
from grace.providers.architect.pricing import Fit, Line, fit_to_budget, share_out

VERSION = "builtin-1"

_PHASES = (
    "Plan and design",
    "Build",
    "Connect and automate",
    "Launch and hand over",
    "After launch",
)
_AROUND = (WorkKind.DISCOVERY, WorkKind.LAUNCH, WorkKind.TRAINING, WorkKind.SUPPORT)
_FRAME = (WorkKind.DISCOVERY, WorkKind.LAUNCH)
_QUESTION_DEADLINE = "Is there a date by which this must be live, and what happens on that date?"


def propose(brief: ProposalBrief) -> ProposalDraft:
    """Write the proposal. Raises ValueError when requirements or rate are missing."""
    if not brief.requirements.strip():
        raise ValueError("the requirements are empty")
    if brief.rate_card.hourly_rate_minor <= 0 or brief.rate_card.hours_per_week <= 0:
        raise ValueError("the rate card needs an hourly rate and hours per week above zero")
    understood = understand(brief.requirements)
    scopes = _in_order(_with_frame(understood, brief))
    hours = [_hours(scope, scopes, brief) for scope in scopes]
    lines = [
        Line(spent, brief.rate_card.rate_minor(scope.kind), scope.optional)
        for scope, spent in zip(scopes, hours, strict=True)
    ]
    fit = fit_to_budget(lines, budget_minor=brief.budget_minor, max_discount_percent=brief.max_discount_percent)
    priced = dict(zip(fit.kept, fit.prices_minor, strict=True))
    made = [
        _deliverable(scope, line, number, priced.get(index), brief.rate_card)
        for index, (scope, line) in enumerate(zip(scopes, lines, strict=True))
        for number in (fit.kept.index(index) + 1 if index in priced else 0,)
    ]
    kept = tuple(one for one in made if one.number)
    left_out = tuple(one for one in made if not one.number)
    timeline, kept = _schedule(kept, brief.rate_card.hours_per_week)
    pricing = _pricing(fit, kept, timeline, brief)
    return _written(brief, understood, _title(kept, _main_kind(kept), brief.client), kept, left_out, timeline, pricing)


def revise(brief: ProposalBrief, draft: ProposalDraft) -> ProposalDraft:
    """Write `draft` anew: its scope in the order of the phases, with the timeline, payments and text that follow."""
    ordered = sorted(draft.deliverables, key=lambda one: _place(one.kind))
    kept = tuple(
        replace(
            one,
            number=number,
            description=one.description or WORK[one.kind].does,
            acceptance=one.acceptance or WORK[one.kind].done,
        )
        for number, one in enumerate(ordered, start=1)
    )
    timeline, kept = _schedule(kept, brief.rate_card.hours_per_week)
    pricing = replace(draft.pricing, payments=_payments(draft.pricing.total_minor, timeline, brief))
    return _written(brief, understand(brief.requirements), draft.title, kept, draft.left_out, timeline, pricing)


def _written(
    brief: ProposalBrief,
    understood: Understanding,
    title: str,
    kept: tuple[Deliverable, ...],
    left_out: tuple[Deliverable, ...],
    timeline: Timeline,
    pricing: Pricing,
) -> ProposalDraft:
    """The rest of a proposal whose scope, timeline and price stand."""
    kind = _main_kind(kept)
    template = next((one for one in brief.templates if one.kind is kind), None)
    draft = ProposalDraft(
        title=title,
        kind=kind,
        summary=_summary(kept),
        deliverables=kept,
        left_out=left_out,
        timeline=timeline,
        pricing=pricing,
        assumptions=_assumptions(kept, brief, template),
        exclusions=_exclusions(kept, template),
        questions=_questions(understood, kept),
        valid_until=brief.today + timedelta(days=brief.valid_days),
        text="",
        written_by=VERSION,
    )
    return replace(draft, text=write_proposal(draft, brief, understood, template))


def _with_frame(understood: Understanding, brief: ProposalBrief) -> list[Scope]:
    """The client's scope, with a kick-off and a handover around it when there is enough to build."""
    scopes = list(understood.scopes)
    if not scopes:
        words = brief.requirements.split()
        first = " ".join(words)[:300]
        scopes = [Scope(WorkKind.CUSTOM, WORK[WorkKind.CUSTOM].title, [first])] if len(words) > 2 else []
    built = sum(estimate_hours(scope.kind, tuple(scope.points)) for scope in scopes if scope.kind not in _AROUND)
    have = {scope.kind for scope in scopes}
    if WorkKind.DISCOVERY not in have and (built >= 24 or not scopes):
        scopes.append(Scope(WorkKind.DISCOVERY, WORK[WorkKind.DISCOVERY].title))
    if built >= 40:
        scopes.append(Scope(WorkKind.LAUNCH, WORK[WorkKind.LAUNCH].title))
    return scopes


def _in_order(scopes: list[Scope]) -> list[Scope]:
    """In the order of the phases; within a phase as the client named them, kick-off first."""
    return sorted(scopes, key=lambda scope: _place(scope.kind))


def _place(kind: WorkKind) -> tuple[int, bool]:
    return _PHASES.index(WORK[kind].phase), kind is not WorkKind.DISCOVERY


def _hours(scope: Scope, scopes: Sequence[Scope], brief: ProposalBrief) -> int:
    past = tuple(p.hours[scope.kind] for p in brief.past_projects if p.hours.get(scope.kind, 0) > 0)
    if scope.kind not in _FRAME or scope.points:
        return estimate_hours(scope.kind, tuple(scope.points), past_hours=past)
    if len(scopes) == 1:
        return WORK[scope.kind].base_hours
    others = sum(estimate_hours(s.kind, tuple(s.points)) for s in scopes if s.kind not in _AROUND)
    share = max(4, others * 7 // 100)
    return min(share + share % 2, 40)


def _deliverable(scope: Scope, line: Line, number: int, price: int | None, rates: RateCard) -> Deliverable:
    work = WORK[scope.kind]
    return Deliverable(
        number=number,
        kind=scope.kind,
        title=scope.title,
        description=work.does,
        includes=tuple(scope.points),
        acceptance=work.done,
        hours=line.hours,
        weeks=max(1, ceil(line.hours / rates.hours_per_week)),
        rate_minor=line.rate_minor,
        list_price_minor=line.list_price_minor,
        price_minor=line.list_price_minor if price is None else price,
        optional=scope.optional,
    )


def _schedule(kept: tuple[Deliverable, ...], hours_per_week: int) -> tuple[Timeline, tuple[Deliverable, ...]]:
    """One deliverable after the other at so many hours a week.

    A deliverable takes the weeks that it touches.
    """
    spans: list[tuple[int, int]] = []
    spent = 0
    for one in kept:
        first = spent // hours_per_week + 1
        spent += one.hours
        spans.append((first, max(first, ceil(spent / hours_per_week))))
    phases = []
    for title in _PHASES:
        inside = [(one, span) for one, span in zip(kept, spans, strict=True) if WORK[one.kind].phase == title]
        if inside:
            numbers = tuple(one.number for one, _ in inside)
            phases.append(Phase(title, inside[0][1][0], inside[-1][1][1], numbers))
    scheduled = tuple(replace(one, weeks=last - first + 1) for one, (first, last) in zip(kept, spans, strict=True))
    return Timeline(weeks=spans[-1][1], phases=tuple(phases)), scheduled


def _pricing(fit: Fit, kept: tuple[Deliverable, ...], timeline: Timeline, brief: ProposalBrief) -> Pricing:
    return Pricing(
        currency=brief.rate_card.currency,
        hourly_rate_minor=brief.rate_card.hourly_rate_minor,
        hours=sum(one.hours for one in kept),
        subtotal_minor=fit.subtotal_minor,
        discount_minor=fit.discount_minor,
        total_minor=fit.total_minor,
        budget_minor=brief.budget_minor,
        over_budget_minor=fit.over_budget_minor,
        payments=_payments(fit.total_minor, timeline, brief),
    )


def _payments(total_minor: int, timeline: Timeline, brief: ProposalBrief) -> tuple[PaymentPart, ...]:
    shares = brief.payment_shares or _usual_shares(timeline.weeks)
    amounts = share_out(total_minor, shares)
    return tuple(
        PaymentPart(due, share, amount)
        for due, share, amount in zip(_due(len(shares), timeline), shares, amounts, strict=True)
    )


def _usual_shares(weeks: int) -> tuple[int, ...]:
    return (50, 50) if weeks <= 3 else (40, 30, 30) if weeks <= 10 else (30, 30, 20, 20)


def _due(parts: int, timeline: Timeline) -> list[str]:
    """On signature, then evenly over the weeks, the last on acceptance."""
    if parts == 1:
        return ["On acceptance"]
    middle = [f"After week {max(1, timeline.weeks * step // (parts - 1))}" for step in range(1, parts - 1)]
    return ["On signature", *middle, "On acceptance"]


def _main_kind(kept: tuple[Deliverable, ...]) -> WorkKind:
    candidates = [one for one in kept if one.kind not in _AROUND] or list(kept)
    return max(candidates, key=lambda one: (one.hours, -one.number)).kind


def _title(kept: tuple[Deliverable, ...], kind: WorkKind, client: Client) -> str:
    """What it is about and for whom: the largest deliverable, and a second one when there are just two."""
    built = list(dict.fromkeys(one.title for one in kept if one.kind not in _FRAME))
    main = next((one.title for one in kept if one.kind is kind), kept[0].title)
    others = [title for title in built if title != main]
    second = ""
    if len(others) == 1:
        other = others[0]
        second = f" and {other if other[:2].isupper() else other[0].lower() + other[1:]}"
    return f"{main}{second} for {(client.company or client.name).strip()}"


def _summary(kept: tuple[Deliverable, ...]) -> str:
    built = [one.title for one in kept if one.kind not in _FRAME]
    return ", ".join(built or [one.title for one in kept]) + "."


def _assumptions(
    kept: tuple[Deliverable, ...], brief: ProposalBrief, template: ProposalTemplate | None
) -> tuple[str, ...]:
    needs = [
        f"For “{one.title}” we receive {WORK[one.kind].needs} before that work starts."
        for one in kept
        if WORK[one.kind].needs
    ]
    learned = sorted({one.title for one in kept for p in brief.past_projects if p.hours.get(one.kind, 0) > 0})
    past = [f"The hours for {' and '.join(learned)} lean on comparable projects we finished."] if learned else []
    general = "Feedback on what we show reaches us within three working days; waiting longer moves the dates."
    return (*needs, general, *past, *(template.assumptions if template else ()))


def _exclusions(kept: tuple[Deliverable, ...], template: ProposalTemplate | None) -> tuple[str, ...]:
    found = [WORK[one.kind].leaves_out for one in kept if WORK[one.kind].leaves_out]
    general = "Work beyond the list above; we estimate it before we start it."
    return (*dict.fromkeys(f"{text}." for text in found), general, *(template.exclusions if template else ()))


def _questions(understood: Understanding, kept: tuple[Deliverable, ...]) -> tuple[str, ...]:
    """At most three, the ones whose answers would change the plan."""
    kinds = {one.kind for one in kept}
    asked = []
    if understood.deadline is None:
        asked.append(_QUESTION_DEADLINE)
    if kinds & {WorkKind.WEBSITE, WorkKind.SHOP} and not understood.mentions_content:
        asked.append("Who writes the texts and provides the pictures?")
    if kinds & {WorkKind.INTEGRATION, WorkKind.DATA, WorkKind.AUTOMATION}:
        asked.append("Who on your side knows the systems involved and can give us access?")
    if kinds & {WorkKind.APP, WorkKind.API} and len(asked) < 2:
        asked.append("Who will use it first, and what must they be able to do on the first day?")
    if WorkKind.CUSTOM in kinds:
        asked.append("How will you recognise that this project was a success?")
    return tuple(asked[:3])
