"""Writes the proposal as Markdown: a letter first, then scope, timeline, price and the small print.

Whatever the client or the business wrote goes through `plain`, so that their words can never become markup.
"""

from decimal import Decimal
from string import Template

from grace.kit.display import format_date, format_money
from grace.kit.markdown import plain
from grace.providers.architect.builtin.understanding import Understanding
from grace.providers.architect.builtin.voices import VOICES, Voice
from grace.providers.architect.port import (
    Deliverable,
    PastProject,
    Pricing,
    ProposalBrief,
    ProposalDraft,
    ProposalTemplate,
)
from grace.providers.architect.pricing import discount_percent


def write_proposal(
    draft: ProposalDraft, brief: ProposalBrief, understood: Understanding, template: ProposalTemplate | None
) -> str:
    """The whole text of a proposal whose structure and price stand."""
    parts = (
        _letter(draft, brief, template),
        _scope(draft),
        _timeline(draft, understood),
        _price(draft, brief),
        _list("What we count on", draft.assumptions),
        _list("Not part of this offer", draft.exclusions),
        _next(draft, brief, template),
    )
    return "\n\n".join(part for part in parts if part) + "\n"


def _letter(draft: ProposalDraft, brief: ProposalBrief, template: ProposalTemplate | None) -> str:
    voice = VOICES.get(draft.kind, VOICES[None])
    opening = _fill(template.opening, draft, brief) if template and template.opening else _opening(draft, voice)
    approach = _fill(template.approach, draft, brief) if template and template.approach else voice.approach
    parts = [f"# {plain(draft.title)}", f"{_salutation(brief)},", opening, approach]
    if similar := _similar(draft, brief.past_projects):
        parts.append(similar)
    return "\n\n".join(parts)


def _salutation(brief: ProposalBrief) -> str:
    person, company = brief.client.name.strip(), brief.client.company.strip()
    if person and person.casefold() != company.casefold():
        return f"Dear {plain(person)}"
    return f"Dear team at {plain(company or person)}"


def _opening(draft: ProposalDraft, voice: Voice) -> str:
    weeks, total = _weeks(draft.timeline.weeks), _money(draft.pricing.total_minor, draft.pricing)
    return f"{voice.opening} Below is what you would get, when, and at what price: **{weeks}** of work, **{total}**."


def _similar(draft: ProposalDraft, past: tuple[PastProject, ...]) -> str:
    """Names finished projects of the same kind, only those that the business allows to be named."""
    named = [project for project in past if project.may_mention and project.kind is draft.kind][:2]
    if not named:
        return ""
    sentences = [
        f"“{plain(project.title)}”{f' ({_weeks(project.weeks)})' if project.weeks > 0 else ''}"
        f"{f': {plain(project.result).rstrip(chr(46))}' if project.result else ''}."
        for project in named
    ]
    return f"We have done this kind of work before. {' '.join(sentences)}"


def _scope(draft: ProposalDraft) -> str:
    parts = ["## What you get"]
    parts += [_deliverable(one, draft.pricing) for one in draft.deliverables]
    if draft.left_out:
        parts += ["### Left out to meet your budget", "You can add these at any time, now or later:"]
        parts.append(
            "\n".join(
                f"- **{plain(one.title)}**: {one.hours} hours, "
                f"{_money(one.list_price_minor, draft.pricing)}{_inside(one)}"
                for one in draft.left_out
            )
        )
    return "\n\n".join(parts)


def _deliverable(one: Deliverable, pricing: Pricing) -> str:
    optional = " (optional)" if one.optional else ""
    price = f"{one.hours} hours at {_money(one.rate_minor, pricing)}: {_money(one.list_price_minor, pricing)}"
    parts = [f"### {one.number}. {plain(one.title)}{optional}", f"*{price}*", one.description]
    if one.includes:
        parts.append("It covers, in your words:" if len(one.includes) > 1 else "In your words:")
        parts.append("\n".join(f"- {plain(point)}" for point in one.includes))
    parts.append("Done when:")
    parts.append("\n".join(f"- {criterion}" for criterion in one.acceptance))
    return "\n\n".join(parts)


def _inside(one: Deliverable) -> str:
    return f" ({'; '.join(plain(point) for point in one.includes[:3])})" if one.includes else ""


def _timeline(draft: ProposalDraft, understood: Understanding) -> str:
    rows = ["| When | What | Deliverables |", "| --- | --- | --- |"]
    titles = {one.number: one.title for one in draft.deliverables}
    for phase in draft.timeline.phases:
        when = f"Week {phase.from_week}"
        when += f" to {phase.to_week}" if phase.to_week > phase.from_week else ""
        what = ", ".join(plain(titles[number]) for number in phase.deliverables)
        rows.append(f"| {when} | {phase.title} | {what} |")
    weeks = draft.timeline.weeks
    sentence = f"Weeks count from the day we start. The work takes {_weeks(weeks)} in all."
    if understood.deadline_weeks is not None and understood.deadline_weeks < weeks:
        sentence += (
            f" You asked for {_weeks(understood.deadline_weeks)}; to keep that we would leave out "
            f"scope or add a "
            "second person. Let us settle it before you sign."
        )
    elif understood.deadline_weeks is not None:
        sentence += f" That keeps the {_weeks(understood.deadline_weeks)} you asked for."
    elif understood.deadline is not None:
        sentence += f" You wrote “{plain(understood.deadline)}”: tell us the exact day, and we plan back from it."
    return "\n\n".join(["## When", "\n".join(rows), sentence])


def _price(draft: ProposalDraft, brief: ProposalBrief) -> str:
    pricing = draft.pricing
    rows = ["| Deliverable | Hours | Price |", "| --- | ---: | ---: |"]
    for one in draft.deliverables:
        title = f"{one.number}. {plain(one.title)}"
        rows.append(f"| {title} | {one.hours} | {_money(one.list_price_minor, pricing)} |")
    if pricing.discount_minor:
        percent = discount_percent(pricing.discount_minor, pricing.subtotal_minor)
        rows.append(f"| Subtotal | {pricing.hours} | {_money(pricing.subtotal_minor, pricing)} |")
        rows.append(f"| Discount ({_percent(percent)}) | | {_money(-pricing.discount_minor, pricing)} |")
    rows.append(f"| **Total** | **{pricing.hours}** | **{_money(pricing.total_minor, pricing)}** |")
    plan = ["| Payment | Share | Amount |", "| --- | ---: | ---: |"]
    plan += [
        f"| {part.due} | {part.share_percent} % | {_money(part.amount_minor, pricing)} |" for part in pricing.payments
    ]
    parts = [
        "## What it costs",
        "\n".join(rows),
        _budget(draft),
        "\n".join(plan),
        plain(brief.business.tax_note),
    ]
    return "\n\n".join(part for part in parts if part)


def _budget(draft: ProposalDraft) -> str:
    """What the price means for the budget that the client named; nothing when none was named."""
    pricing = draft.pricing
    if pricing.budget_minor is None:
        return ""
    budget = _money(pricing.budget_minor, pricing)
    if pricing.over_budget_minor:
        with_all = "With the full discount" if pricing.discount_minor else "At this price"
        with_all += " and without the optional part" if draft.left_out else ""
        over = _money(pricing.over_budget_minor, pricing)
        return (
            f"You named a budget of {budget}. {with_all}, this is still {over} above it. "
            "We would rather say so now than cut corners later: tell us which part matters least, "
            "and we make it fit."
        )
    if pricing.discount_minor:
        left = " and left the optional part out" if draft.left_out else ""
        return f"You named a budget of {budget}. We have given a discount{left}, so that it fits."
    if draft.left_out:
        return f"You named a budget of {budget}. We have left the optional part out, so that it fits."
    if pricing.total_minor < pricing.budget_minor:
        left = _money(pricing.budget_minor - pricing.total_minor, pricing)
        return f"That is {left} below the budget of {budget} you named. We charge for the work, not for the budget."
    return f"That is the budget you named: {budget}."


def _next(draft: ProposalDraft, brief: ProposalBrief, template: ProposalTemplate | None) -> str:
    parts = ["## How we go on"]
    if draft.questions:
        parts.append("To be sure that the plan is right, we would like to know:")
        parts.append("\n".join(f"- {question}" for question in draft.questions))
    parts.append(
        f"This offer holds until **{format_date(draft.valid_until)}**. To go ahead, accept it with "
        f"the link we sent; "
        "the contract follows for your signature, and the first payment starts the work."
    )
    parts.append(
        _fill(template.closing, draft, brief)
        if template and template.closing
        else "If something here is not what you had in mind, tell us. Changing a plan is cheap."
    )
    signer = [
        plain(text) for text in (brief.business.signer, brief.business.name, brief.business.email) if text.strip()
    ]
    parts.append("Kind regards\n\n" + "\\\n".join(signer))
    return "\n\n".join(parts)


def _list(title: str, points: tuple[str, ...]) -> str:
    return f"## {title}\n\n" + "\n".join(f"- {plain(point)}" for point in points) if points else ""


def _fill(text: str, draft: ProposalDraft, brief: ProposalBrief) -> str:
    """The workspace's own words with the blanks filled in; an unknown blank stays visible."""
    return Template(text).safe_substitute(
        client=plain(brief.client.company or brief.client.name),
        business=plain(brief.business.name),
        project=plain(draft.title),
        weeks=_weeks(draft.timeline.weeks),
    )


def _weeks(number: int) -> str:
    return "1 week" if number == 1 else f"{number} weeks"


def _percent(value: Decimal) -> str:
    return f"{value.normalize():f} %"


def _money(amount_minor: int, pricing: Pricing) -> str:
    return format_money(amount_minor, pricing.currency)
