"""Why the CRM refuses.

Problem
├── NotFound ── ClientNotFound
├── Invalid ── UnknownSource
└── Conflict
    ├── DuplicateClient    another client has this e-mail, or domain and name
    ├── StaleVersion       somebody changed it in the meantime
    │   └── LeadChanged    a lead: says where it stands now
    └── NotMergeable       the two cannot be merged, or the merge not undone
"""

from grace.kit.errors import Conflict, Invalid, NotFound


class ClientNotFound(NotFound):
    """No client has this id, number or external id."""

    slug, title = "client-not-found", "No such client"

    def __init__(self, reference: str | int) -> None:
        super().__init__(f"No client is called {str(reference)[:128]!r} here.")


class DuplicateClient(Conflict):
    """Another client has this identity; merge them instead."""

    slug, title = "duplicate-client", "This is another client already"

    def __init__(self, reason: str, other_id: str | None = None) -> None:
        super().__init__(f"Another client has the {reason}. Merge them if they are one.", client_id=other_id)


class UnknownSource(Invalid):
    """Nobody has said that leads come from there."""

    slug, title = "unknown-source", "No such source"

    def __init__(self, source: str, known: list[str]) -> None:
        super().__init__(
            f"Leads do not come from {source!r}, but from {', '.join(known)}."
            " The setting lead_sources adds others (PUT /api/v1/settings/lead_sources).",
            known=known,
        )


class StaleVersion(Conflict):
    """The record is newer than the caller's."""

    slug, title = "stale-version", "Changed in the meantime"

    def __init__(self, version: int) -> None:
        super().__init__(f"It was changed in the meantime and has version {version} now.", version=version)


class LeadChanged(StaleVersion):
    """The lead is newer than what the caller saw."""

    def __init__(self, stage: str, version: int) -> None:
        Conflict.__init__(
            self,
            f"The lead was changed in the meantime: it is in {stage} and has version {version} now. Look at it again.",
            stage=stage,
            version=version,
        )


class NotMergeable(Conflict):
    """The merge, or its undoing, is not possible now."""

    slug, title = "not-mergeable", "These cannot be merged"


class LeadNotFound(NotFound):
    """No lead has this id, number or external id."""

    slug, title = "lead-not-found", "No such lead"

    def __init__(self, reference: str | int) -> None:
        super().__init__(f"No lead is called {str(reference)[:128]!r} here.")


class MoveRefused(Conflict):
    """The stage graph has no such move; `allowed` are the stages that it has."""

    slug, title = "move-refused", "This move is not possible"

    def __init__(self, reason: str, allowed: list[str]) -> None:
        super().__init__(reason, allowed=allowed)
