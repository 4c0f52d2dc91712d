"""The mark of long work in the shell of every page."""

from typing import NamedTuple

from grace.insight.operating import Glance

_SHORT = {"lead_import": "Import", "invoice_pdfs": "PDFs", "audit_export": "Export", "verification": "Verification"}


class Busy(NamedTuple):
    """The mark of long work in the shell: its words, where they lead, and whether it waits for a person."""

    text: str
    path: str
    waits: bool


def busy_of(seen: Glance) -> Busy | None:
    """What the shell says of long work that is not ended; None when there is none."""
    if not seen.works or seen.work_kind is None:
        return None
    waits = seen.work_state == "ready"
    if seen.works > 1:
        return Busy(f"{seen.works} {'imports to confirm' if waits else 'works in hand'}", "/app/work", waits)
    return Busy(f"{_SHORT[seen.work_kind]} {'to confirm' if waits else 'running'}", f"/app/work/{seen.work_id}", waits)
