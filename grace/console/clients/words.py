"""How a moment of a client's story is told: an icon, words, and where its record is."""

from typing import NamedTuple


class Word(NamedTuple):
    """The icon, its colour, what happened, and the address that the record's id completes."""

    icon: str
    tone: str
    text: str
    path: str = ""


WORDS: dict[str, Word] = {
    "moved": Word("move-right", "", "Lead moved", "/app/pipeline/"),
    "lead_captured": Word("inbox", "accent", "New lead", "/app/pipeline/"),
    "lead_imported": Word("inbox", "", "Lead imported", "/app/pipeline/"),
    "repeat": Word("repeat-2", "accent", "Came back with more work", "/app/pipeline/"),
    "call": Word("phone", "", "Call", "/app/pipeline/"),
    "email": Word("mail", "", "E-mail", "/app/pipeline/"),
    "meeting": Word("users", "", "Meeting", "/app/pipeline/"),
    "note": Word("message-square", "", "Note", "/app/pipeline/"),
    "proposal_sent": Word("send", "accent", "Proposal sent", "/app/proposals/"),
    "proposal_accepted": Word("check", "ok", "Proposal accepted", "/app/proposals/"),
    "proposal_declined": Word("x", "bad", "Proposal declined", "/app/proposals/"),
    "contract_signed": Word("file-pen-line", "ok", "Contract signed"),
    "project_opened": Word("layers", "", "Project opened", "/app/projects/"),
    "project_delivered": Word("package", "ok", "Work delivered", "/app/projects/"),
    "project_completed": Word("circle-check", "ok", "Project completed", "/app/projects/"),
    "project_cancelled": Word("ban", "", "Project cancelled", "/app/projects/"),
    "survey_answered": Word("star", "accent", "Survey answered", "/app/projects/"),
    "invoice_sent": Word("receipt-text", "accent", "Invoice sent", "/app/invoices/"),
    "invoice_paid": Word("check", "ok", "Invoice paid in full", "/app/invoices/"),
    "invoice_void": Word("ban", "", "Invoice void", "/app/invoices/"),
    "payment_received": Word("arrow-down", "ok", "Payment received", "/app/payments/"),
    "refund_pending": Word("undo-2", "warn", "Refund on its way", "/app/invoices/"),
    "refund_succeeded": Word("undo-2", "", "Refund sent", "/app/invoices/"),
    "refund_failed": Word("triangle-alert", "bad", "Refund failed", "/app/invoices/"),
}
