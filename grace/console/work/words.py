"""What long work is called, counted and said to have come to."""

from grace.console.marks import Mark
from grace.flows.work.models import Kind, State, Work

TITLES: dict[Kind, str] = {
    "lead_import": "Import of leads",
    "invoice_pdfs": "PDFs of invoices",
    "audit_export": "Export of the audit log",
    "verification": "Verification of log and books",
}
UNITS: dict[Kind, str] = {
    "lead_import": "rows",
    "invoice_pdfs": "invoices",
    "audit_export": "entries",
    "verification": "entries",
}
BACK: dict[Kind, tuple[str, str]] = {
    "lead_import": ("/app/pipeline/list", "Leads"),
    "invoice_pdfs": ("/app/invoices", "Invoices"),
    "audit_export": ("/app/audit", "Audit log"),
    "verification": ("/app/audit", "Audit log"),
}
_MARKS: dict[State, Mark] = {
    "waiting": Mark("", "hourglass", "Waiting"),
    "running": Mark("accent", "circle-dot", "Running"),
    "ready": Mark("warn", "circle-help", "Waits for you"),
    "done": Mark("ok", "check", "Done"),
    "failed": Mark("bad", "x", "Failed"),
    "stopped": Mark("", "ban", "Stopped"),
}


def mark(work: Work) -> Mark:
    """How its state is marked; a verification that found something is not well."""
    if work.state == "done" and work.result.get("ok") is False:
        return Mark("bad", "shield-alert", "Found something")
    return _MARKS[work.state]


def progress(work: Work) -> str:
    """`12,000 of 20,000 rows`."""
    unit = UNITS[work.kind]
    if work.state == "waiting" and not work.done:
        return "Waits for the worker"
    if work.kind == "lead_import" and work.state == "running" and work.confirmed_by is None:
        return f"{work.done:,} rows looked at"
    return f"{work.done:,} of {work.total:,} {unit}" if work.total else f"{work.done:,} {unit}"


def left(seconds: int | None) -> str:
    """`about 2 min left`; nothing while the pace is not known."""
    if seconds is None:
        return ""
    return (
        f"about {max(5, round(seconds, -1) or 5)} s left" if seconds < 90 else f"about {round(seconds / 60)} min left"
    )


def outcome(work: Work) -> str:
    """What came of it, in a few words."""
    said = work.result
    if work.state == "failed":
        return work.error or ""
    if work.kind == "lead_import" and "created" in said:
        would = "Would be " if work.state == "ready" else ""
        return (
            f"{would}{said['created'] + said['merged']:,} leads, {said['known']:,} known, {said['rejected']:,} refused"
        )
    if work.kind == "invoice_pdfs" and "documents" in said:
        return f"{said['documents']:,} PDFs"
    if work.kind == "audit_export" and "entries" in said:
        return f"{said['entries']:,} entries"
    if work.kind == "verification" and "ok" in said:
        count = len(said["log_findings"]) + len(said["book_findings"])
        return "Nothing was altered, the books balance" if said["ok"] else f"{count} findings"
    return ""


def file_word(work: Work) -> str:
    """What its file is called on the button that fetches it."""
    if work.kind == "invoice_pdfs":
        count = work.result["documents"]
        return f"{count:,} PDF{'' if count == 1 else 's'}"
    return "the log" if work.kind == "audit_export" else "refused rows"
