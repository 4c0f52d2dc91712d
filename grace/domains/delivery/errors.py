"""Why delivery refuses.

Problem
├── NotFound ── ProjectNotFound, MilestoneNotFound, ArtefactNotFound
└── Conflict
    ├── WrongState        the project is not in a state for this
    ├── MilestonesOpen    not all of the work is done
    └── DeliveryRunning   the project is being built
"""

from grace.kit.errors import Conflict, NotFound


class ProjectNotFound(NotFound):
    """No project has this id or number."""

    slug, title = "project-not-found", "No such project"

    def __init__(self, reference: str | int) -> None:
        super().__init__(f"No project is called {str(reference)[:64]!r} here.")


class MilestoneNotFound(NotFound):
    """The project has no such milestone."""

    slug, title = "milestone-not-found", "No such milestone"


class ArtefactNotFound(NotFound):
    """The project has no such file."""

    slug, title = "artefact-not-found", "No such file"


class WrongState(Conflict):
    """The project is not in a state for this; `current` is the one it is in."""

    slug, title = "wrong-state", "Not possible in its present state"

    def __init__(self, detail: str, *, current: str) -> None:
        super().__init__(detail, current=current)


class MilestonesOpen(Conflict):
    """Milestones are open; `open` names them."""

    slug, title = "milestones-open", "Not all of the work is done"

    def __init__(self, titles: list[str]) -> None:
        super().__init__(f"Complete the milestones first: {', '.join(titles)[:500]}.", open=titles)


class DeliveryRunning(Conflict):
    """The architect is at work on this project."""

    slug, title = "delivery-running", "The delivery is being built"

    def __init__(self) -> None:
        super().__init__("A delivery of this project is being built. Wait until it is done.")
