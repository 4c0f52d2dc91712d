"""Satisfaction: what a client answers by the survey link."""

from dataclasses import replace

from grace.domains.delivery import queries
from grace.domains.delivery.errors import WrongState
from grace.domains.delivery.facts import SurveyAnswered
from grace.domains.delivery.models import Project
from grace.domains.delivery.service.projects import change
from grace.kit.tx import Tx

RATED = ("delivered", "completed")


async def answer_survey(tx: Tx, *, project_id: str, score: int, comment: str | None) -> Project:
    """Keep an answer (0 to 10) of the project's client. A change of mind is kept beside the former answers and
    counts; the same answer again changes nothing. WrongState before the delivery."""
    before = await queries.project(tx, project_id, lock=True)
    if before.status not in RATED:
        raise WrongState(f"A project is rated once it is delivered; this one is {before.status}.",
                         current=before.status)  # fmt: skip
    if (before.nps_score, before.client_feedback) == (score, comment):
        return before
    await tx.execute(
        "insert into survey_answer (project_id, contact, revision, score, comment, answered_at)"
        " select %(project)s, %(contact)s, 1 + coalesce(max(revision), 0), %(score)s, %(comment)s, %(now)s"
        " from survey_answer where project_id = %(project)s and contact = %(contact)s",
        project=before.id,
        contact=before.client_id,
        score=score,
        comment=comment,
        now=tx.now,
    )
    after = replace(before, nps_score=score, client_feedback=comment)
    after = await change(tx, before, after, action="answer_survey")
    tx.emit(SurveyAnswered(after.id, after.client_id, after.lead_id, after.version, score))
    return after
