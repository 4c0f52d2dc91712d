"""Projects as answers: rows with their milestones and the client's survey link."""

from collections.abc import Sequence

from grace.domains.delivery import queries
from grace.domains.delivery.models import Project
from grace.domains.delivery.schemas import ProjectOut
from grace.domains.delivery.service.projects import SURVEY_LINK
from grace.kit import links
from grace.kit.tx import Tx


async def records(tx: Tx, projects: Sequence[Project]) -> list[ProjectOut]:
    """The API records of some projects, with two questions for all of them."""
    ids = [project.id for project in projects]
    milestones = await queries.milestones(tx, ids)
    tokens = await links.tokens(tx, kind=SURVEY_LINK, subjects=ids)
    return [ProjectOut.of(project, milestones[project.id], tokens.get(project.id)) for project in projects]


async def record(tx: Tx, project: Project) -> ProjectOut:
    """The API record of one project."""
    return (await records(tx, [project]))[0]
